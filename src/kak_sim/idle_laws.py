"""Since when people have had nothing to do, by which it is decided who is asked first and whether a silence tells of
absence.

Since they sat down, became ready, were out of a contact that takes somebody whole, or said no or nothing to an offer,
whatever was last. An offer that is taken back, or a chat that comes or goes, changes nothing of it.
"""

from collections.abc import Iterator, Mapping

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView


class IdleLaws:
    """Feed it every step, with contacts and people as readers knew them before it. `since`: UTC ms, by operator."""

    def __init__(self) -> None:
        self.since: dict[OperatorId, int] = {}

    def observe(
        self,
        effects: tuple[api.Effect, ...],
        contacts: Mapping[ContactId, ContactView],
        people: Mapping[OperatorId, OperatorView],
        core: RoutingCore,
    ) -> Iterator[str]:
        """Who is said to have been idle for another time."""
        for effect in effects:
            match effect:
                case api.ReleaseOperator(contact=contact, operator=operator) if not _is_chat(contact, contacts, core):
                    self.since[operator] = core.now_ms
                case api.ParticipantLeft(operator=operator):
                    self.since[operator] = core.now_ms
                case api.WithdrawOffer(operator=operator, reason="expired" | "rejected"):
                    self.since[operator] = core.now_ms
                case api.OperatorChanged(operator=operator):
                    self._changed(operator, people.get(operator), core.operator(operator), core.now_ms)
        for effect in effects:
            row = core.state.operators.get(effect.operator) if isinstance(effect, api.OperatorChanged) else None
            if row is not None and row.idle_since_ms != self.since[row.operator]:
                yield f"{row.operator} is idle since {row.idle_since_ms}, and not since {self.since[row.operator]}"

    def _changed(
        self, operator: OperatorId, before: OperatorView | None, after: OperatorView | None, now_ms: int
    ) -> None:
        if after is None:
            self.since.pop(operator, None)
        elif before is None or before.duty.on_since_ms != after.duty.on_since_ms or _ready(after) > _ready(before):
            self.since[operator] = now_ms


def _is_chat(contact: ContactId, contacts: Mapping[ContactId, ContactView], core: RoutingCore) -> bool:
    view = contacts.get(contact) or core.contact(contact)
    return view is not None and view.kind is api.ContactKind.CHAT


def _ready(who: OperatorView) -> bool:
    return who.media_up and who.activity is api.Activity.AVAILABLE
