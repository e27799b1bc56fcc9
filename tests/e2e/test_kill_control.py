"""kill -9 of the control process in mid-call: whoever talks goes on talking, whoever waits keeps the place."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page

from kak_sim.callers.sound import steady
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.browser import at, chromium, headset, microphone_tone, needs_chromium, sign_in
from tests.support.lab import calling, running_lab
from tests.support.report import report
from tests.support.standstill import Standstill
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.xdist_group("e2e")]

CALLER_HZ, OPERATOR_HZ = 440, 1000
GSSI = 24201
MS = 1_000_000
DOWN_S = 3
GAP_MAX_MS = 200  # on a machine that lets everybody run who is due
GAP_ON_A_BUSY_ONE_MS = 1_000  # at most: were sound control's, it would be gone for all the time that control is


class Chat:
    """A citizen's chat, brought by an integrator over HTTP."""

    def __init__(self, base_url: str) -> None:
        headers = {"Authorization": "Bearer lab"}
        self._web = httpx.AsyncClient(base_url=f"{base_url}/api/v1", headers=headers, timeout=20)
        self.contact = ""

    async def begin(self) -> "Chat":
        body = {"kind": "chat", "reference": "c1", "queue": "legevakt-chat", "text": "Hei", "caller_name": "Anna"}
        first, again = [await self._web.post("/contacts", json=body) for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 200)
        self.contact = first.json()["contact"]
        assert again.json()["contact"] == self.contact
        return self

    async def hears(self, text: str) -> None:
        """Poll, as an integrator does, until the operator has said so."""

        async def said() -> bool:
            rows = (await self._web.get(f"/contacts/{self.contact}/messages?after=1")).json()["messages"]
            return any(row["by"] == "operator" and row["text"] == text for row in rows)

        await eventually(said, 20, what=f"the citizen reads {text!r}")

    async def says(self, text: str) -> None:
        answer = await self._web.post(f"/contacts/{self.contact}/messages", json={"text": text})
        assert answer.status_code == 200, answer.text

    async def end(self) -> None:
        answer = await self._web.post(f"/contacts/{self.contact}/end")
        assert answer.json()["state"] == "ended"
        await self._web.aclose()


async def writes(page: Page, text: str) -> None:
    """The operator answers in the chat, by keyboard alone."""
    await page.keyboard.press("r")
    await page.locator("textarea:focus").wait_for()
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await page.locator("textarea:focus:placeholder-shown").wait_for()
    await page.keyboard.press("Escape")


async def waiting_of(client: PositionClient) -> list[tuple[str, int]]:
    """Who waits, in order, with the arrival times."""
    await client.until(lambda seen: len(seen.view.get("waiting") or []) == 2)
    return [(str(row["caller"]), int(row["arrived_at_ms"])) for row in client.view["waiting"]]


@needs_chromium
async def test_talking_goes_on_waiting_keeps_its_order_and_hanging_up_works(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"t1_ms": 100}) as lab,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
        Standstill(tmp_path) as machine,
    ):
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        watcher = PositionClient(lab.base_url, "sofie", "lab")  # sees the queues, takes no calls
        await watcher.sign_in()
        await watcher.sit_down("oslo-2")
        await watcher.connect_events()
        async with (
            calling(lab, "113", "+4791500001", source=steady(CALLER_HZ)) as caller,
            calling(lab, "113", "+4791500002", source=steady(600)) as ringing,
            calling(lab, "116117", "+4791500003", source=steady(800)) as announced,
        ):
            await at(page, "offer-answer").click()
            await caller.answered()
            await ringing.ring()
            await announced.answered()  # an early answer into the queue
            ear = await headset(page, CALLER_HZ).attach()
            await ear.until_tone(CALLER_HZ)
            await eventually(lambda: caller.heard.tone_started_ns(OPERATOR_HZ), what="the caller hears the operator")
            contact = await at(page, "call-card").get_attribute("data-contact")
            chat = await Chat(lab.base_url).begin()
            await at(page, "chat-offer").wait_for()
            await page.keyboard.press("i")
            await at(page, f"chat-{chat.contact}").wait_for()
            await writes(page, "Hvor er du?")
            await chat.hears("Hvor er du?")
            before = await waiting_of(watcher)
            assert [who for who, _ in before] == ["+4791500002", "+4791500003"]
            await asyncio.sleep(1)
            killed_ns = time.time_ns()
            await lab.kill_control()
            await asyncio.sleep(DOWN_S)
            await lab.start_control()
            back_ns = time.time_ns()
            await at(page, "stream-state").and_(page.locator("[data-state=open]")).wait_for()
            await asyncio.sleep(1)
            until_ns = time.time_ns()
            gap_caller_ms = caller.heard.longest_tone_gap_ms(OPERATOR_HZ, killed_ns - 500 * MS, until_ns)
            gap_operator_ms = await ear.longest_gap_ms(CALLER_HZ, killed_ns / MS - 500, until_ns / MS)
            stood_ms = machine.longest_ms(killed_ns - 500 * MS, until_ns)
            report(
                "kill-control",
                down_ms=round((back_ns - killed_ns) / MS),
                longest_gap_at_caller_ms=round(gap_caller_ms),
                longest_gap_at_operator_ms=gap_operator_ms,
                machine_stood_still_ms=round(stood_ms),
            )
            gap_max_ms = min(GAP_MAX_MS + stood_ms, GAP_ON_A_BUSY_ONE_MS)
            assert gap_caller_ms < gap_max_ms
            assert gap_operator_ms < gap_max_ms
            assert await at(page, "call-card").get_attribute("data-contact") == contact
            await chat.says("Hjemme")
            await at(page, f"chat-messages-{chat.contact}").get_by_text("Hjemme").wait_for()
            assert await at(page, f"chat-messages-{chat.contact}").locator("li").count() == 3
            await writes(page, "Vi kommer")
            await chat.hears("Vi kommer")
            await chat.end()
            await at(page, "chat-deck").wait_for(state="hidden")
            await watcher.connect_events()
            assert await waiting_of(watcher) == before
            assert (ringing.state, announced.state) == ("ringing", "answered")
            await at(page, "call-hangup").click()
            assert (await caller.over()).cause == "bye"
            await at(page, "wrap-up-done").click()
            await at(page, "offer-answer").click()
            await ringing.answered()
            await ringing.hang_up()
            await announced.hang_up()
        await watcher.close()
        await nothing_left(lab.base_url)


