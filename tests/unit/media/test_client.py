"""The control side's client of a worker, against a worker of a few lines."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kak_server.media import rpc
from kak_server.media.aio.client import MediaClient
from kak_server.model.codec import dumps, to_json
from kak_server.model.ids import LegId

Numbered = Sequence[tuple[int, int, rpc.Event]]


def event(n: int) -> bytes:
    return dumps({"t": "ev", "n": n, "at_ms": n, "ev": "leg.silent", "args": {"leg": "a", "silent_ms": n}}) + b"\n"


async def test_events_that_come_at_once_are_given_on_together_and_torn_lines_are_made_whole(tmp_path: Path) -> None:
    given: list[Numbered] = []
    replies: list[rpc.Reply] = []
    more = asyncio.Event()

    async def worker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        census = to_json(rpc.Census())
        writer.write(dumps({"t": "attached", "boot": "b", "census": census, "lost_events": 0}) + b"\n")
        command = await reader.readline()
        reply = dumps({"t": "res", "id": rpc_id(command), "ok": True, "result": {}}) + b"\n"
        writer.write(event(1) + event(2) + reply + event(3) + event(4)[:20])
        await more.wait()
        writer.write(event(4)[20:])
        await reader.read()
        writer.close()

    def on_events(events: Numbered) -> None:
        given.append(events)
        if events[-1][0] == 2:
            assert replies == [], "what was said first is heard first"
            raise RuntimeError("a bug of whoever listens")

    def attached(_boot: str, _census: rpc.Census, _lost: int) -> None:
        client.post(rpc.CloseLeg(LegId("x")), replies.append)

    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    path = str(tmp_path / "worker.sock")
    server = await asyncio.start_unix_server(worker, path)
    client = MediaClient(path, generation=1, on_events=on_events, on_attached=attached, on_lost=lambda _reason: None)
    client.start()
    async with asyncio.timeout(20):
        while len(given) < 2:  # noqa: ASYNC110 - it watches the client's outcome
            await asyncio.sleep(0.005)
        assert [[n for n, _, _ in events] for events in given] == [[1, 2], [3]]
        more.set()
        while len(given) < 3:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.005)
    assert given[2] == ((4, 4, rpc.LegSilent(LegId("a"), 4)),)
    assert [reply.ok for reply in replies] == [True]
    await client.stop()
    server.close()


@pytest.mark.parametrize(
    ("more", "newest"), [({"newest_event": 7, "tells_begun": True}, 7), ({}, 0)], ids=["today", "a worker of before"]
)
async def test_the_client_knows_what_the_census_is_newer_than_and_what_the_worker_can_say(
    tmp_path: Path, more: dict[str, Any], newest: int
) -> None:
    attached: asyncio.Future[rpc.Census] = asyncio.get_running_loop().create_future()

    async def worker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        census = to_json(rpc.Census())
        writer.write(dumps({"t": "attached", "boot": "b", "census": census, "lost_events": 0, **more}) + b"\n")
        await reader.read()
        writer.close()

    path = str(tmp_path / "worker.sock")
    server = await asyncio.start_unix_server(worker, path)
    client = MediaClient(
        path,
        generation=1,
        on_events=lambda _events: None,
        on_attached=lambda _boot, census, _lost: attached.set_result(census),
        on_lost=lambda _reason: None,
    )
    client.start()
    async with asyncio.timeout(20):
        assert (await attached).tells_begun == bool(more)
    assert client.newest_at_census == newest
    await client.stop()
    server.close()


def rpc_id(line: bytes) -> str:
    return line.split(b'"id":"')[1].split(b'"')[0].decode()
