"""The messages of RFC 4475 and RFC 5118 as bytes, out of the notation those RFCs print them in."""

import re
from functools import cache
from pathlib import Path

_REPEAT = re.compile(r"<repeat count=(\d+)>(.*?)</repeat>")
_ONE_LINE = re.compile(r"<allOneLine>\n(.*?)\n</allOneLine>", re.DOTALL)
_HEX = re.compile(r"<hex>([0-9A-F\s]*)</hex>")
FILES = {"4475": "rfc4475.txt", "5118": "rfc5118.txt"}


def expand(text: str) -> bytes:
    """RFC 4475 section 2.1: repetitions, joined lines, octets in hexadecimal; every line ends with CRLF."""
    text = _REPEAT.sub(lambda match: match[2] * int(match[1]), text)
    text = _ONE_LINE.sub(lambda match: match[1].replace("\n", ""), text)
    pieces = _HEX.split(text)  # text, octets, text, ...
    return b"".join(
        bytes.fromhex("".join(piece.split())) if index % 2 else piece.replace("\n", "\r\n").encode("ascii")
        for index, piece in enumerate(pieces)
    )


@cache
def messages(rfc: str) -> dict[str, bytes]:
    """Name to message, in the order of the RFC."""
    text = (Path(__file__).parent / FILES[rfc]).read_text(encoding="ascii")
    _, *blocks = re.split(r"(?m)^== ", text)
    found = {}
    for block in blocks:
        name, _, body = block.partition("\n")
        found[name] = expand(body)
    return found


def message(name: str) -> bytes:
    """One message of either RFC by its name."""
    return {**messages("4475"), **messages("5118")}[name]