async def test_bye_and_cancel_sent_while_it_is_down_take_effect(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        robot = Robot(
            PositionClient(lab.base_url, "kari", "lab"), "oslo-1", Manner(wrap_up_ms=None), source=steady(600)
        )
        await robot.start()
        async with (
            calling(lab, "113", "+4791500001", source=steady(CALLER_HZ)) as talking,
            calling(lab, "113", "+4791500002") as ringing,
        ):
            await talking.answered()
            await ringing.ring()
            await lab.kill_control()
            talking.send_hang_up()
            ringing.send_hang_up()
            await asyncio.sleep(1)
            await lab.start_control()
            assert (await talking.over(15)).status == 200
            assert (await ringing.over(15)).status == 487
            await robot.client.connect_events()
            await robot.client.until(lambda client: client.view["call"] is None and client.view["waiting"] == [])
        await robot.stop()


async def test_a_card_says_that_nothing_is_recorded_when_control_comes_back_alone(tmp_path: Path) -> None:
    """Everything dies at once, and the media worker does not come back for a while."""
    async with running_lab(tmp_path, simulators=False) as lab:
        robot = Robot(PositionClient(lab.base_url, "kari", "lab"), "oslo-1", source=steady(600))
        await robot.start()
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await caller.answered()
            client = robot.client
            await client.until(lambda seen: bool((seen.view["call"] or {}).get("recording")), 15)
            await lab.kill_worker()
            await lab.kill_control()
            await lab.start_control(ready=False)

            async def is_back() -> bool:
                try:
                    await client.connect_events()
                except OSError:
                    return False
                return True

            await eventually(is_back, 20, what="control is back")
            await client.until(lambda seen: (seen.view["call"] or {}).get("recording") is False, 15)
            await client.until(lambda seen: "media-lost" in {notice["code"] for notice in seen.view["notices"]})
            gap = client.view["call"]["recording_gap"]
            assert (gap["code"], gap["labels"]) == ("away", ["caller", "operator"])
            lab.start_worker()
            await client.until(lambda seen: bool((seen.view["call"] or {}).get("recording")), 20)
            assert client.view["call"]["recording_gap"] is None
            await caller.hang_up()
        await robot.stop()


async def test_an_open_microphone_towards_the_radio_closes_by_itself(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab, httpx.AsyncClient(base_url=lab.simulator_url) as network:
        robot = Robot(PositionClient(lab.base_url, "kari", "lab"), "oslo-1", source=steady(600))
        await robot.start()
        await robot.client.until(
            lambda client: any(g["gssi"] == GSSI and g["attached"] == "attached" for g in client.view["talkgroups"]), 15
        )
        await robot.client.command("talkgroup.monitor", gssi=GSSI, on=True)
        robot.rtp.rest(False)

        async def received() -> int:
            legs = (await network.get("/counters")).json()["legs"]
            return int(next(leg["received"] + leg["uplink_after_grant"] for leg in legs if leg["gssi"] == GSSI))

        async def hold_the_key() -> None:
            while lab.running("control"):
                robot.client.send_command("ptt", {"gssi": GSSI, "on": True}).add_done_callback(lambda f: f.exception())
                await asyncio.sleep(0.3)

        key = asyncio.create_task(hold_the_key())

        async def open_now() -> bool:
            return await received() > 25

        await eventually(open_now, what="the microphone is open")
        await lab.kill_control()
        await key
        await asyncio.sleep(1.2)  # the lease is 1 s at most
        after_lease = await received()
        await asyncio.sleep(1)
        assert await received() == after_lease, "the microphone is still open"
        await lab.start_control()
        await robot.stop()


async def nothing_left(base_url: str) -> None:
    """No call, contact or SIP dialog remains."""

    async def empty() -> bool:
        async with httpx.AsyncClient(base_url=base_url) as client:
            text = (await client.get("/metrics")).text
        rows = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("kak_census_"))
        return all(float(rows[f"kak_census_{name}"]) == 0 for name in ("lines", "contacts", "sip_calls", "sip_dialogs"))

    await eventually(empty, 40, what="nothing is left")
