"""The process that starts processes: what they say comes back, and nothing of it outlives the server."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kak_server.runtime.nursery import Nursery, Ran


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    made.start()
    yield made
    made.close()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_output_and_code_come_back_as_they_are(nursery: Nursery) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000); sys.stderr.write('oh\\n'); sys.exit(4)"
    ran = nursery.run(python(code), 30)
    assert ran == Ran(4, bytes(range(256)) * 1000, b"oh\n")


def test_what_is_given_is_on_its_standard_input(nursery: Nursery) -> None:
    given = "æøå\n" * 50_000
    ran = nursery.run(python("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"), 30, given)
    assert ran == Ran(0, given.encode())
    assert nursery.run(python("import sys; print(len(sys.stdin.read()))"), 30).out == b"0\n"
    assert nursery.run(python("pass"), 30, given).code == 0, "it need not be read"


def test_several_at_once_each_get_their_own(nursery: Nursery) -> None:
    answers: dict[int, Ran] = {}

    def ask(number: int) -> None:
        answers[number] = nursery.run(python(f"import time; time.sleep({number % 3} / 10); print({number})"), 30)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {number: int(ran.out) for number, ran in answers.items()} == {number: number for number in range(8)}


def test_too_long_and_not_there_are_told(nursery: Nursery) -> None:
    assert nursery.run(python("import time; time.sleep(60)"), 0.3).problem == "it took longer than 0 s"
    assert "could be started" in nursery.run(["/does/not/exist"], 5).problem


def test_one_that_was_killed_is_replaced(nursery: Nursery) -> None:
    assert nursery._process is not None
    first = nursery._process.pid
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    deadline = time.monotonic() + 10
    while (ran := nursery.run(python("print(1)"), 30)).problem and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ran.out == b"1\n"


def test_closing_gives_up_what_is_under_way(nursery: Nursery, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
    answers: list[Ran] = []
    thread = threading.Thread(target=lambda: answers.append(nursery.run(python(code), 50)))
    thread.start()
    deadline = time.monotonic() + 10
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    nursery.close()
    thread.join(10)
    assert answers == [Ran(problem="the server is being stopped", stopped=True)]
    assert gone(int(note.read_text()))
    assert nursery.run(python("print(1)"), 5) == Ran(problem="the server is being stopped", stopped=True)


def test_a_stop_told_to_the_whole_group_ends_nothing_before_the_server_does(nursery: Nursery, tmp_path: Path) -> None:
    assert nursery.run(python("pass"), 30).code == 0, "it has begun"
    assert nursery._process is not None
    note = tmp_path / "pid"
    code = f"""
        import os, pathlib, signal, time
        pathlib.Path({str(note)!r}).write_text(str(os.getpid()))
        time.sleep(1)
        print("done")
    """
    answers: list[Ran] = []
    thread = threading.Thread(target=lambda: answers.append(nursery.run(python(code), 50)))
    thread.start()
    deadline = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in (nursery._process.pid, int(note.read_text())):
        os.kill(pid, signal.SIGTERM)
    thread.join(30)
    assert answers == [Ran(0, b"done\n")]


def test_a_killed_server_leaves_nothing(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    child = (
        "import os, pathlib, time; from kak_server.runtime.nursery import end_with_parent; end_with_parent();"
        f" pathlib.Path({str(note)!r}).write_text(f'{{os.getpid()}} {{os.getppid()}}'); time.sleep(60)"
    )
    server = (
        "import sys; from kak_server.runtime.nursery import Nursery;"
        f" Nursery().run([sys.executable, '-c', {child!r}], 50)"
    )
    process = subprocess.Popen([sys.executable, "-c", server])
    deadline = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert all(gone(int(pid)) for pid in note.read_text().split())
