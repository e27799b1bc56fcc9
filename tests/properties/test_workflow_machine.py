"""Days with everything in them: workflows, rooms that close, chats, ring-all, reserves, sharing; against an oracle that
looks at everybody."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.api import (
    Condition,
    ContactClass,
    ContactKind,
    LocalTime,
    Reach,
    RoomConfig,
    RoomsConfig,
    Step,
    Strategy,
)
from kak_sim.oracle_watch import OracleWatch
from kak_sim.step_oracle import StepOracle
from kak_sim.stream_laws import StreamLaws
from kak_sim.word_laws import WordLaws
from tests.unit.routing.desk import Desk, queue

ROOMS = ("a", "b", "c", "d")
NATIONAL = RoomsConfig(
    rooms=(
        RoomConfig(RoomId("a"), (RoomId("b"),), "west", reserve=1, weight=2, help_percent=30),
        RoomConfig(RoomId("b"), (RoomId("a"), RoomId("c")), "west", reserve=2),
        RoomConfig(RoomId("c"), (RoomId("b"),), "east"),
        RoomConfig(RoomId("d"), (), "east", help_percent=0),
    ),
    # Five seconds before the midnight that a holiday begins with; two minutes later the clocks go back by an hour.
    local=LocalTime((0, 1_120_000), (85_395_000, 81_795_000)),
    calendars={"holidays": (1,)},
    recheck_ms=2_000,
)
WIDENING = (
    Step(reach=Reach.OWN),
    Step(after_ms=2_000, reach=Reach.NEIGHBOURS, strategy=Strategy.MOST_SKILLED),
    Step(after_ms=5_000, reach=Reach.REGION, relax=2),
    Step(after_ms=9_000, reach=Reach.COUNTRY, use_reserves=True, strategy=Strategy.ROUND_ROBIN),
)
QUEUES: tuple[api.QueueConfig, ...] = (
    queue("113a", "a", "b", skills={"emd": 3}, workflow=WIDENING),
    queue("113b", "b", skills={"emd": 1}, workflow=WIDENING),
    queue(
        "ring",
        "c",
        "d",
        klass=ContactClass.URGENT,
        workflow=(
            Step(reach=Reach.QUEUE, strategy=Strategy.RING_ALL, ring_first=2, ring_max=3, ring_stage_ms=1_000),
            Step(
                after_ms=4_000,
                when=Condition(waiting_from=2, staff_below=3),
                overflow_queue=QueueId("plain"),
            ),
        ),
    ),
    queue(
        "sticky",
        "d",
        "a",
        klass=ContactClass.NORMAL,
        interrupts_chats=False,
        workflow=(
            Step(strategy=Strategy.STICKY, reach=Reach.QUEUE),
            Step(after_ms=3_000, strategy=Strategy.LEAST_OCCUPIED, drop=("emd",), announce="wait", tell_position=True),
            Step(after_ms=8_000, when=Condition(classes=(ContactClass.NORMAL,)), overflow_number="+4700000001"),
        ),
        skills={"emd": 2},
        wrap_up_ms=0,
    ),
    queue(
        "mine",
        "a",
        "d",
        klass=ContactClass.NORMAL,
        workflow=(Step(strategy=Strategy.STICKY, reach=Reach.QUEUE),),  # and nothing after it
        wrap_up_ms=0,
    ),
    queue(
        "fan",
        "b",
        "a",
        klass=ContactClass.URGENT,
        workflow=(
            Step(reach=Reach.COUNTRY, strategy=Strategy.RING_ALL, ring_first=1, ring_max=3, ring_stage_ms=1_500),
            Step(after_ms=1_000, strategy=Strategy.LONGEST_IDLE),
            Step(after_ms=6_000, strategy=Strategy.RING_ALL, ring_first=2, ring_max=2, ring_stage_ms=1_000),
        ),
    ),
    queue(
        "onward",
        "c",
        "a",
        skills={"emd": 2},
        workflow=(
            Step(reach=Reach.OWN),
            Step(after_ms=1_000, rooms=(RoomId("d"),)),
            Step(after_ms=3_000, overflow_queue=QueueId("there")),
        ),
    ),
    queue(
        "there",
        "d",
        "a",
        skills={"emd": 5},
        workflow=(
            Step(reach=Reach.OWN, announce="welcome"),
            Step(when=Condition(staff_below=1), reach=Reach.QUEUE),
            Step(after_ms=2_000, relax=2),
            Step(after_ms=4_000, reach=Reach.COUNTRY, drop=("emd",)),
        ),
    ),
    queue("plain", "b", "c", klass=ContactClass.NORMAL, own_room_ms=3_000, wrap_up_ms=1_000, preferred={"emd": 4}),
    queue("experts", "a", "b", klass=ContactClass.NORMAL, skills={"emd": 4}),
    queue(
        "hours",
        "c",
        klass=ContactClass.URGENT,
        skills={"emd": 3},
        workflow=(
            Step(reach=Reach.OWN),
            Step(when=Condition(from_min=23 * 60 + 59), announce="good-night"),
            Step(when=Condition(until_min=1), announce="good-morning"),
            Step(when=Condition(calendar="holidays"), reach=Reach.COUNTRY),
            Step(when=Condition(calendar="holidays", in_calendar=False), relax=1, rooms=(RoomId("d"),)),
            Step(after_ms=1_000, when=Condition(weekdays=(4, 5, 6), staff_from=1), announce="weekend"),
            Step(after_ms=2_000, when=Condition(from_min=24 * 60 - 1, until_min=2), relax=2),
            Step(when=Condition(areas=("0301",), languages=("se", "")), rooms=(RoomId("a"),)),
            Step(after_ms=500, when=Condition(kinds=(ContactKind.VIDEO,)), drop=("emd",)),
        ),
    ),
)
OPERATORS = ("ada", "bob", "cia", "dag", "eva", "fay")
CALLERS = ("", "+4711", "+4722")

operators = st.sampled_from(OPERATORS)
rooms = st.sampled_from(ROOMS)
queues = st.sampled_from([config.queue for config in QUEUES])
picks = st.integers(0, 30)


class WatchedDesk(Desk):
    """After each step the oracle looks at everybody; whoever is offered a contact is not passed over a higher class."""

    def __init__(self, *queues: api.QueueConfig, **settings: Any) -> None:
        self.steps = StepOracle()
        self.oracle = OracleWatch()
        self.words = WordLaws()
        self.stream = StreamLaws()
        super().__init__(*queues, **settings)

    def send(self, event: api.Event) -> tuple[api.Effect, ...]:
        effects = super().send(event)
        found = self.steps.observe(event, effects, self.core.state)
        found += self.oracle.observe(event, effects, self.core.state)
        found += self.words.observe(event, effects, self.core)
        found += self.stream.observe(event, effects)
        assert not found, found
        return effects


class WorkflowMachine(RuleBasedStateMachine):
    """Random days of four rooms."""

    @initialize(fair=st.booleans(), ready=st.lists(operators, unique=True, min_size=2))
    def open_up(self, fair: bool, ready: list[str]) -> None:
        self.national_rules: dict[str, Any] = {
            "national": replace(NATIONAL, fair=fair),
            "max_contacts": 15,
        }
        self.desk = WatchedDesk(*QUEUES, **self.national_rules)
        self.calls = self.loans = 0
        self.passed_on = "ada", "c-unknown"
        for number, who in enumerate(ready):
            self.sits(who, ROOMS[number % 4], emd=number, chats=number % 3, in_call=number % 2, stops=bool(number % 2))

    def any(self, *states: api.ContactState) -> bool:
        """There is a contact, in one of the states if some are given."""
        rows = self.desk.core.state.contacts.values()
        return any(not states or row.state in states for row in rows)

    def some(self, pick: int, *states: api.ContactState) -> str:
        live = sorted(name for name, row in self.desk.core.state.contacts.items() if not states or row.state in states)
        return live[pick % len(live)] if live else "c-unknown"

    def holder(self, contact: str) -> str:
        view = self.desk.core.contact(ContactId(contact))
        return (view.operator if view is not None else None) or "ada"

    @rule(who=operators, emd=st.integers(0, 5), chats=st.integers(0, 3), in_call=st.integers(0, 2), stops=st.booleans())
    def a_version_says_what_somebody_takes(self, who: str, emd: int, chats: int, in_call: int, stops: bool) -> None:
        able = api.Capacity(chats, in_call, stops)
        self.desk.publish(people=(api.OperatorRules(OperatorId(who), who.title(), {"emd": emd}, (), able),))

    @rule(
        who=operators,
        room=rooms,
        emd=st.integers(0, 5),
        chats=st.integers(0, 2),
        in_call=st.integers(0, 1),
        stops=st.booleans(),
    )
    def sits(self, who: str, room: str, emd: int, chats: int, in_call: int, stops: bool) -> None:
        desk = self.desk
        desk.send(
            api.OperatorSignedIn(
                desk.now_ms,
                OperatorId(who),
                who,
                PositionId(f"p-{who}"),
                RoomId(room),
                {"emd": emd},
                api.Activity.AVAILABLE,
                True,
                chats,
                in_call,
                stops,
            )
        )

    @rule(
        to=queues,
        kind=st.sampled_from([ContactKind.VOICE, ContactKind.VOICE, ContactKind.CHAT, ContactKind.ALARM]),
        klass=st.sampled_from([None, None, None, ContactClass.EMERGENCY]),
        level=st.sampled_from([0, 0, 2, 4]),
        caller=st.sampled_from(CALLERS),
        language=st.sampled_from(["", "se"]),
        times=st.integers(1, 4),
    )
    def arrive(
        self, to: str, kind: ContactKind, klass: ContactClass | None, level: int, caller: str, language: str, times: int
    ) -> None:
        """The same need once or several times."""
        for _ in range(times):
            self.arrives(to, kind, klass, level, caller, language)

    def arrives(
        self, to: str, kind: ContactKind, klass: ContactClass | None, level: int, caller: str, language: str
    ) -> None:
        self.calls += 1
        self.desk.send(
            api.ContactArrived(
                self.desk.now_ms,
                ContactId(f"c{self.calls}"),
                QueueId(to),
                caller,
                kind=kind,
                klass=klass,
                skills={"emd": level} if level else {},
                language=language,
            )
        )

    @rule(
        count=st.integers(2, 4),
        room=rooms,
        to=st.sampled_from(["fan", "fan", "ring"]),
        ms=st.sampled_from([1_000, 3_000, 8_000]),
    )
    def several_come_to_help_and_none_of_them_answers(self, count: int, room: str, to: str, ms: int) -> None:
        helpers = ("gus", "hal", "ida", "jon")[:count]
        for name in helpers:
            self.sits(name, room, 2, chats=0, in_call=0, stops=False)
        self.arrives(to, ContactKind.VOICE, None, 0, "", "")
        self.desk.wait(ms)
        for name in helpers:
            self.desk.leave(name)

    @rule(who=operators, emd=st.sampled_from([2, 3]), to=st.sampled_from(["experts", "plain", "sticky"]))
    def somebody_sits_down_where_few_can_do_what_is_asked(self, who: str, emd: int, to: str) -> None:
        """With one more in the room those who were kept for its emergencies are free for the others who wait."""
        self.arrives(to, ContactKind.VOICE, None, 4, "", "")
        self.sits(who, "a", emd, chats=0, in_call=0, stops=False)

    @rule(klass=st.sampled_from([None, ContactClass.EMERGENCY]), caller=st.sampled_from(["+4711", "+4722"]))
    def somebody_who_talks_calls_once_more(self, klass: ContactClass | None, caller: str) -> None:
        """The line may have been cut, or it is somebody else of the house: whoever knows the case may still talk."""
        self.arrives("sticky", ContactKind.VOICE, klass, 0, caller, "")
        contact = f"c{self.calls}"
        row = self.desk.core.state.contacts.get(ContactId(contact))
        if row is not None and row.state is api.ContactState.OFFERED:
            self.desk.talk(self.holder(contact), contact)
        self.arrives("sticky", ContactKind.VOICE, klass, 0, caller, "")
        self.whoever_knows_the_case_is_waited_for(contact, f"c{self.calls}")

    def whoever_knows_the_case_is_waited_for(self, first: str, again: str) -> None:
        """In a room without a reserve, by somebody who can be asked once that talk is over; unless other steps hold."""
        rules = self.desk.core.rules_of(ContactId(again))
        if rules is None or rules.workflow != next(row.workflow for row in QUEUES if row.queue == "sticky"):
            return
        contacts, people = self.desk.core.state.contacts, self.desk.core.state.operators
        talk, waits = contacts.get(ContactId(first)), contacts.get(ContactId(again))
        if talk is None or waits is None or talk.state is not api.ContactState.CONNECTED or waits.queue != "sticky":
            return
        knows = people[talk.operator or OperatorId("")]
        can = knows.activity is api.Activity.AVAILABLE and knows.media_up and knows.skills.get("emd", 0) >= 2
        there = knows.room == "d" and self.desk.core.room(RoomId("d")).state is not api.RoomState.EVACUATED
        if can and there and knows.duty.loan is None and not knows.duty.leaving:
            assert waits.named == knows.operator, f"{again} does not wait for {knows.operator}, who talks in {first}"

    @rule(
        room=st.sampled_from(["a", "b", "c"]),
        who=operators,
        lent_for=st.sampled_from([(), ("113a",), ("hours",), ("113b", "plain")]),
        emd=st.integers(0, 3),
        own=st.booleans(),
        comes_over=st.booleans(),
    )
    def a_room_borrows(
        self, room: str, who: str, lent_for: tuple[str, ...], emd: int, own: bool, comes_over: bool
    ) -> None:
        """Somebody who can do less than the queues ask for at first, and then somebody waits there long enough; whoever
        is lent may come over and sit down in the other room."""
        desk = self.desk
        if desk.core.operator(OperatorId(who)) is None:
            self.sits(who, "d", emd, chats=0, in_call=0, stops=False)
        seat = desk.core.operator(OperatorId(who))
        if seat is not None:
            self.loans += 1
            desk.borrow(f"l{self.loans}", room, seat.room, who, queues=lent_for, ms=30_000)
            desk.lend(f"l{self.loans}", who, own_emergencies=own)
            self.arrives(lent_for[0] if lent_for else "113b", ContactKind.VOICE, None, 0, "", "")
            desk.wait(6_000)
            if comes_over:
                self.sits(who, room, emd, chats=0, in_call=0, stops=False)

    @precondition(lambda self: self.any())
    @rule(pick=picks)
    def caller_leaves(self, pick: int) -> None:
        self.desk.gone(self.some(pick))

    @precondition(lambda self: self.any())
    @rule(pick=picks)
    def falls_silent(self, pick: int) -> None:
        """Told of whatever: what is no chat, waits or is an emergency goes on."""
        self.desk.falls_silent(self.some(pick))

    @rule(who=operators)
    def goes_home(self, who: str) -> None:
        self.desk.leave(who)

    @rule(who=operators, activity=st.sampled_from([api.Activity.AVAILABLE, *api.Activity]))
    def says(self, who: str, activity: api.Activity) -> None:
        self.desk.says(who, activity)

    @rule(who=operators, up=st.booleans())
    def media(self, who: str, up: bool) -> None:
        self.desk.media(f"p-{who}", up)

    @precondition(lambda self: self.any(api.ContactState.OFFERED))
    @rule(pick=picks, joined=st.booleans())
    def accepts(self, pick: int, joined: bool) -> None:
        contact = self.some(pick, api.ContactState.OFFERED)
        self.desk_accept(self.holder(contact), contact)
        if joined:
            self.desk_joined(contact)

    @rule(pick=picks, which=st.integers(0, 2), joined=st.booleans())
    def another_who_rings_accepts(self, pick: int, which: int, joined: bool) -> None:
        ringing = sorted(name for name, row in self.desk.core.state.contacts.items() if row.ringing)
        if ringing:
            contact = ringing[pick % len(ringing)]
            row = self.desk.core.state.contacts[contact]
            self.desk_accept(row.ringing[which % len(row.ringing)], contact)
            if joined:
                self.desk_joined(contact)

    def desk_accept(self, who: str, contact: str) -> None:
        if ContactId(contact) in self.desk.core.state.contacts:
            self.desk.accept(who, contact)

    def desk_joined(self, contact: str) -> None:
        if ContactId(contact) in self.desk.core.state.contacts:
            self.desk.joined(contact)

    @precondition(lambda self: self.any(api.ContactState.OFFERED))
    @rule(pick=picks, gives_way=st.booleans())
    def rejects(self, pick: int, gives_way: bool) -> None:
        contact = self.some(pick, api.ContactState.OFFERED)
        if contact != "c-unknown":
            self.desk.reject(self.holder(contact), contact, gives_way=gives_way)

    @precondition(lambda self: self.any(api.ContactState.CONNECTING))
    @rule(pick=picks)
    def is_joined(self, pick: int) -> None:
        self.desk_joined(self.some(pick, api.ContactState.CONNECTING))

    @precondition(lambda self: self.any(api.ContactState.CONNECTING, api.ContactState.CONNECTED))
    @rule(pick=picks)
    def join_fails(self, pick: int) -> None:
        contact = self.some(pick, api.ContactState.CONNECTING, api.ContactState.CONNECTED)
        if contact != "c-unknown":
            self.desk.join_failed(contact)

    @precondition(lambda self: self.any(api.ContactState.CONNECTED))
    @rule(pick=picks)
    def hangs_up(self, pick: int) -> None:
        contact = self.some(pick, api.ContactState.CONNECTED)
        self.desk.hang_up(self.holder(contact), contact)

    @precondition(lambda self: self.any(api.ContactState.CONNECTED))
    @rule(pick=picks, to=queues)
    def transfers(self, pick: int, to: str) -> None:
        contact = self.some(pick, api.ContactState.CONNECTED)
        self.passed_on = self.holder(contact), contact
        self.desk.transfer(*self.passed_on, to)

    @precondition(lambda self: self.any(api.ContactState.CONNECTED, api.ContactState.HELD))
    @rule(pick=picks, to=queues, room=rooms, of_room=st.booleans(), answers=st.lists(st.booleans(), max_size=4))
    def a_colleague_is_sought(self, pick: int, to: str, room: str, of_room: bool, answers: list[bool]) -> None:
        """Whoever of a queue or a room: they say no, or yes, one after the other."""
        contact = self.some(pick, api.ContactState.CONNECTED, api.ContactState.HELD)
        self.desk.seek(self.holder(contact), contact, "" if of_room else to, room if of_room else "")
        for yes in answers:
            row = self.desk.core.state.contacts.get(ContactId(contact))
            if row is None or row.moves.search is None:
                return
            asked = row.moves.search.asked[-1]
            (self.desk.accept if yes else self.desk.reject)(asked, contact, self.desk.guest_epoch(contact, asked))

    @rule(
        pick=picks,
        area=st.sampled_from([None, "", "0301"]),
        language=st.sampled_from([None, "", "se"]),
        kind=st.sampled_from([None, ContactKind.VOICE, ContactKind.VIDEO, ContactKind.CHAT]),
    )
    def more_is_known(self, pick: int, area: str | None, language: str | None, kind: ContactKind | None) -> None:
        contact = ContactId(self.some(pick, *api.ContactState))
        self.desk.send(api.ContactDescribed(self.desk.now_ms, contact, area, language, kind))

    @precondition(lambda self: self.any(api.ContactState.HANDED_OVER))
    @rule(pick=picks, unheard=st.booleans())
    def nobody_helps_outside(self, pick: int, unheard: bool) -> None:
        self.desk.handover_failed(self.some(pick, api.ContactState.HANDED_OVER), unheard=unheard)

    @rule(pick=picks, who=operators)
    def is_fetched_from_outside(self, pick: int, who: str) -> None:
        self.desk.pull_back(who, self.some(pick, api.ContactState.HANDED_OVER))

    @rule()
    def is_taken_back(self) -> None:
        """By whoever passed it on last and thinks better of it."""
        self.desk.pull_back(*self.passed_on)

    @rule(who=operators, room=rooms, ms=st.sampled_from([4_000, 10_000, 20_000]))
    def whoever_was_called_is_left_with_nobody(self, who: str, room: str, ms: int) -> None:
        """Handed over to others, and they have gone."""
        desk = self.desk
        if desk.core.operator(OperatorId(who)) is None:
            self.sits(who, room, 2, chats=0, in_call=0, stops=False)
        self.calls += 1
        contact = f"c{self.calls}"
        desk.dial(who, contact)
        if desk.core.contact(ContactId(contact)) is not None:
            desk.joined(contact)
            desk.hand_over(who, contact)
            desk.handover_failed(contact)
            desk.wait(ms)

    def awaited(self) -> list[OperatorId]:
        """By name, and here. An emergency asks everybody: it may still name somebody who has gone home meanwhile."""
        state = self.desk.core.state
        return [row.named for row in state.contacts.values() if row.named is not None and row.named in state.operators]

    @precondition(lambda self: self.awaited())
    @rule(how=st.sampled_from(["home", "break", "elsewhere"]), room=rooms)
    def whoever_is_waited_for_alone_does_not_come(self, how: str, room: str) -> None:
        """After the talk that the others waited through: home, to a break, or to work for another room."""
        desk = self.desk
        who = self.awaited()[0]
        seat = desk.core.operator(who)
        assert seat is not None
        if seat.contact is not None:
            desk.hang_up(who, seat.contact)
        if how == "home":
            desk.leave(who)
        elif how == "break":
            desk.says(who, api.Activity.BREAK)
        else:
            self.sits(who, room, 1, chats=0, in_call=0, stops=False)

    @rule(who=operators)
    def paper_work_done(self, who: str) -> None:
        self.desk.done(who)

    @rule(ms=st.sampled_from([1, 900, 1_000, 2_500, 4_000, 16_000]))
    def time_passes(self, ms: int) -> None:
        self.desk.wait(ms)

    @rule(ms=st.sampled_from([500, 2_000, 3_000, 5_000]))
    def a_step_falls_due(self, ms: int) -> None:
        self.desk.wait(ms)

    @rule(pick=picks)
    def somebody_unknown_leaves(self, pick: int) -> None:
        self.desk.gone(f"c-unknown-{pick}")
        self.desk.handover_failed(f"c-unknown-{pick}")

    @rule(
        room=st.sampled_from([*ROOMS, *ROOMS, "nowhere"]), state=st.sampled_from([api.RoomState.OPEN, *api.RoomState])
    )
    def room_state(self, room: str, state: api.RoomState) -> None:
        self.desk.send(api.RoomStateSet(self.desk.now_ms, RoomId(room), state, None, "fire drill"))

    @rule(chosen=st.sets(st.integers(0, len(QUEUES) - 1), min_size=2), fair=st.booleans())
    def rules_change(self, chosen: set[int], fair: bool) -> None:
        self.national_rules["national"] = replace(NATIONAL, fair=fair)
        self.desk.configure(*(QUEUES[number] for number in sorted(chosen)), **self.national_rules)

    @rule(
        number=st.integers(0, len(QUEUES) - 1),
        like=st.integers(0, len(QUEUES) - 1),
        passes_ms=st.sampled_from([0, 2_500, 5_000]),
        everybody=st.booleans(),
    )
    def a_queue_gets_the_steps_of_another(self, number: int, like: int, passes_ms: int, everybody: bool) -> None:
        """Whoever waits or rings in it follows them too, if that is said."""
        mine, other = QUEUES[number], QUEUES[like]
        self.arrives(mine.queue, ContactKind.VOICE, None, 0, "", "")
        self.desk.wait(passes_ms)
        steps = tuple(step for step in other.workflow if step.overflow_queue != mine.queue)
        self.desk.publish(replace(mine, workflow=steps), apply="all" if everybody else "new")

    @precondition(lambda self: len(self.desk.events) > 5)
    @rule()
    def crash_and_replay(self) -> None:
        self.desk.crash_and_replay()

    def teardown(self) -> None:
        """Two in every room who can do everything: nobody is left."""
        if not hasattr(self, "desk"):
            return
        desk = self.desk
        desk.configure(*QUEUES, **self.national_rules)
        for room in ROOMS:
            desk.send(api.RoomStateSet(desk.now_ms, RoomId(room), api.RoomState.OPEN))
            for number in range(3):
                self.sits(f"helper-{room}{number}", room, emd=9, chats=2, in_call=1, stops=True)
        for _ in range(100):
            if not desk.core.state.contacts:
                break
            self.serve_one_round()
        assert not desk.core.state.contacts

    def serve_one_round(self) -> None:
        desk = self.desk
        for view in desk.core.contacts():
            if view.state is api.ContactState.HANDED_OVER:
                desk.gone(view.contact)
            now = desk.core.contact(view.contact)
            if now is not None and now.operator is not None and now.state is not api.ContactState.ENDED:
                if now.offer_expires_at_ms is not None:
                    desk.talk(now.operator, now.contact)
                desk.hang_up(now.operator, now.contact)
        desk.wait(5_000)


WorkflowMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWorkflowMachine = WorkflowMachine.TestCase
