"""Debian's Chromium without a screen, with a microphone and a camera that are files, and an ear on what it receives."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, BrowserContext, Page, WebSocketRoute, async_playwright

from kak_sim.audio import steady_tone, tone, write_wav

CHROMIUM = "/usr/bin/chromium"
BLOCK_MS = 10
_FLOOR = 10 ** (-50 / 10) / 2  # -50 dBFS
_SHARE = 0.4  # of a block's power that a tone must hold

needs_chromium = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed")

# Reads the track's sound as the page receives it, 10 ms at a time, below any loudspeaker; runs until the track ends.
_ATTACH = """([name, freqs]) => {
  const track = STREAM?.getAudioTracks()[0];
  if (!track) throw new Error("no track to listen to");
  const ear = ((window.__ears ??= {})[name] ??= {rows: []});
  const reader = new MediaStreamTrackProcessor({track, maxBufferSize: 500}).readable.getReader();
  const listen = async () => {
    for (;;) {
      const {value: data, done} = await reader.read();
      if (done) return;
      const block = new Float32Array(data.numberOfFrames);
      data.copyTo(block, {planeIndex: 0, format: "f32-planar"});
      const row = [Date.now(), 0];
      for (const sample of block) row[1] += sample * sample / block.length;
      for (const freq of freqs) {
        const coefficient = 2 * Math.cos(2 * Math.PI * freq / data.sampleRate);
        let s1 = 0, s2 = 0;
        for (const sample of block) [s1, s2] = [sample + coefficient * s1 - s2, s1];
        row.push(2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / block.length ** 2);
      }
      data.close();
      if (ear.rows.length < 100000) ear.rows.push(row);
    }
  };
  listen().catch((problem) => console.error("ear", String(problem)));
}"""


@dataclass(frozen=True, slots=True)
class Row:
    """10 ms of sound as the page received it: when, how strong, and how strong at each of the ear's frequencies."""

    at_ms: float
    power: float
    tones: tuple[float, ...]


class Ear:
    """Measures one MediaStream of a page from `attach` on."""

    def __init__(self, page: Page, name: str, stream: str, freqs: Sequence[int]) -> None:
        self._page = page
        self._name = name
        self._stream = stream
        self._freqs = tuple(freqs)

    async def attach(self) -> "Ear":
        """Begin (or, after the stream was replaced, begin again with the new one)."""
        await self._page.evaluate(_ATTACH.replace("STREAM", f"({self._stream})"), [self._name, list(self._freqs)])
        return self

    async def rows(self, since_ms: float = 0, until_ms: float | None = None) -> list[Row]:
        """What was measured in [since, until)."""
        raw: list[list[float]] = await self._page.evaluate(
            "([name, since, until]) =>"
            " window.__ears[name].rows.filter(r => r[0] >= since && (until === null || r[0] < until))",
            [self._name, since_ms, until_ms],
        )
        return [Row(row[0], row[1], tuple(row[2:])) for row in raw]

    def _sounds(self, row: Row, freq: int) -> bool:
        return row.tones[self._freqs.index(freq)] > max(_FLOOR, _SHARE * row.power)

    async def until_tone(self, freq: int, timeout_s: float = 10.0, *, blocks: int = 10) -> float:
        """Wait until the tone is there for `blocks` blocks on end; gives when it began (wall clock ms). Raises
        AssertionError."""
        since_ms = time.time() * 1000 - 500
        deadline_s = time.monotonic() + timeout_s
        while True:
            rows = await self.rows(since_ms)
            run = 0
            for number, row in enumerate(rows):
                run = run + 1 if self._sounds(row, freq) else 0
                if run == blocks:
                    return rows[number - blocks + 1].at_ms
            assert time.monotonic() < deadline_s, f"no {freq} Hz in {timeout_s} s; {_described(rows, self._freqs)}"
            await asyncio.sleep(0.1)

    async def tone_share(self, freq: int, since_ms: float, until_ms: float) -> float:
        """The part of that time in which the tone sounds, 0 to 1."""
        rows = await self.rows(since_ms, until_ms)
        return sum(self._sounds(row, freq) for row in rows) * BLOCK_MS / (until_ms - since_ms)

    async def longest_gap_ms(self, freq: int, since_ms: float, until_ms: float) -> int:
        """The longest stretch of received sound without the tone, in the media's own time."""
        longest = run = 0
        for row in await self.rows(since_ms, until_ms):
            run = 0 if self._sounds(row, freq) else run + 1
            longest = max(longest, run)
        return longest * BLOCK_MS

    async def onsets_ms(self, freq: int, since_ms: float = 0) -> list[float]:
        """When the tone began, each time after at least 100 ms without it and for at least 50 ms."""
        rows = await self.rows(since_ms)
        on = [self._sounds(row, freq) for row in rows]
        return [rows[n].at_ms for n in range(10, len(rows) - 5) if all(on[n : n + 5]) and not any(on[n - 10 : n])]


