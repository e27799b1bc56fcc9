"""The container files stay true where no container engine is at hand: held against CLI, ports, configuration, tree."""

import ipaddress
import re
import shlex
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kak_server.cli import build_parser
from kak_server.config.loader import load_settings
from kak_server.config.settings import Settings
from kak_server.supervisor.commands import simulator_argv
from tests.tidy.source_tree import ROOT, tracked_files

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def words_of(service: str) -> list[str]:
    """What the container runs: entrypoint and command."""
    found = SERVICES[service]
    return [*found.get("entrypoint", []), *found["command"]]


def settings_of(service: str) -> Settings:
    program, *arguments = words_of(service)
    assert program == "kak-server"
    parsed = build_parser().parse_args(arguments)
    return load_settings(ROOT / parsed.config, parsed.set)


@pytest.mark.parametrize(("service", "command"), [("server", "serve"), ("worker", "worker")])
def test_commands_are_those_of_the_command_line(service: str, command: str) -> None:
    parsed = build_parser().parse_args(words_of(service)[1:])
    assert parsed.run.__name__ == command
    assert str(parsed.config) in tracked_files()


def test_server_and_worker_agree_on_everything() -> None:
    assert settings_of("server") == settings_of("worker")


def test_it_is_the_lab() -> None:
    in_containers, here = settings_of("server"), load_settings(ROOT / "configs/lab.yaml")
    assert in_containers.server.lab
    for section in ("rooms", "queues", "operators", "radio"):
        assert getattr(in_containers, section) == getattr(here, section)


def test_the_simulators_run_as_in_make_lab() -> None:
    assert words_of("simulators")[1:] == simulator_argv(settings_of("server"))[1:]


def test_published_ports_are_those_of_the_configuration() -> None:
    settings = settings_of("server")
    published = {port.partition(":")[2].rpartition(":")[2] for port in SERVICES["net"]["ports"]}
    assert published == {str(settings.server.http.port), f"{settings.sip.port}/udp", f"{settings.sip.port}/tcp"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["net"]["ports"]), "a lab is for this machine only"


def test_the_console_is_where_browsers_give_a_microphone() -> None:
    url = urlsplit(settings_of("server").http_url)
    assert url.hostname == "localhost"
    assert any(port.startswith(f"127.0.0.1:{url.port}:") for port in SERVICES["net"]["ports"])


def test_the_advertised_address_is_that_of_the_shared_network() -> None:
    address = SERVICES["net"]["networks"]["lab"]["ipv4_address"]
    subnet = COMPOSE["networks"]["lab"]["ipam"]["config"][0]["subnet"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(subnet)
    settings = settings_of("server")
    assert settings.sip_address == settings.media_address == address
    trunks = [ipaddress.ip_network(source) for trunk in settings.sip.trunks for source in trunk.sources]
    assert any(ipaddress.ip_address(address) in network for network in trunks), "a phone on the host may call"


def test_processes_share_network_and_data_but_not_their_lives() -> None:
    settings = settings_of("server")
    for name in ("worker", "server", "simulators"):
        service = SERVICES[name]
        assert service["network_mode"] == "service:net"
        assert service["volumes"] == [f"data:{settings.data_dir}"]
        assert service["restart"] == "unless-stopped"
    assert f"VOLUME {settings.data_dir}" in DOCKERFILE


def test_the_server_may_drain() -> None:
    grace_s = int(SERVICES["server"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > settings_of("server").server.drain_timeout_s


def test_the_health_check_asks_the_console_port() -> None:
    assert f":{settings_of('server').server.http.port}/healthz" in " ".join(SERVICES["server"]["healthcheck"]["test"])


def test_the_image_copies_what_the_tree_has() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists(), f"COPY {source}"


def test_the_image_has_the_system_packages_of_the_set_up() -> None:
    installed = set(re.search(r"apt-get install -y --no-install-recommends (.+?) \\", DOCKERFILE)[1].split())  # type: ignore[index]
    setup = (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    assert installed == {"libopus0", "espeak-ng"}
    assert all(re.search(rf"\|\| need {package}$", setup, re.MULTILINE) for package in installed)


def test_the_image_does_not_run_as_root() -> None:
    assert re.search(r"^USER kak$", DOCKERFILE, re.MULTILINE)


def test_configurations_of_the_containers_are_in_the_image() -> None:
    assert "COPY configs ./configs" in DOCKERFILE
    parsed = build_parser().parse_args(words_of("server")[1:])
    assert parsed.config.parts[0] == "configs"
