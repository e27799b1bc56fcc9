"""The media worker's process: `python -m kak_server.media.worker --socket PATH ...`.

It belongs to a supervisor, not to the control process: it ignores SIGINT (a Ctrl-C in the lab's terminal is for the
supervisor) and SIGHUP, and SIGTERM ends it after its recordings are complete.
"""

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path

import uvloop

from kak_server.media import rpc
from kak_server.media.engine.opus import OpusUnavailableError, library
from kak_server.media.worker import log
from kak_server.media.worker.aiortc_hooks import warm_up
from kak_server.media.worker.engines import CHOICES, EngineUnavailableError, engine_of
from kak_server.media.worker.recording_paths import spread_days
from kak_server.media.worker.server import RpcServer
from kak_server.media.worker.webrtc_leg import all_closed
from kak_server.media.worker.worker import Worker, WorkerSettings

EXIT_USAGE = 2
ORPHAN_CHECK_S = 1.0
CLOSE_WAIT_S = 1.0
NICE = -10


class StartError(Exception):
    """Why the worker cannot start, in words for a person."""


def parse(argv: list[str]) -> tuple[WorkerSettings, Path | None]:
    """The command line as settings, and the log file. Exits with 2 on a bad one."""
    parser = argparse.ArgumentParser(prog="kak_server.media.worker", description="kak-server's media worker")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--recordings", type=Path, required=True, help="folder for recordings")
    parser.add_argument("--prompts", type=Path, required=True, help="folder of prompts; made where missing")
    parser.add_argument("--ice-ports", type=_port_range, required=True, metavar="MIN-MAX")
    parser.add_argument("--address", required=True, help="addresses browsers reach this machine at, by comma")
    parser.add_argument("--log-file", type=Path)
    parser.add_argument("--engine", choices=CHOICES, default="auto", help="native, numpy, or the first that is there")
    parser.add_argument("--orphan-exit-s", type=float, default=float(rpc.ORPHAN_EXIT_S))
    args = parser.parse_args(argv)
    addresses = tuple(part.strip() for part in args.address.split(",") if part.strip())
    if not addresses:
        parser.error("--address: at least one address is needed")
    settings = WorkerSettings(
        args.socket, args.recordings, args.prompts, args.ice_ports, addresses, max(0.1, args.orphan_exit_s), args.engine
    )
    return settings, args.log_file


def _port_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    ports = int(first), int(last or first)
    if not 0 < ports[0] <= ports[1] < 65_536:
        raise ValueError(text)
    return ports


def claim_socket(path: Path) -> socket.socket:
    """Listen on `path`, replacing what a dead worker left. Raises StartError if a living one has it."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except FileNotFoundError:
        pass
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise StartError(f"{path}: {problem}") from problem
    else:
        raise StartError(f"{path}: another media worker is listening there")
    finally:
        probe.close()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # commands are for this user only
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        listener.bind(str(path))
    except OSError as problem:
        listener.close()
        raise StartError(f"{path}: {problem}") from problem
    finally:
        os.umask(before)
    return listener


async def serve(settings: WorkerSettings, listener: socket.socket) -> None:
    """Run until SIGTERM, or until orphaned for too long."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    worker = Worker(settings)
    await loop.run_in_executor(None, worker.prompts.ensure)
    warm_up()
    rpc_server = RpcServer(worker)
    server = await loop.create_unix_server(rpc_server.make_connection, sock=listener)
    worker.start()
    gc.collect()
    gc.freeze()  # what lives for ever needs no looking at
    engine = worker.engine
    log.logger().info(
        "worker.started", boot=worker.boot, socket=str(settings.socket), pid=os.getpid(), engine=engine.name
    )
    if engine.why:
        log.logger().warning("worker.numpy_engine", why=engine.why)
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), ORPHAN_CHECK_S)
        except TimeoutError:
            alone_s = time.monotonic() - rpc_server.alone_since
            if rpc_server.active is None and not worker.legs and alone_s > settings.orphan_exit_s:
                log.logger().info("worker.orphaned", alone_s=int(alone_s))
                break
    server.close()
    await worker.finish_recordings()
    rpc_server.close()
    worker.stop()
    settings.socket.unlink(missing_ok=True)
    await all_closed(CLOSE_WAIT_S)  # a browser that is told makes its new connection at once
    log.logger().info("worker.stopped")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 after a clean stop, 2 when it cannot start."""
    settings, log_file = parse(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        log.configure(log_file)
        settings.recordings.mkdir(parents=True, exist_ok=True)
        spread_days(str(settings.recordings))
        library()
        engine_of(settings.engine)
        listener = claim_socket(settings.socket)
    except (StartError, OpusUnavailableError, EngineUnavailableError, OSError) as problem:
        print(f"media worker: {problem}", file=sys.stderr)
        return EXIT_USAGE
    _before_others()
    uvloop.run(serve(settings, listener))
    return 0


def _before_others() -> None:
    """Audio is late after 20 ms, everything else on this machine after much longer: ask for the processor first."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except OSError as problem:
        log.logger().info("worker.no_priority", problem=str(problem))


if __name__ == "__main__":
    sys.exit(main())
