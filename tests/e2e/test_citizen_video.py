"""The caller shows what happens: a citizen's camera, forwarded as it is to the operator's call card."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from kak_sim.callers.sound import steady
from tests.support.browser import at, chromium, needs_chromium, open_page, sign_in
from tests.support.lab import calling, running_lab
from tests.support.report import report
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), needs_chromium]

_FRAMES = "video => video.getVideoPlaybackQuality().totalVideoFrames"
_PICTURE = """video => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 48});
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0, 64, 48);
  return Array.from(pen.getImageData(0, 0, 64, 48).data).filter((_, n) => n % 4 === 1);
}"""


async def frames(page: Page) -> int:
    return int(await at(page, "video-live").evaluate(_FRAMES))


async def test_a_citizens_camera_moves_on_the_operators_call_card(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, chromium() as browser:
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=steady(440)) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            await at(page, "video-invite").click()
            link = await at(page, "video-link").get_attribute("href")
            assert link is not None
            url = link if link.startswith("http") else lab.base_url + link
            citizen = await open_page(browser, url, permissions=["camera"])
            await at(citizen, "citizen-start").click()
            await at(page, "video-live").wait_for(timeout=15_000)

            async def moving() -> bool:
                return await frames(page) > 20

            await eventually(moving, 20, what="pictures arrive")
            before, first = await frames(page), await at(page, "video-live").evaluate(_PICTURE)

            async def half_a_second_more() -> bool:
                return await frames(page) > before + 10

            await eventually(half_a_second_more, what="pictures keep coming")
            second = await at(page, "video-live").evaluate(_PICTURE)
            assert len(set(first)) > 10, "the picture is one colour"
            assert first != second, "the picture stands still"
            report("citizen-video", frames=await frames(page))
            await caller.hang_up()
            await at(citizen, "citizen-stop").wait_for(state="hidden", timeout=15_000)


async def test_the_link_dies_with_the_call(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, chromium() as browser:
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=steady(440)) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            await at(page, "video-invite").click()
            link = await at(page, "video-link").get_attribute("href")
            await caller.hang_up()
            await at(page, "call-card").wait_for(state="hidden")
        assert link is not None
        citizen = await open_page(browser, link if link.startswith("http") else lab.base_url + link)
        state = at(citizen, "citizen-state")
        await eventually(lambda: state.get_attribute("data-state"), what="the page says what is wrong")
        assert await state.get_attribute("data-state") == "expired"
        assert await at(citizen, "citizen-start").count() == 0
