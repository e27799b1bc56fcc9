"""A steady trickle of callers for the lab: so many calls a minute, at random moments, to the lab's numbers."""

import asyncio
import random
from collections.abc import Sequence

from kak_sim.callers.registry import Callers, TooManyCallersError, Wish

_SHORTEST_CALL_S = 15.0
_LONGEST_CALL_S = 120.0


class Generator:
    """Calls arrive as a Poisson process, as real ones do; each talks an exponential time around `mean_talk_s`."""

    def __init__(
        self,
        callers: Callers,
        numbers: Sequence[str],
        calls_per_minute: float,
        *,
        mean_talk_s: float = 45.0,
        speech: bool = True,
        seed: int | None = None,
    ) -> None:
        if calls_per_minute <= 0 or not numbers:
            raise ValueError("a generator needs numbers to call and more than no calls a minute")
        self.skipped = 0  # moments at which too many callers were up already
        self._callers = callers
        self._numbers = tuple(numbers)
        self._rate = calls_per_minute / 60
        self._mean_talk_s = mean_talk_s
        self._speech = speech
        self._random = random.Random(seed)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="caller generator")

    async def stop(self) -> None:
        """No further calls; those that are up are the registry's."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def next_call(self) -> tuple[float, Wish]:
        """How many seconds from now the next call comes, and what it is."""
        pause_s = self._random.expovariate(self._rate)
        talk_s = min(max(self._random.expovariate(1 / self._mean_talk_s), _SHORTEST_CALL_S), _LONGEST_CALL_S)
        return pause_s, Wish(self._random.choice(self._numbers), speech=self._speech, duration_s=talk_s)

    async def _run(self) -> None:
        while True:
            pause_s, wish = self.next_call()
            await asyncio.sleep(pause_s)
            try:
                await self._callers.place(wish)
            except TooManyCallersError:
                self.skipped += 1
