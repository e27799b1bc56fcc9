"""The laws notice a broken state: each case breaks one thing by hand."""

from collections.abc import Callable

import pytest

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing import lanes
from kak_server.routing.api import ContactState, OperatorState
from kak_server.routing.invariants import violations
from kak_server.routing.needs import NOBODY
from kak_server.routing.ordered import Ordered
from kak_server.routing.state import State, Timer, WaitKey
from tests.unit.routing.desk import Desk, queue

OFFERED, WAITING, TALKING = ContactId("offered"), ContactId("waiting"), ContactId("talking")
KARI, OLA, PER = OperatorId("kari"), OperatorId("ola"), OperatorId("per")


def state() -> State:
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=60_000))
    for who in ("kari", "ola", "per"):
        desk.sit(who)
    desk.ring("talking")
    desk.talk("kari", "talking")
    desk.ring("done")
    desk.talk("ola", "done")
    desk.hang_up("ola", "done")
    desk.ring("offered")
    desk.ring("waiting")
    return desk.core.state


def change(**values: object) -> Callable[[State], None]:
    def do(state: State) -> None:
        row = state.contacts[ContactId(str(values["contact"]))] if "contact" in values else None
        target = row or state.operators[OperatorId(str(values["operator"]))]
        for name, value in values.items():
            if name not in ("contact", "operator"):
                setattr(target, name.removeprefix("its_"), value)

    return do


def retire_empty(state: State) -> None:
    state.queues[QueueId("113")].retired = True
    state.contacts.clear()


def empty(line: Ordered[WaitKey]) -> None:
    for key in list(line):
        line.remove(key)


def unheard(state: State) -> None:
    """The hub has heard of the line and forgotten it."""
    hub = state.contacts[WAITING].need.line.hub
    assert hub.first() is not None
    hub.heap.clear()


BREAKAGES: list[tuple[Callable[[State], object], str]] = [
    (change(contact=OFFERED, state=ContactState.ENDED), "has ended but is still here"),
    (change(contact=WAITING, its_operator=KARI), "waits but has operator kari"),
    (lambda state: state.index.sit(state.operators[KARI], lanes.WHOLE), "waits although kari is idle"),
    (lambda state: state.index.sit(state.operators[KARI], lanes.WHOLE), "kari is open for 62, should be for 0"),
    (change(contact=TALKING, its_operator=OLA), "does not have it"),
    (change(contact=OFFERED, state=ContactState.CONNECTED), "per is offered"),
    (lambda state: state.timers.pop("offer:offered"), "offered without an expiry"),
    (change(contact=TALKING, state=ContactState.CONNECTING), "connecting without a time-out"),
    (lambda state: state.timers.pop("widen:waiting"), "kept to its own room without a timer"),
    (change(operator=KARI, position="nowhere"), "does not sit at nowhere"),
    (change(operator=OLA, state=OperatorState.BUSY), "which is not with it"),
    (change(operator=PER, state=OperatorState.BUSY), "which is offered"),
    (change(operator=OLA, its_contact=TALKING), "is wrap-up but has talking"),
    (lambda state: state.timers.pop("wrap-up:ola"), "in wrap-up without a timer"),
    (change(operator=KARI, media_up=False), "no grace timer"),
    (change(operator=PER, media_up=False), "is offered without media"),
    (lambda state: setattr(state.queues[QueueId("113")], "members", {}), "counts 0 contacts, has 3"),
    (retire_empty, "is retired and empty but still here"),
    (change(contact=WAITING, key=None), "stands in line, or waits and does not"),
    (lambda state: empty(state.queues[QueueId("113")].waiting), "113: the line is not who waits"),
    (lambda state: empty(state.contacts[WAITING].need.line.waiting), "of oslo: not who waits"),
    (unheard, "a crew of oslo sees"),
    (lambda state: setattr(state.contacts[WAITING].need.line.hub, "top", NOBODY), "the hub of oslo says"),
    (lambda state: setattr(state.operators[OLA].crew, "mask", 0), "ola is in a crew of others"),
    (change(operator=OLA, state=OperatorState.IDLE), "ola: the idle of the crew are not who is idle"),
    (lambda state: state.timers.update({"offer:x": Timer("offer", "x", 1)}), "timer offer:x belongs to nobody"),
]


def test_a_sound_state_breaks_no_law() -> None:
    assert violations(state()) == []


@pytest.mark.parametrize(("breakage", "says"), BREAKAGES, ids=[says for _, says in BREAKAGES])
def test_each_law_notices(breakage: Callable[[State], object], says: str) -> None:
    broken = state()
    breakage(broken)
    assert any(says in found for found in violations(broken)), violations(broken)
