"""Calls of ours: INVITEs sent along one way after the other until somebody answers (RFC 3261 13.2, 9.1, RFC 3263 4.3).

What is heard on them is in `hearing`. A call has one Call-ID and one From tag on all its ways, so that whatever comes
late is known; each way has a CSeq number of its own.
"""

from collections.abc import Callable
from dataclasses import replace

from kak_server.sip import build
from kak_server.sip.api import CallEnded, TrunkSettings
from kak_server.sip.api_legs import Dial
from kak_server.sip.bindings import Binding
from kak_server.sip.calls import Call, CallTable, our_key
from kak_server.sip.client_transactions import OnResponse, ResumedState
from kak_server.sip.context import Context
from kak_server.sip.dialing import Way, check, invitation, nowhere, our_name, replaces_value, way_to
from kak_server.sip.dialog import Dialog, Outgoing
from kak_server.sip.ending import Cause, Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.health import Health
from kak_server.sip.hearing import Hearing
from kak_server.sip.leg import MAX_GIVEN_UP, Attempt, Leg, attempt_of
from kak_server.sip.parser import Response
from kak_server.sip.reason import MAX_TEXT, NO_ANSWER, NORMAL_CLEARING, Reason, answered_elsewhere, cleared, reason_of
from kak_server.sip.redirects import place_to_go
from kak_server.sip.refreshing import Refreshing
from kak_server.sip.sending import OnFinal
from kak_server.sip.uri import is_ip, parse_uri

BindingOf = Callable[[str, str], Binding | None]
_BUSY = (486, 600)
_NO_ANSWER = (408, 480, 487)


