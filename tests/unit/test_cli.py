"""The command line: exit codes, one readable line for what cannot start, and what --host means."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from kak_server import __version__
from kak_server.cli import lab_overrides, main
from kak_server.config.loader import load_settings
from kak_server.config.national import generate_municipalities, generate_national
from kak_server.config.reference import generate_reference

ROOT = Path(__file__).parents[2]
LAB = ROOT / "configs/lab.yaml"


def test_check_config_of_a_good_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", str(LAB)]) == 0
    assert "ok: 3 rooms, 12 positions, 6 queues" in capsys.readouterr().out


def test_check_config_of_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("rooms: []\nsnurr: 1\n")
    assert main(["check-config", str(path)]) == 1
    errors = capsys.readouterr().err
    assert f"{path}: 3 problems" in errors
    assert "line 2: snurr: unknown key" in errors


def test_check_config_warns_of_keys_in_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", str(LAB)]) == 0
    assert "warning" not in capsys.readouterr().err
    path = tmp_path / "srtp.yaml"
    path.write_text(
        "rooms: [{id: a, name: A, positions: 1}]\nqueues: [{id: q, name: Q, rooms: [a], numbers: [113]}]\n"
        "sip: {trunks: [{name: t, sources: [192.0.2.1], srtp: required, outbound: true, address: 'sip:192.0.2.1'}]}\n"
    )
    assert main(["check-config", str(path)]) == 0
    said = capsys.readouterr()
    assert "ok: " in said.out
    assert said.err.count("warning: sip.trunks[0].srtp: ") == 2


def test_check_config_with_an_override(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", str(LAB), "--set", "server.http.port=99999"]) == 1
    assert "server.http.port: should be less than or equal to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_bad_configuration_keeps_a_process_from_starting(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--config", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: 1 problem\n  cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_taken_port_is_one_readable_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        sets = ["--set", f"server.data_dir={tmp_path}", "--set", "sip.port=0", "--set", f"server.http.port={port}"]
        assert main(["serve", "--config", str(LAB), *sets]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert f"the console cannot listen on TCP 127.0.0.1:{port}: another program has the port" in errors[0]


def test_a_lab_needs_a_labs_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("rooms: [{id: a, name: A, positions: 1}]\nqueues: [{id: q, name: Q, rooms: [a]}]\n")
    assert main(["lab", "--config", str(path)]) == 2
    assert "is no lab" in capsys.readouterr().err


def test_generated_texts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate-config", "national"]) == 0
    assert capsys.readouterr().out == generate_national()
    assert main(["generate-config", "municipalities"]) == 0
    assert capsys.readouterr().out == generate_municipalities()
    assert main(["generate-config", "reference"]) == 0
    assert capsys.readouterr().out == generate_reference()


def test_usage_errors_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "kak_server.cli", *words]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=60)


def test_as_a_program() -> None:
    assert run("--version").stdout == f"kak-server {__version__}\n"
    helped = run("--help").stdout
    for command in ("serve", "worker", "lab", "check-config", "generate-config", "journal", "openapi"):
        assert command in helped


def test_hash_password() -> None:
    made = run("hash-password", stdin="hemmelig\n").stdout.strip()
    assert PasswordHasher().verify(made, "hemmelig")
    assert run("hash-password").returncode == 2


def test_this_machine_needs_no_overrides() -> None:
    for host in (None, "localhost", "127.0.0.1", "::1"):
        assert lab_overrides(host, None, None) == ()


def test_another_host_means_https_and_every_interface() -> None:
    overrides = lab_overrides("192.0.2.7", 8443, Path("/tmp/kak"))
    settings = load_settings(LAB, overrides)
    assert settings.http_url == "https://192.0.2.7:8443"
    assert settings.server.http.tls is not None
    assert settings.server.http.tls.self_signed
    assert settings.media_address == settings.sip_address == "192.0.2.7"
    assert settings.sip.host == settings.media.host == settings.server.http.host == "0.0.0.0"
    assert settings.data_dir == Path("/tmp/kak")


def test_a_host_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--host", "no-such-host.invalid"]) == 2
    assert "no-such-host.invalid has no IPv4 address" in capsys.readouterr().err
