"""`make bench-load`: a real control process and media worker under more calls than a bad day brings, one run each.

Signalling: 50 calls/s for a minute beside 300 calls that stay up. Media: 20 calls/s with sound both ways. Overload:
three times 50 calls/s, a third of them emergency calls. No operator is needed: the queues answer and announce.
docs/benchmarks.md says how to read it.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cpu
import sip_caller
from call import RTP_PORTS, TEMPLATE, alone
from figures import Check, environment, last_line, percentile, table
from kak_sim.lab import Lab, Ports, reserved_ports, write_config
from sip_peers import HERE

EMERGENCY, NORMAL = "113", "116117"
ESTABLISHED = 300
LAG_S = 0.02  # of the event loop: at most one look in a hundred may be later
ANSWER_S = 4.0  # an emergency INVITE has something better than 100 by then
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run showed. `on_time`: share of the loop's own looks that were not later than LAG_S."""

    name: str
    calls: int
    failed: int
    answer_ms: list[float]
    on_time: float
    control: float  # CPUs it used
    worker: float
    starved: float  # share of the time in which control's loop was ready and had no CPU


def config(folder: Path, ports: Ports) -> Path:
    """One room; two queues that answer at once."""
    queues = [
        {
            "id": number,
            "name": {"nb": number, "en": number},
            "numbers": [int(number)],
            "class": kind,
            "rooms": ["bench"],
            "offer_timeout_ms": 15_000,
            "wrap_up_ms": 1_000,
            "waiting": "announce",
        }
        for number, kind in ((EMERGENCY, "emergency"), (NORMAL, "normal"))
    ]
    person = {"username": "kari", "name": "Kari", "password": "lab", "roles": ["operator"], "rooms": ["bench"]}
    changes = {
        "rooms": [{"id": "bench", "name": "Bench", "kind": "amk", "positions": 1}],
        "queues": queues,
        "operators": [person],
        "radio": {"gateways": [], "talkgroups": []},
        "sip": {"devices": []},
        "media": {"rtp_port_min": RTP_PORTS[0], "rtp_port_max": RTP_PORTS[1]},
    }
    return write_config(TEMPLATE, folder, ports, changes)


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """A control process and a worker of their own for each run: what one leaves behind must not disturb the next."""
    folder.mkdir()
    with reserved_ports() as ports:
        running = Lab(folder, config(folder, ports), ports, simulators=False)
        try:
            asyncio.run(running.start())
            yield running
        except BaseException:
            print(running.tail("control"))
            raise
        finally:
            asyncio.run(running.stop())


def loop_looks(running: Lab) -> tuple[float, float]:
    """How often the event loop looked at its own lateness, and how often it was on time."""
    metrics = asyncio.run(running.metrics())
    return metrics["kak_loop_lag_seconds_count"], metrics[f'kak_loop_lag_seconds_bucket{{le="{LAG_S}"}}']


class Watch:
    """The server's own figures between the beginning and `end` of a run."""

    def __init__(self, running: Lab) -> None:
        self._lab = running
        self._begin_s = time.monotonic()
        self._looks = loop_looks(running)
        self._waited_ms = cpu.waited_ms(running.pid("control"))
        self._control, self._worker = (cpu.read(running.pid(name)) for name in ("control", "worker"))

    def end(self, name: str, results: list[sip_caller.Result]) -> Seen:
        """The figures of a run that made these calls."""
        took_ms = (time.monotonic() - self._begin_s) * 1000
        looks, on_time = (now - before for now, before in zip(loop_looks(self._lab), self._looks, strict=True))
        control = cpu.read(self._lab.pid("control")).since(self._control)
        worker = cpu.read(self._lab.pid("worker")).since(self._worker)
        return Seen(
            name,
            sum(result.done + result.failed for result in results),
            sum(result.failed for result in results),
            [ms for result in results for ms in result.answer_ms],
            on_time / max(1.0, looks),
            control.total_ms / took_ms,
            worker.total_ms / took_ms,
            (cpu.waited_ms(self._lab.pid("control")) - self._waited_ms) / took_ms,
        )


def signalling(running: Lab, folder: Path, seconds: float) -> Seen:
    """50 calls/s beside 300 that stay."""
    port = running.sip[1]
    hold_ms = int((seconds + 25) * 1000)
    stays = folder / "stays"
    staying = sip_caller.start(
        port, stays, ESTABLISHED, rate=30, at_once=ESTABLISHED, hold_ms=hold_ms, scenario="uac_load", number=NORMAL
    )
    time.sleep(ESTABLISHED / 30 + SETTLE_S)
    watch = Watch(running)
    goes = folder / "goes"
    going = sip_caller.start(
        port, goes, int(50 * seconds), rate=50, at_once=5_000, hold_ms=500, scenario="uac_load", number=NORMAL
    )
    second = sip_caller.finish(going, goes, seconds + 60)
    seen = watch.end("signalling: 50/s, 300 up", [second])
    first = sip_caller.finish(staying, stays, hold_ms / 1000 + 60)
    return replace(seen, calls=seen.calls + ESTABLISHED, failed=seen.failed + ESTABLISHED - first.done)


