"""Callers whose number is blocked, for queues that say so: an announcement, busy or declined. Never an emergency."""

from dataclasses import replace

from kak_server.bridges.context import Context
from kak_server.bridges.flags import Flag
from kak_server.bridges.handling import Blocked
from kak_server.bridges.line_media import policy_in, secret_for, with_session
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, ToSip
from kak_server.media import rpc
from kak_server.media.plan import EMPTY, Plan
from kak_server.model.ids import CallId
from kak_server.sip.api import IncomingCall
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import negotiate

ANNOUNCED_FOR_MS = 15_000
MAX_ANNOUNCED = 20  # at once; more are told that we are busy
LEG = "turned-"


class TurnedAway:
    """Calls that hear the announcement. They do not outlive a restart: what nobody knows then is hung up."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.legs: dict[CallId, rpc.CreateRtp] = {}

    def refuse(self, event: IncomingCall, how: Blocked, flag: Flag) -> None:
        """The caller is not let through."""
        if how == "announce" and len(self.legs) < MAX_ANNOUNCED and self._announce(event):
            status = 200
        else:
            status = 603 if how == "decline" else 486
            self.ctx.emit(ToSip("reject", event.call, status=status, reason="not taken"))
        fields = {"status": status, "trunk": event.trunk, "by": flag.by, "how": how}
        self.ctx.emit(Note("blocked_number", "warning", fields))

    def over(self, call: CallId) -> bool:
        """The caller has hung up; whether it was one of these."""
        leg = self.legs.pop(call, None)
        if leg is None:
            return False
        self.ctx.plan(f"turned/{call}", EMPTY)
        self.ctx.ports.free(leg.port)
        self.ctx.emit(CancelTimer(f"turned/{call}"))
        return True

    def said(self, call: CallId) -> None:
        """The announcement is through."""
        if self.over(call):
            self.ctx.emit(ToSip("hangup", call, reason="not taken"))

    def leg_lost(self, leg: str, code: str) -> None:
        """The worker could not make the leg: the caller hears nothing, and nothing is to be waited for."""
        call = CallId(leg.removeprefix(LEG))
        if self.over(call):
            self.ctx.emit(ToSip("hangup", call, reason="not taken, and no announcement"))
            self.ctx.emit(Note("announcement_failed", "warning", {"call": call, "code": code}))

    def _announce(self, event: IncomingCall) -> bool:
        """Answer and say it; whether there was a worker, a port and a session for that."""
        ctx = self.ctx
        if not ctx.worker_attached:
            return False
        port = ctx.ports.take() if ctx.ports.left() > ctx.ports.in_use else None  # never one that others need
        if port is None:
            return False
        media_host, bind_host = ctx.media_place(event)
        policy = policy_in(ctx, event)
        try:
            media = negotiate(
                event.offer_sdp, media_host, port, ctx.ids.bits(31), policy=policy, secret=secret_for(ctx, policy)
            )
        except SdpError:
            ctx.ports.free(port)
            return False
        leg = replace(
            with_session(ctx.new_rtp(f"{LEG}{event.call}", port), media),
            bind_host=bind_host,
            peer_host=media.peer_host,
            peer_port=media.peer_port,
        )
        self.legs[event.call] = leg
        play = rpc.StartPlay(f"{LEG}{event.call}", str(leg.leg), "prompt:not-taken", loop=True, repeat_gap_ms=2_000)
        ctx.plan(f"turned/{event.call}", Plan(legs={leg.leg: leg}, plays={play.play: play}))
        ctx.emit(ToSip("answer", event.call, sdp=media.answer_sdp))
        ctx.emit(SetTimer(f"turned/{event.call}", ctx.now_ms + ANNOUNCED_FOR_MS))
        return True
