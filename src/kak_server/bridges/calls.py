"""SIP calls to contacts and back: what a citizen's phone does becomes routing events, what routing decides of the
citizen becomes SIP commands."""

from collections.abc import Callable
from dataclasses import replace

from kak_server.bridges.call_plans import JOINED as JOINED
from kak_server.bridges.call_plans import CallPlans, only_rings
from kak_server.bridges.call_records import record_of
from kak_server.bridges.caller_facts import facts_of
from kak_server.bridges.contact_plan import caller_leg
from kak_server.bridges.context import Context, QueueInfo, directory_of
from kak_server.bridges.describing import area_of, class_of, language_of
from kak_server.bridges.directory import Directory
from kak_server.bridges.fetched import Fetched, with_fetched
from kak_server.bridges.gazetteer import Gazetteer
from kak_server.bridges.line import Line
from kak_server.bridges.line_media import described, policy_in, secret_for, with_session
from kak_server.bridges.moved_media import moved_line
from kak_server.bridges.outputs import Dirty, Note, ToSip
from kak_server.bridges.places import Places
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, PositionId, QueueId
from kak_server.routing.api import (
    Connect,
    ConnectFailed,
    ContactArrived,
    ContactConnected,
    ContactDescribed,
    ContactGone,
    StartWaiting,
)
from kak_server.routing.views import ContactView
from kak_server.sip import api as sip
from kak_server.sip.api_legs import MediaAgreed
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, negotiate, parse_answer


