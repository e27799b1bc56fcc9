"""argon2id: right, wrong, unknown, and a configuration that is wrong itself."""

import time

import pytest

from kak_server.console.aio.passwords import hash_password, verify


def test_right_and_wrong() -> None:
    hashed = hash_password("riktig hest")
    assert hashed.startswith("$argon2id$")
    assert verify(hashed, "riktig hest")
    assert not verify(hashed, "riktig hest ")
    assert not verify(hashed, "")


def test_an_unknown_user_is_refused_in_the_same_time() -> None:
    hashed = hash_password("x")
    verify(None, "warm up")
    assert not verify(None, "nobody has this password")

    def cpu_s(password_hash: str | None) -> float:
        begin_s = time.thread_time()
        verify(password_hash, "wrong")
        return time.thread_time() - begin_s

    known = sorted(cpu_s(hashed) for _ in range(5))[2]
    unknown = sorted(cpu_s(None) for _ in range(5))[2]
    assert 0.3 < unknown / known < 3


def test_a_stored_hash_that_is_none_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="PHC"):
        verify("lab", "lab")
