"""What works, and should be looked at all the same."""

from collections.abc import Iterator

from kak_server.config.listening import TrunkSection
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.config.skills import skills_of_no_use
from kak_server.config.warnings_rules import rules_that_lead_nowhere
from kak_server.sip.errors import ParseError
from kak_server.sip.uri import parse_uri

Finding = tuple[Location, str]


def warnings(settings: Settings) -> list[Finding]:
    """Location and text of each, in the order of the file."""
    return [
        *_keys_in_clear(settings),
        *_places_of_emergencies(settings),
        *rules_that_lead_nowhere(settings),
        *skills_of_no_use(settings.skills, settings.queues, settings.operators),
    ]


def _places_of_emergencies(settings: Settings) -> Iterator[Finding]:
    """Somebody in need who hears of ten others may hang up."""
    for number, queue in enumerate(settings.queues):
        for step_number, step in enumerate(queue.workflow):
            if queue.klass == "emergency" and step.tell_position:
                at: Location = ("queues", number, "workflow", step_number, "tell_position")
                yield at, f"callers of {queue.id}, emergencies, are told how many are before them"


def _keys_in_clear(settings: Settings) -> Iterator[Finding]:
    """RFC 4568 section 7: whoever reads the SDP has the keys."""
    for number, trunk in enumerate(settings.sip.trunks):
        if trunk.srtp == "off":
            continue
        at: Location = ("sip", "trunks", number, "srtp")
        if not trunk.certificates:
            yield at, f"trunk {trunk.name} may send its SRTP keys in clear: `certificates` would hold it to TLS"
        if trunk.outbound and not _over_tls(trunk):
            yield (
                at,
                f"our SRTP keys go to trunk {trunk.name} in clear: its address names no TLS (sips:, transport=tls)",
            )


def _over_tls(trunk: TrunkSection) -> bool:
    try:
        uri = parse_uri(trunk.address or "")
    except ParseError:
        return False  # an error of its own
    return uri.scheme == "sips" or (uri.params.get("transport", "")).lower() == "tls"
