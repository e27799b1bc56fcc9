"""`make bench-sip`: INVITE/200/ACK/BYE over UDP against our SIP stack answering by itself, beside its peers.

sipp calls (a) our full stack, (b) aiosipua, (c) sippy, (d) Kamailio's tm with both allocators, one after the other:
as fast as each can, then at half of that. docs/benchmarks.md says what each does and lacks.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cpu
import sip_caller
import sip_peers
from figures import Check, environment, last_line, percentile, table
from sip_peers import Server, running

AT_ONCE = 50  # calls under way when a server is asked for all it can
OVER_MS = 32_000  # 64*T1: by then nothing of a call may be left (RFC 3261 17)
SLACK_S = 4.0
PYTHON_PEERS = ("aiosipua", "sippy")


@dataclass(slots=True)
class Figures:
    """What was measured of one server."""

    name: str
    per_cpu_s: float  # calls per CPU second, as many as it takes
    per_s: float
    half: sip_caller.Result
    failed: int
    memory_mb: float | None = None  # of 10,000 established dialogs


def cpu_ms(server: Server) -> float:
    """All of the server's processes."""
    return sum(cpu.read(pid).total_ms for pid in cpu.family(server.process.pid))


def rss_mb(server: Server) -> float:
    """Resident memory of the server's processes."""
    return sum(cpu.resident_bytes(pid) for pid in cpu.family(server.process.pid)) / 2**20


def speed(name: str, folder: Path, arguments: argparse.Namespace) -> tuple[Figures, dict[str, float]]:
    """All it can, then half of that; of ours also what is left when all is over."""
    calls = arguments.calls * (4 if name.startswith("kamailio") else 1)
    with running(name, folder) as server:
        warm = sip_caller.start(server.port, folder / "warm", 200, rate=500, at_once=AT_ONCE)
        sip_caller.finish(warm, folder / "warm", 30)
        before_ms = cpu_ms(server)
        process = sip_caller.start(server.port, folder / "full", calls, rate=20_000, at_once=AT_ONCE)
        full = sip_caller.finish(process, folder / "full", 60)
        per_cpu_s = full.done / max(0.001, (cpu_ms(server) - before_ms) / 1000)
        per_s = full.done / full.seconds
        half_calls = int(min(per_s / 2 * arguments.half_seconds, 20_000))
        process = sip_caller.start(server.port, folder / "half", half_calls, rate=per_s / 2, at_once=10_000)
        half = sip_caller.finish(process, folder / "half", arguments.half_seconds * 2 + 35)
        left: dict[str, float] = {}
        if name == "kak-server":
            time.sleep(OVER_MS / 1000 + SLACK_S)
            left = server.census()
    return Figures(name, per_cpu_s, per_s, half, full.failed + half.failed), left


def memory(name: str, folder: Path, arguments: argparse.Namespace) -> float:
    """Resident memory that established dialogs take, per 10,000."""
    with running(name, folder) as server:
        before_mb = rss_mb(server)
        ramp_s = arguments.dialogs / arguments.dialog_rate
        hold_ms = int((ramp_s + 12) * 1000)
        into = folder / "memory"
        process = sip_caller.start(
            server.port, into, arguments.dialogs, rate=arguments.dialog_rate, at_once=arguments.dialogs, hold_ms=hold_ms
        )
        try:
            time.sleep(ramp_s + 8)
            grown_mb = rss_mb(server) - before_mb
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    return grown_mb * 10_000 / arguments.dialogs


def show(every: list[Figures]) -> None:
    """The table."""
    rows = [
        [
            *("server", "calls per CPU s", "calls/s at most", "at half: p50 ms", "p99 ms", "worst ms"),
            *("sent again", "failed", "MB per 10,000 dialogs"),
        ]
    ]
    for one in every:
        times = [percentile(one.half.answer_ms, share) for share in (0.5, 0.99, 1.0)]
        memory_mb = "no dialogs" if one.memory_mb is None else f"{one.memory_mb:.0f}"
        rows.append(
            [
                *(one.name, f"{one.per_cpu_s:.0f}", f"{one.per_s:.0f}", *(f"{ms:.1f}" for ms in times)),
                *(str(one.half.retransmissions), str(one.failed), memory_mb),
            ]
        )
    print(table(rows))


def judge(every: list[Figures], left: dict[str, float]) -> list[Check]:
    """The goals."""
    ours = every[0]
    best = max((one.per_cpu_s for one in every if one.name in PYTHON_PEERS), default=float("nan"))
    held = sum(left.get(name, float("nan")) for name in ("calls", "dialogs", "transactions", "timers", "records"))
    return [
        Check("calls per CPU s, times the best Python peer", ours.per_cpu_s / best, 1.3, ">="),
        Check("aim: calls per CPU s, times the best Python peer", ours.per_cpu_s / best, 2.0, ">="),
        Check("INVITE to 200 p99 ms at half of the maximum", percentile(ours.half.answer_ms, 0.99), 20),
        Check("calls that failed", float(ours.failed), 0),
        Check("calls, dialogs, transactions, timers, records left", held, 0),
    ]


def main() -> int:
    """Command line; exit code 0 when it could be measured, whatever the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=6_000, help="calls at full speed (Kamailio: four times as many)")
    parser.add_argument("--half-seconds", type=float, default=8.0, help="length of the run at half of the maximum")
    parser.add_argument("--dialogs", type=int, default=10_000)
    parser.add_argument("--dialog-rate", type=float, default=500.0, help="calls a second while dialogs are made")
    arguments = parser.parse_args()
    env = environment()
    for problem in sip_peers.install():
        print(problem)
    every: list[Figures] = []
    left: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="kak-bench-") as name:
        for server in sip_peers.names():
            folder = Path(name) / server.replace(" ", "")
            folder.mkdir()
            figures, held = speed(server, folder, arguments)
            left = left or held
            if not server.startswith("kamailio"):
                figures.memory_mb = memory(server, folder, arguments)
            every.append(figures)
            print(f"measured {server}", flush=True)
    print()
    show(every)
    print(f"\nleft of our calls {OVER_MS // 1000} s after the last: {left}")
    checks = judge(every, left)
    for check in checks:
        print(f"{'met ' if check.ok else 'MISSED'} {check.name}: {check.value:.2f} (goal {check.op} {check.goal:g})")
    print(last_line("sip", checks, env))
    return 0


if __name__ == "__main__":
    sys.exit(main())
