"""Sessions: hashes kept, expiry by idleness and age, records that come back."""

import pytest

from kak_server.console.sessions import (
    TOUCH_INTERVAL_MS,
    Session,
    Sessions,
    TooManySessionsError,
    csrf_matches,
    csrf_of,
    to_record,
    token_hash,
)
from kak_server.model.ids import OperatorId, SessionId

KARI = OperatorId("kari")


def fresh(limit: int = 10) -> Sessions:
    return Sessions(idle_ms=1_000_000, max_ms=3_000_000, limit=limit)


def opened(sessions: Sessions, number: int = 1, now_ms: int = 0) -> Session:
    return sessions.open(SessionId(f"s{number}"), KARI, "kari", f"token{number}", now_ms)


def test_a_session_is_found_by_its_token_only() -> None:
    sessions = fresh()
    session = opened(sessions)
    assert sessions.find("token1") == session
    assert sessions.get(SessionId("s1")) == session
    for token in (None, "", "token2", session.token_hash, "x" * 10_000):
        assert sessions.find(token) is None


def test_the_record_holds_no_secret() -> None:
    session = opened(fresh())
    record = str(to_record(session))
    assert "token1" not in record
    assert csrf_of("token1") not in record
    assert token_hash("token1") in record


def test_the_csrf_token_belongs_to_one_session_token() -> None:
    assert csrf_matches("a", csrf_of("a"))
    for given in (None, "", csrf_of("b"), csrf_of("a")[:-1], "é"):
        assert not csrf_matches("a", given)


def test_idleness_and_age_end_a_session() -> None:
    sessions = fresh()
    session = opened(sessions)
    assert not sessions.is_expired(session, 999_999)
    assert sessions.is_expired(session, 1_000_000)
    for now_ms in range(0, 3_000_000, 900_000):
        sessions.touch(session, now_ms)
    used = sessions.find("token1")
    assert used is not None
    assert not sessions.is_expired(used, 2_999_999)
    assert sessions.is_expired(used, 3_000_000)
    assert sessions.expired(3_000_000) == (used,)
    assert sessions.find("token1") is not None  # until it is closed


def test_a_use_is_written_down_once_a_minute_at_most() -> None:
    sessions = fresh()
    session = opened(sessions)
    assert sessions.touch(session, TOUCH_INTERVAL_MS - 1) is None
    written = sessions.touch(session, TOUCH_INTERVAL_MS)
    assert written is not None
    assert written.seen_ms == TOUCH_INTERVAL_MS
    assert sessions.touch(session, TOUCH_INTERVAL_MS + 1) is None


def test_closing_forgets_and_a_closed_session_is_not_touched() -> None:
    sessions = fresh()
    session = opened(sessions)
    assert sessions.close(session.session)
    assert not sessions.close(session.session)
    assert sessions.find("token1") is None
    assert sessions.get(session.session) is None
    assert sessions.touch(session, 10**6) is None
    assert len(sessions) == 0


def test_sessions_are_bounded() -> None:
    sessions = fresh(limit=2)
    opened(sessions, 1)
    opened(sessions, 2)
    with pytest.raises(TooManySessionsError):
        opened(sessions, 3)


def test_records_come_back_and_broken_ones_are_told() -> None:
    sessions = fresh()
    session = opened(sessions)
    records = {"s1": to_record(session), "s2": {"session": "s2"}, "s3": to_record(session)}
    again = fresh()
    assert again.restore(records) == ("s2", "s3")
    assert again.find("token1") == session
    full = fresh(limit=0)
    assert full.restore({"s1": to_record(session)}) == ("s1",)
