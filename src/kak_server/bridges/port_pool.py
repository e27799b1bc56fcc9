"""RTP ports, given out by control so that a dead worker's ports are known and can be taken over."""


class PortPool:
    """Even ports of a range, oldest-freed first, so that a port rests as long as it can before somebody else's late
    packets could reach it."""

    def __init__(self, first: int, last: int) -> None:
        """Ports from `first` to `last` inclusive. Raises ValueError when the range holds no even port."""
        ports = range(first + first % 2, last + 1, 2)
        if not ports:
            raise ValueError(f"no even port between {first} and {last}")
        self._range = ports
        self._free = dict.fromkeys(ports)  # in order: the first has rested longest
        self._taken: set[int] = set()

    def take(self) -> int | None:
        """A free port, or None when all are in use."""
        port = next(iter(self._free), None)
        if port is not None:
            self.claim(port)
        return port

    def claim(self, port: int) -> None:
        """A restored leg holds this port already."""
        if port in self._range:
            self._free.pop(port, None)
            self._taken.add(port)

    def free(self, port: int) -> None:
        """Back to the end of the line. Freeing twice, or a port of no pool, changes nothing."""
        if port in self._taken:
            self._taken.discard(port)
            self._free[port] = None

    def instead_of(self, lost: int) -> int | None:
        """Another port in place of one that turned out to be somebody else's, which is the last to be tried again;
        None when all are in use."""
        port = self.take()
        if port is not None:
            self.free(lost)
        return port

    def left(self) -> int:
        """How many ports are free."""
        return len(self._free)

    @property
    def in_use(self) -> int:
        """How many ports legs hold."""
        return len(self._taken)
