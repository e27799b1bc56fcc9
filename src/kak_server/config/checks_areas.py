"""Checks of services of many areas: queues and trunks that must exist, numbers and codes that must mean one thing."""

from collections.abc import Iterator

from kak_server.config.areas import AreaServiceSection
from kak_server.config.compose_sip import to_numbering
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.sip.numbers import Numbering, normalise

Finding = tuple[Location, str]


def check_areas(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the tables."""
    plan = to_numbering(settings)
    queues = {queue.id for queue in settings.queues}
    trunks = {trunk.name for trunk in settings.sip.trunks}
    owner = {normalise(number, plan).text: f"queue {queue.id}" for queue in settings.queues for number in queue.numbers}
    if settings.sip.emergency_queue is not None and settings.sip.emergency_queue not in queues:
        yield ("sip", "emergency_queue"), f"there is no queue {settings.sip.emergency_queue}"
    names: set[str] = set()
    for number, service in enumerate(settings.areas):
        at: Location = ("areas", number)
        if service.id in names:
            yield (*at, "id"), f"service {service.id} is used twice"
        names.add(service.id)
        if service.default not in queues:
            yield (*at, "default"), f"there is no queue {service.default}"
        for place, called in enumerate(service.numbers):
            yield from _owned(owner, called, f"service {service.id}", plan, (*at, "numbers", place))
        yield from _municipalities(service, queues, owner, plan, at)
        codes = {town.code for town in service.municipalities}
        for trunk, code in service.trunks.items():
            if trunk not in trunks:
                yield (*at, "trunks", trunk), f"there is no trunk {trunk}"
            if code not in codes:
                yield (*at, "trunks", trunk), f"there is no municipality {code}"


def _municipalities(
    service: AreaServiceSection, queues: set[str], owner: dict[str, str], plan: Numbering, at: Location
) -> Iterator[Finding]:
    codes: set[str] = set()
    prefixes: dict[str, str] = {}
    for number, town in enumerate(service.municipalities):
        here: Location = (*at, "municipalities", number)
        if town.code in codes:
            yield (*here, "code"), f"municipality {town.code} is used twice"
        codes.add(town.code)
        if town.queue not in queues:
            yield (*here, "queue"), f"there is no queue {town.queue} (municipality {town.code})"
        for called in town.numbers:
            yield from _owned(owner, called, f"municipality {town.code}", plan, (*here, "numbers"))
        for prefix in town.prefixes:
            if prefix in prefixes:
                yield (*here, "prefixes"), f"callers {prefix} belong to municipality {prefixes[prefix]} already"
            prefixes.setdefault(prefix, town.code)


def _owned(owner: dict[str, str], called: str, who: str, plan: Numbering, at: Location) -> Iterator[Finding]:
    key = normalise(called, plan).text
    if key in owner:
        yield at, f"number {called} leads to {owner[key]} already"
    owner.setdefault(key, who)
