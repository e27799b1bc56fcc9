"""Which configuration a start runs: the newest version of the database, seeded from the file the first time.

As long as every version came from the file, a file that has changed is taken over as the next one; once somebody has
published by other means the database has the word, and a file that differs is only told.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLateError
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration.running import Running, read_copy
from kak_server.bridges.outputs import Note
from kak_server.config.passwords import hash_lab_password
from kak_server.config.problems import ConfigError, Problem
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import Catalogue, Change, Entry, edited
from kak_server.config.versions.compose import Composer
from kak_server.config.versions.objects import Key, objects_of
from kak_server.records.config_store import ConfigStore, OutrunError
from kak_server.records.config_types import ObjectRow, PasswordRow, VersionRow

DATABASE_WAIT_S = 10.0
BY_FILE = "file"

T = TypeVar("T")


def catalogue_of(rows: Sequence[ObjectRow]) -> Catalogue:
    """The objects of a version out of the database."""
    return Catalogue(
        {Key(row.kind, row.name): Entry(row.content or "", row.hash or "", row.place) for row in rows if row.hash}
    )


def file_catalogue(machine: Settings) -> Catalogue:
    """The objects that the file itself holds."""
    empty = Catalogue({})
    return empty.after(edited(empty, {one.key: one.content for one in objects_of(machine)}))


def file_passwords(machine: Settings) -> dict[str, str]:
    """Hashes that stand in the file."""
    return {one.username: one.password_hash for one in machine.operators if one.password_hash is not None}


def passwords_in_use(machine: Settings, kept: Mapping[str, PasswordRow]) -> dict[str, str]:
    """What people sign in with: a lab's clear-text passwords stay in its file and are hashed here, all others are kept
    in the database."""
    lab = {one.username: hash_lab_password(one.password) for one in machine.operators if one.password is not None}
    return {**lab, **{name: row.password_hash for name, row in kept.items()}}


def load(machine: Settings, store: ConfigStore, composer: Composer, copy: Path, now_ms: Callable[[], int]) -> Running:
    """What is to run. A database that is away, or does not answer in time, does not keep calls from being taken: the
    copy of what ran last is used, or the file. Raises ConfigError if the version does not fit the file."""
    try:
        found = _in_time(lambda: _from_database(machine, store, now_ms))
    except TooLateError:
        return _without_database(machine, composer, copy, f"no answer within {DATABASE_WAIT_S:.0f} s")
    except (SQLAlchemyError, OSError) as problem:
        return _without_database(machine, composer, copy, f"{type(problem).__name__}: {problem}".splitlines()[0][:300])
    row, catalogue, passwords, notes = found
    return composed(machine, composer, row, catalogue, passwords, notes)


def _in_time(work: Callable[[], T]) -> T:
    """In a thread that keeps nobody from ending: the database may never answer. Raises TimeoutError."""
    answer = Future[T]()

    def run() -> None:
        try:
            answer.set_result(work())
        except Exception as problem:  # noqa: BLE001 - raised by whoever waits
            answer.set_exception(problem)

    threading.Thread(target=run, name="config-start", daemon=True).start()
    return answer.result(DATABASE_WAIT_S)


def composed(
    machine: Settings,
    composer: Composer,
    row: VersionRow | None,
    catalogue: Catalogue,
    passwords: Mapping[str, str],
    notes: tuple[Note, ...] = (),
) -> Running:
    """A version together with the machine's file. Raises ConfigError with every problem."""
    settings, problems = composer.whole(machine, catalogue, passwords)
    if settings is None or problems:
        what = f"version {row.number} of the configuration" if row is not None else "the configuration"
        raise ConfigError(what, [Problem((), str(problem)) for problem in problems])
    return Running(row, catalogue, settings, passwords, notes)


def _without_database(machine: Settings, composer: Composer, copy: Path, why: str) -> Running:
    kept = read_copy(copy)
    if kept is None:
        note = Note("config_database_away", "error", {"text": why, "used": "the file"})
        passwords = {**passwords_in_use(machine, {}), **file_passwords(machine)}
        return composed(machine, composer, None, file_catalogue(machine), passwords, (note,))
    row, catalogue, passwords_kept = kept
    note = Note("config_database_away", "error", {"text": why, "used": f"the copy of version {row.number}"})
    return composed(machine, composer, row, catalogue, passwords_kept, (note,))


def _from_database(
    machine: Settings, store: ConfigStore, now_ms: Callable[[], int]
) -> tuple[VersionRow, Catalogue, dict[str, str], tuple[Note, ...]]:
    """Raises SQLAlchemyError."""
    store.open()
    newest = store.newest()
    told = file_catalogue(machine)
    before = catalogue_of(store.objects(newest.number)) if newest is not None else Catalogue({})
    notes: tuple[Note, ...] = ()
    if newest is None or (newest.source == BY_FILE and before.digest != told.digest):
        newest, before = _take_over(store, newest, before, told, now_ms())
    elif newest.source != BY_FILE:
        last = store.newest_from_file()
        if last is not None and last.digest != told.digest:
            text = f"version {newest.number} runs; `kak-server config import` takes the file over"
            notes = (Note("config_file_not_followed", "warning", {"text": text}),)
    kept = dict(store.passwords())
    fresh = [
        PasswordRow(name, hashed, now_ms(), BY_FILE, BY_FILE)
        for name, hashed in file_passwords(machine).items()
        if name not in kept or (kept[name].origin == BY_FILE and kept[name].password_hash != hashed)
    ]
    if fresh:
        store.put_passwords(fresh)
        kept.update({row.username: row for row in fresh})
    return newest, before, passwords_in_use(machine, kept), notes


def _take_over(
    store: ConfigStore, newest: VersionRow | None, before: Catalogue, told: Catalogue, now_ms: int
) -> tuple[VersionRow, Catalogue]:
    """The file's objects as the next version."""
    edits: dict[Key, str | None] = {key: entry.content for key, entry in told.entries.items()}
    edits.update({key: None for key in before.entries if key not in told.entries})
    changes = edited(before, edits)
    after = before.after(changes)
    number = newest.number + 1 if newest is not None else 1
    parent = newest.number if newest is not None else None
    comment = "the configuration file, as it is now" if newest is not None else "the configuration file"
    row = VersionRow(number, parent, "", after.digest, BY_FILE, now_ms, comment, "new", BY_FILE)
    try:
        return store.publish(row, rows_of(changes)), after
    except OutrunError as problem:  # a second server at this moment, which the journal's lock will stop
        raise OSError(str(problem)) from problem


def rows_of(changes: Sequence[Change]) -> list[ObjectRow]:
    """Changes as the database keeps them."""
    rows = []
    for change in changes:
        entry = change.after or change.before
        assert entry is not None
        kept = change.after
        rows.append(
            ObjectRow(
                change.key.kind,
                change.key.name,
                kept.hash if kept is not None else None,
                kept.content if kept is not None else None,
                entry.place,
            )
        )
    return rows
