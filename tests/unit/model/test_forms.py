"""Older forms become today's, step by step; what cannot says why."""

from typing import Any

import pytest

from kak_server.model.codec import CodecError
from kak_server.model.forms import FormStep, NewerFormError, upgraded

STEPS: dict[int, FormStep] = {
    1: lambda data: {**data, "names": [data["name"]]},
    2: lambda data: {"count": len(data["names"]), "names": data["names"]},
}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"format": 1, "name": "a"}, {"format": 3, "names": ["a"], "count": 1}),
        ({"format": 2, "names": ["a", "b"]}, {"format": 3, "names": ["a", "b"], "count": 2}),
        ({"format": 3, "names": [], "count": 7}, {"format": 3, "names": [], "count": 7}),
    ],
)
def test_each_form_is_brought_up_to_todays_by_the_steps_it_lacks(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = dict(old)
    assert upgraded(old, 3, STEPS, "list") == new
    assert old == before


@pytest.mark.parametrize("data", [None, [], {}, {"format": None}, {"format": True}, {"format": "1"}, {"format": 0}])
def test_what_is_none_is_refused(data: Any) -> None:
    with pytest.raises(CodecError, match="not a list of a known format"):
        upgraded(data, 3, STEPS, "list")


def test_a_newer_form_and_one_whose_step_was_given_up_and_one_that_is_broken_are_named() -> None:
    with pytest.raises(NewerFormError, match="a list of format 4; this program knows 3"):
        upgraded({"format": 4}, 3, STEPS, "list")
    with pytest.raises(CodecError, match="a list of format 1 cannot be read any more"):
        upgraded({"format": 1, "name": "a"}, 3, {2: STEPS[2]}, "list")
    with pytest.raises(CodecError, match="a list of format 1 cannot be read: KeyError"):
        upgraded({"format": 1}, 3, STEPS, "list")
