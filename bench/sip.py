"""`make bench-sip`: INVITE/200/ACK/BYE over UDP against our SIP stack answering by itself, beside its peers.

sipp calls (a) our full stack, (b) aiosipua, (c) sippy, (d) Kamailio's tm with both allocators: as fast as each can, in
turns, then at half of that. docs/benchmarks.md says what each does and lacks.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cpu
import sip_caller
import sip_peers
import sip_semantics
from figures import Check, environment, last_line, percentile, table
from sip_peers import Server, running
from sip_semantics import Verdicts

AT_ONCE = 50  # calls under way when a server is asked for all it can
OVER_MS = 32_000  # 64*T1: by then nothing of a call may be left (RFC 3261 17)
SLACK_S = 4.0
RAMP_S = 25  # for setting up the dialogs whose memory is measured
PYTHON_PEERS = ("aiosipua", "sippy")


@dataclass(slots=True)
class Figures:
    """What was measured of one server."""

    name: str
    per_cpu_s: float = 0.0  # calls per CPU second, given as many as it takes
    per_s: float = 0.0
    half: sip_caller.Result = sip_caller.NOTHING
    failed: int = 0
    no_cpu: float = 0.0  # share of the run at half of the rate in which it was ready and others had the CPU
    held_ms: float = float("nan")  # in that run, of ours: the longest its loop was busy with one thing, CPU time
    memory_mb: float | None = None  # of 10,000 established dialogs


def cpu_ms(server: Server) -> float:
    """All of the server's processes."""
    return sum(cpu.read(pid).total_ms for pid in cpu.family(server.process.pid))


def rss_mb(server: Server) -> float:
    """Resident memory of the server's processes."""
    return sum(cpu.resident_bytes(pid) for pid in cpu.family(server.process.pid)) / 2**20


def speed(
    servers: list[Server], folder: Path, arguments: argparse.Namespace
) -> tuple[list[Figures], dict[str, float], Verdicts]:
    """All each can, in turns, of which the best counts: whatever else runs on the machine disturbs for a moment only.
    Then half of that, one after the other; of ours also what is left when all is over, and meanwhile which rules each
    of them keeps."""
    every = [Figures(server.name) for server in servers]
    for turn in range(-1, arguments.turns):  # the first is for warming up and not counted
        for server, figures in zip(servers, every, strict=True):
            calls = 300 if turn < 0 else arguments.calls * (4 if server.name.startswith("kamailio") else 1)
            into = folder / server.name / str(turn)
            before_ms, begin_s = cpu_ms(server), time.monotonic()
            process = sip_caller.start(server.port, into, calls, rate=20_000, at_once=AT_ONCE)
            full = sip_caller.finish(process, into, 60)
            spent_s, took_s = (cpu_ms(server) - before_ms) / 1000, time.monotonic() - begin_s
            if turn >= 0:
                figures.failed += full.failed
                figures.per_cpu_s = max(figures.per_cpu_s, full.done / spent_s)
                figures.per_s = max(figures.per_s, full.done / took_s)
    for server, figures in zip(servers, every, strict=True):
        rate = figures.per_s / 2
        into = folder / server.name / "half"
        calls = int(min(rate * arguments.half_seconds, 20_000))
        if server is servers[0]:
            server.census()
        waited_ms, begin_s = cpu.waited_ms(server.process.pid), time.monotonic()
        process = sip_caller.start(server.port, into, calls, rate=rate, at_once=10_000)
        figures.half = sip_caller.finish(process, into, arguments.half_seconds * 2 + 35)
        waited_ms, took_s = cpu.waited_ms(server.process.pid) - waited_ms, time.monotonic() - begin_s
        figures.no_cpu = waited_ms / 1000 / took_s
        figures.failed += figures.half.failed
        if server is servers[0]:
            ended_s = time.monotonic()
            figures.held_ms = server.census()["held_ms"]
        print(f"measured {server.name}", flush=True)
    with sip_peers.all_running(folder) as fresh:
        verdicts = asyncio.run(sip_semantics.ask_all({server.name: server.port for server in fresh}))
    time.sleep(max(0.0, ended_s + OVER_MS / 1000 + SLACK_S - time.monotonic()))
    return every, servers[0].census(), verdicts


def memory(figures: Figures, folder: Path, arguments: argparse.Namespace) -> float:
    """Resident memory (MB) that established dialogs take, per 10,000: of a fresh server, and as many as it can take up
    in a moment."""
    rate = min(arguments.dialog_rate, figures.per_s / 2)
    dialogs = int(min(arguments.dialogs, rate * RAMP_S))
    with running(figures.name, folder) as server:
        before_mb = rss_mb(server)
        ramp_s = dialogs / rate
        into = folder / figures.name / "memory"
        hold_ms = int((ramp_s + 30) * 1000)
        process = sip_caller.start(server.port, into, dialogs, rate=rate, at_once=dialogs, hold_ms=hold_ms)
        try:
            time.sleep(ramp_s + 3)
            grown_mb = rss_mb(server) - before_mb
        finally:
            process.kill()
            process.wait()
    return float(grown_mb * 10_000 / dialogs)


