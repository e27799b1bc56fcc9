"""What chats come to in random days: handed on, taken over by shift leads, ringing beside other work and at those whom
others wait for."""

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api, handing, lanes
from tests.properties.test_workflow_machine import OPERATORS, QUEUES, ROOMS, WorkflowMachine, operators, picks

SEEN: Counter[str] = Counter()
"""What this process has seen, in how many days."""
TALKING = (api.ContactState.CONNECTED, api.ContactState.HELD)
HANDED_ON = st.tuples(picks, operators, st.sampled_from(["yes", "yes", "no", "gives-way", "back", "late"]))
TAKEN_OVER = st.tuples(
    picks,
    operators,
    st.sampled_from(["nothing", "nothing", "call", "paper work", "break", "asked", "mute"]),
    st.sampled_from(["", "", "to the lead", "to another"]),
    st.sampled_from(["goes on", "fails", "handed on", "taken again", "ends"]),
)
BESIDE_WORK = st.tuples(
    operators,
    st.booleans(),
    st.sampled_from([0, 3_000, 8_000, 20_000]),
    st.sampled_from([False, False, True]),
)
WAITED_FOR = st.tuples(operators, st.sampled_from(["+4711", "+4722"]), st.sampled_from(["no", "back", "late"]))
EVENING = st.lists(
    st.one_of(
        st.tuples(st.just("a_lead_takes_a_chat_over"), TAKEN_OVER),
        st.tuples(st.just("a_chat_is_handed_on"), HANDED_ON),
        st.tuples(st.just("a_chat_rings_beside_other_work"), BESIDE_WORK),
        st.tuples(st.just("whoever_is_waited_for_alone_is_asked_for_a_chat"), WAITED_FOR),
    ),
    min_size=1,
    max_size=3,
)
"""Rules of which there are many leave each of them out of most days; what chats come to is looked at every day."""


