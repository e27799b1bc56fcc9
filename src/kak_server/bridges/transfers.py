"""A call goes on without its operator: handed over, passed on blindly, taken by the carrier, pulled back. And peers who
ask us to call somebody in their place."""

from collections.abc import Iterator
from dataclasses import replace

from kak_server.bridges.asking import By, RefusedError
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.line import Line, Party, Referral
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, ToSip
from kak_server.bridges.parties import Parties
from kak_server.bridges.reasons import status_of
from kak_server.model.ids import CallId, ContactId
from kak_server.routing.api import (
    ContactGone,
    ContactHandedOver,
    ContactPulledBack,
    ContactState,
    TransferToQueue,
)
from kak_server.sip.api_legs import TransferAsked, TransferReport

REFER_TIMEOUT_MS = 60_000  # a carrier that says no more has not done it
TALKING = (ContactState.CONNECTED, ContactState.HELD)


class Transfers:
    """What takes an operator out of a contact, and back."""

    def __init__(self, ctx: Context, calls: Calls, parties: Parties) -> None:
        self.ctx = ctx
        self.calls = calls
        self.parties = parties

    # --- orders ---------------------------------------------------------------------------------------------------

    def leave(self, by: By, line: Line) -> None:
        """The operator leaves the others to themselves. Raises RefusedError: "nobody-else"."""
        view = self.ctx.core.contact(line.contact)
        colleagues = any(row.joined for row in view.participants) if view is not None else False
        if len(line.company()) + (not line.gone) < 2 and not colleagues:
            raise RefusedError("nobody-else", "nobody else is in the call")
        self._hand_over(by, line)

    def pass_on(self, by: By, line: Line, number: str) -> Party | None:
        """Blind: the number is dialled, the caller hears it ring, the operator is free. A number of ours leads into
        its queue (None). Raises RefusedError."""
        view = self.ctx.core.contact(line.contact)
        if view is None or view.state not in TALKING or line.gone:
            raise RefusedError("not-connected", "there is nobody to pass on")
        queue = self.calls.queue_of(number)
        if queue is not None:
            self.ctx.route(TransferToQueue(self.ctx.now_ms, by.operator, line.contact, queue.queue))
            return None
        party = self.parties.add(line, number)
        self.calls.keep(self.calls.lines[line.contact].left_alone(self.ctx.now_ms))
        self._hand_over(by, self.calls.lines[line.contact])
        return party

    def refer(self, by: By, line: Line, number: str) -> Party | None:
        """Ask the carrier to take the call there, where its trunk allows; else as `pass_on`. Raises RefusedError."""
        asked = line.referral is not None and line.referral.state != "failed"
        if asked:
            raise RefusedError("busy", "the carrier has been asked already")
        if not self.carrier_may_take(line) or self.calls.queue_of(number) is not None:
            return self.pass_on(by, line, number)
        way = self.ctx.settings.outbound.trunks_for(number)
        if way.route and not way.trunks:
            raise RefusedError("forbidden-number", f"{number} must not be called from here")
        self.calls.keep(replace(line, referral=Referral(way.number or number)))
        self.ctx.emit(ToSip("refer", line.call, target=way.number or number))
        self.ctx.emit(SetTimer(f"refer/{line.contact}", self.ctx.now_ms + REFER_TIMEOUT_MS))
        return None

    def carrier_may_take(self, line: Line) -> bool:
        """Whether its trunk takes a REFER, and nobody else is in the call."""
        alone = not any(party.live for party in line.parties) and not line.gone and line.answered
        return alone and line.trunk in self.ctx.settings.refer_trunks

    def pull_back(self, by: By, contact: ContactId) -> None:
        """Join the call again; the routing core says whether this operator may."""
        self.ctx.route(ContactPulledBack(self.ctx.now_ms, by.operator, contact))

    def _hand_over(self, by: By, line: Line) -> None:
        for party in line.parties:
            if party.live and party.private:
                self.parties.set_private(self.calls.lines[line.contact], party, False)
        self.ctx.route(ContactHandedOver(self.ctx.now_ms, by.operator, line.contact))

    # --- the carrier's answers to a REFER of ours -----------------------------------------------------------------

    def reported(self, event: TransferReport) -> ContactId | None:
        """How it goes; when it fails we call ourselves. Returns the contact to redraw."""
        contact = self.calls.by_call.get(event.call)
        line = self.calls.lines.get(contact) if contact is not None else None
        if line is None or line.referral is None or line.referral.state == "failed":
            return None
        if not event.final:
            self.calls.keep(replace(line, referral=replace(line.referral, state="trying")))
            self.ctx.emit(SetTimer(f"refer/{line.contact}", self.ctx.now_ms + REFER_TIMEOUT_MS))
            return line.contact
        self.ctx.emit(CancelTimer(f"refer/{line.contact}"))
        if event.status < 300:
            self.ctx.route(ContactGone(self.ctx.now_ms, line.contact, "transferred"))
            return None
        self.refer_failed(line, event.status)
        return line.contact

    def refer_timed_out(self, contact: ContactId) -> None:
        """Not a word from the carrier."""
        line = self.calls.lines.get(contact)
        if line is not None and line.referral is not None and line.referral.state != "failed":
            self.refer_failed(line, 408)

    def refer_failed(self, line: Line, status: int) -> None:
        """The carrier did not do it: we call the number ourselves, if the operator still has the call."""
        assert line.referral is not None
        number = line.referral.number
        self.ctx.emit(Note("refer_failed", "warning", {"contact": line.contact, "status": status}))
        line = replace(line, referral=replace(line.referral, state="failed"))
        self.calls.keep(line)
        view = self.ctx.core.contact(line.contact)
        if view is None or view.operator is None or view.position is None:
            return
        try:
            self.pass_on(By(view.operator, view.position), line, number)
        except RefusedError as refusal:
            self.ctx.emit(Note("transfer_refused", "warning", {"contact": line.contact, "code": refusal.code}))

    # --- a peer wants us to call somebody -------------------------------------------------------------------------

    def asked(self, event: TransferAsked) -> ContactId | None:
        """REFER from a peer: allowed from some trunks and from our own devices, who could otherwise run up any bill.
        Returns the contact to redraw."""
        line, trunk = self._who_asks(event.call)
        if line is None or not self._may_ask(line, trunk):
            self.ctx.emit(ToSip("reject_transfer", event.call, status=603, reason="transfers are not taken from here"))
            self.ctx.emit(Note("transfer_refused", "warning", {"call": event.call, "code": "not-allowed"}))
            return None
        if event.replaces is not None:  # both ends are calls of ours: joining two contacts is an operator's to do
            self.ctx.emit(ToSip("reject_transfer", event.call, status=501, reason="calls of ours are not joined so"))
            self.ctx.emit(Note("transfer_refused", "warning", {"call": event.call, "code": "replaces-ours"}))
            return None
        try:
            party = self.parties.add(line, event.target, asked=event)
        except RefusedError as refusal:
            self.ctx.emit(ToSip("reject_transfer", event.call, status=404, reason=str(refusal)))
            self.ctx.emit(Note("transfer_refused", "warning", {"call": event.call, "code": refusal.code}))
            return None
        self.ctx.emit(ToSip("accept_transfer", event.call))
        self.ctx.emit(Note("transfer_accepted", fields={"call": event.call, "party": party.id}))
        return line.contact

    def tell_asker(self, party: Party, status: int) -> None:
        """Progress or outcome of a call that somebody asked us for, to whoever asked (RFC 3515 section 2.4.5)."""
        if party.asked_by is not None and party.asked_by in self._calls():
            self.ctx.emit(ToSip("report_transfer", party.asked_by, status=status))

    def tell_failure(self, party: Party, cause: str) -> None:
        """The same, when it came to nothing."""
        if not party.talks:
            self.tell_asker(party, status_of(cause))

    def _calls(self) -> set[CallId]:
        return {*self.calls.by_call, *self.parties.by_call}

    def _who_asks(self, call: CallId) -> tuple[Line | None, str]:
        if (found := self.parties.find(call)) is not None:
            return found[0], found[1].trunk
        contact = self.calls.by_call.get(call)
        line = self.calls.lines.get(contact) if contact is not None else None
        return line, line.trunk if line is not None else ""

    def _may_ask(self, line: Line, trunk: str) -> bool:
        view = self.ctx.core.contact(line.contact)
        talking = view is not None and view.state in (*TALKING, ContactState.HANDED_OVER)
        return talking and trunk in self.ctx.settings.transfer_trunks

    # --- reading --------------------------------------------------------------------------------------------------

    def alone(self) -> Iterator[Line]:
        """Contacts that go on without an operator."""
        for line in self.calls.lines.values():
            if line.parties:  # nobody is handed over to nobody
                row = self.ctx.core.state.contacts.get(line.contact)
                if row is not None and row.state is ContactState.HANDED_OVER:
                    yield line
