"""The uplink gate: what may leave towards the radio, and for how long.

A gate is shut unless a lease runs. The deadline is checked in the tick, before each packet, so nothing that dies leaves
a hot microphone behind. What is said into the shut gate is kept (the newest `buffer_ms` of it) and goes out first when
the gate opens; the delay that makes is worked off in the talker's pauses.
"""

from collections import deque

from kak_server.media.engine.frames import TICK_MS
from kak_server.media.rpc import UPLINK_LEASE_MAX_MS


class UplinkGate:
    """One gated leg's gate. Times are monotonic milliseconds."""

    def __init__(self, buffer_ms: int) -> None:
        self._room = max(0, buffer_ms) // TICK_MS
        self._held: deque[bytes] = deque()
        self._deadline_ms: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether a lease was given and not yet found lapsed."""
        return self._deadline_ms is not None

    def open(self, lease_ms: int, now_ms: float) -> None:
        """Open, or renew the lease."""
        self._deadline_ms = now_ms + max(0, min(lease_ms, UPLINK_LEASE_MAX_MS))

    def close(self) -> bool:
        """Shut at once and forget what was held. Whether it was open."""
        was_open = self.is_open
        self._deadline_ms = None
        self._held.clear()
        return was_open

    def lapse(self, now_ms: float) -> bool:
        """Shut if the lease has run out; True if that happened now. To be asked before every `pass_on`."""
        if self._deadline_ms is None or now_ms < self._deadline_ms:
            return False
        return self.close()

    def pass_on(self, frame: bytes | None, speaking: bool) -> bytes | None:
        """This tick's audio in (None: nothing is heard), what may leave out (None: nothing)."""
        if self._deadline_ms is None:
            if frame is not None and self._room and (speaking or self._held):
                self._held.append(frame)
                if len(self._held) > self._room:
                    self._held.popleft()
            return None
        if not self._held:
            return frame
        if frame is not None and speaking:
            self._held.append(frame)  # live audio queues behind what was held; pauses are left out
        return self._held.popleft()
