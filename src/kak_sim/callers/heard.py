"""What came in, with the time of each packet: the instrument the tests measure gaps, tones and delays with.

Times are wall clock nanoseconds (UTC), taken by the kernel when the datagram arrived.
"""

import bisect
import itertools
from collections import deque
from collections.abc import Sequence

import numpy as np

from kak_server.model.light import frozen
from kak_sim.audio import RATE_HZ, Samples, mean_power, sequence_of, tone_at

_AUDIBLE_POWER = (32768 * 10 ** (-50 / 20)) ** 2 / 2  # -50 dBFS


@frozen
class HeardPacket:
    """One audio packet: when it came, its numbers, its sound."""

    at_ns: int
    sequence: int
    timestamp: int
    ssrc: int
    samples: Samples


class Heard:
    """Everything one end heard, oldest first; at most `max_packets` (10 minutes), then the oldest fall out."""

    def __init__(self, max_packets: int = 30_000) -> None:
        self._packets: deque[HeardPacket] = deque(maxlen=max_packets)
        self.count = 0
        self.first_ns: int | None = None
        self.first_sound_ns: int | None = None

    @property
    def forgotten(self) -> int:
        """Packets that fell out of the buffer."""
        return self.count - len(self._packets)

    @property
    def last_ns(self) -> int | None:
        """When the newest packet came."""
        return self._packets[-1].at_ns if self._packets else None

    def add(self, packet: HeardPacket) -> None:
        """A packet has arrived."""
        self._packets.append(packet)
        self.count += 1
        if self.first_ns is None:
            self.first_ns = packet.at_ns
        if self.first_sound_ns is None and mean_power(packet.samples) > _AUDIBLE_POWER:
            self.first_sound_ns = packet.at_ns

    def between(self, since_ns: int = 0, until_ns: int | None = None) -> list[HeardPacket]:
        """The packets that arrived in [since, until)."""
        packets = list(self._packets)
        low = bisect.bisect_left(packets, since_ns, key=lambda packet: packet.at_ns)
        high = (
            len(packets) if until_ns is None else bisect.bisect_left(packets, until_ns, key=lambda packet: packet.at_ns)
        )
        return packets[low:high]

    def samples(self, since_ns: int = 0, until_ns: int | None = None) -> Samples:
        """The sound of that time as it came, put end to end: lost packets leave no hole."""
        packets = self.between(since_ns, until_ns)
        return np.concatenate([packet.samples for packet in packets]) if packets else np.zeros(0, dtype=np.int16)

    def timeline(self) -> Samples:
        """The whole sound on its own clock (RTP timestamps), silence where packets are missing; a new SSRC or a jump
        of more than 10 s goes on right behind what came before."""
        parts: list[Samples] = []
        expected: tuple[int, int] | None = None
        for packet in self._packets:
            if expected is not None and expected[0] == packet.ssrc:
                missing = (packet.timestamp - expected[1]) & 0xFFFFFFFF
                if missing >= 0x80000000:
                    continue  # came late, its place is past
                if 0 < missing <= 10 * RATE_HZ:
                    parts.append(np.zeros(missing, dtype=np.int16))
            parts.append(packet.samples)
            expected = packet.ssrc, packet.timestamp + len(packet.samples)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    def tone_present(self, freq_hz: float, since_ns: int, ms: int, *, share: float = 0.8, power: float = 0.5) -> bool:
        """Whether the tone sounds in at least `share` of the `ms` milliseconds from `since_ns` on; the wait for
        missing packets counts as silence. `power`: the part of the sound it must be, less where others speak too."""
        packets = self.between(since_ns, since_ns + ms * 1_000_000)
        sounding = sum(len(packet.samples) for packet in packets if tone_at(packet.samples, [freq_hz], share=power))
        return sounding * 1000 / RATE_HZ >= share * ms

    def longest_gap_ms(self, since_ns: int, until_ns: int) -> float:
        """The longest time without any packet within [since, until), the edges included."""
        return _longest_ms([packet.at_ns for packet in self.between(since_ns, until_ns)], since_ns, until_ns)

    def longest_tone_gap_ms(self, freq_hz: float, since_ns: int, until_ns: int) -> float:
        """The longest time between packets that hold the tone: packets with something else in them do not count."""
        packets = self.between(since_ns, until_ns)
        times = [packet.at_ns for packet in packets if tone_at(packet.samples, [freq_hz]) is not None]
        return _longest_ms(times, since_ns, until_ns)

    def tone_sequence(self, candidates: Sequence[float], since_ns: int = 0, until_ns: int | None = None) -> list[float]:
        """Which of the candidate tones were heard, in order."""
        return sequence_of(self.samples(since_ns, until_ns), candidates)

    def tone_started_ns(self, freq_hz: float, since_ns: int = 0) -> int | None:
        """When the first packet with the tone came at or after `since_ns`."""
        return next(
            (packet.at_ns for packet in self.between(since_ns) if tone_at(packet.samples, [freq_hz]) is not None), None
        )

    def tone_onsets_ns(self, freq_hz: float, since_ns: int = 0, *, quiet_ms: int = 100) -> list[int]:
        """When the tone began, each time after at least `quiet_ms` of packets without it."""
        onsets: list[int] = []
        quiet_samples = 0
        for packet in self.between(since_ns):
            if tone_at(packet.samples, [freq_hz]) is None:
                quiet_samples += len(packet.samples)
                continue
            if quiet_samples * 1000 >= quiet_ms * RATE_HZ:
                onsets.append(packet.at_ns)
            quiet_samples = 0
        return onsets


def _longest_ms(times_ns: list[int], since_ns: int, until_ns: int) -> float:
    edges = [since_ns, *times_ns, until_ns]
    return max(after - before for before, after in itertools.pairwise(edges)) / 1e6
