"""Which calls are emergency calls: those are never held back by limits of ours (RFC 5031, RFC 4412, RFC 7135)."""

import re

from kak_server.sip.api import SipSettings, TrunkSettings
from kak_server.sip.errors import ParseError
from kak_server.sip.numbers import of_uri
from kak_server.sip.parser import Request
from kak_server.sip.uri import number_of

SOS = "urn:service:sos"
ESNET = "esnet"  # RFC 7135: the namespace of emergency networks
MAX_PRIORITIES = 8
_KNOWN_MAX, _KNOWN_CHARS = 1_024, 200
# RFC 4412 3.1: namespace "." r-priority, both tokens without a dot
_PRIORITY = re.compile(r"([A-Za-z0-9!%*_+`'~-]{1,32})\.([A-Za-z0-9!%*_+`'~-]{1,32})\Z")


class EmergencyRules:
    """Against one set of settings."""

    def __init__(self, settings: SipSettings) -> None:
        self._plan = settings.numbering
        self.serve(settings)

    def serve(self, settings: SipSettings) -> None:
        """The emergency numbers of these settings from now on."""
        self._numbers = settings.emergency_numbers
        self._known: dict[str, bool] = {}  # by Request-URI, of which a few make most calls

    def applies(self, request: Request, trunk: TrunkSettings) -> bool:
        """Whether an INVITE outside a dialog is an emergency call, by its number or URN, by Resource-Priority from a
        trunk whose identity is trusted, or because the trunk brings nothing else. Never raises."""
        if not trunk.emergency:
            return False
        if trunk.emergency_only:
            return True
        if self._called(request):
            return True
        return trunk.trusted_identity and any(namespace == ESNET for namespace, _ in priorities(request))

    def _called(self, request: Request) -> bool:
        known = self._known.get(request.uri_text)
        if known is None:
            uri = request.uri
            names = (number_of(uri), of_uri(uri, self._plan).text)
            known = is_sos(names[0]) or not self._numbers.isdisjoint(names)
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            if len(request.uri_text) <= _KNOWN_CHARS:
                self._known[request.uri_text] = known
        return known


def is_sos(number: str) -> bool:
    """Whether a called URN is the emergency service or one of its sub-services (RFC 5031 4.2)."""
    return number == SOS or number.startswith(f"{SOS}.")


def priorities(request: Request) -> tuple[tuple[str, str], ...]:
    """Namespace and value of every Resource-Priority, in lower case and in order; broken ones are passed over."""
    if "resource-priority" not in request.fields:
        return ()
    try:
        items = request.items("resource-priority")
    except ParseError:
        return ()
    found = (_PRIORITY.match(item.strip().lower()) for item in items[:MAX_PRIORITIES])
    return tuple((match.group(1), match.group(2)) for match in found if match is not None)
