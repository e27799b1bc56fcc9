"""A call and a talkgroup: the caller patched in hears and is heard; nothing goes out without a grant."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kak_sim.audio import read_wav, tone_at
from kak_sim.callers.caller import Caller
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.browser import at, chromium, microphone_tone, needs_chromium, sign_in
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

GSSI = 24201
CALLER_HZ, RADIO_HZ, OPERATOR_HZ = 440, 700, 1000


class Radios:
    """The simulated network's control API."""

    def __init__(self, lab: Lab) -> None:
        self._http = httpx.AsyncClient(base_url=lab.simulator_url, timeout=10)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def in_group(self) -> int:
        """A radio that is turned to the talkgroup."""
        rows = await self.ask("GET", "/radios")
        return int(next(row["issi"] for row in rows if row["gssi"] == GSSI))

    async def leg(self) -> dict[str, Any]:
        """The counters of our leg in the talkgroup."""
        counters = await self.ask("GET", "/counters")
        return dict(next(leg for leg in counters["legs"] if leg["gssi"] == GSSI))

    async def close(self) -> None:
        await self._http.aclose()


@contextlib.asynccontextmanager
async def radios_of(lab: Lab) -> AsyncIterator[Radios]:
    radios = Radios(lab)
    try:
        yield radios
    finally:
        await radios.close()


@contextlib.asynccontextmanager
async def call_with_robot(lab: Lab) -> AsyncIterator[tuple[Caller, Robot]]:
    """A caller with a tone, answered by a robot that stays silent."""
    robot = Robot(PositionClient(lab.base_url, "kari", "lab"), "oslo-1", Manner(wrap_up_ms=None))
    await robot.start()
    await robot.client.until(lambda client: any(g["attached"] == "attached" for g in client.view["talkgroups"]), 15)
    async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
        await caller.answered()
        await robot.client.until(lambda client: (client.view.get("call") or {}).get("state") == "connected")
        yield caller, robot
        await caller.hang_up()
    await robot.stop()


async def patch(robot: Robot) -> str:
    """Patch the call in and wait until it stands; gives the contact."""
    contact = str(robot.client.view["call"]["contact"])
    await robot.client.command("contact.patch", contact=contact, gssi=GSSI, confirmed=True, owner_ok=True)
    await robot.client.until(lambda client: (client.view["call"]["patch"] or {}).get("state") == "active")
    return contact


@needs_chromium
async def test_the_operator_patches_a_call_in_and_talks_to_the_radio(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path) as lab,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
        radios_of(lab) as radios,
    ):
        issi = await radios.in_group()
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            await at(page, "call-patch").click()
            await at(page, f"patch-talkgroup-{GSSI}").click()
            await at(page, "patch-privacy").check()
            await at(page, "patch-owner").check()
            await radios.ask("POST", f"/radios/{issi}/record", {"path": str(tmp_path / "radio.wav")})
            await at(page, "patch-confirm").click()
            await eventually(lambda: radios_hear(radios, issi), what="the radio hears the caller")
            await asyncio.sleep(2)
            await radios.ask("POST", f"/radios/{issi}/record/stop")
            assert tone_ms(tmp_path / "radio.wav", CALLER_HZ) >= 1_500
            caller.mute(True)
            await eventually(lambda: floor_is_free(radios), what="the floor is free when the caller is silent")
            since_ns = time.time_ns()
            pressed = await radios.ask("POST", f"/radios/{issi}/ptt", {"on": True, "source": f"tone:{RADIO_HZ}"})
            assert pressed["key"] in ("requested", "talking")
            await eventually(lambda: heard_radio(caller, since_ns), what="the caller hears the radio")
            await asyncio.sleep(1)
            assert caller.heard.tone_present(RADIO_HZ, time.time_ns() - 800_000_000, 700, power=0.2)
            await radios.ask("POST", f"/radios/{issi}/ptt", {"on": False})
            assert (await radios.leg())["uplink_without_grant"] == 0
            await at(page, "call-unpatch").click()
            await at(page, "patch-strip").wait_for(state="hidden")
            await caller.hang_up()


