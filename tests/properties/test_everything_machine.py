"""Workflows, chats, rooms that are evacuated, people on loan, and with all of it what operators do with their calls:
park, hand on, ask a colleague in, call out, leave it to others, let shift leads in. The oracles look at everybody."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from kak_server.model.ids import ContactId
from kak_server.routing import api
from kak_server.routing.api_moves import Purpose
from tests.properties.chat_days import SEEN, TALKING, ChatDays
from tests.properties.test_workflow_machine import OPERATORS, ROOMS, operators, picks


class EverythingMachine(ChatDays):
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
    max_examples=18, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_days_of_everything_in_which_leads_take_chats_over() -> None:
    """And often enough for what goes wrong with that to be noticed."""
    SEEN.clear()
    run_state_machine_as_test(EverythingMachine)
    assert SEEN["a lead took a chat over"] >= SEEN["days"] / 10, SEEN
