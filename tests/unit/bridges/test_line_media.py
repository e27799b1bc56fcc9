"""SRTP, codecs and numbers from a negotiation into the line's leg, and how far keys may go."""

import base64
from dataclasses import replace

import pytest

from kak_server.bridges.line_media import policy_in, policy_out
from kak_server.bridges.outputs import ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId
from kak_server.sip.api import CallConfirmed, CallerIdentity, CallMediaChanged, IncomingCall
from kak_server.sip.api_legs import CallAnswered, CallProgress
from kak_server.sip.sdp import MediaPolicy, negotiate, renegotiate
from kak_server.sip.sdp_crypto import SECRET_BITS
from tests.unit.bridges.world import OFFER, World, world

THEIR_KEY, OTHER_KEY = (base64.b64encode(bytes(range(n, n + 30))).decode() for n in (1, 60))
SECURE = OFFER.replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}\r\n"
REKEYED = SECURE.replace(THEIR_KEY, OTHER_KEY)


def with_policy(**trunks: MediaPolicy) -> World:
    w = world()
    w.house.ctx.settings = replace(w.house.ctx.settings, trunk_media=trunks)
    return w


def leg_of(w: World) -> rpc.CreateRtp:
    (line,) = w.house.calls.lines.values()
    return line.leg


def test_a_protected_call_in_and_its_new_key() -> None:
    w = with_policy(lab=MediaPolicy("required"))
    w.sit()
    w.ring(offer=SECURE)
    leg = leg_of(w)
    assert leg.srtp is not None
    assert (leg.srtp.suite, leg.srtp.receive_key) == ("AES_CM_128_HMAC_SHA1_80", THEIR_KEY)
    (line,) = w.house.calls.lines.values()
    assert f"inline:{leg.srtp.send_key}" in line.answer_sdp
    assert w.commands(rpc.CreateRtp)[-1].srtp == leg.srtp
    answered = renegotiate(REKEYED, line.answer_sdp)
    w.house.sip_event(CallMediaChanged(CallId("call1"), REKEYED, answered.answer_sdp), w.now_ms)
    w.pump()
    modify = w.commands(rpc.ModifyRtp)[-1]
    assert isinstance(modify.srtp, rpc.SrtpKeys)
    assert (modify.srtp.receive_key, modify.srtp.send_key) == (OTHER_KEY, leg.srtp.send_key)
    assert leg_of(w).srtp == modify.srtp  # for a worker started anew
    for secret in (THEIR_KEY, OTHER_KEY, leg.srtp.send_key):
        assert secret not in repr(w.outputs)
        assert secret not in repr(line)


@pytest.mark.parametrize(("offer", "srtp"), [(OFFER, "required"), (SECURE, "off")])
def test_what_the_policy_forbids_is_488(offer: str, srtp: str) -> None:
    w = with_policy(lab=MediaPolicy(srtp))  # type: ignore[arg-type]
    w.ring(offer=offer)
    (refusal,) = [out for out in w.outputs if isinstance(out, ToSip)]
    assert (refusal.action, refusal.status) == ("reject", 488)
    assert w.house.ctx.ports.in_use == 0


def test_a_late_offer_waits_for_its_key() -> None:
    w = with_policy(lab=MediaPolicy("optional"))
    w.sit()
    w.ring(offer=None)
    leg = leg_of(w)
    assert leg.srtp == rpc.SrtpKeys()
    (line,) = w.house.calls.lines.values()
    answer = negotiate(
        line.answer_sdp, "127.0.0.1", 40_000, 1, policy=MediaPolicy("optional"), secret=(1 << SECRET_BITS) - 1
    )
    w.house.sip_event(CallConfirmed(CallId("call1"), answer.answer_sdp), w.now_ms)
    w.pump()
    modify = w.commands(rpc.ModifyRtp)[-1]
    assert isinstance(modify.srtp, rpc.SrtpKeys)
    assert modify.srtp.suite == "AES_CM_128_HMAC_SHA1_80"

    plain = with_policy(lab=MediaPolicy("optional"))
    plain.sit()
    plain.ring(offer=None)
    plain.house.sip_event(CallConfirmed(CallId("call1"), OFFER), plain.now_ms)
    plain.pump()
    assert plain.commands(rpc.ModifyRtp)[-1].srtp is None
    assert leg_of(plain).srtp is None


def test_opus_and_its_digits_reach_the_leg() -> None:
    w = with_policy(lab=MediaPolicy(codecs=("opus",)))
    offer = OFFER.replace("RTP/AVP 8 101", "RTP/AVP 111 101").replace("telephone-event/8000", "telephone-event/48000")
    w.ring(offer=offer + "a=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\n")
    leg = leg_of(w)
    assert (leg.codec, leg.payload_type, leg.dtmf_payload_type, leg.dtmf_clock_hz, leg.rtcp_mux) == (
        "opus",
        111,
        101,
        48_000,
        True,
    )


def test_policies() -> None:
    required, optional = MediaPolicy("required", ("opus", "PCMA")), MediaPolicy("optional")
    ctx = with_policy(red=required, blue=optional).house.ctx
    assert policy_out(ctx, ("blue", "red")) == MediaPolicy("required", optional.codecs)
    assert policy_out(ctx, ("red",)) == required
    assert policy_out(ctx, ("nobody",)) == policy_out(ctx, ()) == MediaPolicy()
    call = IncomingCall(CallId("c"), "red", "113", CallerIdentity("1"), None)
    assert policy_in(ctx, call) == required
    assert policy_in(ctx, replace(call, device="phone")).srtp == "optional"
    assert policy_in(ctx, replace(call, trunk="green")) == MediaPolicy()


def test_a_call_of_ours_offers_keys_and_takes_the_answers() -> None:
    w = with_policy(out=MediaPolicy("required"), spare=MediaPolicy("required"))
    w.sit()
    assert w.do("contact.dial", {"number": "22334455", "display": ""}).code == ""
    (order,) = w.dials()
    assert "RTP/SAVP" in order.offer_sdp
    assert leg_of(w).srtp == rpc.SrtpKeys()
    peer = negotiate(
        order.offer_sdp, "127.0.0.1", 40_000, 1, policy=MediaPolicy("required"), secret=(1 << SECRET_BITS) - 1
    )
    w.house.sip_event(CallProgress(order.call, 183, peer.answer_sdp, "out"), w.now_ms)
    w.house.sip_event(CallAnswered(order.call, peer.answer_sdp, "out"), w.now_ms)
    w.pump()
    keys = leg_of(w).srtp
    assert keys is not None
    assert f"inline:{keys.send_key}" in order.offer_sdp
    assert f"inline:{keys.receive_key}" in peer.answer_sdp
