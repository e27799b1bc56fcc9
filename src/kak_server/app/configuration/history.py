"""Whether the history of versions is as it was written: each version's hash covers what it changed, who made it when,
and the version before it."""

from collections.abc import Iterator

from kak_server.config.versions.objects import object_hash
from kak_server.records.config_store import ConfigStore, chained
from kak_server.records.config_types import VersionRow

PAGE = 200


def broken(store: ConfigStore) -> list[str]:
    """What was changed since it was written, a sentence each; empty: nothing was. Reads all of it."""
    found: list[str] = []
    parent = ""
    number = 0
    for row in _oldest_first(store):
        number += 1
        if row.number > number:
            found.append(f"version {number} is missing")
            number = row.number
        changes = store.changes(row.number)
        found += [
            f"version {row.number}: {one.kind}/{one.name} is not what was published"
            for one in changes
            if one.hash is not None and (one.content is None or object_hash(one.kind, one.content) != one.hash)
        ]
        if chained(row, changes, parent).hash != row.hash:
            found.append(f"version {row.number}, or one before it, is not what was published")
        parent = row.hash
    return found


def _oldest_first(store: ConfigStore) -> Iterator[VersionRow]:
    rows: list[VersionRow] = []
    before: int | None = None
    while page := store.versions(before, PAGE):
        rows += page
        before = page[-1].number
    return reversed(rows)
