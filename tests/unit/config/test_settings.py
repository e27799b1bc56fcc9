"""What follows from settings: folders, addresses, seats."""

from pathlib import Path

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError
from kak_server.config.settings import Settings
from kak_server.routing.api import ContactClass

BASE = """\
rooms:
  - id: amk
    name: AMK
    positions: [{id: desk-a, name: Desk A}, {id: desk-b, name: Desk B}]
queues: [{id: q, name: {nb: Nød, en: Emergency}, rooms: [amk]}]
"""


def settings(*overrides: str) -> Settings:
    return parse_settings(BASE, overrides=overrides)


def test_folders_lie_below_the_data_folder() -> None:
    made = settings("server.data_dir=/srv/kak")
    assert made.worker_socket == Path("/srv/kak/worker.sock")
    assert made.recordings_dir == Path("/srv/kak/recordings")
    assert made.prompts_dir == Path("/srv/kak/prompts")
    assert made.journal_dir == Path("/srv/kak/journal")
    assert made.logs_dir == Path("/srv/kak/logs")
    assert made.storage_url == "sqlite:////srv/kak/records.db"


def test_folders_may_be_elsewhere() -> None:
    made = settings("media.recordings_dir=/rec", "media.worker_socket=/run/w.sock", "storage.url=postgresql://db/kak")
    assert made.recordings_dir == Path("/rec")
    assert made.worker_socket == Path("/run/w.sock")
    assert made.storage_url == "postgresql://db/kak"


def test_the_advertised_address_holds_for_sip_and_media() -> None:
    made = settings("server.advertised_address=192.0.2.1", "media.advertised_address=192.0.2.2")
    assert made.sip_address == "192.0.2.1"
    assert made.media_address == "192.0.2.2"


@pytest.mark.parametrize(
    ("overrides", "url"),
    [
        ([], "http://localhost:8080"),
        (["server.http.host=192.0.2.1"], "http://192.0.2.1:8080"),
        (["server.http.host=::1"], "http://localhost:8080"),
        (["server.http.host=2001:db8::1"], "http://[2001:db8::1]:8080"),
        (["server.http.host=0.0.0.0", "server.advertised_address=kak.example"], "http://kak.example:8080"),
        (["server.http.public_url=https://kak.example"], "https://kak.example"),
        (["server.http.tls.self_signed=true"], "https://localhost:8080"),
    ],
)
def test_where_the_console_is(overrides: list[str], url: str) -> None:
    assert settings(*overrides).http_url == url


def test_named_seats_and_localised_names() -> None:
    made = settings()
    assert made.rooms[0].seats() == (("desk-a", "Desk A"), ("desk-b", "Desk B"))
    assert made.queues[0].display_name() == "Nød"


def test_classes_that_integrators_may_give_reach_the_bridges_and_are_of_no_use_in_an_emergency_queue() -> None:
    text = """
rooms: [{id: amk, name: AMK, positions: 1}]
queues: [{id: q, name: Q, class: urgent, rooms: [amk], brought_classes: [emergency]}]
"""
    assert to_house_settings(parse_settings(text)).queues[0].brought_classes == {ContactClass.EMERGENCY}
    with pytest.raises(ConfigError, match=r"queues\[0\].brought_classes: whatever comes to an emergency queue is"):
        parse_settings(text.replace("class: urgent", "class: emergency"))
