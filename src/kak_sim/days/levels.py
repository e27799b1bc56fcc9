"""Service levels out of a day's waits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from kak_server.model.ids import QueueId
from kak_sim.days.watches import Wait


@dataclass(slots=True)
class Level:
    """Calls of one group. `within`: answered within the threshold; `short`: gave up within it."""

    calls: int = 0
    answered: int = 0
    within: int = 0
    short: int = 0
    waited_ms: int = 0  # of the answered ones, in all
    longest_ms: int = 0
    waits: list[int] = field(default_factory=list)  # of the answered ones

    def add(self, wait: Wait, threshold_ms: int) -> None:
        """Count one in."""
        self.calls += 1
        self.longest_ms = max(self.longest_ms, wait.waited_ms)
        if wait.answered:
            self.answered += 1
            self.within += wait.waited_ms <= threshold_ms
            self.waited_ms += wait.waited_ms
            self.waits.append(wait.waited_ms)
        else:
            self.short += wait.waited_ms <= threshold_ms

    @property
    def share(self) -> float:
        """Answered within the threshold, of all calls but those that gave up within it (1 if there are none):
        `service_level_ignored_percent` of the statistics."""
        counted = self.calls - self.short
        return self.within / counted if counted else 1.0

    @property
    def abandoned(self) -> float:
        """Share of the calls that nobody answered."""
        return 1 - self.answered / self.calls if self.calls else 0.0

    @property
    def mean_wait_s(self) -> float:
        """Average speed of answer (s)."""
        return self.waited_ms / self.answered / 1_000 if self.answered else 0.0

    def wait_s(self, share: float) -> float:
        """So large a share of the answered calls waited at most this long (s)."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1_000 if ordered else 0.0


def grouped(
    waits: Iterable[Wait], group_of: Callable[[Wait], str | None], thresholds_ms: Mapping[QueueId, int]
) -> dict[str, Level]:
    """A level for each group; waits whose queue has no threshold, or of no group, are left out."""
    levels: dict[str, Level] = {}
    for wait in waits:
        group, threshold_ms = group_of(wait), thresholds_ms.get(wait.queue)
        if group is not None and threshold_ms is not None:
            levels.setdefault(group, Level()).add(wait, threshold_ms)
    return levels