def show(every: list[Figures]) -> None:
    """The table."""
    rows = [
        [
            *("server", "calls per CPU s", "calls/s at most", "at half: p50 ms", "p99 ms", "worst ms", "had no CPU"),
            *("sent again", "failed", "MB per 10,000 dialogs"),
        ]
    ]
    for one in every:
        times = [percentile(one.half.answer_ms, share) for share in (0.5, 0.99, 1.0)]
        memory_mb = "no dialogs" if one.memory_mb is None else f"{one.memory_mb:.0f}"
        rows.append(
            [
                *(one.name, f"{one.per_cpu_s:.0f}", f"{one.per_s:.0f}", *(f"{ms:.1f}" for ms in times)),
                f"{one.no_cpu:.1%}",
                *(str(one.half.retransmissions), str(one.failed), memory_mb),
            ]
        )
    print(table(rows))


def ratios(every: list[Figures], verdicts: Verdicts) -> tuple[float, float]:
    """Our calls per CPU second as a multiple of those of the best Python peer that loses and doubles no call when a
    datagram is lost or comes twice, and of the fastest of all. NaN where there is none."""
    peers = [one for one in every if one.name in PYTHON_PEERS]
    ours, nan = every[0].per_cpu_s, float("nan")
    sound = [one.per_cpu_s for one in peers if sip_semantics.passes(verdicts[one.name])]
    return ours / max(sound, default=nan), ours / max((one.per_cpu_s for one in peers), default=nan)


def judge(every: list[Figures], left: dict[str, float], sound: float) -> list[Check]:
    """The goals. `sound`: see `ratios`."""
    ours = every[0]
    held = sum(left.get(name, float("nan")) for name in ("calls", "dialogs", "transactions", "timers", "records"))
    return [
        Check("calls per CPU s, times the best Python peer that loses and doubles no call", sound, 1.3, ">="),
        Check("aim: calls per CPU s, times the same", sound, 2.0, ">="),
        Check("INVITE to 200 p99 ms at half of the maximum", percentile(ours.half.answer_ms, 0.99), 20),
        Check("longest the loop was held in that run, CPU ms", ours.held_ms, 20),
        Check("calls that failed", float(ours.failed), 0),
        Check("calls, dialogs, transactions, timers, records left", held, 0),
    ]


def main() -> int:
    """Command line; exit code 0 when it could be measured, whatever the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000, help="calls of a turn at full speed (Kamailio: four times)")
    parser.add_argument("--turns", type=int, default=4, help="turns at full speed, of which the best counts")
    parser.add_argument("--half-seconds", type=float, default=8.0, help="length of the run at half of the maximum")
    parser.add_argument("--dialogs", type=int, default=10_000)
    parser.add_argument("--dialog-rate", type=float, default=500.0, help="calls a second while dialogs are made")
    parser.add_argument(
        "--real-time", action="store_true", help="before all other work on the machine (root; that work stands still)"
    )
    arguments = parser.parse_args()
    env = environment()
    if arguments.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # servers and callers inherit it
        env["real_time"] = 1
    for problem in sip_peers.install():
        print(problem)
    with tempfile.TemporaryDirectory(prefix="kak-bench-") as name:
        folder = Path(name)
        with contextlib.ExitStack() as running_now:
            servers = [running_now.enter_context(running(peer, folder)) for peer in sip_peers.names()]
            every, left, verdicts = speed(servers, folder, arguments)
        for figures in every:
            if not figures.name.startswith("kamailio"):
                figures.memory_mb = memory(figures, folder, arguments)
    print()
    show(every)
    print(f"\nleft of our calls {OVER_MS // 1000} s after the last: {left}")
    sound, fastest = ratios(every, verdicts)
    print(f"\n{sip_semantics.show(verdicts)}\n")
    for one in every[1:]:
        fails = "" if sip_semantics.passes(verdicts[one.name]) else " (breaks a mandatory rule)"
        print(f"ours is {every[0].per_cpu_s / one.per_cpu_s:.2f} times {one.name}{fails}")
    checks = judge(every, left, sound)
    for check in checks:
        print(f"{'met ' if check.ok else 'MISSED'} {check.name}: {check.value:.2f} (goal {check.op} {check.goal:g})")
    rules = {name: [rule for rule, verdict in found.items() if not verdict.ok] for name, found in verdicts.items()}
    speeds = {one.name: round(one.per_cpu_s) for one in every}
    reported = {
        "calls per CPU s": speeds,
        "times the fastest Python peer": round(fastest, 3),
        "rules broken": rules,
    }
    print(last_line("sip", checks, env, reported))
    return 0


if __name__ == "__main__":
    sys.exit(main())
