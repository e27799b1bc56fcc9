"""Lines of the media worker's RPC, from either side (kak_server.media.rpc).

Invariant: the worker's connection raises nothing. Every answer is one line of JSON; the commands that reach the engine
are whole values of the contract, with finite numbers, and written by our encoder come back the same. A line that is no
JSON ends the connection. An event read by control raises only CodecError.
"""

import asyncio
import json
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from structlog.testing import capture_logs

from fuzz.targets.pieces import Growing, repeated
from kak_server.media import rpc
from kak_server.media.worker.server import Connection, RpcServer
from kak_server.model.codec import CodecError, from_json, to_json

MAX_BYTES = 65_536
_ATTACH = b'{"t":"attach","version":%d,"generation":1}\n' % rpc.VERSION
_LOOP = asyncio.new_event_loop()

GROWING: Growing = {
    "commands": repeated(b'{"t":"cmd","id":"1","op":"census","args":{}}\n'),
    "edges": repeated(
        b'{"source":"a","sink":"b"},',
        b'{"t":"cmd","id":"1","op":"mix.set","args":{"mix":"m","edges":[',
        b'{"source":"a","sink":"b"}]}}\n',
    ),
    "nested": repeated(b"["),
    "no line end": repeated(b"x"),
    "digits": repeated(b"1", b'{"n":', b"}\n"),
    "empty lines": repeated(b"\n"),
    "unknown keys": lambda size: b"{" + b",".join(b'"k%d":1' % n for n in range(size // 9)) + b"}\n",
}


class _Transport:
    """A socket that only remembers."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.data += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class _Engine:
    """The worker behind the line: takes commands, does nothing."""

    boot = "boot"

    def __init__(self) -> None:
        self.taken: list[rpc.Command] = []
        self.clock = SimpleNamespace(touch=lambda: None)
        self.events = SimpleNamespace(
            acknowledge=self._acknowledge, pending=lambda: (1, 0, []), listener=None, next_number=1
        )

    def _acknowledge(self, number: int) -> None:
        assert 0 <= number < 2**63

    def census(self) -> dict[str, int]:
        return {}

    def run(self, command: rpc.Command) -> rpc.Reply:
        self.taken.append(command)
        return rpc.Reply(True, {})


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, float):
        yield value


async def _feed(data: bytes) -> tuple[_Transport, _Engine]:
    engine, transport = _Engine(), _Transport()
    server = RpcServer.__new__(RpcServer)
    server.__init__(cast(Any, engine))  # type: ignore[misc]
    server.commands = cast(Any, engine)
    connection = Connection(server)
    connection.connection_made(cast(Any, transport))
    connection.data_received(_ATTACH)
    connection.data_received(data)
    await asyncio.sleep(0)
    connection.connection_lost(None)
    return transport, engine


def check(data: bytes) -> None:
    """See above."""
    with capture_logs():
        transport, engine = _LOOP.run_until_complete(_feed(data + b"\n"))
    for line in transport.data.splitlines():
        assert isinstance(json.loads(line), dict)
    for command in engine.taken:
        value = to_json(command)
        assert all(math.isfinite(number) for number in _numbers(value)), command
        assert from_json(type(command), json.loads(json.dumps(value))) == command
    _event(data)


def _event(data: bytes) -> None:
    try:
        message = json.loads(data.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return
    for kind in rpc.EVENTS.values() if isinstance(message, dict) else ():
        try:
            event = from_json(kind, message.get("args", message))
        except CodecError:
            continue
        assert from_json(kind, to_json(event)) == event
