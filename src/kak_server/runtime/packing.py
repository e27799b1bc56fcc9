"""How a segment lies in the archive: gzip members (RFC 1952) one behind the other, a quarter of a megabyte each.

`zcat` reads it like any other. A damaged member costs its own records from the damage on, and not those of the members
behind it, as it would if the whole segment were one stream.
"""

import zlib

PIECE_BYTES = 256 * 1024
LEVEL = 6
HOLE = b"\x00archive damaged here\x00"
"""Stands in unpacked bytes where some are missing. Never part of a record: those are JSON text and a head."""

_GZIP = 31  # zlib's window bits for a gzip header
_RAW = -15  # and for what is between header and check sum
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"  # what zlib begins a member with; two bytes follow
_HEADER_BYTES = 10
_TRAILER_BYTES = 8


def pack(data: bytes) -> bytes:
    """`data`, to be put away."""
    view = memoryview(data)
    return b"".join(_member(view[at : at + PIECE_BYTES]) for at in range(0, max(1, len(data)), PIECE_BYTES))


def _member(piece: memoryview) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(piece) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """What was packed. Where the file is damaged, what is readable before and behind it, with `HOLE` between."""
    parts: list[bytes] = []
    position = 0
    while position < len(packed):
        reader = zlib.decompressobj(_GZIP)
        try:
            part, whole = reader.decompress(memoryview(packed)[position:]), reader.eof
        except zlib.error:
            part, whole = b"", False
        if whole:
            parts.append(part)
            position = len(packed) - len(reader.unused_data)
            continue
        part, end = _rescued(packed, position)
        parts.append(part)
        if end is None:
            parts.append(HOLE)
            end = packed.find(_HEADER, position + 1)
        position = len(packed) if end < 0 else end
    return b"".join(parts)


def _rescued(packed: bytes, position: int) -> tuple[bytes, int | None]:
    """What a damaged member gives up to the damage, and where it ends; None where that cannot be told. A wrong check
    sum at its end is no loss: each record has its own."""
    reader = zlib.decompressobj(_RAW)
    parts: list[bytes] = []
    try:
        for at in range(
            position + _HEADER_BYTES, len(packed)
        ):  # byte for byte: what one call gives until it fails is lost
            parts.append(reader.decompress(packed[at : at + 1]))
            if reader.eof:
                return b"".join(parts), at + 1 + _TRAILER_BYTES
    except zlib.error:
        pass
    return b"".join(parts), None
