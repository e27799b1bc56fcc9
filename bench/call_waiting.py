"""`make bench-call-waiting`: calls through the whole path while ten thousand others wait.

190 rooms and 400 queues with skills, workflows and overflow. First the callers who will wait: real SIP calls on 180,
from telephones without sound. Then, in the midst of them: calls for which somebody with the right skill is free; and
robots who work off the queue, so that everyone who becomes free is offered the next at once. In the end the journal is
replayed, and each offer held against everybody who waited. docs/benchmarks.md says how to read it.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import call_order
import cpu
from call import HERE, Phase, alone, latencies, show_cpu
from call_waiting_world import BUSY_ROOM, FREE_ROOM, config, free_numbers, people, waiting_numbers
from figures import Check, environment, last_line, latency_row, percentile, table
from kak_sim.lab import Lab, reserved_ports

CPU_MS, OFFER_P50_MS, OFFER_P99_MS, NEXT_P50_MS, NEXT_P99_MS = 5.0, 3.0, 10.0, 3.0, 20.0
LAG_S, ON_TIME_MIN = 0.02, 0.99
FIRST_WAITER, FIRST_CALLER = 50_000_000, 40_000_000
SETTLE_S = 1.0
PROCESS_S = 200.0


class Run:
    """The system under test and the processes around it."""

    def __init__(self, lab: Lab, arguments: argparse.Namespace) -> None:
        self.lab = lab
        self.arguments = arguments
        self.children: list[subprocess.Popen[str]] = []

    def start(self, script: str, *words: str) -> subprocess.Popen[str]:
        """A process of callers or robots."""
        child = subprocess.Popen([sys.executable, str(HERE / script), *words], stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def said(self, child: "subprocess.Popen[str]") -> Any:
        """The next line of a process."""
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise SystemExit(f"{child.args!r} ended early\n{self.lab.tail('control')}")
        return json.loads(line)

    def robots(self, name: str, rows: list[tuple[str, str]]) -> "subprocess.Popen[str]":
        """These, available."""
        path = self.lab.folder / name
        path.write_text("\n".join(" ".join(row) for row in rows))
        wrap_up = f"--wrap-up-ms={self.arguments.wrap_up_ms}"
        child = self.start("call_robots.py", f"--url={self.lab.base_url}", f"--people={path}", wrap_up)
        self.said(child)
        return child

    def server(self) -> str:
        """Where callers call."""
        return f"--server={self.lab.sip[0]}:{self.lab.sip[1]}"

    def crowd(self) -> tuple["subprocess.Popen[str]", dict[str, float]]:
        """Those who will wait, all there."""
        arguments, path = self.arguments, self.lab.folder / "numbers"
        path.write_text("\n".join(waiting_numbers()))
        words = [self.server(), f"--numbers={path}", f"--count={arguments.waiting}", f"--rate={arguments.fill_rate}"]
        words += [f"--talk-ms={arguments.talk_ms}", f"--first={FIRST_WAITER}"]
        child = self.start("call_waiters.py", *words)
        return child, self.said(child)

    def phase(self, name: str, seconds: float, rate: float = 0.0) -> Phase:
        """Measured for so long; with calls at a rate for the robots that are free."""
        phase, pids = Phase(name), {one: self.lab.pid(one) for one in ("control", "worker")}
        before, waited = {one: cpu.read(pid) for one, pid in pids.items()}, cpu.waited_ms(pids["control"])
        began = time.monotonic()
        if rate:
            words = [self.server(), f"--rate={rate}", f"--seconds={seconds}", f"--talk-ms={self.arguments.talk_ms}"]
            child = self.start("call_callers.py", *words, f"--first={FIRST_CALLER}", "--numbers", *free_numbers())
            output, _ = child.communicate(timeout=seconds + PROCESS_S)
            phase.calls = json.loads(output)["calls"]
            if amiss := Counter(call["outcome"] for call in phase.calls if call["outcome"] != "hung-up"):
                print(f"{name}: not all went well: {dict(amiss)}", flush=True)
            time.sleep(SETTLE_S)
        else:
            time.sleep(seconds)
        phase.seconds = time.monotonic() - began
        phase.control = cpu.read(pids["control"]).since(before["control"])
        phase.worker = cpu.read(pids["worker"]).since(before["worker"])
        starved = (cpu.waited_ms(pids["control"]) - waited) / 10 / phase.seconds
        print(f"{name}: control was ready and had no CPU {starved:.0f} % of the time", flush=True)
        return phase

    @staticmethod
    def finish(child: "subprocess.Popen[str]") -> list[dict[str, Any]]:
        """End a process; what it tells last."""
        child.terminate()
        output, _ = child.communicate(timeout=60)
        rows: list[dict[str, Any]] = json.loads(output.splitlines()[-1])
        return rows


def looks(lab: Lab) -> tuple[float, float]:
    """The loop's looks at itself, and those in time."""
    metrics = asyncio.run(lab.metrics())
    return metrics["kak_loop_lag_seconds_count"], metrics[f'kak_loop_lag_seconds_bucket{{le="{LAG_S}"}}']


