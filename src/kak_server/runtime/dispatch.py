"""The single writer: one input, all its outputs in order, then the next input.

Nothing awaits in here. An output may make a room speak at once (a command to the SIP core drains an event); that event
waits in the inbox until the outputs before it are carried out.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from kak_server.bridges.house import ROUTING_TIMER, House
from kak_server.bridges.outputs import (
    Audit,
    CancelTimer,
    Delete,
    Dirty,
    JournalEvent,
    Note,
    Output,
    Put,
    SalvageTrack,
    SetTimer,
    StoreCall,
    StoreGap,
    StoreTrack,
    Tell,
    TellAll,
    ToMedia,
    ToRadio,
    ToSip,
    Unseat,
)
from kak_server.media import rpc
from kak_server.model.ids import PositionId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.queues import STEP
from kak_server.runtime.journal import Journal
from kak_server.runtime.timers import Timers

T = TypeVar("T")
Feed = Callable[[House, int], Any]


# What this leads to is outside of the process at once. SIP writes what is on record before it sends; rows that the
# journal knows nothing of would be written again; all else leaves in a later turn of the loop, if at all.
_LEAVING = ToRadio
PATIENT = (f"{ROUTING_TIMER}{STEP}:",)  # the steps of workflows
_DONE = frozenset({ToRadio, Audit, StoreCall, StoreTrack, StoreGap, SalvageTrack, Delete})


class SipPort(Protocol):
    """The SIP shell. It has what is on record written (`Journal.flush`) before anything leaves."""

    def carry_out(self, command: ToSip) -> None: ...


class MediaPort(Protocol):
    """The worker's client."""

    def carry_out(self, command: rpc.Command) -> None: ...


class RadioPort(Protocol):
    """The gateway's link."""

    def carry_out(self, command: ToRadio) -> None: ...


class ConsolePort(Protocol):
    """The consoles' hub."""

    def tell(self, position: PositionId, name: str, data: Mapping[str, Any]) -> None: ...

    def tell_all(self, name: str, data: Mapping[str, Any]) -> None: ...

    def dirty(self, topic: str, rooms: tuple[RoomId, ...] | None = None) -> None: ...

    def unseat(self, output: Unseat) -> None: ...


class StorePort(Protocol):
    """Records: never blocks, never raises."""

    def call(self, output: StoreCall) -> None: ...

    def track(self, output: StoreTrack) -> None: ...

    def salvage(self, output: SalvageTrack) -> None: ...

    def gap(self, output: StoreGap) -> None: ...

    def audited(self, output: Audit) -> None: ...


@frozen
class Ports:
    """The shells that outputs go to."""

    sip: SipPort
    media: MediaPort
    radio: RadioPort
    console: ConsolePort
    store: StorePort
    note: Callable[[Note], None]
    fault: Callable[[Exception], None]  # a bug of ours in one input: told, and the next input is taken all the same


def records_first(outputs: list[Output]) -> list[Output]:
    """The same outputs, with what is to be on record first, so that one write has it all before anything leaves; of
    several values of a key the last.

    Only as far as nothing is done that a record may say is done: a record that a patch is over is no good before the
    gateway was told. A SIP command is none of these, since the SIP room writes a record of it before it sends.
    """
    records: list[Output] = []
    others: list[Output] = []
    for place, output in enumerate(outputs):
        kind = type(output)
        if kind in _DONE:
            others += outputs[place:]
            break
        (records if kind is JournalEvent or kind is Put else others).append(output)
    newest = {output.key: output for output in records if isinstance(output, Put)}
    return [output for output in records if not isinstance(output, Put) or newest[output.key] is output] + others


