"""What the routes share: the house behind its port, the sessions, the streams, the pools. One object an app."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import structlog

from kak_server.console.aio.hub import Hub
from kak_server.console.aio.pool import SlowPool
from kak_server.console.lockout import Lockout, LockoutLimits
from kak_server.console.memo import Memo
from kak_server.console.ports import Caller, ConfigPort, ConsoleBackend, Result, User
from kak_server.console.ports_contacts import ContactsPort
from kak_server.console.sessions import Session, Sessions, TooManySessionsError, to_record
from kak_server.console.settings import ConsoleSettings
from kak_server.console.statistics import StatisticsBackend
from kak_server.model.ids import SessionId

log = structlog.get_logger(__name__)

# Guessing a citizen's link: so many wrong ones a minute from one address, then 429.
LINK_LIMITS = LockoutLimits(window_ms=60_000, per_user_and_address=30, per_address=30)
# Questions about statistics from one session; live figures change once a second.
QUESTION_LIMITS = LockoutLimits(window_ms=60_000, per_user_and_address=150, per_address=150)
# Wrong tokens from one address, and requests of one integrator.
TOKEN_LIMITS = LockoutLimits(window_ms=60_000, per_user_and_address=60, per_address=60)
INTEGRATION_LIMITS = LockoutLimits(window_ms=60_000, per_user_and_address=3_000, per_address=3_000)


def wall_clock_ms() -> int:
    """UTC ms of this machine; `app` gives its own clock, which never goes backwards."""
    return time.time_ns() // 1_000_000


@dataclass
class Shell:
    """State of the console's shell. Everything here is touched on the event loop only."""

    backend: ConsoleBackend
    settings: ConsoleSettings
    now_ms: Callable[[], int]
    sessions: Sessions
    hub: Hub
    lockout: Lockout = field(default_factory=Lockout)
    links: Lockout = field(default_factory=lambda: Lockout(LINK_LIMITS))
    memos: dict[SessionId, Memo[Result]] = field(default_factory=dict)
    passwords: SlowPool = field(default_factory=lambda: SlowPool("passwords", 2, 256))
    files: SlowPool = field(default_factory=lambda: SlowPool("files", 2, 64))
    questions: Lockout = field(default_factory=lambda: Lockout(QUESTION_LIMITS))
    statistics: StatisticsBackend | None = None
    lab: httpx.AsyncClient | None = None
    config: ConfigPort | None = None
    contacts: ContactsPort | None = None
    tokens: Lockout = field(default_factory=lambda: Lockout(TOKEN_LIMITS))
    integrations: Lockout = field(default_factory=lambda: Lockout(INTEGRATION_LIMITS))

    @classmethod
    def build(cls, backend: ConsoleBackend, settings: ConsoleSettings, now_ms: Callable[[], int]) -> "Shell":
        """All parts, not yet running."""
        sessions = Sessions(settings.session_idle_ms, settings.session_max_ms, settings.session_limit)
        return cls(backend, settings, now_ms, sessions, Hub(backend, settings, now_ms))

    def start(self) -> None:
        """Take the sessions back from before the restart, and begin the hub's rounds. Call on the loop."""
        unreadable = self.sessions.restore(self.backend.restored_sessions())
        if unreadable:
            log.warning("sessions could not be restored", count=len(unreadable))
        self.hub.start(self.sweep)
        if self.settings.lab and self.settings.lab_sim_url:
            self.lab = httpx.AsyncClient(
                base_url=self.settings.lab_sim_url, timeout=httpx.Timeout(2.0), limits=httpx.Limits(max_connections=10)
            )

    async def stop(self) -> None:
        """Say goodbye to every reader and let go of everything."""
        await self.hub.stop()
        if self.lab is not None:
            await self.lab.aclose()
        self.passwords.close()
        self.files.close()

    # --- sessions -----------------------------------------------------------------------------------------------------

    def living_session(self, token: str | None) -> Session | None:
        """The session of a cookie. One that is over by the clock ends here, unless it is in a call."""
        session = self.sessions.find(token)
        if session is None or not self.sessions.is_expired(session, self.now_ms()):
            return session
        return None if self.close_session(session, "expired").ok else session

    def user_of(self, session: Session) -> User | None:
        """The person of a session, as configured now; None when the person no longer may sign in."""
        user = self.backend.user_by_name(session.username)
        return user if user is not None and user.operator == session.operator else None

    def open_session(self, user: User) -> tuple[Session, str]:
        """A new session and its token. Raises TooManySessionsError."""
        now_ms = self.now_ms()
        session, token = SessionId(secrets.token_hex(16)), secrets.token_urlsafe(32)
        try:
            opened = self.sessions.open(session, user.operator, user.username, token, now_ms)
        except TooManySessionsError:
            self.sweep()
            opened = self.sessions.open(session, user.operator, user.username, token, now_ms)
        self.backend.session_opened(session, user, now_ms)
        self.backend.put_session(session, to_record(opened))
        return opened, token

    def close_session(self, session: Session, reason: str) -> Result:
        """Sign out, unless the house refuses (a call is connected)."""
        result = self.backend.session_closed(session.session, self.now_ms())
        if result.ok:
            self.sessions.close(session.session)
            self.memos.pop(session.session, None)
            self.backend.put_session(session.session, None)
            self.hub.drop_session(session.session, reason)
        return result

    def touch(self, session: Session) -> None:
        """The session is in use."""
        seen = self.sessions.touch(session, self.now_ms())
        if seen is not None:
            self.backend.put_session(seen.session, to_record(seen))

    def sweep(self) -> None:
        """End the sessions that are over. One in a call stays until the call ends; one with a reader is in use."""
        for connected in self.hub.connected_sessions():
            session = self.sessions.get(connected)
            if session is not None:
                self.touch(session)
        for session in self.sessions.expired(self.now_ms()):
            self.close_session(session, "expired")

    # --- seats --------------------------------------------------------------------------------------------------------

    def caller_of(self, session: Session) -> Caller:
        """The session with the seat it holds, if any."""
        seat = self.backend.seat_of(session.session)
        position, epoch = seat if seat is not None else (None, None)
        return Caller(session.session, session.operator, position, epoch)

    def seated_caller(self, session: Session, seat_epoch: int) -> Caller | None:
        """The session with its seat, if the tab's epoch is the seat's."""
        caller = self.caller_of(session)
        return caller if caller.position is not None and caller.seat_epoch == seat_epoch else None

    def memo_of(self, session: SessionId) -> Memo[Result]:
        """Answers given to this session's commands."""
        return self.memos.setdefault(session, Memo())
