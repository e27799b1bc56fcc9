"""`kak-server lab`: the whole lab in one command.

Start: media worker, simulators, control; each must be ready before the next. Then the addresses are printed. A process
that dies is started again. Ctrl-C (or SIGTERM): control first, which drains; then the worker, then the simulators. A
second Ctrl-C ends the drain.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kak_server.config.settings import Settings
from kak_server.model.errors import StartupError
from kak_server.supervisor.child import Child, Spec, end_leftover, tail
from kak_server.supervisor.commands import control_argv, simulator_argv, worker_argv
from kak_server.supervisor.policy import RestartPolicy
from kak_server.supervisor.preflight import check_lab
from kak_server.supervisor.probe import http_answers, unix_socket_answers, until

READY_TIMEOUT_S = 60.0
STOP_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class LabOptions:
    """What the command line adds to the configuration."""

    config: Path
    overrides: tuple[str, ...] = ()
    simulators: bool = True
    calls_per_minute: int = 0


def run_lab(settings: Settings, options: LabOptions) -> int:
    """Run the lab until it is told to stop. Exit code. Raises StartupError when something could not start."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(settings.data_dir / "lab.lock"):
        return asyncio.run(_Lab(settings, options).run())


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """One lab a data folder."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(f"another lab runs with the data folder {path.parent}: stop it first") from None
        yield


def _say(text: str) -> None:
    print(text, flush=True)


class _Lab:
    def __init__(self, settings: Settings, options: LabOptions) -> None:
        self._settings = settings
        self._children: dict[str, Child] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._ready: dict[str, Callable[[], Awaitable[bool]]] = {}
        self._specs = list(self._plan(options))

    def _plan(self, options: LabOptions) -> Iterator[Spec]:
        """The processes, in the order of their start."""
        settings = self._settings
        http = settings.server.http
        host = "127.0.0.1" if http.host == "0.0.0.0" else "::1" if http.host == "::" else http.host
        yield self._spec("worker", worker_argv(settings), 15)
        self._ready["worker"] = lambda: unix_socket_answers(settings.worker_socket)
        if options.simulators and settings.radio.gateways:
            yield self._spec("simulators", simulator_argv(settings, calls_per_minute=options.calls_per_minute), 10)
            simulator_http = settings.server.lab_simulator_url.rpartition(":")
            self._ready["simulators"] = lambda: http_answers(
                simulator_http[0].rpartition("/")[2], int(simulator_http[2].strip("/")), "/state", tls=False
            )
        drain_s = settings.server.drain_timeout_s + STOP_MARGIN_S
        yield self._spec("control", control_argv(options.config, options.overrides), drain_s)
        self._ready["control"] = lambda: http_answers(host, http.port, "/healthz", tls=http.tls is not None)

    def _spec(self, name: str, argv: Sequence[str], stop_timeout_s: float) -> Spec:
        folder = self._settings.data_dir
        return Spec(name, tuple(argv), folder / "logs" / f"{name}.log", folder / "run" / f"{name}.pid", stop_timeout_s)

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        try:
            await self._start()
            if not self._stopping.is_set():
                _say(banner(self._settings, [(spec.name, spec.log) for spec in self._specs]))
                await self._stopping.wait()
        finally:
            await self._stop()
        return 0

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def _start(self) -> None:
        for spec in reversed(self._specs):
            if await end_leftover(spec):
                _say(f"lab: ended a {spec.name} process that an earlier lab had left behind")
        check_lab(self._settings)
        for spec in self._specs:
            if self._stopping.is_set():
                return
            await self._start_one(spec)

    async def _start_one(self, spec: Spec) -> None:
        """Start a process and wait until it is ready; StartupError with its last words if it ends before."""
        try:
            child = self._children[spec.name] = await Child.start(spec)
        except OSError as error:
            raise StartupError(f"{spec.name} could not be started: {error}") from None
        ended = asyncio.ensure_future(child.wait())
        ready = asyncio.ensure_future(until(self._ready[spec.name], timeout_s=READY_TIMEOUT_S))
        told = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ended, ready, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if ready.done() and ready.result() and not ended.done():
            self._watchers[spec.name] = asyncio.create_task(self._watch(spec, ended))
            return
        ready.cancel()
        if self._stopping.is_set():
            ended.cancel()
            return
        words = "\n".join(f"  | {line}" for line in tail(spec.log))
        if ended.done():
            del self._children[spec.name]
            raise StartupError(f"{spec.name} stopped ({ending(ended.result())}), see {spec.log}:\n{words}")
        ended.cancel()
        raise StartupError(f"{spec.name} was not ready within {READY_TIMEOUT_S:.0f} s, see {spec.log}:\n{words}")

    async def _watch(self, spec: Spec, ended: "asyncio.Future[int]") -> None:
        """Start the process again whenever it ends."""
        loop = asyncio.get_running_loop()
        policy = RestartPolicy()
        started_s = loop.time()
        while True:
            code = await ended
            delay_ms = policy.delay_ms(int((loop.time() - started_s) * 1000))
            soon = f"in {delay_ms / 1000:g} s" if delay_ms else "now"
            _say(f"lab: {spec.name} stopped ({ending(code)}); starting it again {soon}")
            await asyncio.sleep(delay_ms / 1000)
            started_s = loop.time()
            try:
                child = self._children[spec.name] = await Child.start(spec)
            except OSError as error:
                _say(f"lab: {spec.name} could not be started: {error}")
                ended = loop.create_future()
                ended.set_result(1)
            else:
                ended = asyncio.ensure_future(child.wait())

    async def _stop(self) -> None:
        """Control first, so that calls are drained while the worker still carries them; then the rest."""
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        names = [spec.name for spec in self._specs if spec.name in self._children]
        order = sorted(names, key=["control", "worker", "simulators"].index)
        for name in order:
            _say(f"lab: stopping {name}" + (" (again Ctrl-C: at once)" if name == "control" else ""))
            await self._stop_one(self._children[name])
        if order:
            _say("lab: everything has stopped")

    async def _stop_one(self, child: Child) -> None:
        stopped = asyncio.ensure_future(child.stop())
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({stopped, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not stopped.done():
            child.signal(signal.SIGKILL)
        code = await stopped
        if code not in (0, -signal.SIGTERM):
            _say(f"lab: {child.spec.name} ended with {ending(code)}, see {child.spec.log}")


def ending(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def banner(settings: Settings, logs: Sequence[tuple[str, Path]]) -> str:
    """What a person needs to begin: where, who, which numbers."""
    people = [person for person in settings.operators if person.password is not None][:6]
    sip = settings.sip
    lines = ["", f"  {settings.server.name} is ready. Ctrl-C stops everything.", ""]
    lines.append(f"  console      {settings.http_url}")
    lines += [f"  sign in as   {person.username} / {person.password}   ({person.name})" for person in people]
    transports = "UDP and TCP" if sip.tcp else "UDP"
    lines.append(f"  SIP          {settings.sip_address}:{sip.port} ({transports}), or press Ring in the lab panel")
    for queue in settings.queues[:6]:
        if queue.numbers:
            lines.append(f"  number       {queue.numbers[0]} -> {queue.display_name()}")
    if settings.radio.gateways:
        lines.append(f"  radio        {settings.radio.gateways[0].url}, {len(settings.radio.talkgroups)} talkgroups")
        lines.append(f"  simulators   {settings.server.lab_simulator_url}/docs")
    lines += [f"  log          {name}: {os.path.relpath(path)}" for name, path in logs]
    return "\n".join([*lines, ""])
