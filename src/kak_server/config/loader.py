"""From a file (and overrides of the command line) to settings."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kak_server.config.areas import import_tables
from kak_server.config.checks import check
from kak_server.config.problems import ConfigError, Location, Problem, dotted
from kak_server.config.settings import Settings
from kak_server.config.yaml_tree import plain_scalar, read_tree

FILE_BYTES_MAX = 8 * 1024 * 1024


def load_settings(path: Path | str, overrides: Sequence[str] = (), *, passwords: bool = True) -> Settings:
    """Read, check and freeze a configuration.

    `overrides` are "dotted.path=value" of the command line, e.g. "server.http.port=9000", values as in YAML.
    `passwords`: people must have one, or may not sign in; an exported version has none. Raises ConfigError with every
    problem found.
    """
    path = Path(path)
    return parse_settings(_read(path), source=str(path), overrides=overrides, base=path.parent, passwords=passwords)


def parse_settings(
    text: str,
    *,
    source: str = "configuration",
    overrides: Sequence[str] = (),
    base: Path = Path(),
    passwords: bool = True,
) -> Settings:
    """The same from text; files it names are looked for from `base`."""
    tree = read_tree(text)
    problems = list(tree.problems)
    value = {} if tree.value is None else tree.value
    if not isinstance(value, dict):
        raise ConfigError(source, [*problems, Problem((), "expected sections (server:, rooms: ...) at the top")])
    if problems and not value:
        raise ConfigError(source, problems)
    value = {key: section for key, section in value.items() if section is not None}  # "sip:" with nothing below it
    lines = dict(tree.lines)
    problems += _apply(overrides, value, lines)
    problems += [Problem(one.location, one.text, _line(one.location, lines)) for one in import_tables(value, base)]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(value)
    except ValidationError as error:
        problems += _validation_problems(error.errors(), lines, value)
    if settings is not None:
        problems += [
            Problem(location, text, _line(location, lines)) for location, text in check(settings, passwords=passwords)
        ]
    if problems or settings is None:
        raise ConfigError(source, _without_repeats(problems))
    return settings


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigError(str(path), [Problem((), f"larger than {FILE_BYTES_MAX} bytes")])
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), [Problem((), f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [Problem((), f"not UTF-8 text (byte {error.start})")]) from None


def _apply(overrides: Sequence[str], value: dict[str, Any], lines: dict[Location, int]) -> Iterator[Problem]:
    """Put overrides into the values; what they replace has no line any more."""
    for override in overrides:
        path, equals, text = override.partition("=")
        keys = tuple(path.split("."))
        if not equals or not all(keys):
            yield Problem((), f"override {override!r} is not of the form section.key=value")
            continue
        section: Any = value
        for depth, key in enumerate(keys[:-1]):
            section = section.setdefault(key, {})
            if not isinstance(section, dict):
                yield Problem(keys, f"override {override!r}: {dotted(keys[: depth + 1])} is not a section")
                break
        else:
            section[keys[-1]] = plain_scalar(text)
            for location in [location for location in lines if location[: len(keys)] == keys]:
                del lines[location]


def _line(location: Location, lines: Mapping[Location, int]) -> int | None:
    """The line of a location, or of the nearest one above it that the file has."""
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return lines[location[:length]]
    return None


def _validation_problems(
    errors: Sequence[ErrorDetails], lines: Mapping[Location, int], value: Any
) -> Iterator[Problem]:
    for error in errors:
        location = _file_location(error["loc"], value)
        yield Problem(location, _words(error), _line(location, lines))


def validation_words(error: ValidationError, value: Any) -> Iterator[tuple[Location, str]]:
    """What does not fit, where in `value`, in words."""
    for one in error.errors():
        yield _file_location(one["loc"], value), _words(one)


def _file_location(location: Location, value: Any) -> Location:
    """A location as in the file: pydantic names the tried member of a union, which no key of the file is."""
    found: list[str | int] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(value, dict) and (part in value or (last and isinstance(part, str) and "[" not in part)):
            found.append(part)
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            found.append(part)
            value = value[part]
    return tuple(found)


def _words(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "missing"
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind == "string_pattern_mismatch":
        return f"not of the form {context.get('pattern')}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "expected a section (key: value lines)"
    if kind in ("tuple_type", "list_type"):
        return "expected a list"
    if kind == "too_short":
        return "must not be empty"
    message = error["msg"].replace("Input should", "should")
    return message[:1].lower() + message[1:]


def _without_repeats(problems: Sequence[Problem]) -> list[Problem]:
    """Each problem once; a list is not "empty" where the trouble is with its items."""
    above = {problem.location[:length] for problem in problems for length in range(len(problem.location))}
    return [
        problem
        for problem in dict.fromkeys(problems)
        if not (problem.text == "must not be empty" and problem.location in above)
    ]
