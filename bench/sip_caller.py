"""sipp as the callers of the SIP benchmark: so many calls, and what became of them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import sip_peers


@dataclass(frozen=True, slots=True)
class Result:
    """What sipp saw of one run."""

    done: int
    failed: int
    retransmissions: int
    seconds: float
    answer_ms: list[float]  # INVITE to 200, of each call


NOTHING = Result(0, 0, 0, 0.0, [])


def command(
    port: int, folder: Path, calls: int, rate: float, at_once: int, hold_ms: int, scenario: str, number: str
) -> list[str]:
    """sipp's command line. A message it does not wait for (a late 100) fails no call, whoever sent it; -aa: it answers
    those who ask inside the call whether it is still there."""
    path = sip_peers.HERE / "peers" / f"{scenario}.xml"
    return [
        *("sipp", "-sf", str(path), "-s", number, "-i", sip_peers.HOST, "-nostdin", "-aa"),
        *("-default_behaviors", "all,-abortunexp"),
        *("-m", str(calls), "-r", f"{rate:g}", "-l", str(at_once), "-d", str(hold_ms)),
        *("-trace_rtt", "-rtt_freq", "1", "-trace_stat", "-fd", "1", "-stf", str(folder / "stat.csv")),
        *("-buff_size", "1048576", f"{sip_peers.HOST}:{port}"),
    ]


def start(
    port: int,
    folder: Path,
    calls: int,
    *,
    rate: float,
    at_once: int,
    hold_ms: int = 0,
    scenario: str = "uac",
    number: str = "113",
) -> subprocess.Popen[str]:
    """Begin to call; `finish` waits for the end."""
    folder.mkdir(parents=True, exist_ok=True)
    words = command(port, folder, calls, rate, at_once, hold_ms, scenario, number)
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


def finish(process: subprocess.Popen[str], folder: Path, timeout_s: float) -> Result:
    """Wait, and read what sipp wrote. A run that does not end in time is ended, its open calls have failed."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(10)
    names, *_, last = (line.rstrip(";").split(";") for line in (folder / "stat.csv").read_text().splitlines())
    row = dict(zip(names, last, strict=False))
    times = [
        float(line.split(";")[1])
        for path in folder.glob("*_rtt.csv")
        for line in path.read_text().splitlines()[1:]
        if line.count(";") == 2
    ]
    made, done = int(row["TotalCallCreated"]), int(row["SuccessfulCall(C)"])
    return Result(done, made - done, int(row["Retransmissions(C)"]), _seconds(row["ElapsedTime(C)"]), times)


def _seconds(text: str) -> float:
    """HH:MM:SS:microseconds, or with milliseconds behind a dot."""
    parts = text.replace(".", ":").split(":")
    hours, minutes, seconds = (int(part) for part in parts[:3])
    fraction = parts[3] if len(parts) > 3 else "0"
    return hours * 3600 + minutes * 60 + seconds + float(f"0.{fraction}")
