"""uvicorn inside the control loop: binds first (a taken port is a readable error), leaves signals to `app`, stops
gracefully, and drops connections that never finish a request."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from kak_server.console.aio.shell import Shell
from kak_server.console.aio.tls import self_signed

FIRST_REQUEST_S = 20.0  # a new connection must have sent the head of a request by then
KEEP_ALIVE_S = 30
HEAD_MAX_BYTES = 32_768
CONNECTIONS_MAX = 8_192
STOP_PATIENCE_S = 5
START_PATIENCE_S = 10.0


class TlsFiles(Protocol):
    """Files of a certificate, or the wish for one of our own making."""

    @property
    def cert(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...
    @property
    def self_signed(self) -> bool: ...


class Listener(Protocol):
    """Where to listen, and whether with TLS (None: plain HTTP)."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> TlsFiles | None: ...


class ListenError(OSError):
    """The address cannot be listened on; the text says why, for a person."""


class ConsoleServer:
    """The console's HTTP server. `start` raises ListenError; `stop` returns when all connections are closed."""

    def __init__(self, app: FastAPI, listener: Listener, data_dir: Path, names: Sequence[str] = ()) -> None:
        self._app = app
        self._listener = listener
        self._data_dir = data_dir
        self._names = names  # further names of this machine, for a certificate of our own
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port listened on (the real one when 0 was asked for). Raises RuntimeError before `start`."""
        if self._socket is None:
            raise RuntimeError("the server has not been started")
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen. Returns when requests are taken."""
        certificate, key = await self._tls_files()
        self._socket = bind(self._listener.host, self._listener.port)
        try:
            config = uvicorn.Config(
                self._app,
                http=_Protocol,
                ws="websockets-sansio",
                loop="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,  # paths hold citizens' links; metrics count requests
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_PATIENCE_S,
                limit_concurrency=CONNECTIONS_MAX,
                h11_max_incomplete_event_size=HEAD_MAX_BYTES,
                ws_max_size=_shell(self._app).settings.message_max_bytes,
                ws_ping_interval=None,  # the stream has pings of its own, which prove that the page's script lives
                ws_per_message_deflate=False,  # 1,500 compressors cost more memory and time than the bytes they save
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
            config.load()
        except OSError as problem:  # ssl.SSLError is one
            self._socket.close()
            raise ListenError(f"the TLS certificate or key cannot be used: {problem}") from problem
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="console-http")
        await self._started()

    async def stop(self) -> None:
        """No new connections, goodbye to the streams (1012), a few seconds for requests under way."""
        if self._server is None or self._task is None:
            return
        await _shell(self._app).hub.close_readers()
        self._server.should_exit = True
        await self._task

    async def _started(self) -> None:
        assert self._server is not None
        assert self._task is not None
        async with asyncio.timeout(START_PATIENCE_S):
            while not self._server.started:
                if self._task.done():
                    self._task.result()
                    raise ListenError("the HTTP server ended at once")
                await asyncio.sleep(0.005)

    async def _tls_files(self) -> tuple[Path | None, Path | None]:
        tls = self._listener.tls
        if tls is None:
            return None, None
        if not tls.self_signed:
            return tls.cert, tls.key
        hosts = (self._listener.host, *self._names)
        try:
            return await asyncio.to_thread(self_signed, self._data_dir / "tls", hosts)
        except OSError as problem:
            raise ListenError(f"the self-signed certificate cannot be written: {problem}") from problem


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ListenError with a sentence that helps."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as problem:
        raise ListenError(f"the HTTP address {host!r} is not known: {problem.strerror}") from problem
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
        sock.setblocking(False)
    except OSError as problem:
        sock.close()
        reasons = {
            errno.EADDRINUSE: f"HTTP port {port} of {host} is taken by another program",
            errno.EACCES: f"HTTP port {port} needs rights this user has not; choose one of 1024 or more",
            errno.EADDRNOTAVAIL: f"{host} is no address of this machine",
        }
        reason = reasons.get(problem.errno or 0, f"HTTP cannot listen on {host} port {port}: {problem.strerror}")
        raise ListenError(problem.errno, reason) from problem
    return sock


def _shell(app: FastAPI) -> Shell:
    shell = app.state.shell
    assert isinstance(shell, Shell)
    return shell


class _Server(uvicorn.Server):
    """Signals belong to `app`: it drains calls before it stops listening."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, impatient with connections that send no request, and refusing in our shape."""

    _first: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._first = self.loop.call_later(FIRST_REQUEST_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        body = b'{"error":{"code":"bad-request","message":"This is not an HTTP request we understand."}}'
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._first is not None:
            self._first.cancel()
            self._first = None

    def _give_up(self) -> None:
        first_request: object = self.cycle  # None until the head of one is complete, whatever uvicorn's types say
        if first_request is None and not self.transport.is_closing():
            self.transport.close()
