"""Archived segments: whole they are what they were; damaged they cost what was hit."""

import gzip
import random
from pathlib import Path

import pytest

from kak_server.model.codec import dumps
from kak_server.runtime.folder import packed, segment_path
from kak_server.runtime.frames import SEGMENT_MAGIC, Frame, encode_frame
from kak_server.runtime.losses import Lost
from kak_server.runtime.packing import HOLE, PIECE_BYTES, pack, unpack
from kak_server.runtime.segments import history

RECORDS = 6_000


@pytest.fixture(scope="module")
def segment() -> bytes:
    """Of three pieces."""
    chance = random.Random(1)
    records = (
        dumps({"k": "put", "key": f"line/c{number}", "value": chance.randbytes(40).hex()})
        for number in range(1, RECORDS + 1)
    )
    data = SEGMENT_MAGIC + b"".join(encode_frame(number, record) for number, record in enumerate(records, 1))
    assert 2 * PIECE_BYTES < len(data) < 4 * PIECE_BYTES
    return data


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1])
def test_what_was_packed_comes_back(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert unpack(pack(data)) == data


def test_it_is_gzip_to_others_and_a_file_of_one_stream_is_read(segment: bytes) -> None:
    assert gzip.decompress(pack(segment)) == segment
    assert unpack(gzip.compress(segment)) == segment


def test_nothing_is_nothing() -> None:
    assert unpack(b"") == b""
    assert unpack(b"no archive at all") == HOLE


def read(folder: Path, archived: bytes) -> tuple[list[int], list[Lost]]:
    """The first segment as it is given, and one record behind it in a second."""
    packed(segment_path(folder, 1)).write_bytes(archived)
    record = dumps({"k": "boot", "generation": 1, "at_ms": 1})
    segment_path(folder, 2).write_bytes(SEGMENT_MAGIC + encode_frame(RECORDS + 1, record))
    items = [item for _, item in history(folder)]
    return [one.serial for one in items if isinstance(one, Frame)], [one for one in items if isinstance(one, Lost)]


def test_a_wrong_check_sum_at_the_end_of_a_piece_costs_nothing(tmp_path: Path, segment: bytes) -> None:
    archived = bytearray(pack(segment))
    archived[-6] ^= 1
    serials, lost = read(tmp_path, bytes(archived))
    assert (serials, lost) == (list(range(1, RECORDS + 2)), [])


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.45, 0.6, 0.95])
def test_a_flipped_byte_costs_a_piece_at_most_and_is_told_where_it_is(
    tmp_path: Path, segment: bytes, share: float
) -> None:
    archived = bytearray(pack(segment))
    archived[int(share * len(archived))] ^= 0x55
    serials, lost = read(tmp_path, bytes(archived))
    missing = sorted(set(range(1, RECORDS + 2)) - set(serials))
    assert len(missing) <= 1.1 * RECORDS * PIECE_BYTES / len(segment)
    told = [number for one in lost for number in range(one.first or 0, (one.first or 0) + (one.records or 0))]
    assert told == missing
    assert {one.segment for one in lost} <= {"journal-00000001.kj"}


def test_a_piece_that_is_not_there_any_more_is_told_as_damage_of_the_archive(tmp_path: Path, segment: bytes) -> None:
    archived = pack(segment)
    second = archived.find(archived[:10], 1)
    spoilt = archived[:second] + b"x" * 5_000 + archived[second + 5_000 :]
    serials, lost = read(tmp_path, spoilt)
    assert len(serials) > RECORDS // 2
    assert [(one.segment, one.records) for one in lost] == [("journal-00000001.kj", RECORDS + 1 - len(serials))]
    assert "archived file is damaged" in lost[0].reason


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_cut_file_gives_what_stands_before_the_cut(tmp_path: Path, segment: bytes, share: float) -> None:
    archived = pack(segment)
    serials, lost = read(tmp_path, archived[: int(share * len(archived))])
    assert abs((len(serials) - 1) / RECORDS - share) < 0.05
    assert [one.records for one in lost] == [RECORDS + 1 - len(serials)]


def test_damage_that_held_no_record_says_so() -> None:
    told = str(Lost("journal-00000001.kj", 900, 4_096, 0, "no record begins here", 93))
    assert told == "journal-00000001.kj at byte 900: 4096 bytes, no record lost: no record begins here"
