"""What the steps of a workflow that are still to come would change for an operator: for explanations only."""

from kak_server.model.ids import RoomId
from kak_server.routing.needs import skills_of
from kak_server.routing.state import Contact, Queue, State
from kak_server.routing.words_workflow import Reach, Step
from kak_server.routing.workflow import rooms_of

REACHES = {
    Reach.OWN: "the own room",
    Reach.NEIGHBOURS: "neighbours",
    Reach.REGION: "the region",
    Reach.QUEUE: "the queue's rooms",
    Reach.COUNTRY: "the country",
}
FURTHER_ROOMS = "further rooms"
IF_IT_HOLDS = ", if its condition holds"


def when_reached(state: State, contact: Contact, queue: Queue, room: RoomId) -> str:
    """By which step the room will be asked, "neighbours from 10 s on"; "" if by none that is to come."""
    for step in _to_come(contact, queue):
        if room in step.rooms:
            return FURTHER_ROOMS + _from(step)
        if step.reach is not None and room in rooms_of(step.reach, queue.config, state.config.national):
            return REACHES[step.reach] + _from(step)
    return ""


def when_enough(contact: Contact, queue: Queue, skill: str, has: int) -> str:
    """By which step this level of the skill will be enough, "3 from 10 s on"; "" if by none that is to come."""
    needed = dict(skills_of(queue.config.skills, contact.skills)).get(skill, 0)
    for step in _to_come(contact, queue):
        if skill in step.drop:
            return "not" + _from(step)
        if step.relax is not None and has >= (enough := max(1, needed - step.relax)):
            return f"{enough}{_from(step)}"
    return ""


def _to_come(contact: Contact, queue: Queue) -> list[Step]:
    steps = [step for number, step in enumerate(queue.steps) if not contact.fired >> number & 1]
    return sorted(steps, key=lambda step: step.after_ms)


def _from(step: Step) -> str:
    return f" from {step.after_ms / 1_000:g} s on{IF_IT_HOLDS if step.when is not None else ''}"
