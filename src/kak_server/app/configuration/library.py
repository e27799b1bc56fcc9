"""Versions and drafts as the API and the command line ask for them. Blocks; runs in a thread of its own."""

import secrets
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration import start
from kak_server.app.configuration.running import COPY_NAME, ConfigRefused, Running, keep_copy
from kak_server.config.problems import ConfigError, Problem
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import Catalogue, Change, difference, edited, replaced
from kak_server.config.versions.compose import Composer
from kak_server.config.versions.objects import Key, ObjectProblem, ReadObject, located, read_object
from kak_server.config.versions.rules import event_at_start
from kak_server.config.versions.yaml_text import from_yaml, to_yaml
from kak_server.config.warnings import warnings
from kak_server.records.config_store import ConfigStore, OutrunError
from kak_server.records.config_types import DraftRow, Edits, PasswordRow, VersionRow
from kak_server.records.database import unusable
from kak_server.routing.api import Apply, ConfigChanged, Configured
from kak_server.routing.step import RoutingCore

DRAFTS_MAX = 100
EDITS_MAX = 30_000
BEHIND_MAX = 1_000
COMMENT_CHARS_MAX = 1_000


class Library:
    """All versions, and the drafts of the next. `running` is what runs; whoever publishes puts the new one there once
    it really does. Raises ConfigError if no database can be where `storage.url` says."""

    def __init__(self, machine: Settings, now_ms: Callable[[], int]) -> None:
        if problem := unusable(machine.storage_url):
            raise ConfigError("the configuration", [Problem(("storage", "url"), problem)])
        self.machine = machine
        self.now_ms = now_ms
        self.store = ConfigStore(machine.storage_url)
        self.composer = Composer()
        self.copy = machine.data_dir / COPY_NAME
        self.running: Running

    def load(self) -> Running:
        """At the start. Raises ConfigError."""
        self.running = start.load(self.machine, self.store, self.composer, self.copy, self.now_ms)
        return self.running

    def load_to_mend(self, note: Callable[[str], None]) -> None:
        """For work on a database that no server uses. A newest version that does not fit the file is told, and can be
        mended. Raises ConfigError, and SQLAlchemyError when the database is away."""
        self.store.open()
        newest = self.store.newest()
        try:
            self.load()
        except ConfigError as problem:
            if newest is None:
                raise
            note(str(problem))
            catalogue = start.catalogue_of(self.store.objects(newest.number))
            passwords = start.passwords_in_use(self.machine, self.store.passwords())
            self.running = Running(newest, catalogue, self.machine, passwords)

    def rules_at_start(self, core: RoutingCore) -> Configured | ConfigChanged | None:
        """What the routing core lacks of the version that runs, `now_ms` left out; None if nothing. Versions that were
        published since it was told last (a kill came between) hold for those for whom they were published."""
        number, apply = self.running.number, "new"
        behind = min(number - core.version, BEHIND_MAX)
        if behind > 0 and self.running.row is not None:
            try:
                rows = self.store.versions(None, behind)
            except SQLAlchemyError:
                rows = [self.running.row]
            apply = "all" if any(row.apply == "all" for row in rows) else "new"
        return event_at_start(core, self.running.settings, number, "all" if apply == "all" else "new")

    def keep(self) -> None:
        """A copy for a start without the database. Raises OSError."""
        keep_copy(self.copy, self.running)

    def close(self) -> None:
        """Let the database go."""
        self.store.close()

    # --- versions -----------------------------------------------------------------------------------------------------

    def version(self, number: int) -> VersionRow:
        """One version. Raises ConfigRefused not-found."""
        row = self.store.version(number)
        if row is None:
            raise ConfigRefused("not-found", f"There is no version {number}.")
        return row

    def catalogue(self, number: int) -> Catalogue:
        """All objects of a version. Raises ConfigRefused not-found."""
        if self.running.row is not None and number == self.running.number:
            return self.running.catalogue
        self.version(number)
        return start.catalogue_of(self.store.objects(number))

    def changes(self, number: int) -> tuple[Change, ...]:
        """What a version changed. Raises ConfigRefused not-found."""
        row = self.version(number)
        before = self.catalogue(row.parent) if row.parent is not None else Catalogue({})
        return difference(before, self.catalogue(number))

    def difference(self, before: int, after: int) -> tuple[Change, ...]:
        """From one version to another."""
        return difference(self.catalogue(before), self.catalogue(after))

    def export(self, number: int, *, passwords: bool) -> str:
        """YAML text, with the hashes of passwords only when told so."""
        row = self.version(number)
        head = f"Version {row.number}: {row.comment or 'no comment'}\n{row.author}, digest {row.digest}"
        hashes = self.running.passwords if passwords else None
        return to_yaml(self.catalogue(number), head, hashes)

    # --- drafts -------------------------------------------------------------------------------------------------------

    def draft(self, draft: str) -> tuple[DraftRow, Edits]:
        """Raises ConfigRefused not-found."""
        found = self.store.draft(draft)
        if found is None:
            raise ConfigRefused("not-found", "There is no such draft.")
        return found

    def begin(self, author: str, comment: str) -> DraftRow:
        """A draft on the version that runs."""
        if len(self.store.drafts()) >= DRAFTS_MAX:
            raise ConfigRefused("limit", f"There are {DRAFTS_MAX} drafts already; drop some.")
        now_ms = self.now_ms()
        row = DraftRow(secrets.token_hex(8), self.running.number, author, now_ms, now_ms, _comment(comment))
        self.store.put_draft(row)
        return row

    def edit(self, draft: str, objects: Sequence[tuple[str, str, object]]) -> list[ObjectProblem]:
        """Put (kind, name, values) into a draft; values None takes the object out. A draft may be unfinished, but not
        hold what is no object at all: then nothing of it is put in, and the problems are returned."""
        _, known = self.draft(draft)
        edits: dict[tuple[str, str], str | None] = {}
        passwords: dict[str, str] = {}
        problems: list[ObjectProblem] = []
        for kind, name, values in objects:
            if values is None:
                edits[kind, name] = None
                continue
            found = read_object(kind, values, name)
            if isinstance(found, ReadObject):
                _put(found, edits, passwords)
            else:
                problems += found
        if not problems:
            self._put(draft, known, Edits(edits, passwords))
        return problems

    def import_text(self, draft: str, text: str) -> tuple[list[ObjectProblem], tuple[str, ...]]:
        """The lists of a YAML text take the place of the draft's. The problems (with some, nothing is put in), and the
        sections that were left alone because they belong to a machine's file."""
        _, known = self.draft(draft)
        read = from_yaml(text)
        if not read.problems:
            self.put_lists(draft, known, read.objects, read.kinds)
        return list(read.problems), read.ignored

    def put_lists(self, draft: str, known: Edits, objects: Sequence[ReadObject], kinds: Sequence[str]) -> None:
        """These lists hold these objects from now on, and no others."""
        base = self.drafted(draft)
        edits: dict[tuple[str, str], str | None] = {}
        passwords: dict[str, str] = {}
        for found in objects:
            _put(found, edits, passwords)
        for key, content in replaced(base, objects, kinds).items():
            if content is None:
                edits[key.kind, key.name] = None
        self._put(draft, known, Edits(edits, passwords))

    def undo(self, draft: str, kind: str, name: str) -> None:
        """The object is as in the draft's base again."""
        self.draft(draft)
        if not self.store.undo_edit(draft, kind, name, self.now_ms()):
            raise ConfigRefused("not-found", "The draft does not edit that object.")

    def drop(self, draft: str) -> None:
        """Throw a draft away."""
        if not self.store.drop_draft(draft):
            raise ConfigRefused("not-found", "There is no such draft.")

    def drafted(self, draft: str) -> Catalogue:
        """The version that a draft would make of the one that runs. Raises ConfigRefused conflict if others changed the
        same objects since it was begun."""
        return self.running.catalogue.after(self.draft_changes(draft))

    def draft_changes(self, draft: str) -> tuple[Change, ...]:
        """What a draft changes of the version that runs. Raises ConfigRefused conflict."""
        row, edits = self.draft(draft)
        wanted = {Key(kind, name): content for (kind, name), content in edits.objects.items()}
        newest = self.running.catalogue
        if row.base != self.running.number:
            base = self.catalogue(row.base)
            theirs = {change.key: change for change in difference(base, newest)}
            both = [key for key in edited_keys(base, wanted) if key in theirs and not _agrees(theirs[key], wanted[key])]
            if both:
                names = ", ".join(str(key) for key in sorted(both)[:20])
                number = self.running.number
                text = f"Others have published changes of the same objects meanwhile: {names}. Version {number} runs."
                raise ConfigRefused("conflict", text)
        return edited(newest, wanted)

    def findings(self, draft: str) -> tuple[list[ObjectProblem], list[ObjectProblem]]:
        """Everything that keeps a draft from being published; and, where nothing does, what should be looked at all the
        same."""
        _, edits = self.draft(draft)
        passwords = {**self.running.passwords, **edits.passwords}
        settings, problems = self.composer.whole(self.machine, self.drafted(draft), passwords)
        if settings is None or problems:
            return problems, []
        told = (located(settings, location, text) for location, text in warnings(settings))
        return [], [one for one in told if one.key is not None]

    # --- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, draft: str, author: str, comment: str, apply: Apply) -> Running:
        """Write the draft as the next version. What is returned is to run from now on. Raises ConfigRefused."""
        row, edits = self.draft(draft)
        changes = self.draft_changes(draft)
        if not changes and not edits.passwords:
            raise ConfigRefused("nothing-changed", "The draft changes nothing.")
        return self._write(changes, author, comment or row.comment, apply, "edited", edits.passwords, draft)

    def roll_back(self, number: int, author: str, comment: str, apply: Apply) -> Running:
        """A new version whose content is that of an old one."""
        changes = difference(self.running.catalogue, self.catalogue(number))
        if not changes:
            raise ConfigRefused("nothing-changed", f"Version {self.running.number} is the same as version {number}.")
        return self._write(changes, author, comment or f"back to version {number}", apply, "rolled-back", {}, None)

    def set_password(self, username: str, password_hash: str, author: str) -> Running:
        """At once and for every version. Raises ConfigRefused not-found."""
        if Key("operators", username) not in self.running.catalogue.entries:
            raise ConfigRefused("not-found", "There is no such person.")
        self.store.put_passwords([PasswordRow(username, password_hash, self.now_ms(), author, "set")])
        passwords = {**self.running.passwords, username: password_hash}
        return start.composed(self.machine, self.composer, self.running.row, self.running.catalogue, passwords)

    def _write(
        self,
        changes: Sequence[Change],
        author: str,
        comment: str,
        apply: Apply,
        source: str,
        passwords: Mapping[str, str],
        draft: str | None,
    ) -> Running:
        before = self.running
        if before.row is None:
            raise ConfigRefused("unavailable", "The server runs from its file: the database was away at the start.")
        after = before.catalogue.after(changes)
        in_use = {**before.passwords, **passwords}
        settings, problems = self.composer.whole(self.machine, after, in_use)
        if settings is None or problems:
            raise ConfigRefused("invalid", "The draft has problems.", tuple(str(problem) for problem in problems))
        now_ms = self.now_ms()
        row = VersionRow(
            before.number + 1, before.number, "", after.digest, author, now_ms, _comment(comment), apply, source
        )
        rows = [PasswordRow(name, hashed, now_ms, author, "set") for name, hashed in passwords.items()]
        try:
            made = self.store.publish(row, start.rows_of(changes), rows, draft)
        except OutrunError as problem:
            raise ConfigRefused("conflict", f"{problem}; the server runs version {before.number}.") from problem
        return Running(made, after, settings, in_use)

    def _put(self, draft: str, known: Edits, edits: Edits) -> None:
        if len({*known.objects, *edits.objects}) > EDITS_MAX:
            raise ConfigRefused("limit", f"A draft may edit {EDITS_MAX} objects.")
        if not self.store.edit_draft(draft, edits, self.now_ms()):
            raise ConfigRefused("not-found", "There is no such draft.")


def edited_keys(base: Catalogue, wanted: Mapping[Key, str | None]) -> list[Key]:
    """Objects that edits really change."""
    return [change.key for change in edited(base, wanted)]


def _agrees(theirs: Change, content: str | None) -> bool:
    return (theirs.after.content if theirs.after is not None else None) == content


def _put(found: ReadObject, edits: dict[tuple[str, str], str | None], passwords: dict[str, str]) -> None:
    edits[found.key.kind, found.key.name] = found.content
    if found.password_hash is not None:
        if not found.password_hash.startswith("$argon2id$"):
            raise ConfigRefused("invalid", f"{found.key} password_hash: not an argon2id hash ($argon2id$...)")
        passwords[found.key.name] = found.password_hash


def _comment(text: str) -> str:
    return text.strip()[:COMMENT_CHARS_MAX]
