"""A call goes on without its operator, and comes back when it must."""

from dataclasses import replace

import pytest

from kak_server.bridges.outputs import SetTimer, ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.sip.api import CallerIdentity, CallMediaChanged, IncomingCall
from kak_server.sip.api_legs import MediaAgreed, MediaRefused, TransferAsked, TransferReport
from tests.unit.bridges.world import KARI, OFFER, OLA, SEAT_1, SEAT_2, World, world

CALLER = CallId("call-113")


def state(w: World, contact: ContactId) -> ContactState | None:
    view = w.house.ctx.core.contact(contact)
    return view.state if view is not None else None


def consulted(w: World) -> tuple[ContactId, CallId]:
    """Kari talks with a citizen, and with the hospital in private."""
    contact = w.talking()
    w.do("party.add", {"contact": contact, "number": "22334455", "private": True})
    call = w.dials()[-1].call
    w.picks_up(call)
    return contact, call


def test_an_attended_transfer_leaves_the_two_together() -> None:
    w = world()
    contact, call = consulted(w)
    assert w.do("contact.leave", {"contact": contact}).code == ""
    assert state(w, contact) is ContactState.HANDED_OVER
    party = w.house.calls.lines[contact].parties[0]
    caller = f"caller-{contact}"
    assert w.edges(f"contact/{contact}") == {(caller, party.leg.leg), (party.leg.leg, caller)}
    assert {r.label for r in w.house.ctx.desk.desired().recordings.values()} == {"caller", "party"}
    assert w.house.ctx.core.operator(KARI).state is OperatorState.WRAP_UP  # type: ignore[union-attr]
    assert w.told("call.ended")[-1]["cause"] == "handed-over"
    (row,) = w.house.views.snapshot(KARI, SEAT_1)["handed_over"]
    assert (row["contact"], row["operator_name"], row["parties"][0]["state"]) == (contact, "Kari", "answered")
    w.ends(call)
    assert ("hangup", CALLER) in w.sip()
    assert not w.house.calls.lines
    assert w.house.views.snapshot(KARI, SEAT_1)["handed_over"] == []


def test_nobody_is_left_with_nobody() -> None:
    w = world()
    contact = w.talking()
    assert w.do("contact.leave", {"contact": contact}).code == "nobody-else"
    w.do("party.add", {"contact": contact, "number": "110"})
    assert w.do("contact.leave", {"contact": contact}).code == "nobody-else", "it only rings there"


def test_two_services_may_go_on_by_themselves_and_one_may_not() -> None:
    w = world()
    contact = w.talking()
    w.do("contact.conference", {"contact": contact, "services": ["110", "112"]})
    fire, police = (dial.call for dial in w.dials())
    w.picks_up(fire)
    w.picks_up(police, 41_002)
    w.ends(CALLER)
    assert w.do("contact.leave", {"contact": contact}).code == ""
    assert len(w.edges(f"contact/{contact}")) == 2
    w.ends(fire)
    assert ("hangup", police) in w.sip()
    assert not w.house.calls.lines


def test_it_is_pulled_back() -> None:
    w = world()
    contact, _ = consulted(w)
    w.do("contact.leave", {"contact": contact})
    assert w.do("contact.pull_back", {"contact": contact}).code == ""
    assert w.call_card()["contact"] == contact
    assert ("seat-oslo-1", f"caller-{contact}") in w.edges(f"contact/{contact}")
    assert w.do("contact.pull_back", {"contact": contact}).code == "unknown-contact"


def test_a_blind_transfer_frees_the_operator_and_the_caller_hears_it_ring() -> None:
    w = world()
    contact = w.talking()
    outcome = w.do("contact.transfer_out", {"contact": contact, "number": "22334455"})
    assert outcome.result["party"]
    assert w.house.ctx.core.operator(KARI).state is OperatorState.WRAP_UP  # type: ignore[union-attr]
    (ring,) = w.house.ctx.desk.desired().plays.values()
    assert (ring.source, ring.sink) == ("tone:ringback", f"caller-{contact}")
    call = w.dials()[-1].call
    w.rings(call, OFFER)
    assert {sink for _, sink in w.edges(f"contact/{contact}")} == {f"caller-{contact}"}
    w.picks_up(call)
    assert len(w.edges(f"contact/{contact}")) == 2
    w.ends(CALLER)
    assert ("hangup", call) in w.sip()
    assert not w.house.calls.lines


