"""Small helpers the targets share."""

from collections.abc import Callable

Growing = dict[str, Callable[[int], bytes]]  # name -> an input of about so many bytes


def repeated(piece: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    """Inputs that are `piece` again and again."""
    return lambda size: before + piece * max(1, (size - len(before) - len(after)) // len(piece)) + after


def halves(data: bytes, marker: bytes = b"\x00|\x00") -> list[bytes]:
    """An input that stands for several, cut at a marker a fuzzer can learn to place."""
    return data.split(marker)
