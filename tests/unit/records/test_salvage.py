"""A dead writer's track becomes a true file again."""

import hashlib
import struct
from pathlib import Path

import pytest

from kak_server.records.salvage import SalvageError, salvage


def alaw(samples: bytes, said: int) -> bytes:
    body = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, 8000, 8000, 1, 8, 0)
    body += struct.pack("<4sII", b"fact", 4, said) + struct.pack("<4sI", b"data", said)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + said, b"WAVE") + body + samples


def pcm(samples: bytes, said: int) -> bytes:
    body = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16) + struct.pack("<4sI", b"data", said)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body) + said, b"WAVE") + body + samples


def test_sizes_are_made_true(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(alaw(b"\xd5" * 8_000, said=160))
    found = salvage(path)
    assert (found.stored_ms, found.encoding) == (1_000, "alaw-8000")
    assert path.read_bytes()[-8_004:-8_000] == struct.pack("<I", 8_000)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert salvage(path) == found


def test_half_a_sample_is_cut_off_and_the_part_gets_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.wav.part").write_bytes(pcm(b"\x01" * 16_001, said=0))
    found = salvage(tmp_path / "a.wav")
    assert (found.stored_ms, found.encoding, found.bytes) == (1_000, "pcm16-8000", 16_044)
    assert not (tmp_path / "a.wav.part").exists()


@pytest.mark.parametrize(
    "content",
    [None, b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"x" * 5_000, alaw(b"", 0)[:30]],
)
def test_what_is_no_track_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(SalvageError):
        salvage(tmp_path / "a.wav")
