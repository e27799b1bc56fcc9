"""The Range header of a request (RFC 9110 section 14): one range of bytes, or the whole."""

import re

from kak_server.model.light import frozen

_SPEC = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@frozen
class ByteRange:
    """Bytes `start` up to but without `end`."""

    start: int
    end: int


class UnsatisfiableError(ValueError):
    """The range lies behind the end: status 416."""


def parse_range(header: str | None, total_bytes: int) -> ByteRange | None:
    """The one range asked for, or None for the whole.

    RFC 9110 section 14.2 lets a server ignore a Range it does not understand (another unit, several ranges, a mistake
    in it), and that is what happens here. Raises UnsatisfiableError for a good one that holds no byte of ours.
    """
    match = _SPEC.fullmatch(header.strip()) if header is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        suffix = int(last)  # the last so many bytes
        if suffix == 0 or total_bytes == 0:
            raise UnsatisfiableError
        return ByteRange(max(0, total_bytes - suffix), total_bytes)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= total_bytes:
        raise UnsatisfiableError
    return ByteRange(start, min(int(last) + 1, total_bytes) if last else total_bytes)
