"""G.711 A-law and mu-law by table look-up (ITU-T G.711, tables 1 and 2).

The tables are generated here from the segment rule. The decoder gives the middle of a code's interval; the encoder
finds the interval a sample lies in. Both laws use the 16 bit scale (A-law's 13 and mu-law's 14 bits shifted left).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from kak_server.media.engine.frames import FRAME_SAMPLES, Pcm

Law = Literal["PCMA", "PCMU"]

_A_INVERT = 0x55  # A-law transmits with every other bit inverted
_A_SIGN = 0x80
_MU_BIAS = 132  # 33 << 2
_MU_CLIP = 32_635


def _a_lower_edges() -> npt.NDArray[np.int32]:
    codes = np.arange(128)
    segment, step = codes >> 4, codes & 15
    edges = np.where(segment == 0, step << 4, (step + 16) << (segment + 3))
    return np.asarray(edges, dtype=np.int32)


def _a_tables() -> tuple[Pcm, npt.NDArray[np.uint8]]:
    edges = _a_lower_edges()
    segment = np.arange(128) >> 4
    middles = edges + np.where(segment == 0, 8, 8 << np.maximum(segment - 1, 0))
    decode = np.zeros(256, dtype=np.int16)
    plain = np.arange(128)
    decode[(plain | _A_SIGN) ^ _A_INVERT] = middles
    decode[plain ^ _A_INVERT] = -middles
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    # G.711 counts -1 as the first negative value: the ones' complement is its magnitude.
    magnitude = np.where(samples >= 0, samples, -samples - 1)
    code = np.searchsorted(edges, magnitude, side="right") - 1
    encode = (np.where(samples >= 0, code | _A_SIGN, code) ^ _A_INVERT).astype(np.uint8)
    return decode, encode


def _mu_tables() -> tuple[Pcm, npt.NDArray[np.uint8]]:
    codes = np.arange(128)
    segment, step = codes >> 4, codes & 15
    edges = ((step + 16) << (segment + 3)) - _MU_BIAS
    middles = (((step << 3) + _MU_BIAS) << segment) - _MU_BIAS
    decode = np.zeros(256, dtype=np.int16)
    decode[255 - codes] = middles  # all bits are inverted on the wire; the sign bit is 1 for positive
    decode[127 - codes] = -middles
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(samples), _MU_CLIP)
    code = np.searchsorted(edges, magnitude, side="right") - 1
    encode = np.where(samples >= 0, 255 - code, 127 - code).astype(np.uint8)
    return decode, encode


_DECODE: dict[Law, Pcm] = {}
_ENCODE: dict[Law, npt.NDArray[np.uint8]] = {}
_DECODE["PCMA"], _ENCODE["PCMA"] = _a_tables()
_DECODE["PCMU"], _ENCODE["PCMU"] = _mu_tables()

_PAIRS: tuple[tuple[Law, Law], ...] = (("PCMA", "PCMU"), ("PCMU", "PCMA"))

SILENCE: dict[Law, bytes] = {"PCMA": b"\xd5" * FRAME_SAMPLES, "PCMU": b"\xff" * FRAME_SAMPLES}
TRANSCODE: dict[tuple[Law, Law], bytes] = {
    (here, there): _ENCODE[there][_DECODE[here].view(np.uint16)].tobytes() for here, there in _PAIRS
}
"""For bytes.translate: companded bytes of one law to the other."""


def scaled(law: Law, factor: float) -> bytes:
    """For bytes.translate: companded bytes of a voice `factor` times as loud (0 to 1)."""
    return _ENCODE[law][(_DECODE[law] * factor).astype(np.int16).view(np.uint16)].tobytes()


def decode(law: Law, payload: bytes) -> Pcm:
    """Companded bytes to linear samples; as many samples as bytes."""
    return _DECODE[law][np.frombuffer(payload, dtype=np.uint8)]


def encode(law: Law, samples: Pcm) -> bytes:
    """Linear samples (any shape) to companded bytes."""
    return _ENCODE[law][np.ascontiguousarray(samples).view(np.uint16)].tobytes()
