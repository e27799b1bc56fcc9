"""When to try again something dear that was refused: later each time, up to a bound."""


class Patience:
    """Times are seconds of the caller's clock."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._wait_s = first_s
        self._at_s = 0.0
        self.failing = False

    def over(self, now_s: float) -> bool:
        """It may be tried."""
        return now_s >= self._at_s

    def refused(self, now_s: float) -> None:
        """It failed: twice as long as before until the next time."""
        self.failing = True
        self._at_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, self._longest_s)

    def done(self) -> bool:
        """It worked. True: it had failed before."""
        failed, self.failing = self.failing, False
        self._wait_s, self._at_s = self._first_s, 0.0
        return failed
