"""Events of older program versions, brought up to today's form one version at a time.

A type without an entry in `VERSIONS` is at version 1. A new field with a default needs no version: old data still
reads. When a field changes its meaning, is renamed or becomes required, the type's version goes up and `UPGRADERS` gets
the step from the version before. A step stays for as long as journals of that version may be read, and a journal of
each released format lies in tests/data to prove it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kak_server.model.codec import CodecError

Upgrader = Callable[[dict[str, Any]], dict[str, Any]]

VERSIONS: Mapping[str, int] = {}
UPGRADERS: Mapping[tuple[str, int], Upgrader] = {}


class NewerEventError(CodecError):
    """An event of a type or version that this program does not know: a newer one wrote it."""


def upgraded(
    name: str,
    version: int,
    data: Any,
    versions: Mapping[str, int] = VERSIONS,
    upgraders: Mapping[tuple[str, int], Upgrader] = UPGRADERS,
) -> Any:
    """`data` of event type `name` in today's form. Raises NewerEventError for a newer version, CodecError if the data
    is none or a step is missing."""
    newest = versions.get(name, 1)
    if version == newest:
        return data
    if version > newest:
        raise NewerEventError(f"routing event {name!r} of version {version}; this program knows {newest}")
    for step in range(version, newest):
        upgrader = upgraders.get((name, step))
        if upgrader is None or not isinstance(data, dict):
            raise CodecError(f"routing event {name!r} of version {step} cannot be read any more")
        data = upgrader(data)
    return data
