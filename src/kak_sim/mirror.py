"""What somebody knows who looks at a contact, an operator or a room only when the core says that it has changed.

That is how consoles live. So whatever a view shows must be told when it changes, and of nobody who is not there.
"""

from dataclasses import replace

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, LoanView, OperatorView, RoomView


class Mirror:
    """The views as of the last step, by notices alone. `agrees` says where they are not those of the core."""

    def __init__(self) -> None:
        self.contacts: dict[ContactId, ContactView] = {}
        self.rules: dict[ContactId, api.QueueConfig | None] = {}
        self.operators: dict[OperatorId, OperatorView] = {}
        self.rooms: dict[RoomId, RoomView] = {}
        self.loans: dict[str, LoanView] = {}

    def follow(self, effects: tuple[api.Effect, ...], core: RoutingCore) -> list[str]:
        """Look at what is said to have changed; who is said to and never was there."""
        found = []
        for effect in effects:
            if isinstance(effect, api.ContactChanged):
                found += self._contact(effect.contact, core)
            elif isinstance(effect, api.OperatorChanged):
                operator = core.operator(effect.operator)
                if operator is not None:
                    self.operators[effect.operator] = operator
                elif self.operators.pop(effect.operator, None) is None:
                    found.append(f"operator {effect.operator} is said to have changed and was never here")
            elif isinstance(effect, api.RoomChanged):
                self.rooms[effect.room] = core.room(effect.room)
        if self.loans or any(isinstance(effect, api.LoanChanged) for effect in effects):
            self.loans = {loan.loan: loan for loan in core.loans()}
        return found

    def _contact(self, name: ContactId, core: RoutingCore) -> list[str]:
        view = core.contact(name)
        if view is None:
            return [f"contact {name} is said to have changed and was never here"]
        if view.state is api.ContactState.ENDED:
            self.contacts.pop(name, None)
            self.rules.pop(name, None)
        else:
            self.contacts[name] = view
            self.rules[name] = core.rules_of(name)
        return []

    def agrees(self, core: RoutingCore) -> list[str]:
        """Who has changed, came or went unsaid. Looks at everybody."""
        now: dict[str, object] = {f"contact {view.contact}": view for view in core.contacts()}
        now.update((f"operator {view.operator}", _alone(view)) for view in core.operators())
        told: dict[str, object] = {f"contact {name}": view for name, view in self.contacts.items()}
        told.update((f"operator {name}", _alone(view)) for name, view in self.operators.items())
        rooms = {row.room for row in core.state.config.national.rooms} | set(self.rooms)
        now.update((f"room {room}", core.room(room)) for room in rooms)
        unsaid = {room: RoomView(room, api.RoomState.OPEN, "", None, 0) for room in rooms}
        told.update((f"room {room}", view) for room, view in {**unsaid, **self.rooms}.items())
        return [
            f"{name} is {now.get(name)}, and was last said to be {told.get(name)}"
            for name in {**now, **told}
            if now.get(name) != told.get(name)
        ]


def _alone(view: OperatorView) -> OperatorView:
    """Without what depends on who else of the room is idle: of that the core gives no notice."""
    return replace(view, reserved=False)
