"""The servers the SIP benchmark compares, each started alone on a port of its own, and what must be installed first."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / ".stamps" / "bench-sip"
PACKAGES = ("aiosipua>=0.7,<0.8", "sippy>=2.5,<3")
PROGRAMS = {"sipp": "sip-tester", "kamailio": "kamailio"}
HOST = "127.0.0.1"
SHARED_MB = 512


def install() -> list[str]:
    """See to the peers; what could not be had, as sentences. Without sipp nothing can be measured: SystemExit."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        subprocess.run([str(ROOT / "scripts" / "setup.sh"), "bench"], check=False)
    problems = [
        f"{program} is not here and could not be installed (Debian package {package}, apt-get install as root)"
        for program, package in PROGRAMS.items()
        if shutil.which(program) is None
    ]
    if shutil.which("sipp") is None:
        raise SystemExit("\n".join(problems))
    python = VENV / "bin" / "python"
    if not (VENV / "ready").exists():
        print(f"setup: {', '.join(PACKAGES)} into {VENV}", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        pip = [str(python), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", *PACKAGES]
        got = subprocess.run(pip, check=False, capture_output=True, text=True)
        if made.returncode or got.returncode:
            problems.append(f"the Python peers could not be installed and are left out:\n{got.stderr[-1000:]}")
        else:
            (VENV / "ready").touch()
    return problems


@dataclass(slots=True)
class Server:
    """One running server. `dialogs`: it keeps the state of established calls."""

    name: str
    process: subprocess.Popen[str]
    port: int
    dialogs: bool = True

    def census(self) -> dict[str, Any]:
        """What ours holds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("census\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def names() -> list[str]:
    """The servers that can be started here, ours first."""
    peers = ["aiosipua", "sippy"] if (VENV / "ready").exists() else []
    return ["kak-server", *peers, *(["kamailio", "kamailio -x fm"] if shutil.which("kamailio") else [])]


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[Server]:
    """Start it, wait until it listens, end it. Raises SystemExit with what it said when it does not start."""
    port = _free_port()
    if name == "kak-server":
        words = [sys.executable, str(HERE / "sip_server.py")]
    elif name.startswith("kamailio"):
        words = _kamailio(folder, port, name.partition(" ")[2].split())
    else:
        words = [str(VENV / "bin" / "python"), str(HERE / "peers" / f"{name}_uas.py"), str(port)]
    log = folder / f"{name.replace(' ', '')}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder
        )
    try:
        if name.startswith("kamailio"):
            _until_bound(port, process, log)
            yield Server(name, process, port, dialogs=False)
        else:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{name} did not start:\n{log.read_text()[-2000:]}")
            yield Server(name, process, json.loads(line).get("port", port))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def all_running(folder: Path) -> Iterator[list[Server]]:
    """One of each."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(running(peer, folder)) for peer in names()]


def _kamailio(folder: Path, port: int, allocator: list[str]) -> list[str]:
    program = shutil.which("kamailio")
    assert program is not None
    modules = next(Path("/usr/lib").glob("*/kamailio/modules"), Path("/usr/lib/kamailio/modules"))
    config = folder / f"kamailio-{port}.cfg"
    config.write_text((HERE / "peers" / "kamailio.cfg").read_text().replace("MODULES", str(modules)))
    fixed = [program, "-DD", "-E", "-f", str(config), "-l", f"udp:{HOST}:{port}", "-m", str(SHARED_MB)]
    return [*fixed, "-Y", str(config.parent), *allocator]


def _until_bound(port: int, process: subprocess.Popen[str], log: Path) -> None:
    for _ in range(500):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        break
    raise SystemExit(f"the server did not start:\n{log.read_text()[-2000:]}")
