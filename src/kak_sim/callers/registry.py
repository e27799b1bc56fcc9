"""The callers of one simulator: placed on request, counted, and hung up when their time is over."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from kak_server.model.light import frozen
from kak_sim.callers.caller import Caller, CallFailedError
from kak_sim.callers.location import Place
from kak_sim.callers.sound import LAB_TEXT, Source, speech, steady, tones

MAX_CALLERS = 200
_RING_PATIENCE_S = 600.0
_KEPT = 50  # calls that are over and still listed


class TooManyCallersError(Exception):
    """As many callers as the simulator takes are up already."""


@frozen
class Wish:
    """A call somebody wants to be made."""

    number: str
    caller: str = ""  # "": an invented number
    speech: bool = True
    tones_hz: tuple[int, ...] = (440, 880)  # when it does not speak
    duration_s: float = 60.0  # of talking; before the answer the caller is patient for 10 minutes
    location: Place | None = None
    text: str = LAB_TEXT


@dataclass(slots=True)
class _Entry:
    id: str
    wish: Wish
    caller: Caller
    started_ms: int
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Callers:
    """Give it the SIP server; `stop` in the end."""

    def __init__(self, server: tuple[str, int], *, max_callers: int = MAX_CALLERS, seed: int | None = None) -> None:
        self.server = server
        self.placed = 0
        self._max = max_callers
        self._random = random.Random(seed)
        self._up: dict[str, _Entry] = {}
        self._over: deque[_Entry] = deque(maxlen=_KEPT)

    async def place(self, wish: Wish) -> str:
        """Make the call; gives its id. Raises TooManyCallersError; OSError when a socket or espeak-ng is missing."""
        if len(self._up) >= self._max:
            raise TooManyCallersError(f"{self._max} callers are up already")
        self.placed += 1
        name = f"c{self.placed}"
        number = wish.caller or f"+47{self._random.randint(40_000_000, 49_999_999)}"
        caller = Caller(self.server, wish.number, number, source=await voice(wish), location=wish.location)
        entry = _Entry(name, wish, caller, time.time_ns() // 1_000_000)
        self._up[name] = entry
        try:
            await caller.place()
        except OSError:
            del self._up[name]
            caller.close()
            raise
        entry.task = asyncio.create_task(self._live(entry), name=f"caller {name}")
        return name

    def get(self, name: str) -> Caller | None:
        """The caller by id, also shortly after its call is over."""
        entry = self._up.get(name) or next((entry for entry in self._over if entry.id == name), None)
        return entry.caller if entry is not None else None

    def hang_up(self, name: str) -> bool:
        """Let it hang up (or give up ringing). False when there is no such caller; a call that is over stays over."""
        caller = self.get(name)
        if caller is None:
            return False
        if name in self._up:
            caller.send_hang_up()
        return True

    def rows(self) -> list[dict[str, object]]:
        """All callers that are up and the last ones that were: plain values for the panel."""
        return [_row(entry) for entry in [*self._over, *self._up.values()]]

    @property
    def up(self) -> int:
        """Callers that ring or talk now."""
        return len(self._up)

    async def stop(self) -> None:
        """All hang up; whoever is not answered within a second is dropped."""
        for entry in self._up.values():
            entry.caller.send_hang_up()
        tasks = [entry.task for entry in self._up.values() if entry.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for entry in [*self._up.values(), *self._over]:
            entry.caller.close()
        self._up.clear()

    async def _live(self, entry: _Entry) -> None:
        try:
            await entry.caller.answered(_RING_PATIENCE_S)
            async with asyncio.timeout(entry.wish.duration_s):
                await entry.caller.over(entry.wish.duration_s + 1)
        except (TimeoutError, CallFailedError):
            pass  # patience or the wished duration is over, or the other end ended it: both are ordinary
        finally:
            self._up.pop(entry.id, None)
            self._over.append(entry)
        if entry.caller.ended is None:
            entry.caller.send_hang_up()


async def voice(wish: Wish) -> Source:
    """The sound a wish asks for."""
    if wish.speech:
        return await speech(wish.text)
    return steady(wish.tones_hz[0]) if len(wish.tones_hz) == 1 else tones(wish.tones_hz)


def _row(entry: _Entry) -> dict[str, object]:
    ended = entry.caller.ended
    return {
        "id": entry.id,
        "number": entry.caller.number,
        "caller": entry.caller.caller,
        "state": entry.caller.state,
        "started_ms": entry.started_ms,
        "cause": ended.cause if ended is not None else "",
        "status": ended.status if ended is not None else 0,
        "heard_packets": entry.caller.heard.count,
    }


def parse_tones(text: str) -> Sequence[int]:
    """`440,880` to numbers. Raises ValueError for what a telephone cannot carry."""
    freqs = [int(part) for part in text.split(",")]
    if not all(100 <= freq <= 3400 for freq in freqs):
        raise ValueError(f"not telephone tones: {text!r}; 100 to 3400 Hz, separated by commas")
    return freqs
