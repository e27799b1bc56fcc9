"""The contract between control and a media worker: RPC version 1 over a Unix socket.

Framing: one JSON object a line (UTF-8, `\\n`), at most MAX_LINE_BYTES. Control speaks first:

    -> {"t":"attach","version":1,"generation":7,"events_after":41,"boot":"<worker boot id or ''>"}
    <- {"t":"attached","version":1,"boot":"b-..","generation":7,"census":{...},"first_event":42,"lost_events":0,
         "newest_event":44,"tells_begun":true}
    <- {"t":"refused","code":"stale_generation"|"version"|"malformed","message":"..."}      (and the socket closes)

then commands `{"t":"cmd","id":"<idempotency key>","op":"leg.create_rtp","args":{..}}` are answered in order by
`{"t":"res","id":..,"ok":true,"result":{..}}` or `{"t":"res","id":..,"ok":false,"code":..,"message":..}` (a command with
`"quiet":true` only if it is refused), and events
`{"t":"ev","n":42,"at_ms":..,"ev":"leg.learned","args":{..}}` flow from the worker, acknowledged by
`{"t":"ack","n":42}`.

A higher generation takes over from a lower one (the older socket is closed); a lower one is refused, so a control
process that was thought dead can never command legs again. Every command is idempotent: repeating one (same id, or
the same content under a new id) leaves the same state. Events are numbered from 1 since the worker's boot and kept
in a bounded ring until acknowledged; a detached worker keeps going, and what the ring had to drop is counted in
`lost_events`. The census tells what came of all events up to `newest_event` (an older worker leaves it out): those of
them that follow are heard late, and say nothing of what is now. A worker without control and without legs ends after
ORPHAN_EXIT_S.

Sources and sinks. A leg is a source under its own id. An RTP leg has one sink, its id; an operator's leg has two,
`<leg>/headset` and `<leg>/speaker` (on an RTP leg both names mean its one sink, so a seat can be a plain RTP phone). A
mix is a named set of edges (source, sink, gain): the who-hears-whom matrix. A sink plays the sum over all mixes and
all plays that name it. Edges that name a leg that is not there yet wait for it; a leg may be created again under its
id (a browser that came back): edges and recordings stay.
"""

from collections.abc import Mapping
from typing import Literal

from kak_server.media.census import Census as Census
from kak_server.media.census import Edge as Edge
from kak_server.media.census import LegCensus as LegCensus
from kak_server.media.census import Reply as Reply
from kak_server.media.rtp_args import Codec as Codec
from kak_server.media.rtp_args import CreateRtp as CreateRtp
from kak_server.media.rtp_args import ModifyRtp as ModifyRtp
from kak_server.media.rtp_args import SendDtmf as SendDtmf
from kak_server.media.rtp_args import SrtpKeys as SrtpKeys
from kak_server.media.rtp_args import applied as applied
from kak_server.media.rtp_args import modified as modified
from kak_server.media.rtp_args import session_mark as session_mark
from kak_server.model.ids import LegId, MixId, RecordingId
from kak_server.model.light import frozen

VERSION = 1
MAX_LINE_BYTES = 262_144
EVENT_RING = 10_000
ORPHAN_EXIT_S = 600
UPLINK_LEASE_MAX_MS = 1_000
TICK_MS = 20
ATTACH_WITHIN_MS = 5_000  # a worker that is there has answered an attach by then
RETRY_WITHIN_MS = 1_000  # control tries to attach at least so often

WebrtcRole = Literal["operator", "citizen", "viewer"]


# --- commands: op name -> arguments ----------------------------------------------------------------


@frozen
class CreateWebrtc:
    """op leg.create_webrtc: answer a browser's offer. Result: {"answer_sdp": str}.

    role operator: audio m-line 0 sendrecv (microphone up, headset down), audio m-line 1 recvonly in the browser
    (speaker). role citizen: the browser sends video (and may send audio, which is dropped). role viewer: the browser
    receives the video of `source_leg`, forwarded encoded. Creating a leg that exists replaces its PeerConnection.
    """

    leg: LegId
    role: WebrtcRole
    offer_sdp: str
    source_leg: str = ""


@frozen
class CloseLeg:
    """op leg.close: idempotent; closing an unknown leg is no error."""

    leg: LegId


@frozen
class SetMix:
    """op mix.set: the whole matrix of one mix, replacing what it was; no edges = the mix is gone."""

    mix: MixId
    edges: tuple[Edge, ...] = ()


@frozen
class StartPlay:
    """op play.start: a tone ("tone:ringback", "tone:hold", "tone:beep", "tone:busy", "tone:speak") or a prompt
    ("prompt:queue-welcome") into a sink, and after it the prompt `then`, left out where there is none. A silence of
    `repeat_gap_ms` follows. The same play id again restarts nothing. Event play.ended, after that silence, unless
    looped."""

    play: str
    sink: str
    source: str
    loop: bool = False
    gain: float = 1.0
    repeat_gap_ms: int = 0
    then: str = ""


@frozen
class StopPlay:
    """op play.stop."""

    play: str


@frozen
class StartRecord:
    """op record.start: tap `source` into a WAV file of its own, from now on; silence where nothing comes.

    The file is `<recordings dir>/<path>` (path relative, no "..", ends in .wav). Event record.closed when stopped; with
    `tell` record.begun when the first of it is in the file. Ordered again, what was told of it is told again.
    """

    recording: RecordingId
    source: str
    path: str
    label: str
    tell: bool = False


@frozen
class StopRecord:
    """op record.stop."""

    recording: RecordingId


@frozen
class OpenUplink:
    """op uplink.open: let a gated leg send for `lease_ms` (cut to UPLINK_LEASE_MAX_MS) from now; repeat to renew.
    Event uplink.closed{leg, reason: "lease"} when it lapses."""

    leg: LegId
    lease_ms: int = UPLINK_LEASE_MAX_MS


