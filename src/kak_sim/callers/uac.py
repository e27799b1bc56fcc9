"""One outgoing call of a telephone, sans-IO: feed datagrams and time, drain datagrams and events, re-arm one timer.

The calling side of RFC 3261: INVITE (17.1.1), CANCEL (9.1), the dialog (12) with BYE both ways and in-dialog requests
answered. Over UDP only; every datagram goes to the server, which is the next hop of everything (8.1.2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Request, Response, parse
from kak_sim.callers.offer import RemoteMedia, read_session, session
from kak_sim.callers.wire import Line, invite_extras, request, response, via

State = Literal["new", "calling", "ringing", "answered", "ending", "ended"]
Cause = Literal["refused", "cancelled", "timeout", "hung-up", "bye"]
_ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO"


@frozen
class Ringing:
    """180, 182 or 183 came; `media` when early media is announced with it."""

    status: int
    media: RemoteMedia | None = None


@frozen
class Answered:
    """200 came and ACK is on its way."""

    media: RemoteMedia


@frozen
class MediaChanged:
    """A re-INVITE moved the other end's audio, or changed its direction."""

    media: RemoteMedia


@frozen
class Ended:
    """The call is over; `status` is the final response's, 0 when there was none."""

    cause: Cause
    status: int = 0


Event = Ringing | Answered | MediaChanged | Ended


@dataclass(slots=True)
class _Retry:
    """A request on its way: sent again at doubling intervals until it is answered or given up."""

    data: bytes
    at_ms: int
    interval_ms: int
    until_ms: int
    cap_ms: int | None  # None: no upper bound for the interval (timer A)


