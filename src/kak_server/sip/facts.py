"""What an INVITE tells of its caller, put together for the operator. Nothing of it can cost the call."""

from kak_server.model.light import frozen
from kak_server.sip.additional import additional_data
from kak_server.sip.api import CallerIdentity, DataReference, Detail, Location, SipSettings
from kak_server.sip.bodies import SDP, Part
from kak_server.sip.emergency import priorities
from kak_server.sip.history import diverted_from
from kak_server.sip.identity import caller_identity
from kak_server.sip.location import locations_of
from kak_server.sip.parser import Request
from kak_server.sip.provided_by import provided_by

# Headers that the readers below look for; bodies may tell the same
_TELLING = frozenset(
    ("geolocation", "geolocation-routing", "call-info", "history-info", "diversion", "resource-priority")
)


@frozen
class Facts:
    """See `IncomingCall`, whose fields these are."""

    caller: CallerIdentity
    locations: tuple[Location, ...]
    diverted_from: tuple[str, ...]
    details: tuple[Detail, ...]
    references: tuple[DataReference, ...]
    route_by_location: bool


def read_facts(request: Request, parts: list[Part], settings: SipSettings, *, trusted: bool) -> Facts:
    """Identity, locations, diversions and additional data. `trusted`: the trunk's P-Asserted-Identity is believed."""
    caller = caller_identity(request, trusted=trusted, plan=settings.numbering)
    if _TELLING.isdisjoint(request.fields) and all(part.media_type == SDP for part in parts):
        return Facts(caller, (), (), (), (), True)  # as most calls: nothing more is said
    most_bytes = settings.message_limits.xml_bytes
    details, references = additional_data(request, parts, most_bytes)
    within, more = provided_by(parts, most_bytes)
    details, references = (*details, *within), (*references, *more)
    asked = ", ".join(f"{namespace}.{value}" for namespace, value in priorities(request))
    return Facts(
        caller,
        locations_of(request, parts, most_bytes),
        diverted_from(request, settings.numbering),
        (Detail("priority", asked), *details) if asked else details,
        references,
        (request.get("geolocation-routing") or "").partition(";")[0].strip().lower() != "no",
    )
