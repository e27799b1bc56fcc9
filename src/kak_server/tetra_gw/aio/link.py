"""The radio gateway's shell: one WebSocket at a time, fed to the driver; frames sent, events told, one timer armed.

Reconnects with back-off for as long as it runs. Events reach `on_event` inside the step that made them, so an interrupt
is told before the next frame is read. A handler may call `command` from inside an event: its outputs follow in order.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from kak_server.tetra_gw.api import Count, Disconnect, Emit, Output, RadioEvent, SendText
from kak_server.tetra_gw.codec import MAX_FRAME_BYTES
from kak_server.tetra_gw.imw_sim import ImwSimDriver

BACKOFF_MIN_MS = 100
BACKOFF_MAX_MS = 5_000
STABLE_AFTER_S = 2  # a session that ended sooner does not count as a success: no hurry towards a sick gateway
OPEN_TIMEOUT_S = 5
CLOSE_TIMEOUT_S = 1
SEND_QUEUE_MAX = 4_096  # frames; a gateway that takes none of them is a dead link

T = TypeVar("T")
CountFn = Callable[[str, Mapping[str, str], str], None]  # name, labels, detail


class RadioLink:
    """Runs one driver against one endpoint. All methods belong to the loop's thread."""

    def __init__(
        self,
        driver: ImwSimDriver,
        *,
        clock: Callable[[], int],
        on_event: Callable[[RadioEvent], None],
        count: CountFn,
    ) -> None:
        self.driver = driver
        self._clock = clock
        self._on_event = on_event
        self._count = count
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._socket: ClientConnection | None = None
        self._to_send: asyncio.Queue[str] = asyncio.Queue(SEND_QUEUE_MAX)
        self._flushing = False
        self._wanted_closed = ""  # why the driver wants this connection closed

    def start(self) -> None:
        """Begin connecting, and go on until `stop`."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"radio-{self.driver.settings.name}")

    async def stop(self) -> None:
        """Close the connection and end. The driver frees its floors and says that the link is down."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def command(self, fn: Callable[[ImwSimDriver, int], T]) -> T:
        """Run one command of the driver at the present time, then carry out what came of it."""
        result = fn(self.driver, self._clock())
        self._flush()
        return result

    # --- connection ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        backoff_ms = BACKOFF_MIN_MS // 2  # the first failure waits the shortest time
        while True:
            started_s = asyncio.get_running_loop().time()
            was_up = await self._one_connection()
            held = was_up and asyncio.get_running_loop().time() - started_s >= STABLE_AFTER_S
            backoff_ms = BACKOFF_MIN_MS if held else min(BACKOFF_MAX_MS, 2 * backoff_ms)
            if self._wanted_closed == "fenced":
                backoff_ms = BACKOFF_MAX_MS  # another session of this control room: no race against it
            await asyncio.sleep(backoff_ms / 1_000)

    async def _one_connection(self) -> bool:
        """Connect and serve until the connection ends. Returns whether the session came up."""
        name = self.driver.settings.name
        try:
            socket = await connect(
                self.driver.settings.url,
                max_size=MAX_FRAME_BYTES,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=None,  # the protocol has its own heartbeat
                compression=None,
                proxy=None,
            )
        except (OSError, TimeoutError, WebSocketException) as problem:
            self._count("radio_connect_failed", {"gateway": name}, str(problem)[:200])
            return False
        self._socket, self._wanted_closed = socket, ""
        while not self._to_send.empty():
            self._to_send.get_nowait()  # of the connection before
        sender = asyncio.get_running_loop().create_task(self._send_all(socket))
        was_up, reason = False, "cancelled"
        try:
            self.driver.connected(self._clock())
            self._flush()
            while not self._wanted_closed:
                frame = await socket.recv()
                self.driver.receive(frame, self._clock())
                was_up = was_up or self.driver.link_up
                self._flush()
            reason = self._wanted_closed
        except ConnectionClosed as problem:
            reason = self._wanted_closed or f"closed: {problem}"[:200]
        finally:
            self._socket = None
            self.driver.disconnected(self._clock(), reason)
            self._flush()
            sender.cancel()
            await asyncio.gather(sender, socket.close(), return_exceptions=True)
        self._count("radio_disconnected", {"gateway": name}, reason)
        return was_up

    async def _send_all(self, socket: ClientConnection) -> None:
        try:
            while True:
                await socket.send(await self._to_send.get())
        except ConnectionClosed:
            return  # recv() says so too, with the reason

    # --- outputs ------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        if self._flushing:
            return  # a handler's command: the loop below takes its outputs too
        self._flushing = True
        try:
            while outputs := self.driver.drain():
                for output in outputs:
                    self._carry_out(output)
        finally:
            self._flushing = False
        self._arm()

    def _carry_out(self, output: Output) -> None:
        match output:
            case SendText(text):
                if self._socket is not None:
                    self._send(text)
            case Emit(event):
                self._tell(event)
            case Count(name, labels, detail):
                self._count(name, labels, detail)
            case Disconnect(reason):
                self._close(reason)

    def _send(self, text: str) -> None:
        try:
            self._to_send.put_nowait(text)
        except asyncio.QueueFull:
            self._close("send queue full")

    def _close(self, reason: str) -> None:
        self._wanted_closed = self._wanted_closed or reason
        if self._socket is not None:
            # At once, not by the closing handshake: the peer may be the one that no longer answers.
            self._socket.transport.abort()

    def _tell(self, event: RadioEvent) -> None:
        try:
            self._on_event(event)
        except Exception as problem:  # noqa: BLE001 - a fault of the house must not end the link; the loop reports it
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"radio event handler failed on {type(event).__name__}", "exception": problem}
            )

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at_ms = self.driver.next_timer_at_ms()
        if at_ms is not None:
            delay_s = max(0, at_ms - self._clock()) / 1_000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.driver.timer(self._clock())
        self._flush()
