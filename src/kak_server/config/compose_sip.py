"""Settings to what the SIP room and its shell want to be told."""

import ipaddress
from collections.abc import Iterator

from kak_server.config.compose_devices import to_registrar_settings
from kak_server.config.listening import ListenerSection, TrunkSection
from kak_server.config.settings import Settings
from kak_server.sip.api import ListenerSettings, SipSettings, TrunkSettings
from kak_server.sip.limits import LoadLimits, MessageLimits
from kak_server.sip.listening import ListenSpec, StreamLimits, TlsFiles
from kak_server.sip.numbers import Numbering, normalise
from kak_server.sip.outbound import Outbound, OutboundRoute
from kak_server.sip.rates import Rate
from kak_server.sip.sdp import MediaPolicy


def to_sip_settings(settings: Settings) -> SipSettings:
    """What the SIP core must know. Served numbers are those of the queues."""
    sip = settings.sip
    return SipSettings(
        advertised_host=settings.sip_address,
        advertised_port=sip.advertised_port or sip.port,
        trunks=tuple(_trunk(trunk) for trunk in sip.trunks),
        numbers=frozenset(served_numbers(settings)),
        server_name=settings.server.name,
        t1_ms=sip.t1_ms,
        t2_ms=sip.t2_ms,
        t4_ms=sip.t4_ms,
        unknown_peers=sip.unknown_peers,
        max_calls=settings.limits.max_sip_calls,
        listeners=tuple(_seen(settings, listener) for listener in settings.sip_listeners),
        locate_timeout_ms=sip.dns_timeout_ms + 1_000,  # the search ends by itself first
        max_message_bytes=sip.limits.message_bytes,
        max_headers=sip.limits.headers,
        numbering=to_numbering(settings),
        emergency_numbers=frozenset(_emergency_numbers(settings)),
        emergency_fallback=emergency_queue(settings) is not None,
        message_limits=MessageLimits(
            sip.limits.uri_chars, sip.limits.header_chars, sip.limits.sdp_bytes, sip.limits.xml_bytes
        ),
        load=_load(settings),
        registrar=to_registrar_settings(settings),
        session_expires_s=max(sip.session_expires_s, sip.session_min_s) if sip.session_expires_s else 0,
        session_min_s=sip.session_min_s,
        paced_offers_per_s=sip.paced_offers_per_s,
    )


def served_numbers(settings: Settings) -> Iterator[str]:
    """Called numbers and URNs that lead to a queue, straight or by area."""
    for queue in settings.queues:
        yield from queue.numbers
    for service in settings.areas:
        yield from service.numbers
        for town in service.municipalities:
            yield from town.numbers


def _emergency_numbers(settings: Settings) -> Iterator[str]:
    """Those of emergency queues and of services whose default is one, and the country's."""
    emergency = {queue.id for queue in settings.queues if queue.klass == "emergency"}
    for queue in settings.queues:
        if queue.id in emergency:
            yield from queue.numbers
    for service in settings.areas:
        if service.default in emergency:
            yield from service.numbers
            for town in service.municipalities:
                yield from town.numbers
    yield from settings.sip.emergency_numbers


def emergency_queue(settings: Settings) -> str | None:
    """The queue of emergency calls for numbers of no queue."""
    told = settings.sip.emergency_queue
    return told or next((queue.id for queue in settings.queues if queue.klass == "emergency"), None)


