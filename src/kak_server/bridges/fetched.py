"""Locations and additional data by reference: what is to be fetched for a line, and what it came to. A call never waits
for any of it."""

from dataclasses import replace

from kak_server.bridges.caller_facts import MAX_DETAILS
from kak_server.bridges.line import Line
from kak_server.model.light import frozen
from kak_server.sip.api import DataReference, Detail, Location

LOCATION = "location"  # kind of a reference that leads to one
MAX_LOCATIONS = 12


@frozen
class Fetched:
    """What a reference led to; why it could not be had is among `locations` or `details` too."""

    reference: DataReference
    locations: tuple[Location, ...] = ()
    details: tuple[Detail, ...] = ()


def wanted(line: Line) -> tuple[DataReference, ...]:
    """What is to be fetched: locations first, since help is sent there."""
    places = (DataReference(LOCATION, place.reference) for place in line.locations if place.reference)
    return tuple(dict.fromkeys((*places, *line.facts.references)))


def with_fetched(line: Line, found: Fetched) -> Line:
    """The line with what came, a location in the place of its reference. What is not waited for changes nothing."""
    reference = found.reference
    if reference.kind == LOCATION:
        places: list[Location] = []
        for place in line.locations:
            places += found.locations if place.reference == reference.uri else [place]
        return replace(line, locations=tuple(places[:MAX_LOCATIONS]))
    facts = line.facts
    if reference not in facts.references:
        return line
    left = tuple(one for one in facts.references if one != reference)
    details = (*facts.details, *found.details)[:MAX_DETAILS]
    return replace(line, facts=replace(facts, details=details, references=left))
