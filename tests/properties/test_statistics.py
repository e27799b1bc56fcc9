"""Random days of a control room: every figure of every half hour, worked out twice, by two programs that share nothing.

One is the reducer, fed step by step, put away and taken up again in between, its rows handed out as they fall due. The
other writes down whole histories and asks each question of all of them (kak_sim/statistics_auditor.py).
"""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kak_server.model.codec import dumps, loads
from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    INVITES,
    Activity,
    ContactArrived,
    ContactClass,
    ContactKind,
    ContactState,
    Effect,
    Event,
    ForcedTo,
    OperatorForced,
    OperatorSignedIn,
    Strategy,
)
from kak_server.routing.step import RoutingCore
from kak_server.routing.words_workflow import Reach, Step
from kak_server.statistics import snapshot
from kak_server.statistics.derived import SIGNED_IN
from kak_server.statistics.halfhours import HALF_HOUR_MS
from kak_sim.statistics_auditor import audit
from tests.unit.routing.desk import queue
from tests.unit.statistics.measured import MeasuredDesk

QUEUES = (
    queue("113", "oslo", "bergen", own_room_ms=4_000, threshold_ms=10_000, wrap_up_ms=30_000),
    queue("bergen", "bergen", offer_timeout_ms=3_000, wrap_up_ms=0, threshold_ms=5_000),
    queue("116117", "oslo", "bergen", klass=ContactClass.NORMAL, wrap_up_ms=90_000, threshold_ms=120_000),
    queue(
        "help",
        "bergen",
        "oslo",
        threshold_ms=20_000,
        workflow=(
            Step(reach=Reach.OWN),
            Step(after_ms=8_000, reach=Reach.QUEUE, strategy=Strategy.ROUND_ROBIN),
            Step(after_ms=60_000, overflow_queue=QueueId("last")),
        ),
    ),
    queue("last", "oslo", wrap_up_ms=5_000, workflow=(Step(), Step(after_ms=300_000, overflow_number="+4722000000"))),
)
NAMES = [config.queue for config in QUEUES]
OPERATORS = ("ada", "bob", "cia")
POSITIONS = ("p1", "p2", "p3", "p4")


class Day(MeasuredDesk):
    """What can happen, each by three small numbers."""

    def __init__(self) -> None:
        super().__init__(*QUEUES, media_grace_ms=5_000, connect_timeout_ms=6_000, max_contacts=9)
        self.calls = 0
        self.at("07:00:00")

    def send(self, event: Event) -> tuple[Effect, ...]:
        """Without the core's own laws, which are another test's (test_routing_machine.py)."""
        effects = self.core.step(event)
        self.timers = dict(self.core.timers())
        self.steps.append((event, effects))
        self.reducer.step(event, effects, self.core.state)
        return effects

    def contact_by(self, pick: int) -> str:
        live = sorted(self.core.state.contacts)
        return live[pick % len(live)] if live else "c-unknown"

    def holder(self, pick: int) -> tuple[str, str]:
        contact = self.contact_by(pick)
        view = self.core.contact(ContactId(contact))
        operator = OPERATORS[pick % 3] if view is None or view.operator is None else view.operator
        return operator, contact

    def epoch(self, contact: str) -> int:
        view = self.core.contact(ContactId(contact))
        return 0 if view is None else view.epoch

    def arrives(self, a: int, b: int, c: int) -> None:
        self.calls += 1
        kind = ContactKind.CHAT if b % 4 == 0 else ContactKind.VOICE
        self.send(ContactArrived(self.now_ms, ContactId(f"c{self.calls}"), QueueId(NAMES[a % 5]), kind=kind))

    def leaves(self, a: int, b: int, c: int) -> None:
        self.gone(self.contact_by(a))

    def sits(self, a: int, b: int, c: int) -> None:
        room = ("oslo", "bergen")[b % 2]
        self.wait(1)  # nobody leaves and comes back in one millisecond
        activity = Activity.BREAK if c % 5 == 0 else Activity.AVAILABLE
        self.send(
            OperatorSignedIn(
                self.now_ms,
                OperatorId(OPERATORS[a % 3]),
                OPERATORS[a % 3],
                PositionId(POSITIONS[c % 4]),
                RoomId(room),
                {},
                activity,
                c % 7 != 0,
                chats_max=2,
            )
        )

    def goes_home(self, a: int, b: int, c: int) -> None:
        self.leave(OPERATORS[a % 3])

    def changes(self, a: int, b: int, c: int) -> None:
        self.says(OPERATORS[a % 3], list(Activity)[b % 3])

    def sound(self, a: int, b: int, c: int) -> None:
        self.media(POSITIONS[a % 4], up=b % 2 == 0)

    def accepts(self, a: int, b: int, c: int) -> None:
        operator, contact = self.holder(a)
        self.accept(operator, contact, self.epoch(contact))
        if b % 4:
            self.joined(contact, self.epoch(contact))

    def rejects(self, a: int, b: int, c: int) -> None:
        operator, contact = self.holder(a)
        self.reject(operator, contact, self.epoch(contact))

    def joins(self, a: int, b: int, c: int) -> None:
        contact = self.contact_by(a)
        if b % 3:
            self.joined(contact, self.epoch(contact))
        else:
            self.join_failed(contact, self.epoch(contact))

    def hangs_up(self, a: int, b: int, c: int) -> None:
        self.hang_up(*self.holder(a))

    def holds(self, a: int, b: int, c: int) -> None:
        self.hold(*self.holder(a), on=b % 2 == 0)

    def transfers(self, a: int, b: int, c: int) -> None:
        self.transfer(*self.holder(a), NAMES[b % 5])

    def hands_on_a_chat(self, a: int, b: int, c: int) -> None:
        """To somebody who may take it, or say no; or a shift lead takes it over."""
        chats = sorted(row.contact for row in self.core.state.contacts.values() if row.kind is ContactKind.CHAT)
        if not chats:
            return
        chat, who = chats[a % len(chats)], OPERATORS[b % 3]
        if c % 3 == 0:
            self.take_over(who, chat)
            self.joined(chat, self.epoch(chat))
            return
        self.hand_to(self.core.state.contacts[chat].operator or who, chat, who)
        row = self.core.state.contacts[chat].moves.handing
        if row is not None and c % 3 == 1:
            self.accept(who, chat, INVITES + row.number)
            self.joined(chat, self.epoch(chat))
        elif row is not None and a % 2:
            self.reject(who, chat, INVITES + row.number)

    def dials(self, a: int, b: int, c: int) -> None:
        self.calls += 1
        self.dial(OPERATORS[a % 3], f"c{self.calls}", "" if b % 2 else NAMES[b % 5])

    def hands_over(self, a: int, b: int, c: int) -> None:
        self.hand_over(*self.holder(a))

    def left_alone(self, a: int, b: int, c: int) -> None:
        alone = sorted(
            row.contact
            for row in self.core.state.contacts.values()
            if row.state is ContactState.HANDED_OVER and row.kind is ContactKind.VOICE
        )
        if alone and b % 2:
            self.handover_failed(alone[a % len(alone)])
        elif alone:
            self.pull_back(OPERATORS[c % 3], alone[a % len(alone)])

    def through(self, a: int, b: int, c: int) -> None:
        self.done(OPERATORS[a % 3])

    def is_told(self, a: int, b: int, c: int) -> None:
        to = (ForcedTo.READY, ForcedTo.NOT_READY)[b % 2]
        self.send(OperatorForced(self.now_ms, OperatorId(OPERATORS[a % 3]), OperatorId("lead"), to))

    def time_passes(self, a: int, b: int, c: int) -> None:
        self.wait((1, 900, 4_000, 16_000, 70_000, 400_000, HALF_HOUR_MS - 1_000, 2 * HALF_HOUR_MS)[(a + b) % 8])

    def border_comes(self, a: int, b: int, c: int) -> None:
        """To the very millisecond of a half hour, or next to it."""
        self.wait(HALF_HOUR_MS - self.now_ms % HALF_HOUR_MS - 1 + a % 3)

    def restart(self, a: int, b: int, c: int) -> None:
        """Figures and core are put away and taken up again."""
        kept = loads(dumps({**self.core.snapshot(), snapshot.KEY: snapshot.encode(self.reducer)}))
        self.core = RoutingCore.restore(kept)
        self.reducer = snapshot.decode(kept[snapshot.KEY])

    def rows_are_taken(self, a: int, b: int, c: int) -> None:
        self.close()


