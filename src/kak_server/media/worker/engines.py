"""The two engines: the native one (C, see engine/native) and the numpy one, which is its reference and stands in where
the native one was not compiled."""

from collections.abc import Callable
from typing import Any, Literal

from kak_server.media.engine.board import NumpyBoard
from kak_server.media.engine.g711 import Law
from kak_server.media.engine.intake import Intake
from kak_server.media.engine.jitter import JitterStats
from kak_server.media.engine.players import G711Player
from kak_server.media.engine.ports import Board, CompandedPlayer
from kak_server.media.engine.ports import Intake as AnyIntake
from kak_server.media.engine.ports import Stream as AnyStream
from kak_server.media.engine.ports import Tape as AnyTape
from kak_server.media.engine.stream import Stream
from kak_server.media.engine.tape import Tape
from kak_server.media.worker.ports import Poller, SocketPoller
from kak_server.model.light import frozen

API = 3  # of the extension this code was written for
Choice = Literal["auto", "native", "numpy"]
CHOICES: tuple[Choice, ...] = ("auto", "native", "numpy")


class EngineUnavailableError(Exception):
    """The native engine was asked for and is not there: why."""


@frozen
class Engine:
    """What makes the parts. `why`: the reason why it is not the native one, if somebody may wonder."""

    name: Literal["native", "numpy"]
    why: str
    board: Callable[[], Board]
    poller: Callable[[], Poller]
    player: Callable[[Law], CompandedPlayer]
    intake: Callable[[], AnyIntake]
    stream: Callable[[Any, int, int, int, int], AnyStream]
    tape: Callable[[bool], AnyTape]


def numpy_engine(why: str = "") -> Engine:
    """The reference."""
    return Engine("numpy", why, NumpyBoard, SocketPoller, G711Player, Intake, Stream, Tape)


def native_engine() -> Engine:
    """The one in C. Raises EngineUnavailableError."""
    try:
        from kak_server.media.engine import _native
    except ImportError as problem:
        raise EngineUnavailableError(f"it is not compiled ({problem})") from problem
    if _native.API != API:
        raise EngineUnavailableError(f"it was compiled from another version ({_native.API}, not {API})")

    class NativePlayer(_native.Player):
        """With the statistics as the others have them."""

        @property
        def stats(self) -> JitterStats:
            """Counts since the stream began."""
            return JitterStats(*self.counts)

    return Engine(
        "native", "", _native.Board, _native.Poller, NativePlayer, _native.Intake, _native.Stream, _native.Tape
    )


def engine_of(choice: Choice) -> Engine:
    """By name; "auto": the native one if it is there. Raises EngineUnavailableError."""
    if choice == "numpy":
        return numpy_engine()
    try:
        return native_engine()
    except EngineUnavailableError as problem:
        if choice == "native":
            raise
        return numpy_engine(str(problem))
