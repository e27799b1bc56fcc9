"""Digits out: what RFC 4733 says of durations, end packets and gaps, read back by our own detector."""

from hypothesis import given
from hypothesis import strategies as st

from kak_server.media.engine.dtmf import DtmfDetector
from kak_server.media.engine.dtmf_sender import DIGITS, DtmfSender, EventPacket
from kak_server.media.engine.rtp import parse_telephone_event


def run(sender: DtmfSender, units_per_ms: int = 8, ticks: int = 4_000) -> list[EventPacket | None]:
    packets = []
    for _ in range(ticks):
        if not sender.busy:
            break
        packets.append(sender.tick(units_per_ms))
    return packets


def test_one_digit() -> None:
    sender = DtmfSender()
    sender.add("order", "5", 100, 80)
    packets = run(sender)
    events = [parse_telephone_event(packet.payload) for packet in packets if packet is not None]
    assert [event.digit for event in events if event] == ["5"] * 7
    assert [event.duration for event in events if event] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.end for event in events if event] == [False] * 4 + [True] * 3
    assert [packet.first for packet in packets if packet] == [True] + [False] * 6
    assert packets[7:] == [None, None]  # 80 ms of gap, half of which the end packets took
    assert (sender.done, sender.busy, sender.waiting) == (["order"], False, 0)


def test_the_clock_of_opus_and_digits_longer_than_the_field() -> None:
    sender = DtmfSender()
    sender.add("order", "1", 5_000, 40)
    durations = [parse_telephone_event(packet.payload) for packet in run(sender, 48) if packet]
    assert durations[0] is not None
    assert durations[0].duration == 960
    assert durations[-1] is not None
    assert durations[-1].duration == 0xFFFF


def test_orders_wait_for_each_other_and_can_be_dropped() -> None:
    sender = DtmfSender()
    sender.add("one", "1", 40, 40)
    sender.add("two", "2#", 40, 40)
    assert sender.waiting == 3
    while sender.waiting == 3:
        sender.tick(8)
    assert sender.done == ["one"]
    assert sender.drop() == ["two"]
    assert run(sender) == []


@given(
    st.lists(
        st.tuples(st.text(DIGITS, min_size=1, max_size=8), st.integers(40, 300), st.integers(40, 200)), max_size=4
    ),
    st.sampled_from((8, 48)),
    st.data(),
)
def test_a_detector_hears_what_was_dialled(orders: list[tuple[str, int, int]], units: int, data: st.DataObject) -> None:
    """Whatever single packets get lost of the two or more that end each digit."""
    sender, detector = DtmfSender(), DtmfDetector(units)
    for number, (digits, duration_ms, gap_ms) in enumerate(orders):
        sender.add(str(number), digits, duration_ms, gap_ms)
    heard: list[tuple[str, int]] = []
    timestamp = began = 0
    lost_before = False
    for tick in range(20_000):
        if not sender.busy:
            break
        packet = sender.tick(units)
        if packet is None:
            continue
        if packet.first:
            timestamp, began = tick, began + 1
        lost_before = not lost_before and data.draw(st.booleans())  # never two in a row
        if not lost_before:
            heard += detector.feed(timestamp, packet.payload, tick * 20)
    assert "".join(digit for digit, _ in heard) == "".join(digits for digits, _, _ in orders)
    assert sender.done == [str(number) for number in range(len(orders))]
    wanted = [round(ms / 20) * 20 for digits, ms, _ in orders for _ in digits]
    assert [ms for _, ms in heard] == wanted
