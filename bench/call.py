"""`make bench-call`: calls a second through the whole path, with real processes.

INVITE > queue > offer > accept > connected > audio both ways > BYE > wrap-up > next. 50 robot operators on the public
position API with plain RTP telephones; callers over SIP and RTP; both in processes of their own that are not counted.
Three phases: idle; steady (20 calls/s, somebody is always free); backlog (1.3 times what the robots can take, so that
callers wait and every operator who becomes free is offered the next at once). docs/benchmarks.md says how to read it.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cpu
from figures import Check, environment, last_line, latency_row, percentile, table
from kak_sim.lab import Lab, Ports, reserved_ports, write_config

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE.parent / "configs" / "lab.yaml"
RTP_PORTS = (12_000, 15_999)
IDLE_S = 3.0
SETTLE_S = 1.0


@dataclass(slots=True)
class Phase:
    """What was measured while a number of calls went through."""

    name: str
    calls: list[dict[str, Any]] = field(default_factory=list)
    control: cpu.CpuTime = field(default_factory=lambda: cpu.CpuTime(0, 0))
    worker: cpu.CpuTime = field(default_factory=lambda: cpu.CpuTime(0, 0))
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Calls that were answered and properly ended."""
        return sum(call["outcome"] == "hung-up" for call in self.calls)


def config(folder: Path, ports: Ports, robots: int) -> Path:
    """One room, one queue, a robot for every position; the robots end their wrap-up themselves."""
    people = [
        {"username": f"robot-{n}", "name": f"Robot {n}", "password": "lab", "roles": ["operator"], "rooms": ["bench"]}
        for n in range(1, robots + 1)
    ]
    queue = {
        "id": "113",
        "name": {"nb": "113", "en": "113"},
        "numbers": [113],
        "class": "emergency",
        "rooms": ["bench"],
        "offer_timeout_ms": 15_000,
        "wrap_up_ms": 60_000,
        "waiting": "ring",
    }
    changes = {
        "sip": {"devices": []},  # they belong to the lab's own rooms and people
        "rooms": [{"id": "bench", "name": "Bench", "kind": "amk", "positions": robots}],
        "queues": [queue],
        "operators": people,
        "radio": {"gateways": [], "talkgroups": []},
        "media": {"rtp_port_min": RTP_PORTS[0], "rtp_port_max": RTP_PORTS[1]},
    }
    return write_config(TEMPLATE, folder, ports, changes)


class Bench:
    """The lab and the robots; `phase` sends calls through."""

    def __init__(self, lab: Lab, arguments: argparse.Namespace) -> None:
        self.lab = lab
        self.arguments = arguments
        self.first = 40_000_000
        self.robots = self._child(
            "call_robots.py",
            f"--url={lab.base_url}",
            f"--robots={arguments.robots}",
            f"--wrap-up-ms={arguments.wrap_up_ms}",
        )

    def _child(self, script: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, str(HERE / script), *words], stdout=subprocess.PIPE, text=True)

    def ready(self) -> None:
        """Wait until all robots are available."""
        assert self.robots.stdout is not None
        line = self.robots.stdout.readline()
        if not line:
            raise SystemExit(f"the robots did not start\n{self.lab.tail('control')}")

    def phase(self, name: str, rate: float, seconds: float) -> Phase:
        """Calls at the rate for so long, and until the last is over."""
        phase = Phase(name)
        control, worker = cpu.read(self.lab.pid("control")), cpu.read(self.lab.pid("worker"))
        begin_s = time.monotonic()
        if rate:
            self._calls(phase, rate, seconds)
            time.sleep(SETTLE_S)
        else:
            time.sleep(seconds)
        phase.seconds = time.monotonic() - begin_s
        phase.control = cpu.read(self.lab.pid("control")).since(control)
        phase.worker = cpu.read(self.lab.pid("worker")).since(worker)
        return phase

    def _calls(self, phase: Phase, rate: float, seconds: float) -> None:
        host, port = self.lab.sip
        talk = f"--talk-ms={self.arguments.talk_ms}"
        words = [f"--server={host}:{port}", f"--rate={rate}", f"--seconds={seconds}", talk, f"--first={self.first}"]
        child = self._child("call_callers.py", *words)
        output, _ = child.communicate(timeout=seconds + 120)
        if child.returncode != 0:
            raise SystemExit(f"the callers failed\n{self.lab.tail('control')}")
        phase.calls = json.loads(output)["calls"]
        self.first += len(phase.calls)

    def finish(self) -> list[dict[str, Any]]:
        """End the robots; everything they handled."""
        self.robots.terminate()
        output, _ = self.robots.communicate(timeout=30)
        handled: list[dict[str, Any]] = json.loads(output.splitlines()[-1])
        return handled


