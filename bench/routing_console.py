"""A real control process with the national configuration, so many consoles subscribed, and callers who come and go."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import cpu
from call import RTP_PORTS
from kak_sim.lab import Lab, reserved_ports, write_config

HERE = Path(__file__).resolve().parent
NATIONAL = HERE.parent / "configs" / "national.yaml"
LAG_S = 0.02
CALLS_S, SECONDS, HOLD_MS = 30, 20, 4_000


@dataclass(frozen=True, slots=True)
class Sockets:
    """`on_time`: share of the event loop's own looks at itself that were not later than LAG_S."""

    open: int
    alive: int
    calls: int
    failed: int
    messages_s: float
    on_time: float
    looks: float
    setup_s: float
    starved: float  # share of the time in which control's loop was ready and had no CPU


def measure_sockets(count: int) -> Sockets:
    """Consoles first, then calls to all queues that nobody takes: every arrival, end and step changes lists."""
    with tempfile.TemporaryDirectory(prefix="kak-routing-") as name, reserved_ports() as ports:
        folder = Path(name)
        people = [row["username"] for row in yaml.safe_load(NATIONAL.read_text(encoding="utf-8"))["operators"]]
        (folder / "names").write_text("\n".join(people[:count]))
        shutil.copy(NATIONAL.with_name("national-municipalities.csv"), folder)
        changes = {
            "radio": {"gateways": [], "talkgroups": []},
            "media": {"rtp_port_min": RTP_PORTS[0], "rtp_port_max": RTP_PORTS[1]},
        }
        config = write_config(NATIONAL, folder, ports, changes)
        running = Lab(folder, config, ports, simulators=False)
        try:
            asyncio.run(running.start())
            return _run(running, folder, f"http://127.0.0.1:{ports.http}")
        finally:
            asyncio.run(running.stop())


def _run(running: Lab, folder: Path, url: str) -> Sockets:
    began = time.monotonic()
    words = [sys.executable, str(HERE / "routing_sockets.py"), "--url", url, "--names", str(folder / "names")]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        opened = _said(child, "open")
        setup_s = time.monotonic() - began
        time.sleep(3)
        looks, on_time = _looks(running)
        waited_ms, watched = cpu.waited_ms(running.pid("control")), time.monotonic()
        ended = _calls(running, folder)
        later, then_on_time = _looks(running)
        starved = (cpu.waited_ms(running.pid("control")) - waited_ms) / (1_000 * (time.monotonic() - watched))
        child.terminate()
        told = _said(child, "messages")
        share = (then_on_time - on_time) / max(1.0, later - looks)
        return Sockets(
            int(opened["open"]),
            int(told["alive"]),
            sum(row["outcome"].startswith(("hung-up", "cancelled")) for row in ended),
            CALLS_S * SECONDS - sum(row["outcome"].startswith(("hung-up", "cancelled")) for row in ended),
            told["messages"] / told["seconds"],
            share,
            later - looks,
            setup_s,
            starved,
        )
    finally:
        child.kill()
        child.wait()


def _calls(running: Lab, folder: Path) -> list[dict[str, Any]]:
    """Callers of every queue of the country by turns, who give up after a while."""
    queues = yaml.safe_load(NATIONAL.read_text(encoding="utf-8"))["queues"]
    (folder / "numbers").write_text("\n".join(queue["numbers"][0] for queue in queues))
    words = [sys.executable, str(HERE / "call_waiters.py"), f"--server={running.sip[0]}:{running.sip[1]}"]
    words += [f"--numbers={folder / 'numbers'}", f"--count={CALLS_S * SECONDS}", f"--rate={CALLS_S}"]
    words += [f"--talk-ms={HOLD_MS}", f"--give-up-ms={HOLD_MS}", "--first=50000000"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()  # all have called
    time.sleep(HOLD_MS / 1_000 + 2)
    child.terminate()
    output, _ = child.communicate(timeout=60)
    rows: list[dict[str, Any]] = json.loads(output)
    return rows


def _said(child: "subprocess.Popen[str]", key: str) -> dict[str, float]:
    """The next line with that key; what comes before it is shown."""
    assert child.stdout is not None
    for line in child.stdout:
        data: dict[str, float] = json.loads(line)
        if key in data:
            return data
        print(line.strip())
    raise SystemExit("the consoles' process ended early")


def _looks(running: Lab) -> tuple[float, float]:
    metrics = asyncio.run(running.metrics())
    return metrics["kak_loop_lag_seconds_count"], metrics[f'kak_loop_lag_seconds_bucket{{le="{LAG_S}"}}']
