"""Times and lengths as explanations write them."""

from datetime import UTC, datetime


def clock(at_ms: int) -> str:
    """UTC time of day with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%H:%M:%S.%f")[:-3]


def moment(at_ms: int) -> str:
    """The same within a sentence: consoles write the time before the sentence in their own zone."""
    return f"{clock(at_ms)} UTC"


def seconds(ms: int) -> str:
    """A length for reading."""
    return f"{ms / 1_000:.1f} s"
