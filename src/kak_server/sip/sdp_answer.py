"""Our answer to an offer: which line, which codec, which key, which direction (RFC 3264 section 6, RFC 4568 5.1.2)."""

from collections.abc import Iterator, Mapping
from dataclasses import field

from kak_server.model.light import frozen
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp_codecs import Chosen, Codec, answered_formats, choose
from kak_server.sip.sdp_crypto import Crypto, SrtpKeys, Suite, chosen_crypto, derived_key, our_key
from kak_server.sip.sdp_outcome import PTIME_MS, MediaPolicy, Negotiated, outcome, peer_direction
from kak_server.sip.sdp_text import Direction, Media, Session, family_of, format_session

PLAIN_PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
SECURE_PROTOCOLS = ("RTP/SAVP", "RTP/SAVPF")
_MIRROR: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


@frozen
class Ours:
    """Our side of one answer. `keys` are those we have in this dialog already, by suite."""

    host: str
    port: int
    session_id: int
    version: int
    direction: Direction = "sendrecv"
    secret: int = field(default=0, repr=False)
    keys: Mapping[Suite, bytes] = field(default_factory=dict, repr=False)


def answer_to(offered: Session, ours: Ours, policy: MediaPolicy, keep: Codec | None) -> Negotiated:
    """The answer. Raises SdpError when the offer has nothing the policy allows."""
    order = (keep, *policy.codecs) if keep else policy.codecs
    for index, crypto in _candidates(offered, policy, next(iter(ours.keys), None)):
        media = offered.media[index]
        chosen = choose(media, order)
        if chosen is None:
            continue
        keys, own = None, None
        if crypto is not None:
            own = Crypto(crypto.tag, crypto.suite, _key(ours, crypto.suite))
            keys = SrtpKeys(crypto.suite, own.key, crypto.key, crypto.mki_bytes)
        text = _text(offered, index, ours, chosen, own)
        return outcome(text, chosen, offered, media, keys, media.has("rtcp-mux"))
    wanted = "SRTP with a key we can use" if policy.srtp == "required" else "RTP/AVP"
    raise SdpError(f"no audio stream with {', '.join(policy.codecs)} over {wanted}")


def _candidates(offered: Session, policy: MediaPolicy, keep: Suite | None) -> Iterator[tuple[int, Crypto | None]]:
    """The audio lines we may answer by the policy, secured ones first, each with the peer's key to use."""
    plain: list[int] = []
    for index, media in enumerate(offered.media):
        if media.kind != "audio" or not media.port or media.protocol not in (*SECURE_PROTOCOLS, *PLAIN_PROTOCOLS):
            continue
        # RFC 8643: keys beside plain RTP/AVP offer SRTP to whoever understands them
        crypto = chosen_crypto(media, keep) if policy.srtp != "off" else None
        if crypto is not None:
            yield index, crypto
        elif media.protocol in PLAIN_PROTOCOLS:
            plain.append(index)
    if policy.srtp != "required":
        yield from ((index, None) for index in plain)


def _key(ours: Ours, suite: Suite) -> bytes:
    """Our key stays while the suite does: only the peer's changes when it brings a new one (RFC 4568 7.1.4). Another
    suite gets one made of it, where no entropy is at hand: whoever may hear us knows the old one anyway."""
    if suite in ours.keys:
        return ours.keys[suite]
    if ours.keys and not ours.secret:
        return derived_key(suite, next(iter(ours.keys.values())))
    return our_key(suite, ours.secret)


def _allowed(offered: Direction, wanted: Direction) -> Direction:
    """RFC 3264 6.1: what we want, as far as the offer leaves room for it."""
    mirrored = _MIRROR[offered]
    sends = mirrored in ("sendrecv", "sendonly") and wanted in ("sendrecv", "sendonly")
    hears = mirrored in ("sendrecv", "recvonly") and wanted in ("sendrecv", "recvonly")
    if sends:
        return "sendrecv" if hears else "sendonly"
    return "recvonly" if hears else "inactive"


def _text(offered: Session, chosen_index: int, ours: Ours, chosen: Chosen, own: Crypto | None) -> str:
    """As many m= lines as the offer, in its order (RFC 3264 section 6)."""
    session = head(ours.host, ours.session_id, ours.version, offered.timing)
    for index, media in enumerate(offered.media):
        if index != chosen_index:
            session.media.append(Media(media.kind, 0, media.protocol, media.formats))
            continue
        formats, attributes = answered_formats(chosen)
        if own is not None:
            attributes.append(("crypto", own.value()))
        if media.has("rtcp-mux"):
            attributes.append(("rtcp-mux", ""))
        direction = _allowed(peer_direction(offered, media), ours.direction)
        attributes += [("ptime", str(PTIME_MS)), (direction, "")]
        session.media.append(Media("audio", ours.port, media.protocol, formats, attributes=attributes))
    return format_session(session)


def head(host: str, session_id: int, version: int, timing: str = "0 0") -> Session:
    """A description of ours without media."""
    origin = ["-", str(session_id), str(version), "IN", family_of(host), host]
    return Session(origin, host=host, more=[("t", timing)])