def measure(run: Run) -> tuple[list[Phase], list[dict[str, list[float]]], list[Check]]:
    """Fill up, then the phases."""
    arguments = run.arguments
    at_work = people(arguments.busy + arguments.more, BUSY_ROOM)
    free = run.robots("free", people(arguments.free, FREE_ROOM))
    crowd, there = run.crowd()
    waiting, failed, seconds = (there[key] for key in ("waiting", "failed", "seconds"))
    print(f"{waiting:.0f} callers wait, {failed:.0f} failed, after {seconds:.0f} s", flush=True)
    resident = [cpu.resident_bytes(run.lab.pid(name)) / 1e6 for name in ("control", "worker")]
    print(f"resident then: control {resident[0]:.0f} MB, worker {resident[1]:.0f} MB", flush=True)
    time.sleep(arguments.settle_s)
    before = looks(run.lab)
    idle = run.phase("idle among those who wait", 3.0)
    steady = run.phase(f"somebody free, {arguments.rate:g}/s", arguments.seconds, arguments.rate)
    between = looks(run.lab)
    busy, backlog_ns = run.robots("busy", at_work[: arguments.busy]), time.time_ns()
    backlog = run.phase("out of the queue", arguments.backlog_seconds)
    more, rush_ns = run.robots("more", at_work[arguments.busy :]), time.time_ns()
    rush = run.phase(f"the same, {len(at_work)} at it", arguments.rush_seconds)
    after = looks(run.lab)
    answered = [row for row in run.finish(crowd) if row["outcome"].startswith("hung-up")]
    for row in answered:
        row["outcome"] = "hung-up"
    for phase, begun_ns in ((backlog, backlog_ns), (rush, rush_ns)):
        until_ns = begun_ns + phase.seconds * 1e9
        phase.calls = [row for row in answered if begun_ns < row["answered_ns"] <= until_ns]
    handled = run.finish(busy) + run.finish(more)
    found = [latencies(steady, run.finish(free)), latencies(backlog, handled), latencies(rush, handled)]
    phases = [steady, backlog, rush]
    checks = [Check("callers who wait", waiting, arguments.waiting, ">=")]
    for name, earlier, later in ((steady.name, before, between), (backlog.name, between, after)):
        share = (later[1] - earlier[1]) / max(1.0, later[0] - earlier[0])
        checks.append(Check(f"loop within {LAG_S * 1000:g} ms, {name}", share, ON_TIME_MIN, ">="))
    show_cpu(idle, phases)
    return phases, found, checks


def judge(phases: list[Phase], found: list[dict[str, list[float]]], order: call_order.Order) -> list[Check]:
    """The goals."""
    checks = []
    for phase in phases:
        spent_ms = (phase.control.total_ms + phase.worker.total_ms) / max(1, phase.done)
        checks.append(Check(f"CPU ms per call, {phase.name}", spent_ms, CPU_MS))
    offer, free = found[0]["INVITE to offer"], found[1]["free to next offer"]
    return [
        *checks,
        Check("INVITE to offer p50 ms", percentile(offer, 0.5), OFFER_P50_MS),
        Check("INVITE to offer p99 ms", percentile(offer, 0.99), OFFER_P99_MS),
        Check("free to next offer p50 ms", percentile(free, 0.5), NEXT_P50_MS),
        Check("free to next offer p99 ms", percentile(free, 0.99), NEXT_P99_MS),
        Check("offers out of order", len(order.late), 0),
    ]


def benchmark(arguments: argparse.Namespace, folder: Path) -> int:
    """All of it; exit code 0 when it could be measured, whatever the figures."""
    env, began = environment(), time.monotonic()
    with reserved_ports() as ports:
        path = config(folder, ports, arguments.free, arguments.busy + arguments.more, arguments.durability)
        lab = Lab(folder, path, ports, simulators=False)
        run = Run(lab, arguments)
        try:
            asyncio.run(lab.start())
            phases, found, checks = measure(run)
        finally:
            for child in run.children:
                if child.poll() is None:
                    child.kill()
                    child.wait()
            for name in ("control", "worker"):  # nobody says goodbye to ten thousand here
                if lab.running(name):
                    asyncio.run(lab.kill(name))
    rows = [["latency, ms", "count", "p50", "p90", "p99", "worst"]]
    for phase, steps in zip(phases, found, strict=True):
        rows += [latency_row(f"{phase.name}: {name}", values) for name, values in steps.items() if values]
    print(table(rows))
    order = call_order.read(lab.data_dir / "journal")
    print(f"{order.offers} offers in the journal, {order.waiting_most} waited at most; out of order: {len(order.late)}")
    for line in order.late[:5]:
        print(f"  {line}")
    checks = [*checks, *judge(phases, found, order)]
    print(f"{time.monotonic() - began:.0f} s in all\n")
    for check in checks:
        print(f"{'met ' if check.ok else 'MISSED'} {check.name}: {check.value:.2f} (goal {check.op} {check.goal:g})")
    print(last_line("call-waiting", checks, env))
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--fill-rate", type=float, default=200.0, help="calls a second of those who will wait")
    parser.add_argument("--settle-s", type=float, default=55.0, help="until all have been through their workflows")
    parser.add_argument("--free", type=int, default=40, help="robots with the skill that calls to somebody free need")
    parser.add_argument("--busy", type=int, default=40, help="robots who work off the queue")
    parser.add_argument("--more", type=int, default=80, help="robots who join them: calls come thick")
    parser.add_argument("--rate", type=float, default=15.0, help="calls a second to those who are free")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--backlog-seconds", type=float, default=20.0)
    parser.add_argument("--rush-seconds", type=float, default=15.0)
    parser.add_argument("--talk-ms", type=int, default=500)
    parser.add_argument("--wrap-up-ms", type=int, default=1500)
    parser.add_argument("--durability", choices=("write", "disk"), default="write")
    arguments = parser.parse_args()
    with alone(), tempfile.TemporaryDirectory(prefix="kak-bench-") as folder:
        return benchmark(arguments, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
