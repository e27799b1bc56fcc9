"""Events of older versions become today's, step by step; newer ones are refused by name."""

import pytest

from kak_server.model.codec import CodecError
from kak_server.routing.codec import decode_event
from kak_server.routing.upgrades import UPGRADERS, VERSIONS, NewerEventError, upgraded

STEPS = {
    ("Rang", 1): lambda data: {"who": data["number"]},
    ("Rang", 2): lambda data: {**data, "kind": "voice"},
}


def test_each_step_is_taken_in_order() -> None:
    assert upgraded("Rang", 1, {"number": "4"}, {"Rang": 3}, STEPS) == {"who": "4", "kind": "voice"}
    assert upgraded("Rang", 2, {"who": "4"}, {"Rang": 3}, STEPS) == {"who": "4", "kind": "voice"}
    assert upgraded("Rang", 3, {"who": "4", "kind": "chat"}, {"Rang": 3}, STEPS) == {"who": "4", "kind": "chat"}


def test_a_newer_version_and_a_missing_step_are_told_apart() -> None:
    with pytest.raises(NewerEventError, match="'Rang' of version 4; this program knows 3"):
        upgraded("Rang", 4, {}, {"Rang": 3}, STEPS)
    with pytest.raises(CodecError, match="of version 3 cannot be read any more"):
        upgraded("Rang", 1, {"number": "4"}, {"Rang": 4}, STEPS)
    with pytest.raises(NewerEventError):
        decode_event("Teleported", {})
    with pytest.raises(NewerEventError):
        decode_event("ContactGone", {"now_ms": 1, "contact": "c", "cause": "bye"}, version=99)


def test_every_version_has_all_its_steps() -> None:
    for name, version in VERSIONS.items():
        assert all((name, step) in UPGRADERS for step in range(1, version)), name
