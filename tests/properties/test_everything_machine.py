"""Workflows, chats, rooms that are evacuated, people on loan, and with all of it what operators do with their calls:
park, hand on, ask a colleague in, call out, leave it to others, let shift leads in. The oracles look at everybody."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from kak_server.model.ids import ContactId
from kak_server.routing import api, handing, lanes
from kak_server.routing.api_moves import Purpose
from tests.properties.test_workflow_machine import OPERATORS, ROOMS, WorkflowMachine, operators, picks

TALKING = (api.ContactState.CONNECTED, api.ContactState.HELD)


class EverythingMachine(WorkflowMachine):
    """Random days of four rooms in which nobody keeps a call."""

    looked_at = 0  # so many effects

    def talked_in(self, pick: int) -> str:
        """One in which somebody talks; the first that rings is answered for that."""
        if not self.any(*TALKING):
            contact = self.some(pick, api.ContactState.OFFERED)
            self.desk_accept(self.holder(contact), contact)
            self.desk_joined(contact)
        return self.some(pick, *TALKING)

    @precondition(lambda self: self.any(*TALKING, api.ContactState.OFFERED))
    @rule(pick=picks)
    def parks(self, pick: int) -> None:
        contact = self.talked_in(pick)
        self.desk.park(self.holder(contact), contact)

    @precondition(lambda self: self.any(api.ContactState.PARKED))
    @rule(pick=picks, who=operators)
    def takes_a_parked_call(self, pick: int, who: str) -> None:
        self.desk.unpark(who, self.some(pick, api.ContactState.PARKED))

    @precondition(lambda self: self.any(*TALKING, api.ContactState.OFFERED))
    @rule(pick=picks, other=operators, back=st.booleans())
    def hands_to_a_colleague(self, pick: int, other: str, back: bool) -> None:
        contact = self.talked_in(pick)
        self.passed_on = self.holder(contact), contact
        self.desk.hand_to(*self.passed_on, other, back=back)

    @precondition(lambda self: self.any(*TALKING, api.ContactState.OFFERED))
    @rule(pick=picks, other=operators, purpose=st.sampled_from(["consult", "conference"]), comes=st.booleans())
    def invites(self, pick: int, other: str, purpose: Purpose, comes: bool) -> None:
        contact = self.talked_in(pick)
        self.desk.invite(self.holder(contact), contact, other, purpose)
        if comes and ContactId(contact) in self.desk.core.state.contacts:
            self.desk.comes_in(other, contact)

    @precondition(lambda self: any(row.moves.participants for row in self.desk.core.state.contacts.values()))
    @rule(pick=picks, other=operators, how=st.sampled_from(["drop", "complete", "merge", "quit"]))
    def colleagues_part(self, pick: int, other: str, how: str) -> None:
        rows = self.desk.core.state.contacts.values()
        shared = sorted(row.contact for row in rows if row.moves.participants)
        contact = shared[pick % len(shared)]
        there = sorted(self.desk.core.state.contacts[contact].moves.participants)
        guest = there[pick % len(there)]
        if how == "drop":
            self.desk.drop(self.holder(contact), contact, guest)
        elif how == "quit":
            self.desk.quit(guest, contact)
        else:
            self.desk.consulted(self.holder(contact), contact, "complete" if how == "complete" else "merge")

    @precondition(lambda self: self.any(*TALKING))
    @rule(pick=picks, who=operators, what=st.sampled_from(["listen", "whisper", "take"]))
    def shift_lead_comes(self, pick: int, who: str, what: str) -> None:
        contact = self.some(pick, *TALKING)
        if what == "take":
            self.desk.take_over(who, contact)
        else:
            self.desk.listen(who, contact, whisper=what == "whisper")

    def chats_that_somebody_has(self) -> list[ContactId]:
        rows = self.desk.core.state.contacts
        return sorted(name for name, row in rows.items() if lanes.is_light(row) and row.state in TALKING)

    @rule(pick=picks, who=operators, ends=st.sampled_from(["yes", "yes", "no", "gives-way", "back", "late"]))
    def a_chat_is_handed_on(self, pick: int, who: str, ends: str) -> None:
        """To somebody by name, who says yes or no, or is not asked any more, or lets it ring."""
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
        if not theirs:
            return
        chat = theirs[pick % len(theirs)]
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

    @rule(
        who=operators,
        chat_first=st.booleans(),
        work_ms=st.sampled_from([0, 3_000, 8_000, 20_000]),
        handed_on=st.sampled_from([False, False, True]),
    )
    def a_chat_rings_beside_other_work(self, who: str, chat_first: bool, work_ms: int, handed_on: bool) -> None:
        """And nobody has time for it before it stops; the work may be over by then."""
        giver = "gus"
        self.sits(who, "b", emd=4, chats=3, in_call=2, stops=True)
        self.calls += 1
        work = f"c{self.calls}"
        if not chat_first:
            self.desk.dial(who, work, "plain")
            self.desk_joined(work)
        if handed_on:
            self.sits(giver, "c", emd=4, chats=1, in_call=1, stops=True)
        self.arrives("plain", api.ContactKind.CHAT, None, 0, "", "")
        if handed_on:
            self.desk_accept(giver, f"c{self.calls}")
            self.desk_joined(f"c{self.calls}")
            self.desk.hand_to(giver, f"c{self.calls}", who)
        if chat_first:
            self.desk.dial(who, work, "plain")
            self.desk_joined(work)
        self.desk.wait(work_ms)
        self.desk.hang_up(who, work)
        self.desk.wait(max(0, 16_000 - work_ms))
        if handed_on:
            self.desk.hang_up(giver, f"c{self.calls}")
            self.desk.leave(giver)

    @rule(who=operators, to=st.sampled_from(["", "", "113a", "plain"]), answered=st.sampled_from([True, True, False]))
    def dials_out(self, who: str, to: str, answered: bool) -> None:
        self.calls += 1
        self.desk.dial(who, f"c{self.calls}", to)
        if answered:
            self.desk_joined(f"c{self.calls}")

    @precondition(lambda self: self.any(*TALKING))
    @rule(pick=picks)
    def hands_over(self, pick: int) -> None:
        contact = self.some(pick, *TALKING)
        self.passed_on = self.holder(contact), contact
        self.desk.hand_over(*self.passed_on)

    @precondition(lambda self: self.any(*TALKING))
    @rule(pick=picks)
    def pc_of_a_holder_dies(self, pick: int) -> None:
        """The calls and chats of somebody who does not come back."""
        holder = self.holder(self.some(pick, *TALKING))
        self.desk.media(f"p-{holder}", False)

    @rule(room=st.sampled_from(ROOMS))
    def a_room_is_evacuated(self, room: str) -> None:
        self.room_state(room, api.RoomState.EVACUATED)

    @rule(who=operators, other=operators)
    def the_next_shift_comes(self, who: str, other: str) -> None:
        self.desk.takes_over(other, f"p-{who}", "a")

    @invariant()
    def nobody_is_rung_where_nobody_may_be(self) -> None:
        """Of what has begun to ring since the last look, and rings still."""
        if not hasattr(self, "desk"):
            return
        effects, self.looked_at = self.desk.effects[self.looked_at :], len(self.desk.effects)
        for effect in effects:
            row = self.desk.core.state.operators.get(effect.operator) if isinstance(effect, api.Offer) else None
            if row is None or not isinstance(effect, api.Offer):
                continue
            if effect.contact == row.chat_offer or (
                effect.contact == row.contact and row.state is api.OperatorState.OFFERED
            ):
                assert self.desk.core.room(row.room).state is not api.RoomState.EVACUATED, row.operator
                assert not row.duty.leaving, row.operator

    def serve_one_round(self) -> None:
        """What is parked comes back by itself; whoever is asked in says no."""
        for who in OPERATORS:
            self.desk.media(f"p-{who}", True)
        for view in self.desk.core.contacts():
            for guest in view.participants:
                self.desk.drop(self.holder(view.contact), view.contact, guest.operator)
        super().serve_one_round()
        self.desk.wait(20_000)


EverythingMachine.TestCase.settings = settings(
    max_examples=20, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEverythingMachine = EverythingMachine.TestCase
