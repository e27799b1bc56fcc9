"""The SIP room: bytes and time in, outputs out (RFC 3261 as the called side, and BYE and OPTIONS as the asking one).

Call a method, then `drain` and carry the outputs out in order, then re-arm one timer for `next_timer_at_ms`. All
times are UTC milliseconds. Nothing a peer sends raises; a command for a call that is over returns False.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

from kak_server.model.codec import Json
from kak_server.model.ids import CallId
from kak_server.sip import build
from kak_server.sip.admission import KNOWN_METHODS, Admission, Refusal
from kak_server.sip.api import CallView, Count, Flow, Output, SipSettings, Target, TrunkSettings
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import Dial
from kak_server.sip.bindings import Binding
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.devices import DeviceCalls
from kak_server.sip.dialogs import Dialogs
from kak_server.sip.ending import Ending
from kak_server.sip.health import Health
from kak_server.sip.inbound import Inbound
from kak_server.sip.indialog import InDialog
from kak_server.sip.orders import CallOrders
from kak_server.sip.outgoing import OutgoingCalls
from kak_server.sip.parser import Request, Response
from kak_server.sip.reception import Reception
from kak_server.sip.registrar import RECORDS as REGISTRATIONS
from kak_server.sip.registrar import Registrar
from kak_server.sip.restore import restore_call
from kak_server.sip.trace import SipTrace, TraceLimits
from kak_server.sip.transactions import server_key

_REQUESTS = {method: Count("sip_requests", {"method": method}) for method in KNOWN_METHODS}
_OTHER_REQUESTS = Count("sip_requests", {"method": "other"})
DUE_AT_ONCE = 100  # timers handled in one waking: some milliseconds' work, when those of a busy second end together


class SipCore(CallOrders):
    """One SIP endpoint. `new_id(kind)` gives fresh tokens for the kinds "call", "tag", "branch" and "call-id".

    `trace` is told of each whole message that comes in; what goes out the shell tells it, when it does.
    """

    def __init__(self, settings: SipSettings, new_id: Callable[[str], str], trace: SipTrace | None = None) -> None:
        self.trace = trace if trace is not None else SipTrace(TraceLimits(messages=0))
        self._settings = settings
        self._context = Context(settings, new_id)
        self._table = CallTable()
        self._admission = Admission(settings)
        self._ending = Ending(self._context, self._table)
        self._transactions = self._ending.transactions
        self._transactions.clients.trunk_of = self._trunk_of
        self._dialogs = Dialogs(self._context, self._table, self._ending)
        self._answering = self._dialogs.answering
        self._inbound = Inbound(
            self._context, self._table, self._admission, self._ending, self._answering, self._dialogs
        )
        self._health = Health(self._context, self._ending.sending)
        self._outgoing = OutgoingCalls(self._context, self._table, self._ending, self._health, self._dialogs.refreshing)
        self._dialogs.replacing.withdraw = self._outgoing.withdraw
        self._indialog = InDialog(
            self._context,
            self._table,
            self._admission,
            self._ending,
            self._dialogs,
            self._inbound,
            self._outgoing.early,
        )
        registrar = self._registrar = Registrar(self._context, self._admission, self._transactions)
        self._outgoing.binding_of = registrar.binding
        self._device_calls = DeviceCalls(self._context, registrar.peers, registrar.gate, registrar.is_bound)
        self._reception = Reception(
            self._context, self._admission, registrar.peers, self.trace, self._request, self._response
        )

    def serve(self, settings: SipSettings) -> None:
        """Other numbers are served, others of them are for emergencies; calls that are there stay. Nothing else of the
        settings is looked at."""
        kept = replace(
            self._settings,
            numbers=settings.numbers,
            emergency_numbers=settings.emergency_numbers,
            emergency_fallback=settings.emergency_fallback,
        )
        others = kept.numbers != self._settings.numbers
        self._settings = self._context.settings = kept
        if others:  # seldom: no table is made anew for nothing
            self._admission.serve(kept)
        self._inbound.serve(kept)

    # --- what comes in --------------------------------------------------------------------------------------------

    def datagram(self, data: bytes, flow: Flow, now_ms: int) -> None:
        """A UDP datagram. Afterwards drain."""
        self._context.now_ms = now_ms
        self._reception.datagram(data, flow)

    def stream_opened(self, flow: Flow, certificate: tuple[str, ...] = ()) -> None:
        """A connection is up; `certificate` are the names in the peer's verified certificate, in lower case."""
        self._reception.stream_opened(flow, certificate)

    def stream_data(self, data: bytes, flow: Flow, now_ms: int) -> None:
        """Bytes off a TCP connection. Afterwards drain; a Close among the outputs ends the connection."""
        self._context.now_ms = now_ms
        self._reception.stream_data(data, flow)

    def stream_closed(self, flow: Flow, now_ms: int) -> None:
        """The connection has gone; later answers for it go over a new one to where the Via or the Contact points."""
        self._context.now_ms = now_ms
        self._reception.stream_closed(flow)

    def unreachable(self, flow: Flow, now_ms: int) -> None:
        """No way to the flow's address: what was on its way there goes to the next target, where there is one."""
        self._context.now_ms = now_ms
        self._ending.sending.unreachable(flow)

    def located(self, key: str, targets: tuple[Target, ...], now_ms: int) -> None:
        """The answer to a Locate output; no targets when the search failed. Afterwards drain."""
        self._context.now_ms = now_ms
        self._ending.sending.located(key, targets)

    def known_peer(self, host: str) -> bool:
        """Whether an address is one of a trunk's or a device's, whatever else is demanded of it."""
        return bool(self._admission.trunks_at(host) or self._registrar.peers.at(host))

    def certificate_names(self, host: str) -> tuple[str, ...]:
        """What the certificate of a peer at an address may be called, by the trunks' settings."""
        return tuple(name.lower() for trunk in self._admission.trunks_at(host) for name in trunk.certificates)

    def unfinished_message(self, flow: Flow) -> int:
        """The ordinal of the message on this connection that is begun and not whole, 0 for none; a shell closes the
        connection when it stays the same for too long."""
        framer = self._context.streams.get((flow.listener, flow.connection))
        return framer.unfinished if framer is not None else 0

    def _trunk_of(self, owner: str) -> str:
        call = self._table.get(owner)
        return call.trunk if call is not None else ""

    def _response(self, response: Response) -> None:
        # The branch is a secret between us and whom we asked: an answer may come from an address no trunk names
        if not self._transactions.clients.response(response) and not self._dialogs.reoffering.stray(response):
            self._context.count("sip_stray_response", status=str(response.status))

    def _request(self, request: Request, trunk: TrunkSettings | None, flow: Flow) -> None:
        method = request.method
        self._context.out.append(_REQUESTS.get(method, _OTHER_REQUESTS))
        if trunk is None:
            label = method if method in KNOWN_METHODS else "other"
            self._context.count("sip_unknown_peer", detail=f"{label} from {flow.host} refused")
            if method != "ACK":
                self._reception.answer_stranger(request, flow)
            return
        entry = self._transactions.find(server_key(request))
        if entry is not None:
            self._transactions.absorb(entry, request, flow)
            if method == "INVITE":
                self._inbound.repeated_invite(entry)
            elif method == "ACK" and entry.machine.state == "accepted":
                # RFC 6026 7.1: passed on; a peer that keeps the INVITE's branch for the ACK to a 2xx
                self._answering.ack(request, flow)
        elif method == "ACK":
            self._answering.ack(request, flow)
        elif method == "CANCEL":
            self._inbound.cancel(request, flow)
        elif method == "REGISTER" and self._registrar.peers.allowed(flow):
            self._registrar.register(request, flow)
        elif (refusal := self._admission.method(request)) is not None:
            self._context.answer_stateless(request, flow, refusal.status, refusal.headers)
        elif request.to.tag:
            self._indialog.request(request, flow)
        elif method == "INVITE":
            self._invite(request, trunk, flow)
        elif method == "OPTIONS":
            self._options(request, flow)
        else:
            # BYE, INFO, UPDATE, NOTIFY belong to a dialog; a REFER outside one would make us call anybody
            self._context.answer_stateless(request, flow, 403 if method == "REFER" else 481)

    def _invite(self, request: Request, trunk: TrunkSettings, flow: Flow) -> None:
        """A trunk's call, or one of a device that has proved itself (22.2)."""
        device = self._device_calls.sender(request, trunk, flow) if self._registrar.peers.allowed(flow) else ""
        if isinstance(device, Refusal):
            self._context.answer_stateless(request, flow, device.status, device.headers)
        else:
            self._inbound.invite(request, trunk, flow, device)

    def _options(self, request: Request, flow: Flow) -> None:
        """11.2: what we can do; a trunk's ping. Answered without state, being harmless to answer twice."""
        refusal = self._admission.scheme(request, secure=flow.transport == "tls") or self._admission.extensions(request)
        if refusal is not None:
            self._context.answer_stateless(request, flow, refusal.status, refusal.headers)
            return
        headers = (("Allow", build.ALLOW), ("Accept", build.ACCEPT), ("Server", self._settings.server_name))
        self._context.answer_stateless(request, flow, 200, (*headers, ("Supported", build.SUPPORTED)))

    # --- commands of the house --------------------------------------------------------------------------------------

    def dial(self, dial: Dial, now_ms: int) -> bool:
        """Call somebody: CallProgress and CallAnswered follow, or CallEnded. An id that is known already changes
        nothing, so that the order may be repeated."""
        self._context.now_ms = now_ms
        done = self._outgoing.dial(dial)
        self._bind_trace(dial.call)
        return done

    def _bind_trace(self, call_id: CallId) -> None:
        call = self._table.get(call_id)
        if call is not None:
            number = call.incoming.caller.number if call.incoming is not None else ""
            number = call.leg.dial.target if call.leg is not None else number
            self.trace.bind(call.dialog.call_id, call.id, number, self._context.now_ms)

    def ring(self, call: CallId, now_ms: int) -> bool:
        """180 Ringing."""
        return self._command("ring", call, now_ms, self._inbound.ring)

    def progress(self, call: CallId, sdp: str, now_ms: int) -> bool:
        """183 Session Progress with early media."""
        return self._command("progress", call, now_ms, lambda found: self._inbound.progress(found, sdp))

    def answer(self, call: CallId, sdp: str, now_ms: int) -> bool:
        """200 OK with `sdp`, repeated until the ACK; CallConfirmed follows, or CallEnded "no-ack" after 64*T1."""
        return self._command("answer", call, now_ms, lambda found: self._inbound.answer(found, sdp))

    def reject(self, call: CallId, status: int, now_ms: int, reason: str = "") -> bool:
        """A final refusal; `reason` replaces the usual phrase. Raises ValueError for a status outside 400-699."""
        if not 400 <= status <= 699:
            raise ValueError(f"a refusal with status {status}")
        return self._command("reject", call, now_ms, lambda found: self._inbound.reject(found, status, reason))

    def hangup(self, call: CallId, now_ms: int, reason: str = "") -> bool:
        """End the call: BYE, once the ACK is here; 480, or CANCEL for a call of ours, when it was not answered yet.
        CallEnded "hangup" follows."""
        return self._command("hangup", call, now_ms, lambda found: self._hangup(found, reason))

    def probe(self, call: CallId, now_ms: int) -> bool:
        """Ask the peer whether it still has the dialog: ProbeAnswered, or CallEnded "gone"."""
        return self._command("probe", call, now_ms, self._probe)

    def _hangup(self, call: Call, reason: str) -> bool:
        if call.state == "pending" and call.leg is not None:
            return self._outgoing.hang_up(call, reason)
        if call.state == "pending":
            return self._inbound.reject(call, 480, reason, hangup=True)
        if call.state == "accepted":
            # 15: the called side must not send BYE before the ACK, or before it has given up waiting for it
            self._ending.hang_up_after_ack(call, reason)
            return True
        if call.state == "confirmed":
            self._ending.hang_up(call, "hangup", reason)
            return True
        return False

    def _probe(self, call: Call) -> bool:
        if call.state != "confirmed":
            return False
        self._ending.probe(call)
        return True

    # --- time, outputs, restart -------------------------------------------------------------------------------------

    def timer(self, now_ms: int) -> None:
        """Let happen what is due by `now_ms`, at most DUE_AT_ONCE: the rest is for the next waking, which is due at
        once, so that whatever came in meanwhile has its turn."""
        context = self._context
        context.now_ms = now_ms
        for who, key, name in islice(context.timers.due(now_ms), DUE_AT_ONCE):
            if who in ("server", "client"):
                self._transactions.timer(who, key, name)
                continue
            if who == "send":
                self._ending.sending.timer(key, name)
                continue
            if who == "trunk":
                self._health.on_timer(key)
                continue
            if who == "registrar":
                self._registrar.on_timer(key)
                continue
            call = self._table.get(key)
            if call is None:
                continue
            if who == "dialog":
                self._dialogs.timer(call, name)
                continue
            if who == "prack":
                self._dialogs.reliability.on_timer(call, name)
                continue
            if who == "leg":
                self._outgoing.on_timer(call, name)
                continue
            if name == "repeat-2xx":
                self._answering.on_repeat_timer(call)
            elif name == "no-ack":
                self._answering.on_no_ack_timer(call)
            elif name == "linger":
                self._ending.forget(call)
            else:
                self._inbound.waiting.on_timer(call)

    def start(self, now_ms: int) -> None:
        """The sockets are there: begin with the pings of trunks that want them. Afterwards drain."""
        self._context.now_ms = now_ms
        self._health.start()

    def load(self, lag_ms: int, waiting_bytes: int = 0) -> None:
        """How late the event loop ran last, and how much the sockets hold that is not read: while it is too late only
        emergency calls are let in."""
        self._inbound.capacity.lag(lag_ms, waiting_bytes)

    def trunk_health(self) -> dict[str, bool | None]:
        """Trunks that are asked with OPTIONS, and whether they answer; None while that is not known."""
        return self._health.alive()

    def devices(self) -> tuple[DeviceContacts, ...]:
        """Where each device can be reached, for reconciling after `restore`."""
        return self._registrar.told()

    def contacts(self, device: str) -> tuple[Binding, ...]:
        """The bindings of a device, the preferred first."""
        return self._registrar.contacts(device)

    def next_timer_at_ms(self) -> int | None:
        """When `timer` wants to be called next, or None."""
        return self._context.timers.next_due_ms()

    @property
    def now_ms(self) -> int:
        """Time of the newest input."""
        return self._context.now_ms

    def drain(self) -> list[Output]:
        """The outputs since the last drain, to be carried out in order. To be called until there are none: only then
        new calls that the house has not answered meanwhile get their 100 (17.2.1: not where a better answer comes
        within 200 ms)."""
        if not self._context.out and self._inbound.untold:
            self._inbound.tell()
        out = self._context.out
        self._context.out = []
        return out

    def restore(self, records: Mapping[str, Mapping[str, Json]], now_ms: int) -> None:
        """After a restart: take the calls out of their records ("sip/..."). Call once, before anything else.

        Established calls go on; pending ones can be answered and cancelled; unacknowledged 200s and unanswered BYEs
        go out again. A record that cannot be read is counted and left alone. Afterwards drain.
        """
        self._context.now_ms = now_ms
        for key in sorted(records):
            if not key.startswith("sip/"):
                continue
            try:
                if key.startswith(REGISTRATIONS):
                    self._registrar.restore(key, records[key])
                    continue
                call = restore_call(records[key], self._table, self._ending, self._answering, self._inbound)
                if call.leg is not None:
                    self._outgoing.resume(call)
                self._dialogs.resume(call)
                self._bind_trace(call.id)
            except ValueError as problem:
                self._context.count("sip_record_unreadable", detail=f"{key}: {problem}")

    def calls(self) -> dict[CallId, CallView]:
        """The calls there are, for reconciling after `restore`: one that is missing here is over."""
        return {call.id: view for call in self._table if (view := call.view()) is not None}

    def census(self) -> dict[str, int]:
        """What is held: all zero when everything is over."""
        return {
            "calls": len(self._table),
            "dialogs": sum(call.state not in ("pending", "refused", "cancelling", "over") for call in self._table),
            "transactions": len(self._transactions) + len(self._ending.sending),
            "timers": len(self._context.timers) - self._health.armed - self._registrar.armed,
            "streams": len(self._context.streams),
        }
