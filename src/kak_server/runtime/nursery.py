"""A small process beside the server that starts other processes for it.

Starting a process holds the interpreter until the new one has begun, which on a busy machine takes tens of
milliseconds, and the loop with it. So one is started with the server, before it takes calls, and starts the others:
those that compact the journal and those that explain calls. It ends with the server, and its children with it.

Requests and answers are JSON, a line each, over its standard input and output.
"""

import base64
import contextlib
import ctypes
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from kak_server.model.light import frozen

CHILDREN_MAX = 4
GRACE_S = 5.0
PR_SET_PDEATHSIG = 1  # prctl(2): a signal when the thread that started us ends


@frozen
class Ran:
    """How a process ended. `problem`: why it did not run to its end, "" if it did; then the rest counts for nothing.
    `stopped`: that was our own closing."""

    code: int = -1
    out: bytes = b""
    err: bytes = b""
    problem: str = ""
    stopped: bool = False


STOPPED = Ran(problem="the server is being stopped", stopped=True)


class Nursery:
    """The server's side. `run` blocks and is for threads; everything else is quick."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._answers: dict[int, Ran | None] = {}
        self._changed = threading.Condition(self._guard)
        self._next = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def start(self) -> None:
        """Before there are calls. Raises OSError."""
        with self._guard:
            self._start()

    def run(self, argv: list[str], timeout_s: float, given: str = "") -> Ran:
        """Run a process to its end, with `given` on its standard input. Never raises."""
        with self._guard:
            if self._closed:
                return STOPPED
            try:
                pipe = self._start()
                self._next += 1
                number = self._next
                self._answers[number] = None
                request = {"id": number, "argv": argv, "timeout_s": timeout_s, "given": given}
                pipe.write(json.dumps(request).encode() + b"\n")
                pipe.flush()
            except OSError as problem:
                return Ran(problem=f"no process could be started: {problem.strerror}")
            self._changed.wait_for(lambda: self._answers[number] is not None, timeout_s + GRACE_S)
            ran = self._answers.pop(number) or Ran(problem=f"it took longer than {timeout_s:.0f} s")
            return self._judged(ran)

    def _judged(self, ran: Ran) -> Ran:
        """What a signal ended as we closed was our own doing."""
        return STOPPED if self._closed and ran.code < 0 else ran

    def close(self) -> None:
        """No more of it; what is under way is given up."""
        with self._guard:
            self._closed = True
            process = self._process
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> IO[bytes]:
        """Its standard input; a new process if there is none, or none any more."""
        if self._process is None or self._process.poll() is not None:
            argv = [sys.executable, "-m", "kak_server.runtime.nursery"]
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            threading.Thread(target=self._read, args=(self._process,), name="nursery", daemon=True).start()
        assert self._process.stdin is not None
        return self._process.stdin

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answer = json.loads(line)
            ran = Ran(answer["code"], base64.b64decode(answer["out"]), answer["err"].encode(), answer["problem"])
            with self._guard:
                if answer["id"] in self._answers:
                    self._answers[answer["id"]] = ran
                    self._changed.notify_all()
        with self._guard:  # it is gone, and its children with it
            for number, known in self._answers.items():
                if known is None:
                    self._answers[number] = Ran(problem="the process was given up")
            self._changed.notify_all()


# --- the process itself -----------------------------------------------------------------------------------------------


class _Children:
    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def run(self, request: dict[str, Any]) -> None:
        answer = {"id": request["id"], "code": -1, "out": "", "err": "", "problem": ""}
        try:
            code, out, err = self._to_the_end(request["argv"], request["timeout_s"], request["given"].encode())
            answer |= {
                "code": code,
                "out": base64.b64encode(out).decode(),
                "err": err.decode(errors="replace")[-4_000:],
            }
        except subprocess.TimeoutExpired:
            answer["problem"] = f"it took longer than {request['timeout_s']:.0f} s"
        except OSError as problem:
            answer["problem"] = f"no process could be started: {problem.strerror}"
        with self._guard:
            self._out.write(json.dumps(answer).encode() + b"\n")
            self._out.flush()

    def _to_the_end(self, argv: list[str], timeout_s: float, given: bytes) -> tuple[int, bytes, bytes]:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._running.add(process)
        if self._ended:  # while it was being started
            process.kill()
        try:
            out, err = process.communicate(given, timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        finally:
            self._running.discard(process)
        return process.returncode, out, err

    def kill(self) -> None:
        self._ended = True
        for process in list(self._running):
            with contextlib.suppress(OSError):
                process.kill()


def end_with_parent() -> None:
    """For a child: whatever ends the process that started it ends it too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Until the standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # told to a whole group they are for the server, who closes us
        signal.signal(number, signal.SIG_IGN)  # (whom we start ignores them too: that goes through exec)
    children = _Children(sys.stdout.buffer)
    pool = ThreadPoolExecutor(CHILDREN_MAX, "child")
    for line in sys.stdin.buffer:
        pool.submit(children.run, json.loads(line))
    children.kill()
    pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
