"""Calls out: an operator dials, or calls somebody back. The far end is the line's own call, as with a call in."""

from dataclasses import replace

from kak_server.bridges.abandoned import Abandoned
from kak_server.bridges.asking import By, RefusedError
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.dialing import is_news, kept_for_emergencies, order, place, pointed, way_out
from kak_server.bridges.line import RINGING, Line
from kak_server.bridges.names import caller_leg
from kak_server.bridges.outputs import Note, ToSip
from kak_server.model.ids import ContactId, QueueId
from kak_server.routing.api import ContactConnected, ContactDialed, ContactGone, DialOut
from kak_server.sip.api import CallerIdentity
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, parse_answer

DISPLAY, CALLBACK_OF = "display", "callback_of"  # attributes of the contact


class Outgoing:
    """Contacts that we called."""

    def __init__(self, ctx: Context, calls: Calls, abandoned: Abandoned) -> None:
        self.ctx = ctx
        self.calls = calls
        self.abandoned = abandoned

    # --- orders ---------------------------------------------------------------------------------------------------

    def dial(self, by: By, number: str, display: str, queue: QueueId | None = None, after: str = "") -> ContactId:
        """Call a number from this position. `after`: the contact that is called back. Raises RefusedError; what the
        routing core refuses is raised too."""
        ctx = self.ctx
        way = way_out(ctx, number, self.calls.queue_of(number))
        if len(self.calls.lines) >= ctx.settings.max_lines - kept_for_emergencies(ctx, way) or ctx.draining:
            raise RefusedError("no-room", "no room for another call")
        contact = ContactId(ctx.ids.new("contact"))
        attributes = {DISPLAY: display, **({CALLBACK_OF: after} if after else {})}
        refused = len(ctx.refused)
        known = queue if queue is not None and queue in self.calls.queues else QueueId("")
        ctx.route(ContactDialed(ctx.now_ms, contact, by.operator, way.number, known, attributes))
        ctx.settle()
        if len(ctx.refused) > refused:
            raise RefusedError(ctx.refused[-1].code, ctx.refused[-1].text)
        if contact not in self.calls.lines:  # over before it was dialled: nobody must wait for it, or keep a claim
            raise RefusedError("no-room", "no room for another call")
        return contact

    def call_back(self, by: By, contact: ContactId) -> ContactId:
        """Call somebody back who rang before; one operator at a time has it. Raises RefusedError: "unknown-contact",
        "no-number", "claimed", and what dialling refuses."""
        case = self.abandoned.claim(contact, by.operator)
        try:
            return self.dial(by, case.number, "", case.queue, str(contact))
        except RefusedError:
            self.abandoned.give_back(contact, tried=False)
            raise

    # --- from the routing core ------------------------------------------------------------------------------------

    def dial_out(self, effect: DialOut) -> None:
        """The contact is there: now its line, in the journal, and then the call."""
        ctx = self.ctx
        view = ctx.core.contact(effect.contact)
        if view is None:
            return
        try:
            way = way_out(ctx, view.caller, self.calls.queue_of(view.caller))
            placed = place(ctx, caller_leg(effect.contact), way)
        except RefusedError as refusal:
            ctx.route(ContactGone(ctx.now_ms, effect.contact, refusal.code))
            return
        after = view.attributes.get(CALLBACK_OF, "")
        line = Line(
            contact=effect.contact,
            call=placed.call,
            trunk="",
            called=way.number,
            queue=effect.queue,
            caller=CallerIdentity(way.number, source="none"),
            leg=placed.leg,
            answer_sdp=placed.offer_sdp,
            arrived_at_ms=ctx.now_ms,
            direction="out",
            progress="dialing",
            display=view.attributes.get(DISPLAY, ""),
            callback_of=ContactId(after) if after else None,
            last_operator=effect.operator,
            last_position=str(effect.position),
        )
        self.calls.by_call[line.call] = line.contact
        self.calls.keep(line)
        self.calls.refresh(line.contact)
        ctx.emit(ToSip("dial", line.call, dial=order(ctx, way, line.call, line.answer_sdp, line.queue)))
        ctx.emit(Note("contact_dialed", fields={"contact": line.contact, "call": line.call}))

    # --- from the SIP room ----------------------------------------------------------------------------------------

    def find(self, call: str) -> Line | None:
        """The call out that is not answered yet."""
        contact = self.calls.by_call.get(call)  # type: ignore[call-overload]
        line = self.calls.lines.get(contact) if contact is not None else None
        return line if line is not None and line.direction == "out" and not line.answered else None

    def progress(self, line: Line, status: int, sdp: str | None) -> None:
        """It rings, or the far network says something before the answer."""
        media = self._media(line, sdp) if sdp else None
        if media is not None or line.progress == "early":
            line = replace(line, progress="early")
        elif status >= RINGING:
            line = replace(line, progress="ringing")
        self._keep(line, media)

    def answered(self, line: Line, sdp: str, trunk: str) -> None:
        """Somebody is there. A session we cannot use ends the call."""
        ctx = self.ctx
        media = self._media(line, sdp)
        view = ctx.core.contact(line.contact)
        if media is None or view is None:
            ctx.route(ContactGone(ctx.now_ms, line.contact, "no-common-media"))
            return
        line = replace(
            line,
            answered=True,
            progress="answered",
            trunk=trunk,
            answered_at_ms=ctx.now_ms,
            operator_answered_at_ms=ctx.now_ms,
        )
        self._keep(line, media)
        if line.callback_of is not None:
            self.abandoned.answered(line.callback_of)
        ctx.route(ContactConnected(ctx.now_ms, line.contact, view.epoch))

    def _media(self, line: Line, sdp: str) -> Negotiated | None:
        try:
            return parse_answer(line.answer_sdp, sdp)
        except SdpError as problem:
            fields = {"contact": line.contact, "reason": str(problem)}
            self.ctx.emit(Note("sdp_answer_unreadable", "warning", fields))
            return None

    def _keep(self, line: Line, media: Negotiated | None) -> None:
        if media is None:
            self.calls.keep(line)
            self.calls.refresh(line.contact)
            return
        signalled = (media.peer_host, media.peer_port)
        leg, modify = pointed(line.leg, media)
        if signalled == line.signalled:  # the same again leaves what was learned
            leg = replace(leg, peer_host=line.leg.peer_host, peer_port=line.leg.peer_port, learned=line.leg.learned)
        now = replace(line, leg=leg, signalled=signalled, sends=modify.send)
        self.calls.keep(now)
        self.calls.refresh(line.contact)
        if is_news(line, now):
            self.ctx.desk.learned(f"contact/{line.contact}", leg)
            self.ctx.media(modify)
