"""The event stream over a real WebSocket: snapshot, events, resume, slow and dead readers, two tabs on one seat."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from kak_server.console.settings import StreamLimits
from tests.integration.console.backend import offer, waiting_row
from tests.integration.console.client import Tab
from tests.integration.console.conftest import Running, Start


async def seated(running: Running, username: str = "kari", position: str = "oslo-1") -> Tab:
    tab = running.tab()
    await tab.sign_in(username)
    assert (await tab.sit(position)).status_code == 200
    return tab


async def until(condition: Callable[[], object], patience_s: float = 20.0) -> None:
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110 - it watches the server's insides
            await asyncio.sleep(0.005)


async def test_snapshot_then_numbered_events(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        snapshot = await events.next()
        assert snapshot["type"] == "snapshot"
        assert snapshot["server"] == {"name": "test", "version": "1", "lab": True}
        assert snapshot["me"]["position"] == "oslo-1"
        running.house.push("offer", offer(7))
        running.house.push("recent", {})
        first, second = await events.next(), await events.next()
        assert (first["type"], first["data"], first["seq"]) == ("offer", offer(7), snapshot["seq"] + 1)
        assert (second["type"], second["seq"]) == ("recent", snapshot["seq"] + 2)


async def test_a_tab_that_asks_for_batches_gets_what_is_due_together_in_one_message(running: Running) -> None:
    async with await seated(running) as tab, tab.events(batch=True) as events:
        snapshot = await events.next()
        assert snapshot["type"] == "snapshot"
        for name, data in (("offer", offer(7)), ("recent", {}), ("offer", offer(8))):
            running.house.push(name, data)
        batch = await events.next()
        assert [(message["type"], message["seq"] - snapshot["seq"]) for message in batch] == [
            ("offer", 1),
            ("recent", 2),
            ("offer", 3),
        ]
        assert [batch[0]["data"], batch[2]["data"]] == [offer(7), offer(8)]
        running.house.push("offer", offer(9))
        single = await events.next()
        assert (single["data"], single["seq"]) == (offer(9), snapshot["seq"] + 4)


async def test_a_list_goes_at_once_and_then_at_most_five_times_a_second(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        got: list[Any] = []
        for count in range(1, 31):
            running.house.push_waiting(count)
            await asyncio.sleep(0.02)
        while not got or len(got[-1]["data"]) < 30:
            got.append(await events.next_of("waiting"))
        took_s = loop.time() - begin_s
        assert len(got[0]["data"]) == 1
        assert 2 <= len(got) <= 2 + took_s / 0.2
        assert got[-1]["data"] == [waiting_row(n) for n in range(30)]


async def test_resume_gives_the_missed_events_and_the_newest_list(running: Running) -> None:
    async with await seated(running) as tab:
        async with tab.events() as events:
            seq = (await events.next())["seq"]
            running.house.push("offer", offer(1))
            seq = (await events.next())["seq"]
        await until(lambda: not running.shell.hub.readers)
        running.house.push("offer", offer(2))
        running.house.push_waiting(3)
        running.house.push_waiting(5)
        running.house.push("recent", {})
        async with tab.events(after=seq) as events:
            assert await events.next() == {"type": "resumed", "seq": seq}
            messages = [await events.next() for _ in range(3)]
            assert [message["seq"] for message in messages] == [seq + 1, seq + 2, seq + 3]
            assert [message["type"] for message in messages] == ["offer", "recent", "waiting"]
            assert len(messages[2]["data"]) == 5


async def test_numbers_of_before_a_restart_give_a_snapshot(start: Start) -> None:
    first = await start()
    async with await seated(first) as tab:
        async with tab.events() as events:
            seq = (await events.next())["seq"]
            first.house.push("recent", {})
            seq = (await events.next())["seq"]
        await until(lambda: not first.shell.hub.readers)
        first.house.subscribers.clear()
        second = await start(first.house)
        tab.base = second.base
        async with tab.events(after=seq) as events:
            snapshot = await events.next()
            assert snapshot["type"] == "snapshot"
            assert snapshot["seq"] > seq


async def test_a_stream_nobody_reads_is_forgotten(start: Start) -> None:
    running = await start(stream=StreamLimits(resume_ms=1_000))
    async with await seated(running) as tab:
        async with tab.events() as events:
            seq = (await events.next())["seq"]
        await until(lambda: not running.shell.hub.readers)
        assert len(running.house.subscribers) == 1
        running.now_ms[0] += 2_000
        running.shell.hub.forget_unread()
        assert not running.house.subscribers
        async with tab.events(after=seq) as events:
            assert (await events.next())["type"] == "snapshot"


async def test_a_reader_too_slow_for_the_ring_gets_a_snapshot_anew(start: Start) -> None:
    running = await start(stream=StreamLimits(ring_events=50))
    async with await seated(running) as tab, tab.events(max_queue=1) as events:
        snapshot = await events.next()
        padding = "x" * 65_536
        for _ in range(400):  # far more than socket buffers hold, while nobody reads
            running.house.push("call.ended", {"contact": "c1", "cause": padding})
            await asyncio.sleep(0)
        running.house.push_waiting(2)
        expected = snapshot["seq"]
        snapshots = 0
        while True:
            message = await events.next()
            if message["type"] == "snapshot":
                snapshots += 1
                assert message["seq"] > expected
                expected = message["seq"]
                if len(message["waiting"]) == 2:
                    break
                continue
            expected += 1
            assert message["seq"] == expected
            if message["type"] == "waiting":
                break
        assert snapshots >= 1
        assert len(running.shell.hub.readers) == 1


async def test_a_silent_reader_is_closed_and_pings_come(start: Start) -> None:
    running = await start(ping_interval_s=0.05, silent_reader_s=1.0)
    async with await seated(running) as tab, tab.events() as events:
        await events.ws.recv()
        assert json.loads(await events.ws.recv()) == {"type": "ping"}
        assert await events.closed() == 4408
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        deadline_s = asyncio.get_running_loop().time() + 2.0
        while asyncio.get_running_loop().time() < deadline_s:  # answering pings keeps it open
            assert json.loads(await events.ws.recv()) == {"type": "ping"}
            await events.ws.send('{"type":"pong"}')


async def test_the_tab_that_loses_its_seat_is_told_and_refused(running: Running) -> None:
    async with await seated(running) as first, running.tab() as second, first.events() as events:
        await events.next()
        second.http.cookies.set("kak_session", first.cookie)
        second.csrf = first.csrf
        assert (await second.sit()).json()["seat_epoch"] == 2
        assert (await events.next())["data"] == {"reason": "another-tab"}
        assert await events.closed() == 4409
        answer = await first.send("POST", "/commands/wrapup.done", {"args": {}, "seat_epoch": 1})
        assert answer.json()["error"]["code"] == "not-your-seat"
        async with first.events(after=99) as late:  # it missed the news, say
            assert await late.next() == {"type": "seat.lost", "seq": 100, "data": {"reason": "another-tab"}}
            assert await late.closed() == 4409
        async with second.events() as good:
            assert (await good.next())["type"] == "snapshot"
    assert running.house.executed == []


async def test_a_colleague_taking_over_is_told_as_such(running: Running) -> None:
    async with await seated(running) as kari, running.tab() as ola, kari.events() as events:
        await events.next()
        await ola.sign_in("ola")
        await ola.sit(take_over=True)
        assert (await events.next())["data"] == {"reason": "taken-over"}


async def test_a_duplicated_tab_does_not_share_the_seat(running: Running) -> None:
    async with await seated(running) as first, first.events() as events:
        await events.next()
        copy = await first.sit(seat_epoch=first.seat_epoch)
        assert copy.json()["seat_epoch"] == 2
        assert (await events.next())["type"] == "seat.lost"
        assert await events.closed() == 4409


async def test_a_second_connection_of_the_same_epoch_takes_over(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as first:
        seq = (await first.next())["seq"]
        async with tab.events(after=seq) as second:
            assert (await second.next())["type"] == "resumed"
            assert (await first.next())["data"] == {"reason": "another-tab"}
            assert await first.closed() == 4409
            running.house.push("recent", {})
            assert (await second.next())["seq"] == seq + 1


async def test_a_page_that_came_again_is_not_told_that_another_tab_has_its_seat(running: Running) -> None:
    """After a stall the connection that the page gave up may be served last: the one in use is closed, and comes
    again."""
    async with await seated(running) as tab, tab.events(tab="page1") as in_use:
        seq = (await in_use.next())["seq"]
        async with tab.events(after=seq, tab="page1") as given_up:
            assert (await given_up.next())["type"] == "resumed"
            assert await in_use.closed() == 1001
            async with tab.events(after=seq, tab="page1") as again, tab.events(after=seq, tab="page2") as other:
                assert (await again.next())["type"] == "resumed"
                assert (await other.next())["type"] == "resumed"
                assert (await again.next())["data"] == {"reason": "another-tab"}


async def test_leaving_and_signing_out_close_the_stream(running: Running) -> None:
    async with await seated(running) as tab:
        async with tab.events() as events:
            await events.next()
            await tab.send("DELETE", "/position")
            assert await events.closed() == 1000
        await tab.sit()
        async with tab.events() as events:
            await events.next()
            await tab.send("DELETE", "/session")
            assert await events.closed() == 4401
        assert not running.house.subscribers


async def test_a_stopping_server_says_so(start: Start) -> None:
    running = await start()
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        begin_s = asyncio.get_running_loop().time()
        stopping = asyncio.create_task(running.server.stop())
        assert await events.closed() == 1012
        await stopping
        assert asyncio.get_running_loop().time() - begin_s < 3


async def test_an_event_without_a_json_form_is_left_out_and_the_rest_goes_on(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        seq = (await events.next())["seq"]
        running.house.push("recent", {"bad": object()})
        for subscriber in running.house.subscribers.values():
            subscriber.push_list("waiting", [object()])
        running.house.push("recent", {"odd": "\ud800"})
        message = await events.next()
        assert (message["seq"], message["data"]) == (seq + 1, {"odd": "\ud800"})
