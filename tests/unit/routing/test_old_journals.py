"""Journals that former versions of the program wrote lead to the same decisions."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kak_server.model.codec import to_json
from kak_server.routing.codec import decode_event
from kak_server.routing.step import RoutingCore

JOURNALS = sorted((Path(__file__).parent / "journals").glob("*.jsonl.gz"))


def known(then: Any, now: Any) -> Any:
    """What is said now, as far as one could say it then: fields that came later are left out."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {key: known(value, now.get(key)) for key, value in then.items()}
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [known(old, new) for old, new in zip(then, now, strict=True)]
    return now


def test_there_are_journals() -> None:
    assert JOURNALS


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.name)
def test_an_old_journal_is_decided_as_it_was(path: Path) -> None:
    """Each line: the event's type, its data, and the effects it had."""
    core = RoutingCore()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            name, data, then = json.loads(line)
            if name == "Configured":  # whether a timer is armed again for the same time is nobody's business
                then = [effect for effect in then if effect[0] != "SetTimer"]
            now = [[type(effect).__name__, to_json(effect)] for effect in core.step(decode_event(name, data))]
            if name == "ActivitySet" and not then and [effect[0] for effect in now] == ["OperatorChanged"]:
                continue  # consoles hear now of somebody who said the same again; nothing was decided
            assert [effect[0] for effect in now] == [effect[0] for effect in then], f"line {number}: {name} {data}"
            assert [known(old, new) for old, new in zip(then, now, strict=True)] == then, f"line {number}: {name}"
    assert number > 1_000
