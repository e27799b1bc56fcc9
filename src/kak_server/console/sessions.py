"""Signed-in sessions: opaque random tokens in, hashes kept.

A session's secret is the cookie's token. Only its SHA-256 is kept and journalled, and the token against forged requests
(CSRF) is derived from it, so that a stolen journal opens nothing. A session ends `idle_ms` after its last use and
`max_ms` after its beginning, whichever is first; neither ends one whose position is in a call (the house says so).
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace

from kak_server.model.codec import CodecError, Json, from_json, to_json
from kak_server.model.ids import OperatorId, SessionId
from kak_server.model.light import frozen

# A use is written down when the last written one is so old: a journal record a minute, not one a request.
TOUCH_INTERVAL_MS = 60_000
TOKEN_CHARS_MAX = 128


@frozen
class Session:
    """One sign-in. `token_hash` is the hex SHA-256 of the cookie's token."""

    session: SessionId
    operator: OperatorId
    username: str
    token_hash: str
    created_ms: int
    seen_ms: int


class TooManySessionsError(Exception):
    """The bound on sessions is reached; none is expired."""


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """The token that a page of ours, and no other site's, can read and send back as X-Kak-Csrf."""
    return hmac.new(token.encode(), b"kak-server csrf 1", hashlib.sha256).hexdigest()


def csrf_matches(token: str, given: str | None) -> bool:
    """Whether the header belongs to the cookie, compared in constant time."""
    return given is not None and hmac.compare_digest(csrf_of(token).encode(), given.encode())


class Sessions:
    """All sessions, by the hash of their token."""

    def __init__(self, idle_ms: int, max_ms: int, limit: int) -> None:
        self._idle_ms = idle_ms
        self._max_ms = max_ms
        self._limit = limit
        self._by_hash: dict[str, Session] = {}
        self._hash_of: dict[SessionId, str] = {}

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._by_hash.values()))

    def open(self, session: SessionId, operator: OperatorId, username: str, token: str, now_ms: int) -> Session:
        """A new session. Raises TooManySessionsError; the caller may sweep the expired ones and try again."""
        if len(self._by_hash) >= self._limit:
            raise TooManySessionsError
        opened = Session(session, operator, username, token_hash(token), now_ms, now_ms)
        self._put(opened)
        return opened

    def find(self, token: str | None) -> Session | None:
        """The session of a token, living or expired."""
        if not token or len(token) > TOKEN_CHARS_MAX:
            return None
        return self._by_hash.get(token_hash(token))

    def touch(self, session: Session, now_ms: int) -> Session | None:
        """The session is in use. Returns what to write down, or None when the last record is fresh enough."""
        current = self._by_hash.get(session.token_hash)
        if current is None or now_ms - current.seen_ms < TOUCH_INTERVAL_MS:
            return None
        seen = replace(current, seen_ms=now_ms)
        self._put(seen)
        return seen

    def is_expired(self, session: Session, now_ms: int) -> bool:
        """Idle for too long, or simply too old."""
        return now_ms - session.seen_ms >= self._idle_ms or now_ms - session.created_ms >= self._max_ms

    def expired(self, now_ms: int) -> tuple[Session, ...]:
        """Sessions that are over by the clock. They stay until closed, so that one in a call can be spared."""
        return tuple(session for session in self if self.is_expired(session, now_ms))

    def close(self, session: SessionId) -> bool:
        """Forget a session. False when there was none."""
        hashed = self._hash_of.pop(session, None)
        return hashed is not None and self._by_hash.pop(hashed, None) is not None

    def get(self, session: SessionId) -> Session | None:
        """A session by its id, living or expired."""
        hashed = self._hash_of.get(session)
        return None if hashed is None else self._by_hash.get(hashed)

    def restore(self, records: Mapping[str, Mapping[str, Json]]) -> tuple[str, ...]:
        """Take back what the journal kept. Returns the ids of records that could not be read; they are left out."""
        unreadable = []
        for session, record in records.items():
            try:
                restored = from_json(Session, dict(record))
            except CodecError:
                unreadable.append(session)
                continue
            if restored.session != session or len(self._by_hash) >= self._limit:
                unreadable.append(session)
                continue
            self._put(restored)
        return tuple(unreadable)

    def _put(self, session: Session) -> None:
        self._by_hash[session.token_hash] = session
        self._hash_of[session.session] = session.token_hash


def to_record(session: Session) -> Mapping[str, Json]:
    """The session as the journal keeps it."""
    record: Mapping[str, Json] = to_json(session)
    return record
