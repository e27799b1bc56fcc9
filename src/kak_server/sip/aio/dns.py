"""The resolver's shell: DNS queries with time-outs, remembered for their TTL (dnspython)."""

import asyncio
import ipaddress
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from kak_server.sip.api import Target, Want
from kak_server.sip.resolver import Address, Naptr, Query, Record, Srv, locate

MAX_STEPS = 4  # NAPTR, SRV, addresses, done
_CACHE_ENTRIES = 10_000
_DNS_PORT = 53


class Locator:
    """Asks `nameservers` ("address" or "address:port"; none: those of /etc/resolv.conf). A search that takes longer
    than `timeout_s` altogether has found nothing. Negative answers are remembered too (RFC 2308)."""

    def __init__(self, nameservers: Sequence[str] = (), *, timeout_s: float = 2.0) -> None:
        self._timeout_s = timeout_s
        self._resolver = _resolver(nameservers)
        if self._resolver is not None:
            self._resolver.cache = dns.resolver.LRUCache(_CACHE_ENTRIES)
            self._resolver.timeout = timeout_s / 2  # then the next server, or the same again
            self._resolver.lifetime = timeout_s

    async def locate(self, want: Want, seed: str) -> tuple[Target, ...]:
        """The targets in order; none when nothing was found in time."""
        answers: dict[Query, tuple[Record, ...]] = {}
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(MAX_STEPS):
                    step = locate(want, answers, seed)
                    if not step.queries:
                        return step.targets
                    records = await asyncio.gather(*(self._ask(query) for query in step.queries))
                    answers |= dict(zip(step.queries, records, strict=True))
        except TimeoutError:
            return ()
        return locate(want, answers, seed).targets

    async def _ask(self, query: Query) -> tuple[Record, ...]:
        """The records of an answer; a failure of any kind is an answer without records."""
        if self._resolver is None:
            return ()
        try:
            name = dns.name.from_text(query.name)
            answer = await self._resolver.resolve(name, query.kind, search=False, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError, ValueError):
            return ()
        if answer.rrset is None:
            return ()
        found = (_record(rdata) for rdata in answer.rrset)
        return tuple(record for record in found if record is not None)


def _resolver(nameservers: Sequence[str]) -> dns.asyncresolver.Resolver | None:
    """None: the machine has no name service at all, and names lead nowhere."""
    if nameservers:
        made = dns.asyncresolver.Resolver(configure=False)
        made.nameservers = [dns.nameserver.Do53Nameserver(*_server(text)) for text in nameservers]
        return made
    try:
        return dns.asyncresolver.Resolver()
    except (dns.exception.DNSException, OSError):
        return None


def _server(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), _DNS_PORT
    except ValueError:
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)


def _record(rdata: object) -> Record | None:
    kind = getattr(rdata, "rdtype", None)
    if kind == dns.rdatatype.NAPTR:
        flags, service = _text(getattr(rdata, "flags", b"")), _text(getattr(rdata, "service", b""))
        order, preference = getattr(rdata, "order", 0), getattr(rdata, "preference", 0)
        return Naptr(order, preference, flags, service, _name(getattr(rdata, "replacement", None)))
    if kind == dns.rdatatype.SRV:
        priority, weight = getattr(rdata, "priority", 0), getattr(rdata, "weight", 0)
        return Srv(priority, weight, getattr(rdata, "port", 0), _name(getattr(rdata, "target", None)))
    if kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
        return Address(str(getattr(rdata, "address", "")))
    return None


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")


def _name(name: object) -> str:
    return str(name).rstrip(".").lower() if isinstance(name, dns.name.Name) else ""
