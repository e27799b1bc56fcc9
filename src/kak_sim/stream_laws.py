"""Laws that hold whatever the rules are, judged on the stream of events and effects alone.

No contact is doubled or ended twice; an operator has one offer at a time and is in one call; a contact has one operator
at a time, and nobody rings for one that is over. Cheap: it looks at what a step touched.
"""

from collections.abc import Iterable

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api

OfferKey = tuple[ContactId, OperatorId]


class StreamLaws:
    """Feed it every event with its effects."""

    def __init__(self) -> None:
        self._kinds: dict[ContactId, api.ContactKind] = {}
        self._live: dict[ContactId, bool] = {}  # waits or is with somebody
        self._ended: set[ContactId] = set()
        self._offers: dict[OfferKey, int] = {}  # epoch
        self._joined: dict[ContactId, OperatorId] = {}
        self._released: dict[ContactId, OperatorId] = {}  # in this step
        self._found: list[str] = []

    def observe(self, event: api.Event, effects: Iterable[api.Effect]) -> list[str]:
        """What the step broke."""
        self._found = []
        self._released.clear()
        if isinstance(event, api.ContactArrived):
            self._kinds.setdefault(event.contact, event.kind)
        for effect in effects:
            self._see(effect, event)
        return self._found

    def _see(self, effect: api.Effect, event: api.Event) -> None:
        match effect:
            case api.StartWaiting():
                self._waits(effect)
            case api.DialOut():
                self._begin(effect.contact)
                self._joins(effect.contact, effect.operator)
            case api.Offer():
                self._offered(effect)
            case api.WithdrawOffer():
                if self._offers.pop((effect.contact, effect.operator), None) != effect.epoch:
                    self._found.append(f"{effect.contact}: an offer to {effect.operator} withdrawn that was not there")
            case api.Connect():
                if isinstance(event, api.OfferAccepted) and event.contact != effect.contact:
                    self._found.append(f"{effect.contact} connected, but {event.contact} was accepted")
                self._joins(effect.contact, effect.operator)
            case api.ReleaseOperator():
                self._released[effect.contact] = effect.operator
                if self._joined.pop(effect.contact, None) != effect.operator:
                    self._found.append(f"{effect.contact}: {effect.operator} released, who did not have it")
            case api.HolderChanged():
                if self._released.get(effect.contact) != effect.former:
                    self._found.append(f"{effect.contact} goes from {effect.former}, who did not have it")
                self._joined[effect.contact] = effect.operator
            case api.EndContact():
                self._ends(effect.contact)
            case _:
                pass

    def _begin(self, contact: ContactId) -> None:
        if contact in self._live or contact in self._ended:
            self._found.append(f"{contact} came twice")
        self._live[contact] = True

    def _waits(self, effect: api.StartWaiting) -> None:
        if effect.reason == "arrived":
            self._begin(effect.contact)
        elif effect.contact not in self._live:
            self._found.append(f"{effect.contact} waits ({effect.reason}), but is not here")
        elif effect.contact in self._joined:
            self._found.append(f"{effect.contact} waits ({effect.reason}) and is with {self._joined[effect.contact]}")

    def _offered(self, offer: api.Offer) -> None:
        if offer.contact not in self._live:
            self._found.append(f"{offer.contact} offered, but is not here")
        if offer.contact in self._joined and offer.epoch < api.INVITES:
            self._found.append(f"{offer.contact} offered while {self._joined[offer.contact]} has it")
        for contact, operator in self._offers:
            if operator == offer.operator:
                self._found.append(f"{offer.operator} offered {offer.contact} and {contact} at once")
        kind = self._kinds.get(offer.contact, api.ContactKind.VOICE)
        if kind is not api.ContactKind.CHAT and self._talks(offer.operator):
            self._found.append(f"{offer.contact} offered to {offer.operator}, who is in a call")
        self._offers[offer.contact, offer.operator] = offer.epoch

    def _talks(self, operator: OperatorId) -> bool:
        return any(
            holder == operator and self._kinds.get(contact) is not api.ContactKind.CHAT
            for contact, holder in self._joined.items()
        )

    def _joins(self, contact: ContactId, operator: OperatorId) -> None:
        if contact not in self._live:
            self._found.append(f"{contact} connected, but is not here")
        if contact in self._joined:
            self._found.append(f"{contact} connected to {operator} while {self._joined[contact]} has it")
        if self._kinds.get(contact) is not api.ContactKind.CHAT and self._talks(operator):
            self._found.append(f"{operator} is connected to two calls")
        self._joined[contact] = operator

    def _ends(self, contact: ContactId) -> None:
        if contact not in self._live:
            self._found.append(f"{contact} ended twice, or never began")
        self._live.pop(contact, None)
        self._ended.add(contact)
        if contact in self._joined:
            self._found.append(f"{contact} ended, but {self._joined[contact]} still has it")
        left = [operator for offered, operator in self._offers if offered == contact]
        if left:
            self._found.append(f"{contact} ended and still rings at {', '.join(left)}")
