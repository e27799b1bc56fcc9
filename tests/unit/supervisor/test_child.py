"""Real processes: started in their own session, logged, stopped, found again by the next supervisor."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from kak_server.supervisor import child as child_module
from kak_server.supervisor.child import Child, Spec, end_leftover, tail

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
TALKATIVE = "import sys; print('to stdout'); print('to stderr', file=sys.stderr); sys.exit(3)"


def spec(folder: Path, code: str, stop_timeout_s: float = 5) -> Spec:
    argv = (sys.executable, "-c", code)
    return Spec("thing", argv, folder / "logs" / "thing.log", folder / "run" / "thing.pid", stop_timeout_s)


async def until_logged(log: Path, word: str) -> None:
    for _ in range(200):
        if word in "".join(tail(log)):
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{word!r} never came")


async def test_output_goes_to_the_log_and_the_code_is_told(tmp_path: Path) -> None:
    what = spec(tmp_path, TALKATIVE)
    running = await Child.start(what)
    assert what.pid_file.read_text().strip() == str(running.pid)
    assert await running.wait() == 3
    assert sorted(tail(what.log)) == ["to stderr", "to stdout"]
    assert not what.pid_file.exists()


async def test_it_has_a_session_of_its_own(tmp_path: Path) -> None:
    running = await Child.start(spec(tmp_path, "import time; time.sleep(60)"))
    assert os.getsid(running.pid) == running.pid != os.getsid(0)
    assert await running.stop() == -signal.SIGTERM


async def test_who_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    what = spec(tmp_path, STUBBORN, stop_timeout_s=0.2)
    running = await Child.start(what)
    await until_logged(what.log, "up")
    assert await running.stop() == -signal.SIGKILL


async def test_stopping_the_stopped_is_harmless(tmp_path: Path) -> None:
    running = await Child.start(spec(tmp_path, TALKATIVE))
    assert await running.wait() == 3
    assert await running.stop() == 3


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    what = Spec("thing", ("/nonexistent/program",), tmp_path / "l" / "a.log", tmp_path / "r" / "a.pid", 1)
    with pytest.raises(FileNotFoundError):
        await Child.start(what)


async def test_a_leftover_is_ended(tmp_path: Path) -> None:
    what = spec(tmp_path, "print('up', flush=True); import time; time.sleep(60)")
    left = await Child.start(what)
    await until_logged(what.log, "up")
    waiting = asyncio.ensure_future(left.wait())
    assert await end_leftover(what) is True
    assert await waiting == -signal.SIGTERM
    assert await end_leftover(what) is False


async def test_another_program_with_that_pid_is_left_alone(tmp_path: Path) -> None:
    what = spec(tmp_path, "pass")
    what.pid_file.parent.mkdir(parents=True)
    what.pid_file.write_text(f"{os.getpid()}\n")
    assert await end_leftover(what) is False
    assert not what.pid_file.exists()


@pytest.mark.parametrize("text", ["", "not a number", "999999999"])
async def test_a_pid_file_that_means_nothing(tmp_path: Path, text: str) -> None:
    what = spec(tmp_path, "pass")
    what.pid_file.parent.mkdir(parents=True)
    what.pid_file.write_text(text)
    assert await end_leftover(what) is False


async def test_logs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "LOG_BYTES_MAX", 10)
    what = spec(tmp_path, TALKATIVE)
    for _ in range(3):
        await (await Child.start(what)).wait()
    assert len(what.log.read_text().splitlines()) == 2
    assert sorted(path.name for path in what.log.parent.iterdir()) == ["thing.log", "thing.log.1"]


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert tail(log) == []
    log.write_text("".join(f"line {n}\n" for n in range(10_000)))
    assert tail(log)[-1] == "line 9999"
    assert len(tail(log)) == child_module.TAIL_LINES
