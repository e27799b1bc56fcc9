"""Who listens at a tap, as a function."""

from collections.abc import Callable
from dataclasses import dataclass

from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.g711 import Law


@dataclass(frozen=True, slots=True)
class Told:
    """Calls a function with every frame."""

    tell: Callable[[bytes | Pcm | None, Law | None], None]

    def take(self, frame: bytes | Pcm | None, law: Law | None) -> None:
        """One tick."""
        self.tell(frame, law)
