"""The version that runs, and a copy of it beside the journal for a start without the database."""

import os
from collections.abc import Mapping
from pathlib import Path

from kak_server.bridges.outputs import Note
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import Catalogue, Entry
from kak_server.config.versions.objects import Key, object_hash
from kak_server.model.codec import CodecError, dumps, from_json, loads
from kak_server.model.light import frozen
from kak_server.records.config_types import VersionRow

COPY_FORMAT = 1
COPY_NAME = "configuration.json"
"""In the data folder."""


class ConfigRefused(Exception):  # noqa: N818 - a refusal, not a fault
    """The code goes to the API as it is; `problems` are sentences."""

    def __init__(self, code: str, text: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.problems = problems


@frozen
class Running:
    """A version in use. `row` is None where neither the database nor a copy could be read: then it is the file itself.
    `passwords`: hash by user name, from wherever it counts. `notes`: what a person must know about how it came."""

    row: VersionRow | None
    catalogue: Catalogue
    settings: Settings
    passwords: Mapping[str, str]
    notes: tuple[Note, ...] = ()

    @property
    def number(self) -> int:
        """The version's number; 0: none."""
        return self.row.number if self.row is not None else 0


@frozen
class _Copy:
    """What the copy holds."""

    format: int
    row: VersionRow
    objects: tuple[tuple[str, str, str, int], ...]  # kind, name, content, place
    passwords: Mapping[str, str]


def keep_copy(path: Path, running: Running) -> None:
    """Write the copy beside, then put it in place; only its owner may read it. Raises OSError."""
    if running.row is None:
        return
    objects = tuple(
        (key.kind, key.name, entry.content, entry.place) for key, entry in running.catalogue.entries.items()
    )
    data = dumps(_Copy(COPY_FORMAT, running.row, objects, dict(running.passwords)))
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_copy(path: Path) -> tuple[VersionRow, Catalogue, Mapping[str, str]] | None:
    """The copy; None if there is none that can be read."""
    try:
        copy = from_json(_Copy, loads(path.read_bytes()))
    except (OSError, ValueError, CodecError):
        return None
    if copy.format != COPY_FORMAT:
        return None
    entries = {
        Key(kind, name): Entry(content, object_hash(kind, content), place)
        for kind, name, content, place in copy.objects
    }
    return copy.row, Catalogue(entries), copy.passwords
