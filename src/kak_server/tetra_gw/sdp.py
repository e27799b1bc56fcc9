"""The little SDP (RFC 8866) of a media leg: one PCMA/8000 stream, its address and its port."""

import ipaddress

from kak_server.model.light import frozen

PCMA_PAYLOAD_TYPE = 8  # RFC 3551 section 6, table 4
PCMA_NAMES = ("PCMA/8000", "PCMA/8000/1")


class SdpError(ValueError):
    """The description does not name one usable RTP stream."""


@frozen
class MediaEnd:
    """Where one side takes RTP."""

    host: str
    port: int
    payload_type: int = PCMA_PAYLOAD_TYPE


def build(end: MediaEnd) -> str:
    """The description of one end, 20 ms packets."""
    family = "IP6" if ":" in end.host else "IP4"
    lines = (
        "v=0",
        f"o=- 0 0 IN {family} {end.host}",
        "s=-",
        f"c=IN {family} {end.host}",
        "t=0 0",
        f"m=audio {end.port} RTP/AVP {end.payload_type}",
        f"a=rtpmap:{end.payload_type} PCMA/8000",
        "a=ptime:20",
    )
    return "\r\n".join(lines) + "\r\n"


def parse(text: str) -> MediaEnd:
    """Read the first audio stream. Raises SdpError. Only literal addresses: a gateway's peer resolves no names."""
    host, port, payload_type, pcma = "", 0, -1, set[int]()
    for line in text.splitlines():
        kind, _, value = line.partition("=")
        words = value.split()
        if kind == "c" and len(words) == 3 and words[0] == "IN":
            host = _address(words[2])
        elif kind == "m" and len(words) >= 4 and words[0] == "audio" and words[2] == "RTP/AVP" and payload_type < 0:
            port, payload_type = _number(words[1], 65_535), _number(words[3], 127)
        elif kind == "a" and len(words) == 2 and words[0].startswith("rtpmap:") and words[1].upper() in PCMA_NAMES:
            pcma.add(_number(words[0].partition(":")[2], 127))
    if not host or port <= 0 or payload_type < 0:
        raise SdpError("no audio stream with an address and a port")
    # A static payload type needs no rtpmap (RFC 3551 section 6); any other must be mapped to PCMA.
    if payload_type != PCMA_PAYLOAD_TYPE and payload_type not in pcma:
        raise SdpError("the first format is not PCMA/8000")
    return MediaEnd(host, port, payload_type)


def _number(word: str, highest: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 5 and int(word) <= highest):
        raise SdpError(f"not a number up to {highest}: {word[:16]!r}")
    return int(word)


def _address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        raise SdpError(f"not an address: {word[:64]!r}") from None
