"""Two who want the same thing: one wins, the other is told; never two."""

import asyncio
from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from kak_sim.robots.client import ApiRefusedError, PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.browser import at, chromium, needs_chromium, open_page, sign_in, sound_up
from tests.support.lab import calling, operator, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@needs_chromium
async def test_a_second_tab_takes_the_seat_and_the_first_is_told(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, chromium() as browser:
        first = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        second = await open_page(browser, f"{lab.base_url}/?raw=1")
        await at(second, "sign-in-username").fill("kari")
        await at(second, "sign-in-password").fill("lab")
        await at(second, "sign-in-submit").click()
        await at(second, "position-oslo-1").click()
        confirm = at(second, "take-over-confirm")
        await confirm.or_(at(second, "media-state")).first.wait_for()
        if await confirm.is_visible():
            await confirm.click()
        await at(first, "seat-lost").wait_for()
        await sound_up(second)
        await at(second, "activity-available").click()
        async with calling(lab, "113", source=steady(440)) as caller:
            await at(second, "offer-answer").click()
            await caller.answered()
            assert await at(first, "offer-card").count() == 0
            assert await at(first, "call-card").count() == 0
            await caller.hang_up()


async def test_commands_of_the_tab_that_lost_its_seat_are_refused(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        operator(lab, "kari", "oslo-1") as first,
    ):
        second = PositionClient(lab.base_url, "kari", "lab")
        await second.sign_in()
        await second.sit_down("oslo-1", take_over=True)
        await second.connect_events()
        await first.until(lambda client: bool(client.saw("seat.lost")))
        body = {"args": {"activity": "break", "reason": ""}, "seat_epoch": first.seat_epoch}
        with pytest.raises(ApiRefusedError) as refusal:
            await first.request("POST", "/api/v1/commands/activity.set", body)
        assert refusal.value.code == "not-your-seat"
        assert second.seat_epoch != first.seat_epoch
        assert second.view["me"]["activity"] == "available", "the refused command changed something"
        await second.close()


async def test_a_late_accept_of_an_expired_offer_loses_against_its_new_holder(tmp_path: Path) -> None:
    queue: dict[str, object] = {"id": "113", "name": {"nb": "113", "en": "113"}, "numbers": [113], "class": "emergency"}
    queue |= {"rooms": ["oslo", "bergen"], "offer_timeout_ms": 1_000, "wrap_up_ms": 1_000, "waiting": "ring"}
    async with running_lab(tmp_path, simulators=False, queues=[queue]) as lab:
        robots = [
            Robot(PositionClient(lab.base_url, name, "lab"), seat, Manner(accept_after_ms=60_000), source=steady(600))
            for name, seat in (("kari", "oslo-1"), ("ola", "oslo-2"))
        ]
        for robot in robots:
            await robot.start()
        async with calling(lab, "113", source=steady(440)) as caller:
            await robots[0].client.until(lambda client: client.view.get("offer") is not None)
            late = robots[0].client.view["offer"]
            await robots[1].client.until(lambda client: client.view.get("offer") is not None)
            holder = robots[1].client.view["offer"]
            assert (late["contact"], late["epoch"]) < (holder["contact"], holder["epoch"])
            outcomes = await asyncio.gather(
                robots[0].client.command("contact.accept", contact=late["contact"], epoch=late["epoch"]),
                robots[1].client.command("contact.accept", contact=holder["contact"], epoch=holder["epoch"]),
                return_exceptions=True,
            )
            assert isinstance(outcomes[0], ApiRefusedError)
            assert outcomes[0].code == "offer-gone"
            assert not isinstance(outcomes[1], BaseException), outcomes[1]
            await caller.answered()
            await robots[1].client.until(lambda client: client.view["call"] is not None)
            assert robots[0].client.view["call"] is None
            await caller.hang_up()
        for robot in robots:
            await robot.stop()
