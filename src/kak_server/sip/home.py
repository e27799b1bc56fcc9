"""Whether an address belongs to a trunk: where its 3xx may lead, and who may hear what its password proves."""

import ipaddress

from kak_server.sip.api import TrunkSettings
from kak_server.sip.uri import Uri, is_ip, parse_uri


def is_home(uri: Uri, trunk: TrunkSettings) -> bool:
    """Whether a URI leads to the host of the trunk's address, to a name under it, or to one of its addresses."""
    if not trunk.address:
        return False
    home = parse_uri(trunk.address)
    if home.scheme == "sips" and uri.scheme != "sips":
        return False  # what was promised to be safe stays so (26.2.2)
    if uri.host == home.host or uri.host.endswith(f".{home.host}"):
        return True
    if not is_ip(uri.host):
        return False
    address = ipaddress.ip_address(uri.host)
    return any(address in ipaddress.ip_network(source, strict=False) for source in trunk.sources)
