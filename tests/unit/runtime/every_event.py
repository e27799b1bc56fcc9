"""A night in two control rooms in which everything happens that can be in a journal."""

import hashlib
from pathlib import Path
from typing import get_args

from kak_server.model.codec import dumps
from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Activity,
    ContactArrived,
    ContactClass,
    ContactDescribed,
    ContactKind,
    Effect,
    Event,
    ForcedTo,
    OperatorSignedIn,
    PeopleConfig,
    Refused,
    RoomState,
    RoomStateSet,
)
from kak_server.runtime.counted import Counted
from kak_server.runtime.journal import Journal
from kak_server.runtime.segments import Contents, Replay
from kak_server.statistics.reducer import Reducer
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk

EVERY: frozenset[str] = frozenset(cls.__name__ for cls in get_args(Event))


def digest_with_figures(counted: Counted) -> str:
    """Of the state, statistics included, as a snapshot writes it."""
    return hashlib.sha256(dumps(counted.snapshot())).hexdigest()


def counted_again(contents: Contents | Replay) -> Counted:
    """Core and statistics as a start makes them."""
    counted = Counted.restore(contents.routing)
    for event in contents.events:
        counted.step(event)
    return counted


class EveryEvent(JournaledDesk):
    """Remembers the state after each record, and which events did something and were not just refused."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.states: dict[int, str] = {}
        self.obeyed: set[str] = set()
        self.digest = ""
        self.counted: Counted | None = None
        super().__init__(
            folder,
            queue("113", "oslo", "bergen", own_room_ms=5_000, wrap_up_ms=30_000),
            queue("116117", "bergen", "oslo", wrap_up_ms=30_000),
            queue("chat", "bergen", klass=ContactClass.NORMAL),
            journal=journal,
            people=PeopleConfig(loan_consent=True),
        )

    def send(self, event: Event) -> tuple[Effect, ...]:
        effects = super().send(event)
        if self.counted is None:
            self.counted = Counted(self.core, Reducer())
        self.counted.count(event, effects)
        digest = digest_with_figures(self.counted)
        if digest != self.digest and not any(isinstance(effect, Refused) for effect in effects):
            self.obeyed.add(type(event).__name__)
        self.digest = self.states[self.journal._serial] = digest
        self.journal.put(f"seen/{type(event).__name__}", {"at": self.now_ms, "effects": len(effects)})
        if self.journal.upkeep_due:
            self.journal.upkeep(self.counted.snapshot)
        return effects

    def room(self, room: str, state: RoomState) -> None:
        """A shift lead closes or opens a control room."""
        self.send(RoomStateSet(self.now_ms, RoomId(room), state, OperatorId("lead")))

    def night(self) -> None:
        """All of it."""
        for who, room in (("kari", "oslo"), ("ola", "oslo"), ("lead", "oslo"), ("bente", "bergen"), ("tor", "bergen")):
            self.sit(who, room, ready=who != "lead")
        self._calls()
        self._moves()
        self._colleagues()
        self._chats()
        self._people()
        self._rooms()

    def _calls(self) -> None:
        self.ring("c1")
        holder = self.holder("c1")
        self.reject(holder, "c1")
        self.wait(1_000)
        holder = self.holder("c1")
        self.accept(holder, "c1")
        self.join_failed("c1")
        holder = self.holder("c1")
        self.talk(holder, "c1")
        self.hold(holder, "c1")
        self.hold(holder, "c1", on=False)
        self.media(self.operator(holder).position, False)
        self.wait(500)
        self.media(self.operator(holder).position, True)
        self.hang_up(holder, "c1")
        self.needs_more(holder, 20_000)
        self.done(holder)
        self.ring("c2")
        self.wait(3_000)
        self.gone("c2")
        self.ring("c3")
        self.wait(60_000)  # it rings out, and again
        self.gone("c3")

    def _moves(self) -> None:
        for who in ("kari", "ola", "bente", "tor"):
            self.says(who, Activity.AVAILABLE)
        holder = self.begin("m1")
        self.transfer(holder, "m1", "116117")
        self.talk(self.holder("m1"), "m1")
        holder = self.holder("m1")
        self.park(holder, "m1")
        self.wait(2_000)
        self.done(holder)
        self.unpark(holder, "m1")
        if self.contact("m1").state.value == "connecting":
            self.joined("m1")
        self.hang_up(holder, "m1")
        self.done(holder)
        holder = self.begin("m2")
        self.hand_over(holder, "m2")
        self.done(holder)
        self.pull_back(holder, "m2")
        self.joined("m2")
        self.hand_over(holder, "m2")
        self.handover_failed("m2")
        self.wait(2_000)
        self.gone("m2")
        self.settle()
        self.dial("kari", "m3")
        self.joined("m3")
        self.hang_up("kari", "m3")
        self.settle()
        holder = self.begin("m4")
        self.hand_to(holder, "m4", self.other(holder))
        self.wait(1_000)
        self.gone("m4")
        self.settle()

    def _colleagues(self) -> None:
        holder = self.begin("p1")
        other = self.other(holder)
        self.invite(holder, "p1", other)
        self.comes_in(other, "p1")
        self.consulted(holder, "p1", "merge")
        self.quit(other, "p1")
        self.settle()
        self.invite(holder, "p1", other, "conference")
        self.comes_in(other, "p1")
        self.drop(holder, "p1", other)
        self.settle()
        self.seek(holder, "p1", room="oslo")
        self.wait(60_000)  # nobody comes
        self.listen("lead", "p1")
        self.take_over("lead", "p1")
        self.joined("p1")
        self.hang_up("lead", "p1")
        self.settle()

    def _chats(self) -> None:
        who, seat, room = OperatorId("siv"), PositionId("bergen-siv"), RoomId("bergen")
        self.send(OperatorSignedIn(self.now_ms, who, "Siv", seat, room, {}, Activity.AVAILABLE, True, chats_max=1))
        self.send(ContactArrived(self.now_ms, ContactId("t1"), QueueId("chat"), kind=ContactKind.CHAT))
        self.accept("siv", "t1")
        self.joined("t1")
        self.wait(1_000)
        self.falls_silent("t1")
        self.leave("siv")

    def _people(self) -> None:
        self.force("tor", ForcedTo.NOT_READY)
        self.says("tor", Activity.AVAILABLE)
        holder = self.begin("h1")
        position = self.operator(holder).position
        self.takes_over("nils", position)
        self.stays_on("nils", position)
        self.takes_over("nils", position)
        self.hang_up(holder, "h1")
        self.wait(60_000)
        self.sit("per", "oslo")
        self.borrow("l1", "oslo", "bergen", "tor")
        self.lend("l1", "tor")
        self.goes("l1", "tor")
        self.wait(1_000)
        self.end_loan("l1")
        self.leave("per")

    def _rooms(self) -> None:
        self.ring("r1", "116117")
        self.send(ContactDescribed(self.now_ms, ContactId("r1"), area="0301", language="se"))
        self.room("bergen", RoomState.CLOSED)
        self.wait(1_000)
        self.room("bergen", RoomState.OPEN)
        self.publish(queue("113", "oslo", "bergen", own_room_ms=4_000), apply="all")
        self.wait(2_000)
        self.gone("r1")
        self.configure(queue("113", "oslo", "bergen"), queue("116117", "bergen"))

    def settle(self) -> None:
        """All paper work is done."""
        for view in self.core.operators():
            if view.state.value == "wrap-up":
                self.done(view.operator)

    def begin(self, contact: str) -> str:
        """A call that is up; who has it."""
        self.settle()
        self.ring(contact)
        self.wait(1)
        holder = self.holder(contact)
        self.talk(holder, contact)
        return holder

    def holder(self, contact: str) -> str:
        """Who has it, or is asked."""
        operator = self.contact(contact).operator
        assert operator is not None, contact
        return str(operator)

    def other(self, who: str) -> str:
        """Somebody who is free."""
        return next(
            str(view.operator)
            for view in self.core.operators()
            if view.operator not in (who, "lead") and view.state.value == "idle"
        )
