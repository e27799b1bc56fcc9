"""Digits from RFC 4733 telephone events: one digit an event, however many packets carry it or get lost."""

from kak_server.media.engine.rtp import parse_telephone_event

LOST_END_MS = 200  # an event whose end packets were all lost counts as over after so long without a packet


class DtmfDetector:
    """Feed telephone-event packets of one stream and the time; take (digit, duration_ms) when a digit ends."""

    def __init__(self, units_per_ms: int = 8) -> None:
        """`units_per_ms` of the events' clock."""
        self._units_per_ms = units_per_ms
        self._timestamp: int | None = None  # of the event under way, or of the one reported last
        self._digit = ""
        self._duration = 0
        self._seen_ms = 0

    @property
    def under_way(self) -> bool:
        """Whether a digit has begun whose end has not come."""
        return bool(self._digit)

    def feed(self, timestamp: int, payload: bytes, now_ms: int) -> list[tuple[str, int]]:
        """One packet. Packets of one event share their RTP timestamp (RFC 4733 section 2.2.2)."""
        event = parse_telephone_event(payload)
        if event is None:
            return []
        ended = []
        if timestamp != self._timestamp:
            ended += self._finish()
            self._timestamp, self._digit, self._duration = timestamp, event.digit, 0
        if not self._digit:
            return ended  # one of the three copies of an end that has been reported
        self._duration = max(self._duration, event.duration)
        self._seen_ms = now_ms
        if event.end:
            ended += self._finish()
        return ended

    def poll(self, now_ms: int) -> list[tuple[str, int]]:
        """A digit whose end never came, if there is one."""
        return self._finish() if self._digit and now_ms - self._seen_ms >= LOST_END_MS else []

    def _finish(self) -> list[tuple[str, int]]:
        if not self._digit:
            return []
        digit, self._digit = self._digit, ""
        return [(digit, self._duration // self._units_per_ms)]