ACTIONS: tuple[Callable[[Day, int, int, int], None], ...] = (
    Day.arrives, Day.arrives, Day.arrives, Day.leaves, Day.sits, Day.sits, Day.goes_home, Day.changes, Day.sound,
    Day.accepts, Day.accepts, Day.accepts, Day.rejects, Day.joins, Day.hangs_up, Day.holds, Day.transfers, Day.dials,
    Day.hands_on_a_chat, Day.hands_on_a_chat,
    Day.hands_over, Day.left_alone, Day.through, Day.is_told, Day.time_passes, Day.time_passes, Day.border_comes,
    Day.restart, Day.rows_are_taken,
)  # fmt: skip
small = st.integers(0, 30)
deeds = st.tuples(st.integers(0, len(ACTIONS) - 1), small, small, small)


@given(st.lists(deeds, max_size=120))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_two_ways_give_the_same_figures(script: list[tuple[int, int, int, int]]) -> None:
    day = Day()
    for who in OPERATORS:
        day.sit(who, "oslo" if who != "bob" else "bergen", at=f"seat-{who}")
    for deed, a, b, c in script:
        ACTIONS[deed](day, a, b, c)
    day.wait(HALF_HOUR_MS)
    day.close()
    counted = {key: row.figures for key, row in day.rows.items() if row.figures}
    audited = {key: figures for key, figures in audit(day.steps, day.now_ms).items() if figures}
    assert counted == audited
    laws_hold(day)


def laws_hold(day: Day) -> None:
    """What must be true of any row, whoever worked it out."""
    for (_, by, _), row in day.rows.items():
        figures = row.figures
        offered = figures.get("offered", 0)
        decided = sum(figures.get(name, 0) for name in ("answered", "abandoned", "diverted", "pending"))
        assert offered == decided
        assert figures.get("answered_in_time", 0) <= figures.get("answered", 0)
        assert figures.get("abandoned_early", 0) <= figures.get("abandoned", 0)
        assert row.settled == ("pending" not in figures)
        if by == "operator":
            assert sum(figures.get(name, 0) for name in SIGNED_IN) <= HALF_HOUR_MS
            ended = sum(figures.get(name, 0) for name in ("accepted", "rejected", "missed", "withdrawn"))
            assert abs(figures.get("offers", 0) - ended) <= 1  # one may ring across each border
    queues = [(start, row.figures) for (start, by, _), row in day.rows.items() if by == "queue"]
    rooms = [(start, row.figures) for (start, by, _), row in day.rows.items() if by == "room"]
    for name in ("offered", "answered", "abandoned", "requeues", "talk_ms", "wrap_up_ms"):
        assert sum(figures.get(name, 0) for _, figures in queues) == sum(figures.get(name, 0) for _, figures in rooms)
