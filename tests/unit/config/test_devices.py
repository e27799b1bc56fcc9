"""Phones and the registrar in the file."""

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError
from kak_server.sip.digest import stored

BASE = """\
rooms: [{id: amk, name: AMK, positions: 2}, {id: far, name: Far, positions: 1}]
queues: [{id: q, name: Nød, rooms: [amk], numbers: ["113"]}]
operators:
  - {username: kari, name: Kari, password_hash: "$argon2id$x", rooms: [amk], skills: {"113": 5}}
"""
WHOLE = """\
sip:
  devices:
    - {id: desk, position: amk-1, username: amk-1, secret: !env PHONE_SECRET, networks: [10.1.0.0/16, 10.2.0.1],
       max_contacts: 3, operator: kari, pin: !env PHONE_PIN}
    - {id: plain, position: amk-2, username: amk-2, secret: !env PHONE_SECRET, networks: [10.3.0.0/16],
       digest: md5}
  registrar: {realm: room, lock_failures: 4, lock_s: 60}
"""


def test_phones_and_registrar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONE_SECRET", "very secret")
    monkeypatch.setenv("PHONE_PIN", "2468")
    made = parse_settings(BASE + WHOLE)
    registrar = to_sip_settings(made).registrar
    desk, plain = registrar.devices
    assert (desk.device, desk.username, desk.max_contacts, desk.listener) == ("desk", "amk-1", 3, "")
    assert desk.sources == ("10.1.0.0/16", "10.2.0.1/32")
    assert desk.ha1 == stored("amk-1", "room", "very secret")
    assert (plain.max_contacts, list(plain.ha1)) == (1, ["MD5"])
    assert (registrar.realm, registrar.lock_failures, registrar.lock_ms) == ("room", 4, 60_000)
    phones = to_house_settings(made).phones
    assert [(phone.device, phone.position, phone.operator, phone.pin) for phone in phones] == [
        ("desk", "amk-1", "kari", "2468"),
        ("plain", "amk-2", None, ""),
    ]
    assert phones[0].skills == {"113": 5}
    shown = repr(made) + repr(registrar) + repr(phones)
    assert "very secret" not in shown
    assert "2468" not in shown
    assert desk.ha1["MD5"] not in shown


def problems(devices: str, lab: str = "server: {lab: true}\n", more: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(f"{lab}{BASE}sip:\n  devices:\n{devices}{more}")
    return [problem.text for problem in caught.value.problems]


def device(**keys: str) -> str:
    known = {"id": "d", "position": "amk-1", "username": "u", "secret": "x", "networks": "[10.0.0.1]"} | keys
    return "    - {" + ", ".join(f"{key}: {value}" for key, value in known.items()) + "}\n"


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        (device(position="nowhere"), "there is no position nowhere"),
        (device(operator="nobody"), "there is no user nobody"),
        (device(operator="kari", position="far-1"), "may not sit in the room"),
        (device(listener="other"), "there is no listener other"),
        (device(talkgroup="1234"), "there is no talkgroup 1234"),
        (device(pin="12", operator="kari"), "4 to 12 digits"),
        (device(pin='"12a45"', operator="kari"), "4 to 12 digits"),
        (device(pin="1234"), "whom does the PIN sign in"),
        (device() + device(id="e", position="amk-2"), "username u belongs to another device"),
        (device() + device(id="e", username="v"), "position amk-1 belongs to another device"),
        (
            device(operator="kari") + device(id="e", username="v", position="amk-2", operator="kari"),
            "kari cannot sit at two phones",
        ),
        (device(max_contacts="6"), "less than or equal to 5"),
        (device(networks="[]"), "must not be empty"),
    ],
)
def test_a_phone_that_could_not_work(devices: str, words: str) -> None:
    found = problems(devices)
    assert any(words in text for text in found), found


def test_secrets_do_not_stand_in_the_file_of_a_service() -> None:
    found = problems(device(pin="1234", operator="kari"), lab="")
    assert sum("clear-text passwords are for a lab only" in text for text in found) == 2


def test_bounds_of_expiry_in_order() -> None:
    found = problems(device(), more="  registrar: {min_expires_s: 600, max_expires_s: 60}\n")
    assert found == ["min_expires_s is above max_expires_s"]
