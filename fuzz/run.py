"""Run the fuzzers one after the other: `python -m fuzz.run [--seconds N] [TARGET ...]` (make fuzz).

Each target runs in its own process under atheris, its corpus in build/fuzz/TARGET. Then its work is measured (see
linear.py). An input that breaks an invariant is kept as fuzz/regressions/TARGET/NAME, where the ordinary tests find it
from then on. Ends with 1 when anything was found.
"""

import argparse
import hashlib
import subprocess
import sys
import time
import traceback
from pathlib import Path

from fuzz.linear import Slow, measure
from fuzz.targets.index import NAMES, ROOT, load, seeds

WORK = ROOT.parent / "build" / "fuzz"
SECONDS = 600
_INPUT_TIMEOUT_S = 20
_RSS_MAX_MB = 2_048


def fuzz(name: str, seconds: int) -> list[Path]:
    """Fuzz one target. The inputs that broke it, as libFuzzer saved them."""
    corpus, crashes = WORK / name / "corpus", WORK / name / "crashes"
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    for old in crashes.iterdir():
        old.unlink()
    for seed_name, data in seeds(name):
        (corpus / f"seed-{seed_name}").write_bytes(data)
    arguments = [
        f"-max_total_time={seconds}",
        f"-max_len={min(load(name).MAX_BYTES, 8_192)}",
        f"-timeout={_INPUT_TIMEOUT_S}",
        f"-rss_limit_mb={_RSS_MAX_MB}",
        f"-artifact_prefix={crashes}/",
        "-print_final_stats=1",
    ]
    log = WORK / name / "log.txt"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "fuzz.one", name, *arguments, str(corpus)]
        # The fuzzer ends itself; the limit is for one that does not
        done = subprocess.run(
            command, cwd=ROOT.parent, stdout=output, stderr=subprocess.STDOUT, timeout=seconds + 300, check=False
        )
    text = log.read_text(encoding="utf-8", errors="replace")
    runs = [line.split()[-1] for line in text.splitlines() if line.startswith("stat::number_of_executed_units")]
    print(f"  {runs[0] if runs else '?'} inputs, corpus {len(list(corpus.iterdir()))}", flush=True)
    found = sorted(crashes.iterdir())
    if done.returncode and not found:
        print(text[-3_000:])
        raise SystemExit(f"fuzz.one {name} ended with {done.returncode}, see {log}")
    return found


def keep(name: str, path: Path) -> Path:
    """Make a crash a regression test: named after its kind, what it raised and its content."""
    data = path.read_bytes()
    kind = path.name.partition("-")[0]  # crash, timeout, oom, leak
    if kind == "crash":
        try:
            load(name).check(data)
        except Exception as problem:  # noqa: BLE001  whatever it is, it names the file
            traceback.print_exc()
            kind = type(problem).__name__
    folder = ROOT / "regressions" / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:10]}"
    kept.write_bytes(data)
    return kept


def report_slow(name: str, slow: list[Slow]) -> None:
    """Print what is not linear and save a sample of each."""
    for one in slow:
        sample = WORK / name / f"slow-{hashlib.sha256(one.sample).hexdigest()[:10]}"
        sample.write_bytes(one.sample)
        print(f"  not linear: {one.name}: {one.ratio:.1f} times the work a byte at ten times the size, see {sample}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each target")
    options = parser.parse_args()
    found = 0
    for name in options.targets or NAMES:
        print(f"{name}: fuzzing {options.seconds} s", flush=True)
        began_s = time.monotonic()
        crashes = fuzz(name, options.seconds)
        for crash in crashes:
            print(f"  broken: {keep(name, crash).relative_to(ROOT.parent)}", flush=True)
        slow = []
        if not crashes:
            corpus = [path.read_bytes() for path in sorted((WORK / name / "corpus").iterdir())]
            slow = measure(load(name), corpus, min(60.0, options.seconds / 4))
            report_slow(name, slow)
        found += len(crashes) + len(slow)
        verdict = "holds" if not crashes and not slow else "BROKEN"
        print(f"  {verdict}, {time.monotonic() - began_s:.0f} s", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
