"""Command lines of the lab's processes."""

import subprocess
import sys
from pathlib import Path

from kak_server.config.loader import load_settings
from kak_server.supervisor.commands import control_argv, ice_addresses, own_address, simulator_argv, worker_argv

ROOT = Path(__file__).parents[3]
LAB = ROOT / "configs/lab.yaml"


def test_control_gets_the_same_file_and_overrides() -> None:
    argv = control_argv(LAB, ["server.http.port=1", "sip.port=2"])
    assert argv[:4] == [sys.executable, "-m", "kak_server.cli", "serve"]
    assert argv[4:] == ["--config", str(LAB), "--set", "server.http.port=1", "--set", "sip.port=2"]


def test_the_worker_gets_its_folders_and_ports() -> None:
    argv = worker_argv(load_settings(LAB))
    options = dict(zip(argv[3::2], argv[4::2], strict=True))
    assert options["--socket"] == "var/lab/worker.sock"
    assert options["--recordings"] == "var/lab/recordings"
    assert options["--ice-ports"] == "22000-23999"
    assert options["--address"].split(",")[0] == "127.0.0.1"


def test_the_simulators_listen_where_the_server_looks() -> None:
    settings = load_settings(LAB)
    argv = simulator_argv(settings)
    assert argv[1:] == [
        "network", "--listen", "127.0.0.1:8091", "--http", "127.0.0.1:8090", "--sip", "127.0.0.1:5060",
        "--numbers", "113,+4700113002,116117", "--callees", "127.0.0.1:5090",
    ]  # fmt: skip
    more = simulator_argv(settings, world=Path("other.yaml"), calls_per_minute=3)
    assert more[len(argv) :] == ["--config", "other.yaml", "--calls-per-minute", "3"]


def test_in_service_only_the_advertised_address_is_offered() -> None:
    lab = load_settings(LAB, ["server.advertised_address=192.0.2.9"])
    assert ice_addresses(lab)[0] == "192.0.2.9"
    assert "127.0.0.1" in ice_addresses(lab)
    service = lab.model_copy(update={"server": lab.server.model_copy(update={"lab": False})})
    assert ice_addresses(service) == ["192.0.2.9"]


def test_the_own_address_is_one_of_this_machine() -> None:
    address = own_address()
    if address is not None:
        listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
        assert address in listed
