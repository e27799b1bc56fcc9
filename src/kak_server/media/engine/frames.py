"""The one audio format of the engine: 8 kHz mono, 16 bit, 20 ms a frame."""

import numpy as np
import numpy.typing as npt

RATE_HZ = 8_000
TICK_MS = 20
FRAME_SAMPLES = 160

Pcm = npt.NDArray[np.int16]  # FRAME_SAMPLES of linear audio
Mixed = npt.NDArray[np.float32]  # audio while it is being summed

SILENCE_PCM: Pcm = np.zeros(FRAME_SAMPLES, dtype=np.int16)
SILENCE_PCM.setflags(write=False)


def to_pcm(mixed: Mixed) -> Pcm:
    """Summed audio back to 16 bit, cut at full scale."""
    clipped: Pcm = np.clip(mixed, -32768.0, 32767.0).astype(np.int16)
    return clipped
