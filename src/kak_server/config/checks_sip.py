"""Checks of the SIP section: listeners that collide, certificates that are missing, trunks nobody can reach."""

import ipaddress
from collections.abc import Iterator

from kak_server.config.listening import ListenerSection, TrunkSection
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.sip.errors import ParseError
from kak_server.sip.uri import parse_uri

Finding = tuple[Location, str]
_SHORT_FORM = ("host", "port", "tcp", "advertised_port")


def check_sip(settings: Settings) -> Iterator[Finding]:
    """What is wrong with listeners and trunks."""
    if settings.sip.listeners:
        for name in _SHORT_FORM:
            if name in settings.sip.model_fields_set:
                yield ("sip", name), f"{name} is the short form for one listener: with sip.listeners say it there"
    names: set[str] = set()
    taken: dict[tuple[str, str, int], str] = {}
    for number, listener in enumerate(settings.sip_listeners):
        at: Location = ("sip", "listeners", number) if settings.sip.listeners else ("sip",)
        if listener.name in names:
            yield (*at, "name"), f"listener {listener.name} is used twice"
        names.add(listener.name)
        yield from _ports(settings, listener, at, taken)
        yield from _tls(listener, at)
        yield from _address(settings, listener, at)
    for number, trunk in enumerate(settings.sip.trunks):
        yield from _trunk(settings, trunk, ("sip", "trunks", number))


def _sockets(listener: ListenerSection) -> Iterator[tuple[str, int, str]]:
    """What a listener binds: protocol, port, and the key that says so."""
    for transport in ("udp", "tcp"):
        if transport in listener.transports:
            yield transport, listener.port, "port"
    if "tls" in listener.transports:
        yield "tcp", listener.tls_port, "tls"


def _ports(
    settings: Settings, listener: ListenerSection, at: Location, taken: dict[tuple[str, str, int], str]
) -> Iterator[Finding]:
    media, http = settings.media, settings.server.http
    told: set[tuple[int, str]] = set()
    for protocol, port, key in _sockets(listener):
        if not port:
            continue
        place = (listener.host, protocol, port)
        if place in taken:
            yield (*at, key), f"{protocol.upper()} port {port} of {listener.host} belongs to {taken[place]} already"
        taken[place] = f"listener {listener.name}"
        if protocol == "tcp" and port == http.port:
            yield (*at, key), f"SIP over TCP and HTTP both want port {port}"
        for name, first, last in (
            ("RTP", media.rtp_port_min, media.rtp_port_max),
            ("ICE", media.ice_port_min, media.ice_port_max),
        ):
            if first <= port <= last and (port, name) not in told:
                told.add((port, name))
                yield (*at, key), f"SIP port {port} lies within the {name} ports"


def _tls(listener: ListenerSection, at: Location) -> Iterator[Finding]:
    tls = listener.tls
    if ("tls" in listener.transports) != (tls is not None):
        missing = "tls (cert and key)" if tls is None else "tls among transports"
        yield at, f"listener {listener.name} lacks {missing}"
    if tls is not None and tls.require_client_cert and tls.client_ca is None:
        yield (*at, "tls", "require_client_cert"), "client_ca must say who signs the clients' certificates"


def _address(settings: Settings, listener: ListenerSection, at: Location) -> Iterator[Finding]:
    if listener.host != "::" or listener.advertised_address is not None:
        return
    try:
        version = ipaddress.ip_address(settings.sip_address).version
    except ValueError:
        return
    others = {one.host for one in settings.sip_listeners if one is not listener}
    if version == 4 and "0.0.0.0" in others:
        yield (*at, "host"), "advertised_address must say which IPv6 address peers see"


def _trunk(settings: Settings, trunk: TrunkSection, at: Location) -> Iterator[Finding]:
    if trunk.health == "options" and trunk.address is None:
        yield (*at, "health"), f"trunk {trunk.name} needs an address to ask"
    if trunk.address is not None:
        try:
            parse_uri(trunk.address)
        except ParseError as problem:
            yield (*at, "address"), problem.problem
    proving = any(listener.tls is not None and listener.tls.client_ca for listener in settings.sip_listeners)
    if trunk.certificates and not proving:
        yield (*at, "certificates"), "no listener has TLS with client_ca: nobody could prove these names"
