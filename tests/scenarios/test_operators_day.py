"""A day at the desks, through the whole house: what people do, what callers hear, what stays behind.

The worker, the SIP room and the gateway are the models of the property tests; time goes by the house's own timers.
"""

from typing import Any

import pytest

from kak_server.bridges.contact_plan import caller_leg, group_leg, seat_leg
from kak_server.bridges.outputs import StoreCall, Tell, TellAll
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, Issi, OperatorId, PositionId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.sip.api import CallEnded, CallerIdentity, IncomingCall
from kak_server.tetra_gw import api as radio
from kak_server.tetra_gw.floor import FloorInput
from tests.properties.house_lab import BERGEN_1, Lab
from tests.unit.bridges.world import GROUP, KARI, OFFER, OLA, SEAT_1, SEAT_2


class Day:
    """A control room from the outside: people act, time passes, we look."""

    def __init__(self) -> None:
        self.lab = Lab()
        self.lab.radio.link(True)
        self.lab.feed(lambda house: None)
        self.told: list[tuple[PositionId, str, Any]] = []
        self.stored: dict[ContactId, Any] = {}

    # --- people -------------------------------------------------------------------------------------------------------

    def signs_in(self, operator: OperatorId, seat: PositionId) -> None:
        self._(lambda house: house.seats.sit(operator, operator.title(), seat, {}))
        self._(lambda house: house.seats.expect_browser(seat))
        self.lab.browser(seat_leg(seat), "operator")
        self.lab.hear_worker()
        self.does(operator, "activity.set", activity="available")

    def does(self, operator: OperatorId, name: str, **args: Any) -> str:
        outcome = self.lab.do(operator, name, args)
        self._note()
        assert outcome is not None
        return outcome.code

    def answers(self, operator: OperatorId) -> ContactId:
        contact = self.lab.contact_of(operator)
        assert contact is not None, f"{operator} is offered nothing"
        epoch = self.view(contact).epoch
        assert self.does(operator, "contact.accept", contact=contact, epoch=epoch) == ""
        return contact

    def calls(self, call: str, number: str = "113") -> ContactId:
        event = IncomingCall(CallId(call), "lab", number, CallerIdentity("+4799999999"), OFFER)
        self.lab.sip.invited(event)
        self._(lambda house: house.sip_event(event, self.lab.now_ms))
        return self.lab.house.calls.by_call[CallId(call)]

    def caller_hangs_up(self, call: str) -> None:
        self.lab.sip.ended(CallId(call))
        self._(lambda house: house.sip_event(CallEnded(CallId(call), "bye"), self.lab.now_ms))

    def passes(self, ms: int) -> None:
        """Each timer at its own time."""
        until_ms = self.lab.now_ms + ms
        while due := min(((at, key) for key, at in self.lab.timers.items() if at <= until_ms), default=None):
            self.lab.fire(due[1])
            self._note()
        self.lab.pass_to(until_ms)
        self.lab.hear_worker()

    # --- looking ------------------------------------------------------------------------------------------------------

    def view(self, contact: ContactId) -> Any:
        view = self.lab.house.ctx.core.contact(contact)
        assert view is not None
        return view

    def state(self, operator: OperatorId) -> OperatorState:
        view = self.lab.house.ctx.core.operator(operator)
        assert view is not None
        return view.state

    def waiting(self) -> list[ContactId]:
        waits = (ContactState.WAITING, ContactState.OFFERED)
        return [view.contact for view in self.lab.house.ctx.core.contacts() if view.state in waits]

    def hears(self, contact: ContactId) -> set[str]:
        """What the worker plays to the caller: other legs, and sounds."""
        worker = self.lab.worker
        assert worker is not None
        leg = caller_leg(contact)
        heard = {edge.source for edges in worker.mixes.values() for edge in edges if edge.sink == leg}
        return heard | {play.source for play in worker.plays.values() if play.sink == leg}

    def on_the_air(self) -> bool:
        assert self.lab.worker is not None
        return group_leg(GROUP) in self.lab.worker.uplinks

    def _(self, action: Any) -> None:
        self.lab.feed(action)
        self._note()

    def _note(self) -> None:
        for output in self.lab.outputs:
            if isinstance(output, Tell):
                self.told.append((output.position, output.name, output.data))
            elif isinstance(output, StoreCall):
                self.stored[output.contact] = output.values


@pytest.fixture
def day() -> Day:
    return Day()


def test_morning_the_first_call_waits_until_somebody_signs_in(day: Day) -> None:
    early = day.calls("early")
    assert day.waiting() == [early]
    assert day.hears(early) == set()  # it rings
    day.passes(4_000)
    day.signs_in(KARI, SEAT_1)
    assert day.state(KARI) is OperatorState.OFFERED
    assert day.answers(KARI) == early
    assert day.hears(early) == {seat_leg(SEAT_1)}
    assert day.lab.sip.calls[CallId("early")].state == "confirmed"


