"""Photographs every screen of the console against dev/fake_server.py and checks each with axe (contrast, names, roles).

.venv/bin/python web/dev/shots.py OUTPUT_FOLDER
"""

import subprocess
import sys
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

WEB = Path(__file__).resolve().parent.parent
PORT = 8099
BASE = f"http://127.0.0.1:{PORT}"
AXE = (WEB / "node_modules/axe-core/axe.min.js").read_text()
SCROLLS_BY = "(page => [page.scrollWidth - innerWidth, page.scrollHeight - innerHeight])(document.documentElement)"
SIZES = ((1366, 768), (1920, 1080))


class Studio:
    """A page of one size, its folder and the problems found."""

    def __init__(self, page: Page, folder: Path, size: str) -> None:
        self.page, self.folder, self.size = page, folder, size
        self.problems: list[str] = []

    def shot(self, name: str) -> None:
        self.page.wait_for_timeout(250)
        self.page.screenshot(path=self.folder / f"{name}-{self.size}.png")
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
        for violation in found:
            for node in violation["nodes"][:4]:
                where = f"{self.size} {name}: {violation['id']}"
                self.problems.append(f"{where}: {node['target']} {node['failureSummary']}")
        scroll = self.page.evaluate(SCROLLS_BY)
        if self.size != "phone" and (scroll[0] > 0 or scroll[1] > 0):
            self.problems.append(f"{self.size} {name}: the page scrolls by {scroll}")


def fake(path: str, body: object = None) -> None:
    httpx.post(f"{BASE}/fake/{path}", json=body).raise_for_status()


def tour(studio: Studio) -> None:
    page = studio.page
    page.goto(BASE)
    by = page.get_by_test_id
    by("sign-in-username").fill("kari")
    studio.shot("01-sign-in")
    by("sign-in-password").fill("wrong")
    by("sign-in-submit").click()
    page.wait_for_function("document.querySelector('[data-testid=sign-in-problem]').textContent")
    studio.shot("02-sign-in-refused")
    by("sign-in-password").fill("lab")
    by("sign-in-submit").click()
    by("position-oslo-1").wait_for()
    studio.shot("03-positions")
    by("position-oslo-2").click()
    studio.shot("04-take-over")
    page.keyboard.press("Escape")
    by("position-oslo-1").click()
    page.wait_for_selector("[data-testid=media-state][data-state=up]", timeout=15000)
    studio.shot("05-console-break")
    page.keyboard.press("a")
    studio.shot("06-console-available")
    fake("fill")
    fake("ring")
    by("offer-card").wait_for()
    studio.shot("07-offer")
    page.keyboard.press("Enter")
    by("call-card").wait_for()
    studio.shot("08-call")
    page.keyboard.press("h")
    page.wait_for_selector("[data-testid=call-card][data-state=held]")
    studio.shot("09-held")
    page.keyboard.press("h")
    page.wait_for_selector("[data-testid=call-card][data-state=connected]")
    page.keyboard.press("p")
    by("patch-talkgroup-24204").click()
    by("patch-privacy").check()
    by("patch-owner").check()
    studio.shot("10-patch-dialog")
    by("patch-confirm").click()
    by("patch-strip").wait_for()
    page.keyboard.down("Space")
    page.wait_for_selector("[data-testid=tg-24201][data-floor=talking]")
    studio.shot("11-patched-ptt")
    page.keyboard.up("Space")
    page.wait_for_selector("[data-testid=tg-24201][data-floor=free]")
    httpx.post(f"{BASE}/api/v1/lab/radios/2420001/ptt", json={"on": True})
    page.keyboard.press("v")
    by("video-link").wait_for()
    studio.shot("12-video-invited")
    phone = page.context.browser.new_context(viewport={"width": 390, "height": 780}).new_page()
    citizen(Studio(phone, studio.folder, "phone"), studio.problems)
    by("video-live").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=video-live]').videoWidth > 0", timeout=15000)
    gone = {"text_nb": "Radionettet er borte. Prøver igjen.", "text_en": "The radio network is gone. Trying again."}
    slow = {"text_nb": "Opptaket av ett spor henger etter.", "text_en": "The recording of a track is late."}
    for notice in ({"id": "n1", "level": "alarm", **gone}, {"id": "n2", "level": "warning", **slow}):
        fake("event", {"type": "notice", "data": {**notice, "code": "shown", "at_ms": 1}})
    studio.shot("13-video-live")
    phone.context.close()
    page.keyboard.press("t")
    studio.shot("14-transfer")
    page.keyboard.press("Escape")
    by("lang-en").click()
    page.keyboard.press("l")
    studio.shot("15-hangup-armed-en")
    page.keyboard.press("l")
    by("wrap-up").wait_for()
    studio.shot("16-wrap-up")
    page.keyboard.press("d")
    page.keyboard.press("?")
    studio.shot("17-keys")
    page.keyboard.press("Escape")
    by("tab-colleagues").click()
    studio.shot("18-operators")
    by("tab-recent").click()
    by("lang-nb").click()
    by("explain-r0").click()
    studio.shot("19-explain")
    page.keyboard.press("Escape")
    fake("event", {"type": "seat.lost", "data": {"reason": "taken-over"}})
    by("seat-lost").wait_for()
    studio.shot("20-seat-lost")


def citizen(studio: Studio, problems: list[str]) -> None:
    studio.page.goto(f"{BASE}/v/abc123")
    studio.page.get_by_test_id("citizen-start").wait_for()
    studio.shot("citizen-1")
    studio.page.get_by_test_id("citizen-start").click()
    studio.page.wait_for_selector("[data-testid=citizen-state][data-state=live]", timeout=15000)
    studio.shot("citizen-2")
    problems += studio.problems


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    for width, height in SIZES:
        server = subprocess.Popen([sys.executable, str(WEB / "dev/fake_server.py"), "--port", str(PORT)])
        try:
            for _ in range(100):
                try:
                    httpx.get(f"{BASE}/api/v1/positions")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            with sync_playwright() as play:
                args = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
                browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=args)
                page = browser.new_context(viewport={"width": width, "height": height}).new_page()
                page.on("console", lambda said: print("console:", said.text) if said.type == "error" else None)
                page.on("pageerror", lambda error: print("page error:", error))
                studio = Studio(page, folder, f"{width}x{height}")
                tour(studio)
                problems += studio.problems
                browser.close()
        finally:
            server.terminate()
            server.wait()
    print("\n".join(problems) or "no problems found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
