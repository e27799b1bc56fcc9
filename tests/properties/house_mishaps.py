"""The house machine's worker that cannot make a leg: somebody else has the port, or it has no room for one. Whoever is
without sound is tried again, and no port is lost over it."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from kak_server.bridges.contact_plan import seat_leg
from kak_server.model.ids import Gssi, LegId, OperatorId
from kak_server.tetra_gw import api as radio
from tests.properties.house_lab import GROUPS, OPERATORS, Lab

CODES = ("port_in_use", "port_in_use", "internal", "limit")
codes = st.sampled_from(CODES)
operators = st.sampled_from(OPERATORS)
gssis = st.sampled_from(GROUPS)


class MishapRules:
    """Rules and laws of legs that are refused, for the house machine."""

    lab: Lab

    @rule(code=codes, times=st.sampled_from([0, 1, 1, 2, 12]))
    def the_worker_refuses_legs(self, code: str, times: int) -> None:
        """The next ones that it is told to make."""
        self.lab.refusing[:] = [code] * times

    @rule(operator=operators, code=codes, times=st.sampled_from([1, 1, 2, 12]), what=st.sampled_from(["call", "group"]))
    def a_leg_is_refused_in_the_middle(self, operator: OperatorId, code: str, times: int, what: str) -> None:
        """A worker dies under a call, or a group, and its port is somebody else's by the time the next one begins."""
        machine: Any = self
        if what == "call":
            machine.talks_with_three(operator, "")
        else:
            machine.puts_the_caller_on_the_air(operator, GROUPS[0], True, True, "")
        self.lab.refusing[:] = [code] * times
        machine.worker_dies(True)

    @rule(yes=st.booleans())
    def a_refused_leg_is_tried_again(self, yes: bool) -> None:
        """Once the worker makes legs again, all are made."""
        lab = self.lab
        if yes:
            lab.refusing.clear()
        keys = sorted(key for key in lab.timers if key.startswith("leg/"))
        for key in keys:
            if key in lab.timers:
                lab.fire(key)
        if yes and lab.attached and lab.worker is not None:
            missing = lab.worker.missing & set(lab.house.ctx.desk.desired().legs)
            assert not {leg for leg in missing if not leg.startswith("seat-")}

    @rule(gssi=gssis, what=st.sampled_from(["detached", "attached", "gone", "ready", "rejected"]))
    def gateway_says(self, gssi: Gssi, what: str) -> None:
        lab = self.lab
        if not lab.radio.up:
            return
        state = radio.GroupState.DETACHED if what == "detached" else radio.GroupState.ATTACHED
        if what == "gone":
            lab.radio.events.append(radio.LegGone(gssi, "gateway"))
        elif what == "ready":
            lab.radio.events.append(radio.LegReady(gssi, "127.0.0.1", 41_100 + gssi % 100))
        elif what == "rejected":
            lab.radio.events.append(radio.CommandRejected("tx.request", gssi, "HELD_BY_OPERATOR", "kari"))
        else:
            lab.radio.events.append(radio.GroupChanged(gssi, state))
        lab.feed(lambda house: None)

    @invariant()
    def who_is_without_a_leg_is_tried_again(self) -> None:
        lab, refused = self.lab, self.lab.house.ctx.refused_legs
        assert {f"leg/{leg}" for leg in refused.waiting} == {key for key in lab.timers if key.startswith("leg/")}
        if not lab.attached or lab.worker is None:
            return
        seats = lab.house.seats.seats
        plain = {at for at, seat in seats.items() if seat.rtp is not None and seat.media == "down" and not seat.phone}
        assert {at for at in plain if f"seat/{at}" not in lab.timers} <= {
            at for at in seats if seat_leg(at) in refused.waiting
        }, "a plain phone is tried again, too"
        deaf = {LegId(seat_leg(at)) for at, seat in seats.items() if seat.rtp is not None and seat.media == "down"}
        wanted = set(lab.house.ctx.desk.desired().legs)
        assert lab.worker.missing & wanted <= set(refused.waiting) | deaf
        assert set(refused.waiting) <= lab.worker.missing
        said = any(notice["id"] == "sound-failed" for notice in lab.house.ctx.notices.everybody())
        assert said == ("notice/sound-failed" in lab.timers)
