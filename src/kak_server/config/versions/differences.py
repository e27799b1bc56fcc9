"""What changed, for people and for programs: by object, by field, from what to what."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import PydanticUndefined

from kak_server.config.versions.catalogue import Change, Entry
from kak_server.config.versions.objects import KINDS, NAME_FIELDS
from kak_server.model.codec import Json, dumps, loads
from kak_server.model.light import frozen

_KEYS_OF_ITEMS = (*NAME_FIELDS, "code")
_TEXT_CHARS_MAX = 200


@frozen
class FieldChange:
    """One field. `had` and `has`: whether it stood there before and after; what stands nowhere is at its default."""

    path: str
    old: Json
    new: Json
    had: bool = True
    has: bool = True


def field_changes(change: Change) -> tuple[FieldChange, ...]:
    """The fields of an object that differ; all of them for one that comes or goes."""
    before, after = _values(change.before), _values(change.after)
    return tuple(_compare(before, after, ""))


def as_json(change: Change) -> dict[str, Json]:
    """{"kind", "name", "change": added|removed|changed, "fields": [{"field", "old"?, "new"?}]}."""
    fields = []
    for field in field_changes(change):
        row: dict[str, Json] = {"field": field.path}
        if field.had:
            row["old"] = field.old
        if field.has:
            row["new"] = field.new
        fields.append(row)
    return {"kind": change.key.kind, "name": change.key.name, "change": what(change), "fields": fields}


def as_text(changes: Iterable[Change]) -> str:
    """For reading; empty when nothing differs."""
    lines: list[str] = []
    for change in changes:
        lines.append(f"{change.key} {what(change)}")
        lines += [f"  {_line(change, field)}" for field in field_changes(change)]
    return "".join(f"{line}\n" for line in lines)


def what(change: Change) -> str:
    """added, removed or changed."""
    return "added" if change.before is None else "removed" if change.after is None else "changed"


def _line(change: Change, field: FieldChange) -> str:
    if change.before is None:
        return f"{field.path}: {_short(field.new)}"
    if change.after is None:
        return f"{field.path}: {_short(field.old)}"
    default = _default(change.key.kind, field.path)
    old = _short(field.old) if field.had else default
    new = _short(field.new) if field.has else default
    return f"{field.path}: {old} -> {new}"


def _default(kind: str, path: str) -> str:
    """What a field is that does not stand in an object."""
    for name, field in KINDS[kind].model.model_fields.items():
        if (field.alias or name) == path and field.default is not PydanticUndefined:
            value = field.default
            return f"{_short(list(value) if isinstance(value, tuple) else value)} (default)"
    return "nothing"


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else dumps(value).decode()
    return text if len(text) <= _TEXT_CHARS_MAX else f"{text[:_TEXT_CHARS_MAX]}..."


def _values(entry: Entry | None) -> dict[str, Any]:
    values: dict[str, Any] = loads(entry.content) if entry is not None else {}
    return values


def _compare(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[FieldChange]:
    for name in dict.fromkeys([*before, *after]):
        yield from _field(before, after, name, f"{path}.{name}" if path else name)


def _field(before: dict[str, Any], after: dict[str, Any], name: str, path: str) -> Iterator[FieldChange]:
    had, has = name in before, name in after
    old, new = before.get(name), after.get(name)
    if had and has and old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare(old, new, path)
        return
    old_items, new_items = _by_name(old), _by_name(new)
    if old_items is None or new_items is None:
        yield FieldChange(path, old, new, had, has)
        return
    keys = [*dict.fromkeys([*old_items, *new_items])]
    if [key for key in keys if key in old_items and key in new_items] != [key for key in new_items if key in old_items]:
        yield FieldChange(path, old, new, had, has)  # another order
        return
    for key in keys:
        one, other = old_items.get(key), new_items.get(key)
        if one is None or other is None:
            yield FieldChange(f"{path}[{key}]", one, other, one is not None, other is not None)
        else:
            yield from _compare(one, other, f"{path}[{key}]")


def _by_name(value: Any) -> dict[str, dict[str, Any]] | None:
    """A list of objects that name themselves, by their names; None for any other value."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    name_field = next((name for name in _KEYS_OF_ITEMS if name in value[0]), None)
    named = {str(item.get(name_field)): item for item in value} if name_field is not None else {}
    return named if len(named) == len(value) else None
