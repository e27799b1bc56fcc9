"""SIP listeners and trunks: the short form, several, what is wrong with them, and what the room is told."""

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.compose_sip import to_listen_specs, to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError
from kak_server.config.settings import Settings

BASE = """\
rooms: [{id: amk, name: AMK, positions: 1}]
queues: [{id: q, name: {nb: Nød, en: Emergency}, rooms: [amk], numbers: ["113"]}]
"""
TLS = "tls: {cert: c.pem, key: k.pem, client_ca: ca.pem}"


def settings(text: str, *overrides: str) -> Settings:
    return parse_settings(f"{BASE}{text}", overrides=overrides)


def problems(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(text)
    return str(caught.value)


def test_the_short_form_is_one_listener() -> None:
    made = settings("sip: {host: 192.0.2.1, port: 5070, tcp: false, advertised_port: 5080}")
    (spec,) = to_listen_specs(made)
    assert (spec.name, spec.host, spec.port, spec.transports, spec.tls) == ("main", "192.0.2.1", 5070, ("udp",), None)
    (seen,) = to_sip_settings(made).listeners
    assert (seen.port, seen.transports, seen.families) == (5080, ("udp",), (4,))


SEVERAL = f"""\
server: {{advertised_address: 203.0.113.1}}
sip:
  listeners:
    - {{name: carriers, host: 0.0.0.0, transports: [udp, tcp, tls], {TLS}}}
    - {{name: six, host: "2001:db8::1", transports: [udp, tcp]}}
    - {{name: secure, host: 192.0.2.9, port: 5071, transports: [tls], {TLS}, max_connections: 7, keepalive_s: 0}}
  trunks:
    - {{name: north, sources: [198.51.100.1, "2001:db8:1::/48"], certificates: [sip.north.example]}}
    - {{name: south, sources: [198.51.100.2], health: options, address: "sip:sbc.example;transport=tcp"}}
  dns_servers: [192.0.2.53, "192.0.2.54:5353", "2001:db8::53", "[2001:db8::54]:5353"]
"""


def test_several_listeners() -> None:
    made = settings(SEVERAL)
    carriers, six, secure = to_listen_specs(made)
    assert (carriers.port, carriers.tls_port, secure.tls_port) == (5060, 5061, 5071)
    assert secure.tls is not None
    assert (secure.tls.cert, secure.tls.client_ca, secure.tls.require_client_cert) == ("c.pem", "ca.pem", False)
    assert (secure.limits.max_connections, secure.limits.keepalive_s) == (7, 0)
    assert not six.dual_stack
    core = to_sip_settings(made)
    assert [(one.host, one.port, one.tls_port, one.families) for one in core.listeners] == [
        ("203.0.113.1", 5060, 5061, (4,)),
        ("2001:db8::1", 5060, 5061, (6,)),
        ("203.0.113.1", 5071, 5071, (4,)),
    ]
    assert core.listener_for("tls", "192.0.2.7", "six") == "carriers"
    assert core.listener_for("udp", "2001:db8::7", "carriers") == "six"
    assert core.listener_for("tls", "2001:db8::7", "carriers") is None
    north, south = core.trunks
    assert (north.certificates, north.health_uri) == (("sip.north.example",), "")
    assert (south.health_uri, south.health_interval_ms) == ("sip:sbc.example;transport=tcp", 30_000)


@pytest.mark.parametrize(
    ("others", "dual"),
    [
        ("", True),
        (", {name: b, host: 0.0.0.0}", False),
        (", {name: b, host: 0.0.0.0, port: 5090}", True),
        (', {name: b, host: "::1", port: 5090}', True),
    ],
)
def test_an_ipv6_wildcard_takes_ipv4_too_where_it_can(others: str, dual: bool) -> None:
    made = settings(f'sip: {{listeners: [{{name: a, host: "::", advertised_address: kak.example}}{others}]}}')
    assert to_listen_specs(made)[0].dual_stack is dual


def test_media_over_ipv6() -> None:
    made = to_house_settings(settings('media: {advertised_address_v6: "2001:db8::9"}'))
    assert (made.media_host_v6, made.bind_host_v6) == ("2001:db8::9", "::")
    assert to_house_settings(settings("")).media_host_v6 == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{port: 5070, listeners: [{name: a}]}", "port is the short form for one listener"),
        ("{listeners: [{name: a}, {name: a, port: 5070}]}", "listener a is used twice"),
        ("{listeners: [{name: a}, {name: b}]}", "UDP port 5060 of 127.0.0.1 belongs to listener a already"),
        (f"{{listeners: [{{name: a, transports: [udp], {TLS}}}]}}", "listener a lacks tls among transports"),
        ("{listeners: [{name: a, transports: [tls]}]}", "listener a lacks tls (cert and key)"),
        (
            "{listeners: [{name: a, transports: [tls], tls: {cert: c, key: k, require_client_cert: true}}]}",
            "client_ca must say who signs",
        ),
        (f"{{listeners: [{{name: a, port: 8079, transports: [tcp, tls], {TLS}}}]}}", "both want port 8080"),
        ("{listeners: [{name: a, port: 20001}]}", "SIP port 20001 lies within the RTP ports"),
        ('{listeners: [{name: a, host: "::"}, {name: b, host: 0.0.0.0}]}', "advertised_address must say which IPv6"),
        ("{trunks: [{name: t, sources: [192.0.2.1], health: options}]}", "trunk t needs an address to ask"),
        ('{trunks: [{name: t, sources: [192.0.2.1], address: "sip:"}]}', "not a URI"),
        ("{trunks: [{name: t, sources: [192.0.2.1], certificates: [x]}]}", "no listener has TLS with client_ca"),
        ("{dns_servers: [ns.example]}", "is not an IP address, with or without a port"),
        ('{dns_servers: ["192.0.2.1:0"]}', "is not an IP address, with or without a port"),
    ],
)
def test_what_cannot_be(text: str, said: str) -> None:
    assert said in problems(f"sip: {text}\n")


def test_what_dialogs_are_told() -> None:
    made = to_sip_settings(settings("sip: {trunks: [{name: a, sources: [192.0.2.9], may_replace: true}]}"))
    assert (made.session_expires_s, made.session_min_s, made.paced_offers_per_s) == (1_800, 90, 1_000)
    assert made.trunks[0].may_replace
    longer = to_sip_settings(settings("sip: {session_expires_s: 600, session_min_s: 900, paced_offers_per_s: 50}"))
    assert (longer.session_expires_s, longer.session_min_s, longer.paced_offers_per_s) == (900, 900, 50)
    assert to_sip_settings(settings("sip: {session_expires_s: 0}")).session_expires_s == 0
    assert "session_min_s" in problems("sip: {session_min_s: 60}")
