"""In which order rooms are asked for a contact: nearer ones first, but where it rang out those farther out come before.

Said once more from the rows alone. Of the people who were idle before the step and are so after it, nobody whose turn
came before is passed over: who has not let the contact pass comes before who has, and among the former the ring counts
(the own room, then what each widening added). After an offer that rang out, that ring and all nearer ones come last,
until somebody talks with the caller. Chats apart.

Where it rang is judged by the rules that hold when the ringing is over: a version that is published meanwhile for
everybody binds this contact, too. By such a version it may ask for more than whoever it rings at can do; then that
chair, empty or not, is none of those that are asked by now, and says nothing of them.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State
from kak_sim import routing_oracle as oracle

TIMERS = ("offer", "step", "widen", "connect")


@frozen
class Rang:
    """A contact as it rang after the step before, and at whom, as they were then."""

    row: Contact
    by_name: bool
    asked: Mapping[OperatorId, Operator]


class OutwardLaws:
    """Feed it every event with its effects, the state after it, and who was idle before."""

    def __init__(self) -> None:
        self._rang: dict[ContactId, Rang] = {}
        self._silent: dict[ContactId, RoomId | None] = {}  # where it rang out last; None: not to be seen

    def observe(
        self, event: api.Event, effects: Iterable[api.Effect], state: State, idle: Set[OperatorId]
    ) -> list[str]:
        """Whose turn had come, and who was not asked."""
        effects = tuple(effects)
        expired: dict[ContactId, list[OperatorId]] = {}
        for effect in effects:
            if isinstance(effect, api.WithdrawOffer) and effect.reason == "expired":
                expired.setdefault(effect.contact, []).append(effect.operator)
        for name, people in expired.items():
            self._rings_out(state, name, people)
        found = []
        for effect in effects:
            if isinstance(effect, api.Offer) and effect.operator in idle and effect.contact == _subject(event):
                found += self._judge(effect, state, idle)
        talks = (api.ContactState.CONNECTED, api.ContactState.HELD)
        self._silent = {
            name: room
            for name, room in self._silent.items()
            if name in state.contacts and state.contacts[name].state not in talks
        }
        self._rang = {
            contact.contact: Rang(replace(contact), contact.moves.by_name, _asked(state, contact))
            for contact in state.contacts.values()
            if contact.state is api.ContactState.OFFERED
        }
        return found

    def _rings_out(self, state: State, name: ContactId, people: list[OperatorId]) -> None:
        """Of all who were asked the farthest counts, by what the contact asks for as the ringing ends. Farther than all
        is who is not asked for it any more; where it rang out before that stands."""
        rang = self._rang.get(name)
        if rang is None or rang.by_name:  # an invitation, or asked by name alone
            return
        if all(queue.rules != rang.row.rules for queue in state.versions_of(rang.row.queue)):
            self._silent[name] = None  # it went elsewhere in the same step, and the rules went with it
            return
        rows = [rang.asked[who] for who in people]
        rings = [_ring(state, rang.row, row) for row in rows]
        farthest = max(rings)
        sets = oracle.rings(state, rang.row)
        if farthest < len(sets):
            row = rows[rings.index(farthest)]
            self._silent[name] = oracle.asked_as(state, rang.row, row, sets[farthest])

    def _judge(self, offer: api.Offer, state: State, idle: Set[OperatorId]) -> list[str]:
        contact, asked = state.contacts.get(offer.contact), state.operators.get(offer.operator)
        if contact is None or asked is None or contact.epoch != offer.epoch or contact.operator != asked.operator:
            return []
        light = contact.kind is api.ContactKind.CHAT
        if light or contact.moves.by_name or contact.named == asked.operator:
            return []
        sets = oracle.rings(state, contact)
        silent = self._silent.get(contact.contact, RoomId(""))
        if silent is None:
            return []
        behind = next((number for number, rooms in enumerate(sets, 1) if silent in rooms), 0)

        def turn(operator: Operator) -> tuple[int, int]:
            passed = operator.operator in contact.passed
            ring = oracle.ring(state, contact, operator)
            return (1, 0) if passed else (0, (ring - behind) % len(sets))

        mine = turn(asked)
        return [
            f"{contact.contact} was offered to {asked.operator}, and it was {other.operator}'s turn"
            f" (it rang out in {silent or 'no room'})"
            for other in state.operators.values()
            if other.operator in idle
            and oracle.is_idle(other)
            and turn(other) < mine
            and oracle.may(state, contact, other, among=idle)
        ]


def _asked(state: State, contact: Contact) -> dict[OperatorId, Operator]:
    """At whom it rings."""
    names = [name for name in (contact.operator, *contact.ringing) if name is not None]
    rows = [state.operators[name] for name in names]
    return {row.operator: replace(row, duty=replace(row.duty)) for row in rows}


def _ring(state: State, contact: Contact, operator: Operator) -> int:
    """The ring in which the operator is asked; how many there are if in none, or not able to."""
    needed = oracle.wish(state, contact).skills
    able = all(operator.skills.get(skill, 0) >= level for skill, level in needed.items())
    return oracle.ring(state, contact, operator) if able else len(oracle.rings(state, contact))


def _subject(event: api.Event) -> str:
    """The contact that looks for somebody in this step."""
    if isinstance(event, api.TimerFired):
        kind, _, subject = event.key.partition(":")
        return subject if kind in TIMERS else ""
    if isinstance(event, api.ContactArrived | api.OfferRejected | api.ContactDescribed):
        return event.contact
    return ""