@frozen
class CloseUplink:
    """op uplink.close: shut the gate at once (before the next packet) and throw its buffer away."""

    leg: LegId


@frozen
class WatchTalk:
    """op talk.watch: send leg.talk{leg, talking, level_dbov} when the source starts or stops talking (VAD). `once`:
    only when it starts, and then the watch is over by itself."""

    leg: LegId
    on: bool
    once: bool = False


@frozen
class GetStats:
    """op leg.stats: result {"legs": {leg: {...}}}; "" = all legs."""

    leg: str = ""


@frozen
class GetCensus:
    """op census: result is the Census as JSON."""


Command = (
    CreateRtp
    | CreateWebrtc
    | ModifyRtp
    | SendDtmf
    | CloseLeg
    | SetMix
    | StartPlay
    | StopPlay
    | StartRecord
    | StopRecord
    | OpenUplink
    | CloseUplink
    | WatchTalk
    | GetStats
    | GetCensus
)

OPS: Mapping[str, type[Command]] = {
    "leg.create_rtp": CreateRtp,
    "leg.create_webrtc": CreateWebrtc,
    "leg.modify": ModifyRtp,
    "leg.dtmf": SendDtmf,
    "leg.close": CloseLeg,
    "mix.set": SetMix,
    "play.start": StartPlay,
    "play.stop": StopPlay,
    "record.start": StartRecord,
    "record.stop": StopRecord,
    "uplink.open": OpenUplink,
    "uplink.close": CloseUplink,
    "talk.watch": WatchTalk,
    "leg.stats": GetStats,
    "census": GetCensus,
}
OP_OF: Mapping[type[Command], str] = {args: op for op, args in OPS.items()}

# --- events: ev name -> arguments ----------------------------------------------------------------


@frozen
class LegMedia:
    """ev leg.media: a WebRTC leg's media is "up" (first packet after DTLS), "down" (nothing for 1 s, or another takes
    its place) or "closed"."""

    leg: LegId
    state: Literal["up", "down", "closed"]
    cause: str = ""


@frozen
class LegLearned:
    """ev leg.learned: an RTP leg's first valid packet fixed the peer's address, and it is not where control said."""

    leg: LegId
    host: str
    port: int


@frozen
class LegSilent:
    """ev leg.silent: no RTP for `silent_ms`; ev leg.active when it comes back (silent_ms = how long it was)."""

    leg: LegId
    silent_ms: int


@frozen
class LegActive:
    """ev leg.active."""

    leg: LegId
    silent_ms: int


@frozen
class LegDtmf:
    """ev leg.dtmf: an RFC 4733 digit ended."""

    leg: LegId
    digit: str
    duration_ms: int


@frozen
class LegDtmfSent:
    """ev leg.dtmf_sent: all digits of an order are out, or `ok` is False and the leg closed or changed before."""

    leg: LegId
    send: str
    ok: bool = True


@frozen
class LegTalk:
    """ev leg.talk. `last`: the watch was for this word, and is over."""

    leg: LegId
    talking: bool
    level_dbov: float
    last: bool = False


@frozen
class PlayEnded:
    """ev play.ended."""

    play: str


@frozen
class UplinkClosed:
    """ev uplink.closed."""

    leg: LegId
    reason: Literal["lease", "command", "leg-closed"]


@frozen
class Gap:
    """Silence written because nothing came: offset into the track and length."""

    at_ms: int
    length_ms: int


@frozen
class RecordClosed:
    """ev record.closed: one track is complete on disk. expected_ms by the wall clock, stored_ms by counting samples."""

    recording: RecordingId
    source: str
    label: str
    path: str
    started_at_ms: int
    ended_at_ms: int
    expected_ms: int
    stored_ms: int
    sha256: str
    bytes: int
    encoding: str  # "alaw-8000" or "pcm16-8000"
    gaps: tuple[Gap, ...] = ()


@frozen
class RecordBegun:
    """ev record.begun: the first of a track is in its file, which begins at `started_at_ms`."""

    recording: RecordingId
    started_at_ms: int


@frozen
class RecordFailed:
    """ev record.failed: nothing more of this track is stored; the call goes on. `code`: "full" (no room on the disk),
    "slow" (the disk does not keep up), "refused" (the order was), "disk" (anything else). What was spoken from
    `lost_from_ms` on is lost, until `until_ms` where the track was stopped by then (0: it was not). `stored_ms` of it
    are in the file, for which record.closed follows; 0: nothing is; -1: the worker has let go of the file as it is."""

    recording: RecordingId
    reason: str
    code: str = "disk"
    lost_from_ms: int = 0
    stored_ms: int = -1
    until_ms: int = 0


Event = (
    LegMedia
    | LegLearned
    | LegSilent
    | LegActive
    | LegDtmf
    | LegDtmfSent
    | LegTalk
    | PlayEnded
    | UplinkClosed
    | RecordClosed
    | RecordBegun
    | RecordFailed
)
EVENTS: Mapping[str, type[Event]] = {
    "leg.media": LegMedia,
    "leg.learned": LegLearned,
    "leg.silent": LegSilent,
    "leg.active": LegActive,
    "leg.dtmf": LegDtmf,
    "leg.dtmf_sent": LegDtmfSent,
    "leg.talk": LegTalk,
    "play.ended": PlayEnded,
    "uplink.closed": UplinkClosed,
    "record.closed": RecordClosed,
    "record.begun": RecordBegun,
    "record.failed": RecordFailed,
}
EV_OF: Mapping[type[Event], str] = {args: ev for ev, args in EVENTS.items()}
