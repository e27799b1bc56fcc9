"""Where a SIP URI's name leads: RFC 3263 section 4 on answers that somebody else fetches.

`locate` is asked again and again with more answers until it has no further queries: NAPTR tells the transports, SRV
the hosts and ports of one, A and AAAA the addresses of a host. A query that failed counts as answered with nothing.
The order among equals (RFC 2782) comes out of `seed`, so that the same seed gives the same order.
"""

import hashlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.api import Target, Transport, Want

MAX_RECORDS = 32  # of one answer
MAX_HOSTS = 16  # whose addresses are asked for
MAX_TARGETS = 16

Kind = Literal["NAPTR", "SRV", "A", "AAAA"]

# RFC 3263 4.1 and 4.2: services of NAPTR records, prefixes of SRV names, default ports
_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_PREFIX: dict[Transport, str] = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
DEFAULT_PORT: dict[Transport, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}


@frozen
class Query:
    """One question to the DNS; names in lower case without the final dot."""

    name: str
    kind: Kind


@frozen
class Naptr:
    """RFC 3403 section 4.1, as far as SIP uses it (terminal "s" records)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@frozen
class Srv:
    """RFC 2782. `target` "" (a lone dot): the service is decidedly not there."""

    priority: int
    weight: int
    port: int
    target: str


@frozen
class Address:
    """An A or AAAA record."""

    host: str


Record = Naptr | Srv | Address
Answers = Mapping[Query, tuple[Record, ...]]


@frozen
class Located:
    """Either `queries` to answer before asking again, or none, and `targets` in the order to try them."""

    queries: tuple[Query, ...] = ()
    targets: tuple[Target, ...] = ()


class _Book:
    """The answers there are; what was looked up in vain is to be asked."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.missing: list[Query] = []

    def look_up(self, name: str, kind: Kind) -> tuple[Record, ...]:
        query = Query(name.rstrip(".").lower(), kind)
        found = self._answers.get(query)
        if found is None:
            if query not in self.missing:
                self.missing.append(query)
            return ()
        return found[:MAX_RECORDS]


def locate(want: Want, answers: Answers, seed: str) -> Located:
    """One step of the search; at most four are needed (NAPTR, SRV, A and AAAA, done)."""
    address = _literal(want.host)
    usable = tuple(name for name in want.usable if name == "tls" or not want.secure)  # 4.1: sips is TLS, always
    if not usable:
        return Located()
    if address is not None:
        transport = _given(want, usable) or usable[0]
        return Located(targets=(Target(transport, address, want.port or DEFAULT_PORT[transport], want.host),))
    book = _Book(answers)
    hosts = _hosts(want, usable, book, seed)
    if book.missing:
        return Located(tuple(book.missing))
    targets = list(_addresses(want, hosts[:MAX_HOSTS], book))
    if book.missing:
        return Located(tuple(book.missing))
    return Located(targets=tuple(dict.fromkeys(targets))[:MAX_TARGETS])


Host = tuple[Transport, str, int]


def _hosts(want: Want, usable: tuple[Transport, ...], book: _Book, seed: str) -> list[Host]:
    """4.1 and 4.2: transport, host name and port of everything to try, in order."""
    given = _given(want, usable)
    if want.transport and given is None:
        return []  # the URI insists on a transport we do not have
    first = given or usable[0]
    if want.port is not None:
        # 4.2: a port means no SRV. Where the URI names no transport ours is the one the peer has used so far
        return [(first, want.host, want.port)]
    if given is not None:
        services = [(given, f"{_PREFIX[given]}.{want.host}")]
    else:
        services = _naptr(want, usable, book)
        if book.missing:
            return []
        services = services or [(transport, f"{_PREFIX[transport]}.{want.host}") for transport in usable]
    found: list[Host] = []
    refused = False
    for transport, name in services:
        records = [record for record in book.look_up(name, "SRV") if isinstance(record, Srv)]
        refused = refused or any(not record.target for record in records)
        ordered = order_srv([record for record in records if record.target], f"{seed}|{name}")
        found += [(transport, record.target, record.port) for record in ordered]
    if book.missing or found or refused:
        return found
    return [(first, want.host, DEFAULT_PORT[first])]  # 4.2: no SRV: the addresses of the name itself


def _given(want: Want, usable: tuple[Transport, ...]) -> Transport | None:
    """The transport the URI names, if we have it; sips with tcp, and the old transport=tls, mean TLS (4.1)."""
    wanted = want.transport.lower()
    if wanted == "tcp" and want.secure:
        wanted = "tls"
    return next((name for name in usable if name == wanted), None)


def _naptr(want: Want, usable: tuple[Transport, ...], book: _Book) -> list[tuple[Transport, str]]:
    """4.1: the services of the domain that we can use; order first, then preference."""
    records = [record for record in book.look_up(want.host, "NAPTR") if isinstance(record, Naptr)]
    records.sort(key=lambda record: (record.order, record.preference))
    services: list[tuple[Transport, str]] = []
    for record in records:
        transport = _SERVICES.get(record.service.upper())
        if transport in usable and record.flags.lower() == "s" and record.replacement:
            services.append((transport, record.replacement))
    return services


def _addresses(want: Want, hosts: list[Host], book: _Book) -> Iterator[Target]:
    kinds: dict[int, Kind] = {4: "A", 6: "AAAA"}
    for transport, name, port in hosts:
        literal = _literal(name)  # against RFC 2782, and seen all the same
        if literal is not None:
            yield Target(transport, literal, port, want.host)
            continue
        for family in want.families:
            for record in book.look_up(name, kinds[family]):
                if isinstance(record, Address):
                    yield Target(transport, record.host, port, want.host)


def order_srv(records: list[Srv], seed: str) -> list[Srv]:
    """RFC 2782: lowest priority first; among equals a draw by weight, those of weight 0 with a very small chance."""
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        # "Arrange all SRV RRs ... those with weight 0 are placed at the beginning of the list"
        left = sorted((record for record in records if record.priority == priority), key=lambda one: one.weight > 0)
        while left:
            draw = _draw(f"{seed}|{priority}|{len(left)}", sum(record.weight for record in left))
            running = 0
            for record in left:
                running += record.weight
                if running >= draw:
                    break
            left.remove(record)
            ordered.append(record)
    return ordered


def _draw(seed: str, highest: int) -> int:
    """A number from 0 to `highest`, both included, out of the seed."""
    digest = hashlib.blake2s(seed.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (highest + 1)


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return None
