"""The single writer over a real house and a real journal; the shells only note what reached them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from kak_server.bridges import outputs
from kak_server.bridges.house import House
from kak_server.bridges.outputs import (
    Audit,
    Delete,
    Dirty,
    JournalEvent,
    Note,
    Output,
    Put,
    SalvageTrack,
    StoreCall,
    StoreGap,
    StoreTrack,
    ToRadio,
    ToSip,
    Unseat,
)
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, Gssi, PositionId, RoomId
from kak_server.routing.api import Configured, ContactGone
from kak_server.routing.step import RoutingCore
from kak_server.runtime.dispatch import Dispatcher, Ports, records_first
from kak_server.runtime.journal import Journal
from kak_server.runtime.segment_writer import SegmentWriter
from kak_server.sip.api import CallEnded, CallerIdentity, IncomingCall
from tests.unit.bridges.world import KARI, OFFER, START_MS, CountingIds, routing_config, settings


class Shells:
    """Every shell in one: what came, in order. `on_sip` speaks back, as the SIP room does within a command."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.faults: list[Exception] = []
        self.on_sip: Callable[[ToSip], None] = lambda command: None

    def carry_out(self, command: ToSip | ToRadio | rpc.Command) -> None:
        self.seen.append((type(command).__name__, command))
        if isinstance(command, ToSip):
            self.on_sip(command)

    def tell(self, position: PositionId, name: str, data: Mapping[str, Any]) -> None:
        self.seen.append((name, data))

    def tell_all(self, name: str, data: Mapping[str, Any]) -> None:
        self.seen.append((name, data))

    def dirty(self, topic: str, rooms: tuple[RoomId, ...] | None = None) -> None:
        self.seen.append(("dirty", topic))

    def unseat(self, output: Unseat) -> None:
        self.seen.append(("unseat", output))

    def audited(self, output: Audit) -> None:
        self.seen.append(("audited", output))

    def call(self, output: StoreCall) -> None:
        self.seen.append(("call", output))

    def track(self, output: StoreTrack) -> None:
        self.seen.append(("track", output))

    def salvage(self, output: SalvageTrack) -> None:
        self.seen.append(("salvage", output))

    def gap(self, output: StoreGap) -> None:
        self.seen.append(("gap", output))

    def note(self, note: Note) -> None:
        self.seen.append(("note", note.name))

    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def sip(self) -> list[str]:
        return [command.action for _, command in self.seen if isinstance(command, ToSip)]


