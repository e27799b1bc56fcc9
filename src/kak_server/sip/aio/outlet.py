"""What the SIP core puts out, carried out in order: records first, then what leaves."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kak_server.model.codec import Json
from kak_server.model.light import frozen
from kak_server.sip.api import (
    Close,
    Count,
    DeleteRecord,
    Emit,
    Flow,
    IncomingCall,
    Locate,
    PutRecord,
    Send,
    SipEvent,
)
from kak_server.sip.core import SipCore


class Writing(Protocol):
    """How records get from `put_record` to the operating system: one write for what an input led to."""

    def hold(self) -> None:
        """Gather records until the `release` that belongs to this."""

    def flush(self) -> None:
        """Write what has been gathered: before anything leaves."""

    def release(self) -> None:
        """Write what has been gathered and gather no more."""


class AtOnce:
    """`put_record` writes by itself."""

    def hold(self) -> None:
        """Nothing is gathered."""

    flush = release = hold


@frozen
class House:
    """Where the core's outputs go. All are called on the loop and return at once."""

    on_event: Callable[[SipEvent], None]
    put_record: Callable[[str, Mapping[str, Json]], None]
    delete_record: Callable[[str], None]
    count: Callable[[Count], None]


@frozen
class Ways:
    """Where what leaves goes."""

    send: Callable[[Flow, bytes], None]
    close: Callable[[Flow], None]
    locate: Callable[[Locate], None]


class Outlet:
    """Events, records and counts are handed over as they come; messages wait until the inputs at hand have been worked
    off and what they put on record is written, in one go. Between `open` and `close` nothing leaves."""

    def __init__(self, core: SipCore, house: House, writing: Writing, ways: Ways) -> None:
        self.busy = False
        self._core = core
        self._writing = writing
        self._ways = ways
        self._on_event = house.on_event
        self._put_record = house.put_record
        self._leaving: list[Send | Close] = []
        leave = self._leaving.append
        self._handlers: Mapping[type[Any], Callable[[Any], object]] = {
            Count: house.count,
            Send: leave,
            Close: leave,
            DeleteRecord: lambda output: house.delete_record(output.key),
            Emit: self._emit,
            Locate: ways.locate,
        }

    def open(self) -> None:
        """Inputs begin."""
        self.busy = True
        self._writing.hold()

    def drain(self) -> None:
        """Hand over what the core has put out, and what comes of that: an event may lead to commands."""
        handlers, drain, put_record = self._handlers, self._core.drain, self._put_record
        while outputs := drain():
            for output in outputs:
                if type(output) is PutRecord:
                    put_record(output.key, output.value)
                else:
                    handlers[type(output)](output)

    def close(self, now_ms: int) -> None:
        """Inputs end: all that has come of them leaves. `now_ms` is their time."""
        try:
            self.drain()
            while self._leaving:
                self._writing.flush()
                leaving = self._leaving[:]
                self._leaving.clear()
                for output in leaving:
                    self._leave(output, now_ms)
                self.drain()  # of what could not be sent
        finally:
            self.busy = False
            self._writing.release()

    def _leave(self, output: Send | Close, now_ms: int) -> None:
        if type(output) is Send:
            self._core.trace.record(now_ms, True, output.flow, output.data)
            self._ways.send(output.flow, output.data)
        else:
            self._ways.close(output.flow)

    def _emit(self, output: Emit) -> None:
        event = output.event
        if type(event) is IncomingCall:
            self._core.trace.bind(event.sip_call_id, event.call, event.caller.number, self._core.now_ms)
        try:
            self._on_event(event)
        except Exception as problem:  # noqa: BLE001  a fault of the house in one call must not stop the others' answers
            report(f"on_event failed for {type(event).__name__}", problem)


def report(message: str, problem: Exception) -> None:
    """A bug of ours, to the loop's handler."""
    asyncio.get_running_loop().call_exception_handler({"message": message, "exception": problem})
