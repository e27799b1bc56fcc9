"""The configuration reference (docs/configuration.md), made from the descriptions in the sections."""

import typing
from collections.abc import Iterator
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from kak_server.config.fields import Section
from kak_server.config.settings import Settings

HEADER = """\
# Configuration reference

Made by `make docs` from `src/kak_server/config`; a test holds it against the code. A file is checked with
`kak-server check-config FILE`, which lists every problem with its line. Any key can be set on the command line:
`kak-server serve --config FILE --set server.http.port=9000`.

Values are read as in YAML 1.2: `0113` and `+4722000000` are text, `no` is text, `true` and `false` are the only truth
values. `!env NAME` takes a value from the environment and `!file PATH` from a file: for secrets. Aliases are refused.

`rooms`, `skills`, `queues`, `operators`, `areas`, `integrators`, `staffing` and `routing` are the first version of a
configuration that changes while calls are up ([configuration-versions.md](configuration-versions.md)); all else is the
machine's and holds from the next start.
"""


def generate_reference() -> str:
    """The Markdown text."""
    return HEADER + "".join(_table(Settings, "Sections of a file", "")) + "".join(_below(Settings, ""))


def _below(section: type[Section], path: str) -> Iterator[str]:
    for key, inner, many in _inner_sections(section):
        here = f"{path}{key}[]" if many else f"{path}{key}"
        yield from _table(inner, f"`{here}`", f"{cleandoc(inner.__doc__ or '')}\n\n")
        yield from _below(inner, f"{here}.")


def _table(section: type[Section], title: str, text: str) -> Iterator[str]:
    yield f"\n## {title}\n\n{text}| key | default | meaning |\n| --- | --- | --- |\n"
    for name, field in section.model_fields.items():
        yield f"| `{field.alias or name}` | {_default(field)} | {_meaning(field)} |\n"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or isinstance(field.default, Section):
        return "see below"
    if field.default is None:
        return "none"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(str(item) for item in value)}]`"
    return f"`{value.value if isinstance(value, Enum) else value.as_posix() if isinstance(value, Path) else value}`"


def _meaning(field: Any) -> str:
    choices = [str(choice) for choice in _choices(field.annotation)]
    text = (field.description or "").replace("|", "\\|")
    return f"{text} ({', '.join(choices)})" if choices else text


def _choices(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return tuple(choice for inner in typing.get_args(hint) for choice in _choices(inner))


def _inner_sections(section: type[Section]) -> Iterator[tuple[str, type[Section], bool]]:
    for name, field in section.model_fields.items():
        for inner, many in _sections_in(field.annotation, many=False):
            yield field.alias or name, inner, many


def _sections_in(hint: Any, *, many: bool) -> Iterator[tuple[type[Section], bool]]:
    if typing.get_origin(hint) is None and isinstance(hint, type) and issubclass(hint, Section):
        yield hint, many
    for inner in typing.get_args(hint):
        yield from _sections_in(inner, many=many or typing.get_origin(hint) is tuple)
