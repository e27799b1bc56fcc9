"""What a worker holds, and how it answers: the parts of the RPC that say rather than order."""

from collections.abc import Mapping
from dataclasses import field

from kak_server.model.codec import Json
from kak_server.model.ids import LegId, MixId, RecordingId
from kak_server.model.light import frozen


@frozen
class Edge:
    """`sink` hears `source` with linear `gain`."""

    source: str
    sink: str
    gain: float = 1.0


@frozen
class LegCensus:
    """One leg as the worker has it. kind "rtp", "operator", "citizen" or "viewer"."""

    leg: LegId
    kind: str
    media: str = ""  # webrtc: up/down/new; rtp: learned/waiting
    port: int = 0
    peer_host: str = ""
    peer_port: int = 0
    codec: str = ""  # rtp
    srtp: str = ""  # the suite; never a key
    sends: bool = True  # rtp: by the last leg.modify
    session: str = ""  # rtp: `session_mark` of its codec, numbers and keys
    ssrc: int = 0  # rtp: as ordered, which tells a leg from another of its name and port; 0: a worker does not say


@frozen
class Census:
    """All a worker holds. Zero after load, or something leaks."""

    legs: tuple[LegCensus, ...] = ()
    mixes: Mapping[MixId, tuple[Edge, ...]] = field(default_factory=dict)
    plays: tuple[str, ...] = ()
    recordings: tuple[RecordingId, ...] = ()
    uplinks: tuple[LegId, ...] = ()
    watched: tuple[LegId, ...] = ()
    awaited: tuple[LegId, ...] = ()  # those of `watched` that are watched once
    failed: tuple[RecordingId, ...] = ()  # those of `recordings` of which nothing more is stored
    tells_begun: bool = False  # by its welcome: record.begun is said where it is asked for; of old it was not


@frozen
class Reply:
    """A worker's answer to a command."""

    ok: bool
    result: Mapping[str, Json] = field(default_factory=dict)
    # "unknown_leg", "port_in_use", "bad_sdp", "no_dtmf", "bad_path", "unknown_op", "malformed", "limit", "internal"
    code: str = ""
    message: str = ""
