"""libopus by ctypes, at 8 kHz mono: no resampler, and narrowband is what a telephone carries.

Functions and constants: opus/opus.h and opus_defines.h of libopus 1.x. The RTP clock of Opus is 48 kHz whatever the
sampling rate is (RFC 7587 section 4.1): 20 ms are 960 units.
"""

import ctypes
import ctypes.util
import functools

import numpy as np

from kak_server.media.engine.frames import FRAME_SAMPLES, RATE_HZ, Pcm

RTP_UNITS_PER_SAMPLE = 6
MAX_PACKET_SAMPLES = 960  # 120 ms, the longest packet Opus knows
_APPLICATION_VOIP = 2048
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_LOSS_PERC = 4002, 4010, 4012, 4014
_SET_SIGNAL, _SIGNAL_VOICE, _RESET_STATE = 4024, 3001, 4028
_PACKET_BYTES = 1_275


class OpusUnavailableError(RuntimeError):
    """libopus is not on this machine."""


@functools.cache
def library() -> ctypes.CDLL:
    """libopus, loaded once. Raises OpusUnavailableError with what to install."""
    name = ctypes.util.find_library("opus") or "libopus.so.0"
    try:
        lib = ctypes.CDLL(name)
    except OSError as problem:
        raise OpusUnavailableError(f"libopus is missing (install the package libopus0): {problem}") from problem
    pointer, number = ctypes.c_void_p, ctypes.c_int
    lib.opus_encoder_create.restype = pointer
    lib.opus_encoder_create.argtypes = [ctypes.c_int32, number, number, ctypes.POINTER(number)]
    lib.opus_encoder_destroy.argtypes = [pointer]
    lib.opus_encode.argtypes = [pointer, pointer, number, pointer, ctypes.c_int32]
    lib.opus_encode.restype = ctypes.c_int32
    lib.opus_decoder_create.restype = pointer
    lib.opus_decoder_create.argtypes = [ctypes.c_int32, number, ctypes.POINTER(number)]
    lib.opus_decoder_destroy.argtypes = [pointer]
    lib.opus_decode.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int32, pointer, number, number]
    lib.opus_decode.restype = number
    lib.opus_packet_get_nb_samples.argtypes = [ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32]
    lib.opus_packet_get_nb_samples.restype = number
    return lib


def packet_samples(packet: bytes) -> int:
    """How many 8 kHz samples a packet holds; 0 if it is no Opus packet."""
    if not packet:
        return 0
    return max(0, int(library().opus_packet_get_nb_samples(packet, len(packet), RATE_HZ)))


class OpusEncoder:
    """20 ms frames to packets: VOIP mode, in-band FEC for a little loss.

    Narrowband speech needs about half of these 24 kbit/s, so the cheapest search is good enough: complexity 1 takes
    29 us a frame here, 5 takes 75, 10 takes 142.
    """

    def __init__(self, bitrate_bps: int = 24_000, complexity: int = 1) -> None:
        self._lib = library()
        error = ctypes.c_int()
        self._state = ctypes.c_void_p(self._lib.opus_encoder_create(RATE_HZ, 1, _APPLICATION_VOIP, ctypes.byref(error)))
        if error.value or not self._state:
            raise RuntimeError(f"opus_encoder_create failed: {error.value}")
        for request, value in (
            (_SET_BITRATE, bitrate_bps),
            (_SET_COMPLEXITY, complexity),
            (_SET_SIGNAL, _SIGNAL_VOICE),
            (_SET_INBAND_FEC, 1),
            (_SET_LOSS_PERC, 5),
        ):
            self._control(request, value)
        self._input: Pcm = np.zeros(FRAME_SAMPLES, dtype=np.int16)
        self._input_at = self._input.ctypes.data
        self._output = ctypes.create_string_buffer(_PACKET_BYTES)

    def _control(self, request: int, *value: int) -> None:
        code = self._lib.opus_encoder_ctl(self._state, ctypes.c_int(request), *(ctypes.c_int32(v) for v in value))
        if code:
            raise RuntimeError(f"opus_encoder_ctl({request}) failed: {code}")

    def encode(self, samples: Pcm) -> bytes:
        """One frame of FRAME_SAMPLES."""
        self._input[:] = samples
        size = self._lib.opus_encode(self._state, self._input_at, FRAME_SAMPLES, self._output, _PACKET_BYTES)
        if size < 0:
            raise RuntimeError(f"opus_encode failed: {size}")
        return ctypes.string_at(self._output, size)

    def reset(self) -> None:
        """Forget the past: the next packet stands on its own."""
        self._control(_RESET_STATE)

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state:
            self._lib.opus_encoder_destroy(state)


class OpusDecoder:
    """Packets to samples, with concealment of what is missing."""

    def __init__(self) -> None:
        self._lib = library()
        error = ctypes.c_int()
        self._state = ctypes.c_void_p(self._lib.opus_decoder_create(RATE_HZ, 1, ctypes.byref(error)))
        if error.value or not self._state:
            raise RuntimeError(f"opus_decoder_create failed: {error.value}")
        self._output: Pcm = np.zeros(MAX_PACKET_SAMPLES, dtype=np.int16)
        self._output_at = self._output.ctypes.data

    def decode(self, packet: bytes) -> Pcm:
        """A packet's samples; none if the packet is broken (the peer's fault, so no error)."""
        return self._run(packet, MAX_PACKET_SAMPLES, 0)

    def conceal(self, following: bytes = b"") -> Pcm:
        """A frame for a missing packet: from the in-band FEC of the one after it if that is here, else a guess."""
        if following:
            recovered = self._run(following, FRAME_SAMPLES, 1)
            if len(recovered) == FRAME_SAMPLES:
                return recovered
        return self._run(b"", FRAME_SAMPLES, 0)

    def _run(self, packet: bytes, room: int, fec: int) -> Pcm:
        size = self._lib.opus_decode(self._state, packet or None, len(packet), self._output_at, room, fec)
        return self._output[: max(0, size)].copy()

    def __del__(self) -> None:
        state = getattr(self, "_state", None)
        if state:
            self._lib.opus_decoder_destroy(state)
