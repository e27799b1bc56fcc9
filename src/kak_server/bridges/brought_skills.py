"""Skills that an integrator asks for are held against the catalogue: a word that nobody can have would keep its contact
waiting for ever."""

from collections.abc import Mapping, Sequence

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought_types import Asked
from kak_server.routing.api import ContactClass

EMERGENCY = ContactClass.EMERGENCY


def unknown_skills(asked: Asked, klass: ContactClass, catalogue: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Those asked for that are not in the catalogue, and that it is taken without: an emergency is not refused for
    them. Without a catalogue any word is a skill. Raises RefusedError for what is no emergency."""
    if not asked.skills or not catalogue:
        return ()
    known = {one["skill"] for one in catalogue}
    unknown = tuple(sorted(skill for skill in asked.skills if skill not in known))
    if unknown and not _is_emergency(asked, klass):
        text = f"no such skill: {', '.join(unknown)}; those known: {', '.join(sorted(known))}"
        raise RefusedError("unknown-skill", text)
    return unknown


def _is_emergency(asked: Asked, klass: ContactClass) -> bool:
    """By its class, by the class that was asked for though its queue permits it not, or as a radio's key."""
    return klass is EMERGENCY or asked.klass == EMERGENCY.value or asked.kind == "radio"