@pytest.mark.parametrize(("cause", "status"), [("busy", 486), ("no-answer", 480), ("unreachable", 0)])
def test_a_failed_blind_transfer_brings_the_caller_back_to_the_head(cause: str, status: int) -> None:
    w = world()
    contact = w.talking()
    w.ring("other")
    w.do("contact.transfer_out", {"contact": contact, "number": "22334455"})
    w.ends(w.dials()[-1].call, cause, status)
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.requeued
    assert view.state in (ContactState.WAITING, ContactState.OFFERED)
    assert ("hangup", CALLER) not in w.sip()
    (play,) = w.house.ctx.desk.desired().plays.values()
    assert play.source == "prompt:please-hold"


def test_a_number_that_cannot_be_dialled_changes_nothing() -> None:
    w = world()
    contact = w.talking()
    assert w.do("contact.transfer_out", {"contact": contact, "number": "82012345"}).code == "forbidden-number"
    assert state(w, contact) is ContactState.CONNECTED


def test_a_number_of_ours_leads_into_its_queue() -> None:
    w = world()
    contact = w.talking()
    outcome = w.do("contact.transfer_out", {"contact": contact, "number": "1131"})
    assert outcome.result == {"party": None}
    assert w.house.ctx.core.contact(contact).queue == "113-bergen"  # type: ignore[union-attr]


# --- REFER of ours ------------------------------------------------------------------------------------------------


def referring(w: World) -> ContactId:
    """Talking over a trunk that takes REFER."""
    w.sit()
    w.event(IncomingCall(CALLER, "refers", "113", CallerIdentity("+4799999999"), OFFER))
    contact = next(iter(w.house.calls.lines))
    w.answer(contact)
    assert w.do("contact.refer", {"contact": contact, "number": "22334455"}).result == {"party": None}
    return contact


def test_the_carrier_takes_it_over() -> None:
    w = world()
    contact = referring(w)
    assert ("refer", CALLER) in w.sip()
    assert w.call_card()["referral"] == {"number": "+4722334455", "state": "asked"}
    w.event(TransferReport(CALLER, 180, False))
    assert w.call_card()["referral"]["state"] == "trying"
    w.event(TransferReport(CALLER, 200, True))
    assert state(w, contact) is ContactState.ENDED
    assert not w.dials()


def test_the_carrier_says_no_or_nothing_and_we_call_ourselves() -> None:
    for silent in (False, True):
        w = world()
        contact = referring(w)
        if silent:
            w.pass_ms(60_000)
            w.timer(f"refer/{contact}")
        else:
            w.event(TransferReport(CALLER, 405, True))
        assert [dial.target for dial in w.dials()] == ["+4722334455"]
        assert state(w, contact) is ContactState.HANDED_OVER


def test_a_carrier_that_could_not_even_be_asked_costs_no_minute() -> None:
    w = world()
    contact = referring(w)
    w.event(TransferReport(CALLER, 480, True))  # as the shell says it when the SIP room did not take the order
    assert [dial.target for dial in w.dials()] == ["+4722334455"]
    assert state(w, contact) is ContactState.HANDED_OVER
    w.pass_ms(60_000)
    w.timer(f"refer/{contact}")  # late: nothing is called twice
    assert [dial.target for dial in w.dials()] == ["+4722334455"]


def test_a_carrier_that_says_how_it_goes_is_given_more_time() -> None:
    """Else the number would be called by both of us."""
    w = world()
    contact = referring(w)
    w.pass_ms(50_000)
    w.event(TransferReport(CALLER, 180, False))
    timers = [o for o in w.outputs if isinstance(o, SetTimer) and o.key == f"refer/{contact}"]
    assert timers[-1].at_ms == w.now_ms + 60_000


def test_a_trunk_that_takes_no_refer_is_bridged_at_once() -> None:
    w = world()
    contact = w.talking()
    assert w.do("contact.refer", {"contact": contact, "number": "22334455"}).result["party"]
    assert not [action for action, _ in w.sip() if action == "refer"]


# --- REFER of a peer ----------------------------------------------------------------------------------------------


def test_a_peer_may_have_us_call_somebody_in_its_place() -> None:
    w = world()
    contact = w.talking()
    w.event(TransferAsked(CALLER, "22334455", referred_by="sip:a@b"))
    assert ("accept_transfer", CALLER) in w.sip()
    (dial,) = w.dials()
    assert (dial.target, dial.referred_by) == ("+4722334455", "sip:a@b")
    w.rings(dial.call)
    w.picks_up(dial.call)
    assert [o for o in w.sip() if o[0] == "report_transfer"] == [("report_transfer", CALLER)] * 2
    w.ends(CALLER)  # it is through
    assert state(w, contact) is ContactState.CONNECTED
    assert w.call_card()["far_end"] == "gone"


