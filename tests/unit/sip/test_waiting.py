"""Callers who wait: each hears of us every minute, and thousands of them cost few wakings."""

from collections import Counter
from dataclasses import replace

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import Emit, IncomingCall, Send
from kak_server.sip.context import TOGETHER_MS
from kak_server.sip.core import DUE_AT_ONCE, SipCore
from kak_server.sip.waiting import TOGETHER_MOST
from tests.unit.sip.uac import ANSWER, PEER, SETTINGS, Bench, Caller, make_core

MINUTE_MS = 60_000
MANY = 10_000
START_MS = 1_000_007


def drained(core: SipCore) -> tuple[list[bytes], list[CallId]]:
    """What leaves, and which calls are new."""
    sent, calls = [], []
    while outputs := core.drain():
        sent += [output.data for output in outputs if isinstance(output, Send)]
        events = [output.event for output in outputs if isinstance(output, Emit)]
        calls += [event.call for event in events if isinstance(event, IncomingCall)]
    return sent, calls


class Crowd:
    """So many who have heard 180, one after the other within a time."""

    def __init__(self, count: int, within_ms: int) -> None:
        self.core = make_core(replace(SETTINGS, max_calls=2 * MANY))
        self.heard_ms: dict[str, int] = {}  # by Call-ID, when last
        self.calls: list[CallId] = []
        for number in range(count):
            now_ms = START_MS + number * within_ms // count
            caller = Caller(call_id=f"{number}@x", tag=f"t{number}", branch=f"z9hG4bKwait{number}")
            self.core.datagram(caller.invite().encode(), PEER, now_ms)
            (call,) = drained(self.core)[1]
            self.core.ring(call, now_ms)
            sent = drained(self.core)[0]
            assert [data[:12] for data in sent] == [b"SIP/2.0 180 "]
            self.heard_ms[f"{number}@x"] = now_ms
            self.calls.append(call)
        self.now_ms = START_MS + within_ms

    def pass_(self, milliseconds: int) -> tuple[Counter[str], list[int]]:
        """Let time pass; how often each was told, and how many on each waking."""
        until_ms, told, wakings = self.now_ms + milliseconds, Counter[str](), []
        while (due_ms := self.core.next_timer_at_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.core.timer(self.now_ms)
            sent, _ = drained(self.core)
            wakings.append(len(sent))
            for data in sent:
                name = data.partition(b"\r\nCall-ID: ")[2].partition(b"\r\n")[0].decode()
                assert 0 < self.now_ms - self.heard_ms[name] <= MINUTE_MS  # 13.3.1.1
                self.heard_ms[name] = self.now_ms
                told[name] += 1
        self.now_ms = until_ms
        return told, wakings


def test_ten_thousand_who_wait_are_told_every_minute_on_240_wakings() -> None:
    crowd = Crowd(MANY, MINUTE_MS - 1_000)
    for _ in range(2):
        told, wakings = crowd.pass_(MINUTE_MS)
        assert len(told) == MANY
        assert set(told.values()) == {1}
        assert len(wakings) <= MINUTE_MS // TOGETHER_MS
        assert max(wakings) <= 2 * MANY * TOGETHER_MS // MINUTE_MS


def test_those_who_came_at_once_are_not_told_at_once() -> None:
    crowd = Crowd(3_000, 10)
    told, wakings = crowd.pass_(MINUTE_MS)
    assert len(told) == 3_000
    assert max(wakings) <= TOGETHER_MOST <= DUE_AT_ONCE
    assert len(wakings) <= 3_000 // TOGETHER_MOST + 1
    told, wakings = crowd.pass_(MINUTE_MS)  # and stay apart
    assert (sum(told.values()), max(wakings)) == (3_000, TOGETHER_MOST)


def test_more_than_a_minute_has_room_for_are_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kak_server.sip.waiting.TOGETHER_MOST", 1)
    crowd = Crowd(1_000, 10)
    told, _ = crowd.pass_(2 * MINUTE_MS)
    assert (len(told), min(told.values())) == (1_000, 2)


def test_whoever_is_answered_is_told_no_more() -> None:
    crowd = Crowd(10, 10)
    for call in crowd.calls[:4]:
        assert crowd.core.reject(call, 480, crowd.now_ms)
    crowd.core.answer(crowd.calls[4], ANSWER, crowd.now_ms)
    drained(crowd.core)
    told: list[bytes] = []
    for _ in range(1_000):
        due_ms = crowd.core.next_timer_at_ms()
        if due_ms is None or due_ms > START_MS + 2 * MINUTE_MS:
            break
        crowd.core.timer(due_ms)
        told += [data for data in drained(crowd.core)[0] if data.startswith(b"SIP/2.0 180 ")]
    assert len(told) == 2 * 5


def test_what_is_repeated_is_what_was_said_and_nothing_is_put_on_record_for_it() -> None:
    bench = Bench()
    bench.receive(Caller().invite())
    (call,) = bench.core.calls()
    bench.core.ring(call, bench.now_ms)
    first = bench.drain().sent[-1][1]
    bench.order.clear()
    assert bench.advance(MINUTE_MS) == [first]
    bench.core.progress(call, ANSWER, bench.now_ms)  # early media: repeated with its description
    second = bench.drain().sent[-1][1]
    assert (second.status, second.body) == (183, ANSWER)
    bench.order.clear()
    assert bench.advance(MINUTE_MS) == [second]
    assert bench.order == ["send 183"]
