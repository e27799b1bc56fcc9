"""Which http(s) references of a caller's network are fetched (RFC 6442, RFC 6753, RFC 7852), and what they came to.

The address is chosen by a stranger, so it must not lead into our own networks: names are judged by the addresses they
have, and the connection goes to an address that was judged.
"""

import ipaddress
from urllib.parse import urlsplit

from kak_server.model.light import frozen
from kak_server.sip.additional import read_block, unreadable_data
from kak_server.sip.api import DataReference, Detail, Location
from kak_server.sip.location import read_pidf, unreadable

ACCEPT = "application/pidf+xml, application/held+xml;q=0.9, application/xml;q=0.5"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# IPv6 that stands for an IPv4 address: judged by that one
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@frozen
class Place:
    """Where a reference leads: name and port to connect to, and what is asked there."""

    secure: bool
    host: str
    port: int
    target: str  # path and query


@frozen
class ReferenceRules:
    """What may be fetched."""

    plain_http: bool = False
    networks: tuple[str, ...] = ()  # of ours that may be asked all the same (CIDR)

    def place(self, uri: str) -> Place:
        """Raises ValueError, with words for a person, where nothing is fetched from."""
        parts = urlsplit(uri)
        if parts.scheme not in ("https", "http"):
            raise ValueError(f"scheme {parts.scheme[:20]}")
        if parts.scheme == "http" and not self.plain_http:
            raise ValueError("plain http is not allowed")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a reference with a user name")
        host, port = parts.hostname, parts.port  # the port: ValueError where it is none
        if not host or len(host) > 253:
            raise ValueError("no host in the reference")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not target.isascii() or not target.isprintable() or " " in target:
            raise ValueError("a reference that is no URI")
        return Place(parts.scheme == "https", host, port or (443 if parts.scheme == "https" else 80), target)

    def may_ask(self, address: str) -> bool:
        """Whether an address may be connected to: a public one, or one of the networks that are allowed."""
        try:
            found = _meant(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if any(found in network for network in map(ipaddress.ip_network, self.networks)):
            return True
        return found.is_global and not found.is_multicast and not found.is_reserved


def _meant(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner if inner is not None else address


def locations_in(document: bytes, max_bytes: int) -> tuple[Location, ...]:
    """The locations a reference led to: a PIDF-LO, alone or within a HELD answer (RFC 5985)."""
    return read_pidf(document, max_bytes)


def details_in(reference: DataReference, document: bytes, max_bytes: int) -> tuple[Detail, ...]:
    """What a block of additional data says that a reference led to."""
    return read_block(reference.kind, document, max_bytes)


def no_location(reason: str) -> tuple[Location, ...]:
    """What is shown for a location that could not be had."""
    return (unreadable(f"not fetched: {reason}"),)


def no_details(reference: DataReference, reason: str) -> tuple[Detail, ...]:
    """What is shown for a block that could not be had."""
    return (unreadable_data(reference.kind, f"not fetched: {reason}"),)
