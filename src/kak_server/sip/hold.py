"""Hold: which way audio flows after an offer and its answer (RFC 3264 sections 5.1, 6.1 and 8.4).

A direction is seen from the side whose description it stands in. What our side *wants* and what the peer allows are
kept apart: an answer of ours is "recvonly" because the peer holds us, or because we hold ... and only one of the two
ends when the peer resumes.
"""

from typing import Literal

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp_outcome import peer_direction
from kak_server.sip.sdp_text import Direction, parse_session

HeldBy = Literal["nobody", "peer", "us", "both"]

_DIRECTIONS: dict[tuple[bool, bool], Direction] = {
    (True, True): "sendrecv",
    (True, False): "sendonly",
    (False, True): "recvonly",
    (False, False): "inactive",
}
_ATTRIBUTES: dict[str, Direction] = {f"a={direction}": direction for direction in _DIRECTIONS.values()}


def sends(direction: Direction) -> bool:
    """Whether the side in whose description it stands sends."""
    return direction in ("sendrecv", "sendonly")


def receives(direction: Direction) -> bool:
    """Whether the side in whose description it stands listens."""
    return direction in ("sendrecv", "recvonly")


def mirrored(direction: Direction) -> Direction:
    """The same flow seen from the other side."""
    return _DIRECTIONS[receives(direction), sends(direction)]


def within(direction: Direction, limit: Direction) -> Direction:
    """As much of `direction` as `limit` leaves."""
    return _DIRECTIONS[sends(direction) and sends(limit), receives(direction) and receives(limit)]


def held_by(ours: Direction, peers: Direction) -> HeldBy:
    """Who does not listen: that side holds the other (8.4). `ours` is what we want, `peers` what the peer said."""
    us, peer = not receives(ours), not receives(peers)
    if us and peer:
        return "both"
    return "us" if us else "peer" if peer else "nobody"


def direction_of(sdp: str) -> Direction:
    """Which way the first open audio stream of a description of ours flows."""
    if "a=sendonly" not in sdp and "a=recvonly" not in sdp and "a=inactive" not in sdp:
        return "sendrecv"
    session: Direction = "sendrecv"
    section = ""  # of the m= line we are under
    for line in sdp.splitlines():
        if line.startswith("m="):
            if section == "audio":
                break  # it said nothing of its own
            section = "audio" if _is_open_audio(line) else "other"
        elif line in _ATTRIBUTES:
            if section == "audio":
                return _ATTRIBUTES[line]
            if not section:
                session = _ATTRIBUTES[line]
    return session


def wanted_in(answer_sdp: str, offer_sdp: str | None) -> Direction:
    """What our side wants, by a description of ours that answered an offer (None: it is an offer itself). What the
    peer's own direction forbids says nothing of what we want."""
    ours = direction_of(answer_sdp)
    if offer_sdp is None or ours == "sendrecv":
        return ours
    allowed = mirrored(_offered(offer_sdp))
    return _DIRECTIONS[sends(ours) or not sends(allowed), receives(ours) or not receives(allowed)]


def _offered(offer_sdp: str) -> Direction:
    """The direction of a peer's offer; 8.4: the address 0.0.0.0 is the old way to say that it does not listen."""
    try:
        session = parse_session(offer_sdp)
    except SdpError:
        return "inactive"  # nothing can be concluded from what nobody can read
    audio = next((media for media in session.media if media.kind == "audio" and media.port), None)
    return peer_direction(session, audio) if audio is not None else "sendrecv"


def _is_open_audio(line: str) -> bool:
    words = line[2:].split()
    return len(words) > 1 and words[0].lower() == "audio" and words[1].partition("/")[0] != "0"
