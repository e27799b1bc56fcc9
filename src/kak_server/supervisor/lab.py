"""`kak-server lab`: the whole lab in one command.

Start: media worker, simulators, control; each must be ready before the next. Then the addresses are printed. A process
that dies is started again. Ctrl-C (or SIGTERM): control first, which drains while the worker still carries its calls;
then the worker, then the simulators. A second Ctrl-C ends the drain.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from kak_server.config.settings import SOURCE_TREE, Settings
from kak_server.model.errors import StartupError
from kak_server.model.light import frozen
from kak_server.supervisor.child import Spec
from kak_server.supervisor.commands import control_argv, simulator_argv, worker_argv
from kak_server.supervisor.preflight import check_lab
from kak_server.supervisor.probe import http_answers, unix_socket_answers
from kak_server.supervisor.supervise import Managed, Supervisor

LAB_CONFIG = SOURCE_TREE / "configs" / "lab.yaml"
STOP_ORDER = ("control", "worker", "simulators")
STOP_MARGIN_S = 5.0
SHOWN_MAX = 6


@frozen
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
        asyncio.run(_run(settings, options))
    return 0


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """One lab a data folder."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(f"another lab runs with the data folder {path.parent}: stop it first") from None
        yield


async def _run(settings: Settings, options: LabOptions) -> None:
    processes = list(plan(settings, options))
    supervisor = Supervisor(processes, STOP_ORDER, lambda text: print(f"lab: {text}", flush=True))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.end_leftovers()
    check_lab(settings, simulators=options.simulators)
    logs = [(managed.spec.name, managed.spec.log) for managed in processes]
    await supervisor.run(lambda: print(banner(settings, logs), flush=True))
    print("lab: everything has stopped", flush=True)


def plan(settings: Settings, options: LabOptions) -> Iterator[Managed]:
    """The processes, in the order of their start."""

    def spec(name: str, argv: Sequence[str], stop_timeout_s: float) -> Spec:
        folder = settings.data_dir
        return Spec(name, tuple(argv), folder / "logs" / f"{name}.log", folder / "run" / f"{name}.pid", stop_timeout_s)

    yield Managed(spec("worker", worker_argv(settings), 15), lambda: unix_socket_answers(settings.worker_socket))
    if options.simulators and settings.radio.gateways:
        world = None if options.config.resolve() == LAB_CONFIG.resolve() else options.config
        argv = simulator_argv(settings, world=world, calls_per_minute=options.calls_per_minute)
        url = urlsplit(settings.server.lab_simulator_url)
        host, port = url.hostname or "127.0.0.1", url.port or 80
        yield Managed(spec("simulators", argv, 10), lambda: http_answers(host, port, "/state", tls=False))
    http = settings.server.http
    at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)
    drain_s = settings.server.drain_timeout_s + STOP_MARGIN_S
    yield Managed(
        spec("control", control_argv(options.config, options.overrides), drain_s),
        lambda: http_answers(at, http.port, "/healthz", tls=http.tls is not None),
    )


def banner(settings: Settings, logs: Sequence[tuple[str, Path]]) -> str:
    """What a person needs to begin: where, who, which numbers."""
    people = [person for person in settings.operators if person.password is not None][:SHOWN_MAX]
    lines = ["", f"  {settings.server.name} is ready. Ctrl-C stops everything (twice: without waiting for calls).", ""]
    lines.append(f"  console      {settings.http_url}")
    lines += [f"  sign in as   {person.username} / {person.password}   ({person.name})" for person in people]
    for listener in settings.sip_listeners:
        transports = ", ".join(transport.upper() for transport in listener.transports)
        where = f"{settings.sip_address}:{listener.port}"
        lines.append(f"  SIP          {where} ({transports}), or press Ring in the lab panel")
    for queue in settings.queues[:SHOWN_MAX]:
        if queue.numbers:
            lines.append(f"  number       {queue.numbers[0]} -> {queue.display_name()}")
    if settings.radio.gateways:
        lines.append(f"  radio        {settings.radio.gateways[0].url}, {len(settings.radio.talkgroups)} talkgroups")
        lines.append(f"  simulators   {settings.server.lab_simulator_url}/docs")
    lines += [f"  log          {name}: {os.path.relpath(path)}" for name, path in logs]
    return "\n".join([*lines, ""])
