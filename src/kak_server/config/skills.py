"""The catalogue of skills: what they are called, and that nobody speaks of one that is not in it.

Without a catalogue every word is a skill, as in configurations from before there was one.
"""

from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from kak_server.config.fields import Identifier, Section, Text
from kak_server.config.people import LocalisedName, OperatorSection, QueueSection
from kak_server.config.problems import Location

Finding = tuple[Location, str]
LANGUAGE = "lang-"
"""Skills `lang-CODE` are preferred for contacts that bring a language; no queue has to say so."""


class SkillSection(Section):
    """A skill of the catalogue. With an empty catalogue every word is a skill."""

    id: Identifier = Field(description="identifier, as queues, workflows and operators name it")
    name: LocalisedName = Field(description="name on the consoles")
    description: Text | None = Field(None, description="what somebody has who has it, for shift leads")


def to_skills(sections: tuple[SkillSection, ...]) -> tuple[Mapping[str, str], ...]:
    """What the consoles show of them: made once, since every console is sent the same."""
    return tuple(
        {
            "skill": one.id,
            "name_nb": one.name.nb,
            "name_en": one.name.en or one.name.nb,
            "description": one.description or "",
        }
        for one in sections
    )


def check_skills(
    sections: tuple[SkillSection, ...], queues: tuple[QueueSection, ...], people: tuple[OperatorSection, ...]
) -> Iterator[Finding]:
    """Skills that are spoken of and not in the catalogue: location and text."""
    if not sections:
        return
    known: set[str] = set()
    for number, one in enumerate(sections):
        if one.id in known:
            yield ("skills", number, "id"), f"skill {one.id} is used twice"
        known.add(one.id)
    for number, queue in enumerate(queues):
        at: Location = ("queues", number)
        yield from _unknown(known, (*at, "skills"), queue.skills)
        yield from _unknown(known, (*at, "preferred"), queue.preferred)
        for place, step in enumerate(queue.workflow):
            for nth, skill in enumerate(step.drop):
                if skill not in known:
                    yield (*at, "workflow", place, "drop", nth), _there_is_no(skill)
    for number, person in enumerate(people):
        if not person.skills.keys() <= known:
            yield from _unknown(known, ("operators", number, "skills"), person.skills)


def _unknown(known: set[str], at: Location, skills: Iterable[str]) -> Iterator[Finding]:
    for skill in skills:
        if skill not in known:
            yield (*at, skill), _there_is_no(skill)


def _there_is_no(skill: str) -> str:
    return f"there is no skill {skill} in the catalogue (skills)"


def skills_of_no_use(
    sections: tuple[SkillSection, ...], queues: tuple[QueueSection, ...], people: tuple[OperatorSection, ...]
) -> Iterator[Finding]:
    """Skills of the catalogue that nobody has or nobody needs. A catalogue may be ahead of the people, so that it is no
    error. Nothing is said of people while there are none."""
    had = {skill for person in people for skill in person.skills}
    needed = {skill for queue in queues for skill in (*queue.skills, *queue.preferred)}
    for number, one in enumerate(sections):
        if people and one.id not in had:
            yield ("skills", number), f"nobody has skill {one.id}"
        if one.id not in needed and not one.id.startswith(LANGUAGE):
            yield ("skills", number), f"no queue needs or prefers skill {one.id}"
