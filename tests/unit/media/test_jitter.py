"""The jitter buffer: order, loss, drift, bursts, resets."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.media.engine.jitter import (
    FAR_PACKETS,
    MAX_BUFFER_SAMPLES,
    START_FRAMES,
    SURPLUS_WINDOW_PULLS,
    JitterBuffer,
    Take,
)

FRAME = 160


def name(timestamp: int) -> bytes:
    return b"%d" % timestamp


def put(buffer: JitterBuffer, number: int, samples: int = FRAME, start: int = 0) -> None:
    at = (start + number * samples) & 0xFFFFFFFF
    buffer.put(at, samples, name(at))


def tick(buffer: JitterBuffer) -> tuple[Take, bytes]:
    buffer.begin_tick()
    return buffer.take()


def test_frames_come_in_order_after_a_short_start() -> None:
    buffer = JitterBuffer()
    got = []
    for number in range(10):
        put(buffer, number)
        got.append(tick(buffer))
    started = [payload for what, payload in got if what is Take.PACKET]
    assert got[0][0] is Take.IDLE
    assert started == [name(number * FRAME) for number in range(len(started))]
    assert len(started) == 10 - START_FRAMES + 1


def test_reordering_is_put_right() -> None:
    buffer = JitterBuffer()
    for number in (1, 0, 3, 2):
        put(buffer, number)
    assert [tick(buffer)[1] for _ in range(4)] == [name(number * FRAME) for number in range(4)]


def test_a_lost_packet_gives_the_one_after_it() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 3, 4):
        put(buffer, number)
    assert [tick(buffer) for _ in range(5)] == [
        (Take.PACKET, name(0)),
        (Take.PACKET, name(160)),
        (Take.LOST, name(480)),
        (Take.PACKET, name(480)),
        (Take.PACKET, name(640)),
    ]
    assert buffer.stats.lost_frames == 1


def test_running_dry_holds_and_then_stops() -> None:
    buffer = JitterBuffer()
    put(buffer, 0)
    put(buffer, 1)
    assert [tick(buffer)[0] for _ in range(2)] == [Take.PACKET] * 2
    assert tick(buffer)[0] is Take.WAIT
    put(buffer, 2)
    assert tick(buffer) == (Take.PACKET, name(320)), "nothing was skipped: the delay has grown"
    assert [tick(buffer)[0] for _ in range(7)] == [Take.WAIT] * 6 + [Take.IDLE]


def test_a_late_packet_is_counted() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 3):
        put(buffer, number)
    for _ in range(4):
        tick(buffer)
    put(buffer, 2)
    assert buffer.stats.late == 1


@pytest.mark.parametrize("samples", [80, 160, 240, 320])
def test_packets_of_other_lengths(samples: int) -> None:
    buffer = JitterBuffer()
    given_samples, taken = 0, 0
    rest = 0
    for index in range(200):
        while given_samples < (index + 1) * FRAME:
            put(buffer, given_samples // samples, samples)
            given_samples += samples
        buffer.begin_tick()
        while rest < FRAME:
            what, _ = buffer.take()
            if what is not Take.PACKET:
                break
            rest += samples
            taken += samples
        rest = max(0, rest - FRAME)
    assert buffer.stats.lost_frames == buffer.stats.late == 0
    assert taken >= given_samples - 6 * FRAME


def test_the_timestamp_may_wrap() -> None:
    buffer = JitterBuffer()
    start = (1 << 32) - 3 * FRAME
    got = []
    for number in range(10):
        put(buffer, number, start=start)
        got.append(tick(buffer))
    assert [what for what, _ in got[1:]] == [Take.PACKET] * 9


def test_a_new_clock_is_a_new_stream() -> None:
    buffer = JitterBuffer()
    for number in range(4):
        put(buffer, number)
        tick(buffer)
    for number in range(FAR_PACKETS + 2):
        put(buffer, number, start=2_000_000_000)
    assert buffer.stats.resets == 1
    assert [tick(buffer)[0] for _ in range(3)] == [Take.PACKET] * 3


def test_one_stray_timestamp_changes_nothing() -> None:
    buffer = JitterBuffer()
    for number in range(6):
        put(buffer, number)
        buffer.put(2_000_000_000 + number * 77_777_777, FRAME, b"stray") if number == 3 else None
        tick(buffer)
    assert buffer.stats.resets == 0


def test_a_burst_is_cut_to_a_short_delay() -> None:
    buffer = JitterBuffer()
    for number in range(40):
        put(buffer, number)
    assert buffer.buffered_samples <= MAX_BUFFER_SAMPLES
    assert buffer.stats.dropped_frames > 0
    assert tick(buffer)[0] is Take.PACKET


def test_a_fast_clock_leaves_a_surplus() -> None:
    buffer = JitterBuffer()
    number = 0
    for index in range(3 * SURPLUS_WINDOW_PULLS):
        put(buffer, number)
        number += 1
        if index % 40 == 0:
            put(buffer, number)
            number += 1
        tick(buffer)
        if buffer.surplus:
            buffer.take()
            buffer.left_out()
    assert buffer.stats.dropped_frames >= 2
    assert buffer.buffered_samples <= 5 * FRAME


def test_the_delay_of_a_stall_is_worked_off() -> None:
    buffer = JitterBuffer()
    for number in range(7):
        put(buffer, number)
    for number in range(7, 7 + 2 * SURPLUS_WINDOW_PULLS):
        tick(buffer)
        put(buffer, number)
        if buffer.surplus:
            buffer.take()
            buffer.left_out()
    assert buffer.stats.dropped_frames == 7 - START_FRAMES
    assert buffer.buffered_samples == START_FRAMES * FRAME


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.2), st.integers(0, 3))
def test_whatever_the_network_does_the_buffer_stays_bounded(seed: int, loss: float, spread: int) -> None:
    dice = random.Random(seed)
    buffer = JitterBuffer()
    arrivals: dict[int, list[int]] = {}
    for number in range(150):
        if dice.random() >= loss:
            arrivals.setdefault(number + dice.randint(0, spread), []).append(number)
    played = []
    for index in range(160):
        for number in arrivals.get(index, []):
            put(buffer, number, start=seed)
        what, payload = tick(buffer)
        if what is Take.PACKET:
            played.append((int(payload) - seed) & 0xFFFFFFFF)
        assert buffer.buffered_samples <= MAX_BUFFER_SAMPLES
    assert played == sorted(played), "never out of order, never twice"
    assert len(played) == len(set(played))
    if loss == 0 and spread <= 1:
        assert len(played) >= 145
