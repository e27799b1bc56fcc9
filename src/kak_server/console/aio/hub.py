"""All event streams: the house pushes into them, the rounds send their lists, the sweep ends those nobody reads.

One stream a seat's session. It is born with the first WebSocket, outlives it for `resume_ms`, and dies with the seat or
the session. Lists are encoded once a round for all streams that were given the same object.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import structlog
from pydantic import ValidationError

from kak_server.console.aio.errors import describe_validation
from kak_server.console.aio.slices import Breaths
from kak_server.console.messages import check_event
from kak_server.console.ports import Caller, ConsoleBackend
from kak_server.console.settings import ConsoleSettings
from kak_server.console.stream import Encode, Stream, encode, encode_rows
from kak_server.model.codec import Json
from kak_server.model.ids import PositionId, SessionId

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_S = 15.0
ROWS = frozenset({"queues", "waiting", "operators"})  # lists without fractions, and long ones
CLOSE_PATIENCE_S = 2.0  # for what is queued at a reader that is being closed


class Reader(Protocol):
    """A connected WebSocket."""

    def wake(self) -> None:
        """There may be something to send."""

    def finish(self, code: int, reason: str) -> None:
        """Close when what is queued has been sent."""

    @property
    def caught_up(self) -> bool:
        """Whether everything numbered so far has been sent."""


class LiveStream:
    """One stream with its reader, if any. The house's `Subscriber`."""

    def __init__(self, hub: "Hub", caller: Caller, now_ms: int, settings: ConsoleSettings) -> None:
        self.caller = caller
        self.stream = Stream(now_ms, settings.stream)
        self.reader: Reader | None = None
        self.left_ms = now_ms  # when the last reader left
        self.over = False  # seat lost: the last event is in
        self._hub = hub

    def push(self, name: str, data: Json) -> None:
        """An event, at once."""
        if self.over:
            return
        text = self._hub.encode_once(name, data)
        if text is None:
            return
        self.stream.push(name, text, self._hub.now_ms())
        if name == "seat.lost":
            self.over = True
            self._hub.forget(self)
        if self.reader is not None:
            self.reader.wake()

    def push_list(self, name: str, data: Json) -> None:
        """A whole list, with the next round."""
        if not self.over:
            self.stream.push_list(name, data)
            self._hub.mark(self)


