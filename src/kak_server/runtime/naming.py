"""What skills, rooms, queues and positions are called, for explanations: the journal holds their ids alone.

The names are those of the configuration that is given; what it does not name keeps its id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from kak_server.model.light import frozen
from kak_server.runtime.phrases import Said


@frozen
class Names:
    """By id, in both languages."""

    skills: Mapping[str, Said] = field(default_factory=dict)
    rooms: Mapping[str, Said] = field(default_factory=dict)
    queues: Mapping[str, Said] = field(default_factory=dict)
    positions: Mapping[str, str] = field(default_factory=dict)

    def skill(self, skill: str) -> Said:
        """A skill's name, or its id."""
        return self.skills.get(skill, Said(skill, skill))

    def room(self, room: str) -> Said:
        """A room's name, or its id."""
        return self.rooms.get(room, Said(room, room))

    def queue(self, queue: str) -> Said:
        """A queue's name, or its id."""
        return self.queues.get(queue, Said(queue, queue))

    def position(self, position: str) -> str:
        """A position's name, or its id."""
        return self.positions.get(position, position)

    def rooms_of(self, rooms: Iterable[str]) -> list[Said]:
        """Several, in their order."""
        return [self.room(room) for room in rooms]

    def levels(self, skills: Iterable[tuple[str, int]]) -> Said:
        """Skills with their levels, as a list."""
        each = [(self.skill(skill), level) for skill, level in skills]
        return listed([Said(f"{said.en} {level}", f"{said.nb} {level}") for said, level in each])


IDS: Final = Names()
"""Nothing has a name."""


def listed(names: Sequence[Said]) -> Said:
    """With commas."""
    return Said(", ".join(said.en for said in names), ", ".join(said.nb for said in names))
