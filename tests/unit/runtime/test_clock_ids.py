"""The one clock and the entropy of the control process."""

import re

from kak_server.runtime.clock import UtcClock
from kak_server.runtime.ids import RandomIds

SECOND_NS = 1_000_000_000


class Hands:
    """A wall clock and a monotonic one that are set by hand."""

    def __init__(self) -> None:
        self.wall_ns = 1_790_000_000 * SECOND_NS
        self.monotonic_ns = 77 * SECOND_NS
        self.clock = UtcClock(lambda: self.wall_ns, lambda: self.monotonic_ns)

    def pass_s(self, seconds: float) -> None:
        self.wall_ns += int(seconds * SECOND_NS)
        self.monotonic_ns += int(seconds * SECOND_NS)


def test_time_goes_as_the_wall_clock_does() -> None:
    hands = Hands()
    start = hands.clock.now_ms()
    assert start == 1_790_000_000_000
    hands.pass_s(1.5)
    assert hands.clock.now_ms() == start + 1_500


def test_a_wall_clock_set_back_neither_turns_time_back_nor_stops_it() -> None:
    hands = Hands()
    start = hands.clock.now_ms()
    hands.wall_ns -= 3_600 * SECOND_NS
    assert hands.clock.now_ms() == start
    hands.pass_s(15)
    assert hands.clock.now_ms() == start + 15_000


def test_a_wall_clock_that_runs_ahead_is_followed() -> None:
    hands = Hands()
    start = hands.clock.now_ms()
    hands.wall_ns += 60 * SECOND_NS
    assert hands.clock.now_ms() == start + 60_000


def test_a_journal_from_the_future_is_where_time_goes_on() -> None:
    hands = Hands()
    later = hands.clock.now_ms() + 10_000
    hands.clock.not_before(later)
    assert hands.clock.now_ms() == later
    hands.pass_s(1)
    assert hands.clock.now_ms() == later + 1_000
    hands.clock.not_before(later)
    assert hands.clock.now_ms() == later + 1_000


def test_the_real_clock_never_goes_backwards() -> None:
    clock = UtcClock()
    seen = [clock.now_ms() for _ in range(1_000)]
    assert seen == sorted(seen)
    assert seen[0] > 1_700_000_000_000


def test_ids_are_unique_and_tell_what_they_are_of() -> None:
    ids = RandomIds()
    contacts = {ids.new("contact") for _ in range(1_000)}
    assert len(contacts) == 1_000
    assert all(re.fullmatch(r"c\d{8}-\d{6}-[0-9a-f]{8}", contact) for contact in contacts)
    assert ids.new("patch").startswith("p-")


def test_no_random_bytes_are_given_twice() -> None:
    ids = RandomIds()
    drawn = [ids.new("tag")[2:] for _ in range(3_000)]
    assert len({token[:8] for token in drawn} | {token[8:] for token in drawn}) > 5_990
    assert all(re.fullmatch(r"[0-9a-f]{16}", token) for token in drawn)
    assert ids.bits(8 * 5_000).bit_length() > 8 * 4_990  # more than is kept in store
    assert {ids.bits(1) for _ in range(100)} == {0, 1}
    assert ids.bits(0) == 0


def test_a_contact_id_is_safe_in_a_path_and_before_a_dot() -> None:
    contact = RandomIds().new("contact")
    assert not set(contact) & set("./\\")


def test_a_video_token_cannot_be_guessed() -> None:
    ids = RandomIds()
    tokens = {ids.new("video") for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 24 for token in tokens)


def test_bits_are_as_many_as_asked_for() -> None:
    ids = RandomIds()
    drawn = [ids.bits(15) for _ in range(2_000)]
    assert max(drawn) < 1 << 15
    assert max(drawn) > 1 << 13
    assert len(set(drawn)) > 1_500
