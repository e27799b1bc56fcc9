"""All objects of a version, what tells two versions apart, and one made of the other. Pure values."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from kak_server.config.versions.objects import KINDS, UNSET, Key, ReadObject, object_hash
from kak_server.model.light import frozen

_MODULUS = 1 << 256
EMPTY_DIGEST = "0" * 64


@frozen
class Entry:
    """An object in a version: canonical content, its hash, and its place in the list it stands in. The place says the
    order of lists; it is given when an object comes in and stays with it."""

    content: str
    hash: str
    place: int


@frozen
class Change:
    """One object before and after; None: it is not there."""

    key: Key
    before: Entry | None
    after: Entry | None


_List = tuple[tuple[Key, Entry], ...]


class ConflictError(Exception):
    """Changes that were made to something else: the objects that are not what the changes took them for."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(sorted(keys))
        super().__init__(f"changed meanwhile: {', '.join(map(str, self.keys))}")


class Catalogue:
    """The objects of one version. Never changed: `after` gives another. A list is put in order once: the next
    version has it from this one where it is the same."""

    __slots__ = ("_digest", "_lists", "entries")

    def __init__(
        self, entries: Mapping[Key, Entry], digest: str | None = None, lists: dict[str, _List] | None = None
    ) -> None:
        """`lists`: those that are known, by kind."""
        self.entries: Mapping[Key, Entry] = MappingProxyType(dict(entries))
        self._digest = digest
        self._lists: dict[str, _List] = lists if lists is not None else {}

    @property
    def digest(self) -> str:
        """Equal for equal objects, whatever the history: the sum of the objects' hashes, modulo 2**256 (hex)."""
        if self._digest is None:
            self._digest = changed_digest(
                EMPTY_DIGEST, (Change(key, None, entry) for key, entry in self.entries.items())
            )
        return self._digest

    def of_kind(self, kind: str) -> Iterator[tuple[Key, Entry]]:
        """A list's objects in their order."""
        found = self._lists.get(kind)
        if found is None:
            items = [(key, entry) for key, entry in self.entries.items() if key.kind == kind]
            found = self._lists[kind] = tuple(sorted(items, key=lambda item: (item[1].place, item[0].name)))
        return iter(found)

    def after(self, changes: Iterable[Change]) -> "Catalogue":
        """With the changes made. Raises ConflictError if an object is not what a change says it was."""
        changes = tuple(changes)
        wrong = [change.key for change in changes if not _same(self.entries.get(change.key), change.before)]
        if wrong:
            raise ConflictError(wrong)
        entries = dict(self.entries)
        for change in changes:
            if change.after is None:
                entries.pop(change.key, None)
            else:
                entries[change.key] = change.after
        others = {change.key.kind for change in changes}
        same = {kind: found for kind, found in self._lists.items() if kind not in others}
        return Catalogue(entries, changed_digest(self.digest, changes), same)

    def next_place(self) -> int:
        """Behind everything there is."""
        return max((entry.place for entry in self.entries.values()), default=0) + 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Catalogue):
            return NotImplemented
        mine, theirs = self.entries, other.entries
        return mine.keys() == theirs.keys() and all(mine[key].hash == theirs[key].hash for key in mine)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.entries)


def changed_digest(digest: str, changes: Iterable[Change]) -> str:
    """The digest after changes: costs the changes, not the whole."""
    total = int(digest, 16)
    for change in changes:
        if change.before is not None:
            total -= _weight(change.key, change.before)
        if change.after is not None:
            total += _weight(change.key, change.after)
    return f"{total % _MODULUS:064x}"


def _weight(key: Key, entry: Entry) -> int:
    return int.from_bytes(hashlib.sha256(f"{key}\0{entry.hash}".encode()).digest())


def _same(one: Entry | None, other: Entry | None) -> bool:
    return (one.hash if one is not None else None) == (other.hash if other is not None else None)


def difference(before: Catalogue, after: Catalogue) -> tuple[Change, ...]:
    """What makes `after` of `before`, in the order of the file, then of the lists."""
    keys = {*before.entries, *after.entries}
    changes = [Change(key, before.entries.get(key), after.entries.get(key)) for key in keys]
    return ordered(change for change in changes if not _same(change.before, change.after))


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """In the order of the file, then of the lists."""
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}

    def order(change: Change) -> tuple[int, int, str]:
        entry = change.after or change.before
        return ranks.get(change.key.kind, len(ranks)), entry.place if entry is not None else 0, change.key.name

    return tuple(sorted(changes, key=order))


def edited(base: Catalogue, edits: Mapping[Key, str | None]) -> tuple[Change, ...]:
    """The changes that edits make to a base: canonical content, or None where the object goes. What an object has
    already is no change; new ones come behind all others, in the order of the edits."""
    place = base.next_place()
    changes = []
    for key, content in edits.items():
        before = base.entries.get(key)
        if content is None or (content == UNSET and not KINDS[key.kind].name_field):
            after = None
        else:
            after = Entry(content, object_hash(key.kind, content), before.place if before is not None else place)
            place += before is None
        if not _same(before, after):
            changes.append(Change(key, before, after))
    return ordered(changes)


def replaced(base: Catalogue, objects: Iterable[ReadObject], kinds: Iterable[str]) -> dict[Key, str | None]:
    """The edits that make the lists `kinds` hold these objects and no others."""
    edits: dict[Key, str | None] = {found.key: found.content for found in objects}
    chosen = set(kinds)
    for key in base.entries:
        if key.kind in chosen and key not in edits:
            edits[key] = None
    return edits
