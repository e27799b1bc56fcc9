"""Positions and their media: who sits there, and whether sound gets there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from kak_server.bridges.contact_plan import seat_leg
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, Tell
from kak_server.bridges.staff import capacity_of
from kak_server.media import rpc
from kak_server.media.plan import EMPTY, Plan
from kak_server.model.ids import OperatorId, PositionId
from kak_server.model.light import frozen
from kak_server.routing.api import Activity, OperatorSignedIn, OperatorSignedOut, PositionMedia

TIMER = "seat"
MADE_WITHIN_MS = 1_000  # a worker that cannot make a leg has said so by then
MediaState = Literal["none", "new", "up", "down"]


@frozen
class Seat:
    """Journalled under `seat/<position>`. `rtp` is set where a plain RTP phone stands in for the browser, or while a
    call of the SIP phone `phone` is on: then the phone serves the seat, and its registration is the seat's media."""

    position: PositionId
    operator: OperatorId
    media: MediaState = "none"
    rtp: rpc.CreateRtp | None = None
    phone: str = ""


class Seats:
    """The taken positions."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.seats: dict[PositionId, Seat] = {}
        self._soundless: set[PositionId] = set()  # whose plain phone's leg could not be made, and is tried again
        self._without: set[PositionId] = set()  # whose leg no worker has; words of one that was may still wait there

    def sit(self, operator: OperatorId, name: str, position: PositionId, skills: Mapping[str, int]) -> str:
        """Sign in at a seat; returns "" or the refusal's code ("unknown-position", "busy")."""
        info = next((p for p in self.ctx.settings.positions if p.position == position), None)
        if info is None:
            return "unknown-position"
        seat = self.seats.get(position)
        known = self.ctx.core.operator(operator)
        activity = known.activity if known is not None else Activity.BREAK
        same = seat is not None and seat.operator == operator
        media_up = same and seat is not None and seat.media == "up"
        before = len(self.ctx.refused)
        able = capacity_of(self.ctx.settings.people, operator)
        self.ctx.route(
            OperatorSignedIn(
                self.ctx.now_ms,
                operator,
                name,
                position,
                info.room,
                dict(skills),
                activity,
                media_up,
                able.chats_max,
                able.chats_in_call,
                able.interruptible,
            )
        )
        self.ctx.settle()
        if len(self.ctx.refused) > before:
            return self.ctx.refused[-1].code
        if not same:
            if seat is not None:
                self._drop_rtp(seat)
            self._keep(Seat(position, operator))
            self.ctx.plan(f"seat/{position}", EMPTY)  # the one who sat here before took their sound along
        return ""

    def stand(self, operator: OperatorId) -> str:
        """Sign out; returns "" or "busy". The seat is empty then, unless the next shift stood by for it."""
        view = self.ctx.core.operator(operator)
        if view is None:
            return ""
        before = len(self.ctx.refused)
        self.ctx.route(OperatorSignedOut(self.ctx.now_ms, operator))
        self.ctx.settle()
        if len(self.ctx.refused) > before:
            return self.ctx.refused[-1].code
        if (seat := self.seats.get(view.position)) is not None and seat.operator == operator:
            self.vacate(view.position)
        return ""

    def succeed(self, position: PositionId, operator: OperatorId) -> None:
        """The next shift sits there: without sound until their console brings it."""
        seat = self.seats.get(position)
        if seat is not None:
            self._drop_rtp(seat)
        self._keep(Seat(position, operator))
        self.ctx.plan(f"seat/{position}", EMPTY)
        self.ctx.emit(Tell(position, "media", {"state": "none"}))

    def vacate(self, position: PositionId) -> None:
        """Nobody sits there any more: its media goes."""
        seat = self.seats.pop(position, None)
        if seat is None:
            return
        self._sounds(position)
        if seat.rtp is not None:
            self.ctx.ports.free(seat.rtp.port)
        self.ctx.plan(f"seat/{position}", EMPTY)
        self.ctx.delete(f"seat/{position}")

    def expect_browser(self, position: PositionId) -> bool:
        """A browser is about to get its PeerConnection: the leg is no stranger from now on."""
        seat = self.seats.get(position)
        if seat is None or seat.phone:
            return False
        self._drop_rtp(seat)
        self._without.discard(position)
        if seat.rtp is not None:  # the phone's word says nothing of the browser
            self._media(replace(seat, rtp=None), "new")
        else:
            self._keep(replace(seat, media="new" if seat.media == "none" else seat.media))
        self.ctx.plan(f"seat/{position}", Plan(browser_legs=frozenset({seat_leg(position)})))
        return True

    def plain_rtp(self, position: PositionId, host: str, port: int) -> rpc.CreateRtp | None:
        """A plain RTP phone as the seat's media (lab). Its media counts as up at once."""
        seat = self.seats.get(position)
        able = seat is not None and not seat.phone and self.ctx.settings.plain_rtp_seats
        own = self.ctx.ports.take() if able else None
        if seat is None or own is None:
            return None
        self._drop_rtp(seat)
        create = replace(self.ctx.new_rtp(seat_leg(position), own), peer_host=host, peer_port=port)
        self._keep(replace(seat, media="up", rtp=create))
        self.ctx.plan(f"seat/{position}", Plan(legs={create.leg: create}))
        self.ctx.route(PositionMedia(self.ctx.now_ms, position, True))
        return create

    def serve(self, position: PositionId, phone: str) -> None:
        """From now on the seat's media is that of a SIP phone ("": a browser's again, once it has connected)."""
        seat = self.seats[position]
        self._drop_rtp(seat)
        self.ctx.plan(f"seat/{position}", EMPTY)
        self._media(replace(seat, phone=phone, rtp=None), "down" if phone else "none")

    def phone_media(self, position: PositionId, up: bool) -> None:
        """Whether the phone that serves the seat can be reached."""
        self._media(self.seats[position], "up" if up else "down")

    def phone_leg(self, position: PositionId, leg: rpc.CreateRtp | None) -> None:
        """The leg of the phone's call, or none; a port that is given up is free again."""
        seat = self.seats.get(position)
        if seat is None or not seat.phone or seat.rtp == leg:
            return
        if seat.rtp is not None and (leg is None or leg.port != seat.rtp.port):
            self._drop_rtp(seat)
        self._keep(replace(seat, rtp=leg))
        if leg is not None:
            self.ctx.plan(f"seat/{position}", Plan(legs={leg.leg: leg}))
            self.ctx.desk.learned(f"seat/{position}", leg)

    def media_event(self, leg: str, state: Literal["up", "down", "closed"]) -> None:
        """The worker says the seat's sound came or went."""
        position = PositionId(leg.removeprefix("seat-"))
        seat = self.seats.get(position)
        if seat is None or seat.rtp is not None or seat.phone or seat.media == "none":
            return  # of a leg that is closed: the last word of whoever sat here before
        if position in self._without:
            return  # likewise, kept for us by the worker while nobody was attached
        self._media(seat, "up" if state == "up" else "down")

    def worker_attached(self, census: Mapping[str, rpc.LegCensus], new_boot: bool) -> None:
        """After an attach: legs a new worker cannot have are asked for again; a known worker's word counts."""
        self._without = {position for position in self.seats if seat_leg(position) not in census}
        for seat in list(self.seats.values()):
            if seat.rtp is not None or seat.phone or seat.media == "none":
                self.ordered_again(seat_leg(seat.position))
                continue
            held = census.get(str(seat_leg(seat.position)))
            if held is None or new_boot:
                self._media(seat, "down")
                self.ctx.emit(Tell(seat.position, "media.reset", {"reason": "media-worker-restarted"}))
            else:
                self._media(seat, "up" if held.media == "up" else "down")

    def learned(self, leg: str, host: str, port: int) -> None:
        """Where a plain RTP phone's media comes from; a worker started anew goes on with it."""
        position = PositionId(leg.removeprefix("seat-"))
        seat = self.seats.get(position)
        if seat is not None and seat.rtp is not None and seat.rtp.leg == leg:
            create = replace(seat.rtp, peer_host=host, peer_port=port, learned=True)
            self._keep(replace(seat, rtp=create))
            self.ctx.desk.learned(f"seat/{position}", create)

    def resume(self) -> None:
        """After a restart: the routing core's word on who sits where counts, the seat's own on its sound."""
        for seat in list(self.seats.values()):
            if self.ctx.core.operator_at(seat.position) != seat.operator:
                self.vacate(seat.position)
        for view in self.ctx.core.operators():
            if view.position not in self.seats:
                self._keep(Seat(view.position, view.operator))
            self._media(self.seats[view.position], self.seats[view.position].media)

    def restore(self, seat: Seat) -> None:
        """From the journal: the plan is stated again, nothing is commanded."""
        self.seats[seat.position] = seat
        if seat.rtp is not None:
            self.ctx.ports.claim(seat.rtp.port)
            self.ctx.plan(f"seat/{seat.position}", Plan(legs={seat.rtp.leg: seat.rtp}))
        elif seat.media != "none" and not seat.phone:
            self.ctx.plan(f"seat/{seat.position}", Plan(browser_legs=frozenset({seat_leg(seat.position)})))

    def _media(self, seat: Seat, state: MediaState) -> None:
        changed = (seat.media == "up") != (state == "up")
        if seat.media != state or self.seats.get(seat.position) != seat:
            self._keep(replace(seat, media=state))
            self.ctx.emit(Tell(seat.position, "media", {"state": state}))
            self.ctx.emit(Note("seat_media", fields={"position": seat.position, "state": state}))
        view = self.ctx.core.operator(seat.operator)
        # The core's view may be older than what was routed a moment ago: a change is told in any case.
        if view is not None and (changed or view.media_up != (state == "up")):
            self.ctx.route(PositionMedia(self.ctx.now_ms, seat.position, state == "up"))

    def no_sound(self, create: rpc.CreateRtp) -> None:
        """The seat's RTP leg could not be made: it is offered no calls until it has one. The phone was told this port
        and no other, so the same is tried again."""
        seat = self.seats.get(PositionId(create.leg.removeprefix("seat-")))
        if seat is None or seat.rtp is None or seat.rtp.port != create.port:
            return
        self._media(seat, "down")
        if not seat.phone:
            self._say_soundless(seat.position, create.port)
            self.ctx.emit(CancelTimer(f"{TIMER}/{seat.position}"))
            self.ctx.refused_legs.later(f"seat/{seat.position}", create.leg)

    def _say_soundless(self, position: PositionId, port: int) -> None:
        if position in self._soundless:
            return
        self._soundless.add(position)
        nb = "Plassen har ingen lyd: medietjenesten får ikke åpnet porten. Det prøves igjen."
        en = "This position has no sound: the media service cannot open its port. It is tried again."
        self.ctx.notices.at_seat(position, f"no-sound-{position}", "seat-without-sound", nb, en)
        self.ctx.emit(Note("seat_without_sound", "warning", {"position": position, "port": port}))

    def ordered_again(self, leg: str) -> None:
        """The leg of a plain phone was ordered once more: what comes of it is known in a moment."""
        seat = self.seats.get(PositionId(leg.removeprefix("seat-")))
        if seat is not None and seat.rtp is not None and not seat.phone and seat.media == "down":
            self.ctx.emit(SetTimer(f"{TIMER}/{seat.position}", self.ctx.now_ms + MADE_WITHIN_MS))

    def made(self, position: str) -> None:
        """Nobody has said that the leg could not be made, in the time for that."""
        seat = self.seats.get(PositionId(position))
        if seat is None or seat.rtp is None or seat.phone or seat.media != "down" or not self.ctx.worker_attached:
            return
        if seat.rtp.leg not in self.ctx.refused_legs.waiting:
            self._media(seat, "up")
            self._sounds(seat.position)

    def _sounds(self, position: PositionId) -> None:
        if position in self._soundless:
            self._soundless.discard(position)
            self.ctx.notices.over(f"no-sound-{position}")

    def _drop_rtp(self, seat: Seat) -> None:
        self._sounds(seat.position)
        if seat.rtp is not None:
            self.ctx.ports.free(seat.rtp.port)
            self.ctx.plan(f"seat/{seat.position}", EMPTY)

    def _keep(self, seat: Seat) -> None:
        self.seats[seat.position] = seat
        self.ctx.put(f"seat/{seat.position}", seat)
