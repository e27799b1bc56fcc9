"""The rings in which a contact looks for operators: the own room, then what each widening adds.

Nearer rings come first. But where an offer rang out the chairs may be empty, and so may those beside it: until somebody
talks with the contact, those farther out come before those of that ring and of all nearer ones. So absent people cost a
caller one offer for each ring, not one for each chair.
"""

from collections.abc import Iterable, Iterator

from kak_server.routing.needs import Bench, Need
from kak_server.routing.state import Contact, Operator

Behind = tuple[Bench, int]
"""A ring that has fallen behind with all nearer ones: its bench, and the lane of the contact."""


def ring_of(need: Need, operator: Operator) -> int:
    """The number of the nearest ring in which the operator is asked; how many there are if in none."""
    line = need.line
    for number, (bench, _) in enumerate(need.benches):
        if operator.crew.mask_in(bench.rooms.rooms, line.lane) & line.profile.bit:
            return number
    return len(need.benches)


def behind(contact: Contact) -> int:
    """So many rings, the nearest ones, come after all others; 0: the order is that of nearness."""
    if contact.rang_out_in is None:
        return 0
    benches = contact.need.benches
    for number, (bench, _) in enumerate(benches, 1):
        if contact.rang_out_in in bench.rooms.rooms:
            return number % len(benches)
    return 0


def place(contact: Contact, ring: int) -> int:
    """The place of a ring in the order in which the contact asks them, from 0."""
    return (ring - behind(contact)) % max(1, len(contact.need.benches))


def in_order(contact: Contact) -> Iterator[tuple[Bench, int, Behind | None]]:
    """The benches in that order with the lanes by which one looks; where there is a third, who sits on that is looked
    past: their turn comes later."""
    benches, later = contact.need.benches, behind(contact)
    if not later:
        for bench, lane in benches:
            yield bench, lane, None
        return
    last = benches[later - 1][0], contact.need.line.lane
    for bench, lane in benches[later:]:
        yield bench, lane, last
    for bench, lane in benches[:later]:
        yield bench, lane, None


def comes_later(operator: Operator, those: Behind | None) -> bool:
    """The operator belongs to the rings that have fallen behind."""
    if those is None:
        return False
    bench, lane = those
    return bool(operator.crew.mask_in(bench.rooms.rooms, lane) & bench.profile.bit)


def rang_out(contact: Contact, asked: Iterable[Operator]) -> None:
    """Nobody of those who were asked answered in time: the farthest of them counts. Who was asked by name alone was not
    asked as one of a room."""
    if contact.moves.by_name:
        return
    need = contact.need
    operator, *others = asked
    number = ring_of(need, operator)
    for one in others:
        ring = ring_of(need, one)
        if ring > number:
            number, operator = ring, one
    if number < len(need.benches):
        crew, rooms = operator.crew, need.benches[number][0].rooms.rooms
        served = crew.room in rooms and crew.mask & need.line.profile.bit
        contact.rang_out_in = crew.room if served else crew.home
