"""WAV headers read and made, and G.711 decoded by the standard's tables."""

import struct

import numpy as np
import pytest

from kak_server.console.wav import (
    FORMAT_ALAW,
    FORMAT_PCM,
    FORMAT_ULAW,
    UNKNOWN_SIZE,
    WavError,
    WavInfo,
    decode,
    parse_header,
    pcm_header,
)


def head(coding: int = FORMAT_ALAW, bits: int = 8, channels: int = 1, size: int = 100, before: bytes = b"") -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, coding, channels, 8000, 8000, 1, bits)
    return b"RIFF\0\0\0\0WAVE" + before + form + struct.pack("<4sI", b"data", size)


def test_the_header_we_make_is_the_header_we_read() -> None:
    made = pcm_header(50, 8000, 2)
    assert len(made) == 44
    assert parse_header(made, 44 + 200) == WavInfo(FORMAT_PCM, 8000, 2, 44, 50)


@pytest.mark.parametrize("size", [0, UNKNOWN_SIZE, 5_000])
def test_a_size_never_finished_gives_way_to_the_files(size: int) -> None:
    assert parse_header(head(size=size), 44 + 300).frames == 300


def test_a_finished_size_leaves_out_what_follows() -> None:
    assert parse_header(head(size=100), 44 + 300).frames == 100


def test_other_chunks_are_skipped_odd_ones_with_their_pad_byte() -> None:
    before = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    info = parse_header(head(before=before), 1_000)
    assert info.data_offset == 44 + 12


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"RIFF",
        b"OggS" + head()[4:],
        head()[:36],
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        head(coding=85),
        head(coding=FORMAT_PCM, bits=24),
        head(channels=0),
        head(channels=9),
    ],
)
def test_what_is_no_recording_is_refused(broken: bytes) -> None:
    with pytest.raises(WavError):
        parse_header(broken, 1_000)


def test_a_file_shorter_than_its_header_has_no_frames() -> None:
    assert parse_header(head(), 10).frames == 0


def test_what_no_wav_file_can_hold_is_refused() -> None:
    with pytest.raises(WavError):
        pcm_header(2**31, 8000, 1)


@pytest.mark.parametrize(
    ("coding", "code", "sample"),
    [
        # ITU-T G.711: A-law 0xD5 and 0x55 are the smallest steps, 0xAA and 0x2A the largest; mu-law 0xFF and 0x7F are
        # zero, 0x80 and 0x00 the largest.
        (FORMAT_ALAW, 0xD5, 8),
        (FORMAT_ALAW, 0x55, -8),
        (FORMAT_ALAW, 0xAA, 32_256),
        (FORMAT_ALAW, 0x2A, -32_256),
        (FORMAT_ULAW, 0xFF, 0),
        (FORMAT_ULAW, 0x7F, 0),
        (FORMAT_ULAW, 0x80, 32_124),
        (FORMAT_ULAW, 0x00, -32_124),
    ],
)
def test_known_codes(coding: int, code: int, sample: int) -> None:
    assert decode(WavInfo(coding, 8000, 1, 44, 1), bytes([code])).tolist() == [sample]


@pytest.mark.parametrize("coding", [FORMAT_ALAW, FORMAT_ULAW])
def test_codes_rise_with_their_samples_and_mirror_at_zero(coding: int) -> None:
    samples = decode(WavInfo(coding, 8000, 1, 44, 256), bytes(range(256))).astype(int)
    assert sorted(samples.tolist()) == sorted((-samples).tolist())
    assert len(set(samples.tolist())) >= 255


def test_pcm_passes_through() -> None:
    stored = np.array([1, -2, 32_767, -32_768], "<i2").tobytes()
    assert decode(WavInfo(FORMAT_PCM, 8000, 1, 44, 4), stored).tolist() == [1, -2, 32_767, -32_768]