class Dispatcher:
    """Owns the house; `connect` it before the first input."""

    def __init__(self, house: House, journal: Journal, now_ms: Callable[[], int]) -> None:
        self.house = house
        self.journal = journal
        self.now_ms = now_ms
        self.snapshot: Callable[[], Any] = house.ctx.core.snapshot  # what the journal keeps of the core's state
        self.timers = Timers(now_ms, self._timer, self._timers, PATIENT)
        self._inbox: deque[Feed] = deque()
        self._busy = False
        self._handlers: Mapping[type[Any], Callable[[Any], None]] = {}
        self._fault: Callable[[Exception], None]

    def connect(self, ports: Ports) -> None:
        """Tell where outputs go."""
        self._fault = ports.fault
        self._handlers = {
            JournalEvent: lambda o: self.journal.append_event(o.event),
            Put: lambda o: self.journal.put(o.key, o.value),
            Delete: lambda o: self.journal.delete(o.key),
            ToSip: ports.sip.carry_out,
            ToMedia: lambda o: ports.media.carry_out(o.command),
            ToRadio: ports.radio.carry_out,
            SetTimer: lambda o: self.timers.set(o.key, o.at_ms),
            CancelTimer: lambda o: self.timers.cancel(o.key),
            Tell: lambda o: ports.console.tell(o.position, o.name, o.data),
            TellAll: lambda o: ports.console.tell_all(o.name, o.data),
            Dirty: lambda o: ports.console.dirty(o.topic, o.rooms),
            Unseat: ports.console.unseat,
            Audit: ports.store.audited,
            StoreCall: ports.store.call,
            StoreTrack: ports.store.track,
            SalvageTrack: ports.store.salvage,
            StoreGap: ports.store.gap,
            Note: ports.note,
        }

    def feed(self, feed: Feed) -> None:
        """One input, e.g. `lambda house, now_ms: house.sip_event(event, now_ms)`. In the middle of another one's
        outputs it waits its turn."""
        self._inbox.append(feed)
        if not self._busy:
            self._run()

    def feed_all(self, feeds: Sequence[Feed]) -> None:
        """Several inputs that came at once: what follows from them is carried out together."""

        def together(house: House, now_ms: int) -> None:
            for feed in feeds:
                self._guard(partial(feed, house, now_ms))

        self.feed(together)

    def ask(self, feed: Callable[[House, int], T]) -> T:
        """One input with an answer. Only from the loop, never from inside an output."""
        assert not self._busy, "ask() from inside an output"
        answers: list[T] = []
        self.feed(lambda house, now_ms: answers.append(feed(house, now_ms)))
        if not answers:
            raise RuntimeError("the input failed; see the fault before this")
        return answers[0]

    def _run(self) -> None:
        self._busy = True
        try:
            while self._inbox:
                feed = self._inbox.popleft()
                now_ms = self.now_ms()
                self.house.at(now_ms)  # no input is handled at the time of the one before
                self._guard(partial(feed, self.house, now_ms))
                self._guard(self.house.ctx.settle)
                self._carry_out(self.house.drain())
                if self.journal.upkeep_due:
                    self._guard(lambda: self.journal.upkeep(self.snapshot))
        finally:
            self._busy = False

    def _guard(self, work: Callable[[], object]) -> None:
        """One input's bug must not take the other calls down."""
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - told, and the next is taken all the same
            self._fault(problem)

    def _carry_out(self, outputs: list[Output]) -> None:
        handlers = self._handlers
        self.journal.hold()
        try:
            for output in records_first(outputs):
                kind = type(output)
                if kind is _LEAVING:
                    self.journal.flush()
                try:
                    handlers[kind](output)
                except Exception as problem:  # noqa: BLE001 - told; those behind it are other people's calls
                    self._fault(problem)
        finally:
            self.journal.release()

    def _timer(self, key: str) -> None:
        self.feed(_timer(key))

    def _timers(self, keys: Sequence[str]) -> None:
        """Those of patient kinds that are due together. What one leads to may have made another stale: the routing core
        knows."""
        self.feed_all([_timer(key) for key in keys])


def _timer(key: str) -> Feed:
    return lambda house, now_ms: house.timer(key, now_ms)
