"""Every contact of a simulated day can be told, and whom the core asked is the first of those the story considered."""

import pytest

from kak_server.model.ids import ContactId
from kak_server.routing.api import ContactArrived, Effect, Event
from kak_server.routing.step import RoutingCore
from kak_server.runtime.story import STEPS_MAX, Step, Story
from kak_sim.days.day import Day
from kak_sim.days.scenarios import world_of

STORIES = 25


class Kept:
    """The day's events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        self.events.append(event)
        return []


def story_of(contact: ContactId, events: list[Event]) -> list[Step]:
    story = Story(contact, RoutingCore())
    for event in events:
        story.take(event)
        if story.over:
            break
    return story.finish()


@pytest.mark.parametrize(("scenario", "seed"), [("rules", 3), ("rules", 11), ("mass-casualty", 5)])
def test_a_day_s_contacts_are_told_as_the_core_decided(scenario: str, seed: int) -> None:
    kept = Kept()
    Day(world_of(scenario, seed), seed, (kept,)).run(2_500)
    arrived = [event.contact for event in kept.events if isinstance(event, ContactArrived)]
    offers = 0
    for contact in arrived[:: max(1, len(arrived) // STORIES)]:
        steps = story_of(contact, kept.events)
        assert 0 < len(steps) <= STEPS_MAX
        for step in steps:
            for text in (step.text_en, step.text_nb):
                assert text.endswith((".", "?"))
                assert not any(odd in text for odd in ("None", "{", "\\", "..", " ,", "()", ": ;", ": .")), text
            if not step.text_en.startswith("Offer ") or "asked by name" in step.text_en:
                continue
            offers += 1
            seen = step.considered
            if seen is None:  # one of several who ring at once: the first has the table
                assert "number " in step.text_en
                continue
            assert seen.best[0].chosen or seen.strategy in ("sticky", "named"), step.text_en
            assert seen.best[0].name in step.text_en
            assert [one.rank for one in seen.best] == sorted(one.rank for one in seen.best)
    assert offers >= 3
