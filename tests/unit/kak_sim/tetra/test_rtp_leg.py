"""The gateway's RTP leg: grants, jitter, strangers, and what goes down. Sockets are real, time is not."""

import asyncio
import socket
from collections.abc import AsyncIterator

import numpy as np
import pytest

from kak_sim.audio import FRAME_SAMPLES, Samples, alaw_decode, alaw_encode
from kak_sim.tetra.rtp_leg import AFTER_GRANT_MS, BUFFER_MAX_FRAMES, LegCounters, RtpLeg


class Side:
    """A leg and the console's socket."""

    def __init__(self) -> None:
        self.now_ms = 10_000
        self.socket = self.new_socket()
        self.leg = RtpLeg("127.0.0.1", self.socket.getsockname(), 0x5E000001, lambda: self.now_ms)
        self.sequence = 0

    @staticmethod
    def new_socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.settimeout(1)
        return made

    async def send(self, *sequences: int, raw: bytes | None = None, sender: socket.socket | None = None) -> None:
        """Packets whose samples are their sequence number; waits until the leg has read them."""
        for sequence in sequences:
            header = bytes((0x80, 8)) + (sequence & 0xFFFF).to_bytes(2, "big") + bytes(8)
            (sender or self.socket).sendto(header + payload(sequence), ("127.0.0.1", self.leg.port))
        if raw is not None:
            (sender or self.socket).sendto(raw, ("127.0.0.1", self.leg.port))
        await asyncio.sleep(0.02)

    def played(self, frames: int) -> list[int]:
        """What comes out: the sample of each frame."""
        return [int(self.leg.next_frame()[0]) for _ in range(frames)]


def tail(side: Side) -> bool:
    return side.leg.has_tail


def level(sequence: int) -> int:
    """The sample that packets of this number carry, as A-law gives it back."""
    return int(alaw_decode(payload(sequence))[0])


def payload(sequence: int) -> bytes:
    return alaw_encode(np.full(FRAME_SAMPLES, 256 + 64 * (sequence % 16), dtype=np.int16))


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    one = Side()
    yield one
    one.leg.close()
    one.socket.close()


async def test_packets_under_a_grant_are_played_in_order(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(1, 3, 2, 4)
    assert side.played(4) == [level(number) for number in (1, 2, 3, 4)]
    assert side.leg.counters.received == 4


async def test_nothing_is_played_before_there_is_enough(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(1, 2)
    assert side.played(1) == [0]
    await side.send(3)
    assert side.played(1) == [level(1)]


async def test_numbers_wrap(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(65_534, 65_535, 0, 1)
    assert side.played(4) == [level(number) for number in (65_534, 65_535, 0, 1)]
    assert side.leg.counters.lost == 0


async def test_a_lost_packet_is_silence_and_a_late_one_is_dropped(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(1, 2, 4)
    assert side.played(4) == [level(1), level(2), 0, level(4)]
    await side.send(3)
    assert (side.leg.counters.lost, side.leg.counters.late) == (1, 1)


async def test_a_gap_is_skipped_when_it_is_over(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(1, 2, 3)
    assert side.played(4) == [level(1), level(2), level(3), 0]
    await side.send(10, 11, 12)
    assert side.played(1) == [level(10)]
    assert side.leg.counters.lost == 6


async def test_a_backlog_is_bounded(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(*range(100))
    assert len(side.leg._buffer) == 2 * BUFFER_MAX_FRAMES


async def test_without_a_grant_nothing_passes_and_all_is_counted(side: Side) -> None:
    await side.send(1, 2)
    assert side.leg.counters.uplink_without_grant == 2
    side.leg.open_uplink()
    side.leg.shut_uplink(side.now_ms, play_tail=False)
    await side.send(3)
    assert side.leg.counters.uplink_after_grant == 1
    side.now_ms += AFTER_GRANT_MS
    await side.send(4)
    assert side.leg.counters.uplink_without_grant == 3
    assert side.played(3) == [0, 0, 0]
    assert side.leg.counters.received == 0


async def test_the_tail_is_played_unless_it_was_an_interruption(side: Side) -> None:
    side.leg.open_uplink()
    await side.send(1, 2)
    side.leg.shut_uplink(side.now_ms, play_tail=True)
    assert tail(side)
    assert side.played(2) == [level(1), level(2)]
    assert not tail(side)
    side.leg.open_uplink()
    await side.send(3, 4)
    side.leg.shut_uplink(side.now_ms, play_tail=False)
    assert not tail(side)


async def test_the_peer_is_learned_once(side: Side) -> None:
    stranger = side.new_socket()
    try:
        side.leg.open_uplink()
        await side.send(1)
        await side.send(2, sender=stranger)
        assert (side.leg.counters.received, side.leg.counters.foreign) == (1, 1)
        side.leg.move(stranger.getsockname())
        await side.send(3, sender=stranger)
        assert side.leg.counters.received == 2
    finally:
        stranger.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80",
        b"\x80\x08" + bytes(10),
        b"\x00\x08" + bytes(170),
        b"\x80\x00" + bytes(170),
        b"\x90\x08" + bytes(170),
        b"\x80\x08" + bytes(171),
        b"\xff" * 1_500,
    ],
)
async def test_what_is_not_our_rtp_is_counted(side: Side, raw: bytes) -> None:
    side.leg.open_uplink()
    await side.send(raw=raw)
    assert (side.leg.counters.malformed, side.leg.counters.received) == (1, 0)


async def test_down_goes_a_packet_a_tick_while_somebody_talks(side: Side) -> None:
    frame: Samples = np.full(FRAME_SAMPLES, 1_000, dtype=np.int16)
    for tick, sent in enumerate([frame, frame, None, None, frame], 100):
        side.leg.send(sent, tick)
    packets = [side.socket.recv(2_048) for _ in range(3)]
    assert [packet[1] for packet in packets] == [0x88, 0x08, 0x88]
    assert [int.from_bytes(packet[2:4], "big") for packet in packets] == [0, 1, 2]
    assert [int.from_bytes(packet[4:8], "big") // FRAME_SAMPLES for packet in packets] == [100, 101, 104]
    assert {packet[8:12] for packet in packets} == {b"\x5e\x00\x00\x01"}
    assert side.leg.counters.sent == 3


async def test_an_address_nobody_listens_at_does_no_harm(side: Side) -> None:
    side.socket.close()
    for tick in range(5):
        side.leg.send(np.zeros(FRAME_SAMPLES, dtype=np.int16), tick)
        await asyncio.sleep(0.005)
    assert side.leg.counters.sent + side.leg.counters.lost >= 5


def test_counters_add_up() -> None:
    total = LegCounters(sent=1, uplink_without_grant=2)
    total.add(LegCounters(sent=10, foreign=3))
    assert total == LegCounters(sent=11, uplink_without_grant=2, foreign=3)
