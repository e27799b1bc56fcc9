"""The caller as offers and call cards show him: who says the number, where from, and what networks say besides."""

from typing import Any

from kak_server.bridges.line import Line, location_text
from kak_server.sip.api import CallerIdentity, Location

View = dict[str, Any]
_NOBODY = CallerIdentity("", source="none")


def who(line: Line | None) -> View:
    """How far the number can be believed (RFC 3325), the name beside it, and whether its owner asked to hide it."""
    caller = line.caller if line is not None else _NOBODY
    return {
        "caller_source": caller.source,
        "caller_name": caller.display_name,
        "caller_private": caller.privacy,
        "diverted_from": list(line.facts.diverted_from) if line is not None else [],
    }


def details(line: Line | None) -> list[View]:
    """Labelled lines."""
    return [{"label": one.label, "text": one.text} for one in line.facts.details] if line is not None else []


def location(line: Line | None) -> View:
    """The first position that could be read, or else the first location; and a line for each of several."""
    places = line.locations if line is not None else ()
    place = next((p for p in places if p.latitude is not None), places[0] if places else Location())
    return {
        "text": location_text(places),
        "latitude": place.latitude,
        "longitude": place.longitude,
        "radius_m": place.radius_m,
        "problem": place.problem,
        "method": place.method,
        "measured": place.timestamp,
        "pending": any(place.reference for place in places),
        "all": [_line(place) for place in places] if len(places) > 1 else [],
    }


def _line(place: Location) -> str:
    text = location_text((place,)) or place.reference
    return " · ".join(part for part in (text, place.method, place.timestamp) if part)
