"""The position API's client: its view follows the events, against a small server that says what the test wants."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from kak_sim.robots.client import ApiRefusedError, PositionClient
from tests.support.waiting import eventually


class Desk:
    """The server's end of one event stream: sends what it is told, answers commands by name."""

    def __init__(self) -> None:
        self.stream: ServerConnection | None = None
        self.answers: dict[str, dict[str, Any]] = {}
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []

    async def __call__(self, stream: ServerConnection) -> None:
        self.stream = stream
        assert stream.request is not None
        self.paths.append(stream.request.path)
        first = {"type": "resumed", "seq": 7} if "after=" in stream.request.path else {"type": "snapshot", "seq": 7}
        await stream.send(json.dumps({**first, "call": None, "offer": None, "talkgroups": [], "notices": []}))
        async for text in stream:
            message = json.loads(text)
            self.received.append(message)
            if message["type"] == "command" and message["name"] in self.answers:
                await stream.send(json.dumps({"type": "reply", "id": message["id"], **self.answers[message["name"]]}))

    async def say(self, *messages: dict[str, Any]) -> None:
        assert self.stream is not None
        for message in messages:
            await self.stream.send(json.dumps(message))


@pytest.fixture
async def desk() -> AsyncIterator[tuple[Desk, Server]]:
    desk = Desk()
    async with serve(desk, "127.0.0.1", 0) as server:
        yield desk, server


async def connected(desk: tuple[Desk, Server]) -> PositionClient:
    port = next(iter(desk[1].sockets)).getsockname()[1]
    client = PositionClient(f"http://127.0.0.1:{port}", "kari", "lab")
    client.seat_epoch = 3
    await client.connect_events()
    return client


def offer(epoch: int) -> dict[str, Any]:
    return {"contact": "c1", "epoch": epoch}


async def test_the_view_follows_the_events(desk: tuple[Desk, Server]) -> None:
    client = await connected(desk)
    await desk[0].say(
        {"type": "offer", "seq": 8, "data": offer(2)},
        {"type": "offer.withdrawn", "seq": 9, "data": offer(1)},
        {"type": "talkgroup", "seq": 10, "data": {"gssi": 1, "floor": "free"}},
        {"type": "talkgroup", "seq": 11, "data": {"gssi": 1, "floor": "talking"}},
        {"type": "notice", "seq": 12, "data": {"id": "n1", "level": "alarm"}},
        {"type": "call", "seq": 13, "data": {"contact": "c1", "state": "connected"}},
    )
    await client.until(lambda seen: seen.view["call"] is not None)
    assert client.view["offer"] == offer(2), "an older epoch's withdrawal changes nothing"
    assert client.view["talkgroups"] == [{"gssi": 1, "floor": "talking"}]
    assert client.view["notices"] == [{"id": "n1", "level": "alarm"}]
    await desk[0].say(
        {"type": "offer.withdrawn", "seq": 14, "data": offer(2)},
        {"type": "notice.cleared", "seq": 15, "data": {"id": "n1"}},
        {"type": "call.ended", "seq": 16, "data": {"contact": "c1", "cause": "bye"}},
    )
    await client.until(lambda seen: seen.view["call"] is None)
    assert (client.view["offer"], client.view["notices"], client.seq_gaps) == (None, [], 0)
    assert [data["cause"] for data in client.saw("call.ended")] == ["bye"]
    await client.close()


async def test_a_gap_in_the_numbers_is_counted(desk: tuple[Desk, Server]) -> None:
    client = await connected(desk)
    await desk[0].say({"type": "recent", "seq": 8, "data": {}}, {"type": "recent", "seq": 10, "data": {}})
    await client.until(lambda seen: seen.seq == 10)
    assert client.seq_gaps == 1
    await client.close()


async def test_commands_are_answered_or_refused_and_pings_get_pongs(desk: tuple[Desk, Server]) -> None:
    client = await connected(desk)
    desk[0].answers = {
        "wrapup.done": {"ok": True, "result": {"x": 1}},
        "contact.accept": {"ok": False, "code": "offer-gone", "message": "somebody else has it"},
    }
    assert await client.command("wrapup.done") == {"x": 1}
    with pytest.raises(ApiRefusedError, match="offer-gone"):
        await client.command("contact.accept", contact="c1", epoch=1)
    await desk[0].say({"type": "ping"}, {"type": "recent", "seq": 8, "data": {}})
    await client.until(lambda seen: seen.seq == 8)
    await eventually(lambda: {"type": "pong"} in desk[0].received, what="a pong")
    await client.close()


async def test_a_lost_stream_fails_what_waits_and_can_be_resumed(desk: tuple[Desk, Server]) -> None:
    client = await connected(desk)
    waiting = client.send_command("never.answered", {})
    assert desk[0].stream is not None
    await desk[0].stream.close()
    with pytest.raises(ConnectionError):
        await waiting
    with pytest.raises(ConnectionError):
        client.send_command("too.late", {})
    await client.connect_events(after=client.seq)
    assert client.resumed
    assert desk[0].paths == ["/api/v1/events?seat_epoch=3&batch=1", "/api/v1/events?seat_epoch=3&batch=1&after=7"]
    await client.close()


async def test_waiting_for_what_never_comes_says_what_was_there(desk: tuple[Desk, Server]) -> None:
    client = await connected(desk)
    with pytest.raises(TimeoutError, match=r"not within 0\.1 s"):
        await client.until(lambda seen: False, 0.1)
    await client.close()
