"""Dataclasses to JSON and back: canonical bytes, clear errors, tolerant of newer writers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.model.codec import CodecError, dumps, from_json, to_json
from kak_server.model.ids import Gssi, LegId


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    name: str
    gain: float = 1.0


@dataclass(frozen=True)
class Outer:
    leg: LegId
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    by_group: Mapping[Gssi, Inner] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    pair: tuple[str, int] = ("", 0)
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] = "a"
    anything: Any = None


FULL = Outer(
    LegId("l"),
    Inner("i", 0.5),
    (Inner("x"),),
    {Gssi(7): Inner("g")},
    frozenset({"b", "a"}),
    ("p", 2),
    Colour.RED,
    "b",
    {"k": [1, None]},
)


def test_everything_comes_back() -> None:
    assert from_json(Outer, to_json(FULL)) == FULL
    assert from_json(Outer, {"leg": "l"}) == Outer(LegId("l"))


def test_bytes_are_canonical() -> None:
    assert dumps({"b": 1, "a": {"å"}}) == '{"a":["å"],"b":1}'.encode()
    assert dumps(FULL) == dumps(from_json(Outer, to_json(FULL)))


def test_unknown_keys_are_a_newer_writers_business() -> None:
    assert from_json(Inner, {"name": "n", "new": 1}) == Inner("n")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({}, "$.leg: missing"),
        ({"leg": 1}, "$.leg: expected str"),
        ({"leg": "l", "many": {}}, "$.many: expected a list"),
        ({"leg": "l", "many": [{"name": 1}]}, "$.many[0].name: expected str"),
        ({"leg": "l", "pair": ["x"]}, "$.pair: expected 2 items"),
        ({"leg": "l", "pair": ["x", True]}, "$.pair[1]: expected int"),
        ({"leg": "l", "colour": "blue"}, "$.colour"),
        ({"leg": "l", "mode": "c"}, "$.mode"),
        ({"leg": "l", "by_group": []}, "$.by_group: expected an object"),
        ({"leg": "l", "inner": 3}, "$.inner: expected an object"),
        ([], "$: expected an object for Outer"),
    ],
)
def test_errors_name_the_path(value: Any, where: str) -> None:
    with pytest.raises(CodecError) as problem:
        from_json(Outer, value)
    assert str(problem.value).startswith(where)


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json(object())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_plain_values_stay_what_they_are(value: Any) -> None:
    assert to_json(value) == value
    assert not isinstance(value, float) or not math.isnan(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_decoding_anything_gives_a_value_or_a_codec_error(value: Any) -> None:
    try:
        decoded = from_json(Outer, value)
    except CodecError:
        return
    assert isinstance(decoded, Outer)
