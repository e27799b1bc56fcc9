"""The hub: one encoding a list for all streams, slow readers left out of rounds, faults that stay small."""

import asyncio
from typing import Any

import pytest
import structlog

from kak_server.console.aio import hub as hub_module
from kak_server.console.aio.hub import Hub, LiveStream
from kak_server.console.ports import Caller
from kak_server.console.settings import ConsoleSettings, StreamLimits
from kak_server.model.ids import OperatorId, PositionId, SessionId
from tests.support.waiting import eventually

QUICK = ConsoleSettings(stream=StreamLimits(list_interval_ms=10))


class Subscriptions:
    """The part of the house that the hub uses."""

    def __init__(self) -> None:
        self.live: set[Any] = set()

    def subscribe(self, _: Caller, subscriber: Any) -> None:
        self.live.add(subscriber)

    def unsubscribe(self, _: Caller, subscriber: Any) -> None:
        self.live.remove(subscriber)


class Listener:
    """A reader that keeps up, unless told not to."""

    def __init__(self) -> None:
        self.caught_up = True
        self.woken = 0
        self.finished: tuple[int, str] | None = None

    def wake(self) -> None:
        self.woken += 1

    def finish(self, code: int, reason: str) -> None:
        self.finished = (code, reason)


def seat(number: int, epoch: int = 1, position: str | None = None) -> Caller:
    return Caller(SessionId(f"s{number}"), OperatorId(f"o{number}"), PositionId(position or f"p{number}"), epoch)


def read(hub: Hub, caller: Caller) -> tuple[LiveStream, Listener]:
    live = hub.open(caller)
    listener = Listener()
    live.reader = listener
    return live, listener


def texts(live: LiveStream, begin: int) -> list[str | None]:
    return [entry.text for entry in live.stream.after(begin) or ()]


async def test_a_list_is_encoded_once_for_all_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[object] = []

    def counting(data: object) -> str:
        encoded.append(data)
        return "[]"

    monkeypatch.setattr(hub_module, "encode_rows", counting)
    hub = Hub(Subscriptions(), QUICK, lambda: 1_000)  # type: ignore[arg-type]
    streams = [read(hub, seat(number)) for number in range(200)]
    hub.start(lambda: None)
    waiting: list[int] = [1]
    for live, _ in streams:
        live.push_list("waiting", waiting)
        live.push_list("queues", [2])
    await eventually(lambda: all(listener.woken for _, listener in streams))
    await asyncio.sleep(0.05)  # a round that came too many would come by now
    assert encoded.count(waiting) == 1
    assert len(encoded) == 1 + 200
    assert all(listener.woken == 1 for _, listener in streams)
    await hub.stop()


async def test_an_event_pushed_to_many_is_encoded_once_in_a_turn_and_anew_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[object] = []

    def counting(data: object) -> str:
        encoded.append(data)
        return "{}"

    monkeypatch.setattr(hub_module, "encode", counting)
    hub = Hub(Subscriptions(), QUICK, lambda: 1_000)  # type: ignore[arg-type]
    streams = [read(hub, seat(number))[0] for number in range(10)]
    data = {"contact": "c1"}
    for live in streams:
        live.push("call.ended", data)
    assert len(encoded) == 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    streams[0].push("call.ended", data)
    assert len(encoded) == 2


async def test_a_reader_that_is_behind_gets_the_newest_list_when_it_has_caught_up() -> None:
    hub = Hub(Subscriptions(), QUICK, lambda: 1_000)  # type: ignore[arg-type]
    live, listener = read(hub, seat(1))
    listener.caught_up = False
    begin = live.stream.last_seq
    hub.start(lambda: None)
    for number in range(5):
        live.push_list("waiting", [number])
        await asyncio.sleep(0.015)
    assert texts(live, begin) == []
    listener.caught_up = True
    await asyncio.sleep(0.05)
    assert texts(live, begin) == ["[4]"]
    await hub.stop()


async def test_seat_lost_is_the_last_event_and_the_house_is_let_go() -> None:
    house = Subscriptions()
    hub = Hub(house, QUICK, lambda: 1_000)  # type: ignore[arg-type]
    live, _ = read(hub, seat(1))
    begin = live.stream.last_seq
    live.push("seat.lost", {"reason": "another-tab"})
    live.push("recent", {})
    live.push_list("waiting", [1])
    hub.seat_claimed(seat(1, epoch=2))
    assert texts(live, begin) == ['{"reason":"another-tab"}']
    assert house.live == set()
    fresh = hub.open(seat(1, epoch=2))
    assert fresh is not live


async def test_who_is_told_when_a_seat_is_claimed() -> None:
    hub = Hub(Subscriptions(), QUICK, lambda: 1_000)  # type: ignore[arg-type]
    holder, _ = read(hub, seat(1, position="p"))
    mover, _ = read(hub, seat(2, position="q"))
    other, _ = read(hub, seat(3, position="r"))
    hub.seat_claimed(seat(2, epoch=5, position="p"))
    assert texts(holder, 1_000) == ['{"reason":"taken-over"}']
    assert texts(mover, 1_000) == ['{"reason":"another-tab"}']
    assert texts(other, 1_000) == []


async def test_a_failing_sweep_or_round_does_not_end_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "SWEEP_INTERVAL_S", 0.01)
    swept: list[int] = []

    def sweep() -> None:
        swept.append(1)
        raise RuntimeError("once more")

    hub = Hub(Subscriptions(), QUICK, lambda: 1_000)  # type: ignore[arg-type]
    broken, listener = read(hub, seat(1))
    whole, _ = read(hub, seat(2))
    begin = whole.stream.last_seq
    monkeypatch.setattr(listener, "wake", None)
    with structlog.testing.capture_logs() as logged:
        hub.start(sweep)
        for number in range(2):
            for live in (broken, whole):
                live.push_list("waiting", [number])
            await asyncio.sleep(0.05)
        await hub.stop()
    assert len(swept) > 1
    assert texts(whole, begin)[-1] == "[1]"
    assert {entry["event"] for entry in logged} == {
        "lists could not be sent",
        "the sweep of streams and sessions failed",
    }