class Hub:
    """The streams of all seats."""

    def __init__(self, backend: ConsoleBackend, settings: ConsoleSettings, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self._backend = backend
        self._settings = settings
        self._streams: dict[SessionId, LiveStream] = {}
        self._marked: dict[LiveStream, None] = {}
        self._work = asyncio.Event()
        self._breaths = Breaths()
        self._tasks: list[asyncio.Task[None]] = []
        self._last: tuple[Json, str | None] | None = None
        self.readers: set[Reader] = set()

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self, sweep: Callable[[], None]) -> None:
        """Begin the rounds; `sweep` is called now and then to end old sessions."""
        self._tasks = [asyncio.create_task(self._rounds()), asyncio.create_task(self._sweeps(sweep))]

    async def close_readers(self) -> None:
        """Close every reader ("service restart": the client reconnects) and wait until they are gone."""
        for reader in tuple(self.readers):
            reader.finish(1012, "restart")
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE_S + 1):
                while self.readers:  # noqa: ASYNC110 - once, at the end
                    await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End the rounds, and every reader that is still there."""
        await self.close_readers()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    # --- streams ------------------------------------------------------------------------------------------------------

    def open(self, caller: Caller) -> LiveStream:
        """The stream of a seat: the one that is there, or a new one. A stream of an older epoch ends."""
        found = self._streams.get(caller.session)
        if found is not None:
            if found.caller == caller:
                return found
            found.push("seat.lost", {"reason": "another-tab"})
        live = LiveStream(self, caller, self.now_ms(), self._settings)
        self._streams[caller.session] = live
        self._backend.subscribe(caller, live)
        return live

    def forget(self, live: LiveStream) -> None:
        """The house stops pushing; a reader still gets what is in the ring."""
        self._marked.pop(live, None)
        if self._streams.get(live.caller.session) is live:
            del self._streams[live.caller.session]
            self._backend.unsubscribe(live.caller, live)

    def forget_unread(self) -> None:
        """End the streams whose reader has been away too long."""
        now_ms = self.now_ms()
        for live in tuple(self._streams.values()):
            if live.reader is None and now_ms - live.left_ms > self._settings.stream.resume_ms:
                self.forget(live)

    def drop_session(self, session: SessionId, reason: str) -> None:
        """The session is over: so is its stream."""
        live = self._streams.get(session)
        if live is not None:
            self.forget(live)
            if live.reader is not None:
                live.reader.finish(4401, reason)

    def leave_seat(self, session: SessionId) -> None:
        """The operator stood up: the stream is over, without drama."""
        live = self._streams.get(session)
        if live is not None:
            self.forget(live)
            if live.reader is not None:
                live.reader.finish(1000, "left the seat")

    def seat_claimed(self, caller: Caller) -> None:
        """Tell whoever held this seat before, in whatever session, unless the house already has."""
        for live in self._of_position(caller.position):
            if live.caller != caller:
                same = live.caller.operator == caller.operator
                live.push("seat.lost", {"reason": "another-tab" if same else "taken-over"})
        own = self._streams.get(caller.session)
        if own is not None and own.caller != caller:
            own.push("seat.lost", {"reason": "another-tab"})

    def is_read(self, caller: Caller) -> bool:
        """Whether a tab is connected with this very seat and epoch."""
        live = self._streams.get(caller.session)
        return live is not None and live.caller == caller and live.reader is not None

    def connected_sessions(self) -> tuple[SessionId, ...]:
        """Sessions with a connected reader."""
        return tuple(session for session, live in self._streams.items() if live.reader is not None)

    def _of_position(self, position: PositionId | None) -> Iterator[LiveStream]:
        return iter([live for live in self._streams.values() if live.caller.position == position])

    # --- encoding -----------------------------------------------------------------------------------------------------

    def encode_once(self, name: str, data: Json) -> str | None:
        """The data as JSON. The same object pushed to many streams within one turn of the loop is encoded once.

        None when it has no JSON form: a fault of ours, logged; the event is not sent.
        """
        if self._last is not None and self._last[0] is data:
            return self._last[1]
        text = self._encode(name, data)
        if self._last is None:
            # The object may change after this turn, so what was remembered of it must not outlive the turn.
            asyncio.get_running_loop().call_soon(self._forget_last)
        self._last = (data, text)
        return text

    def _forget_last(self) -> None:
        self._last = None

    def _encode(self, name: str, data: Json) -> str | None:
        try:
            if self._settings.check_events:
                check_event(name, data)
        except KeyError:
            log.error("an event has no model", event_name=name)
        except ValidationError as problem:
            where = describe_validation(problem.errors(include_input=False))
            log.error("an event does not fit its model", event_name=name, problem=where)
        try:
            return encode_rows(data) if name in ROWS else encode(data)
        except (TypeError, ValueError) as problem:
            log.error("an event has no JSON form", event_name=name, problem=str(problem))
            return None

    # --- rounds -------------------------------------------------------------------------------------------------------

    def mark(self, live: LiveStream) -> None:
        """The stream has lists to send."""
        if live.reader is not None:
            self._marked[live] = None
            self._work.set()

    async def _rounds(self) -> None:
        interval_s = self._settings.stream.list_interval_ms / 1000
        while True:
            await self._work.wait()
            self._work.clear()
            await self._round()
            await asyncio.sleep(interval_s)

    async def _round(self) -> None:
        texts: dict[int, tuple[Json, str | None]] = {}  # holds the objects, so that their ids stay theirs

        def shared(name: str, data: Json) -> str | None:
            known = texts.get(id(data))
            if known is None:
                known = texts[id(data)] = (data, self._encode(name, data))
            return known[1]

        marked, self._marked = tuple(self._marked), {}
        for live in marked:
            try:
                self._send_lists(live, shared)
            except Exception:  # a fault with one console must not silence the others
                log.exception("lists could not be sent", position=live.caller.position)
            await self._breaths.after_one()

    def _send_lists(self, live: LiveStream, encoder: Encode) -> None:
        reader = live.reader
        if reader is None or live.over:
            return  # the lists wait in the stream for the next reader
        if reader.caught_up:
            if live.stream.flush(self.now_ms(), encoder):
                reader.wake()
        else:
            self.mark(live)  # no use in numbering more for a reader that is behind

    async def _sweeps(self, sweep: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            try:
                self.forget_unread()
                sweep()
            except Exception:  # the next sweep is in a quarter of a minute
                log.exception("the sweep of streams and sessions failed")
