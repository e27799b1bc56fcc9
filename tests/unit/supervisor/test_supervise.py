"""The supervisor over real processes: order, restart, failure at start, stopping."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kak_server.model.errors import StartupError
from kak_server.supervisor import supervise
from kak_server.supervisor.child import Spec
from kak_server.supervisor.probe import until
from kak_server.supervisor.supervise import Managed, Supervisor, ending

# Says in a shared file when it is up and when it stops, so that the order can be read.
SERVICE = """
import pathlib, signal, sys, time
name, diary, code = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
def note(word):
    with diary.open("a") as file:
        file.write(f"{name} {word}\\n")
def stop(*_):
    note("stops")
    sys.exit(code)
signal.signal(signal.SIGTERM, stop)
note("up")
time.sleep(60)
"""


class Bench:
    """A folder, a diary the processes write to, and what the supervisor said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.diary = folder / "diary"
        self.said: list[str] = []

    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines() if self.diary.exists() else []

    def managed(self, name: str, code: str = SERVICE, exit_code: int = 0, stop_timeout_s: float = 5) -> Managed:
        argv = (sys.executable, "-c", code, name, str(self.diary), str(exit_code))
        spec = Spec(name, argv, self.folder / f"{name}.log", self.folder / f"{name}.pid", stop_timeout_s)
        return Managed(spec, lambda: self._wrote(f"{name} up"))

    async def _wrote(self, line: str) -> bool:
        return line in self.lines()

    async def until_lines(self, test: Callable[[list[str]], bool]) -> None:
        async def reached() -> bool:
            return test(self.lines())

        assert await until(reached, timeout_s=10), self.lines()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_started_in_one_order_stopped_in_another(bench: Bench) -> None:
    supervisor = Supervisor([bench.managed("a"), bench.managed("b")], ["b", "a"], bench.said.append)
    await supervisor.run(supervisor.stop)
    assert bench.lines() == ["a up", "b up", "b stops", "a stops"]
    assert bench.said == ["stopping b", "stopping a"]


async def test_what_is_killed_is_started_again(bench: Bench) -> None:
    supervisor = Supervisor([bench.managed("a"), bench.managed("b")], ["a", "b"], bench.said.append)
    ready = asyncio.Event()
    running = asyncio.create_task(supervisor.run(ready.set))
    await ready.wait()
    first = supervisor.pid("a")
    os.kill(first, signal.SIGKILL)
    await bench.until_lines(lambda lines: lines.count("a up") == 2)
    assert supervisor.pid("a") != first
    supervisor.stop()
    await running
    assert bench.said == ["a stopped (SIGKILL); starting it again now", "stopping a", "stopping b"]
    assert bench.lines().count("b up") == 1


async def test_a_process_that_ends_at_start_is_told_with_its_last_words(bench: Bench) -> None:
    broken = bench.managed("b", "import sys; print('no such port'); sys.exit(2)")
    supervisor = Supervisor([bench.managed("a"), broken], ["b", "a"], bench.said.append)
    with pytest.raises(StartupError, match=r"b stopped \(exit code 2\), see .*b\.log:\n  \| no such port"):
        await supervisor.run(lambda: pytest.fail("it was not ready"))
    assert bench.lines() == ["a up", "a stops"], "what had been started is stopped"


async def test_a_program_that_does_not_exist(bench: Bench) -> None:
    spec = Spec("a", ("/nonexistent/program",), bench.folder / "a.log", bench.folder / "a.pid", 1)
    supervisor = Supervisor([Managed(spec, bench.managed("a").ready)], ["a"], bench.said.append)
    with pytest.raises(StartupError, match=r"a could not be started: .*No such file"):
        await supervisor.run(lambda: None)


async def test_a_process_that_is_never_ready(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "READY_TIMEOUT_S", 0.3)
    slow = bench.managed("a", "import time; time.sleep(60)")
    with pytest.raises(StartupError, match=r"a was not ready in 0\.3 s"):
        await Supervisor([slow], ["a"], bench.said.append).run(lambda: None)
    assert not slow.spec.pid_file.exists(), "it was stopped"


async def test_stopping_while_starting(bench: Bench) -> None:
    slow = bench.managed("a", "import time; time.sleep(60)")
    supervisor = Supervisor([slow, bench.managed("b")], ["a", "b"], bench.said.append)
    running = asyncio.create_task(supervisor.run(lambda: pytest.fail("it was not ready")))
    await asyncio.sleep(0.2)
    supervisor.stop()
    await asyncio.wait_for(running, 20)
    assert bench.lines() == []


async def test_the_second_stop_does_not_wait(bench: Bench) -> None:
    draining = SERVICE.replace('note("stops")', 'note("drains"); time.sleep(60)')
    supervisor = Supervisor([bench.managed("a", draining, stop_timeout_s=60)], ["a"], bench.said.append)
    running = asyncio.create_task(supervisor.run(supervisor.stop))
    await bench.until_lines(lambda lines: "a drains" in lines)
    supervisor.stop()
    await asyncio.wait_for(running, 20)
    assert bench.said[-1].startswith("a ended with SIGKILL")


async def test_leftovers_are_ended_before_a_new_start(bench: Bench) -> None:
    managed = bench.managed("a")
    left = await asyncio.create_subprocess_exec(*managed.spec.argv, start_new_session=True)
    managed.spec.pid_file.write_text(str(left.pid))
    await bench.until_lines(lambda lines: "a up" in lines)
    waiting = asyncio.ensure_future(left.wait())
    await Supervisor([managed], ["a"], bench.said.append).end_leftovers()
    assert await waiting == 0
    assert bench.said == ["ended a a process that an earlier run had left behind"]


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (-9, "SIGKILL"), (-200, "signal 200")])
def test_endings_in_words(code: int, words: str) -> None:
    assert ending(code) == words
