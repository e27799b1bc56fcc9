"""A version's objects and a machine's file to one whole configuration, or every problem there is."""

from collections.abc import Mapping, Sequence
from typing import Any

from kak_server.config.checks import check
from kak_server.config.fields import Section
from kak_server.config.people import OperatorSection
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import Catalogue, Entry
from kak_server.config.versions.objects import KINDS, Key, ObjectProblem, located, section_of

CACHE_MAX = 50_000


class Composer:
    """Puts wholes together. What an object makes is remembered by its hash: the next version costs what changed, and
    the checks between objects."""

    def __init__(self) -> None:
        self._sections: dict[str, Section] = {}
        self._people: dict[tuple[str, str | None], Section] = {}  # with their passwords

    def whole(
        self, machine: Settings, catalogue: Catalogue, passwords: Mapping[str, str]
    ) -> tuple[Settings | None, list[ObjectProblem]]:
        """The configuration of `machine` with the objects of `catalogue` in place of its own. `passwords`: hash by user
        name; who has none may not sign in. None with problems of single objects; problems between objects come with
        the whole, which must not be used then."""
        problems: list[ObjectProblem] = []
        lists: dict[str, Any] = {}
        for kind, told in KINDS.items():
            sections: list[Section] = []
            for key, entry in catalogue.of_kind(kind):
                found = self._section(key, entry)
                if isinstance(found, OperatorSection):
                    sections.append(self._with_password(entry, found, passwords.get(found.username)))
                elif isinstance(found, Section):
                    sections.append(found)
                else:
                    problems += found
            if len(sections) > told.most:
                problems.append(ObjectProblem(None, kind, f"more than {told.most}"))
            if len(sections) < told.least and not problems:
                problems.append(ObjectProblem(None, kind, "must not be empty"))
            lists[kind] = tuple(sections) if told.name_field else sections[0] if sections else told.model()
        if problems:
            return None, problems
        settings = machine.model_copy(update=lists)
        return settings, [located(settings, at, text) for at, text in check(settings, passwords=False)]

    def _section(self, key: Key, entry: Entry) -> Section | Sequence[ObjectProblem]:
        found = self._sections.get(entry.hash)
        if found is not None:
            return found
        made = section_of(key, entry.content)
        if isinstance(made, Section):
            if len(self._sections) >= CACHE_MAX:
                self._sections.clear()
            self._sections[entry.hash] = made
        return made

    def _with_password(self, entry: Entry, section: OperatorSection, password_hash: str | None) -> Section:
        """The same object for the same person in every version: what follows from it need not be worked out again."""
        key = entry.hash, password_hash
        made = self._people.get(key)
        if made is None:
            if len(self._people) >= CACHE_MAX:
                self._people.clear()
            made = section.model_copy(update={"password": None, "password_hash": password_hash})
            self._people[key] = made
        return made
