"""What a leg knows of its peer's packets, so that the native engine can take the common one without asking the leg."""

from collections.abc import Mapping
from typing import Any

from kak_server.media.engine.g711 import Law


class Intake:
    """The reference: knows nothing, so every packet is judged by the leg. The counters are the leg's."""

    __slots__ = ("last_packet_ms", "received")

    def __init__(self) -> None:
        self.received = 0
        self.last_packet_ms = 0.0

    def know(self, peer: tuple[str, int] | None, ssrc: int, laws: Mapping[int, Law], player: Any) -> None:
        """Plain packets of this address, stream and payload types may go straight to `player`."""

    def forget(self) -> None:
        """Every packet goes the long way."""
