"""When a process that died is started again."""

from dataclasses import dataclass

STABLE_MS = 10_000  # a process that lived so long did not crash at start
DELAYS_MS = (0, 200, 1_000, 3_000, 10_000)


@dataclass(slots=True)
class RestartPolicy:
    """Back-off for one process: at once after a long life (a call may be up), slower in a crash loop."""

    early_deaths: int = 0

    def delay_ms(self, lived_ms: int) -> int:
        """How long to wait before the next start, given how long the process lived."""
        if lived_ms >= STABLE_MS:
            self.early_deaths = 0
        delay = DELAYS_MS[min(self.early_deaths, len(DELAYS_MS) - 1)]
        self.early_deaths += 1
        return delay