def test_rush_emergencies_pass_others_and_each_call_has_one_operator(day: Day) -> None:
    day.signs_in(KARI, SEAT_1)
    day.signs_in(OLA, SEAT_2)
    doctor = [day.calls(f"doctor{n}", "116117") for n in range(2)]
    emergencies = [day.calls(f"emergency{n}") for n in range(3)]
    later = day.calls("doctor9", "116117")
    assert {day.answers(KARI), day.answers(OLA)} == set(doctor)  # they were asked before the others rang
    for expected in emergencies[:2]:
        operator = KARI if day.lab.contact_of(KARI) == doctor[emergencies.index(expected)] else OLA
        current = day.lab.contact_of(operator)
        assert day.does(operator, "contact.hangup", contact=current) == ""
        assert day.does(operator, "wrapup.done") == ""
        assert day.answers(operator) == expected
    assert day.waiting() == [emergencies[2], later]
    assert day.hears(later) == {"prompt:queue-welcome"}
    talking = {day.lab.contact_of(KARI), day.lab.contact_of(OLA)}
    assert talking == set(emergencies[:2])
    day.caller_hangs_up("emergency2")
    assert day.waiting() == [later]


def test_an_unanswered_offer_goes_to_the_colleague_and_the_late_key_finds_nothing(day: Day) -> None:
    day.signs_in(KARI, SEAT_1)
    day.signs_in(OLA, SEAT_2)
    contact = day.calls("call")
    first = KARI if day.lab.contact_of(KARI) == contact else OLA
    second = OLA if first is KARI else KARI
    epoch = day.view(contact).epoch
    day.passes(15_000)
    assert day.lab.contact_of(second) == contact
    assert day.does(first, "contact.accept", contact=contact, epoch=epoch) == "offer-gone"
    assert day.answers(second) == contact
    assert len(day.hears(contact)) == 1


def test_a_break_is_a_break(day: Day) -> None:
    day.signs_in(KARI, SEAT_1)
    assert day.does(KARI, "activity.set", activity="break", reason="lunsj") == ""
    contact = day.calls("call")
    day.passes(60_000)
    assert day.waiting() == [contact]
    assert day.lab.contact_of(KARI) is None
    day.does(KARI, "activity.set", activity="available")
    assert day.answers(KARI) == contact
    assert day.does(KARI, "activity.set", activity="break") == ""
    day.does(KARI, "contact.hangup", contact=contact)
    day.passes(10_000)
    day.calls("next")
    assert day.lab.contact_of(KARI) is None


def test_transfer_to_bergen_keeps_the_callers_place_in_time(day: Day) -> None:
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    arrived_ms = day.view(contact).arrived_at_ms
    day.answers(KARI)
    day.passes(20_000)
    assert day.does(KARI, "contact.transfer", contact=contact, queue="113-bergen") == ""
    assert day.hears(contact) == {"prompt:please-hold"}
    assert day.state(KARI) is OperatorState.WRAP_UP
    day.passes(3_000)
    day.signs_in(OLA, BERGEN_1)
    assert day.answers(OLA) == contact
    assert day.hears(contact) == {seat_leg(BERGEN_1)}
    assert day.view(contact).arrived_at_ms == arrived_ms
    day.caller_hangs_up("call")
    assert (day.stored[contact]["operator"], day.stored[contact]["room"]) == (OLA, "bergen")
    day.lab.hear_worker()
    labels = sorted(str(name).split(".")[1] for name in day.lab.kept)
    assert labels == ["caller", "operator-1", "operator-2"]


def test_hold_is_a_tone_and_not_silence(day: Day) -> None:
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    day.answers(KARI)
    day.does(KARI, "contact.hold", contact=contact, on=True)
    assert day.hears(contact) == {"tone:hold"}
    day.does(KARI, "contact.hold", contact=contact, on=False)
    assert day.hears(contact) == {seat_leg(SEAT_1)}


def test_the_patch_puts_the_caller_on_the_air_only_by_a_grant(day: Day) -> None:
    lab = day.lab
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    day.answers(KARI)
    assert day.does(KARI, "contact.patch", contact=contact, gssi=GROUP, confirmed=True) == "not-confirmed"
    assert day.does(KARI, "contact.patch", contact=contact, gssi=GROUP, confirmed=True, owner_ok=True) == ""
    (patch,) = lab.radio.patches
    lab.feed(lambda house: house.radio_event(radio.PatchChanged(patch, GROUP, True), lab.now_ms))
    assert day.hears(contact) == {seat_leg(SEAT_1), group_leg(GROUP)}

    lab.say(rpc.LegTalk(caller_leg(contact), True, -20.0))
    assert not day.on_the_air()
    lab.radio.hear(GROUP, FloorInput.GRANTED)
    lab.feed(lambda house: None)
    assert day.on_the_air()
    day.passes(5_000)
    assert day.on_the_air()  # the lease is renewed for as long as the caller speaks
    lab.say(rpc.LegTalk(caller_leg(contact), False, -70.0))
    day.passes(1_000)
    assert not day.on_the_air()

    ambulance = radio.TalkerChanged(GROUP, Issi(1001), "Ambulanse 1", 2)
    lab.feed(lambda house: house.radio_event(ambulance, lab.now_ms))
    day.does(KARI, "contact.unpatch", contact=contact)
    assert day.hears(contact) == {seat_leg(SEAT_1)}
    assert lab.radio.patches == {}


