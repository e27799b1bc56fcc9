"""Commands over the WebSocket and over HTTP: once per id, in order, never lost with the connection."""

import asyncio

from tests.integration.console.backend import offer
from tests.integration.console.conftest import Running
from tests.integration.console.test_console_stream import seated, until


async def test_commands_are_answered_by_id_and_refusals_keep_their_code(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        await events.command("a", "activity.set", activity="break", reason="lunsj")
        assert await events.next() == {"type": "reply", "id": "a", "ok": True, "result": {}}
        await events.command("b", "contact.accept", contact="c1", epoch=1)
        reply = await events.next()
        assert reply == {
            "type": "reply",
            "id": "b",
            "ok": False,
            "code": "offer-gone",
            "message": "Somebody else has it.",
        }
        caller, name, args = running.house.executed[0]
        assert (caller.position, caller.seat_epoch, name) == ("oslo-1", 1, "activity.set")
        assert args == {"activity": "break", "reason": "lunsj", "note": ""}


async def test_a_repeated_id_is_answered_as_the_first_time(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        await events.command("v", "video.invite", contact="c1")
        await events.command("v", "video.invite", contact="c1")
        first, second = await events.next(), await events.next()
        assert first == second
        assert first["result"]["url"].startswith("https://")
        body = {"args": {"contact": "c1"}, "seat_epoch": 1, "id": "v"}
        assert (await tab.send("POST", "/commands/video.invite", body)).json() == {"result": first["result"]}
        assert len(running.house.executed) == 1
        await events.command("v", "video.invite", contact="c2")
        assert (await events.next())["code"] == "id-reused"


async def test_a_command_outlives_its_connection_and_its_answer_waits(running: Running) -> None:
    async with await seated(running) as tab:
        async with tab.events() as events:
            await events.next()
            await events.command("v", "video.invite", contact="c1")
            await until(lambda: running.house.executed)
        await until(lambda: not running.shell.hub.readers)
        async with tab.events() as events:
            await events.next()
            await events.command("v", "video.invite", contact="c1")
            assert (await events.next())["ok"] is True
        assert len(running.house.executed) == 1


async def test_commands_reach_the_house_and_are_answered_in_order(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        for number in range(10):
            await events.command(f"p{number}", "ptt", gssi=24201, on=number % 2 == 0)
        assert [(await events.next())["id"] for _ in range(10)] == [f"p{number}" for number in range(10)]
        assert [args["on"] for _, name, args in running.house.executed if name == "ptt"] == [True, False] * 5


async def test_a_reply_comes_behind_what_its_command_led_to(running: Running) -> None:
    running.house.leads_to = [("offer", offer(7)), ("recent", {})]
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        await events.command("a", "wrapup.done")
        assert [(await events.next())["type"] for _ in range(3)] == ["offer", "recent", "reply"]


async def test_a_reply_is_part_of_the_batch_of_what_its_command_led_to(running: Running) -> None:
    running.house.leads_to = [("offer", offer(7)), ("recent", {})]
    async with await seated(running) as tab, tab.events(batch=True) as events:
        await events.next()
        await events.command("a", "wrapup.done")
        batch = await events.next()
        assert [message["type"] for message in batch] == ["offer", "recent", "reply"]
        assert batch[-1] == {"type": "reply", "id": "a", "ok": True, "result": {}}


async def test_commands_of_a_reader_that_reads_no_replies_are_refused(running: Running) -> None:
    async with await seated(running) as tab, tab.events(max_queue=1) as events:
        await events.next()
        for _ in range(100):  # more than socket buffers hold, while nobody reads
            running.house.push("call.ended", {"contact": "c1", "cause": "x" * 65_536})
            await asyncio.sleep(0)
        for number in range(20):
            await events.command(f"v{number}", "video.invite", contact="c1")
        await until(lambda: len(running.house.executed) == 16)
        replies = [await events.next_of("reply") for _ in range(20)]
        assert [reply["ok"] for reply in replies] == [True] * 16 + [False] * 4
        assert {reply["code"] for reply in replies[16:]} == {"too-many-requests"}
        assert len(running.house.executed) == 16


async def test_a_fault_of_the_house_is_ours_and_says_nothing(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        await events.command("x", "contact.hangup", contact="c1")
        reply = await events.next()
        assert reply["code"] == "internal"
        assert "+4799999999" not in str(reply)
        body = {"args": {"contact": "c1"}, "seat_epoch": 1}
        answer = await tab.send("POST", "/commands/contact.hangup", body)
        assert answer.status_code == 500
        assert "+4799999999" not in answer.text


async def test_every_command_has_a_route_of_its_own(running: Running) -> None:
    async with await seated(running) as tab:
        body = {"args": {"gssi": 24201, "on": True}, "seat_epoch": 1}
        assert (await tab.send("POST", "/commands/ptt", body)).json() == {"result": {}}
        assert (await tab.send("POST", "/commands/wrapup.done", {"args": {}, "seat_epoch": 1})).status_code == 200
        accept = {"args": {"contact": "c1", "epoch": 1}, "seat_epoch": 1}
        answer = await tab.send("POST", "/commands/contact.accept", accept)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "offer-gone")


async def test_many_connections_hear_the_same_event(running: Running) -> None:
    async with (
        await seated(running) as kari,
        await seated(running, "ola", "oslo-2") as ola,
        kari.events() as one,
        ola.events() as other,
    ):
        await asyncio.gather(one.next(), other.next())
        data = {"contact": "c1", "cause": "caller"}
        running.house.push("call.ended", data)
        data["cause"] = "changed later"
        first, second = await asyncio.gather(one.next(), other.next())
        assert first["data"] == second["data"] == {"contact": "c1", "cause": "caller"}
        running.house.push("call.ended", data)
        assert (await one.next())["data"]["cause"] == "changed later"
