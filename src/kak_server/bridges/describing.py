"""What the routing core is told of a citizen's call besides its number: the municipality, the language, its class."""

from kak_server.bridges.gazetteer import Gazetteer
from kak_server.bridges.line import Line
from kak_server.routing.api import ContactClass

_BY_DIRECTORY = "area-"


def area_of(line: Line, gazetteer: Gazetteer) -> str:
    """Code of the municipality: as the queue was chosen, else by the caller's location unless that must not be routed
    by (RFC 6442 4.2), else by the caller's number. "": not known."""
    for detail in line.facts.details:
        if detail.label.startswith(_BY_DIRECTORY) and detail.text:
            return detail.text.split()[0]
    if line.facts.route_by_location:
        for place in line.locations:
            if code := gazetteer.code_among(place.areas):
                return code
    return gazetteer.code_of_number(line.caller.number)


def language_of(line: Line) -> str:
    """The one the caller prefers; "": not known."""
    return line.facts.languages[0] if line.facts.languages else ""


def class_of(line: Line, queue: ContactClass) -> ContactClass | None:
    """An emergency call for a number of another class is an emergency all the same; None: as its queue says."""
    return ContactClass.EMERGENCY if line.facts.emergency and queue is not ContactClass.EMERGENCY else None
