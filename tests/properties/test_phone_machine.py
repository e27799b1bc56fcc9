"""The house's random days with SIP phones at two of its seats: everything the house machine does, and what phones do.

The laws of the house hold for them too; further: one offer is answered once, a seat is joined only over a leg, the
records of a phone are what goes on at it, and nothing rings for nobody.
"""

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from kak_server.bridges.context import PhoneInfo
from kak_server.bridges.phone_guests import guest
from kak_server.media import rpc
from kak_server.model.ids import CallId, LegId, OperatorId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.sip.api import CallEnded, CallerIdentity, CallMediaChanged, CallView, IncomingCall
from kak_server.sip.api_devices import DeviceContacts
from tests.properties.house_lab import GROUPS, through_json
from tests.properties.test_house_machine import HouseMachine, operators, picks
from tests.unit.bridges.world import KARI, OFFER, OLA, SEAT_1, SEAT_2

PHONES = (
    PhoneInfo("desk", SEAT_1, KARI, "Kari", {}, talkgroup=GROUPS[0]),
    PhoneInfo("coded", SEAT_2, OLA, "Ola", {}, pin="4711"),
)
devices = st.sampled_from(["desk", "desk", "coded"])
JOINED = (ContactState.CONNECTED, ContactState.HELD)


class PhoneMachine(HouseMachine):
    """With telephones."""

    phones = PHONES

    @initialize(ready=st.sampled_from([0, 0, 0, 1]), link=st.booleans())
    def open_up(self, ready: int, link: bool) -> None:
        """Mostly empty rooms: whose seats are taken has no use for a telephone."""
        super().open_up(ready, link)
        if not ready:
            self.registers("desk", 1)

    @rule(device=devices, contacts=st.sampled_from([0, 1, 1, 1, 2]))
    def registers(self, device: str, contacts: int) -> None:
        lab = self.lab
        lab.devices[device] = tuple(f"{device}-{number}" for number in range(contacts))
        lab.feed(lambda house: house.sip_event(DeviceContacts(device, lab.devices[device]), lab.now_ms))

    @rule(device=devices, number=st.sampled_from(["113", "116117"]))
    def is_rung(self, device: str, number: str) -> None:
        """The whole stretch: somebody is at the phone, and a call comes."""
        self.registers(device, 1)
        if device == "coded":
            self.dials_there("coded", "*11*4711#")
        self.rings(number, False, 1)

    @rule(device=devices, number=st.sampled_from(["113", "116117"]), both=st.booleans())
    def picks_up(self, device: str, number: str, both: bool) -> None:
        self.is_rung(device, number)
        for call in self.phones_calls("pending")[: 2 if both else 1]:
            self.answers_us(call)

    def phones_calls(self, state: str) -> list[CallId]:
        views = self.lab.sip.calls.values()
        return [view.call for view in views if view.state == state and view.dial is not None and view.dial.device]

    @rule(pick=picks, cause=st.sampled_from(["busy", "refused", "no-answer", "unreachable"]))
    def says_no(self, pick: int, cause: Any) -> None:
        ringing = self.phones_calls("pending")
        if ringing:
            call = ringing[pick % len(ringing)]
            self.lab.sip.ended(call)
            self.lab.feed(lambda house: house.sip_event(CallEnded(call, cause), self.lab.now_ms))

    @rule(pick=picks, on=st.booleans())
    def holds(self, pick: int, on: bool) -> None:
        up = self.phones_calls("confirmed")
        if up:
            call = up[pick % len(up)]
            offer = OFFER + ("a=sendonly\r\n" if on else "")
            ours = OFFER.replace("40000", "30000") + ("a=recvonly\r\n" if on else "")
            event = CallMediaChanged(call, offer, ours, "recvonly" if on else "sendrecv", "peer" if on else "nobody")
            self.lab.feed(lambda house: house.sip_event(event, self.lab.now_ms))

    @rule(seat=st.sampled_from([SEAT_1, SEAT_2]), keys=st.sampled_from(["*1", "*0", "1*", "**1"]))
    def presses_keys(self, seat: Any, keys: str) -> None:
        leg = LegId(f"seat-{seat}")
        if self.lab.worker is not None and leg in self.lab.worker.rtp:
            for key in keys:
                self.lab.say(rpc.LegDtmf(leg, key, 80))

    @rule(seat=st.sampled_from([SEAT_1, SEAT_2]))
    def says_nothing(self, seat: Any) -> None:
        leg = LegId(f"seat-{seat}")
        if self.lab.worker is not None and leg in self.lab.worker.rtp:
            self.lab.say(rpc.LegSilent(leg, 10_000))

    @rule(
        device=devices,
        number=st.sampled_from(["*11*4711#", "*11*4711", "*11*1#", "*10#", "113", "22334455", "82012345", "*99"]),
    )
    def dials_there(self, device: str, number: str) -> None:
        self.calls += 1
        lab, call = self.lab, CallId(f"dialled{self.calls}")
        event = IncomingCall(call, "devices", number, CallerIdentity(device), OFFER, device=device)
        lab.sip.calls[call] = CallView(call, "pending", event)
        lab.feed(lambda house: house.sip_event(event, lab.now_ms))

    @rule(operator=operators, on=st.booleans())
    def my_phone(self, operator: OperatorId, on: bool) -> None:
        self.lab.do(operator, "position.phone", {"on": on})

    # --- laws ---------------------------------------------------------------------------------------------------------

    @invariant()
    def a_phones_records_are_what_goes_on(self) -> None:
        house, records = self.lab.house, self.lab.records
        phones = house.phone_desk.phones
        assert {key for key in records if key.startswith("phone/")} == {one.key() for one in phones.active.values()}
        for one in phones.active.values():
            assert records[one.key()] == through_json(one)
        assert phones.by_call == {call: at for at, one in phones.active.items() for call in one.calls()}

    @invariant()
    def a_phone_rings_or_talks_for_its_operators_contact(self) -> None:
        house = self.lab.house
        for position, active in house.phone_desk.phones.active.items():
            seat = house.seats.seats[position]
            assert seat.phone == active.device
            view = house.ctx.core.operator(seat.operator)
            assert view is not None
            assert view.contact == active.contact
            if active.ringing:
                assert view.state is OperatorState.OFFERED
                assert active.talking is None
            elif active.talking is not None:
                assert view.state is not OperatorState.OFFERED, "it was picked up"
            assert (seat.rtp is None) == (not active.calls())

    @invariant()
    def a_caller_is_with_a_phone_only_over_its_leg(self) -> None:
        house = self.lab.house
        for seat in house.seats.seats.values():
            view = house.ctx.core.operator(seat.operator)
            if not seat.phone or view is None or view.contact not in house.calls.lines:
                continue  # an alarm is a card, and nothing to hear
            contact = house.ctx.core.contact(view.contact)
            active = house.phone_desk.phones.active.get(seat.position)
            row = guest(contact, seat.operator)
            if row is not None and not row.joined:
                continue  # it only rings there
            if contact is not None and contact.state in JOINED and seat.media == "up":
                assert active is not None
                assert active.talking is not None


TestPhoneMachine = PhoneMachine.TestCase
TestPhoneMachine.settings = settings(
    max_examples=int(os.environ.get("KAK_HOUSE_EXAMPLES", "60")),
    stateful_step_count=50,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
