"""Calls of ours after a restart: joined if answered, over if lost, and never dialled again."""

from kak_server.bridges.outputs import SetTimer, ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId
from kak_server.routing.api import ContactState
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallerIdentity, CallView, IncomingCall
from kak_server.sip.api_legs import CallProgress
from tests.unit.bridges.test_recovery import after_restart, census, resume
from tests.unit.bridges.world import OFFER, World, world

CALLER = CallId("call-113")
CITIZEN = CallView(CALLER, "confirmed", IncomingCall(CALLER, "lab", "113", CallerIdentity("1"), OFFER))


def ours(w: World, state: str, sdp: str = "") -> CallView:
    """The newest call of ours as the SIP room has it."""
    dial = w.dials()[-1]
    return CallView(dial.call, state, None, dial.offer_sdp, dial, "out", sdp)  # type: ignore[arg-type]


def dialling() -> World:
    w = world()
    w.sit()
    w.do("contact.dial", {"number": "22334455"})
    return w


def test_one_that_still_rings_goes_on_ringing_and_is_not_dialled_again() -> None:
    w = dialling()
    after = after_restart(w)
    resume(after, {w.dials()[0].call: ours(w, "pending")})
    assert not after.dials()
    assert after.call_card()["state"] == "connecting"
    after.picks_up(w.dials()[0].call)
    assert after.call_card()["state"] == "connected"


def test_one_answered_meanwhile_is_joined_and_early_media_is_heard() -> None:
    w = dialling()
    call = w.dials()[0].call
    after = after_restart(w)
    resume(after, {call: ours(w, "confirmed", OFFER)})
    assert after.call_card()["state"] == "connected"
    assert ("answer", call) not in after.sip()
    early = after_restart(w)
    resume(early, {call: ours(w, "pending", OFFER)})
    assert early.call_card()["far_end"] == "early"


def test_early_media_that_the_worker_has_already_is_not_commanded_again() -> None:
    """Of a call out and of a party: what the SIP room remembers of the far end is no news after a restart."""
    out = dialling()
    call = out.dials()[0].call
    held = ours(out, "pending", OFFER)
    out.event(CallProgress(call, 183, OFFER))
    three = world()
    contact = three.talking()
    three.do("contact.conference", {"contact": contact, "services": ["110"]})
    party = three.dials()[0].call
    three.event(CallProgress(party, 183, OFFER))
    rows = ((out, {call: held}), (three, {CALLER: CITIZEN, party: ours(three, "pending", OFFER)}))
    for before, calls in rows:
        assert before.commands(rpc.ModifyRtp)
        after = after_restart(before)
        resume(after, calls)
        after.house.worker_attached(census(before), "boot-1", after.now_ms)
        after.pump()
        assert after.commands(rpc.ModifyRtp) == []


def test_one_that_is_over_is_told_with_its_reason() -> None:
    after = after_restart(dialling())
    resume(after, {})
    assert after.told("call.ended")[-1]["cause"] == "lost-in-restart"
    assert not after.house.calls.lines
    assert after.house.ctx.ports.in_use == 0


def test_an_answer_that_was_noted_and_not_said_is_said_now() -> None:
    w = dialling()
    w.picks_up(w.dials()[0].call)
    w.events = [event for event in w.events if type(event).__name__ != "ContactConnected"]
    w.house.ctx.core = core_of(w)
    after = after_restart(w)
    resume(after, {w.dials()[0].call: ours(w, "confirmed", OFFER)})
    (view,) = after.house.ctx.core.contacts()
    assert view.state is ContactState.CONNECTED


def core_of(w: World) -> RoutingCore:
    """The core that the journal's events make, for `after_restart` to compare with."""
    core = RoutingCore()
    for event in w.events:
        core.step(event)
    return core


def test_parties_are_joined_lost_or_still_ringing() -> None:
    w = world()
    contact = w.talking()
    w.do("contact.conference", {"contact": contact, "services": ["110", "112"]})
    fire, police = (dial.call for dial in w.dials())
    w.picks_up(fire)
    w.do("party.add", {"contact": contact, "number": "22334455"})
    views = {dial.call: CallView(dial.call, "confirmed", None, "", dial, "out", OFFER) for dial in w.dials()}
    del views[police]
    after = after_restart(w)
    resume(after, {CALLER: CITIZEN, **views})
    rows = after.call_card()["parties"]
    assert [(row["state"], row["cause"]) for row in rows] == [
        ("answered", ""), ("ended", "lost-in-restart"), ("answered", ""),
    ]  # fmt: skip
    assert not after.dials()
    assert after.house.ctx.ports.in_use == 3


def test_a_handed_over_caller_whose_party_is_gone_does_not_wait_in_vain() -> None:
    for answered, after_all in ((True, None), (False, ContactState.WAITING)):
        w = world()
        contact = w.talking()
        if answered:
            w.do("party.add", {"contact": contact, "number": "22334455"})
            w.picks_up(w.dials()[0].call)
            w.do("contact.leave", {"contact": contact})
        else:
            w.do("contact.transfer_out", {"contact": contact, "number": "22334455"})
        after = after_restart(w)
        resume(after, {CALLER: CITIZEN})
        live = {view.contact: view.state for view in after.house.ctx.core.contacts()}
        assert live.get(contact) is after_all


def test_a_referral_is_waited_for_again() -> None:
    w = world()
    w.sit()
    w.event(IncomingCall(CALLER, "refers", "113", CallerIdentity("1"), OFFER))
    contact = next(iter(w.house.calls.lines))
    w.answer(contact)
    w.do("contact.refer", {"contact": contact, "number": "22334455"})
    after = after_restart(w)
    resume(after, {CALLER: CITIZEN})
    assert f"refer/{contact}" in [o.key for o in after.outputs if isinstance(o, SetTimer)]


def test_a_call_of_ours_that_nobody_knows_is_hung_up() -> None:
    w = dialling()
    view = ours(w, "pending")
    after = after_restart(world())
    resume(after, {view.call: view})
    assert ("hangup", view.call) in after.sip()


def test_a_peer_whose_hold_ended_in_the_moment_of_the_kill_is_told_so() -> None:
    """Noted, and not said: the next operator would not hear it."""
    w = world()
    w.sit()
    told = IncomingCall(CALLER, "told", "113", CallerIdentity("1"), OFFER)
    w.event(told)
    (contact,) = w.house.calls.lines
    w.answer(contact)
    w.do("contact.hold", {"contact": contact, "on": True})
    held = w.house.calls.lines[contact].answer_sdp
    still = after_restart(w)
    resume(still, {CALLER: CallView(CALLER, "confirmed", told, held)})
    assert "reoffer" not in {action for action, _ in still.sip()}
    w.do("contact.hold", {"contact": contact, "on": False})
    after = after_restart(w)
    resume(after, {CALLER: CallView(CALLER, "confirmed", told, held)})
    (order,) = [o for o in after.outputs if isinstance(o, ToSip) and o.action == "reoffer"]
    assert "a=sendrecv" in order.sdp
