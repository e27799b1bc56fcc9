"""A person with a telephone: SIP and RTP over real sockets, and what was heard, to be asked about."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kak_sim.audio import write_wav
from kak_sim.callers.endpoint import RtpEndpoint
from kak_sim.callers.heard import Heard
from kak_sim.callers.location import Place
from kak_sim.callers.offer import RemoteMedia
from kak_sim.callers.sound import Source
from kak_sim.callers.uac import Answered, Ended, MediaChanged, Ringing, State, Uac
from kak_sim.callers.wire import Line

LINGER_S = 4.0  # after the end the telephone still answers what is sent to it again (17.1.1.2 timer D, shortened)


class CallFailedError(Exception):
    """The call ended where the caller waited for something better."""


class Caller:
    """One call. Give it to `place()`, then wait for `ring()` or `answered()`; always `close()` in the end.

    `server` is (host, port). `number` may be a service URN. Times out on nothing by itself: the caller's patience is
    the `timeout_s` of the waits.
    """

    def __init__(
        self,
        server: tuple[str, int],
        number: str,
        caller: str = "+4791500000",
        *,
        source: Source | None = None,
        asserted: str = "",
        location: Place | None = None,
        local_host: str = "127.0.0.1",
        display_name: str = "",
        keep_sound: bool = True,
        linger_s: float = LINGER_S,
    ) -> None:
        self.server = server
        self.heard = Heard()
        self.ended: Ended | None = None
        self.rang_ns: int | None = None
        self.invited_ns: int | None = None
        self.answered_ns: int | None = None
        self.media: RemoteMedia | None = None
        self.on_end: Callable[[Caller], None] | None = None
        self._line = Line(number, caller, *server, local_host, 0, display_name, asserted, location)
        self._source = source
        self._keep_sound = keep_sound
        self._linger_s = linger_s
        self._uac: Uac | None = None
        self._rtp: RtpEndpoint | None = None
        self._sip: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._gone = False

    # --- life ---

    @property
    def state(self) -> State:
        """new, calling, ringing, answered, ending, ended."""
        return self._uac.state if self._uac is not None else "new"

    @property
    def number(self) -> str:
        """Whom."""
        return self._line.number

    @property
    def caller(self) -> str:
        """Who."""
        return self._line.caller

    @property
    def rtp(self) -> RtpEndpoint:
        """The audio socket, for its counters."""
        assert self._rtp is not None, "not placed yet"
        return self._rtp

    @property
    def sip(self) -> Uac:
        """The protocol machine, for its counters."""
        assert self._uac is not None, "not placed yet"
        return self._uac

    async def place(self) -> "Caller":
        """Open the sockets and send the INVITE."""
        loop = asyncio.get_running_loop()
        host = self._line.local_host
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _SipSocket(self), local_addr=(host, 0))
        port = self._sip.get_extra_info("sockname")[1]
        self._rtp = RtpEndpoint(
            host, ssrc=secrets.randbits(31), source=self._source, heard=self.heard if self._keep_sound else None
        )
        timestamp = datetime.now(UTC).isoformat(timespec="seconds")
        line = replace(self._line, local_port=port)
        self._uac = Uac(line, self._rtp.port, lambda: secrets.token_hex(8), timestamp=timestamp)
        self.invited_ns = time.time_ns()
        self._uac.start(_now_ms())
        self._flush()
        return self

    async def ring(self, timeout_s: float = 5.0) -> None:
        """Wait for 180 (or 183, or an answer at once). Raises CallFailedError when it ends first, TimeoutError."""
        await self._wait(lambda: self.rang_ns is not None or self.answered_ns is not None, timeout_s)

    async def answered(self, timeout_s: float = 30.0) -> None:
        """Wait for 200. Raises CallFailedError when it ends first, TimeoutError."""
        await self._wait(lambda: self.answered_ns is not None, timeout_s)

    async def over(self, timeout_s: float = 10.0) -> Ended:
        """Wait for the end, however it comes. Raises TimeoutError."""
        await self._wait(lambda: self.ended is not None, timeout_s)
        assert self.ended is not None
        return self.ended

    async def hang_up(self, timeout_s: float = 40.0) -> None:
        """CANCEL or BYE, and wait until the other end has confirmed it or it is given up."""
        if self._uac is None or self.ended is not None or self._gone:
            return
        self.rtp.fall_silent()
        self._uac.hang_up(_now_ms())
        self._flush()
        await self.over(timeout_s)

    def send_hang_up(self) -> None:
        """CANCEL or BYE without waiting: somebody else waits with `over`."""
        self.sip.hang_up(_now_ms())
        self._flush()

    def vanish(self) -> None:
        """The telephone is gone from one moment to the next: it sends nothing, answers nothing, and keeps its ports so
        that nobody gets an ICMP error either."""
        self._gone = True
        self.rtp.fall_silent()
        if self._timer is not None:
            self._timer.cancel()

    def restart_telephone(self) -> None:
        """The telephone was switched off and on: no sound, and 481 to whoever asks about the call."""
        self.sip.forgetful = True
        self.rtp.fall_silent()

    def mute(self, on: bool) -> None:
        """Send no RTP at all (a network that suppresses silence), or speak again; the call stays."""
        if on:
            self.rtp.fall_silent()
        elif self.media is not None:
            self.rtp.talk_to(self.media)

    def send_digits(self, digits: str) -> None:
        """Press keys."""
        self.rtp.send_digits(digits)

    def record_to(self, path: str | Path) -> None:
        """Write what was heard until now as WAV on its own clock."""
        write_wav(path, self.heard.timeline())

    def close(self) -> None:
        """Give everything back at once, without a word to the other end."""
        self._gone = True
        if self._timer is not None:
            self._timer.cancel()
        if self._rtp is not None:
            self._rtp.close()
        if self._sip is not None:
            self._sip.close()

    # --- inside ---

    def datagram(self, data: bytes) -> None:
        """What the SIP socket received."""
        if self._uac is not None and not self._gone:
            self._uac.receive(data, _now_ms())
            self._flush()

    def _flush(self) -> None:
        assert self._uac is not None
        assert self._sip is not None
        out, events = self._uac.drain()
        for data in out:
            self._sip.sendto(data, self.server)
        for event in events:
            self._happened(event)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at_ms = self._uac.next_timer_at_ms()
        if at_ms is not None and not self._gone:
            delay_s = max(0.0, (at_ms - _now_ms()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._timer_due)

    def _timer_due(self) -> None:
        assert self._uac is not None
        self._uac.timer(_now_ms())
        self._flush()

    def _happened(self, event: Ringing | Answered | MediaChanged | Ended) -> None:
        if isinstance(event, Ringing) and event.status >= 180 and self.rang_ns is None:
            self.rang_ns = time.time_ns()
        elif isinstance(event, Answered):
            self.answered_ns = time.time_ns()
            self.media = event.media
            self.rtp.talk_to(event.media)
        elif isinstance(event, MediaChanged):
            self.media = event.media
            self.rtp.talk_to(event.media)
        elif isinstance(event, Ended):
            self.ended = event
            self.rtp.fall_silent()
            asyncio.get_running_loop().call_later(self._linger_s, self.close)
            if self.on_end is not None:
                self.on_end(self)
        self._changed.set()

    async def _wait(self, happened: Callable[[], bool], timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            while not happened():
                if self.ended is not None:
                    raise CallFailedError(f"the call ended: {self.ended.cause} {self.ended.status or ''}".strip())
                self._changed.clear()
                await self._changed.wait()


class _SipSocket(asyncio.DatagramProtocol):
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._caller.datagram(data)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
