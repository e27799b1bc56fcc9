"""Where a 3xx leads (RFC 3261 8.1.3.4): only as far as the trunk is allowed to lead us, and never in a circle."""

from kak_server.sip.api import TrunkSettings
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import NameAddr, parse_name_addr
from kak_server.sip.home import is_home
from kak_server.sip.parser import Response

MAX_REDIRECTS = 5
_MAX_CONTACTS = 8


def place_to_go(response: Response, trunk: TrunkSettings | None, visited: tuple[str, ...]) -> str:
    """The URI to try next, "" when the redirection is not to be followed. A call without a trunk is never led on."""
    if trunk is None or trunk.redirects == "never" or len(visited) >= MAX_REDIRECTS:
        return ""
    try:
        items = response.items("contact")
    except ParseError:
        return ""
    contacts: list[NameAddr] = []
    for item in items[:_MAX_CONTACTS]:
        try:
            contacts.append(parse_name_addr(item))
        except ParseError:
            continue
    contacts.sort(key=_preference, reverse=True)  # stable: equals stay in the order they came
    for contact in contacts:
        uri = contact.uri
        if (
            uri.scheme in ("sip", "sips")
            and str(uri) not in visited
            and (trunk.redirects == "any" or is_home(uri, trunk))
        ):
            return str(uri)
    return ""


def _preference(contact: NameAddr) -> float:
    """20.10: the q parameter, 1 when there is none."""
    text = contact.params.get("q", "1")
    try:
        return min(1.0, max(0.0, float(text))) if len(text) <= 5 else 0.0
    except ValueError:
        return 0.0
