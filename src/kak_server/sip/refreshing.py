"""Session timers at work (RFC 4028): our 2xx and requests carry them, and somebody refreshes in time.

A call is not cut on silence alone. When the peer was to refresh and did not, we refresh ourselves, or ask with OPTIONS
where it takes no UPDATE; only 481, or no answer at all, ends the call.
"""

from collections.abc import Callable
from dataclasses import replace

from kak_server.sip import build, session_timer
from kak_server.sip.admission import Refusal
from kak_server.sip.calls import Call
from kak_server.sip.context import Context
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Message, Request, Response
from kak_server.sip.session_timer import Headers, Wish

RETRY_MS = 30_000  # after a refresh that was refused, or while an offer is open
MAX_RAISES = 5  # of Min-SE in one dialog
_NOT_TAKEN = (405, 501)


class Refreshing:
    """The session timers of all calls. `reinvite` sends a re-INVITE that changes nothing; False: it cannot now."""

    def __init__(self, context: Context, ending: Ending) -> None:
        self._context = context
        self._ending = ending
        self.reinvite: Callable[[Call], bool] = lambda _call: False

    # --- headers ----------------------------------------------------------------------------------------------------

    def refusal(self, request: Request) -> Refusal | None:
        """Section 9: 422 for an interval below ours."""
        least_s = max(self._context.settings.session_min_s, session_timer.LEAST_S)
        if not session_timer.too_small(self._wish(request), least_s):
            return None
        return Refusal(422, "session interval too small", (("Min-SE", str(least_s)),))

    def accept(self, call: Call, request: Request) -> Headers:
        """The headers of our 2xx to an INVITE or UPDATE. The caller journals the call before the 2xx leaves."""
        wish = self._wish(request)
        call.session, headers = session_timer.answering(wish, call.session, self._context.now_ms)
        self.note_peer(call, request)
        self._arm(call)
        return (("Supported", build.SUPPORTED), *headers)

    def headers(self, call: Call) -> Headers:
        """The headers of a re-INVITE of ours: a timer that runs goes on, none is begun."""
        return (("Supported", build.SUPPORTED), *session_timer.asking(call.session, call.session.interval_s))

    def first_headers(self, call: Call) -> Headers:
        """The headers of the INVITE that makes a call of ours (7.1)."""
        interval_s = call.session.interval_s or self._context.settings.session_expires_s
        return (("Supported", build.SUPPORTED), *session_timer.asking(call.session, interval_s))

    def agreed(self, call: Call, response: Response) -> None:
        """A 2xx to an INVITE or UPDATE of ours. The caller journals the call."""
        self.note_peer(call, response)
        call.session = session_timer.answered(self._wish(response), call.session, self._context.now_ms)
        self._arm(call)

    def larger(self, call: Call, response: Response | None) -> bool:
        """Section 7.3: a 422; whether another try with the larger Min-SE makes sense."""
        least_s = self._wish(response).min_s if response is not None else 0
        session = call.session
        if least_s <= session.min_interval_s or least_s > session_timer.MOST_S or session.raised >= MAX_RAISES:
            return False
        interval_s = max(session.interval_s, least_s) if session.interval_s else 0
        call.session = replace(session, min_interval_s=least_s, interval_s=interval_s, raised=session.raised + 1)
        return True

    def note_peer(self, call: Call, message: Request | Response) -> None:
        """What the peer says it takes (20.5); an Allow that is not there says nothing new."""
        if "allow" in message.fields:
            updates = session_timer.allows(message, "UPDATE")
            if updates != call.session.peer_updates:
                call.session = replace(call.session, peer_updates=updates)

    def _wish(self, message: Message) -> Wish:
        fields = message.fields
        if "session-expires" not in fields and "min-se" not in fields:
            return _TIMER if "timer" in str(fields.get("supported", "")).lower() else _NOTHING
        try:
            return session_timer.wish_of(message)
        except ParseError as problem:
            # A call is not refused over a timer: it goes on without one
            self._context.count("sip_malformed", detail=problem.problem, status="session-timer")
            return _NOTHING

    # --- time -------------------------------------------------------------------------------------------------------

    def resume(self, call: Call) -> None:
        """After a restart: go on where the record says; what fell due meanwhile is due now."""
        if call.state in ("accepted", "confirmed"):
            self._arm(call)

    def on_timer(self, call: Call) -> None:
        """Half of the interval has gone by, or the peer has not refreshed."""
        if not call.session.interval_s:
            return
        if call.state != "confirmed":
            self._later(call)  # our 200 has no ACK yet: that has a timer of its own
        elif call.session.refresher == "peer":
            detail = f"no refresh in {call.session.interval_s} s: asking"
            self._context.count("sip_session_silent", detail=detail, call=call.id)
            if call.session.peer_updates:
                self._update(call, take_over=True)
                return
            self._ending.probe(call)
            # Whatever ends the call comes with the answer; otherwise it is asked again, an interval later
            call.session = replace(call.session, refreshed_at_ms=self._context.now_ms)
            self._ending.keep(call)
            self._arm(call)
        elif call.session.peer_updates:
            self._update(call)
        elif not self.reinvite(call):
            self._later(call)

    def _update(self, call: Call, *, take_over: bool = False) -> None:
        session = replace(call.session, refresher="us") if take_over else call.session
        headers = (
            ("Supported", build.SUPPORTED),
            ("Allow", build.ALLOW),
            *session_timer.asking(session, session.interval_s),
        )
        self._ending.ask(call, "UPDATE", self._on_update_answer, headers)

    def _on_update_answer(self, call: Call, status: int, response: Response | None) -> None:
        if call.state != "confirmed":
            return
        self._context.count("sip_session_refresh", status=str(status))
        if response is not None and 200 <= status < 300:
            self.agreed(call, response)
            self._ending.keep(call)
        else:
            self.failed(call, status, response)

    def failed(self, call: Call, status: int, response: Response | None) -> None:
        """A refresh of ours, UPDATE or re-INVITE, had no 2xx (section 10)."""
        if status in (408, 481):
            self._ending.hang_up(call, "gone", f"session refresh answered {status}")
        elif status == 422 and self.larger(call, response):
            self._ending.keep(call)
            self.on_timer(call)
        elif status in _NOT_TAKEN and call.session.peer_updates:
            call.session = replace(call.session, peer_updates=False)
            self._ending.keep(call)
            self.on_timer(call)
        else:
            self._later(call)  # it answers, so it lives: RFC 4028 10 would let the session run out, we ask again

    def _later(self, call: Call) -> None:
        left_ms = call.session.refreshed_at_ms + call.session.interval_s * 1000 - self._context.now_ms
        self._context.arm("dialog", call.id, "session", max(RETRY_MS, left_ms // 2))

    def _arm(self, call: Call) -> None:
        if call.session.interval_s:
            after_ms = session_timer.due_ms(call.session) - self._context.now_ms
            self._context.arm("dialog", call.id, "session", max(0, after_ms))
        else:
            self._context.disarm("dialog", call.id, "session")


_NOTHING = Wish()
_TIMER = Wish(supported=True)
