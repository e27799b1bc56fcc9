"""The journal's frames, as they lie on a disk that tore or damaged them.

The input is payloads, each to be framed as we would, then damage: its first byte says where one byte is changed, its
second where the segment is cut. The raw input is scanned too.

Invariant: nothing is raised. The pieces found cover the segment from its beginning to its end without overlap; frames
carry what was framed; a cut or a changed byte loses no frame but those it touches.
"""

from fuzz.targets.pieces import Growing, halves, repeated
from kak_server.runtime.frames import MARK, SEGMENT_MAGIC, Damage, Frame, encode_frame, scan

MAX_BYTES = 65_536

GROWING: Growing = {
    "frames": repeated(b'{"a":1}\x00|\x00'),
    "marks": repeated(MARK),
    "marks with lengths to the end": lambda size: b"".join(
        MARK + (size - 24 * n - 20).to_bytes(4, "little") + bytes(16) for n in range(size // 24)
    ),
    "zeros": repeated(b"\x00"),
    "one long payload": repeated(b"x", b'{"a":"', b'"}'),
    "nested": repeated(b"[", b"", b""),
}


def _scanned(segment: bytes) -> list[Frame | Damage]:
    found = list(scan(segment))
    position = len(SEGMENT_MAGIC) if segment.startswith(SEGMENT_MAGIC) else 0
    for piece in found:
        assert piece.offset == position, (piece, position)
        assert piece.end > piece.offset
        position = piece.end
    assert not found or position == len(segment)
    return found


def _framed(payloads: list[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    segment, places = SEGMENT_MAGIC, []
    for serial, payload in enumerate(payloads):
        frame = encode_frame(serial, payload)
        places.append((len(segment), len(segment) + len(frame)))
        segment += frame
    return segment, places


def check(data: bytes) -> None:
    """See above."""
    _scanned(data)
    _scanned(SEGMENT_MAGIC + data)
    payloads = [payload.replace(MARK, b"") for payload in halves(data[2:])]
    segment, _ = _framed(payloads)
    whole = {(piece.offset, piece.end) for piece in _scanned(segment) if isinstance(piece, Frame)}
    touched = data[0] * len(segment) // 256 if data else 0
    damaged = bytearray(segment)
    damaged[touched] ^= 0x55
    for place in (
        whole - {(piece.offset, piece.end) for piece in _scanned(bytes(damaged)) if isinstance(piece, Frame)}
        if touched >= len(SEGMENT_MAGIC)
        else ()
    ):
        assert place[0] <= touched < place[1], (place, touched)
    cut = data[1] * len(segment) // 256 if len(data) > 1 else 0
    if cut >= len(SEGMENT_MAGIC):
        left = {(piece.offset, piece.end) for piece in _scanned(segment[:cut]) if isinstance(piece, Frame)}
        assert left >= {place for place in whole if place[1] <= cut}