def media(running: Lab, folder: Path, seconds: float) -> Seen:
    """20 calls/s of a second each, whose callers send and must hear something."""
    watch = Watch(running)
    host, port = running.sip
    words = [f"--server={host}:{port}", "--rate=20", f"--seconds={seconds}", "--talk-ms=1000", "--first=41000000"]
    child = subprocess.run(
        [sys.executable, str(HERE / "call_callers.py"), *words],
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 120,
        check=True,
    )
    calls = json.loads(child.stdout)["calls"]
    well = sum(call["outcome"] == "hung-up" and call["heard"] > 0 for call in calls)
    times = [(call["answered_ns"] - call["invited_ns"]) / 1e6 for call in calls if call["answered_ns"]]
    (folder / "calls.json").write_text(child.stdout)
    return watch.end("media: 20/s with RTP", [sip_caller.Result(well, len(calls) - well, 0, seconds, times)])


def overload(running: Lab, folder: Path, seconds: float, times: float) -> tuple[Seen, Seen]:
    """So many times 50 calls/s; every third is an emergency call."""
    port, rate = running.sip[1], 50 * times
    watch = Watch(running)
    runs = []
    for number, scenario, share in ((EMERGENCY, "uac_emergency", 1 / 3), (NORMAL, "uac_normal", 2 / 3)):
        into = folder / number
        calls = int(rate * share * seconds)
        process = sip_caller.start(
            port, into, calls, rate=rate * share, at_once=20_000, hold_ms=500, scenario=scenario, number=number
        )
        runs.append((process, into))
    emergency, normal = (sip_caller.finish(process, into, seconds + 80) for process, into in runs)
    return (
        watch.end(f"overload {rate:g}/s: emergency", [emergency]),
        watch.end(f"overload {rate:g}/s: others", [normal]),
    )


def show(every: list[Seen]) -> None:
    """The table."""
    heading = ["run", "calls", "failed", "INVITE to 200: p50 ms", "p99 ms", "worst ms"]
    rows = [[*heading, "loop on time %", "CPUs control", "worker", "control had no CPU %"]]
    for seen in every:
        times = [percentile(seen.answer_ms, share) for share in (0.5, 0.99, 1.0)]
        cells = [f"{100 * seen.on_time:.2f}", f"{seen.control:.2f}", f"{seen.worker:.2f}", f"{100 * seen.starved:.1f}"]
        rows.append([seen.name, str(seen.calls), str(seen.failed), *(f"{ms:.0f}" for ms in times), *cells])
    print(table(rows))


def judge(every: list[Seen]) -> list[Check]:
    """The goals."""
    checks = []
    for seen in every[:2]:
        checks.append(Check(f"{seen.name}: calls that failed", float(seen.failed), 0))
        checks.append(Check(f"{seen.name}: share of looks at the loop within 20 ms", seen.on_time, 0.99, ">="))
    emergency = every[2]
    checks.append(Check(f"{emergency.name}: calls that failed", float(emergency.failed), 0))
    checks.append(
        Check(f"{emergency.name}: INVITE to answer, worst s", percentile(emergency.answer_ms, 1) / 1e3, ANSWER_S)
    )
    return checks


def main() -> int:
    """Command line; exit code 0 when it could be measured, whatever the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each of the three runs")
    parser.add_argument("--overload", type=float, default=3.0, help="times 50 calls/s")
    arguments = parser.parse_args()
    env = environment()
    every: list[Seen] = []
    with alone(), tempfile.TemporaryDirectory(prefix="kak-load-") as name:
        folder = Path(name)
        with lab(folder / "signalling") as running:
            every.append(signalling(running, folder / "signalling", arguments.seconds))
        with lab(folder / "media") as running:
            every.append(media(running, folder / "media", arguments.seconds))
        with lab(folder / "overload") as running:
            every += overload(running, folder / "overload", arguments.seconds / 2, arguments.overload)
            metrics = asyncio.run(running.metrics())
    show(every)
    told = ("refused", "fault", "busy", "overload", "shed")
    for key, value in sorted(metrics.items()):
        if value and "_created" not in key and any(word in key for word in told):
            print(f"in the overload the server counted {key} {value:g}")
    checks = judge(every)
    print()
    for check in checks:
        print(f"{'met ' if check.ok else 'MISSED'} {check.name}: {check.value:.3f} (goal {check.op} {check.goal:g})")
    print(last_line("load", checks, env))
    return 0


if __name__ == "__main__":
    sys.exit(main())