def test_a_peer_may_leave_as_soon_as_it_has_had_us_call() -> None:
    """Many phones hang up once their REFER is accepted: who they had us call goes on ringing."""
    w = world()
    contact = w.talking()
    w.event(TransferAsked(CALLER, "22334455"))
    (dial,) = w.dials()
    w.rings(dial.call)
    w.ends(CALLER)
    assert state(w, contact) is ContactState.CONNECTED
    assert ("hangup", dial.call) not in w.sip()
    w.picks_up(dial.call)
    assert (f"seat-{SEAT_1}", f"{w.house.calls.lines[contact].parties[0].leg.leg}") in w.edges(f"contact/{contact}")
    w.ends(dial.call)
    assert state(w, contact) in (None, ContactState.ENDED)
    assert w.house.ctx.ports.in_use == 0


def test_who_had_us_call_in_vain_and_left_leaves_nothing_behind() -> None:
    w = world()
    contact = w.talking()
    w.event(TransferAsked(CALLER, "22334455"))
    w.ends(CALLER)
    w.ends(w.dials()[0].call, "busy", 486)
    assert state(w, contact) in (None, ContactState.ENDED)
    assert not w.house.calls.lines
    assert w.house.ctx.ports.in_use == 0


def test_whoever_asked_hears_of_a_lost_port_and_of_a_replacement() -> None:
    w = world()
    contact = w.talking()
    w.event(TransferAsked(CALLER, "22334455"))
    w.house.leg_refused(w.house.calls.lines[contact].parties[0].leg, "port_in_use", w.now_ms)
    w.pump()
    w.event(TransferAsked(CALLER, "22334455"))
    w.event(replacement(w.dials()[-1].call))
    said = [o.status for o in w.outputs if isinstance(o, ToSip) and o.action == "report_transfer"]
    assert said == [503, 200]
    assert [party["state"] for party in w.call_card()["parties"]] == ["ended", "answered"]
    assert [party["state"] for party in w.told("call")[-1]["parties"]] == ["ended", "answered"]


def test_a_transfer_that_fails_is_reported_and_a_forbidden_one_rejected() -> None:
    w = world()
    w.talking()
    w.event(TransferAsked(CALLER, "22334455"))
    w.ends(w.dials()[0].call, "busy", 486)
    assert [o.status for o in w.outputs if isinstance(o, ToSip) and o.action == "report_transfer"] == [486]
    w.event(TransferAsked(CALLER, "82012345"))
    w.event(TransferAsked(CallId("nobody"), "22334455"))
    assert [c for a, c in w.sip() if a == "reject_transfer"] == [CALLER, "nobody"]


def test_strangers_trunks_may_not() -> None:
    w = world()
    w.sit()
    w.event(IncomingCall(CALLER, "elsewhere", "113", CallerIdentity("+4799999999"), OFFER))
    w.answer(next(iter(w.house.calls.lines)))
    w.event(TransferAsked(CALLER, "22334455"))
    assert ("reject_transfer", CALLER) in w.sip()
    assert not w.dials()


# --- a call that takes another's place ----------------------------------------------------------------------------


def replacement(old: CallId, port: int = 47_000) -> IncomingCall:
    offer = OFFER.replace("40000", str(port))
    return IncomingCall(CallId("new"), "lab", "113", CallerIdentity("+4788888888"), offer, replaces=old)


def test_the_caller_is_replaced_in_the_same_contact_and_recorded_on() -> None:
    w = world()
    contact = w.talking()
    before = w.house.ctx.desk.desired().recordings
    w.event(replacement(CALLER))
    assert ("answer", CallId("new")) in w.sip()
    assert w.house.calls.by_call == {"new": contact}
    assert w.call_card()["contact"] == contact
    assert w.house.ctx.desk.desired().recordings == before
    assert w.commands(rpc.CreateRtp)[-1].peer_port == 47_000
    assert w.house.ctx.ports.in_use == 1
    w.ends(CALLER, "replaced")
    assert state(w, contact) is ContactState.CONNECTED
    w.ends(CallId("new"))
    assert state(w, contact) is ContactState.ENDED


def test_what_the_worker_missed_of_the_old_call_is_not_told_of_the_new_one() -> None:
    w = world()
    contact = w.talking()
    w.house.worker_lost("socket", w.now_ms)
    w.event(CallMediaChanged(CALLER, OFFER.replace("40000", "40990")))
    w.event(replacement(CALLER))
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.pump()
    assert w.commands(rpc.CreateRtp)[-1].peer_port == 47_000
    assert not [order for order in w.commands(rpc.ModifyRtp) if order.peer_port == 40_990]
    assert w.house.calls.lines[contact].leg.peer_port == 47_000


