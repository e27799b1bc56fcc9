"""The stream framer (RFC 3261 section 18.3).

Invariant: nothing is raised. However the network cuts the bytes, the same messages come out, and the stream breaks at
the same message or not at all. Messages are pieces of the stream in order; no more is buffered than the limit and a
read.
"""

from fuzz.targets.pieces import Growing, repeated
from fuzz.targets.sip_message import GROWING as _MESSAGES
from kak_server.sip.framing import Frame, StreamFramer

MAX_BYTES = 65_536
_LIMIT_BYTES = 4_000
_LARGE_BYTES = 6_000  # from here on the limit is no longer what is tested
_MESSAGE = b"OPTIONS sip:x SIP/2.0\r\nl: 3\r\n\r\nabc"

GROWING: Growing = {
    **{f"message: {name}": grow for name, grow in _MESSAGES.items()},
    "many messages": repeated(_MESSAGE),
    "messages and pings": repeated(_MESSAGE + b"\r\n\r\n"),
    "line feeds alone": repeated(b"\n", _MESSAGE),
    "pings": repeated(b"\r\n\r\n"),
    "lengths": repeated(b"l:0\r\n", b"OPTIONS sip:x SIP/2.0\r\n", b"\r\n"),
    "head and body": lambda size: (
        b"OPTIONS sip:x SIP/2.0\r\nl: %d\r\n" % (size // 2) + b"X: y\r\n" * (size // 12) + b"\r\n" + bytes(size // 2)
    ),
    "spaces in a length": repeated(b" ", b"OPTIONS sip:x SIP/2.0\r\nl:", b"0x\r\n\r\n"),
    "spaces inside a length": repeated(b" ", b"OPTIONS sip:x SIP/2.0\r\nl: 0", b"0\r\n\r\n"),
    "spaces before the colon": repeated(b" ", b"OPTIONS sip:x SIP/2.0\r\nl", b"\r\n\r\n"),
}


def _messages(frames: list[Frame]) -> list[tuple[str, bytes]]:
    return [(frame.kind, frame.data if frame.kind == "message" else b"") for frame in frames if frame.kind != "ping"]


def _fed(data: bytes, size: int, limit: int) -> list[Frame]:
    framer = StreamFramer(limit)
    frames: list[Frame] = []
    for start in range(0, len(data), size):
        frames += framer.feed(data[start : start + size])
        assert len(framer._buffer) <= limit + size
    return frames


def check(data: bytes) -> None:
    """See above."""
    limit = _LIMIT_BYTES if len(data) < _LARGE_BYTES else MAX_BYTES
    whole = _messages(_fed(data, max(1, len(data)), limit))
    for size in (max(1, len(data) // 7), 61) if len(data) > 2_000 else (1, 7, 61):
        assert _messages(_fed(data, size, limit)) == whole, size
    position = 0
    for kind, message in whole:
        if kind == "message":
            position = data.index(message, position) + len(message)
