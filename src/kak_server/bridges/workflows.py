"""What a workflow's step leads to beside asking people: an announcement, a number outside."""

from dataclasses import replace

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Note
from kak_server.bridges.parties import Parties
from kak_server.model.ids import ContactId
from kak_server.routing import api as routing

LABEL = "overflow"
"""How the party is called whom a workflow calls for a caller."""


class Workflows:
    """Carries out the steps of waiting contacts."""

    def __init__(self, ctx: Context, calls: Calls, parties: Parties) -> None:
        self.ctx = ctx
        self.calls = calls
        self.parties = parties

    def announce(self, effect: routing.Announce) -> None:
        """The caller hears this from now on, instead of what was played before: for that the call is answered."""
        line = self.calls.lines.get(effect.contact)
        if line is None:
            return
        self.calls.places.taken(line.contact, effect.place)
        line = replace(line, step_prompt=effect.prompt, tells_place=effect.place > 0)
        self.calls.keep(line)
        if not line.answered:
            self.calls.answer(line)
        self.calls.refresh(line.contact)

    def overflow_out(self, effect: routing.OverflowOut) -> None:
        """Call the number for the caller, who hears it ring. If that cannot be done the caller comes back at once."""
        line = self.calls.lines.get(effect.contact)
        if line is None:
            self._failed(effect.contact, "lost")
            return
        if not line.answered:
            self.calls.answer(line)
            line = self.calls.lines[effect.contact]
        try:
            self.parties.add(line, effect.number, label=LABEL)
        except RefusedError as refused:
            fields = {"contact": effect.contact, "number": effect.number, "code": refused.code}
            self.ctx.emit(Note("overflow_failed", "error", fields))
            self._failed(effect.contact, refused.code)

    def recover(self) -> None:
        """After a restart: whoever was to be called for a caller and was not is given up, and the caller waits."""
        for view in self.ctx.core.contacts():
            line = self.calls.lines.get(view.contact)
            if view.state is routing.ContactState.HANDED_OVER and (
                line is None or (not line.gone and not any(party.live for party in line.parties))
            ):
                self._failed(view.contact, "lost")

    def _failed(self, contact: ContactId, cause: str) -> None:
        self.ctx.route(routing.HandoverFailed(self.ctx.now_ms, contact, cause))
