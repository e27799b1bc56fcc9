"""Those who are called into a contact: each a SIP call and an RTP leg of its own, from dialling to its end."""

from dataclasses import replace

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.calls import JOINED, Calls
from kak_server.bridges.context import Context
from kak_server.bridges.dialing import is_news, order, place, pointed, way_out
from kak_server.bridges.line import RINGING, Line, Party, Progress
from kak_server.bridges.moved_media import moved_party
from kak_server.bridges.names import party_leg
from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.unheard import is_lost, is_unheard
from kak_server.model.ids import CallId, ContactId
from kak_server.routing.api import ContactGone, ContactState, HandoverFailed
from kak_server.sip.api_legs import TransferAsked
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, parse_answer

MAX_LIVE = 8
MAX_ENDED = 8  # kept in the list so that the operator sees what became of them


class Parties:
    """All parties of all contacts, by SIP call. What each is lives in its contact's line."""

    def __init__(self, ctx: Context, calls: Calls) -> None:
        self.ctx = ctx
        self.calls = calls
        self.by_call: dict[CallId, tuple[ContactId, str]] = {}

    def restore(self, line: Line) -> None:
        """From the journal."""
        for party in line.parties:
            if party.live:
                self.by_call[party.call] = (line.contact, party.id)

    # --- orders ---------------------------------------------------------------------------------------------------

    def add(
        self,
        line: Line,
        number: str,
        *,
        private: bool = False,
        label: str = "",
        asked: TransferAsked | None = None,
    ) -> Party:
        """Dial somebody into the contact. Raises RefusedError."""
        if sum(party.live for party in line.parties) >= MAX_LIVE:
            raise RefusedError("too-many-parties", f"at most {MAX_LIVE} parties in a call")
        ctx = self.ctx
        way = way_out(ctx, number, self.calls.queue_of(number))
        name = ctx.ids.new("party")
        placed = place(ctx, party_leg(name), way)
        party = Party(
            id=name,
            call=placed.call,
            number=way.number,
            label=label,
            leg=placed.leg,
            offer_sdp=placed.offer_sdp,
            since_ms=ctx.now_ms,
            private=private,
            asked_by=asked.call if asked is not None else None,
        )
        ended = [other for other in line.parties if not other.live][-MAX_ENDED + 1 :]
        kept = tuple(other for other in line.parties if other.live or other in ended)
        self.by_call[party.call] = (line.contact, party.id)
        self.calls.keep(replace(line, parties=(*kept, party)))
        self.calls.refresh(line.contact)
        dial = order(ctx, way, party.call, party.offer_sdp, line.queue, asked)
        ctx.emit(ToSip("dial", party.call, dial=dial))
        ctx.emit(Note("party_dialed", fields={"contact": line.contact, "party": party.id, "call": party.call}))
        return party

    def set_private(self, line: Line, party: Party, on: bool) -> None:
        """Alone with the operator, or together with everybody."""
        self.calls.keep(line.with_party(replace(party, private=on)))
        self.calls.refresh(line.contact)

    def drop(self, line: Line, party: Party, cause: str) -> None:
        """Hang up towards a party, answered or not."""
        if party.live:
            self.ctx.emit(ToSip("hangup", party.call, reason=cause))
            self._over(line, party, cause)

    # --- from the SIP room ----------------------------------------------------------------------------------------

    def find(self, call: CallId) -> tuple[Line, Party] | None:
        """The party a call belongs to."""
        contact, name = self.by_call.get(call, (ContactId(""), ""))
        line = self.calls.lines.get(contact)
        party = line.party(name) if line is not None else None
        return (line, party) if line is not None and party is not None and party.live else None

    def progress(self, line: Line, party: Party, status: int, sdp: str | None) -> None:
        """It rings, or the far network says something before the answer."""
        if party.talks:
            return
        media = self._media(line, party, sdp) if sdp else None
        early = media is not None or party.state == "early"
        state: Progress = "early" if early else "ringing" if status >= RINGING else party.state
        if state != party.state:
            party = replace(party, state=state, since_ms=self.ctx.now_ms)
        self._keep(line, party, media)

    def answered(self, line: Line, party: Party, sdp: str, trunk: str) -> None:
        """Somebody is there: together with the others, or in private. A session we cannot use ends the party."""
        media = self._media(line, party, sdp)
        if media is None:
            self.drop(line, party, "no-common-media")
            return
        now_ms = self.ctx.now_ms
        line = replace(line, alone_since_ms=0)
        party = replace(party, state="answered", since_ms=now_ms, answered_at_ms=now_ms, trunk=trunk)
        self._keep(line, party, media)

    def media_changed(self, line: Line, party: Party, media: Negotiated) -> None:
        """The peer moved its media; the SIP room has answered already."""
        self._keep(line, party, media)

    def ended(self, line: Line, party: Party, cause: str) -> None:
        """It hung up, or nobody answered. What that means for the contact depends on who is left."""
        self._over(line, party, cause)

    # --- media ----------------------------------------------------------------------------------------------------

    def of_leg(self, leg: str) -> tuple[Line, Party] | None:
        """The party of an RTP leg."""
        name = leg.removeprefix("party-")
        for contact, party in self.by_call.values():
            if party == name and (line := self.calls.lines.get(contact)) is not None:
                found = line.party(name)
                return (line, found) if found is not None and found.live else None
        return None

    def learned(self, leg: str, host: str, port: int) -> None:
        """Where its media comes from is fixed."""
        if (found := self.of_leg(leg)) is not None:
            line, party = found
            create = replace(party.leg, peer_host=host, peer_port=port, learned=True)
            self.calls.keep(line.with_party(replace(party, leg=create)))
            self.ctx.desk.learned(f"contact/{line.contact}", create)

    def silent(self, leg: str, silent_ms: int) -> None:
        """No RTP: ask the dialog whether anybody is there. Silence alone ends nothing."""
        if (found := self.of_leg(leg)) is not None and found[1].talks:
            line, party = found
            self.ctx.emit(ToSip("probe", party.call))
            self.ctx.emit(Note("party_silent", "warning", {"contact": line.contact, "silent_ms": silent_ms}))

    def leg_lost(self, leg: str, port: int, code: str, *, elsewhere: bool) -> bool:
        """Its leg could not be made, and the peer has been told of the port. One that talks is offered another, where
        that may help; before that it may not be asked again, and nobody would hear anything. False: the leg stays as
        it is, and is to be ordered again."""
        if (found := self.of_leg(leg)) is None or found[1].leg.port != port:
            return True
        line, party = found
        self.ctx.emit(Note("leg_refused", "error", {"contact": line.contact, "code": code, "port": port}))
        if party.talks and not elsewhere:
            return False
        moved = moved_party(self.ctx, party) if party.talks else None
        if moved is None:
            self.drop(line, party, "no-media")
            return True
        self.calls.keep(line.with_party(moved[0]))
        self.calls.refresh(line.contact)
        self.ctx.emit(moved[1])
        return True

    # --- the ends -------------------------------------------------------------------------------------------------

    def end_all(self, line: Line, cause: str) -> None:
        """The contact is over: so is everybody's part in it. The line itself is dropped by the caller of this."""
        for party in line.parties:
            if party.live:
                self.ctx.emit(ToSip("hangup", party.call, reason=cause))
                self.by_call.pop(party.call, None)

    def _over(self, line: Line, party: Party, cause: str) -> None:
        ctx = self.ctx
        self.by_call.pop(party.call, None)
        line = line.with_party(replace(party, state="ended", since_ms=ctx.now_ms, cause=cause, private=False))
        self.calls.keep(line)
        self.calls.refresh(line.contact)
        ctx.ports.free(party.leg.port)
        ctx.emit(Note("party_ended", fields={"contact": line.contact, "party": party.id, "cause": cause}))
        self.judge(line, party, cause)

    def judge(self, line: Line, party: Party, cause: str) -> None:
        """Who is left? With an operator the call goes on; the last of those handed over ends it, or, if nobody has
        heard the caller, the caller comes back to the queue."""
        live = sum(other.live for other in line.parties)
        view = self.ctx.core.contact(line.contact)
        alone = view is not None and view.state is ContactState.HANDED_OVER and line.gone and live == 1
        if live and not alone:
            return
        if line.gone:
            self.ctx.route(ContactGone(self.ctx.now_ms, line.contact, line.gone))
        elif view is not None and view.state is ContactState.HANDED_OVER:
            ended_ms = self.ctx.now_ms if party.live else party.since_ms
            if party.answered_at_ms and is_lost(view, party, cause):
                self.ctx.route(HandoverFailed(self.ctx.now_ms, line.contact, cause))
            elif party.answered_at_ms and is_unheard(view, party, ended_ms):
                self._unheard(line, party)
            elif party.answered_at_ms:
                self.ctx.route(ContactGone(self.ctx.now_ms, line.contact, "party-left"))
            else:
                self.ctx.route(HandoverFailed(self.ctx.now_ms, line.contact, cause))

    def _unheard(self, line: Line, party: Party) -> None:
        """A machine, say: the caller comes back, and whoever has the call next sees why."""
        now = self.calls.lines[line.contact]
        if (ended := now.party(party.id)) is not None:
            self.calls.keep(now.with_party(replace(ended, cause="unheard")))
        fields = {"contact": line.contact, "party": party.id, "number": party.number}
        self.ctx.emit(Note("party_unheard", "warning", fields))
        self.ctx.route(HandoverFailed(self.ctx.now_ms, line.contact, "unheard", unheard=True))

    def stay_without(self, line: Line, cause: str) -> bool:
        """The far end has left. With an operator and somebody else there the contact goes on without it; and with
        somebody whom it had us call, since whoever asks that may hang up as soon as it is accepted."""
        view = self.ctx.core.contact(line.contact)
        others = line.company() or any(party.live and party.asked_by == line.call for party in line.parties)
        if view is None or view.state not in JOINED or not others:
            return False
        self.calls.by_call.pop(line.call, None)
        line = replace(line, gone=cause)
        self.calls.keep(line)
        self.calls.refresh(line.contact)
        self.ctx.ports.free(line.leg.port)
        return True

    # --- the parts they share -------------------------------------------------------------------------------------

    def _media(self, line: Line, party: Party, sdp: str) -> Negotiated | None:
        try:
            return parse_answer(party.offer_sdp, sdp)
        except SdpError as problem:
            fields = {"contact": line.contact, "party": party.id, "reason": str(problem)}
            self.ctx.emit(Note("sdp_answer_unreadable", "warning", fields))
            return None

    def _keep(self, line: Line, party: Party, media: Negotiated | None) -> None:
        """The party as it is now, in the journal and at the worker."""
        if media is None:
            self.calls.keep(line.with_party(party))
            self.calls.refresh(line.contact)
            return
        signalled = (media.peer_host, media.peer_port)
        leg, modify = pointed(party.leg, media)
        if signalled == party.signalled:  # the same again leaves what was learned
            leg = replace(leg, peer_host=party.leg.peer_host, peer_port=party.leg.peer_port, learned=party.leg.learned)
        now = replace(party, leg=leg, signalled=signalled, sends=modify.send)
        self.calls.keep(line.with_party(now))
        self.calls.refresh(line.contact)
        if is_news(party, now):
            self.ctx.desk.learned(f"contact/{line.contact}", leg)
            self.ctx.media(modify)
