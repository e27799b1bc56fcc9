"""The oracle after every event: nobody waits whom somebody idle may serve, no higher class is passed over, and nobody
is asked for a contact that is not theirs to have."""

from collections.abc import Iterable
from dataclasses import replace

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State
from kak_sim import routing_oracle as oracle
from kak_sim.outward_laws import OutwardLaws

BY_NAME = ("recalled", "handed-to")
"""Why a contact waits that is offered to one operator whatever else waits."""


class OracleWatch:
    """Feed it every event with its effects and the state after it."""

    def __init__(self) -> None:
        self._waited: dict[ContactId, int] = {}  # after the event before: epoch
        self._idle: set[OperatorId] = set()  # after the event before
        self._handed: dict[
            ContactId, None
        ] = {}  # to somebody by name, and perhaps back; until somebody talks with them
        self._outwards = OutwardLaws()

    def observe(self, event: api.Event, effects: Iterable[api.Effect], state: State) -> list[str]:
        """What the step broke."""
        effects = tuple(effects)
        found = oracle.findings(state)
        found += self._outwards.observe(event, effects, state, self._idle)
        for effect in effects:
            if isinstance(effect, api.StartWaiting) and effect.reason in BY_NAME:
                self._handed[effect.contact] = None
        back = {effect.operator for effect in effects if isinstance(effect, api.LoanChanged) and effect.operator}
        for effect in effects:
            if isinstance(effect, api.Offer) and effect.contact not in self._handed:
                found += self._passed_over(state, effect)
                if effect.operator not in back:  # an offer stands when a loan ends, also in the same step
                    found += self._not_theirs(state, effect)
            elif isinstance(effect, api.Connect | api.EndContact):
                self._handed.pop(effect.contact, None)
        self._waited = {contact.contact: contact.epoch for contact in state.contacts.values() if _waits(contact)}
        self._idle = {operator.operator for operator in state.operators.values() if oracle.is_idle(operator)}
        return found

    def _passed_over(self, state: State, offer: api.Offer) -> list[str]:
        """Those who waited before and wait still, come before the contact, and could have had this operator. Whoever
        became idle in this step does not count to the room's reserve: perhaps that came after the offer."""
        asked = _asked(state, offer)
        if asked is None:
            return []
        contact, operator, idle = asked
        return [
            f"{operator.operator} was offered {contact.contact}, passing over {other.contact}"
            for other in state.contacts.values()
            if _waits(other)
            and self._waited.get(other.contact) == other.epoch
            and oracle.order(state, other) < oracle.order(state, contact)
            and oracle.may(state, other, idle, among=self._idle)
        ]

    @staticmethod
    def _not_theirs(state: State, offer: api.Offer) -> list[str]:
        """Nobody is asked who is not in reach, not able, at work for others, or for whom the contact does not wait.
        Reserves apart: who counted to one while the step looked is not to be seen."""
        asked = _asked(state, offer)
        if asked is None or oracle.may(state, asked[0], asked[2], kept=False):
            return []
        return [f"{offer.operator} was offered {offer.contact}, and is not to be asked for it"]


def _asked(state: State, offer: api.Offer) -> tuple[Contact, Operator, Operator] | None:
    """The contact of an offer of a whole one that stands, its operator, and that one as it was just before: idle."""
    contact, operator = state.contacts.get(offer.contact), state.operators.get(offer.operator)
    if contact is None or operator is None or contact.epoch != offer.epoch:
        return None
    if contact.state is not api.ContactState.OFFERED or operator.contact != contact.contact:
        return None
    return contact, operator, replace(operator, state=api.OperatorState.IDLE, contact=None)


def _waits(contact: Contact) -> bool:
    return contact.state is api.ContactState.WAITING
