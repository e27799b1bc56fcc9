"""What a negotiation comes to: the policy it follows, and the outcome as the media plan needs it."""

import re
from dataclasses import field
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp_codecs import CODECS, Chosen, Codec, DtmfClock
from kak_server.sip.sdp_crypto import SrtpKeys
from kak_server.sip.sdp_text import Direction, Media, Session
from kak_server.sip.uri import is_ip, is_unspecified

Protection = Literal["off", "optional", "required"]

PTIME_MS = 20  # of what we send; a shorter maxptime of the peer is not kept


@frozen
class MediaPolicy:
    """What a trunk's media may be. `srtp` optional: what is offered, SRTP first; our own offers are plain with keys
    beside them (RFC 8643), so that a peer without SRTP takes them too. `codecs` in order of preference."""

    srtp: Protection = "off"
    codecs: tuple[Codec, ...] = CODECS


PLAIN = MediaPolicy()


@frozen
class Negotiated:
    """The outcome. `answer_sdp` is the text we send (for a late offer: our offer)."""

    answer_sdp: str = field(repr=False)  # may hold our key
    codec: Codec
    payload_type: int
    dtmf_payload_type: int | None
    peer_host: str  # "" when not known yet, or a name: learn it from the first packet
    peer_port: int
    ptime_ms: int  # packet length the peer asked for
    peer_direction: Direction  # as the peer sees it: "sendonly" means it sends and does not listen (hold)
    dtmf_clock_hz: DtmfClock = 8000
    srtp: SrtpKeys | None = None  # None: plain RTP
    srtp_pending: bool = False  # an offer of ours with keys: until its answer nobody knows whether and which
    rtcp_mux: bool = False  # RTCP on the RTP port (RFC 5761)
    peer_rtcp_port: int = 0  # without rtcp_mux: where the peer takes RTCP (RFC 3605), 0 when not known yet


def outcome(
    text: str, chosen: Chosen, session: Session, media: Media, keys: SrtpKeys | None, rtcp_mux: bool
) -> Negotiated:
    """The outcome of `text` (ours) and the peer's `media` in its `session`. Raises SdpError: no address for it."""
    host = session.host_of(media)
    if not host:
        raise SdpError("no c= line for the audio")
    ptime_ms = media.milliseconds("ptime")
    longest_ms = min(60, media.milliseconds("maxptime") or 60)
    return Negotiated(
        answer_sdp=text,
        codec=chosen.codec,
        payload_type=chosen.payload_type,
        dtmf_payload_type=chosen.dtmf_payload_type,
        peer_host=host if is_ip(host) else "",
        peer_port=media.port,
        ptime_ms=ptime_ms if 10 <= ptime_ms <= longest_ms else PTIME_MS,
        peer_direction=peer_direction(session, media),
        dtmf_clock_hz=chosen.dtmf_clock_hz,
        srtp=keys,
        rtcp_mux=rtcp_mux,
        peer_rtcp_port=0 if rtcp_mux else _rtcp_port(media),
    )


def _rtcp_port(media: Media) -> int:
    """RFC 3605: a=rtcp names the port; else it is the next one."""
    named = next((value.split(" ", 1)[0] for value in media.values("rtcp")), "")
    if named and re.fullmatch(r"[0-9]{1,5}", named) and 0 < int(named) < 65_536:
        return int(named)
    return (media.port + 1) % 65_536


def peer_direction(session: Session, media: Media) -> Direction:
    """The direction as the peer sees it."""
    direction = session.direction_of(media)
    host = session.host_of(media)
    if is_unspecified(host):
        # RFC 3264 8.4: 0.0.0.0 is the old way to hold: the peer does not listen
        return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"
    return direction
