"""What the engine needs of a leg: sources that give a frame a tick, sinks that take one; and what both engines have."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.g711 import Law
from kak_server.media.engine.jitter import JitterStats
from kak_server.model.ids import LegId


class Source(Protocol):
    """Something that can be heard. `law` says what `pull` gives: companded bytes, or linear samples if None."""

    leg: LegId
    on_sound: Callable[[], None] | None  # set while it sleeps; to be called, and forgotten, when a packet comes

    @property
    def law(self) -> Law | None:
        """What its frames are."""

    @property
    def asleep(self) -> bool:
        """Nothing is left and nothing is coming: `pull` gives None until a packet comes."""

    def pull(self, wanted: bool) -> bytes | Pcm | None:
        """This tick's frame; None if nothing came. Unwanted frames need not be decoded."""


class Sink(Protocol):
    """Something that can be played to. `law` says what it takes: companded bytes, or Opus packets if None."""

    leg: LegId

    @property
    def law(self) -> Law | None:
        """What its frames are."""


class CompandedSink(Sink, Protocol):
    """An RTP leg with G.711."""

    @property
    def stream(self) -> "Stream | None":
        """What its audio goes out on; None: each frame is to be given to `send_frame`."""

    @property
    def gated(self) -> bool:
        """Has a gate whose lease must be looked at every tick."""

    def send_frame(self, frame: bytes | None, speaking: bool) -> bool:
        """This tick's audio (None: nothing is heard). Whether a packet with it left."""


class OpusSink(Sink, Protocol):
    """One m-line of an operator's PeerConnection, or an RTP leg with Opus."""

    def encode(self, frame: Pcm, fresh: bool) -> bytes:
        """Encode with this sink's encoder; `fresh` after others encoded for it, so that its past is forgotten."""

    def send_packet(self, packet: bytes) -> bool:
        """This tick's Opus packet. Whether it left."""

    def send_nothing(self, joined: bool) -> None:
        """Nothing is heard in this tick: only what keeps the path alive may leave. `joined`: an edge or a play leads
        here, silent as it is."""


class Stream(Protocol):
    """See stream.Stream."""

    silent: bool
    payload_type: int
    ssrc: int
    sequence0: int
    timestamp0: int
    first_frame: int
    units_per_tick: int
    event_index: int
    errors: int
    peer: tuple[str, int] | None
    protect: Callable[[bytes], bytes] | None

    @property
    def packets(self) -> int:
        """That left."""

    @property
    def octets(self) -> int:
        """Of their payloads."""

    def audio(self, index: int, payload: bytes, /) -> bool:
        """One tick's audio."""

    def packet(self, marker: bool, payload_type: int, at: int, timestamp: int, payload: bytes, /) -> bool:
        """One packet."""

    def close(self) -> None:
        """Before the socket is closed."""


class CompandedPlayer(Protocol):
    """See players.G711Player."""

    @property
    def law(self) -> Law:
        """What its frames are."""

    @property
    def asleep(self) -> bool:
        """Nothing is left and nothing is coming."""

    @property
    def stats(self) -> JitterStats:
        """Counts since the stream began."""

    @property
    def buffered_samples(self) -> int:
        """Audio that waits."""

    def put(self, law: Law, timestamp: int, payload: bytes, /) -> None:
        """A packet."""

    def pull(self, wanted: bool = True, /) -> bytes | None:
        """This tick's frame."""

    def restart(self) -> None:
        """The peer began a new stream."""


class Intake(Protocol):
    """See intake.Intake."""

    received: int
    last_packet_ms: float

    def know(self, peer: tuple[str, int] | None, ssrc: int, laws: Mapping[int, Law], player: Any, /) -> None:
        """What a common packet is."""

    def forget(self) -> None:
        """None is."""


class Listener(Protocol):
    """Who takes every frame of a source as it came."""

    def take(self, frame: bytes | Pcm | None, law: Law | None, /) -> None:
        """One tick of the source: companded bytes with their law, linear samples, or None."""


class Tape(Listener, Protocol):
    """See tape.Tape."""

    frames: int
    stopped: bool

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """First frame and number of frames that did not come."""

    def skip(self, ticks: int, /) -> None:
        """Nothing came for so many ticks."""

    def block(self) -> bytes:
        """What has been gathered since the last call."""

    def end_gap(self) -> None:
        """Close the gap that is open, if one is."""


class Board(Protocol):
    """See board.NumpyBoard."""

    def add_source(self, slot: int, source: Source, /) -> None: ...
    def remove_source(self, slot: int, /) -> None: ...
    def wake(self, slot: int, /) -> None: ...
    def want(self, slot: int, wanted: bool, /) -> None: ...
    def tap(self, slot: int, listeners: tuple[Listener, ...], /) -> None: ...
    def pull(self) -> list[int]: ...
    def raw(self, slot: int, /) -> bytes | Pcm | None: ...
    def energy(self, slot: int, /) -> int | None: ...
    def add_sink(self, slot: int, stream: Stream | None = None, law: Law | None = None, /) -> None: ...
    def remove_sink(self, slot: int, /) -> None: ...
    def connect(self, slot: int, edges: tuple[tuple[int, float], ...], /) -> None: ...
    def mix(self) -> None: ...
    def play(self, slot: int, samples: Pcm, gain: float, /) -> None: ...
    def hears(self, slot: int, /) -> bool: ...
    def mixed(self, slot: int, /) -> bytes: ...
    def companded(self, slots: list[int], law: Law, /) -> list[tuple[bytes | None, bool]]: ...
    def send(self, index: int, slots: Iterable[int], /) -> None: ...
