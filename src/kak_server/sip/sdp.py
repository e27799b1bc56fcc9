"""Offer and answer for one audio stream, plain or SRTP (RFC 3264, RFC 4568, RFC 8643, RFC 5761).

Every m= line of an offer is answered, those we cannot serve with port 0. `Negotiated` is what the media plan needs to
know; the text is what goes on the wire. Codecs are read in `sdp_codecs`, keys in `sdp_crypto`, text in `sdp_text`.
"""

import re

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp_answer import PLAIN_PROTOCOLS, SECURE_PROTOCOLS, Ours, answer_to, head
from kak_server.sip.sdp_codecs import CODECS, Codec, choose, codecs_of, first_of, our_formats
from kak_server.sip.sdp_crypto import OFFERED, Crypto, SrtpKeys, cryptos_of, our_key
from kak_server.sip.sdp_outcome import PLAIN, PTIME_MS, outcome
from kak_server.sip.sdp_outcome import MediaPolicy as MediaPolicy
from kak_server.sip.sdp_outcome import Negotiated as Negotiated
from kak_server.sip.sdp_text import Attribute, Direction, Media, Session, format_session, parse_session
from kak_server.sip.sdp_usual import answer_usual


def negotiate(
    offer_sdp: str | None,
    host: str,
    port: int,
    session_id: int,
    *,
    version: int = 1,
    keep: Codec | None = None,
    policy: MediaPolicy = PLAIN,
    secret: int = 0,
    direction: Direction = "sendrecv",
) -> Negotiated:
    """Answer an offer with our audio at host:port; None makes an offer of ours (see `offer`).

    `keep` holds on to a codec already in use where the offer still has it. `secret` is `sdp_crypto.SECRET_BITS` of
    entropy where `policy` allows SRTP. `direction` is what we want, "sendonly" to hold. Raises SdpError: answer 488.
    """
    if offer_sdp is None:
        return offer(host, port, session_id, version=version, policy=policy, secret=secret, direction=direction)
    ours = Ours(host, port, session_id, version, direction, secret)
    usual = answer_usual(offer_sdp, ours, policy) if keep is None else None
    return usual or answer_to(parse_session(offer_sdp), ours, policy, keep)


def offer(
    host: str,
    port: int,
    session_id: int,
    *,
    version: int = 1,
    policy: MediaPolicy = PLAIN,
    secret: int = 0,
    direction: Direction = "sendrecv",
) -> Negotiated:
    """An offer of ours, for an outgoing call or a late offer. What comes of it `parse_answer` tells; until then the
    codec is our first and SRTP is off."""
    formats, attributes = our_formats(policy.codecs)
    keys: list[Attribute] = []
    if policy.srtp != "off":
        keys = [("crypto", Crypto(n, suite, our_key(suite, secret)).value()) for n, suite in enumerate(OFFERED, 1)]
    protocol = "RTP/SAVP" if policy.srtp == "required" else "RTP/AVP"
    attributes = [*attributes, *keys, ("rtcp-mux", ""), ("ptime", str(PTIME_MS)), (direction, "")]
    media = Media("audio", port, protocol, formats, attributes=attributes)
    first = choose(media, policy.codecs)
    if first is None:
        raise ValueError("a policy without codecs")
    session = head(host, session_id, version)
    session.media.append(media)
    text = format_session(session)
    digits, clock = first.dtmf_payload_type, first.dtmf_clock_hz
    pending = policy.srtp != "off"
    return Negotiated(
        text, first.codec, first.payload_type, digits, "", 0, PTIME_MS, "sendrecv", clock, srtp_pending=pending
    )


def over_ipv6(offer_sdp: str) -> bool:
    """Whether an offer asks for its media over IPv6 alone: our answer must be of that family (RFC 8866 5.7)."""
    return "c=IN IP6 " in offer_sdp and "c=IN IP4 " not in offer_sdp