def test_a_party_is_replaced_and_so_is_one_that_still_rings() -> None:
    for answered in (True, False):
        w = world()
        contact = w.talking()
        w.do("party.add", {"contact": contact, "number": "22334455"})
        old = w.dials()[-1].call
        if answered:
            w.picks_up(old)
        w.event(replacement(old))
        (party,) = w.house.calls.lines[contact].parties
        assert (party.call, party.state) == ("new", "answered")
        assert w.house.parties.by_call == {"new": (contact, party.id)}
        w.ends(old, "replaced")
        assert w.call_card()["parties"][0]["state"] == "answered"


def test_a_call_out_that_rings_is_answered_by_another_call() -> None:
    w = world()
    w.sit()
    w.do("contact.dial", {"number": "22334455"})
    w.event(replacement(w.dials()[-1].call))
    assert w.call_card()["state"] == "connected"


def test_a_replacement_of_nothing_or_without_audio_is_refused() -> None:
    w = world()
    w.event(replacement(CallId("over")))
    contact = w.talking()
    w.event(replace(replacement(CALLER), offer_sdp="v=0"))
    refused = [o.status for o in w.outputs if isinstance(o, ToSip) and o.action == "reject"]
    assert refused == [481, 488]
    assert w.house.calls.by_call == {CALLER: contact}


def test_another_room_does_not_see_what_is_not_its_own() -> None:
    w = world()
    contact, _ = consulted(w)
    w.do("contact.leave", {"contact": contact})
    w.sit(OLA, SEAT_2)
    assert len(w.house.views.out.handed_over_list(w.house.views.room_of(SEAT_2))) == 1
    assert w.house.views.out.handed_over_list("bergen") == []  # type: ignore[arg-type]


def test_a_peer_on_hold_may_be_told_so() -> None:
    w = world()
    w.sit()
    w.event(IncomingCall(CALLER, "told", "113", CallerIdentity("+4799999999"), OFFER))
    contact = next(iter(w.house.calls.lines))
    w.answer(contact)
    w.do("contact.hold", {"contact": contact, "on": True})
    held = [o.sdp for o in w.outputs if isinstance(o, ToSip) and o.action == "reoffer"]
    assert "a=sendonly" in held[0]
    w.event(MediaAgreed(CALLER, held[0], OFFER + "a=recvonly\r\n"))
    assert w.commands(rpc.ModifyRtp)[-1].send
    w.do("contact.hold", {"contact": contact, "on": False})
    resumed = [o.sdp for o in w.outputs if isinstance(o, ToSip) and o.action == "reoffer"][1]
    assert "a=sendrecv" in resumed
    w.event(MediaRefused(CALLER, 488))
    assert state(w, contact) is ContactState.CONNECTED


@pytest.mark.parametrize("way", ["queue", "blind", "lost", "hangup"])
def test_a_peer_on_hold_is_taken_off_it_when_its_operator_parts(way: str) -> None:
    """Nobody else would do it: the next operator would not hear a caller whose phone is on hold."""
    w = world()
    w.sit()
    w.event(IncomingCall(CALLER, "told", "113", CallerIdentity("+4799999999"), OFFER))
    contact = next(iter(w.house.calls.lines))
    w.answer(contact)
    w.do("contact.hold", {"contact": contact, "on": True})
    if way == "queue":
        w.do("contact.transfer", {"contact": contact, "queue": "113-bergen"})
    elif way == "blind":
        w.do("contact.transfer_out", {"contact": contact, "number": "22334455"})
    elif way == "hangup":
        w.do("contact.hangup", {"contact": contact})
    else:
        w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
        w.pass_ms(5_000)
        w.timer(f"routing/media:{KARI}")
    offers = [o.sdp for o in w.outputs if isinstance(o, ToSip) and o.action == "reoffer"]
    if way == "hangup":
        assert len(offers) == 1, "a call that ends is offered nothing"
        return
    assert state(w, contact) in (ContactState.WAITING, ContactState.HANDED_OVER)
    assert len(offers) == 2
    assert "a=sendrecv" in offers[1]


def test_two_calls_of_ours_are_not_joined_by_a_peer() -> None:
    w = world()
    w.talking()
    w.event(TransferAsked(CALLER, "22334455", replaces=CallId("other")))
    assert [o.status for o in w.outputs if isinstance(o, ToSip) and o.action == "reject_transfer"] == [501]
    w.event(TransferAsked(CALLER, "22334455", replaces_header="a;to-tag=b;from-tag=c"))
    assert w.dials()[0].replaces_header == "a;to-tag=b;from-tag=c"
