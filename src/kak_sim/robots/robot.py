"""A robot operator: takes every offer after a moment, listens, hangs up or waits for the caller to, wraps up."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kak_server.model.light import frozen
from kak_sim.callers.endpoint import RtpEndpoint
from kak_sim.callers.heard import Heard
from kak_sim.callers.offer import RemoteMedia
from kak_sim.callers.rtp import RtpPacket
from kak_sim.callers.sound import Source
from kak_sim.robots.client import ApiRefusedError, PositionClient

_RETAKE_S = 1.0


@frozen
class Manner:
    """How a robot works. Times in milliseconds."""

    accept_after_ms: int = 0
    hang_up_after_ms: int | None = None  # None: waits for the caller's BYE
    wrap_up_ms: int | None = 0  # None: lets the queue's wrap-up time pass
    reject_every: int = 0  # every n-th offer is rejected; 0: none


@dataclass(slots=True)
class Handled:
    """One offer as the robot saw it: wall clock nanoseconds, 0 where it never came to that."""

    contact: str
    epoch: int
    caller: str
    offered_ns: int
    free_ns: int  # when the robot last became free before this offer; 0: it never had a call
    accepted_ns: int = 0
    connected_ns: int = 0
    audio_ns: int = 0
    ended_ns: int = 0
    outcome: str = ""  # "ended:<cause>", "refused:<code>", "rejected", "withdrawn:<reason>"


@dataclass(slots=True)
class Robot:
    """One robot at one position. `start`, then `stop`; `handled` is what it did."""

    client: PositionClient
    position: str
    manner: Manner = field(default_factory=Manner)
    host: str = "127.0.0.1"
    source: Source | None = None
    keep_sound: bool = False
    on_handled: Callable[[Handled], None] | None = None
    handled: list[Handled] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    _rtp: RtpEndpoint | None = None
    _now: Handled | None = None
    _offers: int = 0
    _free_ns: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Sign in, sit down, connect media and events, be available. Raises ApiRefusedError."""
        await self.client.sign_in()
        await self.client.sit_down(self.position, take_over=True)
        self._rtp = RtpEndpoint(
            self.host,
            ssrc=secrets.randbits(31),
            source=self.source,
            heard=self.heard if self.keep_sound else None,
            on_packet=self._packet,
        )
        host, port = await self.client.connect_rtp(self._rtp.host, self._rtp.port)
        self._rtp.rest(True)
        self._rtp.talk_to(RemoteMedia(host, port))
        self.client.on_event = self._event
        await self.client.connect_events()
        await self.client.command("activity.set", activity="available", reason="")
        if (offer := self.client.view.get("offer")) is not None:
            self._offered(offer, time.time_ns())

    async def stop(self) -> None:
        """Leave without a word; what is up is the server's to sort out."""
        self.client.on_event = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._rtp is not None:
            self._rtp.close()
        await self.client.close()

    @property
    def rtp(self) -> RtpEndpoint:
        """The telephone's audio, for its counters."""
        assert self._rtp is not None, "not started"
        return self._rtp

    # --- what happens ---

    def _event(self, name: str, data: Any, at_ns: int) -> None:
        if name == "offer" and data is not None:
            self._offered(data, at_ns)
        elif name == "call" and data is not None:
            self._call(data, at_ns)
        elif self._now is not None and name == "call.ended" and data["contact"] == self._now.contact:
            self._over(f"ended:{data['cause']}", at_ns)
        elif name == "offer.withdrawn" and self._undecided(data["contact"]):
            self._close(f"withdrawn:{data['reason']}", at_ns)

    def _undecided(self, contact: str) -> bool:
        """Whether the robot still thinks about this contact: a withdrawal after the accept is told by its refusal."""
        return self._now is not None and self._now.contact == contact and not self._now.accepted_ns

    def _offered(self, offer: dict[str, Any], at_ns: int) -> None:
        now = self._now
        if now is not None and (now.contact, now.epoch) == (offer["contact"], offer["epoch"]):
            return  # the same offer told again
        self._offers += 1
        self._now = Handled(offer["contact"], offer["epoch"], offer["caller"], at_ns, self._free_ns)
        self._spawn(self._answer(self._now, offer))

    async def _answer(self, handled: Handled, offer: dict[str, Any]) -> None:
        if self.manner.accept_after_ms:
            await asyncio.sleep(self.manner.accept_after_ms / 1000)
        every = self.manner.reject_every
        reject = every > 0 and self._offers % every == 0
        handled.accepted_ns = 0 if reject else time.time_ns()
        self.rtp.rest(reject)
        name = "contact.reject" if reject else "contact.accept"
        try:
            await self.client.command(name, contact=offer["contact"], epoch=offer["epoch"])
        except ApiRefusedError as refusal:
            handled.accepted_ns = 0
            self._close(f"refused:{refusal.code}", time.time_ns(), handled)
        except (ConnectionError, TimeoutError) as problem:
            self._close(f"lost:{type(problem).__name__}", time.time_ns(), handled)
        else:
            if reject:
                self._close("rejected", time.time_ns(), handled)

    def _call(self, call: dict[str, Any], at_ns: int) -> None:
        now = self._now
        if now is None or now.contact != call["contact"] or now.connected_ns or call["state"] != "connected":
            return
        now.connected_ns = at_ns
        if self.manner.hang_up_after_ms is not None:
            self._spawn(self._hang_up(now, self.manner.hang_up_after_ms / 1000))

    async def _hang_up(self, handled: Handled, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        if self._now is handled:
            await self._quietly("contact.hangup", contact=handled.contact)

    def _over(self, outcome: str, at_ns: int) -> None:
        self._close(outcome, at_ns)
        if self.manner.wrap_up_ms is not None:
            self._spawn(self._wrap_up(self.manner.wrap_up_ms / 1000))

    async def _wrap_up(self, delay_s: float) -> None:
        if delay_s:
            await asyncio.sleep(delay_s)
        self._free_ns = time.time_ns()
        await self._quietly("wrapup.done")

    def _close(self, outcome: str, at_ns: int, handled: Handled | None = None) -> None:
        handled = handled or self._now
        if handled is None or handled.outcome:
            return
        handled.outcome, handled.ended_ns = outcome, at_ns
        if self._now is handled:
            self._now = None
            self.rtp.rest(True)
        self.handled.append(handled)
        if self.on_handled is not None:
            self.on_handled(handled)

    def _packet(self, packet: RtpPacket, at_ns: int) -> None:
        now = self._now
        if now is not None and now.accepted_ns and not now.audio_ns and _sounds(packet.payload):
            now.audio_ns = at_ns

    async def _quietly(self, name: str, **args: Any) -> None:
        try:
            await self.client.command(name, **args)
        except (ApiRefusedError, ConnectionError, TimeoutError):
            pass  # the call or the stream was gone already; the outcome tells

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _sounds(payload: bytes) -> bool:
    """Whether an A-law packet carries more than silence, without decoding it: quiet samples are 0xD5 or 0x55 give or
    take the smallest steps."""
    return sum(octet & 0x7F not in (0x55, 0x54, 0x57, 0x56) for octet in payload[:32]) > 8
