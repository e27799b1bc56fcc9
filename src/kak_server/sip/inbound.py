"""A call on its way in: the INVITE outside a dialog, CANCEL, and our answers before the ACK (RFC 3261 9.2, 13.3)."""

from kak_server.model.ids import CallId
from kak_server.sip import build
from kak_server.sip.admission import Admission, Admitted, Refusal, refusal_headers
from kak_server.sip.answering import Answering
from kak_server.sip.api import CallCancelled, CallEnded, Flow, IncomingCall, SipSettings, TrunkSettings
from kak_server.sip.bodies import SDP
from kak_server.sip.call_record import to_record
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.capacity import Capacity
from kak_server.sip.context import Context
from kak_server.sip.dialog import from_invite
from kak_server.sip.dialogs import Dialogs
from kak_server.sip.emergency import EmergencyRules
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.facts import read_facts
from kak_server.sip.languages import languages_of
from kak_server.sip.location import answer_headers
from kak_server.sip.parser import Request
from kak_server.sip.server_invite import ServerInvite
from kak_server.sip.transactions import ServerEntry, server_key
from kak_server.sip.waiting import Waiting


class Inbound:
    """INVITEs from trunks, until they are answered, refused or cancelled."""

    def __init__(
        self,
        context: Context,
        table: CallTable,
        admission: Admission,
        ending: Ending,
        answering: Answering,
        dialogs: Dialogs,
    ) -> None:
        self._context = context
        self._table = table
        self._admission = admission
        self._ending = ending
        self._answering = answering
        self._refreshing = dialogs.refreshing
        self._replacing = dialogs.replacing
        reliability = self._reliability = dialogs.reliability
        reliability.answer = self.answer
        reliability.provisional = lambda call, status: self._provisional(call, status, _early_sdp(call, status))
        self._transactions = ending.transactions
        self.waiting = Waiting(context, self._provisional_again)
        self._emergency = EmergencyRules(context.settings)
        self.capacity = Capacity(context.settings, table.active_on)
        self.untold: list[Call] = []  # new calls whose INVITE has no answer of any kind

    def serve(self, settings: SipSettings) -> None:
        """Other numbers are for emergencies from now on."""
        self._emergency.serve(settings)

    def invite(self, request: Request, trunk: TrunkSettings, flow: Flow, device: str = "") -> None:
        """8.2 in order: merged, extensions, address, body; then a new call. `device` of ours it comes from, if any."""
        if self._table.of_invite(server_key(request)) is not None:
            return  # a copy that was on its way longer than the transaction lived, or than a restart took
        emergency = self._emergency.applies(request, trunk)
        if self._shed(request, trunk, flow, emergency=emergency):
            return
        merged = Refusal(482, "merged request") if self._table.merged(request) else None  # 8.2.2.2
        try:
            refusal = merged or self._admission.extensions(request) or self._refreshing.refusal(request)
            if refusal is None:
                refusal = self._admit(request, trunk, flow, device, emergency=emergency)
            if refusal is None:
                return
        except ParseError as problem:
            refusal = Refusal(problem.status, problem.problem, refusal_headers(problem.status))
        self._refuse(request, trunk, flow, refusal)

    def _admit(
        self, request: Request, trunk: TrunkSettings, flow: Flow, device: str, *, emergency: bool
    ) -> Refusal | None:
        """A call comes of it, or a refusal. Raises ParseError."""
        replaced = self._replacing.find(request, trunk, device)
        if isinstance(replaced, Refusal):
            return replaced
        called = _called_before(replaced)
        secure = flow.transport == "tls"
        anything = bool(device) or (emergency and self._context.settings.emergency_fallback)
        admitted = self._admission.invite(request, secure=secure, any_number=anything, called=called, salvage=emergency)
        if isinstance(admitted, Refusal):
            return admitted
        if admitted.problem:
            self._context.count("sip_body_salvaged", detail=f"{flow.host}: {admitted.problem}", trunk=trunk.name)
        self._begin(request, trunk, flow, admitted, device, replaced, emergency=emergency)
        return None

    def _shed(self, request: Request, trunk: TrunkSettings, flow: Flow, *, emergency: bool) -> bool:
        """Above capacity: 503 with a time to come back, which costs no transaction (8.2.7)."""
        context = self._context
        used, now_ms = self._transactions.used, context.now_ms
        why = self.capacity.refusal(trunk, flow.host, emergency=emergency, used=used, now_ms=now_ms)
        if not why:
            return False
        busy = self.capacity.too_busy(why, context.new_id("tag"))
        kind = "emergency call" if emergency else "call"
        context.count("sip_shed", detail=f"{kind} from {flow.host} not let in: {why}", trunk=trunk.name, why=why)
        context.answer_stateless(request, flow, busy.status, busy.headers)
        return True

    def _begin(
        self,
        request: Request,
        trunk: TrunkSettings,
        flow: Flow,
        admitted: Admitted,
        device: str,
        replaced: Call | None,
        *,
        emergency: bool,
    ) -> None:
        context = self._context
        local_tag = context.new_id("tag")
        facts = read_facts(request, admitted.parts, context.settings, trusted=trunk.trusted_identity)
        dialog = from_invite(request, local_tag, flow, by_flow=bool(device))
        incoming = IncomingCall(
            call=CallId(context.new_id("call")),
            trunk=trunk.name,
            called=admitted.called,
            caller=facts.caller,
            offer_sdp=admitted.offer_sdp,
            locations=facts.locations,
            user_agent=(request.get("user-agent") or "")[:120],
            sip_call_id=request.call_id,
            ipv6=":" in flow.host,
            diverted_from=facts.diverted_from,
            details=facts.details,
            references=facts.references,
            route_by_location=facts.route_by_location,
            languages=languages_of(request, admitted.offer_sdp, header=trunk.language_from_header),
            emergency=emergency,
            device=device,
            replaces=replaced.id if replaced is not None else None,
        )
        entry = self._transactions.serve(request, flow, owner=incoming.call, to_tag=local_tag, trunk=trunk.name)
        call = Call(incoming.call, incoming, entry.key, request.cseq.number, dialog, invite=entry)
        self._table.add(call)
        context.put(call.key, to_record(call))
        self.untold.append(call)
        context.count("sip_trunk_call", trunk=trunk.name)
        context.emit(incoming)

    def tell(self) -> None:
        """8.2.6.1, 17.2.1: 100 for the new calls that have had no better answer."""
        untold, self.untold = self.untold, []
        for call in untold:
            if call.state == "pending" and call.provisional == 100 and call.invite is not None:
                self._transactions.respond(call.invite, 100)

    def _refuse(self, request: Request, trunk: TrunkSettings, flow: Flow, refusal: Refusal) -> None:
        self._context.count("sip_refused", detail=f"{flow.host}: {refusal.detail}", status=str(refusal.status))
        entry = self._transactions.serve(request, flow, to_tag=self._context.new_id("tag"), trunk=trunk.name)
        self._transactions.respond(entry, refusal.status, headers=refusal.headers)

    def repeated_invite(self, entry: ServerEntry) -> None:
        """The INVITE came again after our 2xx: so the 2xx was lost, and goes out again at once."""
        call = self._table.get(entry.owner)
        if call is not None and call.awaiting is not None and call.awaiting.cseq == entry.request.cseq.number:
            self._answering.repeat(call)

    def cancel(self, request: Request, flow: Flow) -> None:
        """9.2: a CANCEL finds its INVITE by branch; after a final answer it is acknowledged and changes nothing."""
        target = self._transactions.find(server_key(request, "INVITE"))
        if target is None:
            self._context.answer_stateless(request, flow, 481)
            return
        entry = self._transactions.serve(request, flow, to_tag=target.to_tag, trunk=target.trunk)
        self._transactions.respond(entry, 200)
        call = self._table.get(target.owner)
        if call is not None and call.state == "pending":
            self.terminate(call, request)

    def terminate(self, call: Call, request: Request) -> None:
        """487 to the INVITE: `request` (a CANCEL, or a BYE in the early dialog, 15.1.2) ends the call unanswered."""
        self._ending.refuse(call, 487)
        self._context.emit(CallCancelled(call.id, (request.get("reason") or "")[:200]))

    # --- commands of the house ------------------------------------------------------------------------------------

    def ring(self, call: Call) -> bool:
        """180; again every minute until the call is answered."""
        return self._provisional(call, 180, "")

    def progress(self, call: Call, sdp: str) -> bool:
        """183 with early media; journalled, since the 200 must carry the same description (13.2.1)."""
        if call.state != "pending":
            return False
        call.local_sdp = sdp
        return self._provisional(call, 183, sdp)

    def _provisional_again(self, call: Call) -> None:
        self._provisional(call, call.provisional, _early_sdp(call, call.provisional))

    def resume(self, call: Call) -> None:
        """After a restart: the caller waits on; a repeated INVITE gets the last provisional again."""
        if call.invite is None:
            return
        provisional = self._provisional_bytes(call, call.invite, call.provisional, call.local_sdp)
        reliable = call.reliable
        if reliable is not None and not reliable.acknowledged:
            sdp = _early_sdp(call, reliable.status)
            headers = self._reliability.headers(call)
            repeated = self._provisional_bytes(call, call.invite, reliable.status, sdp, headers)
            provisional = repeated if call.provisional == reliable.status else provisional
            self._reliability.sent(call, repeated)
        machine = call.invite.machine
        if isinstance(machine, ServerInvite):
            self._transactions.resume(
                call.invite, ServerInvite(machine.reliable, machine.times, "proceeding", provisional)
            )
        if call.provisional > 100:
            self.waiting.told(call)

    def _provisional(self, call: Call, status: int, sdp: str) -> bool:
        if call.state != "pending" or call.invite is None:
            return False
        extra = self._reliability.next(call, status, sdp)
        if extra is None:
            return True  # after the PRACK that is waited for
        call.provisional = status
        data = self._provisional_bytes(call, call.invite, status, sdp, extra)
        if extra or sdp:
            self._context.put(call.key, to_record(call))
        self._transactions.send_response(call.invite, status, data)
        if extra:
            self._reliability.sent(call, data)
        self.waiting.told(call)
        return True

    def _provisional_bytes(
        self, call: Call, entry: ServerEntry, status: int, sdp: str, extra: build.Headers = ()
    ) -> bytes:
        if status == 100:
            return self._transactions.prepare(entry, 100)
        headers = [
            ("Contact", self._context.contact(entry.request, entry.source)),
            ("Allow", build.ALLOW),
            ("Server", self._context.settings.server_name),
            *answer_headers(call.incoming),
            *extra,
        ]
        if status != 183 or not sdp:
            return self._transactions.prepare(entry, status, headers=headers)
        headers.append(("Content-Type", SDP))
        return self._transactions.prepare(entry, status, headers=headers, body=sdp.encode())

    def answer(self, call: Call, sdp: str) -> bool:
        """200 with our session description."""
        if call.state != "pending" or call.invite is None:
            return False
        if self._reliability.holds(call, sdp):
            return True
        self.waiting.over(call)
        call.state = "accepted"
        agreed = call.reliable is not None and bool(call.reliable.answer_sdp)  # a PRACK has brought the answer
        late_offer = call.incoming is not None and call.incoming.offer_sdp is None and not agreed
        self._answering.accept(call, call.invite, sdp, late_offer=late_offer, initial=True, described=not agreed)
        self._replacing.answered(call)
        return True

    def reject(self, call: Call, status: int, reason: str, *, hangup: bool = False) -> bool:
        """A final answer of 400 or more; the call is over (`hangup`: the house says so, not a refusal)."""
        if call.state != "pending" or call.invite is None:
            return False
        self._ending.refuse(call, status, reason)
        self._context.emit(CallEnded(call.id, "hangup" if hangup else "rejected", reason))
        return True


def _called_before(replaced: Call | None) -> str:
    """The number of the call that is replaced: the INVITE itself is for our Contact, which has none."""
    if replaced is None:
        return ""
    if replaced.incoming is not None:
        return replaced.incoming.called
    return replaced.leg.dial.target if replaced.leg is not None else ""


def _early_sdp(call: Call, status: int) -> str:
    """The description that goes with a provisional answer."""
    return call.local_sdp if status == 183 else ""
