"""Versions as values: the difference of two makes one of the other, and a digest knows equal ones."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from kak_server.config.versions.catalogue import (
    EMPTY_DIGEST,
    Catalogue,
    Change,
    ConflictError,
    changed_digest,
    difference,
    edited,
    replaced,
)
from kak_server.config.versions.objects import Key, objects_of
from tests.unit.config.versions.samples import catalogue, catalogues, contents, edits, machine, queue


@settings(max_examples=200, deadline=None)
@given(before=catalogues, after=catalogues)
def test_a_difference_applied_to_the_one_gives_the_other(before: Catalogue, after: Catalogue) -> None:
    made = before.after(difference(before, after))
    assert made == after
    assert contents(made) == contents(after)
    assert made.digest == after.digest == Catalogue(after.entries).digest
    assert difference(made, after) == ()


@settings(max_examples=200, deadline=None)
@given(base=catalogues, draft=edits)
def test_publishing_and_going_back_gives_what_was(base: Catalogue, draft: Mapping[Key, str | None]) -> None:
    published = base.after(edited(base, draft))
    for key, content in draft.items():
        entry = published.entries.get(key)
        assert (entry.content if entry is not None else None) == content
    back = published.after(difference(published, base))
    assert back == base
    assert back.digest == base.digest
    assert [key for key, _ in back.of_kind("queues")] == [key for key, _ in base.of_kind("queues")]
    assert edited(published, draft) == ()  # said twice is once


def test_digests_cost_the_change_and_tell_contents_apart() -> None:
    base = catalogue()
    key, content = queue("113-oslo", numbers=["113"])
    changes = edited(base, {key: content})
    assert changed_digest(base.digest, changes) == Catalogue(base.after(changes).entries).digest != base.digest
    assert Catalogue({}).digest == EMPTY_DIGEST


def test_new_objects_come_last_and_changed_ones_stay_where_they_are() -> None:
    base = catalogue()
    first, last = queue("113-oslo", priority=9), queue("new")
    made = base.after(edited(base, dict([last, first])))
    assert [key.name for key, _ in made.of_kind("queues")] == ["113-oslo", "doctor", "new"]


def test_changes_of_something_else_are_a_conflict() -> None:
    base = catalogue()
    changes = edited(base, dict([queue("doctor", priority=1)]))
    moved = base.after(edited(base, dict([queue("doctor", priority=2)])))
    with pytest.raises(ConflictError, match="queues/doctor"):
        moved.after(changes)
    with pytest.raises(ConflictError):
        Catalogue({}).after([Change(Key("rooms", "a"), base.entries[Key("rooms", "oslo")], None)])


def test_a_list_that_is_given_whole_leaves_the_others_alone() -> None:
    base = catalogue()
    objects = [one for one in objects_of(machine()) if one.key == Key("queues", "doctor")]
    assert replaced(base, objects, ["queues"]) == {
        Key("queues", "doctor"): base.entries[Key("queues", "doctor")].content,
        Key("queues", "113-oslo"): None,
    }


def test_versions_are_compared_by_content() -> None:
    assert catalogue() == catalogue()
    assert catalogue() != Catalogue({})
    assert (catalogue() == 3) is False
    assert len(catalogue()) == 6
