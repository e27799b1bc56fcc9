"""Our own requests: which machine a response belongs to, and the machines' effects carried out (RFC 3261 17.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kak_server.sip import build, client_invite, client_non_invite
from kak_server.sip.client_invite import ClientInvite
from kak_server.sip.client_non_invite import ClientNonInvite
from kak_server.sip.context import Context
from kak_server.sip.dialog import Outgoing
from kak_server.sip.machine import Arm, Deliver, Disarm, Effect, Final, Over, Transmit
from kak_server.sip.parser import Response

ResumedState = Literal["calling", "proceeding", "accepted"]
OnResponse = Callable[[Response], None]
_TIMERS = ("A", "B", "C", "D", "M", "E", "F", "K")


@dataclass(slots=True)
class ClientEntry:
    """One request of ours. `key` is the branch; of a CANCEL, which borrows its INVITE's, the branch and the method."""

    key: str
    branch: str
    machine: ClientInvite | ClientNonInvite
    outgoing: Outgoing
    owner: str
    on_response: OnResponse | None
    answered: bool = False  # a response has come, if only a provisional one
    response: Response | None = None  # the one at hand; None when no answer came in time

    @property
    def method(self) -> str:
        """Of the request."""
        return self.outgoing.method


OnFinal = Callable[[ClientEntry, int], None]


class ClientTransactions:
    """The requests of one core that have no final answer, or whose repeated answers are still to be taken.

    `on_final` hears the final status of each once, 408 when there was none; the response is in the entry. Of an INVITE
    its own `on_response` hears besides of every provisional and every 2xx, repeated and forked ones too: the user sends
    the ACK. Refusals are acknowledged here.
    """

    def __init__(self, context: Context, on_final: OnFinal) -> None:
        self._context = context
        self._on_final = on_final
        self.trunk_of: Callable[[str], str] = lambda _owner: ""  # the core tells: the trunk of a call
        self._entries: dict[str, ClientEntry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def request(self, outgoing: Outgoing, owner: str, on_response: OnResponse | None = None) -> None:
        """Send a request of ours and see it through."""
        reliable = outgoing.flow.transport != "udp"
        start = client_invite.start if outgoing.method == "INVITE" else client_non_invite.start
        machine, effects = start(outgoing.data, reliable, self._context.times)
        entry = ClientEntry(
            _key(outgoing.branch, outgoing.method), outgoing.branch, machine, outgoing, owner, on_response
        )
        self._entries[entry.key] = entry
        self._apply(entry, machine, effects)

    def resume(
        self,
        outgoing: Outgoing,
        owner: str,
        on_response: OnResponse,
        state: ResumedState,
    ) -> None:
        """After a restart: an INVITE that the old process had sent. "calling": it goes out again, being a copy; in
        the other states the answers that are still to come are heard."""
        if state == "calling":
            self.request(outgoing, owner, on_response)
            return
        machine = ClientInvite(outgoing.flow.transport != "udp", self._context.times, b"", state)
        entry = ClientEntry(outgoing.branch, outgoing.branch, machine, outgoing, owner, on_response, answered=True)
        self._entries[entry.key] = entry
        if state == "accepted":
            self._context.arm("client", entry.key, "M", self._context.times.give_up_ms)

    def response(self, response: Response) -> bool:
        """A response came in; False when it answers nothing of ours (17.1.3: branch and CSeq method)."""
        method = response.cseq.method
        entry = self._entries.get(_key(response.via.branch, method))
        if entry is None or method != entry.method:
            return False
        entry.answered = True
        entry.response = response
        machine, status = entry.machine, response.status
        if isinstance(machine, ClientInvite):
            ack = entry.outgoing.within("ACK", to=response.get("to") or "").data if status >= 300 else b""
            self._apply(entry, *client_invite.on_response(machine, status, ack))
        else:
            self._apply(entry, *client_non_invite.on_response(machine, status))
        entry.response = None
        return True

    def asked(self, branch: str) -> ClientEntry | None:
        """The request of ours with this branch (a CANCEL is not found)."""
        return self._entries.get(branch)

    def cancel(self, branch: str, headers: build.Headers = ()) -> None:
        """Send a CANCEL for the INVITE with this branch, to which a provisional answer must have come (9.1)."""
        entry = self._entries.get(branch)
        if entry is None or not isinstance(entry.machine, ClientInvite) or self.cancelled(branch):
            return
        self._apply(entry, *client_invite.cancel(entry.machine))
        self.request(entry.outgoing.within("CANCEL", extra=headers), entry.owner)

    def cancelled(self, branch: str) -> bool:
        """Whether a CANCEL for the INVITE with this branch is on its way."""
        return _key(branch, "CANCEL") in self._entries

    def abandon(self, branch: str) -> None:
        """Forget a request of ours; a late answer to it is a stray."""
        if self._entries.pop(branch, None) is not None:
            for name in _TIMERS:
                self._context.disarm("client", branch, name)

    def withdraw(self, branch: str) -> None:
        """The request goes elsewhere. An INVITE goes on by itself: whoever has had it may ring, and only copies of it
        bring the provisional answer that lets us cancel (9.1); a 2xx is to be acknowledged. Others are forgotten."""
        entry = self._entries.get(branch)
        if entry is not None and not isinstance(entry.machine, ClientInvite):
            self.abandon(branch)

    def timer(self, key: str, name: str) -> None:
        """A timer of a transaction fired."""
        entry = self._entries.get(key)
        if entry is None:
            return
        machine = entry.machine
        if isinstance(machine, ClientInvite):
            after, effects = client_invite.on_timer(machine, name)
            self._count_repeats(entry, effects)
            self._apply(entry, after, effects)
        else:
            next_machine, effects = client_non_invite.on_timer(machine, name)
            self._count_repeats(entry, effects)
            self._apply(entry, next_machine, effects)

    def _count_repeats(self, entry: ClientEntry, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                self._context.count("sip_retransmissions_out", trunk=self.trunk_of(entry.owner))

    def _apply(self, entry: ClientEntry, machine: ClientInvite | ClientNonInvite, effects: tuple[Effect, ...]) -> None:
        entry.machine = machine
        context = self._context
        for effect in effects:
            if isinstance(effect, Transmit):
                context.send(effect.data, entry.outgoing.flow, entry.outgoing.redial)
            elif isinstance(effect, Arm):
                context.arm("client", entry.key, effect.name, effect.after_ms)
            elif isinstance(effect, Disarm):
                context.disarm("client", entry.key, effect.name)
            elif isinstance(effect, Deliver):
                self._deliver(entry)
            elif isinstance(effect, Final):
                self._on_final(entry, effect.status)
            elif isinstance(effect, Over):
                self._entries.pop(entry.key, None)  # its user may have abandoned it in the meantime

    def _deliver(self, entry: ClientEntry) -> None:
        if entry.on_response is not None and entry.response is not None:
            entry.on_response(entry.response)


def _key(branch: str, method: str) -> str:
    return f"{branch}|CANCEL" if method == "CANCEL" else branch
