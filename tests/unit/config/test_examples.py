"""The example files load, and what is generated is current."""

from pathlib import Path

import pytest

from kak_server.config.compose import to_gateways, to_routing_config, to_users
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import load_settings, parse_settings
from kak_server.config.national import generate_municipalities, generate_national
from kak_server.config.reference import generate_reference

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_composes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAK_TRUNK_NORTH", "a password")
    settings = load_settings(path)
    assert to_sip_settings(settings).numbers
    assert to_routing_config(settings).queues
    assert len(to_users(settings)) == len(settings.operators) > 0
    assert len(to_gateways(settings)) == len(settings.radio.gateways)


def test_the_lab_has_what_the_guide_promises() -> None:
    settings = load_settings(ROOT / "configs/lab.yaml")
    assert settings.server.lab
    assert {"oslo", "bergen"} <= {room.id for room in settings.rooms}
    assert {queue.id: queue.waiting for queue in settings.queues}["legevakt"] == "announce"
    assert {"kari", "ola", "ingrid"} <= {person.username for person in settings.operators}
    assert settings.http_url == "http://localhost:8080"
    assert settings.radio.gateways[0].url == "ws://127.0.0.1:8091"


def test_the_national_example_is_current_and_of_the_promised_size() -> None:
    text = (ROOT / "configs/national.yaml").read_text(encoding="utf-8")
    assert text == generate_national(), "run `make docs`"
    table = (ROOT / "configs/national-municipalities.csv").read_text(encoding="utf-8")
    assert table == generate_municipalities(), "run `make docs`"
    settings = parse_settings(text, base=ROOT / "configs")
    (service,) = settings.areas
    assert len(service.municipalities) == 357
    assert len({town.queue for town in service.municipalities}) == 96
    kinds = [room.kind for room in settings.rooms]
    assert (kinds.count("amk"), kinds.count("legevakt"), len(kinds)) == (16, 96, 190)
    assert sum(len(room.seats()) for room in settings.rooms) == len(settings.operators) == 1_500
    assert len(settings.radio.talkgroups) == 500


def test_the_reference_is_current() -> None:
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == generate_reference(), "run `make docs`"


def test_the_reference_names_every_key_of_the_lab_file() -> None:
    text = generate_reference()
    for key in ("own_room_ms", "rtp_port_min", "class", "self_signed", "gssi", "password_hash"):
        assert f"| `{key}` |" in text
