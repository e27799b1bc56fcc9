"""The event stream's WebSocket: snapshot or resumed, then events; commands and pongs the other way.

The stream's ring is the send queue: the sender walks a cursor through it and a reader that falls out of the ring gets a
new snapshot. A command runs at once and its reply goes behind the events it led to, with `batch=1` in the same message.
Only one reader a stream: a second one takes over and the first is told.
"""

import asyncio
import json
from collections import deque
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from kak_server.console.aio.commands import run_command
from kak_server.console.aio.deps import COOKIE, authenticate, origin_is_ours, shell_of
from kak_server.console.aio.errors import ApiError, describe_validation, error_response
from kak_server.console.aio.hub import CLOSE_PATIENCE_S, LiveStream
from kak_server.console.aio.shell import Shell
from kak_server.console.messages import CommandMessage, Pong
from kak_server.console.ports import Caller, Result
from kak_server.console.sessions import Session
from kak_server.console.stream import encode

log = structlog.get_logger(__name__)
router = APIRouter()

# Close codes of ours (RFC 6455 section 7.4.2: 4000-4999 are for applications), like the HTTP statuses.
GOING_AWAY, CLOSED_ABNORMALLY = 1001, 1006  # RFC 6455 7.4.1
BAD_MESSAGES, SIGNED_OUT, SILENT, SEAT_LOST = 4400, 4401, 4408, 4409
MAX_SAFE_INTEGER = 2**53
TAB_MAX = 40  # characters of what a page calls itself
ENTRIES_AT_ONCE = 64
SERVERS_SEND = "kak.send"  # the scope's key of the server's own `send`


def reply_text(command_id: str, result: Result) -> str:
    """The reply message of a command."""
    if result.ok:
        return encode({"type": "reply", "id": command_id, "ok": True, "result": dict(result.result)})
    return encode(
        {"type": "reply", "id": command_id, "ok": False, "code": result.code or "refused", "message": result.message}
    )


