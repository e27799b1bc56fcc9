"""Hashes for the passwords of a lab's configuration file."""

from functools import cache

from argon2 import PasswordHasher
from argon2.low_level import Type


@cache
def hash_lab_password(password: str) -> str:
    """An argon2id hash that is cheap to make and to check: the password stands in the file in clear anyway.

    Cached, so that a national example with 1,500 people and one password starts at once.
    """
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=Type.ID).hash(password)


def hash_password(password: str) -> str:
    """An argon2id hash for service, with the library's recommended cost (RFC 9106, section 4)."""
    return PasswordHasher().hash(password)