class Control:
    """A dispatcher with its journal, its clock in hand."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = START_MS
        self.folder = folder
        self.journal, _ = Journal.open(folder, now_ms=START_MS)
        self.shells = Shells()
        self.dispatcher = Dispatcher(House(settings(), RoutingCore(), CountingIds()), self.journal, lambda: self.now_ms)
        shells = self.shells
        self.dispatcher.connect(
            Ports(
                sip=shells,
                media=shells,
                radio=shells,
                console=shells,
                store=shells,
                note=shells.note,
                fault=shells.faults.append,
            )
        )
        self.dispatcher.feed(lambda house, now: house.ctx.route(Configured(now, routing_config())))
        self.dispatcher.feed(lambda house, now: house.worker_attached(rpc.Census(), "boot-1", now))

    @property
    def house(self) -> House:
        return self.dispatcher.house

    def ring(self, call: str = "call1") -> None:
        event = IncomingCall(CallId(call), "lab", "113", CallerIdentity("+4799999999"), OFFER)
        self.dispatcher.feed(lambda house, now: house.sip_event(event, now))


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    made = Control(tmp_path / "journal")
    yield made
    made.journal.close()


def test_the_journal_has_what_a_command_rests_on_before_the_command_leaves(control: Control) -> None:
    on_disk: list[bytes] = []

    def leaves(command: ToSip) -> None:
        control.journal.flush()  # as the SIP room does before it sends
        on_disk.append(b"".join(path.read_bytes() for path in sorted(control.folder.rglob("*")) if path.is_file()))

    control.shells.on_sip = leaves
    control.ring()
    assert b"line/contact" in on_disk[0]
    assert b"ContactArrived" in on_disk[0]


def test_one_write_has_all_that_an_input_puts_on_record(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    write = SegmentWriter.write

    def counted(writer: SegmentWriter, frames: Any) -> Any:
        writes.append(1)
        return write(writer, frames)

    monkeypatch.setattr(SegmentWriter, "write", counted)
    control.shells.on_sip = lambda command: control.journal.flush()
    control.ring()
    assert len(writes) == 1


def test_records_come_before_sip_commands_the_last_of_each() -> None:
    ring = ToSip("ring", CallId("c"))
    outputs: list[Output] = [Put("a", 1), ring, Put("a", 2), Put("b", 3)]
    assert records_first(outputs) == [Put("a", 2), Put("b", 3), ring]


@pytest.mark.parametrize(
    "done",
    [ToRadio("remove_patch", Gssi(1)), Delete("b"), StoreCall(ContactId("c"), {})],
    ids=lambda o: type(o).__name__,
)
def test_records_of_what_is_done_come_when_it_is_done(done: Output) -> None:
    ring = ToSip("ring", CallId("c"))
    assert records_first([ring, Put("a", 1), done, ring, Put("a", 2)]) == [Put("a", 1), ring, done, ring, Put("a", 2)]


def test_a_bug_in_one_of_several_inputs_that_came_at_once_leaves_the_others(control: Control) -> None:
    def bug(house: House, now_ms: int) -> None:
        raise RuntimeError("a bug")

    taken: list[int] = []
    control.dispatcher.feed_all([lambda house, now_ms: taken.append(1), bug, lambda house, now_ms: taken.append(2)])
    assert (taken, len(control.shells.faults)) == ([1, 2], 1)


def test_what_a_room_says_within_a_command_waits_for_the_outputs_before_it(control: Control) -> None:
    gone = CallEnded(CallId("call1"), "bye")
    depth = 0
    deepest = 0

    def hang_up_at_once(command: ToSip) -> None:
        nonlocal depth, deepest
        if command.action == "ring":
            depth += 1
            deepest = max(deepest, depth)
            before = len(control.shells.seen)
            control.dispatcher.feed(lambda house, now: house.sip_event(gone, now))
            assert len(control.shells.seen) == before, "the event was handled in the middle of another one's outputs"
            depth -= 1

    control.shells.on_sip = hang_up_at_once
    control.ring()
    assert deepest == 1
    names = control.shells.names()
    hung_up = len(names) - 1 - names[::-1].index("ToSip")
    assert names.index("dirty") < hung_up  # the list of who waits, behind the ring
    assert control.shells.sip() == ["ring", "hangup"]
    assert control.house.calls.lines == {}
    assert control.shells.faults == []


def test_a_fault_in_one_input_does_not_stop_the_next(control: Control) -> None:
    def broken(house: House, now_ms: int) -> None:
        raise ZeroDivisionError

    control.dispatcher.feed(broken)
    assert [type(fault) for fault in control.shells.faults] == [ZeroDivisionError]
    control.ring()
    assert control.shells.sip() == ["ring"]


def test_a_fault_in_one_output_does_not_stop_those_behind_it(control: Control) -> None:
    def broken(command: ToSip) -> None:
        raise OSError("no socket")

    control.shells.on_sip = broken
    control.ring()
    assert [str(fault) for fault in control.shells.faults] == ["no socket"]
    assert "dirty" in control.shells.names()
    assert len(control.house.calls.lines) == 1


def test_a_fault_in_one_effect_does_not_swallow_the_effects_behind_it(control: Control) -> None:
    """Else a timer is never set, and a state never ends."""
    control.dispatcher.ask(lambda house, now: house.seats.sit(KARI, "Kari", PositionId("oslo-1"), {}))
    original = control.house.ctx.on_effect

    def broken(effect: Any) -> None:
        original(effect)
        if type(effect).__name__ == "StartWaiting":
            raise ZeroDivisionError

    control.house.ctx.on_effect = broken
    control.ring()
    assert [type(fault) for fault in control.shells.faults] == [ZeroDivisionError]
    assert ("dirty", "waiting") in control.shells.seen  # of ContactChanged, the last effect


def test_an_event_the_core_chokes_on_is_not_journalled(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every start would choke on it again."""
    core = control.house.ctx.core
    step = core.step
    monkeypatch.setattr(core, "step", _choke)
    written: list[JournalEvent] = []
    monkeypatch.setattr(control.journal, "append_event", written.append)
    control.dispatcher.feed(lambda house, now: house.ctx.route(ContactGone(now, ContactId("c1"), "bye")))
    assert written == []
    assert [type(fault) for fault in control.shells.faults] == [ZeroDivisionError]
    monkeypatch.setattr(core, "step", step)
    control.ring()
    assert control.shells.sip() == ["ring"]