def latencies(phase: Phase, handled: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Milliseconds between the steps of each call, as the ends saw them on one machine's clock."""
    by_caller = {call["caller"]: call for call in phase.calls}
    found: dict[str, list[float]] = {"INVITE to offer": [], "accept to first audio": [], "free to next offer": []}
    for row in handled:
        call = by_caller.get(row["caller"])
        if call is None:
            continue
        waited = row["free_ns"] and call["invited_ns"] < row["free_ns"]
        if waited:  # somebody waited when the operator became free: the offer is due at once
            found["free to next offer"].append((row["offered_ns"] - row["free_ns"]) / 1e6)
        else:
            found["INVITE to offer"].append((row["offered_ns"] - call["invited_ns"]) / 1e6)
        if row["audio_ns"]:
            found["accept to first audio"].append((row["audio_ns"] - row["accepted_ns"]) / 1e6)
    return found


def show_cpu(idle: Phase, phases: list[Phase]) -> None:
    """CPU time of the server's two processes."""
    rows = [
        ["phase", "calls", "calls/s", "control ms/call", "of it journal thread etc.", "worker ms/call", "sum ms/call"]
    ]
    for phase in phases:
        each = max(1, phase.done)
        control, worker = phase.control.total_ms / each, phase.worker.total_ms / each
        beside = phase.control.others_ms / each
        cells = [control, beside, worker, control + worker]
        rows.append(
            [phase.name, str(phase.done), f"{phase.done / phase.seconds:.1f}", *(f"{cell:.2f}" for cell in cells)]
        )
    print(table(rows))
    idle_s = idle.seconds * 10
    shares = idle.control.total_ms / idle_s, idle.worker.total_ms / idle_s
    print(
        f"\nidle, all robots signed in: control {shares[0]:.1f} %, worker {shares[1]:.1f} % of a CPU (included above)\n"
    )


def measure(arguments: argparse.Namespace, lab: Lab) -> tuple[Phase, list[Phase], list[dict[str, Any]]]:
    """Run the phases."""
    bench = Bench(lab, arguments)
    try:
        bench.ready()
        capacity = arguments.robots / ((arguments.talk_ms + arguments.wrap_up_ms) / 1000)
        idle = bench.phase("idle", 0, IDLE_S)
        steady = bench.phase(f"steady {arguments.rate:g}/s", arguments.rate, arguments.seconds)
        offered = 1.3 * capacity
        backlog = bench.phase(f"backlog {offered:.1f}/s", offered, arguments.backlog_seconds)
        return idle, [steady, backlog], bench.finish()
    finally:
        if bench.robots.poll() is None:
            bench.robots.kill()
            bench.robots.wait()


def both_ways(phases: list[Phase], found: list[dict[str, list[float]]]) -> int:
    """Calls in which packets came to the caller and the caller's sound to the robot."""
    at_callers = sum(call["heard"] > 0 for phase in phases for call in phase.calls)
    at_robots = sum(len(steps["accept to first audio"]) for steps in found)
    return int(min(at_callers, at_robots))


def judge(phases: list[Phase], found: list[dict[str, list[float]]]) -> list[Check]:
    """The goals."""
    steady = phases[0]
    spent_ms = (steady.control.total_ms + steady.worker.total_ms) / max(1, steady.done)
    calls = sum(len(phase.calls) for phase in phases)
    return [
        Check("CPU ms per call, control + journal + worker", spent_ms, 10),
        Check("INVITE to offer p99 ms", percentile(found[0]["INVITE to offer"], 0.99), 20),
        Check("free to next offer p99 ms", percentile(found[1]["free to next offer"], 0.99), 20),
        Check("calls heard at both ends, share", both_ways(phases, found) / max(1, calls), 0.99, ">="),
        Check("calls that went through, share", sum(phase.done for phase in phases) / max(1, calls), 1.0, ">="),
    ]


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """The whole benchmark; exit code 0 when it could be measured, whatever the figures."""
    env = environment()
    with reserved_ports() as ports:
        lab = Lab(folder, config(folder, ports, arguments.robots), ports, simulators=False)
        try:
            asyncio.run(lab.start())
            idle, phases, handled = measure(arguments, lab)
            metrics = asyncio.run(lab.metrics())
        finally:
            asyncio.run(lab.stop())
    print(f"{arguments.robots} robots, {arguments.talk_ms} ms of talk, {arguments.wrap_up_ms} ms of wrap-up\n")
    show_cpu(idle, phases)
    rows = [["latency, ms", "count", "p50", "p90", "p99", "worst"]]
    found = [latencies(phase, handled) for phase in phases]
    for phase, steps in zip(phases, found, strict=True):
        rows += [latency_row(f"{phase.name}: {name}", values) for name, values in steps.items() if values]
    print(table(rows))
    for phase in phases:
        odd = sorted({call["outcome"] for call in phase.calls} - {"hung-up"})
        if odd:
            print(f"{phase.name}: {len(phase.calls) - phase.done} calls did not go through: {', '.join(odd)}")
    wrong = ("refused", "fault", "lost", "alarm")
    for name, value in metrics.items():
        if value and "_created" not in name and any(word in name for word in wrong):
            print(f"the server counted {name} {value:g}")
    checks = judge(phases, found)
    print()
    for check in checks:
        print(f"{'met ' if check.ok else 'MISSED'} {check.name}: {check.value:.2f} (goal {check.op} {check.goal:g})")
    print(last_line("call", checks, env))
    return 0


def alone() -> socket.socket:
    """Hold a port that every run of this benchmark wants: two at once would measure each other."""
    lock = socket.socket()
    try:
        lock.bind(("127.0.0.1", RTP_PORTS[0] - 1))
    except OSError:
        raise SystemExit("another run of this benchmark is under way on this machine; wait for its end") from None
    return lock


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second of the steady phase")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the steady phase")
    parser.add_argument("--backlog-seconds", type=float, default=15.0)
    parser.add_argument("--talk-ms", type=int, default=500)
    parser.add_argument("--wrap-up-ms", type=int, default=1500)
    arguments = parser.parse_args()
    with alone(), tempfile.TemporaryDirectory(prefix="kak-bench-") as folder:
        return run(arguments, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