def test_hold_takes_a_patched_caller_off_the_air(day: Day) -> None:
    lab = day.lab
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    day.answers(KARI)
    day.does(KARI, "contact.patch", contact=contact, gssi=GROUP, confirmed=True, owner_ok=True)
    (patch,) = lab.radio.patches
    lab.feed(lambda house: house.radio_event(radio.PatchChanged(patch, GROUP, True), lab.now_ms))
    lab.say(rpc.LegTalk(caller_leg(contact), True, -20.0))
    lab.radio.hear(GROUP, FloorInput.GRANTED)
    lab.feed(lambda house: None)
    assert day.on_the_air()
    day.does(KARI, "contact.hold", contact=contact, on=True)
    assert not day.on_the_air()
    assert not lab.radio.talking(GROUP)


def test_a_pc_dies_and_the_caller_is_with_the_colleague_within_seconds(day: Day) -> None:
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    day.answers(KARI)
    day.calls("other")
    day.lab.say(rpc.LegMedia(seat_leg(SEAT_1), "down"))
    day.passes(4_900)
    assert day.view(contact).state is ContactState.CONNECTED  # a refresh of the page would still be in time
    day.passes(200)
    assert day.hears(contact) == {"prompt:please-hold"}
    day.signs_in(OLA, SEAT_2)
    assert day.answers(OLA) == contact  # at the head: before the other, who has waited all the time
    assert day.state(KARI) is OperatorState.UNREACHABLE


def test_the_worker_dies_in_mid_call_and_everybody_is_back(day: Day) -> None:
    lab = day.lab
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    day.answers(KARI)
    lab.kill_worker()
    day.passes(800)
    lab.start_worker()
    lab.attach()
    assert [(o.name, o.data["id"]) for o in lab.outputs if isinstance(o, TellAll)] == [
        ("notice.cleared", "media-lost"),
        ("notice", "media-restarted"),
    ]
    assert [o.position for o in lab.outputs if isinstance(o, Tell) and o.name == "media.reset"] == [SEAT_1]
    lab.feed(lambda house: house.seats.expect_browser(SEAT_1))
    lab.browser(seat_leg(SEAT_1), "operator")
    lab.hear_worker()
    day.passes(6_000)
    assert day.view(contact).state is ContactState.CONNECTED
    assert day.hears(contact) == {seat_leg(SEAT_1)}


def test_control_dies_in_mid_call_and_nobody_hears_of_it(day: Day) -> None:
    lab = day.lab
    day.signs_in(KARI, SEAT_1)
    contact, second, third = day.calls("call"), day.calls("second"), day.calls("third", "116117")
    day.answers(KARI)
    heard = {c: day.hears(c) for c in (contact, second, third)}
    lab.hear_worker()
    lab.restart()
    assert {c: day.hears(c) for c in (contact, second, third)} == heard
    lab.attach()
    assert lab.commands == []
    assert day.waiting() == [second, third]
    assert day.does(KARI, "contact.hangup", contact=contact) == ""
    assert CallId("call") not in lab.sip.calls


def test_shift_end_leaves_nothing_behind(day: Day) -> None:
    lab = day.lab
    day.signs_in(KARI, SEAT_1)
    contact = day.calls("call")
    day.answers(KARI)
    day.does(KARI, "talkgroup.monitor", gssi=GROUP, on=True)
    assert lab.house.stand(KARI) == "busy"
    day.does(KARI, "contact.hangup", contact=contact)
    lab.feed(lambda house: house.stand(KARI))
    lab.hear_worker()
    assert lab.worker is not None
    assert set(lab.worker.rtp) == {group_leg(gssi) for gssi in lab.house.groups.groups}
    held = (lab.worker.browsers, lab.worker.mixes, lab.worker.plays, lab.worker.recordings, lab.worker.watched)
    assert not any(held)
    assert lab.started == lab.kept
    assert not [key for key in lab.records if key.split("/")[0] in ("line", "seat", "taping", "track", "view")]
    assert [key for key in lab.timers if not key.startswith("uplink/")] == []
    assert lab.sip.calls == {}
    day.calls("night")
    assert len(day.waiting()) == 1
