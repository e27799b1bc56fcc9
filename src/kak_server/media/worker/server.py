"""The RPC server: one control process at a time, fenced by its generation, over a Unix socket.

A connection speaks lines (see rpc.py). What is malformed is answered with an error; what cannot be trusted to be in
step any more (no JSON, a line without end) closes the connection. Neither touches a leg.

Whole lines that have come before a connection ended are carried out in their order, read or not: control may have told
others of what it ordered before it died.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable
from functools import partial
from typing import Any

from kak_server.media import rpc
from kak_server.media.worker import in_order
from kak_server.media.worker.commands import Commands
from kak_server.media.worker.events import Numbered
from kak_server.media.worker.log import logger
from kak_server.media.worker.worker import Worker
from kak_server.model.codec import CodecError, Json, dumps, from_json, loads, to_json

REPLIES_KEPT = 4_096
ID_CHARS_MAX = 200
COMMANDS_WAITING_MAX = 4_096
WRITE_BUFFER_MAX_BYTES = 16 * 1024 * 1024
ERRORS_MAX = 100
ATTACH_TIMEOUT_S = 10.0
_READ_BYTES = 262_144
_LAST_WORDS_READS = 64  # a socket holds less
_UNKEPT = (rpc.GetStats, rpc.GetCensus)  # answers of the moment


class RpcServer:
    """Who is in control, and what was answered to which command."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.commands = Commands(worker)
        self.order = in_order.InOrder()
        self.order.on_empty = self._nothing_waits
        self.generation = 0
        self.active: Connection | None = None
        self.connections: set[Connection] = set()
        self.alone_since = time.monotonic()
        self._replies: OrderedDict[str, bytes] = OrderedDict()

    def make_connection(self) -> "Connection":
        """The protocol factory for the socket."""
        return Connection(self)

    def take_over(self, connection: "Connection", generation: int) -> None:
        """A control process of this or a higher generation takes the worker over."""
        if self.active is not None and self.active is not connection:
            self.active.last_words()
            self.active.close("another control process has taken over")
        self.generation = generation
        self.active = connection

    def lost(self, connection: "Connection") -> None:
        """A connection ended; the legs stay as they are."""
        self.connections.discard(connection)
        if self.active is connection:
            self.active = None
            self.worker.events.listener = None
            self.alone_since = time.monotonic()

    def kept_reply(self, command_id: str) -> bytes | None:
        """What was answered to this id before."""
        return self._replies.get(command_id)

    def keep_reply(self, command_id: str, line: bytes) -> None:
        """Remember a success; the oldest of REPLIES_KEPT goes. A failure may be tried again."""
        self._replies[command_id] = line
        while len(self._replies) > REPLIES_KEPT:
            self._replies.popitem(last=False)

    def _nothing_waits(self) -> None:
        if self.active is not None:
            self.active.go_on_reading()

    def close(self) -> None:
        """End every connection."""
        self.order.drop()
        for connection in list(self.connections):
            connection.close("the worker stops")


