"""The house machine's company of three: two who are asked into the call of a third, and what may come between them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from kak_server.model.ids import OperatorId
from kak_server.routing.api import ContactState
from tests.properties.house_lab import GROUPS, OPERATORS, SEATS, Lab

operators = st.sampled_from(OPERATORS)
picks = st.integers(0, 30)
BETWEEN = (
    *(
        "leaves",
        "leaves",
        "hangs up",
        "hold",
        "merge",
        "complete",
        "swap",
        "park",
        "transfer",
        "hand over",
        "goes home",
    ),
    *("caller", "worker", "control", "seat", "sound", "forced", "taken over", "evacuated", "out", "refer", "no ola"),
)


class CompanyRules:
    """Rules of three operators in one call, for the house machine."""

    lab: Lab

    @rule(
        holder=operators,
        members=st.sampled_from(["conference", "consult", "both", "both"]),
        come=st.integers(0, 3),
        between=st.lists(st.sampled_from(BETWEEN), min_size=1, max_size=3),
        who=operators,
        outputs=st.sampled_from([None, None, None, *range(12)]),
    )
    def three_share_a_call(
        self,
        holder: OperatorId,
        members: str,
        come: int,
        between: list[str],
        who: OperatorId,
        outputs: int | None,
    ) -> None:
        """One who takes part and one who is consulted, of whom `come` (a bit each) answer; then something happens, and
        control may die over it."""
        lab, machine = self.lab, self._machine()
        if lab.contact_of(holder) is None:
            machine.takes_a_call(holder, SEATS[0], "113")
        others = [one for one in OPERATORS if one != holder]
        for number, other in enumerate(others):
            if lab.position_of(other) is None:
                free = [seat for seat in SEATS if lab.house.ctx.core.operator_at(seat) is None]
                machine.sits_down(other, (*free, SEATS[1])[0], True)
            machine.is_through(other)
            conference = members == "conference" or (members == "both" and not number)
            machine.moves_the_call(holder, "colleague.invite", other, 0, not conference)
            if come >> number & 1:
                machine.answers_the_offer(other, "accept")
        for what in between:
            lab.crash_after = outputs
            self.happens(what, holder, who)

    def happens(self, what: str, holder: OperatorId, who: OperatorId) -> None:
        """To the call of `holder`, by or to `who`."""
        lab, machine = self.lab, self._machine()
        contact = lab.contact_of(holder)
        if what == "leaves":
            lab.do(who, "contact.leave", {"contact": str(contact)})
        elif what == "hangs up":
            lab.do(who, "contact.hangup", {"contact": str(contact)})
        elif what in ("merge", "complete", "swap"):
            machine.moves_the_call(holder, f"consult.{what}", who, 0, True)
        elif what in ("hold", "transfer"):
            machine.works_on_the_call(holder, what, True, "113-bergen", GROUPS[0])
        elif what == "park":
            machine.moves_the_call(holder, "contact.park", who, 0, True)
        elif what == "hand over":
            machine.moves_the_call(holder, "contact.transfer_operator", who, 0, True)
        elif what == "goes home":
            machine.goes_home(who)
        elif what == "caller":
            machine.caller_leaves(0, "bye")
        elif what == "worker":
            machine.worker_dies(True)
        elif what == "control":
            machine.control_restarts(0, False, True)
        elif what == "seat":
            machine.sits_down(who, lab.position_of(holder) or SEATS[0], False)
        elif what == "sound":
            position = lab.position_of(who)
            if position is not None:
                machine.seats_media(position, "closed")
                machine.time_passes(5_100)
        elif what == "forced":
            machine.a_lead_forces(OPERATORS[0], who, "signed-out")
        elif what == "taken over":
            view = lab.house.ctx.core.contact(contact) if contact is not None else None
            if view is not None and view.state is ContactState.CONNECTED:
                lab.do(who, "contact.take_over", {"contact": view.contact})
        elif what == "evacuated":
            machine.a_room_opens_or_closes("evacuated", "oslo")
        elif what == "out":
            machine.works_with_others(holder, "contact.conference", "110", False, 0, True)
        elif what == "refer":
            machine.works_with_others(holder, "contact.transfer_out", "22334455", False, 0, False)
        else:
            machine.a_version_is_published(what, "all", 1)

    def _machine(self) -> Any:
        return self
