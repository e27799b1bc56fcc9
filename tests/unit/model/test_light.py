"""Values: cheap to make, the same by what they hold."""

from dataclasses import field, replace

import pytest

from kak_server.model.light import frozen, names


@frozen
class Seat:
    """A value with a default that is made anew."""

    room: str
    number: int = 1
    tags: list[str] = field(default_factory=list, hash=False)


def test_two_of_the_same_are_one_key() -> None:
    assert {Seat("a", 2): "x"}[Seat("a", 2)] == "x"
    assert Seat("a") != Seat("b")


def test_a_default_is_not_shared() -> None:
    Seat("a").tags.append("x")
    assert Seat("a").tags == []


def test_a_copy_with_something_else() -> None:
    assert replace(Seat("a"), number=3) == Seat("a", 3)


def test_there_is_room_for_its_fields_only() -> None:
    with pytest.raises(AttributeError):
        Seat("a").extra = 1  # type: ignore[attr-defined]


def test_its_names_are_in_order() -> None:
    assert names(Seat) == ("room", "number", "tags")
    with pytest.raises(TypeError):
        names(int)