class Uac:
    """A single call. `new_token` gives fresh tokens for Call-ID, tags and branches."""

    def __init__(
        self, line: Line, rtp_port: int, new_token: Callable[[], str], *, timestamp: str = "", t1_ms: int = 500
    ) -> None:
        self.line = line
        self.state: State = "new"
        self.status = 0  # the newest response to the INVITE
        self.call_id = f"{new_token()}@{line.local_host}"
        self.retransmissions = 0
        self._new_token = new_token
        self._timestamp = timestamp
        self._t1_ms = t1_ms
        self._tag = new_token()
        self._session_id = int.from_bytes(new_token().encode()[:4], "big")
        self._session_version = 1
        self._rtp_port = rtp_port
        self._branch = new_token()
        self._cseq = 1
        self._remote_to = f"<{line.target}>"
        self._remote_target = line.target
        self._routes: list[str] = []
        self._acks: dict[str, bytes] = {}  # To-tag of a 2xx -> its ACK, sent again for each repeated 2xx
        self._retries: dict[str, _Retry] = {}
        self._cancel_wanted = False
        self._out: list[bytes] = []
        self._events: list[Event] = []
        self.forgetful = False  # the telephone was restarted: it knows nothing of the dialog

    # --- commands ---

    def start(self, now_ms: int) -> None:
        """Send the INVITE."""
        assert self.state == "new"
        self.state = "calling"
        extras, body = invite_extras(self.line, self._session(), f"{self._tag}@{self.line.local_host}", self._timestamp)
        allow = [("Contact", f"<{self.line.contact}>"), ("Allow", _ALLOW), ("User-Agent", "kak-sim caller")]
        self._send_request("INVITE", self._branch, self._cseq, now_ms, [*allow, *extras], body, self.line.target)

    def hang_up(self, now_ms: int) -> None:
        """CANCEL while it rings, BYE once answered (15), nothing when over. CANCEL waits for a provisional (9.1)."""
        if self.state == "answered":
            self._bye(now_ms)
        elif self.state in ("calling", "ringing") and not self._cancel_wanted:
            self._cancel_wanted = True
            if self.status:
                self._cancel(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        """A datagram from the server. What is no SIP, or belongs to another call, is dropped."""
        try:
            message = parse(data)
            if message.call_id != self.call_id:
                return
            if isinstance(message, Request):
                self._request(message)
            else:
                self._response(message, now_ms)
        except ParseError:
            return

    def timer(self, now_ms: int) -> None:
        """Send again what is due, give up what is over its time."""
        for method, retry in list(self._retries.items()):
            if now_ms >= retry.until_ms:
                del self._retries[method]
                self._gave_up(method)
            elif now_ms >= retry.at_ms:
                self._out.append(retry.data)
                self.retransmissions += 1
                retry.interval_ms *= 2
                if retry.cap_ms is not None:
                    retry.interval_ms = min(retry.interval_ms, retry.cap_ms)
                retry.at_ms = now_ms + retry.interval_ms

    def next_timer_at_ms(self) -> int | None:
        """When `timer` wants to be called."""
        return min((min(retry.at_ms, retry.until_ms) for retry in self._retries.values()), default=None)

    def drain(self) -> tuple[list[bytes], list[Event]]:
        """Datagrams for the server and events for the house, each in order, once."""
        out, events = self._out, self._events
        self._out, self._events = [], []
        return out, events

    # --- responses ---

    def _response(self, message: Response, now_ms: int) -> None:
        method = message.cseq.method
        if method == "INVITE":
            self._invite_response(message, now_ms)
        elif message.status >= 200 and method in self._retries:
            del self._retries[method]
            if method == "BYE":
                self._end("hung-up", message.status)

    def _invite_response(self, message: Response, now_ms: int) -> None:
        retry = self._retries.get("INVITE")
        if message.status < 200:
            if self.state in ("calling", "ringing"):
                self._provisional(message, retry, now_ms)
            return
        self._retries.pop("INVITE", None)
        if message.status >= 300:
            self._ack_refusal(message)
            if self.state in ("calling", "ringing"):
                self._end("cancelled" if self._cancel_wanted else "refused", message.status)
            return
        tag = message.to.tag
        if tag in self._acks:  # 13.2.2.4: each 2xx is acknowledged, repeated ones too
            self._out.append(self._acks[tag])
            return
        if self.state in ("calling", "ringing"):
            self._accepted(message, now_ms)

    def _provisional(self, message: Response, retry: _Retry | None, now_ms: int) -> None:
        # 17.1.1.2: in Proceeding the INVITE is not sent again; whether anybody answers is for the caller's patience
        if retry is not None:
            del self._retries["INVITE"]
        first = self.status == 0
        self.status = message.status
        if message.status > 100:
            self.state = "ringing"
            media = read_session(message.body.decode(errors="replace")) if message.body else None
            self._events.append(Ringing(message.status, media))
        if first and self._cancel_wanted:
            self._cancel(now_ms)

    def _accepted(self, message: Response, now_ms: int) -> None:
        self.status = message.status
        self._remote_to = message.fields["to"][0]
        self._remote_target = str(parse_name_addr(message.items("contact")[0]).uri)
        self._routes = [f"<{parse_name_addr(item).uri}>" for item in reversed(message.items("record-route"))]  # 12.1.2
        ack = self._in_dialog("ACK", self._new_token(), 1)
        self._acks[message.to.tag] = ack
        self._out.append(ack)
        self.state = "answered"
        media = read_session(message.body.decode(errors="replace"))
        if media is None or self._cancel_wanted:  # 9.1: the answer overtook the CANCEL
            self._bye(now_ms)
            return
        self._events.append(Answered(media))

    def _ack_refusal(self, message: Response) -> None:
        """17.1.1.3: the ACK of a refusal belongs to the INVITE transaction: same branch, same Request-URI."""
        headers = self._headers("ACK", self._branch, 1, message.fields["to"][0])
        self._out.append(request(f"ACK {self.line.target}", headers))

    # --- requests from the other end ---

    def _request(self, message: Request) -> None:
        if message.method == "ACK":
            return
        if self.forgetful or self.state not in ("answered", "ending", "ended"):
            self._out.append(response(message, 481, "Call/Transaction Does Not Exist", to_tag=self._tag))
        elif message.method == "BYE":
            self._out.append(response(message, 200, "OK"))
            if self.state != "ended":
                self._end("bye")
        elif message.method == "INVITE":
            self._reinvited(message)
        elif message.method in ("OPTIONS", "INFO", "UPDATE"):
            status = (200, "OK") if self.state == "answered" else (481, "Call/Transaction Does Not Exist")
            self._out.append(response(message, *status, contact=self.line.contact))
        else:
            self._out.append(response(message, 405, "Method Not Allowed"))

    def _reinvited(self, message: Request) -> None:
        media = read_session(message.body.decode(errors="replace")) if message.body else None
        if media is None:
            self._out.append(response(message, 488, "Not Acceptable Here"))
            return
        self._session_version += 1
        self._out.append(response(message, 200, "OK", contact=self.line.contact, sdp=self._session()))
        self._events.append(MediaChanged(media))

    # --- sending ---

    def _session(self) -> str:
        return session(self.line.local_host, self._rtp_port, self._session_id, self._session_version)

    def _headers(self, method: str, branch: str, cseq: int, to: str) -> list[tuple[str, str]]:
        return [
            ("Via", via(self.line, branch)),
            ("Max-Forwards", "70"),
            ("From", f"{self.line.sender};tag={self._tag}"),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]

    def _in_dialog(self, method: str, branch: str, cseq: int) -> bytes:
        headers = self._headers(method, branch, cseq, self._remote_to)
        headers += [("Route", route) for route in self._routes]
        return request(f"{method} {self._remote_target}", headers)

    def _send_request(
        self,
        method: str,
        branch: str,
        cseq: int,
        now_ms: int,
        extras: list[tuple[str, str]],
        body: str,
        target: str,
    ) -> None:
        data = request(f"{method} {target}", [*self._headers(method, branch, cseq, self._remote_to), *extras], body)
        self._track(method, data, now_ms)

    def _track(self, method: str, data: bytes, now_ms: int) -> None:
        t1_ms = self._t1_ms
        # 17.1.1.2 timers A and B; 17.1.2.2 timers E (capped at T2) and F
        cap_ms = None if method == "INVITE" else 8 * t1_ms
        self._retries[method] = _Retry(data, now_ms + t1_ms, t1_ms, now_ms + 64 * t1_ms, cap_ms)
        self._out.append(data)

    def _cancel(self, now_ms: int) -> None:
        headers = self._headers("CANCEL", self._branch, 1, f"<{self.line.target}>")
        self._track("CANCEL", request(f"CANCEL {self.line.target}", headers), now_ms)

    def _bye(self, now_ms: int) -> None:
        self.state = "ending"
        self._cseq += 1
        self._track("BYE", self._in_dialog("BYE", self._new_token(), self._cseq), now_ms)

    def _gave_up(self, method: str) -> None:
        if method == "BYE" or (method in ("INVITE", "CANCEL") and self.state in ("calling", "ringing")):
            self._end("timeout")

    def _end(self, cause: Cause, status: int = 0) -> None:
        self.state = "ended"
        self.status = status or self.status
        self._retries.clear()
        self._events.append(Ended(cause, status))
