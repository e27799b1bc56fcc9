"""Messages out of a byte stream (RFC 3261 section 18.3, keep-alives of RFC 5626 section 3.5.1)."""

import re
from typing import Literal

from kak_server.model.light import frozen

# White space around the value is taken off afterwards: a pattern that does it looks at each space again and again
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:([^\r\n]*)(?=\r\n)", re.IGNORECASE)
_END = b"\r\n\r\n"


@frozen
class Frame:
    """A whole message, a keep-alive ping to be answered with CRLF, or the bytes behind which the stream is lost."""

    kind: Literal["message", "ping", "broken"]
    data: bytes = b""
    problem: str = ""


class StreamFramer:
    """One connection's receive side. After a "broken" frame nothing more comes out: close the connection."""

    def __init__(self, max_message_bytes: int) -> None:
        self._max = max_message_bytes
        self._buffer = bytearray()
        self._searched = 0  # no end of headers before this offset: the search stays linear in what arrives
        self._total = 0  # bytes of the message whose headers are here; 0 while they are not
        self._broken = False
        self._messages = 0

    @property
    def unfinished(self) -> int:
        """The ordinal (from 1) of the message that is begun and not whole; 0 when there is none."""
        return self._messages + 1 if self._buffer else 0

    def feed(self, data: bytes) -> list[Frame]:
        """Take what arrived; give the frames that are whole now."""
        if self._broken:
            return []
        self._buffer += data
        frames: list[Frame] = []
        while True:
            if self._strip_line_ends():
                frames.append(Frame("ping"))
            frame = self._next_message()
            if frame is None:
                return frames
            frames.append(frame)
            if frame.kind == "broken":
                self._broken = True
                self._buffer.clear()
                return frames

    def _strip_line_ends(self) -> bool:
        """7.5: CRLFs before a start line mean nothing; two of them are a ping. True when there was a ping."""
        buffer = self._buffer
        if self._searched or not buffer.startswith(b"\r\n"):
            return False
        count = 0
        while buffer.startswith(b"\r\n", 2 * count):
            count += 1
        del buffer[: 2 * count]
        return count >= 2

    def _next_message(self) -> Frame | None:
        buffer = self._buffer
        if not self._total:
            problem = self._read_head()
            if problem:
                return self._break(problem)
        if not self._total or len(buffer) < self._total:
            return None
        message = bytes(buffer[: self._total])
        del buffer[: self._total]
        self._searched = self._total = 0
        self._messages += 1
        return Frame("message", message)

    def _read_head(self) -> str:
        """Find the end of the header block, once, and from its Content-Length the message's size. What is wrong."""
        buffer = self._buffer
        end = buffer.find(_END, max(0, self._searched - 3))
        if end < 0:
            # Half a line end is not yet a header block: the next byte may complete a ping
            self._searched = len(buffer) if len(buffer) > 1 else 0
            return "header block too large" if len(buffer) > self._max else ""
        lengths = {match.group(1).strip(b" \t") for match in _LENGTH.finditer(buffer, 0, end + 2)}
        if len(lengths) != 1:
            return "no Content-Length on a stream" if not lengths else "two Content-Lengths"
        text = bytes(lengths.pop())
        if not text.isdigit() or len(text) > 9:
            return "bad Content-Length"
        total = end + len(_END) + int(text)
        if total > self._max:
            return "message too large"
        self._total = total
        return ""

    def _break(self, problem: str) -> Frame:
        end = self._buffer.find(_END)
        head = bytes(self._buffer[: end + len(_END)]) if end >= 0 else b""
        return Frame("broken", head, problem)
