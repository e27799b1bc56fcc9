"""The gateway's WebSocket server: one IMW-sim v1 session a connection, handed to `Gateway` frame by frame."""

import asyncio

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from kak_server.tetra_gw.codec import MAX_FRAME_BYTES
from kak_sim.tetra.air import Air
from kak_sim.tetra.gateway import Session

SEND_QUEUE_MAX = 8_192
CLOSE_TIMEOUT_S = 1


class GatewayServer:
    """Listens for consoles."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._server: Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Bind and listen; port 0 takes a free one. Raises OSError."""
        self._server = await serve(
            self._serve,
            host,
            port,
            max_size=MAX_FRAME_BYTES,
            ping_interval=None,  # the protocol has its own heartbeat
            compression=None,
            close_timeout=CLOSE_TIMEOUT_S,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port."""
        self._air.gateway.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, socket: ServerConnection) -> None:
        to_send: asyncio.Queue[str] = asyncio.Queue(SEND_QUEUE_MAX)
        closing = asyncio.Event()

        def send(text: str) -> None:
            try:
                to_send.put_nowait(text)
            except asyncio.QueueFull:
                closing.set()  # a console that takes nothing any more

        session = Session(send, lambda _reason: closing.set(), self._air.clock())
        self._air.gateway.opened(session)
        sender = asyncio.create_task(_send_all(socket, to_send))
        closer = asyncio.create_task(_close_when(socket, closing, to_send))
        try:
            async for frame in socket:
                if closing.is_set():
                    break
                self._air.gateway.frame(session, frame)
        except ConnectionClosed:
            pass  # lost without a closing handshake: the same to us
        finally:
            self._air.gateway.closed(session)
            sender.cancel()
            closer.cancel()
            await asyncio.gather(sender, closer, return_exceptions=True)


async def _send_all(socket: ServerConnection, to_send: asyncio.Queue[str]) -> None:
    try:
        while True:
            await socket.send(await to_send.get())
            to_send.task_done()
    except ConnectionClosed:
        return  # the reading side says so too


async def _close_when(socket: ServerConnection, closing: asyncio.Event, to_send: asyncio.Queue[str]) -> None:
    await closing.wait()
    try:
        await asyncio.wait_for(to_send.join(), 0.2)  # the reason, if the peer still takes it
    except TimeoutError:
        pass
    await socket.close()
