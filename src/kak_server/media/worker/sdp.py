"""Offers as we can take them: which m-lines each role has, and without what aiortc would stumble over."""

from typing import Literal

from aiortc.sdp import SessionDescription

from kak_server.media.rpc import WebrtcRole

OFFER_CHARS_MAX = 100_000
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class BadSdpError(ValueError):
    """The offer is no SDP, or not one of this role."""


def clean(offer: str) -> str:
    """The offer without candidates that cannot be used.

    mDNS names (`.local`) would be looked up by multicast; the browser's own checks give us its address as
    peer-reflexive instead (RFC 8445 section 7.3.1.3), so the list of candidates must not count as complete either.
    """
    kept = []
    for line in offer.splitlines():
        if line.startswith("a=end-of-candidates"):
            continue
        if line.startswith("a=candidate:"):
            parts = line.split()
            if len(parts) < 8 or parts[2].lower() != "udp" or parts[4].endswith(".local"):
                continue
        kept.append(line)
    return "\r\n".join(kept) + "\r\n"


def media_kinds(offer: str) -> list[tuple[str, str]]:
    """(kind, direction) of each m-line. Raises BadSdpError if it is no SDP, or not bundled on one transport."""
    if len(offer) > OFFER_CHARS_MAX:
        raise BadSdpError(f"longer than {OFFER_CHARS_MAX} characters")
    try:
        description = SessionDescription.parse(offer)
    except (AssertionError, AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as problem:
        raise BadSdpError(f"no SDP: {type(problem).__name__} {problem}") from problem
    if not description.media:
        raise BadSdpError("no m-line")
    bundled = {str(mid) for group in description.group if group.semantic == "BUNDLE" for mid in group.items}
    if not all(media.rtp.muxId and media.rtp.muxId in bundled for media in description.media):
        raise BadSdpError("every m-line must be in one BUNDLE group")
    return [(media.kind, media.direction or "sendrecv") for media in description.media]


def plan(role: WebrtcRole, kinds: list[tuple[str, str]]) -> list[Direction]:
    """Our direction for each m-line. Raises BadSdpError if the offer is not one of this role."""
    names = [kind for kind, _ in kinds]
    if role == "operator":
        if names not in (["audio"], ["audio", "audio"]):
            raise BadSdpError(f"an operator's offer has one or two audio m-lines, this one {names}")
        return ["sendrecv", "sendonly"][: len(names)]  # type: ignore[return-value]
    if names.count("video") != 1 or not set(names) <= {"audio", "video"}:
        raise BadSdpError(f"a {role}'s offer has one video m-line and no data channel, this one {names}")
    ours: Direction = "recvonly" if role == "citizen" else "sendonly"
    return [ours if kind == "video" else "inactive" for kind in names]
