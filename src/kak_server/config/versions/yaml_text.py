"""Versions as YAML text and back: what a person reads, keeps in a repository, and brings in again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kak_server.config.areas import import_tables
from kak_server.config.problems import dotted
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import Catalogue
from kak_server.config.versions.objects import KINDS, Key, ObjectProblem, ReadObject, read_object
from kak_server.config.yaml_tree import read_tree
from kak_server.model.codec import loads
from kak_server.model.light import frozen

LINE_CHARS = 120


@frozen
class ReadText:
    """What a text holds: objects that fit, the lists it gave, its sections that belong to a machine and are left
    alone, and what is wrong."""

    objects: tuple[ReadObject, ...]
    kinds: tuple[str, ...]
    ignored: tuple[str, ...]
    problems: tuple[ObjectProblem, ...]


def to_yaml(catalogue: Catalogue, head: str = "", passwords: Mapping[str, str] | None = None) -> str:
    """The lists of a version as the part of a file. `head` becomes comment lines; hashes of passwords stand in it only
    where they are given."""
    sections: dict[str, Any] = {}
    for kind, told in KINDS.items():
        items = []
        for key, entry in catalogue.of_kind(kind):
            values = loads(entry.content)
            if not told.name_field:
                sections[told.section] = values
                continue
            first = {told.name_field: values.pop(told.name_field)}
            secret = (
                {"password_hash": hashed} if kind == "operators" and (hashed := (passwords or {}).get(key.name)) else {}
            )
            items.append({**first, **values, **secret})
        if items:
            sections[told.section] = items
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + yaml.dump(
        sections, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=LINE_CHARS, default_flow_style=None
    )


class _Dumper(yaml.SafeDumper):
    """Without aliases, which our reader refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def from_yaml(text: str, base: Path | None = None) -> ReadText:
    """Read the lists of a text. `base`: the folder of a file one trusts, whose `!env`, `!file` and tables are followed;
    without it they are refused, since they would read this machine's files for whoever sent the text."""
    tree = read_tree(text, elsewhere=base is not None)
    problems = [ObjectProblem(None, dotted(one.location), _with_line(one.text, one.line)) for one in tree.problems]
    value = tree.value if tree.value is not None else {}
    if not isinstance(value, dict):
        return ReadText(
            (), (), (), (*problems, ObjectProblem(None, "", "expected sections (rooms:, queues: ...) at the top"))
        )
    if base is not None:
        problems += [ObjectProblem(None, dotted(one.location), one.text) for one in import_tables(value, base)]
    objects: dict[Key, ReadObject] = {}
    kinds = []
    for kind, told in KINDS.items():
        if told.section not in value:
            continue
        kinds.append(kind)
        items = value[told.section] if told.name_field else [value[told.section] or {}]
        if not isinstance(items, list):
            problems.append(ObjectProblem(None, told.section, "expected a list"))
            continue
        for number, raw in enumerate(items):
            if base is None and isinstance(raw, dict) and raw.get("file") is not None:
                problems.append(
                    ObjectProblem(None, f"{told.section}[{number}].file", "a table must be sent, not named")
                )
            found = read_object(kind, raw)
            if isinstance(found, list):
                line = tree.lines.get((told.section, number))
                problems += [ObjectProblem(one.key, one.path, _with_line(one.text, line)) for one in found]
            elif found.key in objects:
                problems.append(ObjectProblem(found.key, "", "stands there twice"))
            else:
                objects[found.key] = found
    ignored = tuple(name for name in value if name in Settings.model_fields and name not in kinds)
    known = {told.section for told in KINDS.values()} | set(ignored)
    problems += [ObjectProblem(None, str(name), "unknown key") for name in value if name not in known]
    return ReadText(tuple(objects.values()), tuple(kinds), ignored, tuple(problems))


def _with_line(text: str, line: int | None) -> str:
    return text if line is None else f"line {line}: {text}"
