"""Telephones that can be called, on one UDP port: the answering side of the simulator, with real RTP."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping

from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request, parse
from kak_sim.callees.people import Person, person_for
from kak_sim.callees.uas import Uas
from kak_sim.callers.endpoint import RtpEndpoint
from kak_sim.callers.heard import Heard
from kak_sim.callers.sound import Loop, Source, speech, steady
from kak_sim.callers.uac import Answered, Ended, Event, MediaChanged, Ringing
from kak_sim.callers.wire import response

MAX_CALLS = 200
KEPT = 50  # calls that are over, for those who look
LINGER_MS = 5_000  # so long a call that is over still answers what is sent to it again
Address = tuple[str, int]


class Callee:
    """One call that came in: its SIP, its audio, what it hears."""

    def __init__(self, name: str, number: str, caller: str, uas: Uas, rtp: RtpEndpoint, peer: Address) -> None:
        self.name = name
        self.number = number
        self.caller = caller
        self.uas = uas
        self.rtp = rtp
        self.peer = peer
        self.started_ns = time.time_ns()
        self.answered_ns: int | None = None
        self.ended: Ended | None = None
        self.gone_at_ms = 0

    @property
    def heard(self) -> Heard:
        """What it hears."""
        assert self.rtp.heard is not None
        return self.rtp.heard

    def row(self) -> dict[str, object]:
        """Plain values for the panel."""
        return {
            "id": self.name,
            "number": self.number,
            "name": self.uas.person.name,
            "caller": self.caller,
            "state": self.uas.state,
            "cause": self.ended.cause if self.ended is not None else "",
            "heard_packets": self.heard.count,
        }


class Exchange:
    """`start` on an address, then `stop`. `book` overrides who has which number."""

    def __init__(
        self, listen: Address, book: Mapping[str, Person] | None = None, *, voice: Source | None = None
    ) -> None:
        self.listen = listen
        self.callees: list[Callee] = []
        self.over: deque[Callee] = deque(maxlen=KEPT)
        self.refused = 0  # INVITEs beyond MAX_CALLS
        self.invites = 0
        self.on_change: Callable[[Callee], None] | None = None
        self._book = dict(book or {})
        self._voice = voice
        self._sip: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.listen[1]

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        if self._voice is None:
            try:
                self._voice = await speech()
            except OSError:  # no espeak-ng here: a tone is a voice too
                self._voice = steady(1_300)
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _Socket(self), local_addr=self.listen)
        self.listen = self._sip.get_extra_info("sockname")[:2]

    async def stop(self) -> None:
        """All hang up; a moment for the answers, then the ports are given back."""
        for callee in self.callees:
            callee.uas.hang_up(_now_ms())
            self._flush(callee)
        if any(callee.uas.state == "ending" for callee in self.callees):
            await asyncio.sleep(0.2)
        if self._timer is not None:
            self._timer.cancel()
        for callee in [*self.callees, *self.over]:
            callee.rtp.close()
        self.callees.clear()
        if self._sip is not None:
            self._sip.close()

    def hang_up(self, name: str) -> bool:
        """Let one hang up. False when there is none of that name."""
        callee = next((callee for callee in self.callees if callee.name == name), None)
        if callee is None:
            return any(callee.name == name for callee in self.over)
        callee.uas.hang_up(_now_ms())
        self._flush(callee)
        return True

    def rows(self) -> list[dict[str, object]]:
        """All that are up and the last ones that were."""
        return [callee.row() for callee in [*self.over, *self.callees]]

    def with_number(self, number: str) -> Callee | None:
        """The newest call for a number, up or over."""
        found = [callee for callee in [*self.over, *self.callees] if callee.number == number]
        return max(found, key=lambda callee: callee.started_ns, default=None)

    # --- inside ---

    def datagram(self, data: bytes, peer: Address) -> None:
        """What the SIP socket received. What is no SIP, or belongs to no call, is answered as it deserves."""
        try:
            message = parse(data)
        except ParseError:
            return
        for callee in self.callees:
            if callee.uas.call_id == message.call_id:
                callee.uas.receive(message, _now_ms())
                self._flush(callee)
                return
        if not isinstance(message, Request) or message.method == "ACK":
            return
        if message.method == "OPTIONS":
            self._send(response(message, 200, "OK", to_tag=secrets.token_hex(4)), peer)
        elif message.method != "INVITE":
            self._send(response(message, 481, "Call/Transaction Does Not Exist", to_tag=secrets.token_hex(4)), peer)
        elif len(self.callees) >= MAX_CALLS:
            self.refused += 1
            self._send(response(message, 503, "Service Unavailable", to_tag=secrets.token_hex(4)), peer)
        else:
            self._invited(message, peer)

    def _invited(self, invite: Request, peer: Address) -> None:
        self.invites += 1
        number = invite.uri.user
        number = number.split(";")[0]
        person = self._book.get(number) or person_for(number)
        host = self.listen[0]
        rtp = RtpEndpoint(host, ssrc=secrets.randbits(31), heard=Heard())
        uas = Uas(invite, person, (host, self.port), rtp.port, lambda: secrets.token_hex(6), _now_ms())
        callee = Callee(f"e{self.invites}", number, invite.sender.uri.user, uas, rtp, peer)
        self.callees.append(callee)
        self._flush(callee)

    def _flush(self, callee: Callee) -> None:
        out, events = callee.uas.drain()
        for data in out:
            self._send(data, callee.peer)
        for event in events:
            self._happened(callee, event)
        self._rearm()

    def _happened(self, callee: Callee, event: Event) -> None:
        person = callee.uas.person
        match event:
            case Ringing(media=media) if media is not None:
                callee.rtp.source = steady(person.early_hz)
                callee.rtp.talk_to(media)
            case Answered(media=media):
                callee.answered_ns = time.time_ns()
                callee.rtp.source = steady(person.tone_hz) if person.tone_hz else self._speech()
                callee.rtp.talk_to(media)
            case MediaChanged(media=media):
                callee.rtp.talk_to(media)
            case Ended():
                callee.ended = event
                callee.rtp.fall_silent()
                callee.gone_at_ms = _now_ms() + LINGER_MS
        if self.on_change is not None:
            self.on_change(callee)

    def _speech(self) -> Source:
        """A voice of one's own: the sound is shared, the place in it is not."""
        voice = self._voice
        return voice.again() if isinstance(voice, Loop) else steady(1_300)

    def _send(self, data: bytes, peer: Address) -> None:
        if self._sip is not None and not self._sip.is_closing():
            self._sip.sendto(data, peer)

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = [at_ms for callee in self.callees if (at_ms := callee.uas.next_timer_at_ms()) is not None]
        due += [callee.gone_at_ms for callee in self.callees if callee.gone_at_ms]
        if due:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, min(due) - _now_ms()) / 1000 + 0.001, self._on_timer)

    def _on_timer(self) -> None:
        now_ms = _now_ms()
        for callee in list(self.callees):
            if callee.gone_at_ms and now_ms >= callee.gone_at_ms:
                self.callees.remove(callee)
                callee.rtp.close()
                self.over.append(callee)
            elif (at_ms := callee.uas.next_timer_at_ms()) is not None and at_ms <= now_ms:
                callee.uas.timer(now_ms)
                self._flush(callee)
        self._rearm()


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._exchange.datagram(data, addr[:2])


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
