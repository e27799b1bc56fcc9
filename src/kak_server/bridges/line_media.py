"""From what a negotiation came to, to the media leg that does it: codec, numbers, keys."""

import base64
from dataclasses import replace

from kak_server.bridges.context import Context
from kak_server.media import rpc
from kak_server.sip import api as sip
from kak_server.sip.sdp import MediaPolicy, Negotiated, agreed, renegotiate
from kak_server.sip.sdp_crypto import SECRET_BITS
from kak_server.sip.sdp_outcome import PLAIN, Protection

DEVICES = MediaPolicy("optional")  # phones of ours: as they offer
_STRICTNESS: tuple[Protection, ...] = ("off", "optional", "required")


def policy_in(ctx: Context, event: sip.IncomingCall) -> MediaPolicy:
    """What the media of a call in may be."""
    return DEVICES if event.device else ctx.settings.trunk_media.get(event.trunk, PLAIN)


def policy_out(ctx: Context, trunks: tuple[str, ...]) -> MediaPolicy:
    """What a call out offers: one offer goes to all its trunks, so the strictest protection of them, and the codecs of
    the first."""
    policies = [ctx.settings.trunk_media.get(trunk, PLAIN) for trunk in trunks] or [PLAIN]
    strictest = max((policy.srtp for policy in policies), key=_STRICTNESS.index)
    return replace(policies[0], srtp=strictest)


def secret_for(ctx: Context, policy: MediaPolicy) -> int:
    """Entropy for our keys, where the policy may need them."""
    return ctx.ids.bits(SECRET_BITS) if policy.srtp != "off" else 0


def with_session(leg: rpc.CreateRtp, media: Negotiated) -> rpc.CreateRtp:
    """The leg with what was agreed but for the peer's address."""
    return replace(
        leg,
        codec=media.codec,
        payload_type=media.payload_type,
        dtmf_payload_type=media.dtmf_payload_type,
        dtmf_clock_hz=media.dtmf_clock_hz,
        srtp=_keys(media),
        rtcp_mux=media.rtcp_mux,
    )


def _keys(media: Negotiated) -> rpc.SrtpKeys | None:
    if media.srtp is None:
        return rpc.SrtpKeys() if media.srtp_pending else None
    ours, theirs = (base64.b64encode(key).decode() for key in (media.srtp.send_key, media.srtp.receive_key))
    return rpc.SrtpKeys(media.srtp.suite, ours, theirs, media.srtp.receive_mki_bytes)


def described(event: sip.CallMediaChanged, ours: str) -> Negotiated:
    """What the peer's new description and ours in this dialog come to. Raises SdpError."""
    if not event.answer_sdp:
        return renegotiate(event.offer_sdp, ours)  # an event of a time before it carried ours
    return agreed(event.offer_sdp, event.answer_sdp)