class Connection(asyncio.Protocol):
    """One socket."""

    def __init__(self, server: RpcServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None  # of our own: a transport that cannot write reads no more
        self._ended = False  # by us: nothing more of it is carried out
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._received = bytearray()
        self._attached = False
        self._errors = 0
        self._paused = False
        self._attach_timer: asyncio.TimerHandle | None = None

    # --- the socket --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are no subclasses
        if (its := transport.get_extra_info("socket")) is not None:
            self._socket = socket.socket(fileno=os.dup(its.fileno()))
        self._server.connections.add(self)
        loop = asyncio.get_running_loop()
        self._attach_timer = loop.call_later(ATTACH_TIMEOUT_S, self._attach_in_time)

    def _attach_in_time(self) -> None:
        if not self._attached:
            self.close("nothing was attached")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.last_words()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._attach_timer is not None:
            self._attach_timer.cancel()
        self._server.lost(self)

    def last_words(self) -> None:
        """Carry out what has come and was not read: the end of a connection that cannot be written to is noticed before
        that."""
        its = self._socket
        if its is None or not self._attached:
            return
        with contextlib.suppress(OSError):  # there is no more
            for _ in range(_LAST_WORDS_READS):
                data = b"" if self._ended else its.recv(_READ_BYTES, socket.MSG_DONTWAIT)
                if not data:
                    return
                self.data_received(data)

    def close(self, why: str) -> None:
        """End this connection after what has been written is out."""
        self._ended = True
        if self._transport is not None:
            logger().info("control.closed", why=why, attached=self._attached)
            self._flush()
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._server.worker.clock.touch()  # commands come between ticks
        first, *lines = data.split(b"\n")  # all lines of a read at once; only the last may be a beginning
        self._received += first
        if lines:
            begun = lines.pop()
            first, self._received = bytes(self._received), bytearray(begun)
            for line in (first, *lines):
                if self._ended:
                    return
                if len(line) > rpc.MAX_LINE_BYTES:
                    break
                self._line(line)
            else:
                if len(begun) <= rpc.MAX_LINE_BYTES:
                    return
        elif len(self._received) <= rpc.MAX_LINE_BYTES:
            return
        if not self._ended:
            self._error("malformed", f"a line is longer than {rpc.MAX_LINE_BYTES} bytes", fatal=True)

    def _write(self, line: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() + self._out_bytes > WRITE_BUFFER_MAX_BYTES:
            logger().warning("control.not_reading")
            self._transport.abort()
            return
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(line)
        self._out_bytes += len(line) + 1

    def _flush(self) -> None:
        """Lines of one turn of the loop leave in one write."""
        lines, self._out, self._out_bytes = self._out, [], 0
        if lines and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"\n".join(lines) + b"\n")

    def _error(self, code: str, message: str, *, fatal: bool = False) -> None:
        self._write(dumps({"t": "error", "code": code, "message": message}))
        self._errors += 1
        if fatal or self._errors >= ERRORS_MAX:
            self.close(message)

    # --- lines -------------------------------------------------------------------------------------------------------

    def _line(self, line: bytes) -> None:
        try:
            message = loads(line)
        except ValueError as problem:  # bad UTF-8 and depth without end are ValueErrors too
            self._error("malformed", f"no JSON: {str(problem)[:200]}", fatal=True)
            return
        kind = message.get("t") if isinstance(message, dict) else None
        if kind == "cmd" and self._attached:
            self._command(message)
        elif not isinstance(message, dict):
            self._error("malformed", "not an object")
        elif not self._attached:
            self._attach(message)
        elif kind == "ack":
            self._acknowledge(message.get("n"))
        else:
            self._error("malformed", "t must be cmd or ack")

    def _attach(self, message: dict[str, Any]) -> None:
        generation, after = _count(message.get("generation")), _count(message.get("events_after", 0))
        if message.get("t") != "attach" or generation is None or after is None:
            self._refuse("malformed", "attach with a generation comes first")
        elif message.get("version") != rpc.VERSION:
            self._refuse("version", f"this worker speaks version {rpc.VERSION}")
        elif generation < self._server.generation:
            self._refuse("stale_generation", f"generation {self._server.generation} is in control")
        else:
            self._attached = True
            self._server.take_over(self, generation)
            seen = after if message.get("boot") == self._server.worker.boot else 0
            self._server.order.do_within(partial(self._welcome, seen), in_order.EARLIER_MAX_S)

    def _refuse(self, code: str, message: str) -> None:
        logger().warning("control.refused", code=code)
        self._write(dumps({"t": "refused", "code": code, "message": message}))
        self.close(message)

    def _welcome(self, events_after: int) -> None:
        if self._server.active is not self:  # gone again while it waited
            return
        worker = self._server.worker
        worker.events.acknowledge(events_after)
        first, lost, pending = worker.events.pending()
        logger().info("control.attached", generation=self._server.generation, pending=len(pending), lost=lost)
        self._write(
            dumps(
                {
                    "t": "attached",
                    "version": rpc.VERSION,
                    "boot": worker.boot,
                    "generation": self._server.generation,
                    "census": to_json(worker.census()),
                    "first_event": first,
                    "lost_events": lost,
                    "newest_event": worker.events.next_number - 1,
                    "tells_begun": True,
                }
            )
        )
        for numbered in pending:
            self._event(numbered)
        worker.events.listener = self._event

    def _event(self, numbered: Numbered) -> None:
        n, at_ms, event = numbered
        self._write(dumps({"t": "ev", "n": n, "at_ms": at_ms, "ev": rpc.EV_OF[type(event)], "args": event}))

    def _acknowledge(self, n: Json) -> None:
        number = _count(n)
        if number is not None:
            self._server.worker.events.acknowledge(number)
        else:
            self._error("malformed", "ack needs n")

    # --- commands ----------------------------------------------------------------------------------------------------

    def _command(self, message: dict[str, Any]) -> None:
        command_id, op = message.get("id"), message.get("op")
        if not isinstance(command_id, str) or not 0 < len(command_id) <= ID_CHARS_MAX:
            self._error("malformed", "a command needs an id")
            return
        kind = rpc.OPS.get(op) if isinstance(op, str) else None
        if kind is None:
            self._reply(command_id, rpc.Reply(False, code="unknown_op", message=f"no such op: {str(op)[:100]!r}"))
            return
        try:
            command = from_json(kind, message.get("args", {}))
        except CodecError as problem:
            self._reply(command_id, rpc.Reply(False, code="malformed", message=str(problem)[:500]))
            return
        order = self._server.order
        order.do(partial(self._carry_out, command_id, command, message.get("quiet") is True))
        if len(order) > COMMANDS_WAITING_MAX and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def go_on_reading(self) -> None:
        """Nothing waits any more."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def _carry_out(self, command_id: str, command: rpc.Command, quiet: bool) -> Awaitable[None] | None:
        kept = self._server.kept_reply(command_id)
        if kept is not None:
            self._write(kept)
            return None
        done = self._server.commands.run(command)
        if done.__class__ is not rpc.Reply:
            assert not isinstance(done, rpc.Reply)
            return self._finish(command_id, done, quiet)
        if not (quiet and done.ok):
            self._reply(command_id, done, keep=not isinstance(command, _UNKEPT))
        return None

    async def _finish(self, command_id: str, promise: Awaitable[rpc.Reply], quiet: bool) -> None:
        reply = await promise
        self._server.worker.clock.touch()
        if not (quiet and reply.ok):
            self._reply(command_id, reply, keep=True)

    def _reply(self, command_id: str, reply: rpc.Reply, *, keep: bool = False) -> None:
        body: dict[str, Json] = {"t": "res", "id": command_id, "ok": reply.ok}
        if reply.ok:
            body["result"] = reply.result
        else:
            body["code"], body["message"] = reply.code, reply.message
        line = dumps(body)
        if keep and reply.ok:
            self._server.keep_reply(command_id, line)
        self._write(line)


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None
