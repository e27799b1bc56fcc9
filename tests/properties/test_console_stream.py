"""Whatever is pushed, flushed, lost and resumed in whatever order: the client ends where one that never lost its
connection ends."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.console.settings import StreamLimits
from kak_server.console.stream import Stream, encode
from kak_server.model.codec import Json


class House:
    """The truth: a log of immediate events folded into totals, and lists."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.lists: dict[str, int] = {}

    def snapshot(self) -> dict[str, Json]:
        return {"totals": dict(self.totals), "lists": dict(self.lists)}


class Client:
    """A console: state by snapshot and events, with the laws a client may rely on checked at each message."""

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None
        self.seq: int | None = None

    def take(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "snapshot":
            self.state, self.seq = message["state"], message["seq"]
            return
        assert self.state is not None
        assert self.seq is not None
        if message["type"] == "resumed":
            assert message["seq"] == self.seq
            return
        assert message["seq"] == self.seq + 1, "a gap"
        self.seq = message["seq"]
        if message["type"].startswith("list"):
            self.state["lists"][message["type"]] = message["data"]
        else:
            self.state["totals"][message["type"]] = self.state["totals"].get(message["type"], 0) + message["data"]


class Line:
    """A connection: what the server has sent may be lost from some point on when it breaks."""

    def __init__(self, stream: Stream, house: House, client: Client, now_ms: int) -> None:
        self.stream, self.house, self.client = stream, house, client
        self.in_flight: list[str] = []
        if stream.can_resume(client.seq, now_ms):
            assert client.seq is not None
            self.cursor = client.seq
            self.in_flight.append(encode({"type": "resumed", "seq": self.cursor}))
        else:
            self._snapshot()

    def _snapshot(self) -> None:
        self.cursor = self.stream.begin_snapshot()
        self.in_flight.append(encode({"type": "snapshot", "seq": self.cursor, "state": self.house.snapshot()}))

    def send(self, count: int) -> None:
        """The sender gets so many events out: fewer than there are when the reader is slow."""
        entries = self.stream.after(self.cursor, count)
        if entries is None:
            self._snapshot()
            return
        for entry in entries:
            self.in_flight.append(entry.frame())
            self.cursor = entry.seq

    def deliver(self, count: int) -> None:
        arrived, self.in_flight = self.in_flight[:count], self.in_flight[count:]
        for text in arrived:
            self.client.take(text)


ACTIONS = st.one_of(
    st.tuples(st.just("push"), st.sampled_from(["a", "b"]), st.integers(1, 9)),
    st.tuples(st.just("list"), st.sampled_from(["list1", "list2"]), st.integers(0, 99)),
    st.tuples(st.just("flush"), st.just(""), st.just(0)),
    st.tuples(st.just("send"), st.just(""), st.integers(1, 5)),
    st.tuples(st.just("deliver"), st.just(""), st.integers(1, 5)),
    st.tuples(st.just("break"), st.just(""), st.integers(0, 3)),
    st.tuples(st.just("connect"), st.just(""), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 700)),
    st.tuples(st.just("restart"), st.just(""), st.just(0)),
)
LIMITS = StreamLimits(ring_events=6, ring_bytes=40, resume_ms=1_000)


@settings(max_examples=300, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=60))
def test_any_interleaving_ends_where_a_straight_run_ends(actions: list[tuple[str, str, int]]) -> None:
    now_ms = 1_000_000
    house, client = House(), Client()
    stream = Stream(now_ms, LIMITS)
    line: Line | None = None

    def plain(_: str, data: Json) -> str:
        return encode(data)

    for action, name, number in actions:
        now_ms += 1
        match action:
            case "push":
                house.totals[name] = house.totals.get(name, 0) + number
                stream.push(name, encode(number), now_ms)
            case "list":
                house.lists[name] = number
                stream.push_list(name, number)
            case "flush" if line is not None and line.cursor == stream.last_seq:
                stream.flush(now_ms, plain)
            case "send" if line is not None:
                line.send(number)
            case "deliver" if line is not None:
                line.deliver(number)
            case "break" if line is not None:
                line.deliver(number)  # the rest of what was in flight is lost
                line = None
            case "connect" if line is None:
                line = Line(stream, house, client, now_ms)
            case "wait":
                now_ms += number
            case "restart":
                stream, line = Stream(now_ms, LIMITS), None
            case _:
                continue

    line = Line(stream, house, client, now_ms) if line is None else line
    for _ in range(len(actions) + 3):
        line.send(5)
        if line.cursor == stream.last_seq:
            stream.flush(now_ms, plain)
    line.deliver(10**6)
    assert client.state == house.snapshot()
    assert client.seq == stream.last_seq
