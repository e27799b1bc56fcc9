"""YAML text to plain values, with the line of every key and list item.

Scalars follow the core schema of YAML 1.2 (section 10.3.2), not PyYAML's YAML 1.1, because of what a telephone system
is full of: `no` is Norwegian, not false; `0113` is a number to dial, not an octal 75; `12:30:00` is no base-60 integer;
`+4722000000` keeps its plus. The tree is built from the event stream with a bound on depth and without aliases, so
that no file can blow up the process that reads it.
"""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kak_server.config.problems import Location, Problem
from kak_server.model.light import frozen

DEPTH_MAX = 20
PROBLEMS_MAX = 50

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@frozen
class Tree:
    """The plain values of a file, the line of each location, and what was wrong with the text itself."""

    value: Any
    lines: dict[Location, int]
    problems: tuple[Problem, ...]


class ElsewhereText(str):
    """Text that does not stand in the file: out of `!env` or `!file`."""


class _BrokenError(Exception):
    """The text cannot be read further."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read_tree(text: str, *, elsewhere: bool = True) -> Tree:
    """Parse YAML text. Never raises: what is wrong is in `problems`, and `value` is what could be read. `elsewhere`:
    values may be taken from the environment and from files."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return Tree(None, {}, (Problem((), "not valid Unicode text"),))
    builder = _Builder(text, elsewhere=elsewhere)
    try:
        value = builder.document()
    except _BrokenError as broken:
        return Tree(None, builder.lines, (*builder.problems, broken.problem))
    except yaml.YAMLError as error:
        return Tree(None, builder.lines, (*builder.problems, _syntax_problem(error)))
    return Tree(value, builder.lines, tuple(builder.problems))


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        return Problem((), f"not valid YAML: {words}", mark.line + 1 if mark else None)
    return Problem((), f"not valid YAML: {str(error).splitlines()[0]}")


class _Builder:
    def __init__(self, text: str, *, elsewhere: bool) -> None:
        self._elsewhere = elsewhere
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []

    def document(self) -> Any:
        event = self._next_content()
        if event is None:
            return None
        value = self._value(event, ())
        extra = self._next_content()
        if extra is not None:
            self._add((), "a second document: the file must hold one", extra)
        return value

    def _next_content(self) -> Any:
        """The next event that starts a value; None at the end of the stream."""
        frame = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)
        return next((event for event in self._events if not isinstance(event, frame)), None)

    def _add(self, location: Location, text: str, event: Any) -> None:
        line = _line_of(event)
        self.problems.append(Problem(location, text, line))
        if len(self.problems) >= PROBLEMS_MAX:
            raise _BrokenError(Problem((), "too many problems; the rest is not shown", line))

    def _value(self, event: Any, location: Location) -> Any:
        line = _line_of(event)
        self.lines.setdefault(location, line)
        if isinstance(event, yaml.AliasEvent):
            raise _BrokenError(Problem(location, "aliases (*name) are not supported: write the value out", line))
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        if len(location) >= DEPTH_MAX:
            raise _BrokenError(Problem((), f"nested more than {DEPTH_MAX} levels deep", line))
        if event.tag is not None:
            self._add(location, f"unknown tag {event.tag}", event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(location)
        return self._mapping(location)

    def _sequence(self, location: Location) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*location, len(items))))
        return items

    def _mapping(self, location: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line_of(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _BrokenError(Problem(location, "a key must be a plain word", line))
            key = str(event.value)
            below = (*location, key)
            if key in values:
                self._add(below, f"given twice (first on line {self.lines[below]})", event)
            else:
                self.lines[below] = line
            value = self._value(next(self._events), below)
            values.setdefault(key, value)
        return values

    def _scalar(self, event: Any, location: Location) -> Any:
        text: str = event.value
        if event.tag in ("!env", "!file") and not self._elsewhere:
            self._add(location, f"{event.tag} is for files of the server's own: write the value", event)
            return None
        if event.tag == "!env":
            return self._from_environment(event, location)
        if event.tag == "!file":
            return self._from_file(event, location)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            self._add(location, f"unknown tag {event.tag} (known: !env NAME, !file PATH)", event)
            return None
        if not event.implicit[0]:
            return text  # quoted or tagged: a string, whatever it looks like
        return plain_scalar(text)

    def _from_environment(self, event: Any, location: Location) -> str | None:
        value = os.environ.get(event.value)
        if value is None:
            self._add(location, f"environment variable {event.value} is not set", event)
        return None if value is None else ElsewhereText(value)

    def _from_file(self, event: Any, location: Location) -> str | None:
        try:
            with Path(event.value).open(encoding="utf-8") as file:
                return ElsewhereText(file.read(65_536).strip())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._add(location, f"cannot read {event.value}: {reason}", event)
            return None


def _line_of(event: Any) -> int:
    return int(event.start_mark.line) + 1


def plain_scalar(text: str) -> Any:
    """An unquoted scalar by the core schema, without octal, hexadecimal and signed-plus numbers."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