def test_a_failing_checkpoint_is_told_and_stops_nobody(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(snapshot: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(type(control.journal), "upkeep_due", property(lambda journal: True))
    monkeypatch.setattr(control.journal, "upkeep", full)
    control.ring()
    control.ring("call2")
    assert [str(fault) for fault in control.shells.faults] == ["disk full", "disk full"]
    assert control.shells.sip() == ["ring", "ring"]


def test_every_input_is_handled_at_its_own_time(control: Control) -> None:
    control.now_ms += 60_000
    seen = control.dispatcher.ask(lambda house, now: (house.ctx.now_ms, now))
    assert seen == (control.now_ms, control.now_ms)
    control.now_ms -= 5_000
    assert control.dispatcher.ask(lambda house, now: house.ctx.now_ms) == control.now_ms + 5_000


def test_ask_gives_the_answer_after_all_outputs_are_carried_out(control: Control) -> None:
    refused = control.dispatcher.ask(lambda house, now: house.seats.sit(KARI, "Kari", PositionId("oslo-1"), {}))
    assert refused == ""
    assert "me" in control.shells.names()


def test_ask_raises_when_its_input_failed(control: Control) -> None:
    with pytest.raises(RuntimeError, match="the input failed"):
        control.dispatcher.ask(lambda house, now: 1 // 0)
    assert len(control.shells.faults) == 1


def test_ask_within_an_output_is_a_bug_and_is_told_as_one(control: Control) -> None:
    control.shells.on_sip = lambda command: control.dispatcher.ask(lambda house, now: None)
    control.ring()
    assert [type(fault) for fault in control.shells.faults] == [AssertionError]


async def test_a_timer_of_the_house_comes_back_as_an_input(control: Control) -> None:
    fired: list[str] = []
    original = control.house.timer

    def timer(key: str, now_ms: int) -> None:
        fired.append(key)
        original(key, now_ms)

    control.house.timer = timer  # type: ignore[method-assign]
    control.dispatcher.timers.set("routing/offer:nobody", control.now_ms)
    await asyncio.sleep(0.02)
    assert fired == ["routing/offer:nobody"]
    assert control.shells.faults == []


def test_all_kinds_of_output_have_a_way_out(control: Control) -> None:
    assert set(get_args(outputs.Output)) == set(control.dispatcher._handlers)


def test_records_reach_the_journal_and_leave_it(control: Control) -> None:
    control.dispatcher.feed(lambda house, now: house.ctx.emit(Put("probe/1", {"a": 1})))
    control.dispatcher.feed(lambda house, now: house.ctx.emit(Dirty("queues")))
    control.dispatcher.feed(lambda house, now: house.ctx.emit(Put("probe/2", {"a": 2})))
    control.dispatcher.feed(lambda house, now: house.ctx.delete("probe/1"))
    control.dispatcher.feed(lambda house, now: house.ctx.emit(ToRadio("cease_tx", Gssi(1))))
    control.journal.close()
    control.journal, replay = Journal.open(control.folder, now_ms=START_MS)
    assert replay.values["probe/2"] == {"a": 2}
    assert "probe/1" not in replay.values
    assert ("dirty", "queues") in control.shells.seen


def _choke(event: object) -> None:
    raise ZeroDivisionError
