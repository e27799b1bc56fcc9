"""The control side's client of one media worker: keeps the socket, the order of commands and the events' numbers.

`post` is for the control loop, which cannot wait: it queues a command and returns. `call` waits for the reply. Both go
out in the order they were given. A lost worker fails what is under way (code "lost") and the client keeps connecting.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from kak_server.media import rpc
from kak_server.model.codec import CodecError, Json, dumps, from_json, loads

FIRST_RETRY_S = 0.05
LAST_RETRY_S = rpc.RETRY_WITHIN_MS / 1000
ORDERS_KEPT = 4_096
PENDING_MAX = 20_000
WRITE_BUFFER_MAX_BYTES = 32 * 1024 * 1024
ATTACH_TIMEOUT_S = rpc.ATTACH_WITHIN_MS / 1000
ACK_WITHIN_S = 0.1  # an acknowledgement rides along with the next command, or goes by itself by then
_CHUNK_BYTES = 262_144
_READ_LIMIT_BYTES = 64 * 1024 * 1024  # a census of thousands of legs is one line

OnReply = Callable[[rpc.Reply], None]


class MediaClient:
    """One worker's client. Callbacks run on the loop and must not block. `on_events` gets what came at once, each event
    with its number and the worker's time (UTC ms)."""

    def __init__(
        self,
        socket_path: str,
        *,
        generation: int,
        on_events: Callable[[Sequence[tuple[int, int, rpc.Event]]], None],
        on_attached: Callable[[str, rpc.Census, int], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._path = socket_path
        self._generation = generation
        self._on_events = on_events
        self._on_attached = on_attached
        self._on_lost = on_lost
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._pending: dict[str, OnReply | None] = {}
        self._orders: OrderedDict[str, OnReply] = OrderedDict()  # the newest quiet commands, should one be refused
        self._name = f"{generation}.{secrets.token_hex(4)}"  # no other client's ids: replies are kept by id
        self._lines: list[bytes] = []
        self._sent = 0
        self._attachments = 0
        self._boot = ""
        self._last_event = 0
        self._ack_timer: asyncio.TimerHandle | None = None
        self.newest_at_census = 0  # the census told what came of the events up to this one
        self.refused = ""  # the code of a refusal; the client keeps trying, for the operator to see

    @property
    def attached(self) -> bool:
        """Whether commands can be sent."""
        return self._writer is not None

    def start(self) -> None:
        """Connect, and keep connecting, in the background."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def stop(self) -> None:
        """Let go of the worker, which keeps its legs."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def post(self, command: rpc.Command, on_reply: OnReply | None = None) -> bool:
        """Send a command without waiting. False, and nothing sent, when not attached or too much is under way."""
        if len(self._pending) >= PENDING_MAX or not self._can_send():
            return False
        self._pending[self._send_command(command, quiet=False)] = on_reply
        return True

    def order(self, command: rpc.Command, on_refused: OnReply) -> bool:
        """As `post`, for a command whose success nobody needs to hear of: the worker answers only to refuse it."""
        if not self._can_send():
            return False
        self._orders[self._send_command(command, quiet=True)] = on_refused
        if len(self._orders) > ORDERS_KEPT:
            self._orders.popitem(last=False)  # long done
        return True

    def _can_send(self) -> bool:
        writer = self._writer
        return writer is not None and writer.transport.get_write_buffer_size() <= WRITE_BUFFER_MAX_BYTES

    def _send_command(self, command: rpc.Command, *, quiet: bool) -> str:
        self._sent += 1
        command_id = f"{self._name}.{self._sent}"
        message: dict[str, object] = {"t": "cmd", "id": command_id, "op": rpc.OP_OF[type(command)], "args": command}
        if quiet:
            message["quiet"] = True
        self._queue_line(dumps(message) + b"\n")
        return command_id

    def _queue_line(self, line: bytes) -> None:
        """Lines of one turn of the loop leave in one write."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write_lines)
        self._lines.append(line)

    def _acknowledge(self) -> None:
        """Tell the worker which events it may forget. Those it has not been told of come again after a restart."""
        self._queue_line(b"")

    def _write_lines(self) -> None:
        lines, self._lines = self._lines, []
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
            lines.append(b'{"n":%d,"t":"ack"}\n' % self._last_event)
        if self._writer is not None:
            self._writer.write(b"".join(lines))

    async def call(self, command: rpc.Command, *, timeout_ms: int) -> rpc.Reply:
        """Send a command and wait: the worker's reply, or one with the code "lost" or "timeout"."""
        answered: asyncio.Future[rpc.Reply] = asyncio.get_running_loop().create_future()

        def on_reply(reply: rpc.Reply) -> None:
            if not answered.done():
                answered.set_result(reply)

        if not self.post(command, on_reply):
            return rpc.Reply(False, code="lost", message="no media worker is attached")
        try:
            return await asyncio.wait_for(answered, timeout_ms / 1000.0)
        except TimeoutError:
            return rpc.Reply(False, code="timeout", message=f"no reply within {timeout_ms} ms")

    # --- the connection ----------------------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        wait_s = FIRST_RETRY_S
        while True:
            attachments = self._attachments
            reason = await self._one_connection()
            if self._attachments != attachments:
                wait_s = FIRST_RETRY_S
                self._on_lost(reason)
            await asyncio.sleep(wait_s)
            wait_s = min(LAST_RETRY_S, 2 * wait_s)

    async def _one_connection(self) -> str:
        """Connect and serve until the end; why it ended."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=_READ_LIMIT_BYTES)
        except OSError as problem:
            return str(problem)
        try:
            writer.write(
                dumps(
                    {
                        "t": "attach",
                        "version": rpc.VERSION,
                        "generation": self._generation,
                        "events_after": self._last_event,
                        "boot": self._boot,
                    }
                )
                + b"\n"
            )
            welcome = loads(await asyncio.wait_for(reader.readuntil(b"\n"), ATTACH_TIMEOUT_S))
            if welcome.get("t") != "attached":
                self.refused = str(welcome.get("code", "malformed"))
                return f"refused: {welcome.get('message', '')}"
            self._attach(writer, welcome)
            tail = b""
            while data := await reader.read(_CHUNK_BYTES):
                *lines, tail = (tail + data).split(b"\n")
                self._receive([loads(line) for line in lines])
            return "the worker closed the connection"
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as problem:
            return f"{type(problem).__name__}: {problem}"
        finally:
            self._writer = None
            self._lines.clear()
            if self._ack_timer is not None:
                self._ack_timer.cancel()
                self._ack_timer = None
            writer.close()
            self._fail_pending()

    def _attach(self, writer: asyncio.StreamWriter, welcome: dict[str, Any]) -> None:
        self.refused = ""
        self._attachments += 1
        if welcome["boot"] != self._boot:
            self._boot, self._last_event = welcome["boot"], 0
        tells_begun = bool(welcome.get("tells_begun"))
        census = replace(from_json(rpc.Census, welcome["census"]), tells_begun=tells_begun)
        self.newest_at_census = int(welcome.get("newest_event", 0))
        self._writer = writer
        self._on_attached(self._boot, census, int(welcome["lost_events"]))

    def _fail_pending(self) -> None:
        pending, self._pending = self._pending, {}
        self._orders.clear()  # the next census tells what was done
        for on_reply in pending.values():
            if on_reply is not None:
                on_reply(rpc.Reply(False, code="lost", message="the media worker was lost"))

    def _receive(self, messages: list[dict[str, Any]]) -> None:
        """What came in one read. Events that follow each other are given on together."""
        events: list[tuple[int, int, rpc.Event]] = []
        try:
            for message in messages:
                kind = message.get("t")
                if kind == "ev":
                    self._event(message, events)
                elif kind == "res":
                    self._deliver(events)
                    on_reply = self._pending.pop(message["id"], None) or self._orders.pop(message["id"], None)
                    if on_reply is not None:
                        on_reply(_reply(message))
                elif kind == "error":
                    raise ValueError(f"the worker found a line of ours malformed: {message.get('message')}")
        finally:
            self._deliver(events)

    def _event(self, message: dict[str, Any], events: list[tuple[int, int, rpc.Event]]) -> None:
        n = int(message["n"])
        args = rpc.EVENTS.get(message["ev"])
        if args is not None and n > self._last_event:  # an event of a newer worker is skipped, not an error
            try:
                event = from_json(args, message["args"])
            except CodecError as problem:
                raise ValueError(str(problem)) from problem
            events.append((n, int(message["at_ms"]), event))
        self._last_event = max(self._last_event, n)
        if self._ack_timer is None:
            self._ack_timer = asyncio.get_running_loop().call_later(ACK_WITHIN_S, self._acknowledge)

    def _deliver(self, events: list[tuple[int, int, rpc.Event]]) -> None:
        if not events:
            return
        try:
            self._on_events(tuple(events))
        except Exception as bug:  # noqa: BLE001  our caller's bug: reported, and not a reason to lose the worker
            context = {"message": f"media events from {events[0][0]} on were not handled", "exception": bug}
            asyncio.get_running_loop().call_exception_handler(context)
        events.clear()


def _reply(message: dict[str, Json]) -> rpc.Reply:
    result = message.get("result")
    return rpc.Reply(
        bool(message.get("ok")),
        result if isinstance(result, dict) else {},
        str(message.get("code", "")),
        str(message.get("message", "")),
    )
