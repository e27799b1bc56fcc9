"""Frames: whatever lies in a segment, whole records come out and damage is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.runtime.frames import HEAD_BYTES, MARK, SEGMENT_MAGIC, Damage, Frame, encode_frame, scan


def payload(value: object) -> bytes:
    return json.dumps(value).encode()


def segment(*values: object) -> bytes:
    return SEGMENT_MAGIC + b"".join(
        encode_frame(serial, payload(value)) for serial, value in enumerate(values, start=1)
    )


def records(data: bytes) -> list[tuple[int, object]]:
    return [(item.serial, item.record) for item in scan(data) if isinstance(item, Frame)]


def damage(data: bytes) -> list[Damage]:
    return [item for item in scan(data) if isinstance(item, Damage)]


def test_records_come_back_in_order_with_their_serials() -> None:
    data = segment({"a": 1}, {"b": "æøå"}, {})
    assert records(data) == [(1, {"a": 1}), (2, {"b": "æøå"}), (3, {})]
    assert damage(data) == []


def test_an_empty_file_and_a_bare_segment_hold_nothing() -> None:
    assert list(scan(b"")) == []
    assert list(scan(SEGMENT_MAGIC)) == []


@pytest.mark.parametrize("cut", range(1, HEAD_BYTES + 9))
def test_a_torn_end_is_a_tail_and_nothing_before_it_is_lost(cut: int) -> None:
    whole, last = segment({"a": 1}), encode_frame(2, payload({"b": 22}))
    assert cut < len(last)
    data = whole + last[:cut]
    assert records(data) == [(1, {"a": 1})]
    assert damage(data) == [Damage(len(whole), len(data), tail=True, reason=damage(data)[0].reason)]
    assert "torn" in damage(data)[0].reason


def test_a_torn_beginning_is_a_tail() -> None:
    assert damage(SEGMENT_MAGIC[:3]) == [Damage(0, 3, tail=True, reason="the segment's beginning is torn")]


def test_a_flipped_bit_costs_one_record() -> None:
    data = bytearray(segment({"a": 1}, {"b": 2}, {"c": 3}))
    second = bytes(data).index(b'"b"')
    data[second] ^= 1
    assert records(bytes(data)) == [(1, {"a": 1}), (3, {"c": 3})]
    (found,) = damage(bytes(data))
    assert not found.tail
    assert "checksum" in found.reason
    assert found.end - found.offset == HEAD_BYTES + len(payload({"b": 2}))


def test_a_damaged_length_does_not_swallow_what_follows() -> None:
    data = bytearray(segment({"a": 1}, {"b": 2}))
    data[len(SEGMENT_MAGIC) + len(MARK) + 3] = 0x7F
    assert records(bytes(data)) == [(2, {"b": 2})]


def test_a_damaged_file_magic_costs_no_record() -> None:
    data = b"XXXXXXXX" + segment({"a": 1})[len(SEGMENT_MAGIC) :]
    assert records(data) == [(1, {"a": 1})]
    assert [(found.offset, found.end) for found in damage(data)] == [(0, 8)]


@pytest.mark.parametrize(("body", "says"), [(b"[1]", "not an object"), (b"nonsense", "not JSON")])
def test_a_whole_frame_that_holds_no_record_is_damage(body: bytes, says: str) -> None:
    (found,) = damage(SEGMENT_MAGIC + encode_frame(7, body))
    assert says in found.reason


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=3), max_size=8),
    st.data(),
)
def test_any_overwritten_stretch_loses_only_the_records_it_touches(
    values: list[dict[str, object]], data: st.DataObject
) -> None:
    whole = segment(*values)
    start = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=40))
    broken = whole[:start] + junk + whole[start + len(junk) :]
    kept = records(broken)
    frames = [item for item in scan(whole) if isinstance(item, Frame)]
    untouched = [(item.serial, item.record) for item in frames if item.end <= start or item.offset >= start + len(junk)]
    assert [record for record in kept if record in untouched] == untouched
    assert all(record in [(item.serial, item.record) for item in frames] for record in kept)
    end = max([0, *(item.end for item in scan(broken))])
    assert end == len(broken) or broken in (b"", SEGMENT_MAGIC)
