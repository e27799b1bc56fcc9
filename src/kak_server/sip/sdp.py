"""Offer and answer for one G.711 audio stream with telephone-event (RFC 3264, RFC 4733).

PCMA before PCMU; every m= line of an offer is answered, those we cannot serve with port 0. `Negotiated` is what the
media plan needs to know; the text is what goes on the wire.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp_text import Direction, Media, Session, parse_session
from kak_server.sip.uri import is_ip

Codec = Literal["PCMA", "PCMU"]

_CODECS: tuple[Codec, ...] = ("PCMA", "PCMU")  # in our order of preference
_STATIC = {"8": ("PCMA", 8000), "0": ("PCMU", 8000)}  # RFC 3551: no rtpmap needed
_OUR_TYPES: dict[Codec, int] = {"PCMA": 8, "PCMU": 0}
_OUR_DTMF = 101
_PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
_PTIME_MS = 20
_MIRROR: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The outcome. `answer_sdp` is the text we send (for a late offer: our offer)."""

    answer_sdp: str
    codec: Codec
    payload_type: int
    dtmf_payload_type: int | None
    peer_host: str  # "" when not known yet, or a name: learn it from the first packet
    peer_port: int
    ptime_ms: int  # packet length the peer asked for
    peer_direction: Direction  # as the peer sees it: "sendonly" means it sends and does not listen (hold)


def negotiate(
    offer_sdp: str | None, host: str, port: int, session_id: int, *, version: int = 1, keep: Codec | None = None
) -> Negotiated:
    """Answer an offer with our audio at host:port; None makes an offer of ours.

    `keep` holds on to a codec already in use where the offer still has it. Raises SdpError: answer 488.
    """
    if offer_sdp is None:
        return _offer(host, port, session_id, version)
    offer = parse_session(offer_sdp)
    order = (keep, *_CODECS) if keep else _CODECS
    for index, media in enumerate(offer.media):
        if media.kind != "audio" or media.protocol not in _PROTOCOLS or not media.port:
            continue
        chosen = _choose(media, order)
        if chosen is not None:
            codec, payload_type = chosen
            dtmf = _dtmf(media)
            answer = _answer(offer, index, (codec, payload_type, dtmf), (host, port), (session_id, version))
            return _outcome(answer, codec, payload_type, dtmf, offer, media)
    raise SdpError("no audio stream with PCMA or PCMU over RTP/AVP")


def over_ipv6(offer_sdp: str) -> bool:
    """Whether an offer asks for its media over IPv6 alone: our answer must be of that family (RFC 4566 5.7)."""
    return "c=IN IP6 " in offer_sdp and "c=IN IP4 " not in offer_sdp


def renegotiate(offer_sdp: str, local_sdp: str) -> Negotiated:
    """Answer an offer inside a dialog with the session we have: same o= with the next version, same address and
    codec (RFC 3264 section 8). Raises SdpError: answer 488, the session stays as it was."""
    local = parse_session(local_sdp)
    audio = _our_audio(local)
    codec = _choose(audio, _CODECS)
    if codec is None:
        raise SdpError("our own session has no codec")
    answered = negotiate(
        offer_sdp,
        local.host_of(audio),
        audio.port,
        int(local.origin[1]),
        version=int(local.origin[2]) + 1,
        keep=codec[0],
    )
    if answered.codec != codec[0]:
        raise SdpError(f"the session in use is {codec[0]}")
    return answered


def reoffer(local_sdp: str) -> str:
    """Our session as an offer, for a re-INVITE that came without one: next version, both directions open."""
    text = re.sub(
        r"(?m)^(o=\S+ \S+ )(\d+)", lambda match: f"{match.group(1)}{int(match.group(2)) + 1}", local_sdp, count=1
    )
    return re.sub(r"(?m)^a=(sendonly|recvonly|inactive)(?=\r?$)", "a=sendrecv", text)


def parse_answer(local_sdp: str, answer_sdp: str) -> Negotiated:
    """The answer to an offer of ours. Raises SdpError when it accepts nothing we offered."""
    local, answer = parse_session(local_sdp), parse_session(answer_sdp)
    audio = _our_audio(local)
    index = local.media.index(audio)
    if index >= len(answer.media):
        raise SdpError("the answer has fewer m= lines than the offer")  # RFC 3264 section 6
    media = answer.media[index]
    if media.kind != "audio" or not media.port or media.protocol != audio.protocol:
        raise SdpError("the answer refuses our audio")
    ours = {codec: payload_type for codec in _CODECS if (payload_type := _type_of(audio, codec)) is not None}
    for text in media.formats:  # the answerer's order is its preference
        name = _name_of(media, text)
        for codec, payload_type in ours.items():
            if name == (codec, 8000):
                return _outcome(local_sdp, codec, payload_type, _dtmf(media), answer, media)
    raise SdpError("the answer accepts none of our codecs")


