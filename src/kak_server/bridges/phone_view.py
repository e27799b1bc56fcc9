"""What consoles show of their positions' phones. Shapes are those of docs/integrators/position-api.md."""

from typing import Any

from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Tell
from kak_server.bridges.phones import Phones
from kak_server.model.ids import PositionId

View = dict[str, Any]


class PhoneViews:
    """Tells a position of its phone when what there is to see has changed."""

    def __init__(self, ctx: Context, phones: Phones) -> None:
        self.ctx = ctx
        self.phones = phones
        self._told: dict[PositionId, View] = {}

    def state(self, position: PositionId) -> str | None:
        """How it is with the phone; None where no phone belongs to the position."""
        info = self.phones.at.get(position)
        if info is None:
            return None
        active = self.phones.active.get(position)
        if active is not None and active.calls():
            return "in-call" if active.talking is not None else "ringing"
        if not self.phones.reach.get(info.device):
            return "unregistered"
        return "registered" if self.phones.reachable(info.device) else "silent"

    def of(self, position: PositionId) -> View | None:
        """The snapshot's part, and the event's data."""
        state = self.state(position)
        if state is None:
            return None
        return {"device": self.phones.at[position].device, "serves": self.phones.serves(position), "state": state}

    def tell(self) -> None:
        """To every position whose phone looks different now."""
        changed, self.phones.changed = self.phones.changed, set()
        for position in sorted(changed):
            view = self.of(position)
            if view is not None and view != self._told.get(position):
                self._told[position] = view
                self.ctx.emit(Tell(position, "phone", view))
