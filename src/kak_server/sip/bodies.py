"""Message bodies: one part, or several in multipart/mixed (RFC 3261 section 7.4, RFC 2046 section 5.1, RFC 5621)."""

import re

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_media_type
from kak_server.sip.parser import Message

MAX_PARTS = 32
MAX_DEPTH = 3
SDP = "application/sdp"
PIDF = "application/pidf+xml"
_SDP_LINES = re.compile(rb"(?:\A|\n)(v=0\r?\n(?:[a-z]=[^\r\n]*\r?\n){3,200})")


@frozen
class Part:
    """One body part. `content_id` without angle brackets."""

    media_type: str
    data: bytes
    content_id: str = ""
    disposition: str = ""


def parts_of(message: Message) -> list[Part]:
    """The parts of a body, nested multiparts flattened in order; none for an empty body. Raises ParseError.

    Status 415 on the error: a body without a type, or of a kind (encoded) we cannot open (8.2.3).
    """
    if not message.body:
        return []
    content_type = message.get("content-type")
    if not content_type:
        raise ParseError("a body without Content-Type", 415)
    encoding = (message.get("content-encoding") or "identity").lower()
    if encoding != "identity":
        raise ParseError(f"Content-Encoding {encoding[:40]}", 415)
    found: list[Part] = []
    _collect(content_type, message.body, _content_id(message.get("content-id")), _disposition(message), found, 1)
    return found


def salvaged_sdp(body: bytes) -> str | None:
    """The session description in a body that cannot be cut in parts, for a call that must not be refused for it: the
    first run of lines that begins as one (RFC 8866 section 5)."""
    found = _SDP_LINES.search(body)
    return found.group(1).decode("utf-8", "replace") if found is not None else None


def _disposition(message: Message) -> str:
    return (message.get("content-disposition") or "").partition(";")[0].strip().lower()


def _content_id(value: str | None) -> str:
    return (value or "").strip().removeprefix("<").removesuffix(">")


def _collect(content_type: str, data: bytes, content_id: str, disposition: str, found: list[Part], depth: int) -> None:
    media_type, params = parse_media_type(content_type)
    if not media_type.startswith("multipart/"):
        found.append(Part(media_type, data, content_id, disposition))
        return
    boundary = params.get("boundary", "")
    if not boundary or len(boundary) > 70:
        raise ParseError("multipart without a usable boundary")  # RFC 2046 5.1.1
    if depth > MAX_DEPTH:
        raise ParseError("multiparts nested too deep")
    pieces = _cut(data, boundary.encode("utf-8", "replace"))
    if len(found) + len(pieces) > MAX_PARTS:
        raise ParseError("too many body parts")
    for piece in pieces:
        fields, body = _part_fields(piece)
        _collect(
            fields.get("content-type", "text/plain"),
            body,
            _content_id(fields.get("content-id")),
            fields.get("content-disposition", "").partition(";")[0].strip().lower(),
            found,
            depth + 1,
        )


def _cut(data: bytes, boundary: bytes) -> list[bytes]:
    """The parts between the delimiters; preamble and epilogue dropped, a missing last delimiter forgiven."""
    padded = b"\r\n" + data
    delimiters = list(re.finditer(rb"\r\n--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|\Z)", padded))
    if not delimiters:
        raise ParseError("multipart without its boundary in the body")
    pieces = []
    for number, delimiter in enumerate(delimiters):
        if delimiter.group(1):
            break
        end = delimiters[number + 1].start() if number + 1 < len(delimiters) else len(padded)
        pieces.append(padded[delimiter.end() + 2 : end])
    return pieces


def _part_fields(piece: bytes) -> tuple[dict[str, str], bytes]:
    if piece.startswith(b"\r\n"):
        return {}, piece[2:]
    head, separator, body = piece.partition(b"\r\n\r\n")
    if not separator:
        return {}, piece
    text = head.decode("utf-8", "replace").replace("\r\n ", " ").replace("\r\n\t", " ")
    fields = {}
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
    return fields, body
