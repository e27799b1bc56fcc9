"""Messages out of a stream."""

import pytest

from kak_server.sip.framing import Frame, StreamFramer
from tests.unit.sip.uac import OFFER, Caller

ONE = Caller().invite().encode()
TWO = Caller().request("OPTIONS").encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 10_000])
def test_messages_in_pieces_of_any_size(size: int) -> None:
    stream = ONE + b"\r\n\r\n" + TWO + b"\r\n" + ONE + b"\r\n\r\n"
    framer = StreamFramer(65_535)
    frames = [frame for start in range(0, len(stream), size) for frame in framer.feed(stream[start : start + size])]
    assert [frame.data for frame in frames if frame.kind == "message"] == [ONE, TWO, ONE]
    assert not [frame for frame in frames if frame.kind == "broken"]
    # a ping cut in two by the network may read as two lone line ends: never as more pings than there were
    assert 0 <= len([frame for frame in frames if frame.kind == "ping"]) <= 2
    if size >= 4:
        assert framer.unfinished == 0


def test_a_ping_between_messages() -> None:
    framer = StreamFramer(65_535)
    assert framer.feed(b"\r\n\r\n") == [Frame("ping")]
    assert framer.feed(b"\r\n") == []
    assert [frame.kind for frame in framer.feed(ONE)] == ["message"]


def test_which_message_is_unfinished() -> None:
    framer = StreamFramer(65_535)
    assert framer.unfinished == 0
    framer.feed(ONE[:50])
    assert framer.unfinished == 1
    framer.feed(ONE[50:])
    assert framer.unfinished == 0
    framer.feed(TWO[:10])
    assert framer.unfinished == 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (ONE.replace(b"Content-Length", b"X-Length"), "no Content-Length"),
        (ONE.replace(b"Content-Length: ", b"l: 3\r\nContent-Length: "), "two Content-Lengths"),
        (ONE.replace(f"Content-Length: {len(OFFER)}".encode(), b"Content-Length: -5"), "bad Content-Length"),
        (ONE.replace(f"Content-Length: {len(OFFER)}".encode(), b"Content-Length: 9999999"), "message too large"),
        (b"x" * 70_000, "header block too large"),
    ],
)
def test_a_lost_stream_says_why_and_goes_silent(data: bytes, problem: str) -> None:
    framer = StreamFramer(65_535)
    (frame,) = framer.feed(data)
    assert (frame.kind, frame.problem.startswith(problem)) == ("broken", True)
    assert framer.feed(ONE) == []
    assert framer.unfinished == 0


def test_line_ends_alone_never_fill_the_memory() -> None:
    framer = StreamFramer(1_000)
    for _ in range(100):
        framer.feed(b"\r\n" * 1_000)
    assert framer.unfinished == 0
    assert framer.feed(b"\n" * 2_000)[0].kind == "broken"


def test_spaces_around_and_inside_a_length() -> None:
    head = b"OPTIONS sip:x SIP/2.0\r\nl"
    assert [frame.kind for frame in StreamFramer(4_000).feed(head + b" \t:\t 3 \t\r\n\r\nabc")] == ["message"]
    (broken,) = StreamFramer(4_000).feed(head + b": 0" + b" " * 900 + b"0\r\n\r\n")
    assert (broken.kind, broken.problem) == ("broken", "bad Content-Length")


def test_line_feeds_alone_are_no_line_ends() -> None:
    framer = StreamFramer(40)
    assert framer.feed(b"\n" * 40) == []
    (broken,) = framer.feed(b"\n")
    assert (broken.kind, broken.problem) == ("broken", "header block too large")
