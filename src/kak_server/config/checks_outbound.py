"""Checks of calls of ours: trunks that cannot be called, routes that leave a number between them."""

import ipaddress
from collections.abc import Iterator

from kak_server.config.compose_sip import front_door, group_members, to_numbering, to_outbound
from kak_server.config.listening import TrunkSection
from kak_server.config.outbound import OutboundRouteSection
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.sip.numbers import Numbering, normalise

Finding = tuple[Location, str]


def check_outbound(settings: Settings) -> Iterator[Finding]:
    """What is wrong with outbound trunks and routes."""
    names = {trunk.name: trunk for trunk in settings.sip.trunks}
    for number, trunk in enumerate(settings.sip.trunks):
        yield from _trunk(trunk, names, settings.server.lab, ("sip", "trunks", number))
    yield from _front_door(settings)
    groups = set(group_members(settings))
    services: set[str] = set()
    for number, service in enumerate(settings.sip.services):
        if service.id in services:
            yield ("sip", "services", number, "id"), f"service {service.id} is there twice"
        services.add(service.id)
        if not to_outbound(settings).trunks_for(service.number).trunks:
            yield ("sip", "services", number, "number"), f"no outbound route leads to {service.number}"
    plan = to_numbering(settings)
    routes: set[str] = set()
    taken: dict[tuple[str, str], str] = {}
    for number, route in enumerate(settings.sip.outbound_routes):
        at: Location = ("sip", "outbound_routes", number)
        if route.name in routes:
            yield (*at, "name"), f"route {route.name} is used twice"
        routes.add(route.name)
        yield from _numbers(route, plan, taken, at)
        for place, name in enumerate(route.trunks):
            if name in groups:
                continue
            if name not in names:
                yield (*at, "trunks", place), f"there is no trunk or group of outbound trunks {name}"
            elif not names[name].outbound:
                yield (*at, "trunks", place), f"trunk {name} takes no calls of ours (outbound: true, an address)"
        yield from _protection(settings, route, (*at, "trunks"))


def _protection(settings: Settings, route: OutboundRouteSection, at: Location) -> Iterator[Finding]:
    """One offer goes to all trunks of a route: it cannot require SRTP of some only."""
    members = group_members(settings)
    used = {trunk for name in route.trunks for trunk in members.get(name, (name,))}
    required = {trunk.name: trunk.srtp == "required" for trunk in settings.sip.trunks if trunk.name in used}
    if len(set(required.values())) > 1:
        some = next(name for name, wanted in required.items() if wanted)
        yield at, f"trunk {some} requires SRTP and others of route {route.name} do not: they need a route each"


def _front_door(settings: Settings) -> Iterator[Finding]:
    """Calls to ourselves must come in by a trunk like all others. A lab is moved to any address by an option of the
    command line, and must start there: its calls to itself are refused then, and nothing else."""
    door = front_door(settings)
    if not door or settings.server.lab:
        return
    try:
        ours = ipaddress.ip_address(door.rpartition(":")[0].strip("[]"))
    except ValueError:
        return  # a name: only the network knows where it leads
    sources = [ipaddress.ip_network(source) for trunk in settings.sip.trunks for source in trunk.sources]
    if not any(ours in source for source in sources):
        yield ("sip", "front_door"), f"no trunk has our own address {ours} among its sources"


def _trunk(trunk: TrunkSection, names: dict[str, TrunkSection], lab: bool, at: Location) -> Iterator[Finding]:
    if trunk.outbound and trunk.address is None:
        yield (*at, "outbound"), f"trunk {trunk.name} needs an address to be called at"
    if trunk.group is not None and trunk.group in names:
        yield (*at, "group"), f"{trunk.group} is the name of a trunk already"
    if (trunk.username is None) != (trunk.password is None):
        missing = "username" if trunk.username is None else "password"
        yield at, f"trunk {trunk.name} has no {missing}: digest takes both"
    if trunk.password is not None and trunk.password.literal and not lab:
        yield (*at, "password"), "clear-text passwords are for a lab only (server.lab: true); use !file or !env"


def _numbers(
    route: OutboundRouteSection, plan: Numbering, taken: dict[tuple[str, str], str], at: Location
) -> Iterator[Finding]:
    if not route.numbers and not route.prefixes:
        yield at, f"route {route.name} has neither numbers nor prefixes"
    for place, number in enumerate(route.numbers):
        found = normalise(number, plan)
        if found.kind not in ("e164", "short"):
            yield (*at, "numbers", place), f"{number} is no number of this numbering plan (sip.numbering)"
        yield from _taken(taken, ("number", found.text), route, (*at, "numbers", place))
    for place, prefix in enumerate(route.prefixes):
        yield from _taken(taken, ("prefix", prefix), route, (*at, "prefixes", place))
    if route.caller is not None and normalise(route.caller, plan).kind not in ("e164", "short"):
        yield (*at, "caller"), f"{route.caller} is no number of this numbering plan (sip.numbering)"


def _taken(
    taken: dict[tuple[str, str], str], key: tuple[str, str], route: OutboundRouteSection, at: Location
) -> Iterator[Finding]:
    if key in taken:
        yield at, f"{key[0]} {key[1]} belongs to route {taken[key]} already"
    taken.setdefault(key, route.name)