def renegotiate(
    offer_sdp: str,
    local_sdp: str,
    *,
    keep: Codec | None = None,
    secret: int = 0,
    direction: Direction = "sendrecv",
) -> Negotiated:
    """Answer an offer inside a dialog with the session we have: same o= with the next version, same address and
    protection, the codec in use if the offer still has it (RFC 3264 section 8).

    `keep` is the codec in use where `local_sdp`, an offer of ours, has several. A secured session stays so and a plain
    one too; the peer may bring a new key, or another suite, whose key of ours is made of `secret` or of the old one.
    Raises SdpError: answer 488, the session stays as it was.
    """
    local = parse_session(local_sdp)
    audio = _our_audio(local)
    used = codecs_of(audio)
    if not used:
        raise SdpError("our own session has no codec")
    keys = {one.suite: one.key for one in cryptos_of(audio)}
    policy = MediaPolicy("required" if keys else "off", tuple(dict.fromkeys((*used, *CODECS))))
    version = int(local.origin[2]) + 1
    ours = Ours(local.host_of(audio), audio.port, int(local.origin[1]), version, direction, secret, keys)
    return answer_to(parse_session(offer_sdp), ours, policy, keep)


def reoffer(local_sdp: str, direction: Direction = "sendrecv") -> str:
    """Our session as an offer, for a re-INVITE: next version, the direction we want, the keys we have."""
    text = re.sub(
        r"(?m)^(o=\S+ \S+ )(\d+)", lambda match: f"{match.group(1)}{int(match.group(2)) + 1}", local_sdp, count=1
    )
    return re.sub(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)(?=\r?$)", f"a={direction}", text)


def parse_answer(local_sdp: str, answer_sdp: str) -> Negotiated:
    """The answer to an offer of ours. Raises SdpError when it accepts nothing we offered, or not as we offered it."""
    local, answer = parse_session(local_sdp), parse_session(answer_sdp)
    audio = _our_audio(local)
    index = local.media.index(audio)
    if index >= len(answer.media):
        raise SdpError("the answer has fewer m= lines than the offer")  # RFC 3264 section 6
    media = answer.media[index]
    if media.kind != "audio" or not media.port or media.protocol != audio.protocol:
        raise SdpError("the answer refuses our audio")
    chosen = first_of(media, codecs_of(audio))
    if chosen is None:
        raise SdpError("the answer accepts none of our codecs")
    keys = _keys(audio, media)
    if keys is None and audio.protocol in SECURE_PROTOCOLS:
        raise SdpError("the answer has no key we could use")
    return outcome(local_sdp, chosen, answer, media, keys, audio.has("rtcp-mux") and media.has("rtcp-mux"))


def agreed(peer_sdp: str, our_sdp: str) -> Negotiated:
    """What the peer's description and ours came to, whichever of them was the offer. Raises SdpError when they do not
    belong together."""
    theirs, ours = parse_session(peer_sdp), parse_session(our_sdp)
    audio = _our_audio(ours)
    index = ours.media.index(audio)
    if index >= len(theirs.media):
        raise SdpError("their description has fewer m= lines than ours")
    media = theirs.media[index]
    chosen = first_of(media, codecs_of(audio))
    if chosen is None or media.kind != "audio" or not media.port or media.protocol != audio.protocol:
        raise SdpError("the descriptions do not fit each other")
    mux = audio.has("rtcp-mux") and media.has("rtcp-mux")
    return outcome(our_sdp, chosen, theirs, media, _keys(audio, media), mux)


def _our_audio(local: Session) -> Media:
    for media in local.media:
        if media.kind == "audio" and media.port and media.protocol in (*PLAIN_PROTOCOLS, *SECURE_PROTOCOLS):
            return media
    raise SdpError("our own session has no audio")


def _keys(ours: Media, theirs: Media) -> SrtpKeys | None:
    """RFC 4568 5.1.3: the line both sides have with the same tag and suite; None: plain RTP."""
    mine = {(one.tag, one.suite): one for one in cryptos_of(ours)}
    for peer in cryptos_of(theirs):
        own = mine.get((peer.tag, peer.suite))
        if own is not None:
            return SrtpKeys(own.suite, own.key, peer.key, peer.mki_bytes)
    return None
