"""`make mutants`: plants faults in the routing core, one at a time, and asks who notices.

A mutant is killed by simulated days or by properties (`killers.py`), the cheap ones first, or by using many times the
CPU time that the sound core needs. Survivors must be explained in `survivors.yaml`, by the changed line.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.mutation.killers import KILLERS
from tests.mutation.mutants import Mutant, difference, planted, sample

ROOT = Path(__file__).resolve().parents[2]
ROOM = Path("src/kak_server/routing")
EXPLAINED = Path(__file__).with_name("survivors.yaml")
GOAL = 0.9
CPU_FACTOR, CPU_LEAST_S = 6, 20  # a mutant hangs that needs more than so many times the sound core's time
PATIENCE = 40  # times that again by the clock, on a machine that others use; whoever needs longer is not judged
HANGS = "(hangs)"


class NotJudgedError(Exception):
    """The killer was stopped from outside, or got too little of the machine: nothing is known of the mutant."""


@dataclass(slots=True)
class Verdict:
    """What became of one mutant; `killer` empty: it survived."""

    mutant: Mutant
    text: str
    changed: list[str]
    killer: str = ""
    unknown: bool = False  # a killer could not finish


def _tree(changed: Mapping[str, str]) -> Path:
    """The sources as links, but for the changed modules of the core."""
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    shutil.copytree(ROOT / "src", folder / "src", copy_function=os.link, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("tests", "configs", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    for module, text in changed.items():
        target = folder / ROOM / module
        target.unlink()
        target.write_text(text, encoding="utf-8")
    return folder


def _try(killer: str, changed: Mapping[str, str], cpu_s: int) -> tuple[bool, str]:
    """Whether the killer found nothing within the CPU time; what it found. NotJudgedError if it could not finish."""
    folder = _tree(changed)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder / 'src'}:{folder}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    call = [sys.executable, "-m", "tests.mutation.killers", killer, str(cpu_s)]
    try:
        done = subprocess.run(
            call,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=cpu_s * PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise NotJudgedError(f"{killer} was not done after {late.timeout:.0f} s") from late
    finally:
        shutil.rmtree(folder)
    if done.returncode == -signal.SIGXCPU:
        return False, HANGS
    if done.returncode < 0:
        raise NotJudgedError(f"{killer} was ended by signal {-done.returncode}")
    lines = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else ""


def allowance(killer: str) -> int:
    """The CPU time (s) the killer is given. RuntimeError if it finds something in the sound core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    sound, finding = _try(killer, {}, 3_600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not sound:
        raise RuntimeError(f"{killer} finds something in the sound core: {finding}")
    took_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"--- {killer}: {took_s:.0f} CPU s for the sound core", flush=True)
    return max(CPU_LEAST_S, round(took_s * CPU_FACTOR))


def judge(verdicts: list[Verdict], jobs: int) -> None:
    """Every killer tries those that are alive; the cheap ones first."""
    for killer in KILLERS:
        cpu_s = allowance(killer)

        def attempt(verdict: Verdict, killer: str = killer, cpu_s: int = cpu_s) -> None:
            try:
                missed, finding = _try(killer, {verdict.mutant.module: verdict.text}, cpu_s)
            except NotJudgedError as why:
                verdict.unknown = True
                print(f"{'(not judged)':16} {verdict.mutant.name:60} {why}", flush=True)
                return
            if not missed:
                verdict.killer = f"{killer} {HANGS}" if finding == HANGS else killer
                after = next((line for line in verdict.changed if line.startswith("+")), "(a line is gone)")
                print(f"{verdict.killer:16} {verdict.mutant.name:60} {after}\n{'':16} {finding[:200]}", flush=True)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(attempt, [verdict for verdict in verdicts if not verdict.killer]))


def explanation(verdict: Verdict, known: Mapping[str, str]) -> str:
    """Why nobody can or need notice, or nothing."""
    after = next((line[1:].strip() for line in verdict.changed if line.startswith("+")), "")
    return known.get(f"{verdict.mutant.module}: {after}", "")


def _sum_up(verdicts: list[Verdict], took_s: float, seed: int) -> bool:
    """The survivors with why, and the last line. Whether all is as it should be."""
    known: dict[str, str] = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or {}
    survivors = [verdict for verdict in verdicts if not verdict.killer]
    unexplained = 0
    for verdict in survivors:
        why = "NOT JUDGED: a killer could not finish; plant it again alone" if verdict.unknown else ""
        unexplained += verdict.unknown
        if not why:
            why = explanation(verdict, known)
            unexplained += not why
        print(f"\n{verdict.mutant.name}\n" + "\n".join(verdict.changed) + f"\n  {why or 'NOT EXPLAINED'}")
    killed = len(verdicts) - len(survivors)
    by = Counter(verdict.killer for verdict in verdicts if verdict.killer)
    hung = sum(count for killer, count in by.items() if killer.endswith(HANGS))
    print(f"\n{killed} of {len(verdicts)} killed, {hung} of them hung, in {took_s:.0f} s: {dict(by.most_common())}")
    share = killed / len(verdicts)
    checks = [
        {"name": "mutants killed, share", "value": round(share, 3), "goal": GOAL, "op": ">=", "ok": share >= GOAL},
        {"name": "survivors not explained", "value": unexplained, "goal": 0, "op": "<=", "ok": not unexplained},
    ]
    print(json.dumps({"bench": "mutants", "checks": checks, "env": {"seed": seed, "hung": hung}}))
    return all(check["ok"] for check in checks)


def main() -> int:
    """Command line. 0: enough were killed, and the survivors are explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of the drawn ones those that end so")
    arguments = parser.parse_args()
    begun_s = time.monotonic()
    chosen = sample(ROOT / ROOM, arguments.count, arguments.seed)
    if arguments.only:
        chosen = [mutant for mutant in chosen if mutant.name.endswith(tuple(arguments.only))]
    verdicts = []
    for mutant in chosen:
        source = (ROOT / ROOM / mutant.module).read_text(encoding="utf-8")
        text = planted(source, mutant)
        verdicts.append(Verdict(mutant, text, difference(source, text)))
    judge(verdicts, arguments.jobs)
    return 0 if _sum_up(verdicts, time.monotonic() - begun_s, arguments.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
