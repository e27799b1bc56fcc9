"""The event ring: numbered, acknowledged, bounded."""

from kak_server.media import rpc
from kak_server.media.worker.events import EventRing, Numbered


def event(number: int) -> rpc.Event:
    return rpc.PlayEnded(f"p{number}")


def test_events_stay_until_acknowledged() -> None:
    ring = EventRing()
    for number in range(1, 6):
        ring.append(event(number), 100 + number)
    ring.acknowledge(3)
    first, lost, pending = ring.pending()
    assert (first, lost) == (4, 0)
    assert pending == [(4, 104, event(4)), (5, 105, event(5))]
    ring.acknowledge(99)
    assert ring.pending() == (6, 0, [])
    ring.append(event(6), 106)
    assert ring.pending()[0] == 6, "an acknowledgement of the future takes nothing away"


def test_a_full_ring_counts_what_it_dropped() -> None:
    ring = EventRing(size=3)
    for number in range(1, 11):
        ring.append(event(number), 0)
    first, lost, pending = ring.pending()
    assert (first, lost, len(pending)) == (8, 7, 3)
    ring.acknowledge(5)
    assert ring.pending()[:2] == (8, 2), "five of them had been seen"


def test_the_listener_hears_at_once() -> None:
    ring = EventRing()
    heard: list[Numbered] = []
    ring.listener = heard.append
    ring.append(event(1), 5)
    assert heard == [(1, 5, event(1))]