class Calls:
    """All lines, by contact and by SIP call."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.lines: dict[ContactId, Line] = {}
        self.by_call: dict[CallId, ContactId] = {}
        self.keyed_seats: set[PositionId] = set()  # seats whose microphone is keyed towards a talkgroup
        self._directory, self.gazetteer = directory_of(ctx.settings), Gazetteer(ctx.settings.areas)
        self.queues: dict[QueueId, QueueInfo] = {q.queue: q for q in ctx.settings.queues}
        self.places = Places(ctx)
        self._plans = CallPlans(ctx, self.lines, self.keyed_seats, self.places)
        self.refresh, self.settle_plans = self._plans.refresh, self._plans.settle
        self.on_arriving: Callable[[Line], Line] = lambda line: line  # what else is known of the caller
        self.on_connecting: Callable[[Line], Line] = lambda line: line  # what else an answer begins

    def serve(self, directory: Directory, gazetteer: Gazetteer, queues: dict[QueueId, QueueInfo]) -> None:
        """Other numbers and queues from now on; lines that are there stay where they are."""
        self._directory, self.gazetteer, self.queues = directory, gazetteer, queues

    # --- from the SIP room ----------------------------------------------------------------------------------------

    def incoming(self, event: sip.IncomingCall) -> None:
        """A new call: a port, a session description, a contact in its queue. 488 for an offer without usable audio."""
        ctx = self.ctx
        found = self._directory.find(event)
        queue = self.queues.get(found.queue) if found is not None else None
        port = ctx.ports.take() if self._has_room(event) else None
        if queue is None or port is None:
            status, why = (404, "unknown number") if queue is None else (503, "no room for the call")
            ctx.emit(ToSip("reject", event.call, status=status, reason=why))
            ctx.emit(Note("call_refused", "error", {"status": status, "reason": why, "trunk": event.trunk}))
            if port is not None:
                ctx.ports.free(port)
            return
        contact = ContactId(ctx.ids.new("contact"))
        try:
            media_host, bind_host = ctx.media_place(event)
            policy = policy_in(ctx, event)
            media = negotiate(
                event.offer_sdp,
                media_host,
                port,
                ctx.ids.bits(31),
                policy=policy,
                secret=secret_for(ctx, policy),
            )
        except SdpError as problem:
            ctx.ports.free(port)
            ctx.emit(ToSip("reject", event.call, status=488, reason=str(problem)))
            ctx.emit(Note("sdp_refused", "warning", {"trunk": event.trunk, "reason": str(problem)}))
            return
        leg = replace(
            with_session(ctx.new_rtp(caller_leg(contact), port), media),
            bind_host=bind_host,
            peer_host=media.peer_host,
            peer_port=media.peer_port,
        )
        line = Line(
            contact=contact,
            call=event.call,
            trunk=event.trunk,
            called=event.called,
            queue=queue.queue,
            caller=event.caller,
            leg=leg,
            answer_sdp=media.answer_sdp,
            arrived_at_ms=ctx.now_ms,
            locations=event.locations,
            late_offer=event.offer_sdp is None,
            signalled=(media.peer_host, media.peer_port),
            facts=facts_of(event, *((found.area,) if found is not None and found.area is not None else ())),
        )
        self.by_call[event.call] = contact
        line = self.on_arriving(line)
        self.keep(line)
        self.arrive(line)

    def _has_room(self, event: sip.IncomingCall) -> bool:
        """Lines and ports: the last of both are for emergency calls."""
        settings, ports = self.ctx.settings, self.ctx.ports
        kept = 0 if event.emergency else settings.reserve_lines
        kept_ports = min(kept, (ports.left() + ports.in_use) // 10)
        return len(self.lines) < settings.max_lines - kept and ports.left() > kept_ports and not self.ctx.draining

    def fetched(self, call: CallId, found: Fetched) -> ContactId | None:
        """What a reference of the caller's led to. The contact to be shown anew; None: the call is over."""
        line = self.line_of(call)
        if line is None:
            return None
        line = with_fetched(line, found)
        self.keep(line)
        if line.direction == "in" and (area := area_of(line, self.gazetteer)):
            self.ctx.route(ContactDescribed(self.ctx.now_ms, line.contact, area=area))
        return line.contact

    def arrive(self, line: Line) -> None:
        """Into the queue."""
        info = self.queues.get(line.queue)
        self.ctx.route(
            ContactArrived(
                self.ctx.now_ms,
                line.contact,
                line.queue,
                line.caller.number,
                {"trunk": line.trunk, "source": line.caller.source},
                line.repeat.since_ms if line.repeat is not None else 0,
                klass=class_of(line, info.klass) if info is not None else None,
                area=area_of(line, self.gazetteer),
                language=language_of(line),
            )
        )

    def port_lost(self, create: rpc.CreateRtp, code: str, *, elsewhere: bool) -> bool:
        """A caller's leg could not be made. Where another port may help: before the answer another is taken; a peer
        that has been told is offered another (after a worker's death: ours was free for a moment). False: the leg
        stays as it is, and is to be ordered again."""
        ctx = self.ctx
        line = self.lines.get(ContactId(create.leg.removeprefix("caller-")))
        if line is None or line.leg.port != create.port or line.gone:
            return True  # of one who has left: a word that comes late, about a port that is free again
        ctx.emit(Note("leg_refused", "error", {"contact": line.contact, "code": code, "port": create.port}))
        order = None
        if line.direction == "out" and not line.answered:  # the peer may not be asked again before it answers
            ctx.route(ContactGone(ctx.now_ms, line.contact, "no-media"))
            return True
        if not elsewhere:
            return False
        if line.answered:
            moved = moved_line(ctx, line)
            if moved is None:
                return False
            line, order = moved
        elif (port := ctx.ports.instead_of(create.port)) is not None:
            sdp = line.answer_sdp.replace(f"m=audio {create.port} ", f"m=audio {port} ", 1)
            line = replace(line, leg=replace(line.leg, port=port), answer_sdp=sdp)
        else:
            return False
        self.keep(line)
        self.refresh(line.contact)
        if order is not None:
            ctx.emit(order)
        return True

    def turn_away(self, contact: ContactId, why: str) -> None:
        """The routing core would not have it: the caller is told, instead of ringing for ever."""
        line = self._forget(contact)
        if line is not None:
            self.ctx.emit(ToSip("reject", line.call, status=503, reason=why))
            self.ctx.delete(line.key())
            self.ctx.emit(Note("call_refused", "error", {"status": 503, "reason": why, "trunk": line.trunk}))

    def ended(self, call: CallId, cause: str) -> None:
        """BYE, CANCEL, no ACK, or the dialog is gone: the caller has left, whatever state the contact is in."""
        contact = self.by_call.get(call)
        if contact is not None:
            self.ctx.route(ContactGone(self.ctx.now_ms, contact, cause))

    def confirmed(self, event: sip.CallConfirmed) -> None:
        """The ACK; for a late offer it brings the peer's address and codec."""
        line = self.line_of(event.call)
        if line is None or event.answer_sdp is None:
            return
        try:
            answer = parse_answer(line.answer_sdp, event.answer_sdp)
        except SdpError as problem:
            self.ctx.emit(Note("sdp_answer_unreadable", "warning", {"contact": line.contact, "reason": str(problem)}))
            return  # symmetric RTP will still find the peer
        self._repoint(line, answer, True)

    def media_changed(self, event: sip.CallMediaChanged) -> None:
        """A re-INVITE: the carrier moved the peer's media. The SIP room has answered it already."""
        line = self.line_of(event.call)
        if line is None:
            return
        try:
            media = described(event, line.answer_sdp)
        except SdpError as problem:
            self.ctx.emit(Note("reinvite_sdp_unreadable", "warning", {"contact": line.contact, "reason": str(problem)}))
            return
        send = media.peer_direction in ("sendrecv", "recvonly") and media.peer_host not in ("0.0.0.0", "::")
        send = send and event.direction in ("sendrecv", "sendonly")  # we may hold the peer
        self._repoint(line, media, send)

    def media_agreed(self, event: MediaAgreed) -> None:
        """An offer of ours in the dialog was taken: a hold, or its end."""
        line = self.line_of(event.call)
        if line is None:
            return
        try:
            media = parse_answer(event.offer_sdp, event.answer_sdp)
        except SdpError as problem:
            self.ctx.emit(Note("sdp_answer_unreadable", "warning", {"contact": line.contact, "reason": str(problem)}))
            return
        self._repoint(line, media, media.peer_direction in ("sendrecv", "recvonly"))

    # --- from the routing core ------------------------------------------------------------------------------------

    def start_waiting(self, effect: StartWaiting, *, again: bool = False) -> None:
        """Ring, or answer into the queue; who was answered hears that we are looking, or (`again`) what was played."""
        line = self.lines.get(effect.contact)
        if line is None:
            return
        line = replace(line, waiting=effect.reason, queue=effect.queue if effect.queue in self.queues else line.queue)
        line = line if again else replace(line, step_prompt="", tells_place=False)
        line = line.left_alone(self.ctx.now_ms)
        self.keep(line)
        if effect.announce or line.answered:
            self.answer(line)
        else:
            self.ctx.emit(ToSip("ring", line.call))

    def resume_waiting(self, line: Line, view: ContactView) -> None:
        """After a restart: we may have died before the caller rang, was answered early, or heard of a new queue."""
        rules = self.ctx.core.rules_of(view.contact)
        reason = "requeued" if view.requeued else "arrived" if view.queue == line.queue else "transferred"
        if line.waiting not in ("", "arrived") and view.queue == line.queue:
            reason = line.waiting
        announce = view.requeued or (rules is not None and rules.announce)
        same = reason == line.waiting and view.queue == line.queue
        self.start_waiting(StartWaiting(view.contact, view.queue, reason, announce), again=same)

    def connect(self, effect: Connect, seat_media_up: bool) -> None:
        """Answer if need be and join; without the operator's media there is nothing to join."""
        ctx = self.ctx
        line = self.lines.get(effect.contact)
        if line is None:
            ctx.route(ContactGone(ctx.now_ms, effect.contact, "lost"))
            return
        if not seat_media_up:
            ctx.route(ConnectFailed(ctx.now_ms, effect.contact, effect.epoch, "no media at the position"))
            return
        first = line.operator_answered_at_ms or ctx.now_ms
        line = replace(
            line,
            operator_answered_at_ms=first,
            last_operator=effect.operator,
            last_position=str(effect.position),
            alone_since_ms=0,
        )
        self.answer(self.on_connecting(line))
        ctx.route(ContactConnected(ctx.now_ms, effect.contact, effect.epoch))

    def moved(self, contact: ContactId, position: PositionId) -> None:
        """The operator took the call along to another seat: another microphone, so another track."""
        line = self.lines.get(contact)
        view = self.ctx.core.contact(contact)
        if line is not None:
            holds = view is None or view.position == position or not view.participants
            self.keep(replace(line, moves=line.moves + 1, last_position=str(position) if holds else line.last_position))

    def answer(self, line: Line) -> None:
        """200 OK, once; the line's record is journalled before the command."""
        if line.answered:
            self.keep(line)
            return
        line = replace(line, answered=True, answered_at_ms=self.ctx.now_ms)
        self.keep(line)
        self.ctx.emit(ToSip("answer", line.call, sdp=line.answer_sdp))

    def end(self, contact: ContactId, cause: str) -> None:
        """The contact is over: hang up (harmless if the caller did), close tracks, free the port, write the record."""
        ctx = self.ctx
        line = self._forget(contact)
        if line is None:
            return
        if not line.gone:
            ctx.emit(ToSip("hangup", line.call, reason=cause))
        self.store(line, ended_at_ms=ctx.now_ms, cause=cause)
        ctx.delete(line.key())
        ctx.emit(Dirty("recent"))

    def _forget(self, contact: ContactId) -> Line | None:
        """Off the books, the port free again; its record goes last, so that a crash in between is made up for."""
        line = self.lines.pop(contact, None)
        if line is not None:
            self.by_call.pop(line.call, None)
            self.places.forget(contact)
            self._plans.drop(contact)
            for leg in line.legs():
                self.ctx.ports.free(leg.port)
        return line

    def found_queue(self, event: sip.IncomingCall) -> QueueInfo | None:
        """The queue a call would go to."""
        found = self._directory.find(event)
        return self.queues.get(found.queue) if found is not None else None

    def queue_of(self, number: str) -> QueueInfo | None:
        """The queue a number of ours leads to, in whatever form it was typed."""
        found = self._directory.queue(number)
        queue = (
            found if found is not None else self._directory.queue(self.ctx.settings.outbound.trunks_for(number).number)
        )
        return self.queues.get(queue) if queue is not None else None

    # --- keeping --------------------------------------------------------------------------------------------------

    def keep(self, line: Line) -> None:
        """Remember and journal a line; its media plan follows with `refresh`."""
        if self.lines.get(line.contact) == line:
            return
        self.lines[line.contact] = line
        self.ctx.put(line.key(), line)

    def remember(self, line: Line) -> None:
        """Keep without a record of its own: it goes with the next one, and is worth no write until then."""
        self.lines[line.contact] = line

    def store(self, line: Line, ended_at_ms: int | None = None, cause: str = "") -> None:
        """Upsert what people look up later."""
        self.ctx.emit(record_of(self.ctx.settings, line, ended_at_ms, cause))

    def learned(self, leg: str, host: str, port: int) -> None:
        """The caller's media address is fixed: a worker started anew goes on with it."""
        contact = ContactId(leg.removeprefix("caller-"))
        line = self.lines.get(contact)
        if line is None or line.leg.leg != leg:
            return
        as_signalled = (host, port) == (line.leg.peer_host, line.leg.peer_port)
        line = replace(line, leg=replace(line.leg, peer_host=host, peer_port=port, learned=True))
        # Where a record has it already, a worker started anew goes there too, and learns with the first packet.
        (self.remember if as_signalled else self.keep)(line)
        self.ctx.desk.learned(f"contact/{contact}", line.leg)

    def silent(self, leg: str, silent_ms: int) -> None:
        """No RTP from the caller: ask the dialog whether anybody is there. Silence alone never ends a call."""
        line = self.lines.get(ContactId(leg.removeprefix("caller-")))
        if line is None or line.leg.leg != leg or not line.answered or line.gone:
            return
        self.ctx.emit(ToSip("probe", line.call))
        self.ctx.emit(Note("caller_silent", "warning", {"contact": line.contact, "silent_ms": silent_ms}))
        view = self.ctx.core.contact(line.contact)
        if view is not None and view.position is not None and view.state in JOINED:
            self.ctx.notices.silent(view.position, line.contact, silent_ms)

    def line_of(self, call: CallId) -> Line | None:
        """The line a call is of; None when it is over."""
        contact = self.by_call.get(call)
        return self.lines.get(contact) if contact is not None else None

    def _repoint(self, line: Line, media: Negotiated, send: bool) -> None:
        """A refresh of the session that names the same address leaves what was learned behind it."""
        leg = with_session(line.leg, media)
        host, port = media.peer_host, media.peer_port
        if host and port and (host, port) != line.signalled:
            leg = replace(leg, peer_host=host, peer_port=port, learned=False)
            line = replace(line, signalled=(host, port))
        self.keep(replace(line, leg=leg, sends=send))
        self.ctx.desk.learned(f"contact/{line.contact}", leg)
        if not only_rings(line, self.ctx.core.contact(line.contact)):
            self.ctx.media(rpc.modified(leg, host, port, send=send))
