"""A pace for things that must not all happen at once: each asks for its slot, and waits until it has come."""


class Pacer:
    """Slots at most `per_second` a second apart, first come, first served. Nothing is queued here: whoever has a slot
    arms a timer for it."""

    def __init__(self, per_second: int) -> None:
        """Raises ValueError for a pace below one a second."""
        if per_second < 1:
            raise ValueError(f"a pace of {per_second} a second")
        self._per_second = per_second
        self._second_ms = 0  # where the counting began
        self._taken = 0  # slots since then

    def slot(self, now_ms: int) -> int:
        """The next slot, UTC ms: now, or as much later as the pace wants."""
        due_ms = self._second_ms + self._taken * 1000 // self._per_second
        if due_ms <= now_ms - max(1, 1000 // self._per_second):
            # Nobody has asked for a while: slots that went by unused are not saved up
            self._second_ms, self._taken, due_ms = now_ms, 0, now_ms
        self._taken += 1
        return max(now_ms, due_ms)
