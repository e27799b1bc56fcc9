"""Photographs a full list of who waits, at two sizes, and checks that no row hides that somebody is being asked for it
nor who calls. The rows are laid over what a running lab sends; everything else is the console as it is.

PYTHONPATH=. .venv/bin/python web/dev/pictures_waiting.py OUTPUT_FOLDER
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Page, WebSocketRoute

from tests.support.browser import at, chromium, microphone_tone, sign_in
from tests.support.lab import running_lab
from web.dev.pictures import Studio

QUEUES = (
    ("113-oslo", "113 Oslo", "emergency", "voice"),
    ("116117-oslo", "Legevakt 116117 Oslo og omegn", "urgent", "voice"),
    ("chat", "Legevakt chat for hele regionen", "normal", "chat"),
    ("alarm", "Trygghetsalarmer i kommunene", "urgent", "alarm"),
)
HIDDEN = """rows => rows.flatMap(row => {
  const frame = row.getBoundingClientRect();
  return [...row.querySelectorAll(".waiting-rings, .waiting-who > strong")]
    .filter(one => {
      const box = one.getBoundingClientRect(), within = one.closest(".waiting-who").getBoundingClientRect();
      const right = Math.min(frame.right, within.right) + 1;
      return one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 || box.right > right || box.width < 8;
    })
    .map(one => `${row.dataset.testid}: ${one.textContent}`);
})"""


class Full:
    """Stands in the event stream's way and puts a full list into it."""

    async def install(self, page: Page) -> None:
        """Before the page opens its stream."""
        await page.route_web_socket(re.compile("/api/v1/events"), self._route)

    async def cut(self) -> None:
        """Never."""

    def heal(self) -> None:
        """Nothing to heal."""

    def _route(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        route.on_message(server.send)
        server.on_message(lambda text: route.send(_filled(text)))


def _filled(text: str | bytes) -> str | bytes:
    told = json.loads(text)
    for one in told if isinstance(told, list) else [told]:
        if one["type"] == "snapshot":
            one["waiting"] = _rows(one["now_ms"], one["me"]["operator"])
    return json.dumps(told)


def _rows(now_ms: int, operator: str) -> list[dict[str, Any]]:
    rows = []
    for number in range(24):
        queue, name, klass, kind = QUEUES[number % len(QUEUES)]
        rows.append(
            {
                "contact": f"w{number}",
                "queue": queue,
                "queue_name": name,
                "class": klass,
                "caller": "" if number % 7 == 6 else f"+47991122{number:02}",
                "arrived_at_ms": now_ms - 1_000 * (700 - 29 * number),
                "state": "offered" if number % 3 < 2 else "waiting",
                "transferred_by": operator if number % 5 == 1 else None,
                "calls": 3 if number % 4 == 0 else 1,
                "first_arrived_at_ms": now_ms - 900_000 if number % 4 == 0 else None,
                "flagged": number % 6 == 0,
                "incident": None,
                "kind": kind,
                "key_pressed": None,
                "of_room": None,
            }
        )
    return rows


async def main(folder: Path) -> int:
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        async with running_lab(own) as lab, chromium(microphone_tone(own / "mic.wav", 1_000)) as browser:
            studio = Studio(lab, browser, folder)
            page = await sign_in(browser, lab.base_url, "sofie", "oslo-4", available=False, cutter=Full())
            await at(page, "waiting-w0").wait_for()
            for width, height in ((1366, 768), (1920, 1080)):
                await page.set_viewport_size({"width": width, "height": height})
                for hidden in await page.eval_on_selector_all("[data-testid^=waiting-w]", HIDDEN):
                    studio.problems.append(f"waiting {width}: not wholly seen: {hidden}")
            await studio.shot(page, "waiting-full")
    print("\n".join(studio.problems) or "nothing to complain of")
    return 1 if studio.problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
