"""Requests we serve: which machine a message belongs to, and the machines' effects carried out (17.2, 18). Those we
send ourselves are in `client_transactions`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from kak_server.sip import build, server_invite, server_non_invite
from kak_server.sip.api import Count, Flow
from kak_server.sip.client_transactions import ClientTransactions, OnFinal
from kak_server.sip.context import Context, response_route
from kak_server.sip.machine import Arm, Disarm, Effect, Over, Transmit, Unacknowledged
from kak_server.sip.parser import Request
from kak_server.sip.server_invite import ServerInvite
from kak_server.sip.server_non_invite import ServerNonInvite

MAX_TRANSACTIONS = 100_000  # server ones; beyond it new requests are refused without state


@dataclass(slots=True)
class ServerEntry:
    """One request being served: its machine, and where the answers go."""

    key: str
    machine: ServerInvite | ServerNonInvite
    request: Request
    source: Flow
    target: Flow
    redial: Flow | None
    owner: str = ""  # the call it belongs to, "" for none
    to_tag: str = ""  # what our answers carry (8.2.6.2: the same in all of them)
    trunk: str = ""  # it came from, for the metrics
    begun_at_ms: int = 0  # 0: before a restart, nobody knows


@lru_cache(1024)
def responses(status: int) -> Count:
    """The count of an answer of ours: the most frequent of all, so made once."""
    return Count("sip_responses", {"status": str(status)})


OnOver = Callable[[ServerEntry], None]


def server_key(request: Request, method: str = "") -> str:
    """17.2.3: branch, sent-by and method (an ACK's is its INVITE's); for an RFC 2543 peer what it keeps the same."""
    if method:
        return _key(request, method)
    if not request.transaction_key:
        request.transaction_key = _key(request, "INVITE" if request.method == "ACK" else request.method)
    return request.transaction_key


def _key(request: Request, method: str) -> str:
    via = request.via
    if via.branch.startswith(build.COOKIE):
        return f"{via.branch}|{via.sent_by}|{method}"
    return f"2543|{request.call_id}|{request.sender.tag}|{request.cseq.number}|{request.uri_text}|{via.text}|{method}"


class Transactions:
    """All transactions of one core. `on_final` hears how our own requests went, `on_over` that an INVITE we served
    needs nothing more."""

    def __init__(self, context: Context, on_final: OnFinal, on_over: OnOver) -> None:
        self._context = context
        self._on_over = on_over
        self._servers: dict[str, ServerEntry] = {}
        self.clients = ClientTransactions(context, on_final)

    def __len__(self) -> int:
        return len(self._servers) + len(self.clients)

    @property
    def full(self) -> bool:
        """No room for another server transaction."""
        return len(self._servers) >= MAX_TRANSACTIONS

    @property
    def used(self) -> float:
        """Share of the server transactions that are taken; 1: full."""
        return len(self._servers) / MAX_TRANSACTIONS

    def find(self, key: str) -> ServerEntry | None:
        """The server transaction with this key."""
        return self._servers.get(key)

    def serve(self, request: Request, flow: Flow, *, owner: str = "", to_tag: str = "", trunk: str = "") -> ServerEntry:
        """A new server transaction for a request that matched none."""
        reliable = flow.transport != "udp"
        machine: ServerInvite | ServerNonInvite
        if request.method == "INVITE":
            machine = ServerInvite(reliable, self._context.times)
        else:
            machine = ServerNonInvite(reliable, self._context.times)
        target, redial = response_route(request, flow)
        begun_at_ms = self._context.now_ms
        key = request.transaction_key or server_key(request)
        entry = ServerEntry(key, machine, request, flow, target, redial, owner, to_tag, trunk, begun_at_ms)
        self._servers[entry.key] = entry
        return entry

    def resume(self, entry: ServerEntry, machine: ServerInvite) -> None:
        """After a restart: put an INVITE transaction into the state it had."""
        entry.machine = machine
        if machine.state == "accepted":
            self._context.arm("server", entry.key, "L", self._context.times.give_up_ms)

    def absorb(self, entry: ServerEntry, request: Request, flow: Flow) -> None:
        """A retransmission, or an ACK, that matches a transaction."""
        machine = entry.machine
        if request.method == "ACK":
            if isinstance(machine, ServerInvite):
                self._apply_server(entry, *server_invite.on_ack(machine))
            return
        self._context.count("sip_retransmissions", method=request.method, trunk=entry.trunk)
        if flow.transport != "udp":
            entry.target = flow  # the peer came back over another connection
        if isinstance(machine, ServerInvite):
            self._repeat_server(entry, *server_invite.on_retransmission(machine))
        else:
            self._repeat_server(entry, *server_non_invite.on_retransmission(machine))

    def respond(
        self,
        entry: ServerEntry,
        status: int,
        *,
        headers: build.Headers = (),
        body: bytes = b"",
        reason: str = "",
    ) -> None:
        """Answer through the transaction."""
        self.send_response(entry, status, self.prepare(entry, status, headers=headers, body=body, reason=reason))

    def prepare(
        self,
        entry: ServerEntry,
        status: int,
        *,
        headers: build.Headers = (),
        body: bytes = b"",
        reason: str = "",
    ) -> bytes:
        """The bytes of an answer, for a caller who must journal them before they leave."""
        return build.response(
            entry.request, status, entry.source, to_tag=entry.to_tag, headers=headers, body=body, reason=reason
        )

    def send_response(self, entry: ServerEntry, status: int, data: bytes) -> None:
        """Send what `prepare` made."""
        self._context.out.append(responses(status))
        machine = entry.machine
        if isinstance(machine, ServerInvite):
            if status >= 200 and machine.state == "proceeding" and not entry.request.to.tag:
                took_ms = self._context.now_ms - entry.begun_at_ms if entry.begun_at_ms else None
                self._context.count("sip_trunk_final", ms=took_ms, trunk=entry.trunk, status=str(status))
            self._apply_server(entry, *server_invite.on_respond(machine, status, data))
        else:
            self._apply_server(entry, *server_non_invite.on_respond(machine, status, data))

    def timer(self, who: str, key: str, name: str) -> None:
        """A timer of a transaction fired."""
        if who == "client":
            self.clients.timer(key, name)
            return
        server = self._servers.get(key)
        if server is None:
            return
        if isinstance(server.machine, ServerInvite):
            self._repeat_server(server, *server_invite.on_timer(server.machine, name))
        else:
            self._repeat_server(server, *server_non_invite.on_timer(server.machine, name))

    def _repeat_server(
        self, entry: ServerEntry, machine: ServerInvite | ServerNonInvite, effects: tuple[Effect, ...]
    ) -> None:
        """What follows from a retransmission or a timer: whatever it transmits has gone out before."""
        self._count_repeats(entry.trunk, effects)
        self._apply_server(entry, machine, effects)

    def _count_repeats(self, trunk: str, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                self._context.count("sip_retransmissions_out", trunk=trunk)

    def _apply_server(
        self, entry: ServerEntry, machine: ServerInvite | ServerNonInvite, effects: tuple[Effect, ...]
    ) -> None:
        entry.machine = machine
        context = self._context
        for effect in effects:
            if isinstance(effect, Transmit):
                context.send(effect.data, entry.target, entry.redial)
            elif isinstance(effect, Arm):
                context.arm("server", entry.key, effect.name, effect.after_ms)
            elif isinstance(effect, Disarm):
                context.disarm("server", entry.key, effect.name)
            elif isinstance(effect, Unacknowledged):
                context.count("sip_unacknowledged", detail=f"no ACK for our refusal from {entry.source.host}")
            elif isinstance(effect, Over):
                del self._servers[entry.key]
                if isinstance(machine, ServerInvite):
                    self._on_over(entry)