def _our_audio(local: Session) -> Media:
    for media in local.media:
        if media.kind == "audio" and media.port:
            return media
    raise SdpError("our own session has no audio")


def _outcome(
    text: str, codec: Codec, payload_type: int, dtmf: int | None, session: Session, media: Media
) -> Negotiated:
    host = session.host_of(media)
    if not host:
        raise SdpError("no c= line for the audio")
    direction = session.direction_of(media)
    if is_ip(host) and ipaddress.ip_address(host).is_unspecified:
        # RFC 3264 8.4: 0.0.0.0 is the old way to hold: the peer does not listen
        direction = "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"
    return Negotiated(
        answer_sdp=text,
        codec=codec,
        payload_type=payload_type,
        dtmf_payload_type=dtmf,
        peer_host=host if is_ip(host) else "",
        peer_port=media.port,
        ptime_ms=media.ptime_ms if 10 <= media.ptime_ms <= 60 else _PTIME_MS,
        peer_direction=direction,
    )


def _name_of(media: Media, text: str) -> tuple[str, int] | None:
    """What a format of the m= line means; None for one we do not understand."""
    if not (text.isascii() and text.isdigit()) or len(text) > 3:
        return None
    return media.codecs.get(int(text)) or _STATIC.get(text)


def _type_of(media: Media, codec: str) -> int | None:
    for text in media.formats:
        if _name_of(media, text) == (codec, 8000):
            return int(text)
    return None


def _choose(media: Media, order: tuple[Codec, ...]) -> tuple[Codec, int] | None:
    for codec in order:
        payload_type = _type_of(media, codec)
        if payload_type is not None:
            return codec, payload_type
    return None


def _dtmf(media: Media) -> int | None:
    return _type_of(media, "TELEPHONE-EVENT")


def _answer(
    offer: Session,
    chosen_index: int,
    audio: tuple[Codec, int, int | None],
    address: tuple[str, int],
    origin: tuple[int, int],
) -> str:
    """The answer: as many m= lines as the offer, in its order (RFC 3264 section 6)."""
    codec, payload_type, dtmf = audio
    lines = _head(address[0], origin, offer.timing)
    for index, media in enumerate(offer.media):
        if index != chosen_index:
            lines.append(f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}")
            continue
        offered = offer.direction_of(media)
        host = offer.host_of(media)
        if is_ip(host) and ipaddress.ip_address(host).is_unspecified:
            offered = "sendonly" if offered in ("sendrecv", "sendonly") else "inactive"
        lines += _audio_lines([(codec, payload_type)], dtmf, address[1], media.protocol, _MIRROR[offered])
    return "\r\n".join(lines) + "\r\n"


def _offer(host: str, port: int, session_id: int, version: int) -> Negotiated:
    codecs = [(codec, _OUR_TYPES[codec]) for codec in _CODECS]
    lines = _head(host, (session_id, version), "0 0")
    lines += _audio_lines(codecs, _OUR_DTMF, port, "RTP/AVP", "sendrecv")
    text = "\r\n".join(lines) + "\r\n"
    return Negotiated(text, "PCMA", _OUR_TYPES["PCMA"], _OUR_DTMF, "", 0, _PTIME_MS, "sendrecv")


def _head(host: str, origin: tuple[int, int], timing: str) -> list[str]:
    family = "IP6" if ":" in host else "IP4"
    return [
        "v=0",
        f"o=- {origin[0]} {origin[1]} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        f"t={timing}",
    ]


def _audio_lines(
    codecs: list[tuple[Codec, int]], dtmf: int | None, port: int, protocol: str, direction: Direction
) -> list[str]:
    types = [payload_type for _, payload_type in codecs] + ([dtmf] if dtmf is not None else [])
    lines = [f"m=audio {port} {protocol} {' '.join(map(str, types))}"]
    lines += [f"a=rtpmap:{payload_type} {codec}/8000" for codec, payload_type in codecs]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/8000", f"a=fmtp:{dtmf} 0-16"]
    return [*lines, f"a=ptime:{_PTIME_MS}", f"a={direction}"]
