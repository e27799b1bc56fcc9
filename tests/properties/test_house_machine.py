"""Anything callers, people, carriers, the radio and dying processes can do, in any order, against the house's laws."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kak_server.bridges.call_plans import only_rings
from kak_server.bridges.contact_plan import caller_leg, seat_leg
from kak_server.bridges.context import PhoneInfo
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import ToMedia
from kak_server.bridges.videos import video_leg
from kak_server.console.models import SnapshotFields
from kak_server.media import rpc
from kak_server.model.codec import Json, from_json
from kak_server.model.ids import CallId, ContactId, Gssi, OperatorId, PositionId, RoomId
from kak_server.routing.api import INVITES, ContactKind, ContactState, OperatorState, Part
from kak_server.routing.invariants import violations
from kak_server.routing.views import ContactView
from kak_server.sip.api import (
    CallCancelled,
    CallConfirmed,
    CallEnded,
    CallerIdentity,
    CallMediaChanged,
    CallView,
    IncomingCall,
    Location,
)
from kak_server.sip.api_legs import CallAnswered, CallProgress, TransferAsked, TransferReport
from kak_server.tetra_gw import api as radio
from kak_server.tetra_gw.floor import FloorInput
from tests.properties.house_alarms import AlarmRules
from tests.properties.house_brought import BroughtRules
from tests.properties.house_company import CompanyRules
from tests.properties.house_lab import GROUPS, OPERATORS, SEATS, Lab, through_json
from tests.properties.house_mishaps import MishapRules
from tests.properties.house_recording import RecordingRules
from tests.properties.house_versions import VersionRules
from tests.properties.house_world import same_words
from tests.unit.bridges.world import KARI, OFFER

JOINED = (ContactState.CONNECTING, ContactState.CONNECTED, ContactState.HELD)
NUMBERS = ("113", "113", "1131", "116117", "116117", "999")
SERVER = {"name": "kak", "version": "0", "lab": True}
CALLERS = ("+4799999999", "+4791000001", "+4791000002", "")
PLACES: tuple[tuple[Location, ...], ...] = (
    (),
    (),
    (Location(59.91, 10.75, 50.0, "cell", areas=("Oslo",)),),
    (Location(civic="Oslo", areas=("Oslo",)),),
)
FLOOR_INPUTS = (
    FloorInput.GRANTED,
    FloorInput.GRANTED,
    FloorInput.GRANTED,
    FloorInput.QUEUED,
    FloorInput.DENIED,
    FloorInput.INTERRUPTED,
    FloorInput.TAKEN,
    FloorInput.TIMEOUT,
)

DEEDS = (
    *("answer", "hangup", "transfer", "patch", "unpatch", "hold", "video", "move", "leave"),
    *("dial", "conference", "pass on", "far answers", "far fails", "far leaves", "hand over"),
)
WITH_OTHERS = (
    *("party.add", "party.add", "contact.conference", "party.private", "party.drop"),
    *("contact.leave", "contact.transfer_out", "contact.refer"),
)

MOVES = (
    *("contact.park", "contact.unpark", "contact.transfer_operator", "contact.transfer_room"),
    *("colleague.invite", "colleague.drop", "consult.complete", "consult.merge", "consult.swap"),
    *("contact.listen", "contact.take_over", "contact.hangup", "contact.leave"),
    *("contact.consult_queue", "contact.consult_room"),
)

picks = st.integers(0, 30)
operators = st.sampled_from(OPERATORS)
seats = st.sampled_from(SEATS)
gssis = st.sampled_from(GROUPS)


class HouseMachine(
    BroughtRules, RecordingRules, MishapRules, VersionRules, AlarmRules, CompanyRules, RuleBasedStateMachine
):
    """Random days of the house between its rooms."""

    phones: tuple[PhoneInfo, ...] = ()

    @initialize(ready=st.integers(0, 2), link=st.sampled_from([True, True, False]))
    def open_up(self, ready: int, link: bool) -> None:
        self.lab = Lab(self.phones)
        self.calls = 0
        self.nothing_brought()
        self.nothing_missing()
        for operator, seat in list(zip(OPERATORS, SEATS, strict=False))[:ready]:
            self.sits_down(operator, seat, True)
            self.says(operator, "available")
        if link:
            self.link_changes(True)

    # --- whole stretches, so that what is deep is reached often -------------------------------------------------------

    @rule(operator=operators, seat=seats, number=st.sampled_from(["113", "1131", "116117"]))
    def takes_a_call(self, operator: OperatorId, seat: PositionId, number: str) -> None:
        self.is_offered_a_call(operator, seat, number)
        self.answers_the_offer(operator, "accept")

    def is_offered_a_call(self, operator: OperatorId, seat: PositionId, number: str) -> None:
        lab = self.lab
        if lab.position_of(operator) is None:
            self.sits_down(operator, seat, True)
        self.is_through(operator)
        self.says(operator, "available")
        if lab.contact_of(operator) is None:
            self.rings(number, False, 1)

    @rule(
        operator=operators,
        gssi=gssis,
        granted=st.booleans(),
        by_hand=st.booleans(),
        then=st.sampled_from(["", "", "hold", "transfer", "hangup", "unpatch", "worker dies", "socket breaks"]),
    )
    def puts_the_caller_on_the_air(
        self, operator: OperatorId, gssi: Gssi, granted: bool, by_hand: bool, then: str
    ) -> None:
        lab = self.lab
        self.link_changes(True)
        if lab.contact_of(operator) is None:
            self.takes_a_call(operator, SEATS[0], "113")
        self.works_on_the_call(operator, "patch", True, "", gssi)
        self.gateway_answers_a_patch(0, True)
        self.gateway_answers_a_patch(1, True)
        if by_hand:
            self.lets_the_caller_talk(operator, True)
        if (worker := lab.worker) is not None:
            for leg in sorted(worker.watched):
                lab.say(worker.talk(leg, True))
        if granted:
            self.floor_moves(gssi, FloorInput.GRANTED)
        if then == "worker dies":
            self.worker_dies(True)
        elif then == "socket breaks":
            self.socket_breaks(True)
        elif then:
            self.works_on_the_call(operator, then, True, "113-bergen", gssi)

    @rule(operator=operators, gssi=gssis, up=st.booleans())
    def talks_in_the_group(self, operator: OperatorId, gssi: Gssi, up: bool) -> None:
        self.link_changes(True)
        if self.lab.position_of(operator) is None:
            self.sits_down(operator, SEATS[0], True)
        self.presses(operator, gssi, True, True)
        if up:  # the grant and the release cross: it comes after the key was let go, and the key goes down again
            self.lab.radio.hear(gssi, FloorInput.GRANTED)
            self.presses(operator, gssi, False, False)
            self.presses(operator, gssi, True, False)
        self.floor_moves(gssi, FloorInput.GRANTED)

    @rule(operator=operators)
    def sees_the_citizen(self, operator: OperatorId) -> None:
        if self.lab.contact_of(operator) is None:
            self.takes_a_call(operator, SEATS[1], "116117")
        self.works_on_the_call(operator, "video", True, "", GROUPS[0])
        self.citizens_page(0, True)
        self.works_on_the_call(operator, "watch", True, "", GROUPS[0])
        self.lab.hear_worker()

    # --- the citizen --------------------------------------------------------------------------------------------------

    def some_call(self, pick: int, *states: str, theirs: bool = False) -> CallId | None:
        rows = self.lab.sip.calls.items()
        live = [call for call, view in rows if view.state in states and not (theirs and view.incoming is None)]
        return live[pick % len(live)] if live else None

    @rule(
        number=st.sampled_from(NUMBERS),
        late=st.booleans(),
        broken=st.integers(0, 9),
        caller=st.sampled_from(CALLERS),
        place=st.sampled_from(PLACES),
    )
    def rings(
        self, number: str, late: bool, broken: int, caller: str = CALLERS[0], place: tuple[Location, ...] = ()
    ) -> None:
        self.calls += 1
        offer = "v=0\r\nrubbish" if broken == 0 else None if late else OFFER.replace("40000", str(40_000 + self.calls))
        call = IncomingCall(
            CallId(f"theirs{self.calls}"), "lab", number, CallerIdentity(caller), offer, locations=place
        )
        self.lab.sip.invited(call)
        self.lab.feed(lambda house: house.sip_event(call, self.lab.now_ms))

    @rule(operator=operators, caller=st.sampled_from(CALLERS), mode=st.sampled_from(["blocked", "flagged", ""]))
    def says_something_of_a_number(self, operator: OperatorId, caller: str, mode: str) -> None:
        if caller and mode:
            self.lab.do(operator, "number.flag", {"number": caller, "mode": mode, "reason": "?", "hours": 1})
        elif caller:
            self.lab.do(operator, "number.unflag", {"number": caller})

    @rule(operator=operators, on=st.booleans())
    def says_it_is_silent(self, operator: OperatorId, on: bool) -> None:
        if (contact := self.lab.contact_of(operator)) is not None:
            self.lab.do(operator, "contact.silent", {"contact": contact, "on": on})

    @rule(pick=picks)
    def an_announcement_is_over(self, pick: int) -> None:
        if self.lab.worker is not None:
            self.lab.worker.end_told(pick)
            self.lab.hear_worker()

    @rule(pick=picks)
    def caller_cancels(self, pick: int) -> None:
        call = self.some_call(pick, "pending", theirs=True)
        if call is not None:
            self.lab.sip.ended(call)
            self.lab.feed(lambda house: house.sip_event(CallCancelled(call), self.lab.now_ms))

    @rule(pick=picks, cause=st.sampled_from(["bye", "gone", "no-ack"]))
    def caller_leaves(self, pick: int, cause: Any) -> None:
        call = self.some_call(pick, "confirmed")
        if call is not None:
            self.lab.sip.ended(call)
            self.lab.feed(lambda house: house.sip_event(CallEnded(call, cause), self.lab.now_ms))

    @rule(pick=picks, port=st.integers(20_000, 20_005), held=st.booleans(), formats=st.sampled_from(["8 101", "0 8"]))
    def carrier_moves_the_media(self, pick: int, port: int, held: bool, formats: str) -> None:
        call = self.some_call(pick, "confirmed")
        offer = OFFER.replace("40000", str(port)).replace("8 101", formats) + ("a=inactive\r\n" if held else "")
        if call is not None:
            self.lab.feed(lambda house: house.sip_event(CallMediaChanged(call, offer), self.lab.now_ms))

    @rule(pick=picks)
    def ack_comes(self, pick: int) -> None:
        call = self.some_call(pick, "confirmed", theirs=True)
        if call is not None:
            incoming = self.lab.sip.calls[call].incoming
            late = incoming is not None and incoming.offer_sdp is None
            answer = OFFER.replace("RTP/AVP 8 101", "RTP/AVP 8") if late else None
            self.lab.feed(lambda house: house.sip_event(CallConfirmed(call, answer), self.lab.now_ms))

    @rule(pick=picks, what=st.sampled_from(["learned", "silent", "active", "talk", "hush"]))
    def callers_media(self, pick: int, what: str) -> None:
        lines = list(self.lab.house.calls.lines.values())
        if not lines:
            return
        leg = lines[pick % len(lines)].leg.leg
        worker = self.lab.worker
        if worker is None or leg not in worker.rtp:
            return
        if what == "learned":
            worker.rtp[leg] = _learned(worker.rtp[leg], 39_000 + pick)
            self.lab.say(rpc.LegLearned(leg, "127.0.0.7", 39_000 + pick))
        elif what in ("silent", "active"):
            self.lab.say(rpc.LegSilent(leg, 10_000) if what == "silent" else rpc.LegActive(leg, 10_000))
        elif leg in worker.watched:
            self.lab.say(worker.talk(leg, what == "talk"))

    @rule(pick=picks, up=st.booleans())
    def citizens_page(self, pick: int, up: bool) -> None:
        tokens = sorted(self.lab.house.videos.tokens)
        contact = self.lab.house.videos.contact_of(tokens[pick % len(tokens)]) if tokens else None
        if contact is None:
            return
        if up:
            self.lab.browser(video_leg(contact), "citizen")
        else:
            self.lab.say(rpc.LegMedia(video_leg(contact), "down"))

    # --- those whom we call ----------------------------------------------------------------------------------------

    def some_call_of_ours(self, pick: int) -> CallView | None:
        live = [view for view in self.lab.sip.calls.values() if view.incoming is None]
        return live[pick % len(live)] if live else None

    @rule(operator=operators, number=st.sampled_from(["110", "22334455", "82012345", "+46"]), answered=st.booleans())
    def dials(self, operator: OperatorId, number: str, answered: bool) -> None:
        lab = self.lab
        before = lab.contact_of(operator)
        lab.do(operator, "contact.dial", {"number": number, "display": "Ola"})
        contact = lab.contact_of(operator)
        line = lab.house.calls.lines.get(contact) if contact is not None and contact != before else None
        if answered and line is not None:
            self.answers_us(line.call)

    def answers_us(self, call: CallId, sdp: str = OFFER) -> None:
        view = self.lab.sip.calls.get(call)
        if view is not None and view.state == "pending":
            self.lab.sip.calls[call] = replace(view, state="confirmed", peer_sdp=sdp, trunk="lab")
            self.lab.feed(lambda house: house.sip_event(CallAnswered(call, sdp, "lab"), self.lab.now_ms))

    @rule(pick=picks, what=st.sampled_from(["rings", "early", "answers", "answers", "unusable", "fails", "leaves"]))
    def far_end(self, pick: int, what: str) -> None:
        lab = self.lab
        view = self.some_call_of_ours(pick)
        if view is None:
            return
        call, pending = view.call, view.state == "pending"
        if what in ("answers", "unusable"):
            self.answers_us(call, OFFER if what == "answers" else "v=0\r\nrubbish")
        elif what in ("rings", "early") and pending:
            sdp = OFFER if what == "early" else None
            lab.sip.calls[call] = replace(view, peer_sdp=sdp or view.peer_sdp)
            lab.feed(lambda house: house.sip_event(CallProgress(call, 183 if sdp else 180, sdp, "lab"), lab.now_ms))
        elif what in ("fails", "leaves") and pending == (what == "fails"):
            cause: Any = ("busy", "no-answer", "refused", "unreachable")[pick % 4] if pending else "bye"
            lab.sip.ended(call)
            lab.feed(lambda house: house.sip_event(CallEnded(call, cause, status=486), lab.now_ms))

    @rule(
        operator=operators,
        what=st.sampled_from(WITH_OTHERS),
        number=st.sampled_from(["110", "22334455", "82012345", "1131"]),
        on=st.booleans(),
        pick=picks,
        answered=st.booleans(),
    )
    def works_with_others(
        self, operator: OperatorId, what: str, number: str, on: bool, pick: int, answered: bool
    ) -> None:
        lab = self.lab
        contact = lab.contact_of(operator)
        line = lab.house.calls.lines.get(contact) if contact is not None else None
        if line is None:
            return
        party = line.parties[pick % len(line.parties)].id if line.parties else "nobody"
        args = {"contact": line.contact, "number": number, "private": on, "party": party, "on": on}
        lab.do(operator, what, {**args, "services": ["110", "112"], "label": ""})
        if answered:
            for call in [call for call, view in lab.sip.calls.items() if view.incoming is None]:
                self.answers_us(call)

    @rule(operator=operators, what=st.sampled_from(["", "leave", "hangup", "caller", "worker", "hold"]))
    def talks_with_three(self, operator: OperatorId, what: str) -> None:
        """Deep inside: a conference that is up."""
        if self.lab.contact_of(operator) is None:
            self.takes_a_call(operator, SEATS[0], "113")
        self.works_with_others(operator, "contact.conference", "110", False, 0, True)
        if what == "leave":
            self.works_with_others(operator, "contact.leave", "110", False, 0, False)
        elif what == "caller":
            self.caller_leaves(0, "bye")
        elif what == "worker":
            self.worker_dies(True)
        elif what:
            self.works_on_the_call(operator, what, True, "113-bergen", GROUPS[0])

    @rule(operator=operators, what=st.sampled_from(MOVES), other=operators, pick=picks, on=st.booleans())
    def moves_the_call(self, operator: OperatorId, what: str, other: OperatorId, pick: int, on: bool) -> None:
        """Parked, shared, consulted about, listened to, taken over."""
        lab = self.lab
        contact = lab.contact_of(operator)
        if what in ("contact.listen", "contact.take_over", "contact.unpark"):
            live = sorted(view.contact for view in lab.house.ctx.core.contacts())
            contact = live[pick % len(live)] if live else None
        if contact is None:
            return
        purpose = "consult" if on else "conference"
        args = {"contact": contact, "operator": other, "back": on, "room": "bergen", "purpose": purpose}
        args["queue"] = "113-oslo" if on else "113-bergen"
        lab.do(operator, what, {**args, "whisper": on})

    @rule(
        operator=operators,
        on=st.booleans(),
        comes=st.sampled_from([True, True, False]),
        asks=st.sampled_from(["colleague.invite", "contact.consult_queue", "contact.consult_room"]),
    )
    def asks_a_colleague_in(self, operator: OperatorId, on: bool, comes: bool, asks: str) -> None:
        """Deep inside: two who talk about a call, or share one."""
        lab = self.lab
        other = next(who for who in OPERATORS if who != operator)
        if lab.contact_of(operator) is None:
            self.takes_a_call(operator, SEATS[0], "113")
        if lab.position_of(other) is None:
            self.sits_down(other, SEATS[1], True)
        self.is_through(other)
        if asks != "colleague.invite":
            self.says(other, "available")
        self.moves_the_call(operator, asks, other, 0, on)
        if comes:
            self.answers_the_offer(other, "accept")

    @rule(operator=operators, first=operators)
    def two_take_a_parked_call(self, operator: OperatorId, first: OperatorId) -> None:
        lab = self.lab
        if lab.contact_of(operator) is None:
            self.takes_a_call(operator, SEATS[0], "113")
        contact = lab.contact_of(operator)
        self.moves_the_call(operator, "contact.park", operator, 0, True)
        for who in (first, *OPERATORS):
            if contact is not None:
                self.is_through(who)
                lab.do(who, "contact.unpark", {"contact": contact})

    @rule(operator=operators, pick=picks)
    def pulls_back(self, operator: OperatorId, pick: int) -> None:
        alone = sorted(line.contact for line in self.lab.house.transfers.alone())
        if alone:
            self.is_through(operator)
            self.lab.do(operator, "contact.pull_back", {"contact": alone[pick % len(alone)]})

    @rule(operator=operators, pick=picks, answered=st.booleans())
    def calls_back(self, operator: OperatorId, pick: int, answered: bool) -> None:
        cases = sorted([*self.lab.house.abandoned.cases, *self.lab.house.abandoned.recent])
        if cases:
            self.lab.do(operator, "contact.callback", {"contact": cases[pick % len(cases)]})
            contact = self.lab.contact_of(operator)
            line = self.lab.house.calls.lines.get(contact) if contact is not None else None
            if answered and line is not None and line.direction == "out":
                self.answers_us(line.call)

    @rule(pick=picks, status=st.sampled_from([100, 180, 200, 202, 405, 503]))
    def carrier_reports(self, pick: int, status: int) -> None:
        asked = sorted(self.lab.sip.referred & set(self.lab.sip.calls))
        if asked:
            call, final = asked[pick % len(asked)], status >= 200
            if final:
                self.lab.sip.referred.discard(call)
            self.lab.feed(lambda house: house.sip_event(TransferReport(call, status, final), self.lab.now_ms))

    @rule(pick=picks, number=st.sampled_from(["22334455", "110", "82012345"]))
    def peer_wants_a_transfer(self, pick: int, number: str) -> None:
        call = self.some_call(pick, "confirmed")
        if call is not None and call not in self.lab.sip.asking:
            self.lab.sip.asking.add(call)
            self.lab.feed(lambda house: house.sip_event(TransferAsked(call, number), self.lab.now_ms))
            self.lab.sip.asking.discard(call)  # one that died with the process times out at the peer

    @rule(pick=picks, broken=st.integers(0, 9), outputs=st.sampled_from([None, None, 0, 1, 2, 3, 4]))
    def another_phone_takes_over(self, pick: int, broken: int, outputs: int | None) -> None:
        """An INVITE with Replaces, and what the SIP room does once it is answered."""
        lab = self.lab
        rows = lab.sip.calls.items()
        able = [call for call, view in rows if view.state == "confirmed" or view.incoming is None]
        if not able:
            return
        old = able[pick % len(able)]
        self.calls += 1
        offer = "v=0" if broken == 0 else OFFER.replace("40000", str(40_000 + self.calls))
        call = IncomingCall(CallId(f"theirs{self.calls}-new"), "lab", "113", CallerIdentity("1"), offer, replaces=old)
        lab.sip.invited(call)
        lab.crash_after = outputs
        lab.feed(lambda house: house.sip_event(call, lab.now_ms))
        view = lab.sip.calls.get(call.call)
        if view is not None and view.state == "confirmed" and old in lab.sip.calls:
            lab.sip.ended(old)
            lab.feed(lambda house: house.sip_event(CallEnded(old, "replaced"), lab.now_ms))

    @rule(operator=operators, pick=picks)
    def presses_digits(self, operator: OperatorId, pick: int) -> None:
        contact = self.lab.contact_of(operator)
        line = self.lab.house.calls.lines.get(contact) if contact is not None else None
        if line is not None:
            party = line.parties[pick % len(line.parties)].id if line.parties and pick % 2 else None
            self.lab.do(operator, "contact.dtmf", {"contact": line.contact, "party": party, "digits": "1"})

    # --- the operators ------------------------------------------------------------------------------------------------

    @rule(operator=operators, seat=seats, sound=st.booleans())
    def sits_down(self, operator: OperatorId, seat: PositionId, sound: bool) -> None:
        lab = self.lab
        if operator not in lab.settings.people:
            return
        lab.feed(lambda house: house.seats.sit(operator, str(operator), seat, {}))
        if sound and lab.position_of(operator) == seat:
            self.connects_sound(seat)
            lab.hear_worker()

    @rule(seat=seats, packets=st.sampled_from([True, True, False]))
    def connects_sound(self, seat: PositionId, packets: bool = True) -> None:
        if self.lab.feed(lambda house: house.seats.expect_browser(seat)):
            self.lab.browser(seat_leg(seat), "operator", packets)

    @rule(seat=seats, port=st.integers(45_000, 45_003))
    def takes_a_plain_phone(self, seat: PositionId, port: int) -> None:
        self.lab.feed(lambda house: house.seats.plain_rtp(seat, "127.0.0.1", port))

    @rule(seat=seats, state=st.sampled_from(["up", "down", "closed"]))
    def seats_media(self, seat: PositionId, state: Any) -> None:
        if self.lab.worker is not None and seat_leg(seat) in self.lab.worker.browsers:
            if state == "closed":
                self.lab.worker.browsers.pop(seat_leg(seat))
            self.lab.say(rpc.LegMedia(seat_leg(seat), state))

    @rule(operator=operators)
    def goes_home(self, operator: OperatorId) -> None:
        self.lab.feed(lambda house: house.stand(operator))

    @rule(operator=operators, whom=operators, to=st.sampled_from(["ready", "not-ready", "signed-out"]))
    def a_lead_forces(self, operator: OperatorId, whom: OperatorId, to: str) -> None:
        contact = self.lab.contact_of(whom)
        before = None if contact is None else self.lab.house.ctx.core.contact(contact)
        person = self.lab.house.ctx.core.operator(whom)
        talks = person is not None and person.state is OperatorState.BUSY  # who is only asked in loses nothing
        self.lab.do(operator, "staff.force", {"operator": whom, "to": to, "reason": "", "note": "?"})
        if talks and before is not None and before.state in JOINED and self.lab.crash_after is None:
            assert self.lab.contact_of(whom) == contact, "a call was cut"

    @rule(operator=operators, seconds=st.sampled_from([1, 30, 400]))
    def needs_more_time(self, operator: OperatorId, seconds: int) -> None:
        self.lab.do(operator, "wrapup.extend", {"seconds": seconds})

    @rule(operator=operators, seat=seats, then=st.sampled_from(["", "", "handover.now", "handover.cancel", "gone"]))
    def the_next_shift_stands_by(self, operator: OperatorId, seat: PositionId, then: str) -> None:
        if operator not in self.lab.settings.people or seat not in {
            row.position for row in self.lab.settings.positions
        }:
            return
        room = RoomId("bergen" if seat == SEATS[2] else "oslo")
        self.lab.feed(lambda house: house.staff.stand_by(operator, str(operator), seat, room, {}))
        holder = self.lab.house.ctx.core.operator_at(seat)
        if then == "gone":
            self.lab.feed(lambda house: house.staff.stop_waiting(operator))
        elif then and holder is not None:
            self.lab.do(holder, then, {})

    @rule(home=st.booleans(), whom=operators, keep=st.booleans(), end=st.booleans())
    def rooms_lend_each_other_people(self, home: bool, whom: OperatorId, keep: bool, end: bool) -> None:
        room, lender = ("bergen", "oslo") if home else ("oslo", "bergen")
        asked = self.lab.do(KARI, "loan.ask", {"room": room, "lender": lender, "count": 1, "minutes": 1, "note": "?"})
        if asked is None or asked.code:
            return
        loan = asked.result["loan"]
        self.lab.do(KARI, "loan.agree", {"loan": loan, "operators": [whom], "own_emergencies": keep})
        if end:
            self.lab.do(KARI, "loan.end", {"loan": loan})

    @rule(state=st.sampled_from(["open", "open", "closed", "evacuated"]), room=st.sampled_from(["oslo", "bergen"]))
    def a_room_opens_or_closes(self, state: str, room: str) -> None:
        """By its lead; no call is cut by it."""
        before = {str(view.contact) for view in self.lab.house.ctx.core.contacts() if view.state in JOINED}
        dying = self.lab.crash_after is not None
        asked = self.lab.do(KARI, "room.set", {"room": room, "state": state, "reason": "?"})
        if asked is not None and not asked.code and not dying:
            contacts = self.lab.house.ctx.core.contacts()
            assert before <= {str(view.contact) for view in contacts if view.state in JOINED}
            assert self.lab.house.ctx.core.room(RoomId(room)).state == state

    @rule(operator=operators, activity=st.sampled_from(["available", "available", "break", "after-call-work"]))
    def says(self, operator: OperatorId, activity: str) -> None:
        self.lab.do(operator, "activity.set", {"activity": activity})

    @rule(operator=operators, name=st.sampled_from(["accept", "accept", "accept", "reject"]))
    def answers_the_offer(self, operator: OperatorId, name: str) -> None:
        contact = self.lab.contact_of(operator)
        view = self.lab.house.ctx.core.contact(contact) if contact is not None else None
        if view is not None:
            guest = self.lab.house.colleagues.guest_of(view, operator)
            epoch = view.epoch if guest is None else INVITES + guest.number
            self.lab.do(operator, f"contact.{name}", {"contact": view.contact, "epoch": epoch})

    @rule(operator=operators, pick=picks, epoch=st.integers(0, 3))
    def accepts_late(self, operator: OperatorId, pick: int, epoch: int) -> None:
        lines = sorted(self.lab.house.calls.lines)
        if lines:
            self.lab.do(operator, "contact.accept", {"contact": lines[pick % len(lines)], "epoch": epoch})

    @rule(
        operator=operators,
        name=st.sampled_from(["hold", "hold", "hangup", "transfer", "patch", "patch", "unpatch", "video", "watch"]),
        on=st.booleans(),
        queue=st.sampled_from(["113-oslo", "113-bergen", "116117", "nowhere"]),
        gssi=gssis,
    )
    def works_on_the_call(self, operator: OperatorId, name: str, on: bool, queue: str, gssi: Gssi) -> None:
        contact, position = self.lab.contact_of(operator), self.lab.position_of(operator)
        view = self.lab.house.ctx.core.contact(contact) if contact is not None else None
        if view is None or position is None:
            return
        args = {"contact": view.contact, "on": on, "queue": queue, "gssi": gssi, "confirmed": True, "owner_ok": True}
        if name == "video":
            self.lab.do(operator, "video.invite", args)
        elif name == "watch":
            if view.state in JOINED and view.position == position:
                leg = self.lab.feed(lambda house: house.videos.watch(position, view.contact))
                if leg is not None:
                    self.lab.browser(leg, "viewer")
        else:
            self.lab.do(operator, f"contact.{name}", args)

    @rule(operator=operators, on=st.booleans())
    def lets_the_caller_talk(self, operator: OperatorId, on: bool) -> None:
        contact = self.lab.contact_of(operator)
        if contact is not None:
            self.lab.do(operator, "patch.talk", {"contact": contact, "on": on})

    @rule(operator=operators, gssi=gssis, on=st.sampled_from([True, True, False]), listen=st.booleans())
    def presses(self, operator: OperatorId, gssi: Gssi, on: bool, listen: bool) -> None:
        if listen:
            self.lab.do(operator, "talkgroup.monitor", {"gssi": gssi, "on": True})
        self.lab.do(operator, "ptt", {"gssi": gssi, "on": on})

    @rule(operator=operators, gssi=gssis)
    def listens_no_more(self, operator: OperatorId, gssi: Gssi) -> None:
        self.lab.do(operator, "talkgroup.monitor", {"gssi": gssi, "on": False})

    @rule(operator=operators)
    def is_through(self, operator: OperatorId) -> None:
        self.lab.do(operator, "wrapup.done", {})

    # --- the radio ----------------------------------------------------------------------------------------------------

    @rule(up=st.sampled_from([True, True, False]))
    def link_changes(self, up: bool) -> None:
        self.lab.radio.link(up)
        self.lab.feed(lambda house: None)

    @rule(gssi=gssis, what=st.sampled_from(FLOOR_INPUTS))
    def floor_moves(self, gssi: Gssi, what: FloorInput) -> None:
        if self.lab.radio.up:
            self.lab.radio.hear(gssi, what, "Ambulanse 1")
            self.lab.feed(lambda house: None)

    @rule(pick=picks, active=st.sampled_from([True, True, False]))
    def gateway_answers_a_patch(self, pick: int, active: bool) -> None:
        patches = sorted(self.lab.radio.patches)
        if patches and self.lab.radio.up:
            patch = patches[pick % len(patches)]
            gssi = self.lab.radio.patches[patch]
            if not active:
                del self.lab.radio.patches[patch]
            event = radio.PatchChanged(patch, gssi, active)
            self.lab.feed(lambda house: house.radio_event(event, self.lab.now_ms))

    # --- time, death and return ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.lab.timers)
    @rule(pick=picks)
    def a_timer_is_due(self, pick: int) -> None:
        keys = sorted(self.lab.timers, key=lambda key: (self.lab.timers[key], key))
        self.lab.fire(keys[min(pick // 8, len(keys) - 1)])

    @rule(ms=st.sampled_from([20, 300, 1_100]))
    def time_passes(self, ms: int) -> None:
        self.lab.pass_to(self.lab.now_ms + ms)
        while due := [key for key, at_ms in self.lab.timers.items() if at_ms <= self.lab.now_ms]:
            self.lab.fire(due[0])

    @rule(most=st.integers(1, 5))
    def worker_is_heard(self, most: int) -> None:
        self.lab.hear_worker(most)

    @rule(back=st.sampled_from([True, True, False]))
    def worker_dies(self, back: bool) -> None:
        self.lab.kill_worker()
        if back:
            self.worker_attaches()

    @rule(back=st.booleans())
    def socket_breaks(self, back: bool) -> None:
        self.lab.lose_socket()
        if back:
            self.worker_attaches()

    @precondition(lambda self: not self.lab.attached)
    @rule()
    def worker_attaches(self) -> None:
        if self.lab.worker is None:
            self.lab.start_worker()
        if not self.lab.attached:
            self.lab.attach()
            self.lab.hear_worker()

    @rule(outputs=st.integers(0, 40))
    def control_will_die(self, outputs: int) -> None:
        self.lab.crash_after = outputs

    @rule(
        operator=operators,
        what=st.sampled_from(DEEDS),
        before=st.sampled_from(["", "", "patched", "seen"]),
        outputs=st.integers(0, 12),
        attach=st.booleans(),
    )
    def control_dies_at_work(self, operator: OperatorId, what: str, before: str, outputs: int, attach: bool) -> None:
        """Right in what follows from one thing that somebody does."""
        self.is_offered_a_call(operator, SEATS[outputs % 3], "113" if attach else "116117")
        if what not in ("answer", "dial"):
            self.answers_the_offer(operator, "accept")
        if what.startswith(("far", "hand")):
            self.works_with_others(operator, "contact.conference", "110", False, 0, what in ("hand over", "far leaves"))
        if before == "patched":
            self.puts_the_caller_on_the_air(operator, GROUPS[outputs % 2], True, False, "")
        elif before == "seen":
            self.sees_the_citizen(operator)
        self.lab.crash_after = outputs
        if what == "answer":
            self.answers_the_offer(operator, "accept")
        elif what == "move":
            self.sits_down(operator, SEATS[outputs % 3], False)
        elif what == "leave":
            self.caller_leaves(outputs, "bye")
        elif what == "dial":
            self.answers_the_offer(operator, "reject")
            self.lab.crash_after = outputs
            self.dials(operator, "110", attach)
        elif what == "conference":
            self.works_with_others(operator, "contact.conference", "110", False, 0, attach)
        elif what == "pass on":
            self.works_with_others(operator, "contact.transfer_out", "22334455", False, 0, attach)
        elif what == "hand over":
            self.works_with_others(operator, "contact.leave", "110", False, 0, False)
        elif what.startswith("far"):
            self.far_end(outputs, what.removeprefix("far "))
        else:
            self.works_on_the_call(operator, what, True, "113-bergen", GROUPS[outputs % 2])
        if attach:
            self.worker_attaches()

    @rule(pick=picks, lose=st.booleans(), attach=st.booleans())
    def control_restarts(self, pick: int, lose: bool, attach: bool) -> None:
        call = self.some_call(pick, "pending", "confirmed") if lose else None
        self.lab.restart(frozenset({call}) if call is not None else frozenset())
        if attach:
            self.worker_attaches()

    @precondition(lambda self: self.lab.attached and not any(g.keys for g in self.lab.house.groups.groups.values()))
    @rule()
    def control_restarts_unnoticed(self) -> None:
        """Everything is alive: the same plan, the same state, and the worker is told nothing at all."""
        lab = self.lab
        lab.crash_after = None
        lab.hear_worker()
        if any(group.keys or group.open for group in lab.house.groups.groups.values()):
            return
        if lab.refusing or (lab.worker is not None and lab.worker.missing):
            return  # what could not be made is ordered again
        if lab.house.callers.turned.legs:  # who only hears an announcement is hung up by a restart
            return
        before, state = lab.house.ctx.desk.desired(), core_state(lab)
        timers = dict(lab.house.ctx.core.timers())
        lab.restart()
        assert core_state(lab) == state
        after = lab.house.ctx.desk.desired()
        # That a first word came is not written for its own sake: the worker says so as soon as it is there
        assert before.awaited <= after.awaited
        after = replace(after, plays=same_words(after.plays), awaited=before.awaited)
        assert after == replace(before, plays=same_words(before.plays))
        assert lab.house.ctx.core.timers() == timers
        lab.attach()
        told = [output.command for output in lab.outputs if isinstance(output, ToMedia)]
        # Nor does it know of a word that came to an operator who has left since: it is listened for anew
        assert [one for one in told if not (isinstance(one, rpc.WatchTalk) and one.on and one.once)] == []

    # --- the laws -----------------------------------------------------------------------------------------------------

    def routed_calls(self) -> list[ContactView]:
        """The core's contacts that are calls."""
        return [
            view for view in self.lab.house.ctx.core.contacts() if view.kind in (ContactKind.VOICE, ContactKind.VIDEO)
        ]

    @invariant()
    def the_core_keeps_its_own_laws(self) -> None:
        """Also behind whatever the house does with it, and with contacts that no test of the core alone would make."""
        assert violations(self.lab.house.ctx.core.state) == []

    @invariant()
    def every_seat_has_the_operator_that_sits_there(self) -> None:
        core = self.lab.house.ctx.core
        seated = {position: seat.operator for position, seat in self.lab.house.seats.seats.items()}
        assert seated == {view.position: view.operator for view in core.operators()}

    @invariant()
    def ports_in_use_are_the_ports_of_legs(self) -> None:
        house = self.lab.house
        planned = [create.port for create in house.ctx.desk.desired().legs.values()]
        held = [leg.port for line in house.calls.lines.values() for leg in line.legs()]
        held += [seat.rtp.port for seat in house.seats.seats.values() if seat.rtp is not None]
        held += [leg.port for leg in house.callers.turned.legs.values()]
        held += [group.leg.port for group in house.groups.groups.values() if group.leg is not None]
        assert len(held) == len(set(held)) == house.ctx.ports.in_use
        assert set(planned) <= set(held)
        heard = [
            line for line in house.calls.lines.values() if not only_rings(line, house.ctx.core.contact(line.contact))
        ]
        assert {leg.leg for line in heard for leg in line.legs()} <= set(house.ctx.desk.desired().legs)

    @invariant()
    def the_worker_holds_what_is_desired(self) -> None:
        if self.lab.attached and self.lab.worker is not None and not self.lab.worker.ring:
            assert self.lab.worker.differences(self.lab.house.ctx.desk.desired()) == []

    @invariant()
    def who_counts_as_having_sound_has_it(self) -> None:
        worker = self.lab.worker
        if worker is None or not self.lab.attached or worker.ring:
            return
        for position, seat in self.lab.house.seats.seats.items():
            if seat.media == "up" and seat.rtp is None and not seat.phone:
                assert worker.packets.get(seat_leg(position)) == "up", position

    @invariant()
    def nobody_hears_a_contact_that_ended(self) -> None:
        names = {str(leg.leg) for line in self.lab.house.calls.lines.values() for leg in line.legs()}
        for edge in self.edges(self.lab.house.ctx.desk.desired().mixes):
            for end in (edge.source, edge.sink):
                assert not end.startswith(("caller-", "party-")) or end in names

    @invariant()
    def a_caller_is_with_the_seats_that_take_part(self) -> None:
        edges = self.edges(self.lab.house.ctx.desk.desired().mixes)
        for view in self.routed_calls():
            leg = str(caller_leg(view.contact))
            near = {edge.sink.split("/")[0] for edge in edges if edge.source == leg}
            near |= {edge.source for edge in edges if edge.sink == leg}
            seated = {end for end in near if end.startswith("seat-")}
            holder = {str(seat_leg(view.position))} if view.state in JOINED and view.position is not None else set()
            members = {seat_leg(row.position) for row in view.participants if row.joined and row.part is Part.MEMBER}
            silent = {
                str(seat_leg(row.position))
                for row in view.participants
                if row.joined and row.part in (Part.LISTEN, Part.WHISPER)
            }
            assert not {edge.source for edge in edges if edge.sink == leg} & silent, "who listens is heard by a caller"
            expected = holder | {str(seat) for seat in members}
            seated -= silent
            assert seated <= expected
            line = self.lab.house.calls.lines[view.contact]
            apart = any(party.private for party in line.company()) or line.gone
            if view.state is ContactState.CONNECTED and not apart:
                assert seated == expected
                keyed = {who for g in self.lab.house.groups.groups.values() for kind, who in g.keys if kind == "ptt"}
                heard = {edge.source for edge in edges if edge.sink == leg and edge.source.startswith("seat-")}
                assert heard == {seat for seat in expected if seat.removeprefix("seat-") not in keyed}

    @invariant()
    def a_microphone_is_open_only_by_a_grant_and_a_key(self) -> None:
        for group in self.lab.house.groups.groups.values():
            gssi = group.info.gssi
            allowed = self.lab.radio.talking(gssi) and bool(group.keys)
            if group.open:
                assert allowed
                assert f"uplink/{gssi}" in self.lab.timers
            if self.lab.attached and self.lab.worker is not None and group.leg is not None:
                assert allowed or group.leg.leg not in self.lab.worker.uplinks

    @invariant()
    def a_floor_is_held_only_by_a_key(self) -> None:
        for group in self.lab.house.groups.groups.values():
            floor = self.lab.radio.floors.get(group.info.gssi)
            assert floor is None or not floor.held or group.keys
            for kind, who in group.keys:
                if kind == "ptt":
                    assert f"ptt/{group.info.gssi}/{who}" in self.lab.timers
                    assert PositionId(who) in self.lab.house.seats.seats
                else:
                    line = self.lab.house.calls.lines[ContactId(who)]
                    view = self.lab.house.ctx.core.contact(line.contact)
                    assert line.patch is not None
                    assert line.patch.state == "active"
                    assert view is not None
                    assert view.state is ContactState.CONNECTED

    @invariant()
    def only_calls_at_a_seat_are_patched(self) -> None:
        live = set()
        for line in self.lab.house.calls.lines.values():
            if line.patch is not None and line.patch.state in ("requested", "active"):
                live.add(line.patch.patch)
                view = self.lab.house.ctx.core.contact(line.contact)
                assert view is not None
                assert view.state in JOINED
        assert set(self.lab.radio.patches) <= live

    @invariant()
    def records_are_the_house(self) -> None:
        house, records = self.lab.house, self.lab.records
        assert {key for key in records if key.startswith("line/")} == {
            line.key() for line in house.calls.lines.values()
        }
        for line in house.calls.lines.values():
            assert records[line.key()] == through_json(as_recorded(line, records[line.key()]))
        assert {key for key in records if key.startswith("seat/")} == {f"seat/{seat}" for seat in house.seats.seats}
        assert set(house.calls.lines) == {view.contact for view in self.routed_calls()}
        assert house.calls.by_call == {line.call: line.contact for line in house.calls.lines.values() if not line.gone}
        ours = {call for line in house.calls.lines.values() for call in line.calls()}
        ours |= set(house.phone_desk.phones.by_call) | set(house.callers.turned.legs)
        assert ours == set(self.lab.sip.calls)
        assert house.parties.by_call == {
            party.call: (line.contact, party.id)
            for line in house.calls.lines.values()
            for party in line.parties
            if party.live
        }
        assert set(house.videos.tokens.values()) <= set(house.calls.lines)

    @invariant()
    def what_is_known_of_callers_is_in_the_journal(self) -> None:
        house, records = self.lab.house, self.lab.records
        known = {past.key(): past for past in house.callers.repeats.past.values()}
        rest = {flag.key(): flag for flag in house.callers.flags.rows.values()}
        surges = {f"surge/{name}": cluster for name, cluster in house.callers.surge.clusters.items()}
        kept = {key for key in records if key.startswith(("past/", "flag/", "surge/"))}
        assert kept == {*known, *rest, *surges}
        assert all(records[key] == through_json(value) for key, value in {**known, **rest, **surges}.items())
        assert {*rest, *surges} <= set(self.lab.timers)

    @invariant()
    def an_emergency_is_never_turned_away(self) -> None:
        for call in self.lab.house.callers.turned.legs:
            incoming = self.lab.sip.calls[call].incoming
            assert incoming is not None
            assert incoming.called == "116117"
            assert f"turned/{call}" in self.lab.timers

    @invariant()
    def a_repeated_call_has_its_case(self) -> None:
        for line in self.lab.house.calls.lines.values():
            view = self.lab.house.ctx.core.contact(line.contact)
            assert view is not None
            if line.repeat is None:
                assert view.first_arrived_at_ms == 0
            else:
                assert line.caller.number
                assert line.repeat.first_arrived_at_ms <= line.arrived_at_ms
                assert view.first_arrived_at_ms == line.repeat.since_ms
            if line.silence == "listening" and view.state in JOINED and not line.gone:
                assert f"mute/{line.contact}" in self.lab.timers

    @invariant()
    def who_sits_is_who_is_signed_in(self) -> None:
        house = self.lab.house
        seated = {seat.position: seat.operator for seat in house.seats.seats.values()}
        assert seated == {view.position: view.operator for view in house.ctx.core.operators()}
        for view in house.ctx.core.operators():
            assert view.media_up == (house.seats.seats[view.position].media == "up")
        for group in house.groups.groups.values():
            assert group.monitors <= set(seated)
        for position, contact in house.videos.viewers.items():
            seen = house.ctx.core.contact(contact)
            assert seen is not None
            assert seen.position == position
            assert seen.state in JOINED

    @invariant()
    def nobody_answered_hears_nothing(self) -> None:
        desired = self.lab.house.ctx.desk.desired()
        for view in self.routed_calls():
            line = self.lab.house.calls.lines[view.contact]
            heard = {edge.sink for edge in self.edges(desired.mixes)}
            heard |= {play.sink for play in desired.plays.values() if play.loop or play.then}
            if view.position in self.lab.house.calls.keyed_seats:
                heard |= {leg.leg for leg in line.legs()}  # the operator talks on the radio just now
            for party in line.company():
                assert party.leg.leg in heard
            if line.gone:
                continue
            sip = self.lab.sip.calls[line.call]
            ours = line.direction == "out"
            assert line.answered == (sip.state == "confirmed")
            assert ours or line.answered or line.call in self.lab.sip.rung
            assert ours or line.answered or not (view.requeued or view.queue == "116117")
            dialling = ours and not line.answered
            assert (view.state is ContactState.CONNECTING) == dialling, "joined or failed within the input"
            assert not line.answered or line.leg.leg in heard

    @invariant()
    def nobody_stays_on_hold_by_mistake(self) -> None:
        """A peer that has been told it is on hold sends nothing until it is told otherwise."""
        for view in self.routed_calls():
            call = self.lab.sip.calls.get(self.lab.house.calls.lines[view.contact].call)
            if call is not None and view.state is not ContactState.HELD:
                assert "a=sendonly" not in call.local_sdp

    @invariant()
    def everybody_who_talks_is_recorded(self) -> None:
        desired = self.lab.house.ctx.desk.desired()
        sources: Mapping[ContactId, set[str]] = {view: set() for view in self.lab.house.calls.lines}
        for name, record in desired.recordings.items():
            sources[ContactId(str(name).split(".")[0])].add(record.source)
        for contact, tracks in self.lab.house.ctx.tapings.of.items():
            sources[contact] |= {one.source for one in tracks.values() if one.waits}
        for view in self.routed_calls():
            line = self.lab.house.calls.lines[view.contact]
            talking = {str(party.leg.leg) for party in line.company()}
            if view.state in (ContactState.CONNECTED, ContactState.HELD):
                assert view.position is not None
                talking.add(str(seat_leg(view.position)))
            heard = [row for row in view.participants if row.joined and row.part is not Part.LISTEN]
            talking |= {str(seat_leg(row.position)) for row in heard}
            if line.answered and not line.gone:
                talking.add(str(line.leg.leg))
            assert talking <= sources[view.contact]

    @invariant()
    def nobody_is_left_with_nobody(self) -> None:
        """A contact without an operator, or without its far end, has somebody else in it; and nobody hears a party that
        has not answered but the one who called it."""
        core, desired = self.lab.house.ctx.core, self.lab.house.ctx.desk.desired()
        for line in self.lab.house.calls.lines.values():
            view = core.contact(line.contact)
            assert view is not None
            if view.state is ContactState.HANDED_OVER or line.gone:
                assert any(party.live for party in line.parties)
            if line.gone and view.state is ContactState.HANDED_OVER:
                assert sum(party.live for party in line.parties) > 1
            calling = {str(party.leg.leg) for party in line.parties if party.live and not party.talks}
            if line.direction == "out" and not line.answered:
                calling.add(str(line.leg.leg))
            for edge in self.edges(desired.mixes):
                assert edge.sink not in calling
                if edge.source in calling:
                    alone = view.state is ContactState.HANDED_OVER and edge.sink == line.leg.leg
                    assert alone or edge.sink == f"seat-{view.position}/headset"

    @invariant()
    def who_is_in_a_call_is_in_one(self) -> None:
        core = self.lab.house.ctx.core
        whole = [view for view in core.contacts() if view.kind is not ContactKind.CHAT]
        seats = [seat for view in whole for seat in self.lab.house.colleagues.seats_of(view)]
        assert len(seats) == len(set(seats))
        for view in whole:
            if view.slot is not None:
                assert view.contact in [row["contact"] for row in self.lab.house.colleagues.parked_list(view.slot.room)]
                assert f"routing/park:{view.contact}" in self.lab.timers
            for row in view.participants:
                assert row.joined or f"routing/invite:{row.operator}" in self.lab.timers

    @invariant()
    def who_is_called_back_is_called_by_one(self) -> None:
        calls_back = [line.callback_of for line in self.lab.house.calls.lines.values() if line.callback_of is not None]
        assert len(calls_back) == len(set(calls_back))
        for case in self.lab.house.abandoned.cases.values():
            assert (case.claimed_by is not None) == (case.contact in calls_back)
            assert self.lab.records[f"abandoned/{case.contact}"] == through_json(case)

    @invariant()
    def no_track_is_forgotten(self) -> None:
        lab = self.lab
        if lab.attached and lab.worker is not None and not lab.worker.ring:
            assert lab.started - lab.kept - lab.empty == set(lab.worker.recordings) - set(lab.worker.failed)
            assert not set(lab.house.ctx.tracks.open) & lab.kept
        noted = {key.removeprefix("track/") for key in lab.records if key.startswith("track/")}
        assert noted == set(lab.house.ctx.tracks.open)
        assert lab.started - lab.kept - lab.empty <= noted

    @invariant()
    def what_must_end_by_itself_has_its_timer(self) -> None:
        for key, at_ms in self.lab.house.ctx.core.timers().items():
            assert self.lab.timers.get(f"routing/{key}") == at_ms

    @invariant()
    def consoles_get_the_shapes_they_know(self) -> None:
        views = self.lab.house.views
        for operator in self.lab.house.ctx.core.operators():
            shown = views.snapshot(operator.operator, operator.position)
            told = SnapshotFields.model_validate({**shown, "now_ms": self.lab.now_ms, "server": SERVER})
            asked = operator.state is OperatorState.OFFERED or operator.chat_offer is not None
            assert (told.offer is not None) == asked
            whole = operator.contact in self.lab.house.brought.contacts
            assert (told.call is not None) == (operator.state is OperatorState.BUSY and not whole)
            has = [*operator.chats, *([operator.contact] if operator.state is OperatorState.BUSY and whole else [])]
            assert sorted(card.contact for card in told.cards) == sorted(str(one) for one in has)

    @staticmethod
    def edges(mixes: Mapping[Any, tuple[rpc.Edge, ...]]) -> list[rpc.Edge]:
        return [edge for edges in mixes.values() for edge in edges]


def core_state(lab: Lab) -> Mapping[str, Any]:
    """All the routing core knows, but for the time."""
    return {**lab.house.ctx.core.snapshot(), "now_ms": 0}


def _learned(leg: rpc.CreateRtp, port: int) -> rpc.CreateRtp:
    return replace(leg, peer_host="127.0.0.7", peer_port=port, learned=True)


def as_recorded(line: Line, record: Json) -> Line:
    """The line, but for what is worth no record of its own: an expected first word, an address that was signalled."""
    told = from_json(Line, record)
    if line.silence == "spoke" and told.silence == "listening":
        line = replace(line, silence="listening")
    if line.leg.learned and not told.leg.learned:
        line = replace(line, leg=replace(line.leg, learned=False))
    return line


TestHouseMachine = HouseMachine.TestCase
TestHouseMachine.settings = settings(
    max_examples=int(os.environ.get("KAK_HOUSE_EXAMPLES", "60")),
    stateful_step_count=50,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
