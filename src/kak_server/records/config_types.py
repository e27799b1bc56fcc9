"""Rows of the configuration's versions. Times are UTC milliseconds."""

from collections.abc import Mapping

from kak_server.model.light import frozen


@frozen
class VersionRow:
    """A published version. `hash` covers what it changes, who made it when, and the hash of its parent; `digest` its
    objects alone. `source`: "file" where the configuration file was taken over at a start, else "edited", "imported"
    or "rolled-back"."""

    number: int
    parent: int | None
    hash: str
    digest: str
    author: str
    at_ms: int
    comment: str
    apply: str
    source: str


@frozen
class ObjectRow:
    """An object in a version: None for content and hash where the version takes it out."""

    kind: str
    name: str
    hash: str | None
    content: str | None
    place: int


@frozen
class PasswordRow:
    """The hash of a person's password. `origin`: "file" or "set"."""

    username: str
    password_hash: str
    at_ms: int
    author: str
    origin: str


@frozen
class DraftRow:
    """A draft without its edits. `base`: the version it was begun on."""

    draft: str
    base: int
    author: str
    created_at_ms: int
    changed_at_ms: int
    comment: str


@frozen
class Edits:
    """What a draft says: content by (kind, name), None where the object goes; password hashes by user name."""

    objects: Mapping[tuple[str, str], str | None]
    passwords: Mapping[str, str]
