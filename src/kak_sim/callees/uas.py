"""One incoming call of a telephone, sans-IO: feed messages and time, drain datagrams and events, re-arm one timer.

The called side of RFC 3261: 180 or 183, the final answer sent again until it is acknowledged (13.3.1.4, 17.2.1), CANCEL
(9.2), the dialog with BYE both ways and in-dialog requests answered. Over UDP only.
"""

from collections.abc import Callable
from typing import Literal

from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Request, Response
from kak_sim.callees.people import REASONS, Person
from kak_sim.callers.offer import RemoteMedia, read_session, session
from kak_sim.callers.uac import Answered, Cause, Ended, Event, MediaChanged, Ringing
from kak_sim.callers.wire import hostport, request, response

State = Literal["ringing", "answering", "answered", "refused", "ending", "ended"]
T1_MS, T2_MS = 500, 4_000


class Uas:
    """A single call that came in. `new_token` gives fresh tokens for tags and branches."""

    def __init__(
        self,
        invite: Request,
        person: Person,
        local: tuple[str, int],
        rtp_port: int,
        new_token: Callable[[], str],
        now_ms: int,
    ) -> None:
        self.person = person
        self.call_id = invite.call_id
        self.state: State = "ringing"
        self.media: RemoteMedia | None = read_session(invite.body.decode(errors="replace")) if invite.body else None
        self._invite = invite
        self._local = local
        self._rtp_port = rtp_port
        self._new_token = new_token
        self._tag = new_token()
        self._session_id = int.from_bytes(new_token().encode()[:4], "big")
        self._version = 1
        self._contact = f"sip:{person.name.split()[0]}@{hostport(*local)}".encode("ascii", "ignore").decode()
        self._cseq = 0
        self._last = b""  # the newest answer to the INVITE: sent again for a repeated one
        self._again_ms = self._interval_ms = self._until_ms = 0
        self._decide_ms = now_ms + person.ring_ms
        self._bye = b""
        self._out: list[bytes] = []
        self._events: list[Event] = []
        self._ring()

    # --- commands ---

    def receive(self, message: Request | Response, now_ms: int) -> None:
        """A message of this call."""
        if isinstance(message, Response):
            if message.status >= 200 and self.state == "ending":
                self._end("hung-up", message.status)
        elif message.method == "INVITE":
            self._invited_again(message)
        elif message.method == "ACK":
            self._acknowledged(message, now_ms)
        elif message.method == "CANCEL":
            self._cancelled(message, now_ms)
        elif message.method == "BYE":
            self._out.append(response(message, 200, "OK"))
            if self.state not in ("refused", "ended"):
                self._end("bye")
        else:
            known = self.state in ("answering", "answered")
            status = (200, "OK") if known else (481, "Call/Transaction Does Not Exist")
            self._out.append(response(message, *status, to_tag=self._tag, contact=self._contact))

    def hang_up(self, now_ms: int) -> None:
        """BYE once answered, a refusal while it rings."""
        if self.state == "ringing":
            self._refuse(480, now_ms)
        elif self.state in ("answering", "answered"):
            self.state = "ending"
            self._cseq += 1
            self._bye = self._request("BYE")
            self._send_again(self._bye, now_ms)

    def timer(self, now_ms: int) -> None:
        """Answer when it has rung long enough, send again what is not acknowledged, hang up in time."""
        if self._until_ms and now_ms >= self._until_ms:
            self._end("timeout")
        elif self._again_ms and now_ms >= self._again_ms:
            self._out.append(self._bye or self._last)
            self._interval_ms = min(2 * self._interval_ms, T2_MS)
            self._again_ms = now_ms + self._interval_ms
        if self._decide_ms and now_ms >= self._decide_ms:
            self._decide_ms = 0
            if self.state == "ringing":
                self._decide(now_ms)
            elif self.state == "answered":
                self.hang_up(now_ms)

    def next_timer_at_ms(self) -> int | None:
        """When `timer` wants to be called."""
        return min((at_ms for at_ms in (self._decide_ms, self._again_ms, self._until_ms) if at_ms), default=None)

    def drain(self) -> tuple[list[bytes], list[Event]]:
        """Datagrams and events, each in order, once."""
        out, events = self._out, self._events
        self._out, self._events = [], []
        return out, events

    # --- the INVITE ---

    def _ring(self) -> None:
        if self.media is None:
            self._answer(488, "Not Acceptable Here")
            self.state = "refused"
            self._decide_ms = 0
        elif self.person.early_hz:
            self._answer(183, "Session Progress", self._session())
            self._events.append(Ringing(183, self.media))
        elif self.person.ring_ms:
            self._answer(180, "Ringing")
            self._events.append(Ringing(180))

    def _decide(self, now_ms: int) -> None:
        if self.person.status >= 300:
            self._refuse(self.person.status, now_ms)
            return
        self._answer(200, "OK", self._session())
        self.state = "answering"
        self._retry(now_ms)
        assert self.media is not None
        self._events.append(Answered(self.media))

    def _refuse(self, status: int, now_ms: int) -> None:
        self._answer(status, REASONS.get(status, "Decline"))
        self.state = "refused"
        self._retry(now_ms)
        self._events.append(Ended("refused", status))

    def _invited_again(self, message: Request) -> None:
        """The same INVITE once more, or a re-INVITE that moves the other end's audio."""
        if message.cseq.number == self._invite.cseq.number:
            self._out.append(self._last)
            return
        media = read_session(message.body.decode(errors="replace")) if message.body else self.media
        if media is None or self.state != "answered":
            self._out.append(response(message, 488, "Not Acceptable Here", to_tag=self._tag))
            return
        self._version += 1
        self._out.append(response(message, 200, "OK", to_tag=self._tag, contact=self._contact, sdp=self._session()))
        self.media = media
        self._events.append(MediaChanged(media))

    def _acknowledged(self, message: Request, now_ms: int) -> None:
        if message.cseq.number != self._invite.cseq.number or self._bye:
            return
        self._again_ms = self._until_ms = 0
        if self.state == "answering":
            self.state = "answered"
            self._decide_ms = now_ms + self.person.talk_ms if self.person.talk_ms else 0
        elif self.state == "refused":
            self.state = "ended"

    def _cancelled(self, message: Request, now_ms: int) -> None:
        self._out.append(response(message, 200, "OK", to_tag=self._tag))
        if self.state == "ringing":
            self._decide_ms = 0
            self._answer(487, "Request Terminated")
            self.state = "refused"
            self._retry(now_ms)
            self._events.append(Ended("cancelled", 487))

    # --- sending ---

    def _answer(self, status: int, reason: str, sdp: str = "") -> None:
        contact = self._contact if status < 300 else ""
        self._last = response(self._invite, status, reason, to_tag=self._tag, contact=contact, sdp=sdp)
        self._out.append(self._last)

    def _retry(self, now_ms: int) -> None:
        self._interval_ms = T1_MS
        self._again_ms, self._until_ms = now_ms + T1_MS, now_ms + 64 * T1_MS

    def _send_again(self, data: bytes, now_ms: int) -> None:
        self._out.append(data)
        self._retry(now_ms)

    def _session(self) -> str:
        return session(self._local[0], self._rtp_port, self._session_id, self._version)

    def _request(self, method: str) -> bytes:
        """A request of ours in the dialog: theirs and ours change places (12.2.1.1)."""
        invite = self._invite
        target = str(parse_name_addr(invite.items("contact")[0]).uri)
        to = invite.fields["to"][0]
        ours = to if ";tag=" in to else f"{to};tag={self._tag}"
        headers = [
            ("Via", f"SIP/2.0/UDP {hostport(*self._local)};branch=z9hG4bK{self._new_token()};rport"),
            ("Max-Forwards", "70"),
            ("From", ours),
            ("To", invite.fields["from"][0]),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._cseq} {method}"),
        ]
        headers += [("Route", f"<{parse_name_addr(item).uri}>") for item in invite.items("record-route")]
        return request(f"{method} {target}", headers)

    def _end(self, cause: Cause, status: int = 0) -> None:
        self.state = "ended"
        self._again_ms = self._until_ms = self._decide_ms = 0
        self._events.append(Ended(cause, status))
