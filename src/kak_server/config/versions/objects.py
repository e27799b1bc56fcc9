"""Objects of the configuration, known by the hash of their content.

An object is one item of a list at the top of the configuration (`rooms`, `queues`, `operators` ...), or a section that
says itself `versioned`, written as canonical JSON without what is left at its default: the same text in a file is the
same object in every release that knows its keys. Passwords are no part of it: they are not versioned, compared or
exported with it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from kak_server.config.fields import Section
from kak_server.config.loader import validation_words
from kak_server.config.problems import Location, dotted
from kak_server.config.settings import Settings
from kak_server.model.codec import dumps, loads
from kak_server.model.light import frozen

NAME_FIELDS = ("id", "username")
_NOT_VERSIONED: Mapping[str, frozenset[str]] = {
    "operators": frozenset({"password", "password_hash"}),
    "areas": frozenset({"file"}),  # its rows stand in the object
}


@frozen
class Kind:
    """A list of the configuration: its key, the field that names its items, and how many there may be. A single section
    has no such field, is called by its key, and is not there while all of it is at its defaults."""

    section: str
    name_field: str  # "": a single section
    model: type[Section]
    least: int
    most: int


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which object: `kind` is the key of the list, e.g. queues, `name` its identifier."""

    kind: str
    name: str

    def __str__(self) -> str:
        return self.kind if self.kind == self.name else f"{self.kind}/{self.name}"


@frozen
class ObjectProblem:
    """One thing to mend: in which object and where in it. No object: it is about the whole, or about the file."""

    key: Key | None
    path: str
    text: str

    def __str__(self) -> str:
        where = " ".join(str(part) for part in (self.key, self.path) if part)
        return f"{where}: {self.text}" if where else self.text


@frozen
class ReadObject:
    """An object that fits: its content, and the password hash that stood beside it."""

    key: Key
    section: Section
    content: str
    password_hash: str | None = None


def _kinds() -> Iterator[tuple[str, Kind]]:
    for name, field in Settings.model_fields.items():
        arguments = get_args(field.annotation)
        model = arguments[0] if get_origin(field.annotation) is tuple and arguments else None
        if isinstance(model, type) and issubclass(model, Section):
            name_field = next(each for each in NAME_FIELDS if each in model.model_fields)
            least = max((getattr(rule, "min_length", 0) for rule in field.metadata), default=0)
            most = min((rule.max_length for rule in field.metadata if hasattr(rule, "max_length")), default=100_000)
            yield name, Kind(field.alias or name, name_field, model, least, most)
        single = field.annotation
        if isinstance(single, type) and issubclass(single, Section) and single.versioned:
            yield name, Kind(field.alias or name, "", single, 0, 1)


KINDS: Mapping[str, Kind] = dict(_kinds())
"""Every list at the top of the configuration and every versioned section, in the order of the file."""
UNSET = "{}"
"""Content of a section that is at its defaults: it is no object."""


def object_hash(kind: str, content: str) -> str:
    """What an object is known by: SHA-256 (hex) of its kind and canonical content."""
    return hashlib.sha256(f"{kind}\0{content}".encode()).hexdigest()


def read_object(kind: str, raw: Any, name: str | None = None) -> ReadObject | list[ObjectProblem]:
    """The object that plain values make, or what is wrong with them. `name`: what it must be called."""
    told = KINDS.get(kind)
    if told is None:
        return [ObjectProblem(None, kind, f"no such kind of object (known: {', '.join(KINDS)})")]
    found = told.section if not told.name_field else raw.get(told.name_field) if isinstance(raw, dict) else None
    key = Key(kind, name if name is not None else str(found) if isinstance(found, str | int) else "?")
    try:
        section = told.model.model_validate(raw)
    except ValidationError as error:
        return [ObjectProblem(key, dotted(at), text) for at, text in validation_words(error, raw)]
    own = _name(told, section)
    if own != key.name:
        return [ObjectProblem(key, told.name_field, f"says {own}, not {key.name}")]
    return ReadObject(key, section, content_of(kind, section), getattr(section, "password_hash", None))


def content_of(kind: str, section: Section) -> str:
    """Canonical JSON of an object."""
    left_out = set(_NOT_VERSIONED.get(kind, ()))
    values = section.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)
    return dumps(values).decode()


def section_of(key: Key, content: str) -> Section | list[ObjectProblem]:
    """The settings that stored content makes: it was valid once, by the keys of another release perhaps."""
    try:
        values = loads(content)
    except ValueError:
        return [ObjectProblem(key, "", "the stored content is no JSON")]
    found = read_object(key.kind, values, key.name)
    return found.section if isinstance(found, ReadObject) else found


def objects_of(settings: Settings) -> Iterator[ReadObject]:
    """The objects of a whole configuration, in its order."""
    for kind, told in KINDS.items():
        found = getattr(settings, kind)
        for section in found if told.name_field else (found,):
            content = content_of(kind, section)
            if told.name_field or content != UNSET:
                key = Key(kind, _name(told, section))
                yield ReadObject(key, section, content, getattr(section, "password_hash", None))


def _name(told: Kind, section: Section) -> str:
    return str(getattr(section, told.name_field)) if told.name_field else told.section


def located(settings: Settings, location: Location, text: str) -> ObjectProblem:
    """A finding about a place of a whole configuration, as one about an object."""
    kind = str(location[0]) if location else ""
    if kind in KINDS and not KINDS[kind].name_field:
        return ObjectProblem(Key(kind, kind), dotted(location[1:]), text)
    if len(location) >= 2 and kind in KINDS and isinstance(location[1], int):
        items = getattr(settings, kind)
        if location[1] < len(items):
            name = str(getattr(items[location[1]], KINDS[kind].name_field))
            return ObjectProblem(Key(kind, name), dotted(location[2:]), text)
    return ObjectProblem(None, dotted(location), text)
