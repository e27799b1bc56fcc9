"""Whose explanations somebody may read: as with rows of statistics, those of the rooms they may sit in."""

from collections.abc import Iterable

from kak_server.console.ports import User

EVERYWHERE = frozenset({"admin", "technician"})
"""They look after the system, in every room."""


def may_read(user: User, rooms: Iterable[str]) -> bool:
    """`rooms` are the explanation's own; without any it tells of nobody. No rooms of one's own: every room."""
    concerned = set(rooms)
    return bool(user.roles & EVERYWHERE) or not user.rooms or not concerned or not concerned.isdisjoint(user.rooms)
