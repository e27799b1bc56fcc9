"""The limit on guessing passwords: per name and address, never per name alone, bounded."""

from kak_server.console.lockout import Lockout, LockoutLimits

LIMITS = LockoutLimits(window_ms=1_000, per_user_and_address=3, per_address=5, entries_max=10)


def test_a_name_is_locked_for_one_address_only() -> None:
    lockout = Lockout(LIMITS)
    assert [lockout.try_begin("evil", "kari", now) for now in (0, 1, 2)] == [0, 0, 0]
    assert lockout.try_begin("evil", "kari", 3) == 997
    assert lockout.try_begin("console", "kari", 3) == 0
    assert lockout.try_begin("evil", "ola", 3) == 0


def test_an_address_that_tries_many_names_is_locked() -> None:
    lockout = Lockout(LIMITS)
    for number in range(5):
        assert lockout.try_begin("evil", f"name{number}", number) == 0
    assert lockout.try_begin("evil", "fresh", 5) == 995
    assert lockout.try_begin("evil", "fresh", 1_000) == 0


def test_the_window_slides_and_a_refused_attempt_does_not_lengthen_it() -> None:
    lockout = Lockout(LIMITS)
    for now in (0, 400, 800):
        lockout.try_begin("a", "kari", now)
    assert lockout.try_begin("a", "kari", 900) == 100
    assert lockout.try_begin("a", "kari", 1_000) == 0
    assert lockout.try_begin("a", "kari", 1_000) == 400


def test_success_forgives_the_name_and_gives_the_address_one_back() -> None:
    lockout = Lockout(LIMITS)
    for now in range(2):
        lockout.try_begin("a", "kari", now)
    lockout.try_begin("a", "kari", 2)
    lockout.succeeded("a", "kari")
    assert [lockout.try_begin("a", "kari", 3) for _ in range(3)] == [0, 0, 0]
    assert lockout.try_begin("a", "ola", 3) > 0  # two wrong ones and three new ones are the address's five


def test_a_right_password_at_once_leaves_nothing_behind() -> None:
    lockout = Lockout(LIMITS)
    lockout.try_begin("a", "kari", 0)
    lockout.succeeded("a", "kari")
    assert len(lockout) == 0
    lockout.succeeded("never", "seen")
    assert len(lockout) == 0


def test_it_is_bounded() -> None:
    lockout = Lockout(LIMITS)
    for number in range(100):
        lockout.try_begin(f"address{number}", "kari", number)
    assert len(lockout) == LIMITS.entries_max


def test_quiet_keys_are_dropped_when_looked_at() -> None:
    lockout = Lockout(LIMITS)
    lockout.try_begin("a", "kari", 0)
    assert lockout.try_begin("a", "ola", 5_000) == 0
    assert lockout.try_begin("a", "kari", 5_000) == 0
    assert len(lockout) == 3
