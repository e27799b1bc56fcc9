"""The media plans of contacts: each made once, when an input is worked off, however often it was asked for."""

from collections.abc import Mapping, Set

from kak_server.bridges.contact_plan import NO_TAPINGS, contact_plan, wanted_tracks
from kak_server.bridges.context import Context
from kak_server.bridges.line import Line
from kak_server.bridges.places import Places
from kak_server.bridges.who_hears import Guest
from kak_server.media.plan import EMPTY
from kak_server.model.ids import ContactId, PositionId
from kak_server.routing.api import ContactState
from kak_server.routing.views import ContactView

JOINED = (ContactState.CONNECTING, ContactState.CONNECTED, ContactState.HELD)


class CallPlans:
    """Of the lines there are. `keyed`: seats whose microphone is keyed towards a talkgroup."""

    def __init__(self, ctx: Context, lines: Mapping[ContactId, Line], keyed: Set[PositionId], places: Places) -> None:
        self._ctx = ctx
        self._lines = lines
        self._keyed = keyed
        self._places = places
        self._stale: dict[ContactId, None] = {}
        ctx.on_settled = self.settle

    def refresh(self, contact: ContactId) -> None:
        """Bring the worker to what this contact sounds like once the input at hand is worked off: how it sounds in
        between, nobody hears."""
        if contact in self._lines:
            self._stale[contact] = None

    def settle(self) -> None:
        """State the plans of the contacts to be refreshed, in the order in which they were named. A bug in one must
        not keep the others from theirs; it is raised in the end."""
        if not self._stale:
            return
        stale, self._stale = self._stale, {}
        problem: Exception | None = None
        for contact in stale:
            try:
                self._plan(self._lines[contact])
            except Exception as caught:  # noqa: BLE001 - raised below
                problem = problem or caught
        if problem is not None:
            raise problem

    def _plan(self, line: Line) -> None:
        contact = line.contact
        view = self._ctx.core.contact(contact)
        if is_still(line, view) and f"contact/{contact}" not in self._ctx.desk.plans:
            self._places.of(line)
            return  # as quiet as it was: thousands who wait go through the steps of a workflow
        position, epoch, held = None, 0, False
        if view is not None and view.state in JOINED:
            position, epoch, held = view.position, view.epoch, view.state is ContactState.HELD
        guests, tapings = self._guests(view), self._ctx.tapings
        if tapings.concerns(contact):
            tapings.wanted(contact, wanted_tracks(line, position, epoch, guests))
        plan = contact_plan(
            line,
            position=position,
            epoch=epoch,
            held=held,
            on_radio=position in self._keyed,
            incarnation=self._ctx.incarnation,
            handed_over=view is not None and view.state is ContactState.HANDED_OVER,
            parked=view is not None and view.state is ContactState.PARKED,
            guests=guests,
            only_rings=only_rings(line, view),
            place=self._places.of(line),
            tapings=tapings.of.get(contact, NO_TAPINGS),
        )
        self._ctx.plan(f"contact/{contact}", plan)

    def _guests(self, view: ContactView | None) -> tuple[Guest, ...]:
        if view is None or not view.participants:
            return ()
        keyed = self._keyed
        return tuple(
            Guest(row.position, row.number, row.part, row.position in keyed) for row in view.participants if row.joined
        )

    def drop(self, contact: ContactId) -> None:
        """The contact is over: at once, for its ports are free from now on."""
        self._stale.pop(contact, None)
        self._ctx.plan(f"contact/{contact}", EMPTY)
        self._ctx.tapings.over(contact)


def only_rings(line: Line, view: ContactView | None) -> bool:
    """Unanswered, and nobody is asked: there is no leg yet."""
    return not line.answered and view is not None and view.state is ContactState.WAITING


def is_still(line: Line, view: ContactView | None) -> bool:
    """One of whom the worker has nothing: it only rings, nobody is with it, nothing is to sound."""
    return (
        only_rings(line, view)
        and not (line.parties or line.video or line.patch or line.silence)
        and (view is None or not view.participants)
    )