@needs_chromium
async def test_space_opens_the_microphone_towards_the_radio_as_long_as_it_is_held(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path) as lab,
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
        radios_of(lab) as radios,
    ):
        issi = await radios.in_group()
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        await at(page, f"tg-{GSSI}").wait_for()
        monitor = at(page, f"tg-monitor-{GSSI}")
        if await monitor.get_attribute("aria-pressed") != "true":
            await monitor.click()
        await at(page, f"tg-{GSSI}").click(position={"x": 5, "y": 5})
        await radios.ask("POST", f"/radios/{issi}/record", {"path": str(tmp_path / "radio.wav")})
        await page.keyboard.down("Space")
        await eventually(lambda: radios_hear(radios, issi), what="the radio hears the operator")
        await asyncio.sleep(2)
        await page.keyboard.up("Space")
        await eventually(lambda: floor_is_free(radios), what="the floor is free after the key is let go")
        received = (await radios.leg())["received"]
        await asyncio.sleep(0.5)
        assert (await radios.leg())["received"] == received, "audio after the key was let go"
        assert (await radios.leg())["uplink_without_grant"] == 0
        await radios.ask("POST", f"/radios/{issi}/record/stop")
        assert tone_ms(tmp_path / "radio.wav", OPERATOR_HZ) >= 1_500


async def test_a_denied_floor_lets_nothing_out(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab, radios_of(lab) as radios:
        issi = await radios.in_group()
        await radios.ask("PUT", "/policy", {"grant": "deny", "scope": "consoles"})
        async with call_with_robot(lab) as (_, robot):
            await patch(robot)
            await radios.ask("POST", f"/radios/{issi}/record", {"path": str(tmp_path / "radio.wav")})
            await robot.client.until(lambda client: client.view["call"]["patch"]["floor"] == "denied")
            await asyncio.sleep(1.5)
            await radios.ask("POST", f"/radios/{issi}/record/stop")
            leg = await radios.leg()
            assert (leg["received"], leg["uplink_without_grant"]) == (0, 0)
            assert tone_ms(tmp_path / "radio.wav", CALLER_HZ) == 0


async def test_an_interrupt_closes_the_uplink(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab, radios_of(lab) as radios, call_with_robot(lab) as (_, robot):
        await patch(robot)
        await eventually(lambda: floor_is_ours(radios), what="the caller has the floor")
        await radios.ask("PUT", "/policy", {"grant": "deny", "scope": "consoles"})
        await radios.ask("POST", f"/groups/{GSSI}/interrupt", {})
        await robot.client.until(lambda client: client.view["call"]["patch"]["floor"] in ("revoked", "denied", "free"))
        leg = await radios.leg()
        await asyncio.sleep(1)
        later = await radios.leg()
        assert later["received"] == leg["received"]
        assert later["uplink_without_grant"] == 0
        assert later["uplink_after_grant"] <= 10, "packets that were under way at most"


def heard_radio(caller: Caller, since_ns: int) -> bool:
    """The radio's tone, the operator's voice with it or not."""
    return caller.heard.tone_present(RADIO_HZ, since_ns, 3_000, share=0.1, power=0.2)


async def radios_hear(radios: Radios, issi: int) -> bool:
    return int((await radios.ask("GET", f"/radios/{issi}"))["frames_heard"]) > 0


async def talker(radios: Radios) -> str | None:
    groups = (await radios.ask("GET", "/state"))["groups"]
    alias: str | None = next(group["talker"] for group in groups if group["gssi"] == GSSI)
    return alias


async def floor_is_free(radios: Radios) -> bool:
    return await talker(radios) is None


async def floor_is_ours(radios: Radios) -> bool:
    return int((await radios.leg())["received"]) > 10


def tone_ms(path: Path, freq_hz: float) -> int:
    """How much of a recording holds the tone, to 20 ms, whatever else sounds with it (the operator may speak too)."""
    samples, rate = read_wav(path)
    window = rate // 50
    blocks = [samples[start : start + window] for start in range(0, len(samples) - window + 1, window)]
    return 20 * sum(tone_at(block, [freq_hz], share=0.2) is not None for block in blocks)