class OutgoingCalls:
    """From `dial` until the call is up, or over."""

    def __init__(
        self, context: Context, table: CallTable, ending: Ending, health: Health, refreshing: Refreshing
    ) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self._health = health
        self._refreshing = refreshing
        self._hearing = Hearing(context, table, ending, refreshing)
        self.early = self._hearing.early
        self._clients = ending.transactions.clients
        self._trunks = {trunk.name: trunk for trunk in context.settings.trunks}
        self.binding_of: BindingOf = lambda _device, _contact: None  # the registrar tells

    def dial(self, dial: Dial) -> bool:
        """Begin a call. One that is known already is left alone: the order came twice. CallEnded follows where it
        cannot even begin."""
        if self._table.get(dial.call) is not None:
            return True
        context = self._context
        try:
            name = our_name(dial, context.settings)
            check(dial)
        except ParseError as problem:
            self._impossible(dial, problem)
            return True
        call_id, tag = context.new_id("call-id"), context.new_id("tag")
        dialog = Dialog(call_id, tag, "", name, "", dial.target, (), 0, 0, nowhere(context.settings))
        until_ms = context.now_ms + dial.ring_timeout_ms
        leg = Leg(dial, left=self._in_order(dial.trunks), ring_until_ms=until_ms)
        call = Call(dial.call, None, our_key(call_id, tag), 0, dialog, local_sdp=dial.offer_sdp, leg=leg)
        self._table.add(call)
        self._ending.keep(call)
        context.arm("leg", call.id, "ring", dial.ring_timeout_ms)
        self._begin(call, leg)
        return True

    def hang_up(self, call: Call, reason: str) -> bool:
        """The house does not want the call any more, which is not answered yet."""
        self._take_back(call, "hangup", reason, NORMAL_CLEARING)
        return True

    def withdraw(self, call: Call) -> None:
        """Another call takes its place before anybody has answered (RFC 3891 section 3)."""
        self._take_back(call, "replaced", "", NORMAL_CLEARING)

    def on_timer(self, call: Call, name: str) -> None:
        """A timer of ours: nobody has answered."""
        if name == "ring" and call.state == "pending" and call.leg is not None:
            self._take_back(call, "no-answer" if call.leg.heard else "unreachable", "", NO_ANSWER)

    def resume(self, call: Call) -> None:
        """After a restart: wait for the answers that are still to come."""
        leg, context = call.leg, self._context
        if leg is None:
            return
        for old in leg.given_up:
            self._clients.resume(self._outgoing(leg, old), call.id, self._listener(call), "calling")
        attempt = leg.attempt
        if attempt is not None:  # the connection of the old process has gone
            attempt = replace(attempt, flow=replace(attempt.flow, connection=0))
            call.leg = leg = replace(leg, attempt=attempt)
        if call.state == "pending":
            context.arm("leg", call.id, "ring", max(0, leg.ring_until_ms - context.now_ms))
            if attempt is None and leg.uri:
                self._send(call, leg)
            elif attempt is None:
                self._begin(call, leg)
            else:
                call.resumed = not is_ip(parse_uri(leg.hop).host)
                hasty = leg.left or leg.dial.device or call.resumed
                self._ending.sending.resume(
                    self._outgoing(leg, attempt),
                    call.id,
                    self._on_final(call),
                    self._listener(call),
                    "proceeding" if leg.heard else "calling",
                    give_up_ms=leg.dial.attempt_timeout_ms if hasty else 0,
                )
        elif attempt is not None and call.state == "cancelling":
            state: ResumedState = "proceeding" if leg.heard else "calling"
            self._ending.sending.resume(
                self._outgoing(leg, attempt), call.id, self._on_final(call), self._listener(call), state
            )
            if leg.heard:
                self._clients.cancel(attempt.branch, (cleared(),))
        elif attempt is not None and call.accepted_at_ms + context.times.give_up_ms > context.now_ms:
            self._clients.resume(self._outgoing(leg, attempt), call.id, self._listener(call), "accepted")

    # --- one way after the other ----------------------------------------------------------------------------------

    def _begin(self, call: Call, leg: Leg) -> None:
        if leg.dial.device:
            self._go_to_device(call, leg)
        elif leg.dial.trunks:
            self._next_trunk(call, leg)
        else:
            self._go(call, leg, None)

    def _go_to_device(self, call: Call, leg: Leg) -> None:
        """A phone of ours, at one of its contacts; one that has gone meanwhile cannot be reached."""
        binding = self.binding_of(leg.dial.device, leg.dial.contact)
        if binding is None:
            self._fail(call, leg, 0, None)
            return
        uri = binding.request_uri
        self._send(call, replace(leg, uri=uri, hop=uri))

    def _over_flow(self, leg: Leg, outgoing: Outgoing) -> Outgoing:
        """RFC 5626 5.3: over the flow the phone registered from; where its connection has gone, to its contact."""
        binding = self.binding_of(leg.dial.device, leg.dial.contact) if leg.dial.device else None
        if binding is None or (binding.flow.transport != "udp" and not self._context.alive(binding.flow)):
            return outgoing
        return replace(outgoing, flow=binding.flow, want=None)

    def _in_order(self, trunks: tuple[str, ...]) -> tuple[str, ...]:
        """As the house prefers them, but those that do not answer pings last: better a try than none at all."""
        alive = self._health.alive()
        return tuple(sorted(trunks, key=lambda name: alive.get(name) is False))

    def _next_trunk(self, call: Call, leg: Leg) -> None:
        while leg.left:
            name, *left = leg.left
            leg = replace(leg, trunk=name, left=tuple(left), visited=(), challenges=0)
            trunk = self._trunks.get(name)
            if trunk is None or not trunk.address:
                self._context.count("sip_trunk_unusable", detail=f"trunk {name} takes no calls of ours", trunk=name)
            elif self._full(call, leg, trunk):
                self._context.count("sip_shed", detail=f"trunk {name} is full", trunk=name, why="dialled-full")
            else:
                self._go(call, leg, trunk)
                return
        call.leg = leg
        self._fail(call, leg, leg.status, None)

    def _full(self, call: Call, leg: Leg, trunk: TrunkSettings) -> bool:
        """Its calls of both ways are as many as it takes; an emergency call is tried all the same."""
        others = self._table.active_on(trunk.name) - (call.counted_on == trunk.name)
        return not leg.dial.emergency and 0 < trunk.max_calls <= others

    def _go(self, call: Call, leg: Leg, trunk: TrunkSettings | None) -> None:
        try:
            way = way_to(leg.dial.target, trunk)
        except ParseError as problem:
            call.leg = leg
            self._context.count("sip_not_dialled", detail=problem.problem)
            self._ending.finish(call, "refused", problem.problem)
            return
        self._send(call, replace(leg, uri=way.uri, hop=way.hop))

    def _send(self, call: Call, leg: Leg, extra: tuple[tuple[str, str], ...] = ()) -> None:
        """An INVITE for the way in the leg."""
        context, trunk = self._context, self._trunks.get(leg.trunk)
        cseq = leg.cseq + 1
        branch = build.COOKIE + context.new_id("branch")
        way = Way(leg.uri, leg.hop)
        headers = (*self._refreshing.first_headers(call), *self._replaces(leg), *extra)
        outgoing = invitation(leg.dial, way, trunk, call.dialog, cseq, branch, context.settings, headers)
        outgoing = self._over_flow(leg, outgoing)
        call.leg = replace(leg, cseq=cseq, attempt=None, heard=0, early=(), sdp="")
        context.count("sip_dialled", trunk=leg.trunk)
        if cseq > 1:
            self._ending.keep(call)  # a restart before it leaves goes this way
        self._ending.sending.send(
            outgoing,
            call.id,
            self._on_final(call),
            give_up_ms=leg.dial.attempt_timeout_ms if leg.left or leg.dial.device else 0,
            on_response=self._listener(call),
            on_attempt=lambda leaving: self._leaves(call, leaving),
            begins=True,
        )

    def _replaces(self, leg: Leg) -> tuple[tuple[str, str], ...]:
        """RFC 3891: the call takes the place of another; a peer that cannot do it must say so (Require)."""
        dial = leg.dial
        value = dial.replaces_header
        if dial.replaces is not None:
            other = self._table.get(dial.replaces)
            if other is None or other.state not in ("confirmed", "accepted"):
                return ()
            value = replaces_value(other.dialog)
        return (("Replaces", value), ("Require", "replaces")) if value else ()

    def _leaves(self, call: Call, outgoing: Outgoing) -> None:
        """An INVITE is about to leave, or leaves for the next address: journalled first."""
        leg = call.leg
        if leg is None:
            return
        given_up = leg.given_up
        if leg.attempt is not None:
            given_up = (*given_up, leg.attempt)[-MAX_GIVEN_UP:]
            call.accepted_at_ms = self._context.now_ms  # it may be answered late: remember the call for so long
        attempt, asked_at_ms = attempt_of(outgoing, leg.trunk), self._context.now_ms
        call.leg = replace(leg, attempt=attempt, heard=0, given_up=given_up, asked_at_ms=asked_at_ms)
        self._table.recount(call)
        self._ending.keep(call)

    # --- what is heard ----------------------------------------------------------------------------------------------

    def _listener(self, call: Call) -> OnResponse:
        return lambda response: self._on_response(call.id, response)

    def _on_final(self, call: Call) -> OnFinal:
        return lambda status, response: self._ended(call.id, status, response)

    def _on_response(self, owner: str, response: Response) -> None:
        """A provisional or a 2xx to any INVITE of a call."""
        call = self._table.get(owner)
        leg = call.leg if call is not None else None
        if call is None or leg is None:
            return
        branch = response.via.branch
        every = (*((leg.attempt,) if leg.attempt is not None else ()), *leg.given_up)
        attempt = next((one for one in every if one.branch == branch), None)
        if attempt is None:
            return
        if attempt == leg.attempt:
            leg = call.leg = self._heard(leg)
        try:
            if response.status >= 200:
                self._accepted(call, leg, attempt, response)
            elif call.state == "pending" and attempt == leg.attempt:
                self._hearing.progress(call, leg, attempt, response)
            else:
                self._unwanted(call, leg, attempt, response)
        except ParseError as problem:
            self._context.count("sip_malformed", detail=f"answer to our INVITE: {problem.problem}", status="response")

    def _heard(self, leg: Leg) -> Leg:
        """The first answer to an attempt, of whatever kind: how far away the trunk is."""
        if leg.asked_at_ms:
            self._context.count("sip_dial_rtt", ms=self._context.now_ms - leg.asked_at_ms, trunk=leg.trunk)
        return replace(leg, asked_at_ms=0)

    def _accepted(self, call: Call, leg: Leg, attempt: Attempt, response: Response) -> None:
        current = leg.attempt
        if call.state == "pending":
            # The first 2xx is the call, whichever way it came: who answers is not to be hung up on
            others = tuple(one for one in (*leg.given_up, current) if one is not None and one != attempt)
            leg = replace(leg, attempt=attempt, given_up=others[-MAX_GIVEN_UP:], trunk=attempt.trunk)
        heard = leg.heard
        if not self._hearing.accepted(call, leg, attempt, response):
            return
        self._context.disarm("leg", call.id, "ring")
        self._context.count("sip_dial_answered", trunk=attempt.trunk)
        if current is not None and current != attempt:
            self._ending.sending.drop(current.branch)
            if heard:
                self._clients.cancel(current.branch, (answered_elsewhere(),))

    def _unwanted(self, call: Call, leg: Leg, attempt: Attempt, response: Response) -> None:
        """A provisional from where we do not want to be answered any more: now it can be cancelled (9.1)."""
        if call.state == "cancelling" and attempt == leg.attempt:
            call.leg = replace(leg, heard=response.status)
            self._ending.keep(call)
        self._clients.cancel(attempt.branch, (answered_elsewhere() if call.state == "confirmed" else cleared(),))

    def _ended(self, owner: str, status: int, response: Response | None) -> None:
        """A way has come to its end: a refusal, or silence."""
        call = self._table.get(owner)
        leg = call.leg if call is not None else None
        if call is None or leg is None:
            return
        if call.state == "cancelling":
            self._ending.forget(call)
            return
        if call.state != "pending":
            return
        if 200 <= status < 300:
            # Answered, in words of which no dialog can be made: it cannot even be acknowledged
            call.accepted_at_ms = self._context.now_ms
            self._ending.finish(call, "refused", "the answer cannot be read", status=status)
            return
        if response is None:
            self._context.count("sip_dial_refused", trunk=leg.trunk, status="silent")
            if leg.attempt is not None:
                leg = replace(leg, given_up=(*leg.given_up, leg.attempt)[-MAX_GIVEN_UP:], attempt=None)
                call.accepted_at_ms = self._context.now_ms
            if call.resumed:
                call.resumed = False
                self._send(call, leg)  # the other addresses of its name have not had their turn
            else:
                self._elsewhere(call, leg, leg.status, None)
            return
        self._context.count("sip_dial_refused", trunk=leg.trunk, status=str(status))
        leg = replace(self._heard(leg), status=status)
        if status == 482 and self._merged(call, leg):
            return
        rang = leg.heard >= 180
        trunk = self._trunks.get(leg.trunk)
        if 300 <= status < 400 and (place := place_to_go(response, trunk, leg.visited)):
            self._send(call, replace(leg, uri=place, hop=place, visited=(*leg.visited, place)))
        elif proof := self._ending.credentials.answer(leg.trunk, response, "INVITE", leg.uri, leg.hop, leg.challenges):
            self._send(call, replace(leg, challenges=leg.challenges + 1), proof)  # 22.2: once more, with a new CSeq
        elif status == 422 and self._refreshing.larger(call, response):
            self._send(call, leg)  # RFC 4028 7.3
        elif 500 <= status < 600 or (status == 408 and not rang):
            self._elsewhere(call, leg, status, response)
        else:
            self._fail(call, leg, status, response)

    def _merged(self, call: Call, leg: Leg) -> bool:
        """8.2.2.2: refused as a copy of what came by another way: the address we gave up on is slow, not dead, and its
        INVITE is the call's."""
        last = leg.given_up[-1] if leg.given_up else None
        if last is None or self._outgoing(leg, last).cseq != leg.cseq or self._clients.asked(last.branch) is None:
            return False
        call.leg = replace(leg, attempt=last, given_up=leg.given_up[:-1], heard=0)
        self._ending.keep(call)
        self._ending.sending.adopt(self._outgoing(leg, last), call.id, self._on_final(call))
        return True

    # --- the end ------------------------------------------------------------------------------------------------------

    def _elsewhere(self, call: Call, leg: Leg, status: int, response: Response | None) -> None:
        if leg.left:
            self._context.count("sip_next_trunk", detail=f"{leg.trunk}: {status or 'no answer'}", trunk=leg.trunk)
            self._next_trunk(call, leg)
        else:
            self._fail(call, leg, status, response)

    def _fail(self, call: Call, leg: Leg, status: int, response: Response | None) -> None:
        call.leg = leg
        cause: Cause = "refused"
        if not status:
            cause = "unreachable"
        elif status in _BUSY:
            cause = "busy"
        elif status in _NO_ANSWER:
            cause = "no-answer"
        said = reason_of(response) if response is not None else Reason()
        text = said.text or (response.reason[:MAX_TEXT] if response is not None else "")
        self._ending.finish(call, cause, text, status=status, q850=said.q850)

    def _take_back(self, call: Call, cause: Cause, text: str, q850: int) -> None:
        """End a call that is not answered: CANCEL, at once where a provisional was heard, otherwise as soon as one is
        (9.1). Whatever comes of it concerns the house no more."""
        leg = call.leg
        if leg is None:
            return
        self._ending.sending.forget(call.id)
        attempt = leg.attempt
        if attempt is None:
            self._ending.finish(call, cause, text)
            return
        self._ending.take_back(call)
        self._ending.sending.stay(attempt.branch)
        if leg.heard:
            self._clients.cancel(attempt.branch, (cleared(text, q850),))
        self._context.emit(CallEnded(call.id, cause, text))

    def _impossible(self, dial: Dial, problem: ParseError) -> None:
        self._context.count("sip_not_dialled", detail=problem.problem)
        self._context.emit(CallEnded(dial.call, "refused", problem.problem))

    def _outgoing(self, leg: Leg, attempt: Attempt) -> Outgoing:
        return attempt.outgoing(self._context.settings, leg.dial.offer_sdp)
