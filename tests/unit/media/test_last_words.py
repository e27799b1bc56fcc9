"""A control process that dies has said what it has said: the worker does it, over real sockets."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvloop
from structlog.testing import capture_logs

from kak_server.media import rpc
from kak_server.media.worker import in_order
from kak_server.media.worker.events import EventRing
from kak_server.media.worker.server import RpcServer
from kak_server.model.codec import dumps
from kak_server.model.ids import LegId, MixId
from tests.support.media_peers import until

EVENT = rpc.LegActive(LegId("a"), 1)
SDP = "v=0"


class Engine:
    """The worker behind the socket: does as it is told, and takes its time for WebRTC legs."""

    boot = "boot"

    def __init__(self) -> None:
        self.clock = SimpleNamespace(touch=lambda: None)
        self.events = EventRing()
        self.done: list[str] = []
        self.slow = asyncio.Event()

    def census(self) -> rpc.Census:
        return rpc.Census(mixes={MixId(name): () for name in self.done})

    def run(self, command: rpc.Command) -> rpc.Reply | Awaitable[rpc.Reply]:
        if isinstance(command, rpc.CreateWebrtc):
            return self._later(command)
        assert isinstance(command, rpc.SetMix)
        self.done.append(command.mix)
        return rpc.Reply(True)

    async def _later(self, command: rpc.CreateWebrtc) -> rpc.Reply:
        await self.slow.wait()
        self.done.append(command.leg)
        return rpc.Reply(True)


class Room:
    """A server at a socket, and control processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = Engine()
        self.server = RpcServer(cast(Any, self.engine))
        self.server.commands = cast(Any, self.engine)

    async def control(self, generation: int = 1) -> socket.socket:
        """One that has attached; its socket does as it is told, at once."""
        made, _ = await self.attaching(generation)
        return made

    async def attaching(self, generation: int) -> tuple[socket.socket, dict[str, Any]]:
        made = socket.socket(socket.AF_UNIX)
        made.setblocking(False)
        made.connect(str(self.path))
        line = b'{"t":"attach","version":%d,"generation":%d}\n' % (rpc.VERSION, generation)
        made.sendall(line)
        said = b""
        while b"\n" not in said:
            said += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(made, 65_536), 20)
        return made, json.loads(said.partition(b"\n")[0])


Scene = Callable[[Room], Coroutine[Any, Any, None]]
Play = Callable[[Scene], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    """Run a scene on a loop of this kind: the worker's own is the second."""

    async def whole(scene: Scene) -> None:
        room = Room(tmp_path / "s")
        server = await asyncio.get_running_loop().create_unix_server(room.server.make_connection, str(room.path))
        with capture_logs():
            await scene(room)
            room.server.close()
            server.close()

    return lambda scene: request.param(whole(scene))


def dies(room: Room, control: socket.socket, lines: bytes) -> None:
    """It says its last words and is gone just before the worker, which has read none of them, writes an event to it."""

    def die() -> None:
        control.sendall(lines)
        control.close()

    asyncio.get_running_loop().call_soon(die)
    room.engine.events.append(EVENT, 1)


def mix(number: int) -> bytes:
    args = rpc.SetMix(MixId(f"m{number}"))
    return dumps({"t": "cmd", "id": str(number), "op": rpc.OP_OF[rpc.SetMix], "args": args, "quiet": True}) + b"\n"


def webrtc(leg: str) -> bytes:
    args = rpc.CreateWebrtc(LegId(leg), "operator", SDP)
    return dumps({"t": "cmd", "id": leg, "op": rpc.OP_OF[rpc.CreateWebrtc], "args": args}) + b"\n"


def mixes(first: int, last: int) -> list[str]:
    return [f"m{number}" for number in range(first, last)]


def test_lines_behind_which_control_died_are_done_though_an_event_found_it_dead(play: Play) -> None:
    async def scene(room: Room) -> None:
        control = await room.control()
        dies(room, control, b"".join(mix(number) for number in range(50)) + b'{"t":"cmd","id":"half')
        await until(lambda: room.server.active is None)
        assert room.engine.done == mixes(0, 50)

    play(scene)


def test_what_waits_behind_a_slow_command_is_done_in_order_when_control_dies(play: Play) -> None:
    async def scene(room: Room) -> None:
        control = await room.control()
        control.sendall(mix(0) + webrtc("w") + mix(1))
        await until(lambda: room.engine.done == ["m0"])
        dies(room, control, mix(2))
        await until(lambda: room.server.active is None)
        assert room.engine.done == ["m0"]
        room.engine.slow.set()
        await until(lambda: len(room.engine.done) == 4)
        assert room.engine.done == ["m0", "w", "m1", "m2"]

    play(scene)


def test_the_next_control_is_told_what_is_after_the_last_words_of_the_one_before(play: Play) -> None:
    async def scene(room: Room) -> None:
        control = await room.control()
        dies(room, control, webrtc("w") + mix(1))
        await until(lambda: room.server.active is None)
        attaching = asyncio.ensure_future(room.attaching(2))
        await until(lambda: room.server.active is not None)
        assert not attaching.done()
        room.engine.slow.set()
        other, welcome = await attaching
        assert set(welcome["census"]["mixes"]) == {"w", "m1"}
        other.close()

    play(scene)


def test_one_that_is_replaced_while_its_lines_lie_unread_has_said_them(play: Play) -> None:
    async def scene(room: Room) -> None:
        control = await room.control()
        old = room.server.active
        assert old is not None
        control.sendall(mix(1) + mix(2))
        _, welcome = await room.attaching(2)
        assert set(welcome["census"]["mixes"]) == {"m1", "m2"}
        assert room.server.active is not old

    play(scene)


def test_nobody_waits_for_ever_for_a_command_that_does_not_end(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_order, "EARLIER_MAX_S", 0.2)

    async def scene(room: Room) -> None:
        control = await room.control()
        control.sendall(webrtc("w") + mix(1))
        control.close()
        other, welcome = await room.attaching(2)
        assert welcome["t"] == "attached"
        other.sendall(mix(2))
        await until(lambda: room.engine.done == ["m2"])
        room.engine.slow.set()
        await until(lambda: room.engine.done == ["m2", "w"])
        other.sendall(mix(3))
        await until(lambda: room.engine.done == ["m2", "w", "m3"])

    play(scene)


def test_what_follows_a_line_that_cannot_be_trusted_is_not_done(play: Play) -> None:
    async def scene(room: Room) -> None:
        control = await room.control()
        dies(room, control, mix(1) + b"{\n" + mix(2))
        await until(lambda: room.server.active is None)
        assert room.engine.done == ["m1"]

    play(scene)
