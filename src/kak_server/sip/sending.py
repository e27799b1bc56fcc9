"""Requests of ours on their way: located, sent, and sent elsewhere when nobody answers (RFC 3263 4.3, RFC 3261 18.1.1).

A request goes straight over the peer's connection where that still stands, or to an address; a name is located first.
Each further target is a transaction of its own (another branch), as RFC 3263 4.3 wants it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kak_server.sip import build
from kak_server.sip.api import Flow, Locate, Target
from kak_server.sip.client_transactions import ClientEntry, ClientTransactions, OnResponse, ResumedState
from kak_server.sip.context import Context
from kak_server.sip.dead_targets import DeadTargets
from kak_server.sip.dialog import Outgoing
from kak_server.sip.parser import Response

MAX_UNLOCATED = 10_000  # waiting for the DNS; further ones go where the peer's requests came from

_HASTY_TARGETS = 2

OnFinal = Callable[[int, Response | None], None]  # the status, and what came: None for a 408 of our own
OnAttempt = Callable[[Outgoing], None]


@dataclass(slots=True)
class Delivery:
    """One request and where it may still go."""

    outgoing: Outgoing
    owner: str
    on_final: OnFinal
    give_up_ms: int = 0  # for the whole of it; 0: as long as the transaction lives
    on_response: OnResponse | None = None
    on_attempt: OnAttempt | None = None
    begins: bool = False
    targets: list[Target] = field(default_factory=list)
    current: Target | None = None


class Sending:
    """All requests of ours that have no answer yet."""

    def __init__(self, context: Context, clients: ClientTransactions) -> None:
        self._context = context
        self._clients = clients
        self._dead = DeadTargets(context.settings.dead_target_ms)
        self._unlocated: dict[str, Delivery] = {}  # by the first branch
        self._running: dict[str, Delivery] = {}  # by branch

    def __len__(self) -> int:
        return len(self._unlocated)

    def send(
        self,
        outgoing: Outgoing,
        owner: str,
        on_final: OnFinal,
        *,
        give_up_ms: int = 0,
        on_response: OnResponse | None = None,
        on_attempt: OnAttempt | None = None,
        begins: bool = False,
    ) -> None:
        """Send it; `on_final` hears the final status once, 408 without a response when none came.

        `on_response` is for an INVITE, and hears its provisional answers and every 2xx, those after the first and from
        places given up before too (`ClientTransactions`). `on_attempt` hears of each copy that is about to leave for
        another place, with the branch and the flow it has: the moment to journal it. `begins`: it is to make a call,
        and nothing is lost yet where it cannot be delivered.
        """
        self._locate(Delivery(outgoing, owner, on_final, give_up_ms, on_response, on_attempt, begins))

    def send_once(self, outgoing: Outgoing) -> None:
        """Send what has no answer: an ACK for a 2xx. It goes to the first target."""
        self._locate(Delivery(outgoing, "", lambda _status, _response: None))

    def forget(self, owner: str) -> None:
        """What the owner still has to be located is not to be sent any more."""
        for key in [key for key, delivery in self._unlocated.items() if delivery.owner == owner]:
            del self._unlocated[key]
            self._context.disarm("send", key, "locate")

    def end_later(self, branch: str) -> None:
        """What asked is over. Its answer is still heard, and acknowledged, for 64*T1: an INVITE that has had a
        provisional answer would wait for ever."""
        self._context.arm("send", branch, "end", self._context.times.give_up_ms)

    def stay(self, branch: str) -> None:
        """A request goes to no other place any more; its answer is still waited for."""
        delivery = self._running.get(branch)
        if delivery is not None:
            delivery.targets.clear()
            for name in ("failover", "give-up"):
                self._context.disarm("send", branch, name)

    def drop(self, branch: str) -> None:
        """Nobody waits for the final answer to a request any more; its transaction is the caller's to end."""
        self._forget(branch)

    def adopt(self, outgoing: Outgoing, owner: str, on_final: OnFinal) -> None:
        """An INVITE that was given up counts again: its final answer is waited for."""
        self._running[outgoing.branch] = Delivery(outgoing, owner, on_final)

    def resume(
        self,
        outgoing: Outgoing,
        owner: str,
        on_final: OnFinal,
        on_response: OnResponse,
        state: ResumedState,
        *,
        give_up_ms: int = 0,
    ) -> None:
        """After a restart: an INVITE without a final answer, as `ClientTransactions.resume`."""
        flow = outgoing.flow
        current = Target(flow.transport, flow.host, flow.port, flow.domain)
        delivery = Delivery(outgoing, owner, on_final, give_up_ms, on_response, current=current)
        self._running[outgoing.branch] = delivery
        if give_up_ms and state == "calling":
            self._context.arm("send", outgoing.branch, "give-up", give_up_ms)
        self._clients.resume(outgoing, owner, on_response, state)

    def _locate(self, delivery: Delivery) -> None:
        outgoing = delivery.outgoing
        if outgoing.flow.transport != "udp" and self._context.alive(outgoing.flow):
            self._start(delivery)
        elif outgoing.want is not None and len(self._unlocated) < MAX_UNLOCATED:
            self._unlocated[outgoing.branch] = delivery
            self._context.arm("send", outgoing.branch, "locate", self._context.settings.locate_timeout_ms)
            self._context.out.append(Locate(outgoing.branch, outgoing.want))
        else:
            self._try(delivery, ())

    def located(self, key: str, targets: tuple[Target, ...]) -> None:
        """The answer to a Locate: targets in order, none when the name leads nowhere."""
        delivery = self._unlocated.pop(key, None)
        if delivery is None:
            return  # too late: it has gone to where the peer's requests come from
        self._context.disarm("send", key, "locate")
        if not targets:
            name = delivery.outgoing.want.host if delivery.outgoing.want is not None else ""
            self._context.count("sip_not_located", detail=f"{name[:120]}: using the peer's own address")
        self._try(delivery, self._dead.order(targets, self._context.now_ms))

    def timer(self, key: str, name: str) -> None:
        """A timer armed here has fired."""
        if name == "locate":
            self.located(key, ())
            return
        delivery = self._running.get(key)
        entry = self._clients.asked(key)
        if delivery is None or entry is None:
            return
        if name == "end":
            self._clients.abandon(key)
            self._forget(key)
        elif name == "give-up":
            # A provisional answer to an INVITE is a sign of life: the callee may take his time
            if entry.method != "INVITE" or not entry.answered:
                if delivery.current is not None:
                    self._dead.mark(delivery.current, self._context.now_ms)
                self._clients.withdraw(key)
                self._over(delivery, key, 408, None)
        elif not entry.answered and delivery.targets:
            self._clients.withdraw(key)
            self._next(delivery, key)

    def final(self, entry: ClientEntry, status: int) -> None:
        """A transaction has its answer, or has given up."""
        delivery = self._running.get(entry.key)  # of a CANCEL there is none
        if delivery is None:
            return
        # 4.3: no answer and 503 both mean the next one; a target that answers otherwise has spoken for all
        failed = status == 503 or not entry.answered
        if failed and delivery.targets:
            self._next(delivery, entry.branch)
            return
        if delivery.current is not None:
            if failed:
                self._dead.mark(delivery.current, self._context.now_ms)
            else:
                self._dead.clear(delivery.current)
        self._over(delivery, entry.branch, status, entry.response)

    def unreachable(self, flow: Flow) -> None:
        """The shell could not reach an address at all: what goes there goes elsewhere, where there is an elsewhere.
        Otherwise the transaction waits: an address that refuses for a moment must not end a call."""
        place = (flow.transport, flow.host, flow.port)
        for branch, delivery in list(self._running.items()):
            current = delivery.current
            if current is None or (current.transport, current.host, current.port) != place:
                continue
            entry = self._clients.asked(branch)
            if entry is None or entry.answered:
                continue
            self._dead.mark(current, self._context.now_ms)
            if delivery.targets:
                self._clients.withdraw(branch)
                self._next(delivery, branch)
            elif delivery.begins and (delivery.give_up_ms or flow.transport != "udp"):
                # A call is only begun: it is told at once, and on a stream nothing would be repeated (8.1.3.1)
                self._clients.abandon(branch)
                self._over(delivery, branch, 408, None)

    def _try(self, delivery: Delivery, targets: tuple[Target, ...]) -> None:
        outgoing = delivery.outgoing
        if not targets:
            fallback = outgoing.redial if outgoing.redial is not None else outgoing.flow
            if not fallback.host:  # a name that leads nowhere, and nobody has ever written from there
                delivery.on_final(408, None)
                return
            targets = (Target(fallback.transport, fallback.host, fallback.port, fallback.domain),)
        sized = self._sized(outgoing, targets)
        # Once more: a peer that takes no TCP must not cost every large request the time to find out
        delivery.targets = list(self._dead.order(tuple(sized), self._context.now_ms))
        if delivery.begins and delivery.give_up_ms:
            del delivery.targets[_HASTY_TARGETS:]  # there is another way: not all of this one's places have their turn
        self._next(delivery, "")

    def _sized(self, outgoing: Outgoing, targets: tuple[Target, ...]) -> list[Target]:
        """18.1.1: what is too large for a datagram goes over TCP, and over UDP only when TCP does not get through; not
        where the trunk's address asks for UDP by name."""
        if outgoing.datagram or len(outgoing.data) <= self._context.settings.udp_request_bytes:
            return list(targets)
        sized: list[Target] = []
        for target in targets:
            if target.transport == "udp" and self._listener(outgoing, replace(target, transport="tcp")) is not None:
                sized.append(replace(target, transport="tcp"))
            sized.append(target)
        return list(dict.fromkeys(sized))

    def _listener(self, outgoing: Outgoing, target: Target) -> str | None:
        return self._context.settings.listener_for(target.transport, target.host, outgoing.flow.listener)

    def _next(self, delivery: Delivery, branch: str) -> None:
        """The next target; `branch` is that of the attempt that failed, "" before the first."""
        context = self._context
        if branch:
            self._forget(branch)
            if delivery.current is not None:
                self._dead.mark(delivery.current, context.now_ms)
            context.count("sip_failover", method=delivery.outgoing.method)
        target = delivery.targets.pop(0)
        listener = self._listener(delivery.outgoing, target) or delivery.outgoing.flow.listener
        flow = Flow(target.transport, target.host, target.port, listener, 0, target.domain)
        fresh = build.COOKIE + context.new_id("branch") if branch else delivery.outgoing.branch
        delivery.current = target
        delivery.outgoing = replace(delivery.outgoing, flow=flow, redial=None, branch=fresh)
        self._start(delivery)

    def _start(self, delivery: Delivery) -> None:
        context, branch = self._context, delivery.outgoing.branch
        if delivery.outgoing.method == "ACK":
            context.send(delivery.outgoing.data, delivery.outgoing.flow, delivery.outgoing.redial)
            return
        if delivery.on_attempt is not None:
            delivery.on_attempt(delivery.outgoing)
        self._running[branch] = delivery
        if delivery.targets:
            context.arm("send", branch, "failover", context.settings.failover_ms)
        elif delivery.give_up_ms:
            context.arm("send", branch, "give-up", delivery.give_up_ms)
        self._clients.request(delivery.outgoing, delivery.owner, delivery.on_response)

    def _over(self, delivery: Delivery, branch: str, status: int, response: Response | None) -> None:
        self._forget(branch)
        delivery.on_final(status, response)

    def _forget(self, branch: str) -> None:
        self._running.pop(branch, None)
        self._context.disarm("send", branch, "failover")
        self._context.disarm("send", branch, "give-up")
        self._context.disarm("send", branch, "end")
