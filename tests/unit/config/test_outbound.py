"""Outbound trunks and routes in the file."""

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError

BASE = """\
rooms: [{id: amk, name: AMK, positions: 1}]
queues: [{id: q, name: Nød, rooms: [amk], numbers: ["113", "+4700113002"]}]
"""
WHOLE = """\
sip:
  trunks:
    - name: red
      sources: [192.0.2.1]
      address: "sip:red.example"
      outbound: true
      username: kak
      password: !env TRUNK_PASSWORD
      max_calls: 30
      group: carriers
      priority: 2
    - {name: blue, sources: [192.0.2.2], address: "sip:blue.example", outbound: true, group: carriers, priority: 1}
    - {name: pbx, sources: [192.0.2.3], address: "sip:pbx.example", outbound: true}
    - {name: health-only, sources: [192.0.2.4], address: "sip:four.example", health: options}
  outbound_routes:
    - {name: services, numbers: [110, 112], trunks: [red, carriers], caller: 113, emergency: true}
    - {name: hospital, prefixes: ["+472230"], trunks: [pbx]}
    - {name: rest, prefixes: ["*"], trunks: [carriers]}
"""


def test_trunks_and_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNK_PASSWORD", "very secret")
    made = parse_settings(BASE + WHOLE)
    red, blue, _, asked = to_sip_settings(made).trunks
    assert (red.address, red.username, red.password, red.max_calls) == ("sip:red.example", "kak", "very secret", 30)
    assert (blue.address, blue.username, blue.max_calls) == ("sip:blue.example", "", 0)
    assert (asked.address, asked.health_uri) == ("", "sip:four.example")
    assert "very secret" not in repr(made) + repr(red)
    outbound = to_house_settings(made).outbound
    services = outbound.trunks_for("112")
    assert (services.trunks, services.caller, services.emergency) == (("red", "blue"), "113", True)
    assert outbound.trunks_for("90000000").trunks == ("blue", "red")
    assert outbound.trunks_for("22301234").trunks == ("pbx",)


def problems(sip: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(f"{BASE}sip:\n{sip}")
    return [str(problem) for problem in caught.value.problems]


def test_a_trunk_that_cannot_be_called() -> None:
    found = problems("""\
  trunks:
    - {name: one, sources: [192.0.2.1], outbound: true}
    - {name: two, sources: [192.0.2.2], group: one, username: kak}
""")
    assert found == [
        "line 5: sip.trunks[0].outbound: trunk one needs an address to be called at",
        "line 6: sip.trunks[1].group: one is the name of a trunk already",
        "line 6: sip.trunks[1]: trunk two has no password: digest takes both",
    ]


def test_a_password_in_the_file_is_for_a_lab() -> None:
    trunk = "  trunks: [{name: one, sources: [192.0.2.1], username: kak, password: lab}]\n"
    (found,) = problems(trunk)
    assert "line 4: sip.trunks[0].password: clear-text passwords are for a lab only" in found
    assert parse_settings(f"server: {{lab: true}}\n{BASE}sip:\n{trunk}").sip.trunks[0].password is not None


def test_routes_that_lead_nowhere_or_overlap() -> None:
    found = problems("""\
  trunks:
    - {name: in-only, sources: [192.0.2.1], address: "sip:one.example"}
  outbound_routes:
    - {name: a, numbers: [112, "*21#"], trunks: [nobody]}
    - {name: b, numbers: ["+47112"], prefixes: ["+47"], trunks: [in-only], caller: "1234567"}
    - {name: b, prefixes: ["+47"]}
    - {name: c}
""")
    assert found == [
        "line 7: sip.outbound_routes[0].numbers[1]: *21# is no number of this numbering plan (sip.numbering)",
        "line 7: sip.outbound_routes[0].trunks[0]: there is no trunk or group of outbound trunks nobody",
        "line 8: sip.outbound_routes[1].numbers[0]: number 112 belongs to route a already",
        "line 8: sip.outbound_routes[1].caller: 1234567 is no number of this numbering plan (sip.numbering)",
        "line 8: sip.outbound_routes[1].trunks[0]: trunk in-only takes no calls of ours (outbound: true, an address)",
        "line 9: sip.outbound_routes[2].name: route b is used twice",
        "line 9: sip.outbound_routes[2].prefixes[0]: prefix +47 belongs to route b already",
        "line 10: sip.outbound_routes[3]: route c has neither numbers nor prefixes",
    ]


def test_two_spellings_of_a_served_number_are_one() -> None:
    text = BASE.replace('"+4700113002"', '"+4722334455", "22334455"')
    with pytest.raises(ConfigError, match="number 22334455 leads to queue q already"):
        parse_settings(text)


def test_services_the_front_door_and_what_trunks_may_do() -> None:
    text = """\
sip:
  trunks:
    - {name: net, sources: [192.0.2.0/24], address: "sip:192.0.2.9", outbound: true, refer: true, transfers: true,
       tell_hold: true}
  advertised_address: 192.0.2.1
  front_door: true
  outbound_routes: [{name: services, numbers: [110], trunks: [net]}]
  services: [{id: "110", name: 110 Brann, number: 110}]
"""
    house = to_house_settings(parse_settings(BASE + text))
    assert house.front_door == "192.0.2.1:5060"
    assert [(one.service, one.label, one.number) for one in house.services] == [("110", "110 Brann", "110")]
    assert house.refer_trunks == house.transfer_trunks == house.hold_trunks == {"net"}
    for wrong, words in (
        (text.replace("192.0.2.0/24", "198.51.100.0/24"), "no trunk has our own address"),
        (text.replace("number: 110}", "number: 112}"), "no outbound route leads to 112"),
        (text.replace("  services: [", "  services: [{id: '110', name: B, number: 110}, "), "is there twice"),
    ):
        with pytest.raises(ConfigError, match=words):
            parse_settings(BASE + wrong)


def test_our_own_address_is_a_trunks_unless_it_is_a_lab() -> None:
    text = f"server: {{advertised_address: 192.0.2.9}}\n{BASE}sip: {{front_door: true, trunks: []}}\n"
    with pytest.raises(ConfigError, match="no trunk has our own address"):
        parse_settings(text)
    assert to_house_settings(parse_settings(text, overrides=["server.lab=true"])).front_door == "192.0.2.9:5060"
