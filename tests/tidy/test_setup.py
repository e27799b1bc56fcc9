"""The set-up scripts: what they find missing, and what they do about it on different machines."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tidy.source_tree import ROOT

PROGRAMS = (
    "python3",
    "openssl",
    "espeak-ng",
    "chromium",
    "sipp",
    "baresip",
    "kamailio",
    "sox",
    "tshark",
    "pg_ctlcluster",
    "gcc",
    "apt-get",
)


class Machine:
    """A machine with chosen programs: a folder of empty executables stands for its PATH."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.os_release = folder / "os-release"
        self.os_release.write_text('NAME="Debian GNU/Linux"\nID=debian\n')
        for name in PROGRAMS:
            self.add(name)

    def add(self, name: str) -> None:
        path = self.bin / name
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)

    def remove(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def run(self, purpose: str, *, user_id: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:" + str(Path(shutil.which("python3") or "/usr/bin/python3").parent),
            "HOME": str(Path.home()),
            "KAK_SETUP_DRY_RUN": "1",
            "KAK_SETUP_PATH": str(self.bin),
            "KAK_SETUP_OS_RELEASE": str(self.os_release),
            "KAK_SETUP_UID": str(user_id),
        }
        script = [str(ROOT / "scripts/setup.sh"), purpose]
        return subprocess.run(script, env=environment, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_missing(machine: Machine) -> None:
    done = machine.run("test")
    assert done.returncode == 0
    assert "every system package is here" in done.stdout


def test_as_root_on_debian_it_installs_only_what_is_missing_and_says_so(machine: Machine) -> None:
    machine.remove("sipp", "espeak-ng")
    done = machine.run("test")
    assert done.returncode == 0
    assert done.stdout == "setup: installing with apt: espeak-ng sip-tester\n"


def test_where_there_is_no_python_all_of_it_is_installed_at_once(machine: Machine) -> None:
    """Debian's images have none; without python3-venv no environment can be made, and the first `make` would fail."""
    machine.remove("python3")
    done = machine.run("test")
    assert done.stdout == "setup: installing with apt: python3 python3-venv python3-dev\n"


def test_the_lab_needs_no_test_peers(machine: Machine) -> None:
    machine.remove("sipp", "chromium", "baresip", "sox")
    assert "every system package is here" in machine.run("lab").stdout


def test_any_chromium_will_do(machine: Machine) -> None:
    machine.remove("chromium")
    machine.add("google-chrome")
    assert "every system package is here" in machine.run("test").stdout


def test_with_sudo_it_installs(machine: Machine) -> None:
    machine.remove("sox")
    machine.add("sudo")
    done = machine.run("test", user_id=1000)
    assert done.returncode == 0
    assert "installing with apt: sox" in done.stdout


def test_neither_root_nor_sudo_says_which_packages(machine: Machine) -> None:
    machine.remove("sox", "baresip")
    done = machine.run("test", user_id=1000)
    assert done.returncode == 1
    assert "not root and no sudo; please have these installed: apt-get install baresip sox" in done.stderr


def test_another_system_says_which_packages(machine: Machine) -> None:
    machine.os_release.write_text("ID=fedora\n")
    machine.remove("espeak-ng", "apt-get")
    done = machine.run("lab")
    assert done.returncode == 1
    assert "not a Debian system" in done.stderr
    assert done.stderr.strip().endswith("espeak-ng")


def test_another_system_with_everything_is_fine(machine: Machine) -> None:
    machine.os_release.write_text("ID=fedora\n")
    assert machine.run("test").returncode == 0


def test_without_a_compiler_the_lab_still_runs(machine: Machine) -> None:
    machine.remove("gcc")
    assert machine.run("lab").stdout == "setup: installing with apt: gcc libc6-dev\n"
    done = machine.run("lab", user_id=1000)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.strip().endswith("less CPU with these Debian packages: gcc libc6-dev")
    assert machine.run("test", user_id=1000).returncode == 1


def test_wrong_usage(machine: Machine) -> None:
    assert machine.run("everything").returncode == 2


def node_of(folder: Path, version: str | None, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command under scripts/with-node.sh on a machine whose Node.js says it is `version`."""
    system = folder / "system"
    system.mkdir()
    if version is not None:
        for name in ("node", "npm"):
            (system / name).write_text(f"#!/bin/sh\necho {version}\n")
            (system / name).chmod(0o755)
    # what PyPI would bring, so that the test needs no network
    fetched = folder / "node" / "bin"
    fetched.mkdir(parents=True)
    (fetched / "npm").write_text("#!/bin/sh\necho the fetched npm\n")
    (fetched / "npm").chmod(0o755)
    environment = {"PATH": f"{system}:/usr/bin:/bin", "KAK_SETUP_PATH": f"{system}:/nonexistent"}
    script = [str(ROOT / "scripts/with-node.sh"), "python3", str(folder / "node"), *words]
    return subprocess.run(script, env=environment, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("version", ["v20.19.0", "v22.12.1", "v24.0.0"])
def test_the_systems_node_is_taken_when_it_is_new_enough(tmp_path: Path, version: str) -> None:
    assert node_of(tmp_path, version, "npm").stdout == f"{version}\n"


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", None])
def test_else_the_one_from_pypi(tmp_path: Path, version: str | None) -> None:
    assert node_of(tmp_path, version, "npm").stdout == "the fetched npm\n"


def test_the_commands_exit_code_is_kept(tmp_path: Path) -> None:
    assert node_of(tmp_path, "v24.0.0", "sh", "-c", "exit 7").returncode == 7


def test_every_program_that_a_test_is_skipped_without_is_installed() -> None:
    """Otherwise a fresh machine passes by running less."""
    asked = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"""skipif\(\s*shutil\.which\("([^"]+)"\)""", path.read_text(encoding="utf-8"))
    }
    assert asked >= {"sipp", "tshark", "espeak-ng"}
    setup = (ROOT / "scripts" / "setup.sh").read_text(encoding="utf-8")
    assert {name for name in asked if f"has_program {name} " not in setup} == set()
