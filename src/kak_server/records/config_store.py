"""Versions of the configuration in the database: immutable numbered versions of objects that are kept once each.

A version is written as the objects it changes: storing one costs the change, whatever the size of the whole. All
methods block and raise SQLAlchemyError when the database is away; they are for threads and for the start.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from kak_server.model.codec import dumps
from kak_server.model.light import names
from kak_server.records import database
from kak_server.records.config_tables import CHANGES, DRAFTS, EDITS, OBJECTS, PASSWORDS, VERSIONS
from kak_server.records.config_types import DraftRow, Edits, ObjectRow, PasswordRow, VersionRow
from kak_server.records.migrating import migrate

PASSWORD = "password"  # the kind of a draft's edit that sets somebody's password hash
_IN_MAX = 500


class OutrunError(Exception):
    """Somebody else has published meanwhile: the parent is not the newest version any more."""


class ConfigStore:
    """Open, read, publish, draft. Thread-safe: each call has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._engine = database.connect(url)

    def open(self) -> None:
        """See that the tables are there; a database of before is brought up to date."""
        try:
            with self._engine.connect() as connection:
                connection.execute(select(func.max(VERSIONS.c.number)))
                connection.execute(select(func.max(EDITS.c.place)))
        except (OperationalError, ProgrammingError):
            migrate(self._engine)

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    # --- versions -----------------------------------------------------------------------------------------------------

    def newest(self) -> VersionRow | None:
        """The last version published; None before the first."""
        with self._reading() as connection:
            row = connection.execute(select(VERSIONS).order_by(VERSIONS.c.number.desc()).limit(1)).first()
        return None if row is None else VersionRow(**row._mapping)

    def version(self, number: int) -> VersionRow | None:
        """One version."""
        with self._reading() as connection:
            row = connection.execute(select(VERSIONS).where(VERSIONS.c.number == number)).first()
        return None if row is None else VersionRow(**row._mapping)

    def newest_from_file(self) -> VersionRow | None:
        """The last version that was taken from the configuration file."""
        wanted = select(VERSIONS).where(VERSIONS.c.source == "file").order_by(VERSIONS.c.number.desc()).limit(1)
        with self._reading() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else VersionRow(**row._mapping)

    def versions(self, before: int | None, limit: int) -> Sequence[VersionRow]:
        """The newest first; those below `before`."""
        query = select(VERSIONS).order_by(VERSIONS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(VERSIONS.c.number < before)
        with self._reading() as connection:
            return [VersionRow(**row._mapping) for row in connection.execute(query)]

    def objects(self, number: int) -> Sequence[ObjectRow]:
        """All objects of a version."""
        newest = (
            select(CHANGES.c.kind, CHANGES.c.name, func.max(CHANGES.c.version).label("version"))
            .where(CHANGES.c.version <= number)
            .group_by(CHANGES.c.kind, CHANGES.c.name)
            .subquery()
        )
        same = and_(
            CHANGES.c.kind == newest.c.kind, CHANGES.c.name == newest.c.name, CHANGES.c.version == newest.c.version
        )
        query = (
            select(CHANGES.c.kind, CHANGES.c.name, CHANGES.c.hash, OBJECTS.c.content, CHANGES.c.place)
            .join(newest, same)
            .join(OBJECTS, OBJECTS.c.hash == CHANGES.c.hash)
        )
        with self._reading() as connection:
            return [ObjectRow(**row._mapping) for row in connection.execute(query)]

    def changes(self, number: int) -> Sequence[ObjectRow]:
        """What a version changed, as it is from then on."""
        query = (
            select(CHANGES.c.kind, CHANGES.c.name, CHANGES.c.hash, OBJECTS.c.content, CHANGES.c.place)
            .join(OBJECTS, OBJECTS.c.hash == CHANGES.c.hash, isouter=True)
            .where(CHANGES.c.version == number)
        )
        with self._reading() as connection:
            return [ObjectRow(**row._mapping) for row in connection.execute(query)]

    def publish(
        self,
        row: VersionRow,
        changes: Sequence[ObjectRow],
        passwords: Sequence[PasswordRow] = (),
        draft: str | None = None,
    ) -> VersionRow:
        """Write a version, the passwords that come with it, and drop the draft it was, in one transaction. `row.hash`
        is worked out here. Raises OutrunError if `row.parent` is not the newest."""
        try:
            with self._engine.begin() as connection:
                newest = connection.execute(select(func.max(VERSIONS.c.number))).scalar()
                if newest != row.parent or row.number != (newest or 0) + 1:
                    raise OutrunError(f"version {newest} is the newest, not {row.parent}")
                parent = connection.execute(select(VERSIONS.c.hash).where(VERSIONS.c.number == newest)).scalar()
                made = chained(row, changes, str(parent or ""))
                connection.execute(insert(VERSIONS), [{name: getattr(made, name) for name in names(VersionRow)}])
                _keep_objects(connection, changes)
                rows = [
                    {"version": row.number, "kind": one.kind, "name": one.name, "hash": one.hash, "place": one.place}
                    for one in changes
                ]
                if rows:
                    connection.execute(insert(CHANGES), rows)
                _put_passwords(connection, passwords)
                if draft is not None:
                    _drop(connection, draft)
                return made
        except IntegrityError as problem:  # two at once: the other one had the number
            raise OutrunError("another version was published at this moment") from problem

    # --- passwords ----------------------------------------------------------------------------------------------------

    def passwords(self) -> Mapping[str, PasswordRow]:
        """All hashes, by user name."""
        with self._reading() as connection:
            rows = connection.execute(select(PASSWORDS))
            return {row.username: PasswordRow(**row._mapping) for row in rows}

    def put_passwords(self, rows: Sequence[PasswordRow]) -> None:
        """Set or replace, at once and for every version."""
        with self._engine.begin() as connection:
            _put_passwords(connection, rows)

    # --- drafts -------------------------------------------------------------------------------------------------------

    def drafts(self) -> Sequence[DraftRow]:
        """All, the oldest first."""
        with self._reading() as connection:
            rows = connection.execute(select(DRAFTS).order_by(DRAFTS.c.created_at_ms, DRAFTS.c.draft))
            return [DraftRow(**row._mapping) for row in rows]

    def draft(self, draft: str) -> tuple[DraftRow, Edits] | None:
        """One with its edits in the order they were made."""
        with self._reading() as connection:
            row = connection.execute(select(DRAFTS).where(DRAFTS.c.draft == draft)).first()
            if row is None:
                return None
            edits = connection.execute(select(EDITS).where(EDITS.c.draft == draft).order_by(EDITS.c.place)).all()
        objects = {(edit.kind, edit.name): edit.content for edit in edits if edit.kind != PASSWORD}
        passwords = {edit.name: edit.content for edit in edits if edit.kind == PASSWORD}
        return DraftRow(**row._mapping), Edits(objects, passwords)

    def put_draft(self, row: DraftRow) -> None:
        """Begin one."""
        with self._engine.begin() as connection:
            connection.execute(insert(DRAFTS), [{name: getattr(row, name) for name in names(DraftRow)}])

    def edit_draft(self, draft: str, edits: Edits, now_ms: int) -> bool:
        """Add edits; a second one of an object takes the place of the first. False: there is no such draft."""
        values = {**edits.objects, **{(PASSWORD, name): hashed for name, hashed in edits.passwords.items()}}
        with self._engine.begin() as connection:
            touched = connection.execute(update(DRAFTS).where(DRAFTS.c.draft == draft).values(changed_at_ms=now_ms))
            if not touched.rowcount:
                return False
            place = connection.execute(select(func.max(EDITS.c.place)).where(EDITS.c.draft == draft)).scalar() or 0
            for kind, name in values:
                same = and_(EDITS.c.draft == draft, EDITS.c.kind == kind, EDITS.c.name == name)
                connection.execute(delete(EDITS).where(same))
            rows = [
                {"draft": draft, "kind": kind, "name": name, "content": content, "place": place + number}
                for number, ((kind, name), content) in enumerate(values.items(), 1)
            ]
            if rows:
                connection.execute(insert(EDITS), rows)
        return True

    def undo_edit(self, draft: str, kind: str, name: str, now_ms: int) -> bool:
        """Take an edit back: the object is as in the base again. False: there is none."""
        same = and_(EDITS.c.draft == draft, EDITS.c.kind == kind, EDITS.c.name == name)
        with self._engine.begin() as connection:
            gone = connection.execute(delete(EDITS).where(same)).rowcount
            connection.execute(update(DRAFTS).where(DRAFTS.c.draft == draft).values(changed_at_ms=now_ms))
        return bool(gone)

    def rebase_draft(self, draft: str, base: int) -> None:
        """It is about a newer version from now on."""
        with self._engine.begin() as connection:
            connection.execute(update(DRAFTS).where(DRAFTS.c.draft == draft).values(base=base))

    def drop_draft(self, draft: str) -> bool:
        """Throw it away. False: there is none."""
        with self._engine.begin() as connection:
            return _drop(connection, draft)


def chained(row: VersionRow, changes: Sequence[ObjectRow], parent_hash: str) -> VersionRow:
    """The version with its hash in the chain: `parent_hash` is that of the version before it, "" for the first."""
    values = {name: getattr(row, name) for name in names(VersionRow) if name != "hash"}
    body = {**values, "changes": sorted((one.kind, one.name, one.hash or "", one.place) for one in changes)}
    return VersionRow(**values, hash=hashlib.sha256(parent_hash.encode() + dumps(body)).hexdigest())


def _keep_objects(connection: Connection, changes: Sequence[ObjectRow]) -> None:
    """Each content once."""
    fresh = {one.hash: one.content for one in changes if one.hash is not None}
    hashes = list(fresh)
    for start in range(0, len(hashes), _IN_MAX):
        part = select(OBJECTS.c.hash).where(OBJECTS.c.hash.in_(hashes[start : start + _IN_MAX]))
        for (known,) in connection.execute(part).all():
            del fresh[known]
    if fresh:
        connection.execute(insert(OBJECTS), [{"hash": key, "content": content} for key, content in fresh.items()])


def _put_passwords(connection: Connection, rows: Sequence[PasswordRow]) -> None:
    for row in rows:
        connection.execute(delete(PASSWORDS).where(PASSWORDS.c.username == row.username))
    if rows:
        connection.execute(
            insert(PASSWORDS), [{name: getattr(row, name) for name in names(PasswordRow)} for row in rows]
        )


def _drop(connection: Connection, draft: str) -> bool:
    connection.execute(delete(EDITS).where(EDITS.c.draft == draft))
    return bool(connection.execute(delete(DRAFTS).where(DRAFTS.c.draft == draft)).rowcount)