def reserve_calls(settings: Settings) -> int:
    """Calls that are kept for emergency calls."""
    told, most = settings.sip.overload.reserve_calls, settings.limits.max_sip_calls
    return min(most // 10 if told is None else told, most)


def _load(settings: Settings) -> LoadLimits:
    overload = settings.sip.overload
    one, everybody = overload.stranger_answers_per_s, overload.stranger_answers_all_per_s
    return LoadLimits(
        reserve_calls(settings),
        overload.lag_ms,
        overload.retry_after_s,
        Rate(one, max(1.0, 2 * one)),
        Rate(everybody, max(1.0, everybody)),
    )


def _trunk(trunk: TrunkSection) -> TrunkSettings:
    return TrunkSettings(
        trunk.name,
        trunk.sources,
        trunk.trusted_identity,
        trunk.emergency,
        trunk.certificates,
        (trunk.address or "") if trunk.health == "options" else "",
        trunk.health_interval_s * 1000,
        trunk.health_misses,
        address=(trunk.address or "") if trunk.outbound else "",
        username=trunk.username or "",
        password=trunk.password.value if trunk.password is not None else "",
        srtp=trunk.srtp,
        redirects=trunk.redirects,
        max_calls=trunk.max_calls,
        may_replace=trunk.may_replace,
        emergency_only=trunk.emergency_only,
        language_from_header=trunk.language_from_header,
        rate=Rate(trunk.calls_per_s, trunk.calls_burst),
        source_rate=Rate(trunk.source_calls_per_s, trunk.source_calls_burst),
    )


def to_trunk_media(settings: Settings) -> dict[str, MediaPolicy]:
    """What the media of each trunk may be."""
    return {trunk.name: MediaPolicy(trunk.srtp, tuple(dict.fromkeys(trunk.codecs))) for trunk in settings.sip.trunks}


def to_numbering(settings: Settings) -> Numbering:
    """The country's numbering plan."""
    plan = settings.sip.numbering
    return Numbering(plan.country_code, plan.national_digits, plan.short_digits_max, plan.trunk_prefix)


def to_outbound(settings: Settings) -> Outbound:
    """Where calls of ours go; groups of trunks are spelt out in the order of their priorities."""
    plan = to_numbering(settings)
    members = group_members(settings)
    return Outbound(
        plan,
        tuple(
            OutboundRoute(
                route.name,
                tuple(normalise(number, plan).text for number in route.numbers),
                tuple("" if prefix == "*" else prefix for prefix in route.prefixes),
                tuple(dict.fromkeys(trunk for name in route.trunks for trunk in members.get(name, (name,)))),
                normalise(route.caller, plan).text if route.caller is not None else "",
                route.emergency,
            )
            for route in settings.sip.outbound_routes
        ),
    )


def group_members(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Trunks that take calls of ours, by group, the first to be tried first."""
    able = sorted((trunk for trunk in settings.sip.trunks if trunk.outbound), key=lambda trunk: trunk.priority)
    groups: dict[str, tuple[str, ...]] = {}
    for trunk in able:
        if trunk.group is not None:
            groups[trunk.group] = (*groups.get(trunk.group, ()), trunk.name)
    return groups


def _seen(settings: Settings, listener: ListenerSection) -> ListenerSettings:
    tls = listener.tls
    return ListenerSettings(
        listener.name,
        advertised_host(settings, listener),
        listener.advertised_port or listener.port,
        (tls.advertised_port if tls is not None else None) or listener.tls_port,
        listener.transports,
        families(settings, listener),
    )


def advertised_host(settings: Settings, listener: ListenerSection) -> str:
    """The address of a listener in Via and Contact."""
    if listener.advertised_address is not None:
        return listener.advertised_address
    ours = _family(settings.sip_address)
    return settings.sip_address if ours is None or ours in families(settings, listener) else listener.host


def families(settings: Settings, listener: ListenerSection) -> tuple[int, ...]:
    """IP versions a listener takes."""
    family = _family(listener.host)
    if family is None:
        return (4, 6)
    return (4, 6) if dual_stack(settings, listener) else (family,)


def dual_stack(settings: Settings, listener: ListenerSection) -> bool:
    """Whether an IPv6 wildcard takes IPv4 peers too: unless another listener has IPv4 at one of its ports."""
    if listener.host != "::":
        return False
    ports = _ports(listener)
    return not any(
        _family(other.host) != 6 and ports & _ports(other) for other in settings.sip_listeners if other is not listener
    )


def to_listen_specs(settings: Settings) -> tuple[ListenSpec, ...]:
    """What the shell binds."""
    return tuple(_spec(settings, listener) for listener in settings.sip_listeners)


def _spec(settings: Settings, listener: ListenerSection) -> ListenSpec:
    tls = listener.tls
    files = None
    if tls is not None:
        files = TlsFiles(
            str(tls.cert),
            str(tls.key),
            str(tls.client_ca or ""),
            tls.require_client_cert,
            str(tls.peer_ca or ""),
            tls.verify_peer,
        )
    limits = StreamLimits(
        max_connections=listener.max_connections,
        max_strangers=listener.max_strangers,
        max_per_address=listener.max_per_address,
        handshake_s=listener.handshake_timeout_s,
        unfinished_s=listener.message_timeout_s,
        idle_s=listener.idle_s,
        stranger_idle_s=listener.stranger_idle_s,
        keepalive_s=listener.keepalive_s,
    )
    return ListenSpec(
        listener.name,
        listener.host,
        listener.port,
        listener.transports,
        listener.tls_port,
        files,
        dual_stack(settings, listener),
        limits,
    )


def _ports(listener: ListenerSection) -> set[int]:
    used = {listener.port} if listener.transports != ("tls",) else set()
    return used | ({listener.tls_port} if "tls" in listener.transports else set())


def _family(host: str) -> int | None:
    """IP version of an address; None for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def front_door(settings: Settings) -> str:
    """Where we call ourselves, host:port; "" where we do not."""
    if not settings.sip.front_door:
        return ""
    listener = next((one for one in settings.sip_listeners if "udp" in one.transports), settings.sip_listeners[0])
    host = advertised_host(settings, listener)
    return f"{f'[{host}]' if ':' in host else host}:{listener.advertised_port or listener.port}"
