"""What is known of a caller besides number and place, and what of it is still on its way."""

from kak_server.model.light import frozen
from kak_server.sip.api import DataReference, Detail, IncomingCall

MAX_DETAILS = 40


@frozen
class CallerFacts:
    """Part of a line's record."""

    emergency: bool = False
    diverted_from: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    references: tuple[DataReference, ...] = ()  # not fetched yet
    languages: tuple[str, ...] = ()  # the caller's, the best first
    route_by_location: bool = True  # unless the caller's side says no


def facts_of(event: IncomingCall, *more: Detail) -> CallerFacts:
    """Of a call that has just come; `more` are lines of the house's own."""
    return CallerFacts(
        event.emergency,
        event.diverted_from,
        (*more, *event.details)[:MAX_DETAILS],
        event.references,
        event.languages,
        event.route_by_location,
    )
