"""The composition root: everything is built here, and only here do the rooms meet their shells."""

import asyncio
import os
import signal
import sys

import uvloop

from kak_server.app import logs
from kak_server.app.control import Control
from kak_server.config.settings import Settings
from kak_server.runtime.folder import JournalError

EXIT_START = 2


def serve(settings: Settings) -> int:
    """Run the control process until SIGTERM or SIGINT; returns the exit code (2: it could not start)."""
    logs.configure()
    try:
        return uvloop.run(_serve(settings))
    except JournalError as problem:
        print(f"kak-server: {problem}", file=sys.stderr)
        return EXIT_START


async def _serve(settings: Settings) -> int:
    control = Control(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        await control.start()
    except OSError as problem:
        print(f"kak-server: cannot start: {problem.strerror or problem}", file=sys.stderr)
        await control.stop(0)
        return EXIT_START
    control.collector.start()
    loop.add_signal_handler(signal.SIGHUP, control.reload)
    await stop.wait()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, _at_once)  # asked twice: leave now, calls go on in the worker
    await control.stop(settings.server.drain_timeout_s)
    return 0


def _at_once() -> None:
    os._exit(1)
