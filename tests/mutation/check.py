"""`make mutants`: plants faults in the routing core, one at a time, and asks who notices.

A mutant is killed by simulated days (first a few, then more) or by the property machines of routing; one that does not
even import, or hangs, counts as killed too. Survivors must be explained in `survivors.yaml`, by the changed line.
"""

import argparse
import json
import os
import shutil
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

from tests.mutation.mutants import Mutant, difference, planted, sample

ROOT = Path(__file__).resolve().parents[2]
ROOM = Path("src/kak_server/routing")
EXPLAINED = Path(__file__).with_name("survivors.yaml")
GOAL = 0.9
TIMEOUT_S = 240

KILLERS: Mapping[str, list[str]] = {
    "import": ["-c", "import kak_server.routing.step"],
    "days": ["-m", "kak_sim.cli", "days", "--seeds", "2", "--first", "1", "--jobs", "1"],
    "more days": ["-m", "kak_sim.cli", "days", "--seeds", "20", "--first", "100", "--jobs", "1"],
    "properties": ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/properties/test_routing_machine.py"],
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant; `killer` empty: it survived."""

    mutant: Mutant
    changed: list[str]
    killer: str


def _tree(mutant: Mutant, text: str) -> Path:
    """The sources with the fault in them, as links but for the one file."""
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    shutil.copytree(ROOT / "src", folder / "src", copy_function=os.link, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("tests", "configs", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    target = folder / ROOM / mutant.module
    target.unlink()
    target.write_text(text, encoding="utf-8")
    return folder


def judge(mutant: Mutant) -> Verdict:
    """Plant it and let the killers try in turn."""
    source = (ROOT / ROOM / mutant.module).read_text(encoding="utf-8")
    text = planted(source, mutant)
    folder = _tree(mutant, text)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder / 'src'}:{folder}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    killer = ""
    try:
        for name, command in KILLERS.items():
            try:
                call = [sys.executable, *command]
                done = subprocess.run(
                    call, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False
                )
            except subprocess.TimeoutExpired:
                killer = f"{name} (hangs)"
                break
            if done.returncode != 0:
                killer = name
                break
    finally:
        shutil.rmtree(folder)
    return Verdict(mutant, difference(source, text), killer)


def explanation(verdict: Verdict, known: Mapping[str, str]) -> str:
    """Why nobody can or need notice, or nothing."""
    after = next((line[1:].strip() for line in verdict.changed if line.startswith("+")), "")
    return known.get(f"{verdict.mutant.module}: {after}", "")


def main() -> int:
    """Command line. 0: enough were killed, and the survivors are explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    begun_s = time.monotonic()
    known: dict[str, str] = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or {}
    chosen = sample(ROOT / ROOM, arguments.count, arguments.seed)
    verdicts = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for verdict in pool.map(judge, chosen):
            verdicts.append(verdict)
            print(f"{verdict.killer or 'SURVIVED':12} {verdict.mutant.name}", flush=True)
    survivors = [verdict for verdict in verdicts if not verdict.killer]
    unexplained = 0
    for verdict in survivors:
        why = explanation(verdict, known)
        unexplained += not why
        print(f"\n{verdict.mutant.name}\n" + "\n".join(verdict.changed) + f"\n  {why or 'NOT EXPLAINED'}")
    killed = len(verdicts) - len(survivors)
    by = Counter(verdict.killer for verdict in verdicts if verdict.killer)
    took_s = time.monotonic() - begun_s
    print(f"\n{killed} of {len(verdicts)} killed in {took_s:.0f} s: {dict(by.most_common())}")
    share = killed / len(verdicts)
    checks = [
        {"name": "mutants killed, share", "value": round(share, 3), "goal": GOAL, "op": ">=", "ok": share >= GOAL},
        {"name": "survivors not explained", "value": unexplained, "goal": 0, "op": "<=", "ok": not unexplained},
    ]
    print(json.dumps({"bench": "mutants", "checks": checks, "env": {"seed": arguments.seed}}))
    return 0 if all(check["ok"] for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