class ChatDays(WorkflowMachine):
    """Days with an evening of chats."""

    taken_over = 0  # so many chats, by leads
    evening: tuple[tuple[str, Any], ...] = ()

    @initialize(evening=EVENING)
    def the_evening_is_planned(self, evening: list[tuple[str, Any]]) -> None:
        self.evening = tuple(evening)

    def chats_that_somebody_has(self) -> list[ContactId]:
        rows = self.desk.core.state.contacts
        return sorted(name for name, row in rows.items() if lanes.is_light(row) and row.state in TALKING)

    def a_chat_that_somebody_has(self, pick: int) -> ContactId | None:
        """If nobody has one, somebody comes who may get one."""
        state = self.desk.core.state
        theirs = self.chats_that_somebody_has()
        if not theirs:
            self.sits(OPERATORS[pick % len(OPERATORS)], "a", emd=4, chats=2, in_call=1, stops=True)
            self.arrives("plain", api.ContactKind.CHAT, None, 0, "", "")
            for chat in sorted(name for name, row in state.contacts.items() if lanes.is_light(row)):
                if state.contacts[chat].state is api.ContactState.OFFERED:
                    self.desk_accept(self.holder(chat), chat)
                    self.desk_joined(chat)
            theirs = self.chats_that_somebody_has()
        return theirs[pick % len(theirs)] if theirs else None

    @rule(how=HANDED_ON)
    def a_chat_is_handed_on(self, how: tuple[int, str, str]) -> None:
        """To somebody by name, who says yes or no, or is not asked any more, or lets it ring."""
        pick, who, ends = how
        state = self.desk.core.state
        chat = self.a_chat_that_somebody_has(pick)
        if chat is None:
            return
        holder = self.holder(chat)
        able = [row for row in state.operators.values() if row.operator != holder and handing.can_be_asked(state, row)]
        able = [row for row in able if handing.room_for_chats(row) > 0]
        self.desk.hand_to(holder, chat, able[pick % len(able)].operator if able and pick % 4 else who)
        row = state.contacts[chat].moves.handing
        if row is None or ends == "late":
            return
        epoch = api.INVITES + row.number
        if ends == "yes":
            self.desk.accept(row.operator, chat, epoch)
            assert state.contacts[chat].operator == row.operator
            self.desk_joined(chat)
        elif ends == "back":
            self.desk.drop(holder, chat, row.operator)
        else:
            self.desk.reject(row.operator, chat, epoch, gives_way=ends == "gives-way")
        if ends != "yes" and chat in state.contacts:
            assert state.contacts[chat].operator == holder, "whoever was asked did not want it"

    @rule(
        pick=picks,
        who=operators,
        other=operators,
        says=st.sampled_from(["hand on", "keep", "take over", "yes", "no"]),
        back=st.sampled_from([0, 0, 1]),
    )
    def anybody_says_something_of_a_chat(self, pick: int, who: str, other: str, says: str, back: int) -> None:
        """Whoever has it or not, whether it is being handed on or not, and who is asked or was."""
        rows = self.desk.core.state.contacts
        chats = sorted(name for name, row in rows.items() if lanes.is_light(row))
        if not chats:
            return
        chat = chats[pick % len(chats)]
        row = rows[chat].moves.handing
        asked = other if row is None or pick % 3 else row.operator
        epoch = api.INVITES + max(1, rows[chat].moves.numbers - back)
        holder = self.holder(chat) if pick % 4 else who
        if says == "hand on":
            self.desk.hand_to(holder, chat, other)
        elif says == "keep":
            self.desk.drop(holder, chat, asked)
        elif says == "take over":
            self.desk.take_over(who, chat)
        elif says == "yes":
            self.desk.accept(asked, chat, epoch)
        else:
            self.desk.reject(asked, chat, epoch)

    @rule(how=TAKEN_OVER)
    def a_lead_takes_a_chat_over(self, how: tuple[int, str, str, str, str]) -> None:
        """In the middle of whatever they do, and whether its holder hands it on just now or not."""
        pick, who, doing, handed, then = how
        desk, state = self.desk, self.desk.core.state
        chat = self.a_chat_that_somebody_has(pick)
        if chat is None:
            return
        holder = self.holder(chat)
        lead = next(name for name in (who, *OPERATORS) if name != holder)
        if OperatorId(lead) not in state.operators:
            self.sits(lead, "c", emd=1, chats=2, in_call=1, stops=True)
        if doing in ("call", "paper work"):
            self.dials_out(lead, "plain", answered=True)
            if doing == "paper work":
                desk.hang_up(lead, f"c{self.calls}")
        elif doing == "break":
            desk.says(lead, api.Activity.BREAK)
        elif doing == "asked":
            self.arrives("plain", api.ContactKind.CHAT, None, 0, "", "")
        elif doing == "mute":
            desk.media(f"p-{lead}", False)
        if handed:
            others = [name for name in sorted(state.operators) if name not in (holder, lead)]
            desk.hand_to(holder, chat, others[pick % len(others)] if handed == "to another" and others else lead)
        desk.take_over(lead, chat)
        if state.contacts[chat].operator != lead:
            return
        self.taken_over += 1
        if then == "fails":
            desk.join_failed(chat)
            return
        desk.joined(chat)
        if then == "handed on":
            desk.hand_to(lead, chat, holder)
        elif then == "taken again":
            desk.take_over(holder, chat)
        elif then == "ends":
            desk.hang_up(lead, chat)

    @rule(how=BESIDE_WORK)
    def a_chat_rings_beside_other_work(self, how: tuple[str, bool, int, bool]) -> None:
        """And nobody has time for it before it stops; the work may be over by then."""
        who, chat_first, work_ms, handed_on = how
        self.sits(who, "b", emd=4, chats=3, in_call=2, stops=True)
        self.calls += 1
        work = f"c{self.calls}"
        if not chat_first:
            self.desk.dial(who, work, "plain")
            self.desk_joined(work)
        if handed_on:
            self.gus_hands_a_chat_to(who)
        else:
            self.arrives("plain", api.ContactKind.CHAT, None, 0, "", "")
        if chat_first:
            self.desk.dial(who, work, "plain")
            self.desk_joined(work)
        self.desk.wait(work_ms)
        self.desk.hang_up(who, work)
        self.desk.wait(max(0, 16_000 - work_ms))
        self.gus_goes_home()

    def gus_has_a_chat(self) -> ContactId:
        """One who has come for that alone, and sends everything else to others."""
        self.sits("gus", "c", emd=4, chats=1, in_call=1, stops=True)
        self.arrives("hours", api.ContactKind.CHAT, api.ContactClass.EMERGENCY, 0, "", "")
        chat, gus = ContactId(f"c{self.calls}"), self.desk.core.state.operators[OperatorId("gus")]
        for _ in range(4):
            other = gus.chat_offer or (gus.contact if gus.state is api.OperatorState.OFFERED else None)
            if other is None or other == chat:
                break
            self.desk.reject("gus", other)
        self.desk_accept("gus", chat)
        self.desk_joined(chat)
        return chat

    def gus_hands_a_chat_to(self, who: str) -> ContactId:
        chat = self.gus_has_a_chat()
        self.desk.hand_to("gus", chat, who)
        return chat

    def gus_goes_home(self) -> None:
        row = self.desk.core.operator(OperatorId("gus"))
        for contact in () if row is None else (*row.chats, *filter(None, [row.contact])):
            self.desk.hang_up("gus", contact)
        if row is not None:
            self.desk.leave("gus")

    @rule(how=WAITED_FOR)
    def whoever_is_waited_for_alone_is_asked_for_a_chat(self, how: tuple[str, str, str]) -> None:
        """Beside the talk that the other waits through; and does not take it."""
        who, caller, ends = how
        self.sits(who, "a", emd=4, chats=2, in_call=2, stops=True)
        self.arrives("mine", api.ContactKind.VOICE, None, 0, caller, "")
        talk = self.desk.core.state.contacts.get(ContactId(f"c{self.calls}"))
        if talk is not None and talk.state is api.ContactState.OFFERED:
            holder = self.holder(talk.contact)
            self.desk.talk(holder, talk.contact)
            row = self.desk.core.state.operators[OperatorId(holder)]
            self.sits(holder, row.room, row.skills.get("emd", 0), chats=2, in_call=2, stops=True)
        self.arrives("mine", api.ContactKind.VOICE, None, 0, caller, "")
        waits = self.desk.core.state.contacts.get(ContactId(f"c{self.calls}"))
        if waits is None or waits.named is None:
            return
        knows = waits.named
        chat = self.gus_hands_a_chat_to(knows)
        view = self.desk.core.contact(chat)
        if view is not None and view.handing is not None:
            if ends == "no":
                self.desk.reject(knows, chat, api.INVITES + view.handing.number)
            elif ends == "back":
                self.desk.drop("gus", chat, knows)
            else:
                self.desk.wait(15_000)
        self.gus_goes_home()

    @rule(most=st.sampled_from([0, 1, 2]))
    def misses_count_from_now_on(self, most: int) -> None:
        self.national_rules["people"] = api.PeopleConfig(misses=most)
        self.desk.configure(*QUEUES, **self.national_rules)

    def a_lead_who_has_all_the_chats_there_may_be_takes_one_more(self, who: str) -> None:
        """The only one who is asked for chats, until they have twenty."""
        self.sits(who, "b", emd=4, chats=20, in_call=20, stops=True)
        lead = self.desk.core.state.operators.get(OperatorId(who))
        if lead is None:
            return
        for _ in range(25):
            if len(lead.chats) >= 20:
                break
            self.arrives("plain", api.ContactKind.CHAT, api.ContactClass.EMERGENCY, 0, "", "")
            if lead.chat_offer is not None:
                self.desk.accept(who, lead.chat_offer)
        gus = self.gus_has_a_chat()
        self.desk.take_over(who, gus)
        for chat in tuple(lead.chats):
            self.desk.hang_up(who, chat)
        self.desk.take_over(who, gus)
        self.gus_goes_home()

    @rule(who=operators, to=st.sampled_from(["", "", "113a", "plain"]), answered=st.sampled_from([True, True, False]))
    def dials_out(self, who: str, to: str, answered: bool) -> None:
        self.calls += 1
        self.desk.dial(who, f"c{self.calls}", to)
        if answered:
            self.desk_joined(f"c{self.calls}")

    def teardown(self) -> None:
        """An evening of chats, by the rules of the morning and in rooms that are open."""
        if hasattr(self, "desk"):
            self.desk.configure(*QUEUES, **self.national_rules)
            for room in ROOMS:
                self.room_state(room, api.RoomState.OPEN)
            for what, how in self.evening:
                getattr(self, what)(how)
            if self.calls % 5 == 0:  # it takes long
                self.a_lead_who_has_all_the_chats_there_may_be_takes_one_more(OPERATORS[self.calls % len(OPERATORS)])
            SEEN["days"] += 1
            SEEN["a lead took a chat over"] += bool(self.taken_over)
        super().teardown()
