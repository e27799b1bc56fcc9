"""Slots by name: small numbers that are used again, the least free one first."""

import heapq


class Slots:
    """Names with their slots."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._free: list[int] = []

    def take(self, name: str) -> int:
        """The slot of a name, a new one if it has none."""
        slot = self._slots.get(name)
        if slot is None:
            slot = heapq.heappop(self._free) if self._free else len(self._slots)
            self._slots[name] = slot
            self._names[slot] = name
        return slot

    def give_back(self, name: str) -> int | None:
        """The slot it had; somebody else may have it next."""
        slot = self._slots.pop(name, None)
        if slot is not None:
            heapq.heappush(self._free, slot)
            del self._names[slot]
        return slot

    def of(self, name: str) -> int | None:
        """Its slot, if it has one."""
        return self._slots.get(name)

    def name_of(self, slot: int) -> str | None:
        """Whose slot it is."""
        return self._names.get(slot)
