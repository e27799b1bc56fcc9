"""The law of the rooms' order notices a core that asks the wrong room after an offer rang out, also where a version is
published for everybody while it rings."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from kak_server.model.ids import RoomId
from kak_server.routing import api, rings
from kak_server.routing.api import Reach, RoomConfig, RoomsConfig, Step, Strategy
from kak_server.routing.state import Contact, Operator
from kak_sim.oracle_watch import OracleWatch
from tests.unit.routing.desk import Desk, queue

OSLO, BERGEN, TROMSO, VOSS = (RoomId(name) for name in ("oslo", "bergen", "tromso", "voss"))
NATIONAL = RoomsConfig((RoomConfig(OSLO, (BERGEN,)), RoomConfig(BERGEN, (OSLO,)), RoomConfig(TROMSO)))
OWN, NEIGHBOURS, COUNTRY = (Step(reach=reach) for reach in (Reach.OWN, Reach.NEIGHBOURS, Reach.COUNTRY))
LEARNERS = Step(reach=Reach.NEIGHBOURS, relax=2)
BOTH = Step(strategy=Strategy.RING_ALL, ring_first=2, ring_max=2)
RING_MS = 15_000
Wrong = Callable[[Contact, Iterable[Operator]], None]
rang_out = rings.rang_out


class JudgedDesk(Desk):
    """`found`: what the law says."""

    def __init__(self, *steps: Step, national: RoomsConfig = NATIONAL) -> None:
        self.watch = OracleWatch()
        self.found: list[str] = []
        super().__init__(self.with_steps(*steps), national=national)

    @staticmethod
    def with_steps(*steps: Step) -> api.QueueConfig:
        return queue("113", "oslo", skills={"emd": 3}, workflow=steps)

    def send(self, event: api.Event) -> tuple[api.Effect, ...]:
        effects = super().send(event)
        self.found += self.watch.observe(event, effects, self.core.state)
        return effects

    def sit_down(self, *who: str) -> None:
        """Learners are called l, the second letter is that of the room."""
        for name in who:
            room = {"o": OSLO, "b": BERGEN, "t": TROMSO, "v": VOSS}[name[1]]
            self.sit(name, room, emd=1 if name[0] == "l" else 3)
            self.wait(1)


def after(*steps: Step, then: tuple[Step, ...], who: tuple[str, ...], silent: int = 1) -> JudgedDesk:
    """So many offers ring out, the last of them while other steps are published for everybody who is here."""
    made = JudgedDesk(*steps)
    made.sit_down(*who)
    made.ring("c1")
    made.wait(RING_MS * (silent - 1) + 1_000)
    made.publish(made.with_steps(*then), apply="all")
    made.wait(RING_MS)
    return made


def a_learner_rings() -> JudgedDesk:
    """Of the own room, and it is to be for those who can do more; others are idle there and beside it."""
    return after(LEARNERS, then=(NEIGHBOURS,), who=("lo", "so", "sb"))


def a_learner_rings_after_a_neighbour() -> JudgedDesk:
    """It rang out in Oslo and in Bergen before."""
    steps = (OWN, NEIGHBOURS, replace(COUNTRY, relax=2))
    return after(*steps, then=(OWN, NEIGHBOURS, COUNTRY), who=("so", "sb", "lt", "st", "to"), silent=3)


def it_rings_where_nobody_is_asked_any_more() -> JudgedDesk:
    """It rang out in Oslo before, and rings in Tromso, which the new steps leave out."""
    return after(OWN, COUNTRY, then=(NEIGHBOURS,), who=("so", "st", "to", "sb"), silent=2)


def it_rings_at_somebody_who_is_still_asked() -> JudgedDesk:
    """Of the own room, where another is idle; the new steps reach a neighbour."""
    return after(OWN, then=(NEIGHBOURS,), who=("so", "to", "sb"))


def it_rings_at_two() -> JudgedDesk:
    """One of the own room and one beside it. The new steps ask one at a time."""
    return after(NEIGHBOURS, BOTH, then=(OWN, NEIGHBOURS, COUNTRY), who=("so", "sb", "tb", "st"))


NEXT = {
    a_learner_rings: "so",
    a_learner_rings_after_a_neighbour: "st",
    it_rings_where_nobody_is_asked_any_more: "sb",
    it_rings_at_somebody_who_is_still_asked: "sb",
    it_rings_at_two: "st",
}


@pytest.mark.parametrize("history", NEXT)
def test_where_it_rang_is_judged_by_what_a_version_for_all_asks_for(history: Callable[[], JudgedDesk]) -> None:
    """Who may not be asked any more, for want of skills or of reach, says nothing of those who are: where it rang out
    before stands. Who may says as much of the room as by the former rules."""
    made = history()
    assert (made.offered_to("c1"), made.found) == (NEXT[history], [])


def by_the_former_rules(contact: Contact, asked: Iterable[Operator]) -> None:
    """Whoever was asked counts, able and in reach or not."""
    contact.rang_out_in = list(asked)[-1].crew.room


def with_nothing_before(contact: Contact, asked: Iterable[Operator]) -> None:
    """What rang out before is forgotten."""
    contact.rang_out_in = None
    rang_out(contact, asked)


def not_at_all(contact: Contact, asked: Iterable[Operator]) -> None:
    """A silence is nothing."""


def the_first_counts(contact: Contact, asked: Iterable[Operator]) -> None:
    """Of several not the farthest."""
    rang_out(contact, list(asked)[:1])


@pytest.mark.parametrize(
    ("history", "wrong", "said"),
    [
        (a_learner_rings, by_the_former_rules, "offered to sb, and it was so's turn (it rang out in no room)"),
        (a_learner_rings_after_a_neighbour, by_the_former_rules, "offered to to, and it was st's turn"),
        (a_learner_rings_after_a_neighbour, with_nothing_before, "offered to to, and it was st's turn"),
        (it_rings_where_nobody_is_asked_any_more, by_the_former_rules, "offered to to, and it was sb's turn"),
        (it_rings_where_nobody_is_asked_any_more, with_nothing_before, "offered to to, and it was sb's turn"),
        (it_rings_at_somebody_who_is_still_asked, not_at_all, "offered to to, and it was sb's turn"),
        (it_rings_at_two, the_first_counts, "offered to tb, and it was st's turn (it rang out in bergen)"),
        (it_rings_at_two, not_at_all, "offered to tb, and it was st's turn"),
    ],
)
def test_a_core_that_asks_the_wrong_room_next_is_noticed(
    history: Callable[[], JudgedDesk], wrong: Wrong, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rings, "rang_out", wrong)
    assert any(said in finding for finding in history().found)


@pytest.mark.parametrize(("region_of_bergen", "next_asked"), [("east", "st"), ("west", "sv")])
def test_a_reach_that_left_out_a_neighbour_is_no_widening(region_of_bergen: str, next_asked: str) -> None:
    """Tromsø is of Oslo's region, and comes before the rest of the country if the neighbour is of that region, too."""
    rooms = (
        RoomConfig(OSLO, (BERGEN,), region="east"),
        RoomConfig(BERGEN, (OSLO,), region=region_of_bergen),
        RoomConfig(TROMSO, region="east"),
        RoomConfig(VOSS),
    )
    desk = JudgedDesk(OWN, NEIGHBOURS, Step(reach=Reach.REGION), COUNTRY, national=RoomsConfig(rooms))
    desk.sit_down("so", "sv", "st")
    desk.ring("c1")
    desk.wait(RING_MS)
    assert desk.operator("so").state is not api.OperatorState.OFFERED
    assert desk.operator(next_asked).contact == "c1"
    assert desk.found == []