class Connection:
    """One WebSocket and the stream it reads."""

    def __init__(
        self,
        websocket: WebSocket,
        transmit: Send,
        shell: Shell,
        session: Session,
        live: LiveStream,
        *,
        batch: bool = False,
        tab: str = "",
    ) -> None:
        self._websocket = websocket
        self._transmit = transmit
        self._batch = batch  # what is due at once goes out as one message: a JSON array
        self._tab = tab  # the page's name for itself; "": it does not say
        self._shell = shell
        self._session = session
        self._live = live
        self._cursor = 0
        self._texts: deque[str] = deque()  # snapshots and errors, bounded by bad_messages_max
        self._replies: deque[tuple[int, str]] = deque()  # with the event each waits for; bounded by commands_in_flight
        self._wake = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._bad_messages = 0
        self._ping_due = True
        self._heard_s = asyncio.get_running_loop().time()

    # --- hub.Reader ---------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def finish(self, code: int, reason: str) -> None:
        """Close when what is queued has been sent, or after 2 s whatever is queued."""
        if self._closing is None:
            self._closing = (code, reason)
            self._wake.set()
            asyncio.get_running_loop().call_later(CLOSE_PATIENCE_S, self._cut)

    @property
    def caught_up(self) -> bool:
        """Whether everything numbered so far has been sent."""
        return self._cursor >= self._live.stream.last_seq

    def _cut(self) -> None:
        for task in self._tasks:
            task.cancel()

    # --- life ---------------------------------------------------------------------------------------------------------

    async def run(self, after: int | None) -> None:
        """Serve until either side is done."""
        hub = self._shell.hub
        earlier = self._live.reader
        if isinstance(earlier, Connection):
            earlier.replaced(self._tab)
        self._live.reader = self
        hub.readers.add(self)
        try:
            self._begin(after)
            if self._live.stream.has_lists:
                hub.mark(self._live)
            self._tasks = [asyncio.create_task(self._send_all()), asyncio.create_task(self._read_all())]
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._cut()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            hub.readers.discard(self)
            if self._live.reader is self:
                self._live.reader = None
                self._live.left_ms = self._shell.now_ms()
        for task in self._tasks:
            problem = None if task.cancelled() else task.exception()
            if problem is not None and not isinstance(problem, WebSocketDisconnect):  # a peer that left is no fault
                log.error("an event stream failed", exc_info=problem)

    def replaced(self, tab: str) -> None:
        """Another connection reads the stream now. If another tab is behind it, this one must know. The same tab has
        given one of the two up: after a stall the abandoned one may be served last, and then this is the one in use,
        which comes again."""
        if tab and tab == self._tab:
            self.finish(GOING_AWAY, "the same tab came again")
            return
        self._texts.append(encode({"type": "seat.lost", "seq": self._cursor + 1, "data": {"reason": "another-tab"}}))
        self.finish(SEAT_LOST, "another tab")

    def _begin(self, after: int | None) -> None:
        if self._live.stream.can_resume(after, self._shell.now_ms()):
            assert after is not None
            self._cursor = after
            self._texts.append(encode({"type": "resumed", "seq": after}))
        else:
            self._queue_snapshot()

    def _queue_snapshot(self) -> None:
        """The whole state, and the number it stands at: taken in one turn of the loop, so nothing falls between."""
        settings, now_ms = self._shell.settings, self._shell.now_ms()
        fields = dict(self._shell.backend.snapshot(self._live.caller, now_ms))
        fields.setdefault("now_ms", now_ms)
        fields.setdefault("server", {"name": settings.name, "version": settings.version, "lab": settings.lab})
        self._cursor = self._live.stream.begin_snapshot()
        self._texts.append(encode({"type": "snapshot", "seq": self._cursor, **fields}))

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        loop, settings = asyncio.get_running_loop(), self._shell.settings
        timer: asyncio.TimerHandle | None = None
        try:
            while True:
                self._wake.clear()
                await self._drain()
                if self._closing is not None:
                    await self._websocket.close(*self._closing)
                    return
                if self._ping_due:
                    if loop.time() - self._heard_s > settings.silent_reader_s:
                        self.finish(SILENT, "no pong")
                        continue
                    await self._send(['{"type":"ping"}'])
                    self._ping_due = False
                    timer = loop.call_later(settings.ping_interval_s, self._ping_now)
                await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _ping_now(self) -> None:
        # A flag, not a look at the clock: a loop's timer may fire a little early.
        self._ping_due = True
        self._wake.set()

    async def _drain(self) -> None:
        """Send what there is: events in order, each reply as soon as those are out that its command led to."""
        while True:
            texts, cursor, over = list(self._texts), self._cursor, False
            self._texts.clear()
            mine = self._live.reader is self  # replaced: the events are the other reader's
            entries = self._live.stream.after(cursor, ENTRIES_AT_ONCE if self._batch else 1) if mine else ()
            for entry in entries or ():
                texts.append(entry.frame())
                cursor = max(cursor, entry.seq)
                if entry.name == "seat.lost":
                    over = True
                    break
            while self._replies and (over or not mine or self._replies[0][0] <= cursor):
                texts.append(self._replies.popleft()[1])
            await self._send(texts)
            self._cursor = max(self._cursor, cursor)
            if over:
                self.finish(SEAT_LOST, "seat lost")
                return
            if entries is None:
                self._queue_snapshot()
            elif not (self._texts or self._replies) and (not mine or self.caught_up):
                return

    async def _send(self, texts: list[str]) -> None:
        if self._batch and len(texts) > 1:
            texts = [f"[{','.join(texts)}]"]
        try:
            for text in texts:
                await self._transmit({"type": "websocket.send", "text": text})
        except OSError as problem:  # the server's word for a peer that has left
            raise WebSocketDisconnect(CLOSED_ABNORMALLY) from problem

    # --- in -----------------------------------------------------------------------------------------------------------

    async def _read_all(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._heard_s = asyncio.get_running_loop().time()
            text = message.get("text")
            if text is None:
                self._bad("Binary messages are not understood.")
            else:
                self._take(text)

    def _take(self, text: str) -> None:
        try:
            message: Any = json.loads(text)
        except (ValueError, RecursionError):
            self._bad("The message is not JSON.")
            return
        kind = message.get("type") if isinstance(message, dict) else None
        try:
            if kind == "pong":
                Pong.model_validate(message)
            elif kind == "command":
                self._command(CommandMessage.model_validate(message))
            else:
                self._bad("Messages are of type command or pong.")
        except ValidationError as problem:
            self._bad(describe_validation(problem.errors(include_input=False)))

    def _bad(self, message: str) -> None:
        self._bad_messages += 1
        self._texts.append(encode({"type": "error", "code": "bad-request", "message": message}))
        self._wake.set()
        if self._bad_messages >= self._shell.settings.bad_messages_max:
            self.finish(BAD_MESSAGES, "too many bad messages")

    def _command(self, command: CommandMessage) -> None:
        if self._closing is not None:
            return
        if len(self._replies) >= self._shell.settings.commands_in_flight:
            if len(self._replies) > 3 * self._shell.settings.commands_in_flight:
                self.finish(BAD_MESSAGES, "replies are not read")
                return
            result = Result(False, code="too-many-requests", message="Too many commands at once.")
        else:
            epoch = self._live.caller.seat_epoch
            assert epoch is not None
            result = run_command(self._shell, self._session, epoch, command.id, command.name, command.args)
        self._replies.append((self._live.stream.last_seq, reply_text(command.id, result)))
        self._wake.set()


async def _deny(websocket: WebSocket, error: ApiError) -> None:
    await websocket.send_denial_response(error_response(error.code, error.message, error.status))


def _whole_number(text: str | None) -> int | None:
    """A query parameter as a number; None when absent. Raises ApiError."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > MAX_SAFE_INTEGER:
        raise ApiError("bad-request", "seat_epoch and after are whole numbers.")
    return int(text)


class Events:
    """The event stream of a seat, as an application of its own: every event goes straight to the server's `send`,
    past the layers a route has around it, which cost as much as the event."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket."""
        websocket = WebSocket(scope, receive, send)
        shell = shell_of(websocket)
        try:
            if not origin_is_ours(websocket, shell):
                raise ApiError("foreign-origin", "Requests from other sites' pages are refused.")
            session, _ = authenticate(shell, websocket.cookies.get(COOKIE))
            seat_epoch = _whole_number(websocket.query_params.get("seat_epoch"))
            after = _whole_number(websocket.query_params.get("after"))
            if seat_epoch is None:
                raise ApiError("bad-request", "seat_epoch is missing.")
        except ApiError as error:
            await _deny(websocket, error)
            return
        shell.touch(session)
        caller: Caller | None = shell.seated_caller(session, seat_epoch)
        await websocket.accept()
        try:
            if caller is None:
                await _tell_seat_lost(websocket, after)
                return
            batch = websocket.query_params.get("batch") == "1"
            tab = websocket.query_params.get("tab", "")[:TAB_MAX]
            transmit: Send = scope.get(SERVERS_SEND, send)
            await Connection(websocket, transmit, shell, session, shell.hub.open(caller), batch=batch, tab=tab).run(
                after
            )
        except WebSocketDisconnect:
            return


async def _tell_seat_lost(websocket: WebSocket, after: int | None) -> None:
    """A browser cannot read a refused handshake, so a tab that lost its seat is told in so many words."""
    lost = {"type": "seat.lost", "seq": 0 if after is None else after + 1, "data": {"reason": "another-tab"}}
    await websocket.send_text(encode(lost))
    await websocket.close(SEAT_LOST, "seat lost")


router.routes.append(WebSocketRoute("/api/v1/events", Events(), name="events"))
