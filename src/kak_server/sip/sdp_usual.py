"""Offers of the usual kind, which are most of them: one audio line over plain RTP, the peer's address before it.

A peer's offers differ in session, address and port; codecs and attributes are the same in all its calls. What comes of
those is worked out once, by the way every other offer takes, and kept.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp_answer import Ours, answer_to
from kak_server.sip.sdp_codecs import Codec
from kak_server.sip.sdp_outcome import MediaPolicy, Negotiated
from kak_server.sip.sdp_text import Direction, family_of, parse_session
from kak_server.sip.uri import is_ip

_REMEMBERED = 512
_REMEMBERED_CHARS = 1_000
_USUAL = re.compile(
    r"v=0\r\no=(?:\S+ ){5}\S+\r\ns=[^\r\n]*\r\nc=IN IP4 ([1-9][0-9.]{6,14})\r\nt=([0-9]+ [0-9]+)\r\n"
    r"m=audio ([1-9][0-9]{0,4}) (RTP/AVP(?: \S+)+\r\n(?:a=[^\r\n]*\r\n)*)\Z"
)
_SOMEBODY = "192.0.2.1"
_PORT = 9


class _Rest(NamedTuple):
    """What the codecs and attributes of an offer come to: our answer's behind the port, and an outcome to copy."""

    text: str
    outcome: Negotiated


def answer_usual(offer_sdp: str, ours: Ours, policy: MediaPolicy) -> Negotiated | None:
    """As `answer_to`; None for an offer that is not of the usual kind, or comes to nothing."""
    usual = _USUAL.match(offer_sdp)
    if usual is None or policy.srtp == "required":
        return None
    host, timing, port_text, tail = usual.groups()
    port = int(port_text)
    # a=rtcp names an address of its own (RFC 3605), a=crypto wants keys (RFC 8643)
    if port > 65_535 or len(tail) > _REMEMBERED_CHARS or "a=crypto" in tail or "a=rtcp:" in tail or not is_ip(host):
        return None
    rest = _worked_out(tail, policy.codecs, ours.direction)
    if rest is None:
        return None
    outcome, place = rest.outcome, f"IN {family_of(ours.host)} {ours.host}\r\n"
    head = f"v=0\r\no=- {ours.session_id} {ours.version} {place}s=-\r\nc={place}t={timing}\r\n"
    return Negotiated(
        f"{head}m=audio {ours.port} {rest.text}",
        outcome.codec,
        outcome.payload_type,
        outcome.dtmf_payload_type,
        host,
        port,
        outcome.ptime_ms,
        outcome.peer_direction,
        outcome.dtmf_clock_hz,
        rtcp_mux=outcome.rtcp_mux,
        peer_rtcp_port=0 if outcome.rtcp_mux else (port + 1) % 65_536,
    )


@lru_cache(_REMEMBERED)
def _worked_out(tail: str, codecs: tuple[Codec, ...], direction: Direction) -> _Rest | None:
    offered = f"v=0\r\no=- 1 1 IN IP4 {_SOMEBODY}\r\ns=-\r\nc=IN IP4 {_SOMEBODY}\r\nt=0 0\r\nm=audio {_PORT} {tail}"
    try:
        ours = Ours(_SOMEBODY, _PORT, 1, 1, direction)
        outcome = answer_to(parse_session(offered), ours, MediaPolicy("off", codecs), None)
    except SdpError:
        return None  # the long way says what is wrong
    return _Rest(outcome.answer_sdp.partition(f"m=audio {_PORT} ")[2], outcome)
