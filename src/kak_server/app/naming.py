"""What skills, rooms, queues and positions are called in explanations, by the version that runs."""

from pathlib import Path

from kak_server.app.configuration.running import COPY_NAME, read_copy
from kak_server.config.people import LocalisedName, QueueSection, RoomSection
from kak_server.config.settings import Settings
from kak_server.config.skills import SkillSection
from kak_server.config.versions.objects import section_of
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import Said


def names_of(settings: Settings) -> Names:
    """Of a configuration in use."""
    return _names(settings.skills, settings.rooms, settings.queues)


def names_kept(data_dir: Path) -> Names:
    """Of the copy that a server keeps beside its journal of what runs; `data_dir` may be the journal itself. No names
    without a copy that can be read: ids do for those who look after a broken machine."""
    for folder in (data_dir, data_dir.parent):
        kept = read_copy(folder / COPY_NAME)
        if kept is not None:
            objects = [section_of(key, entry.content) for key, entry in kept[1].entries.items() if key.kind in _KINDS]
            return _names(
                tuple(one for one in objects if isinstance(one, SkillSection)),
                tuple(one for one in objects if isinstance(one, RoomSection)),
                tuple(one for one in objects if isinstance(one, QueueSection)),
            )
    return IDS


_KINDS = ("skills", "rooms", "queues")


def _said(name: str | LocalisedName) -> Said:
    return Said(name, name) if isinstance(name, str) else Said(name.en or name.nb, name.nb)


def _names(skills: tuple[SkillSection, ...], rooms: tuple[RoomSection, ...], queues: tuple[QueueSection, ...]) -> Names:
    return Names(
        {one.id: _said(one.name) for one in skills},
        {one.id: Said(one.name, one.name) for one in rooms},
        {one.id: _said(one.name) for one in queues},
        {seat: name for one in rooms for seat, name in one.seats()},
    )
