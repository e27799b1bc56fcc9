"""Which talkgroups and radios the simulated network has: the lab's by default, or a YAML file's.

A file is either a world of its own (`groups`, `radios`, `policy`) or a server's configuration with `radio.talkgroups`;
the latter gets two invented ambulances in each of the first talkgroups. All names and numbers are invented.
"""

from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kak_server.model.light import frozen
from kak_sim.tetra.network import Policy

RADIOS_FROM_GROUPS_MAX = 20
Ssi = Annotated[int, Field(ge=1, le=0xFFFFFF)]


class WorldError(ValueError):
    """The file is not a world; the text says why, for a person."""


@frozen
class GroupSpec:
    """A talkgroup."""

    gssi: int
    name: str


@frozen
class RadioSpec:
    """A radio and the talkgroup it is turned to."""

    issi: int
    alias: str
    gssi: int


@frozen
class World:
    """What a simulated network starts with."""

    groups: tuple[GroupSpec, ...]
    radios: tuple[RadioSpec, ...]
    policy: Policy = field(default_factory=Policy)


LAB = World(
    groups=(
        GroupSpec(24201, "AMK Oslo 1"),
        GroupSpec(24202, "AMK Oslo 2"),
        GroupSpec(24203, "AMK Bergen 1"),
        GroupSpec(24204, "Samvirke nød"),
        GroupSpec(24205, "Legevakt bil"),
    ),
    radios=(
        RadioSpec(2420101, "Ambulanse 1-1", 24201),
        RadioSpec(2420102, "Ambulanse 1-2", 24201),
        RadioSpec(2420201, "Ambulanse 2-1", 24202),
        RadioSpec(2420301, "Ambulanse 3-1", 24203),
        RadioSpec(2420401, "Innsatsleder helse", 24204),
        RadioSpec(2420501, "Legebil 5-1", 24205),
    ),
)


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid")
    gssi: Ssi
    name: str = Field(max_length=64)


class _Radio(BaseModel):
    model_config = ConfigDict(extra="forbid")
    issi: Ssi
    alias: str = Field(max_length=64)
    gssi: Ssi


class _WorldFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    groups: list[_Group] = Field(min_length=1, max_length=5_000)
    radios: list[_Radio] = Field(max_length=10_000)
    policy: Policy = Policy()


def load(path: Path) -> World:
    """Read a world file, or the talkgroups of a server's configuration. Raises WorldError, OSError."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise WorldError(f"{path}: not YAML: {problem}") from None
    if isinstance(data, dict) and isinstance(data.get("radio"), dict):
        return _from_server(data["radio"].get("talkgroups"), path)
    try:
        found = _WorldFile.model_validate(data)
    except ValidationError as problem:
        lines = [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in problem.errors()]
        raise WorldError(f"{path}: " + "; ".join(lines)) from None
    known = {group.gssi for group in found.groups}
    strays = [radio.issi for radio in found.radios if radio.gssi not in known]
    if strays or len({radio.issi for radio in found.radios}) != len(found.radios):
        raise WorldError(f"{path}: radios in groups that are not listed, or listed twice: {strays}")
    return World(
        tuple(GroupSpec(group.gssi, group.name) for group in found.groups),
        tuple(RadioSpec(radio.issi, radio.alias, radio.gssi) for radio in found.radios),
        found.policy,
    )


def _from_server(talkgroups: Any, path: Path) -> World:
    try:
        groups = tuple(GroupSpec(int(item["gssi"]), str(item["name"])) for item in talkgroups)
    except (TypeError, KeyError, ValueError):
        raise WorldError(f"{path}: radio.talkgroups is not a list of {{gssi, name}}") from None
    if not groups:
        raise WorldError(f"{path}: no talkgroups")
    radios = tuple(
        RadioSpec(2_420_001 + 100 * index + number, f"Ambulanse {index + 1}-{number + 1}", group.gssi)
        for index, group in enumerate(groups[:RADIOS_FROM_GROUPS_MAX])
        for number in range(2)
    )
    return World(groups, radios)
