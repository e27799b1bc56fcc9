"""argon2id: making and checking password hashes. Slow on purpose; run `verify` in a thread."""

import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher()  # argon2-cffi's defaults: RFC 9106's low-memory profile (64 MiB, 3 passes, 4 lanes)


def hash_password(password: str) -> str:
    """An argon2id PHC string for the configuration."""
    return _HASHER.hash(password)


@functools.cache
def _dummy_hash() -> str:
    return _HASHER.hash("nobody has this password")


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. With no hash (an unknown user, or one who has no password yet) it takes as long and
    says no.

    Raises ValueError when the stored hash is not argon2: a mistake in the configuration, not in the password.
    """
    try:
        return _HASHER.verify(password_hash or _dummy_hash(), password) and bool(password_hash)
    except VerifyMismatchError:
        return False
    except InvalidHashError as problem:
        raise ValueError("the user's password hash is not an argon2 PHC string") from problem
    except VerificationError:
        return False
