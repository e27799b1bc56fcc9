"""The event stream's ring: numbers, coalesced lists, resume or snapshot."""

import json

import pytest

from kak_server.console.settings import StreamLimits
from kak_server.console.stream import Entry, Stream, encode, encode_rows
from kak_server.model.codec import Json

BORN_MS = 1_700_000_000_000


def plain(_: str, data: Json) -> str:
    return encode(data)


def names(stream: Stream, cursor: int) -> list[str]:
    entries = stream.after(cursor)
    assert entries is not None
    return [entry.name for entry in entries]


def test_numbers_begin_at_birth_and_grow_by_one() -> None:
    stream = Stream(BORN_MS)
    stream.push("offer", "1", BORN_MS)
    stream.push("call", "2", BORN_MS)
    assert stream.after(BORN_MS) == (
        Entry(BORN_MS + 1, "offer", "1", BORN_MS),
        Entry(BORN_MS + 2, "call", "2", BORN_MS),
    )
    assert stream.after(stream.last_seq) == ()


def test_a_frame_is_the_message() -> None:
    frame = Entry(7, "offer", encode({"caller": "æ"}), 0).frame()
    assert json.loads(frame) == {"type": "offer", "seq": 7, "data": {"caller": "æ"}}


def test_lists_wait_for_the_flush_and_the_newest_wins() -> None:
    stream = Stream(BORN_MS)
    stream.push_list("waiting", [1])
    stream.push_list("waiting", [1, 2])
    stream.push_list("queues", [])
    assert names(stream, BORN_MS) == []
    before = stream.has_lists
    stream.flush(BORN_MS, plain)
    assert (before, stream.has_lists) == (True, False)
    assert stream.after(BORN_MS) == (
        Entry(BORN_MS + 1, "waiting", "[1,2]", BORN_MS),
        Entry(BORN_MS + 2, "queues", "[]", BORN_MS),
    )


def test_a_resumed_list_reads_as_the_newest() -> None:
    stream = Stream(BORN_MS)
    for number in range(3):
        stream.push_list("waiting", [number])
        stream.flush(BORN_MS, plain)
    entries = stream.after(BORN_MS)
    assert entries is not None
    assert [(entry.seq - BORN_MS, entry.text) for entry in entries] == [(1, "[2]"), (2, "[2]"), (3, "[2]")]


def test_a_list_that_says_the_same_is_not_told_again() -> None:
    stream = Stream(BORN_MS)
    told = []
    for waiting in ([], [], [1], []):
        stream.push_list("waiting", waiting)
        told.append(stream.flush(BORN_MS, plain))
    assert told == [True, False, True, True]
    assert names(stream, BORN_MS) == ["waiting"] * 3


def test_a_signal_without_content_is_told_each_time() -> None:
    stream = Stream(BORN_MS)
    for _ in range(2):
        stream.push_list("recent", {})
        assert stream.flush(BORN_MS, plain)


def test_after_a_snapshot_a_list_is_told_whatever_was_told_before() -> None:
    stream = Stream(BORN_MS)
    stream.push_list("waiting", [])
    stream.flush(BORN_MS, plain)
    stream.begin_snapshot()  # somebody waited when it was made
    stream.push_list("waiting", [])
    assert stream.flush(BORN_MS, plain)


def test_a_list_without_a_json_form_is_left_out() -> None:
    stream = Stream(BORN_MS)
    stream.push_list("waiting", [1])
    stream.flush(BORN_MS, plain)
    stream.push_list("waiting", [float("nan")])
    stream.flush(BORN_MS, lambda _name, _data: None)
    entries = stream.after(BORN_MS)
    assert entries is not None
    assert [entry.text for entry in entries] == ["[1]"]


@pytest.mark.parametrize(
    ("after", "possible"), [(-1, False), (0, True), (2, True), (3, True), (4, False), (None, False)]
)
def test_who_can_resume(after: int | None, possible: bool) -> None:
    stream = Stream(BORN_MS)
    for _ in range(3):
        stream.push("recent", "{}", BORN_MS)
    assert stream.can_resume(None if after is None else BORN_MS + after, BORN_MS) is possible


def test_numbers_of_an_earlier_stream_are_strange() -> None:
    earlier = Stream(BORN_MS)
    for _ in range(50):
        earlier.push("recent", "{}", BORN_MS)
    later = Stream(BORN_MS + 60_000)
    assert not later.can_resume(earlier.last_seq, BORN_MS + 60_000)


def test_the_ring_forgets_by_number_by_age_and_by_bytes() -> None:
    by_number = Stream(BORN_MS, StreamLimits(ring_events=3))
    for _ in range(5):
        by_number.push("recent", "{}", BORN_MS)
    assert len(by_number) == 3
    assert by_number.after(BORN_MS + 1) is None
    assert len(by_number.after(BORN_MS + 2) or ()) == 3

    by_age = Stream(BORN_MS, StreamLimits(resume_ms=1_000))
    by_age.push("recent", "{}", BORN_MS)
    assert by_age.can_resume(BORN_MS, BORN_MS + 1_000)
    assert not by_age.can_resume(BORN_MS, BORN_MS + 1_001)
    assert by_age.can_resume(BORN_MS + 1, BORN_MS + 1_001)

    by_bytes = Stream(BORN_MS, StreamLimits(ring_bytes=100))
    for size in (60, 60, 500):
        by_bytes.push("recent", "x" * size, BORN_MS)
    assert len(by_bytes) == 1  # the newest stays, however large
    by_bytes.push("recent", "x" * 10, BORN_MS)
    assert len(by_bytes) == 1


def test_a_cursor_ahead_of_the_stream_needs_a_snapshot() -> None:
    assert Stream(BORN_MS).after(BORN_MS + 1) is None


def test_a_snapshot_holds_the_waiting_lists() -> None:
    stream = Stream(BORN_MS)
    stream.push("recent", "{}", BORN_MS)
    stream.push_list("waiting", [1])
    assert stream.begin_snapshot() == BORN_MS + 1
    assert not stream.has_lists


def test_at_most_so_many_at_once() -> None:
    stream = Stream(BORN_MS)
    for _ in range(10):
        stream.push("recent", "{}", BORN_MS)
    entries = stream.after(BORN_MS, count=4)
    assert entries is not None
    assert [entry.seq - BORN_MS for entry in entries] == [1, 2, 3, 4]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_null_and_the_rest_is_told(number: float) -> None:
    assert encode({"latitude": number, "contact": "c1"}) == '{"latitude":null,"contact":"c1"}'


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="JSON"):
        encode({"x": object()})


def test_a_lone_surrogate_becomes_ascii() -> None:
    assert encode("\ud800").isascii()


def test_rows_are_the_same_json_by_the_quick_way_and_what_it_does_not_take_goes_the_other() -> None:
    rows = [{"contact": "c1", "caller": "+4791500000", "name": "Sykehuset Østfold", "waiting": 2, "since": None}]
    assert json.loads(encode_rows(rows)) == json.loads(encode(rows)) == rows
    odd = [{"caller": "\ud800"}]  # a lone surrogate, out of a peer's display name
    assert encode_rows(odd) == encode(odd) == '[{"caller":"\\ud800"}]'
    with pytest.raises(TypeError):
        encode_rows([{"caller": object()}])
