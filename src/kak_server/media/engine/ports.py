"""What the engine needs of a leg: sources that give a frame a tick, sinks that take one."""

from collections.abc import Callable
from typing import Protocol

from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.g711 import Law
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
