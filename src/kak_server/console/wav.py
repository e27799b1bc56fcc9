"""WAV files without reading them whole: where the samples are, and any byte range of the same sound as 16-bit PCM.

Recordings keep the telephone's own coding (A-law, WAV format 6); browsers play only PCM (format 1). One A-law byte is
one 16-bit sample, so a byte range of the PCM file maps straight to a byte range of the recording.
"""

import struct
from functools import cache
from typing import TYPE_CHECKING

from kak_server.model.light import frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER_BYTES = 44
HEADER_SCAN_BYTES = 4_096  # the data chunk begins well before this in every file we write
FORMAT_PCM, FORMAT_ALAW, FORMAT_ULAW = 1, 6, 7
UNKNOWN_SIZE = 0xFFFF_FFFF
MAX_DATA_BYTES = 0xFFFF_FFFF - 36  # RIFF sizes have 32 bits


class WavError(ValueError):
    """Not a WAV file we can play."""


@frozen
class WavInfo:
    """Where and what the samples of a file are. `frames` counts samples per channel."""

    coding: int
    rate_hz: int
    channels: int
    data_offset: int
    frames: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel, as stored."""
        return self.channels * (2 if self.coding == FORMAT_PCM else 1)


def parse_header(head: bytes, file_bytes: int) -> WavInfo:
    """Read the chunks of a file's first bytes. `file_bytes` is its length on disk: a recording still being written (or
    one whose writer was killed) has an old size in its header, so the file's own length counts. Raises WavError."""
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise WavError("not a RIFF/WAVE file")
    form: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(head):
        name, size = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        at += 8
        if name == b"fmt " and size >= 16 and at + 16 <= len(head):
            coding, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
            form = (coding, channels, rate_hz, bits)
        elif name == b"data":
            if form is None:
                raise WavError("data before format")
            return _info(form, at, size, file_bytes)
        at += size + size % 2
    raise WavError("no data chunk")


def _info(form: tuple[int, int, int, int], offset: int, size: int, file_bytes: int) -> WavInfo:
    coding, channels, rate_hz, bits = form
    if (coding, bits) not in ((FORMAT_PCM, 16), (FORMAT_ALAW, 8), (FORMAT_ULAW, 8)):
        raise WavError(f"coding {coding} with {bits} bits is not supported")
    if not 1 <= channels <= 8 or not 1_000 <= rate_hz <= 192_000:
        raise WavError("unlikely number of channels or sample rate")
    there = max(0, file_bytes - offset)
    # A size that was never finished is 0 or all ones; a finished one excludes chunks behind the data.
    stored = there if size in (0, UNKNOWN_SIZE) else min(size, there)
    frame_bytes = channels * bits // 8
    return WavInfo(coding, rate_hz, channels, offset, stored // frame_bytes)


def pcm_header(frames: int, rate_hz: int, channels: int) -> bytes:
    """The 44 bytes before 16-bit PCM samples. Raises WavError when they would not fit a WAV file."""
    data_bytes = frames * channels * 2
    if data_bytes > MAX_DATA_BYTES:
        raise WavError("too long for a WAV file")
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, FORMAT_PCM, channels,
        rate_hz, rate_hz * channels * 2, channels * 2, 16, b"data", data_bytes,
    )  # fmt: skip


def decode(info: WavInfo, stored: bytes) -> "NDArray[np.int16]":
    """Stored bytes (whole frames) as 16-bit samples, channels interleaved."""
    import numpy as np  # a tenth of what a start has to import, and nobody listens then

    if info.coding == FORMAT_PCM:
        return np.frombuffer(stored, dtype="<i2").astype(np.int16, copy=False)
    return _expanded(info.coding)[np.frombuffer(stored, dtype=np.uint8)]


@cache
def _expanded(coding: int) -> "NDArray[np.int16]":
    import numpy as np

    expand = _expand_alaw if coding == FORMAT_ALAW else _expand_ulaw
    return np.array([expand(code) for code in range(256)], dtype=np.int16)


def _expand_alaw(code: int) -> int:
    """ITU-T G.711 table 1: even bits inverted, sign, 3 bits segment, 4 bits step; 13 bits scaled to 16."""
    value = code ^ 0x55
    segment, step = (value >> 4) & 7, value & 15
    magnitude = (step << 4) + 8 if segment == 0 else ((step << 4) + 0x108) << (segment - 1)
    return magnitude if value & 0x80 else -magnitude


def _expand_ulaw(code: int) -> int:
    """ITU-T G.711 table 2: all bits inverted, sign, 3 bits segment, 4 bits step; 14 bits scaled to 16."""
    value = ~code & 0xFF
    segment, step = (value >> 4) & 7, value & 15
    magnitude = (((step << 3) + 0x84) << segment) - 0x84
    return -magnitude if value & 0x80 else magnitude
