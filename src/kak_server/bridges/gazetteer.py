"""Municipalities by code, by name and by callers' numbers, out of the tables of all area services."""

from collections.abc import Iterable

from kak_server.bridges.directory import AreaService, plain_name

_CODE_CHARS = 4  # a Norwegian kommunenummer


class Gazetteer:
    """A name or a prefix that two municipalities share tells nothing."""

    def __init__(self, services: tuple[AreaService, ...] = ()) -> None:
        self._codes: set[str] = set()
        self._names: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}
        for service in services:
            for town in service.municipalities:
                self._codes.add(town.code)
                if town.name:
                    _enter(self._names, plain_name(town.name), town.code)
                for prefix in town.prefixes:
                    _enter(self._prefixes, prefix, town.code)
        self._prefix_chars = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

    def code(self, text: str) -> str:
        """Of a code or a name as people and civic addresses write it; "": it is none, as far as is known."""
        text = text.strip()
        return text if text in self._codes else self._names.get(plain_name(text), "")

    def code_among(self, areas: Iterable[str]) -> str:
        """Of what a civic address names: the first that is known, else what looks like a code."""
        texts = list(areas)
        found = next((code for text in texts if (code := self.code(text))), "")
        return found or next((text for text in texts if len(text) == _CODE_CHARS and text.isdecimal()), "")

    def code_of_number(self, number: str) -> str:
        """Where a caller's number belongs."""
        found = (self._prefixes.get(number[:chars], "") for chars in self._prefix_chars)
        return next((code for code in found if code), "")


def _enter(table: dict[str, str], key: str, code: str) -> None:
    table[key] = code if table.get(key, code) == code else ""
