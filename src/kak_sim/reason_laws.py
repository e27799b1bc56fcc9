"""What people are told of steps to come when they ask why somebody is not rung: it names the first step that changes
it, with its time, and says nothing of any only where there is none.

Works with the sentences themselves and the rules; which rooms a step reaches and what it still needs is told by the
routing oracle.
"""

import re
from collections.abc import Iterator

from kak_server.model.ids import RoomId
from kak_server.routing import api
from kak_server.routing.state import Contact, State
from kak_sim import routing_oracle as oracle

_ROOM = re.compile(
    r"sits in room (\S+?), (?:and \S+ is asked alone|which is not asked yet|which no step|which does not)"
)
_SKILL = re.compile(r"has skill (\S+) at (\d+), (\d+) is needed")
_LATER = re.compile(r"\((?:(\d+|not) )?(?:.* )?from ([\d.]+) s on(, if its condition holds)?\)$")


def _to_come(state: State, contact: Contact) -> list[api.Step]:
    """The steps that are not done, by their time."""
    steps = enumerate(oracle.steps_of(state.queue_of(contact).config))
    return sorted((step for number, step in steps if not contact.fired >> number & 1), key=lambda step: step.after_ms)


def _first_reaching(state: State, contact: Contact, room: RoomId) -> api.Step | None:
    config = state.queue_of(contact).config
    steps = (step for step in _to_come(state, contact) if step.reach is not None or step.rooms)
    extra = (step for step in steps if room in (oracle.reach(step, config, state, frozenset()) or ()))
    return next(extra, None)


def _first_enough(state: State, contact: Contact, skill: str, has: int) -> tuple[api.Step | None, str]:
    """The step, and what it will need: a level, or "not" where the skill is needed no more."""
    config = state.queue_of(contact).config
    asked = {skill: max(config.skills.get(skill, 0), contact.skills.get(skill, 0))}
    for step in _to_come(state, contact):
        if step.relax is None and skill not in step.drop:
            continue
        needed = oracle.needed_after(asked, [step]).get(skill)
        if needed is None or has >= needed:
            return step, "not" if needed is None else str(needed)
    return None, ""


def broken(state: State, contact: Contact, reason: str) -> Iterator[str]:
    """What is wrong with what is said."""
    of_room, of_skill, later = _ROOM.match(reason), _SKILL.match(reason), _LATER.search(reason)
    if of_room is not None:
        step, level = _first_reaching(state, contact, RoomId(of_room[1])), None
    elif of_skill is not None:
        step, level = _first_enough(state, contact, of_skill[1], int(of_skill[2]))
    else:
        return
    if step is None or later is None:
        if step is not None or later is not None:
            yield f"of {contact.contact} it is said: {reason!r}; the step to come is {step}"
        return
    told = float(later[2]) * 1_000, later[3] is not None, later[1] if of_skill is not None else None
    if told != (step.after_ms, step.when is not None, level):
        yield f"of {contact.contact} it is said: {reason!r}; the step to come is {step}"