def _described(rows: Sequence[Row], freqs: Sequence[int]) -> str:
    if not rows:
        return "nothing was measured"
    powers = np.mean([[row.power, *row.tones] for row in rows[-50:]], axis=0)
    named = ", ".join(f"{freq} Hz {power:.2e}" for freq, power in zip(freqs, powers[1:], strict=True))
    return f"{len(rows)} blocks; lately power {powers[0]:.2e}: {named}"


def microphone_tone(path: Path, freq: int) -> Path:
    """A microphone that hears one steady tone."""
    write_wav(path, steady_tone(freq, rate=48_000), 48_000)
    return path


def microphone_pips(path: Path, freq: int, *, on_ms: int = 300, period_ms: int = 1_000) -> Path:
    """A microphone that hears a short tone again and again."""
    pip = tone(freq, on_ms, rate=48_000)
    write_wav(path, np.concatenate([pip, np.zeros(48 * (period_ms - on_ms), dtype=np.int16)]), 48_000)
    return path


@contextlib.asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """The browser; without `microphone` its fake device beeps. Autoplay is as a person's browser has it."""
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding",
        "--disable-backgrounding-occluded-windows",
        "--use-fake-device-for-media-stream",
    ]
    if microphone is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


class StreamCutter:
    """Stands in the event stream's way: lets it through until it is cut, and refuses it until it is healed."""

    def __init__(self) -> None:
        self._cut = False
        self._open: list[tuple[WebSocketRoute, WebSocketRoute]] = []

    async def install(self, page: Page) -> None:
        """Before the page opens its stream."""
        await page.route_web_socket(re.compile("/api/v1/events"), self._route)

    async def cut(self) -> None:
        """End the stream that is open, and every new one at once."""
        self._cut = True
        for page_side, server_side in self._open:
            await server_side.close()
            await page_side.close()
        self._open.clear()

    def heal(self) -> None:
        """New streams go through again."""
        self._cut = False

    async def _route(self, route: WebSocketRoute) -> None:
        if self._cut:
            await route.close()
        else:
            self._open.append((route, route.connect_to_server()))


async def open_page(
    browser: Browser, url: str, *, permissions: Sequence[str] = ("microphone",), cutter: StreamCutter | None = None
) -> Page:
    """A page in a context of its own, allowed to use microphone or camera; its console errors are printed."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": 1920, "height": 1080}, locale="nb-NO", permissions=list(permissions)
    )
    page = await context.new_page()
    page.on(
        "console", lambda message: print(f"page {message.type}: {message.text}") if message.type == "error" else None
    )
    page.on("pageerror", lambda problem: print(f"page broke: {problem}"))
    if cutter is not None:
        await cutter.install(page)
    await page.goto(url)
    return page


# --- the console ---


def at(page: Page, test_id: str) -> Any:
    """The element with that data-testid."""
    return page.get_by_test_id(test_id)


async def sign_in(
    browser: Browser,
    base_url: str,
    username: str,
    position: str,
    *,
    available: bool = True,
    cutter: StreamCutter | None = None,
) -> Page:
    """A person at the console: signed in, seated, sound up, and available for calls."""
    page = await open_page(browser, f"{base_url}/?raw=1", cutter=cutter)
    await at(page, "sign-in-username").fill(username)
    await at(page, "sign-in-password").fill("lab")
    await at(page, "sign-in-submit").click()
    await at(page, f"position-{position}").click()
    await sound_up(page)
    if available:
        await at(page, "activity-available").click()
    return page


async def sound_up(page: Page, timeout_s: float = 15.0) -> None:
    """Wait until the page's PeerConnection is connected."""
    await page.wait_for_function(
        "() => window.__kak?.pc?.connectionState === 'connected' && window.__kak.headsetStream",
        timeout=timeout_s * 1000,
    )


def headset(page: Page, *freqs: int, name: str = "headset") -> Ear:
    """An ear on what the operator hears of the caller."""
    return Ear(page, name, "window.__kak.headsetStream", freqs)


def speaker(page: Page, *freqs: int) -> Ear:
    """An ear on the radio's loudspeaker."""
    return Ear(page, "speaker", "window.__kak.speakerStream", freqs)


def microphone(page: Page, *freqs: int) -> Ear:
    """An ear on the operator's own microphone, before it leaves the page."""
    return Ear(page, "microphone", "new MediaStream([window.__kak.micTrack])", freqs)
