"""Who waits for one operator alone goes on waiting, whatever else that operator is asked and does not take.

They are let go to others when the operator leaves, can be asked no more or goes elsewhere; a no or a silence to an
invitation, or to a chat that somebody hands on, is none of these.
"""

from collections.abc import Iterator

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.state import State

DECLINED = ("rejected", "expired", "dropped", "gives-way")
DECLINING = (api.OfferRejected, api.ColleagueDropped, api.TimerFired)


class AloneLaws:
    """Feed it every event with its effects and the state after it."""

    def __init__(self) -> None:
        self._waits: dict[ContactId, OperatorId] = {}

    def observe(self, event: api.Event, effects: tuple[api.Effect, ...], state: State) -> Iterator[str]:
        """What the step broke."""
        if self._waits and isinstance(event, DECLINING):
            yield from self._let_go(effects, state)
        self._waits = {ContactId(key[-1]): name for name, keys in state.index.named.items() for key in keys}

    def _let_go(self, effects: tuple[api.Effect, ...], state: State) -> Iterator[str]:
        absent = {effect.operator for effect in effects if isinstance(effect, api.MadeNotReady)}
        for effect in effects:
            if not isinstance(effect, api.WithdrawOffer) or effect.epoch < api.INVITES or effect.reason not in DECLINED:
                continue
            there = effect.operator in state.operators and effect.operator not in absent
            for contact in [contact for contact, name in self._waits.items() if there and name == effect.operator]:
                row = state.contacts.get(contact)
                if row is not None and row.state is api.ContactState.WAITING and row.named != effect.operator:
                    yield f"{contact} waits no longer for {effect.operator}, who did not take {effect.contact}"
