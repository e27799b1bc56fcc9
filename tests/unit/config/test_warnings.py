"""What check-config warns of."""

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError
from kak_server.config.warnings import warnings
from kak_server.sip.sdp import MediaPolicy

BASE = """\
rooms: [{id: amk, name: AMK, positions: 1}]
queues: [{id: q, name: Q, rooms: [amk], numbers: ["113"]}]
"""


def with_trunk(more: str) -> str:
    return f"{BASE}sip:\n  trunks:\n    - {{name: red, sources: [192.0.2.1], {more}}}\n"


def telling(klass: str) -> str:
    step = "{announce: please-hold, tell_position: true}"
    return BASE.replace("rooms: [amk],", f"rooms: [amk], class: {klass}, workflow: [{{reach: own}}, {step}],")


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ("srtp: off", 0),
        ("srtp: optional", 1),
        ("srtp: required, outbound: true, address: 'sip:red.example'", 2),
        ("srtp: required, outbound: true, address: 'sip:red.example;transport=TLS'", 1),
        ("srtp: required, outbound: true, address: 'sips:red.example'", 1),
    ],
)
def test_keys_that_may_go_in_clear(more: str, count: int) -> None:
    found = warnings(parse_settings(with_trunk(more)))
    assert [location for location, _ in found] == [("sip", "trunks", 0, "srtp")] * count


def test_a_trunks_media() -> None:
    made = parse_settings(with_trunk("srtp: optional, codecs: [opus, PCMA]"))
    assert to_house_settings(made).trunk_media == {"red": MediaPolicy("optional", ("opus", "PCMA"))}
    assert to_sip_settings(made).trunks[0].srtp == "optional"
    plain = parse_settings(with_trunk("emergency: true"))
    assert to_house_settings(plain).trunk_media == {"red": MediaPolicy()}
    with pytest.raises(ConfigError):
        parse_settings(with_trunk("srtp: sometimes"))


def test_one_route_cannot_require_srtp_of_some_trunks() -> None:
    text = with_trunk("srtp: required, outbound: true, address: 'sips:red.example'") + (
        "    - {name: blue, sources: [192.0.2.2], outbound: true, address: 'sip:blue.example'}\n"
        "  outbound_routes:\n    - {name: all, prefixes: ['*'], trunks: [red, blue]}\n"
    )
    with pytest.raises(ConfigError, match="trunk red requires SRTP and others of route all do not"):
        parse_settings(text)


def test_an_emergency_queue_that_tells_places() -> None:
    found = [str(at) + text for at, text in warnings(parse_settings(telling("emergency")))]
    assert len(found) == 1
    assert "'tell_position'" in found[0]
    assert "how many are before them" in found[0]
    assert not warnings(parse_settings(telling("normal")))
