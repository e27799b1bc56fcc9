"""kill -9 of the media worker in mid-call: the supervisor starts another, and both ends hear each other again."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from kak_sim.callers.caller import Caller
from kak_sim.callers.sound import steady
from kak_sim.lab import reserved_ports, write_config
from tests.support.browser import at, chromium, headset, microphone_tone, needs_chromium, sign_in
from tests.support.lab import LAB_CONFIG
from tests.support.report import report
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.xdist_group("e2e"), needs_chromium]

CALLER_HZ, OPERATOR_HZ = 440, 1000
MS = 1_000_000


@contextlib.asynccontextmanager
async def supervised(folder: Path, **changes: Any) -> AsyncIterator[tuple[str, tuple[str, int], Path]]:
    """`kak-server lab` as a person starts it; gives its address, its SIP address and its data folder.
    `changes` are laid over the sections of its configuration."""
    with reserved_ports() as ports:
        config = write_config(LAB_CONFIG, folder, ports, changes)
        lab = start_lab(config, folder / "lab.log")
        try:

            async def up() -> bool:
                assert lab.poll() is None, (folder / "lab.log").read_text()
                return "sign in as" in (folder / "lab.log").read_text()

            await eventually(up, 60, what="the lab is up")
            yield f"http://127.0.0.1:{ports.http}", ("127.0.0.1", ports.sip), folder / "data"
        finally:
            lab.send_signal(signal.SIGINT)
            try:
                code = await asyncio.to_thread(lab.wait, 40)
            except subprocess.TimeoutExpired:
                lab.kill()
                lab.wait()
                raise
        assert code == 0, (folder / "lab.log").read_text()
        left = [path.name for path in (folder / "data" / "run").glob("*.pid")]
        assert left == [], "processes are left"


def start_lab(config: Path, log_file: Path) -> "subprocess.Popen[bytes]":
    with log_file.open("wb") as log:
        command = [sys.executable, "-m", "kak_server.cli", "lab", "--config", str(config)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


async def test_both_ends_are_back_within_five_seconds(tmp_path: Path) -> None:
    async with (
        supervised(tmp_path) as (base_url, sip, data),
        chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser,
    ):
        page = await sign_in(browser, base_url, "kari", "oslo-1")
        caller = await Caller(sip, "113", source=steady(CALLER_HZ)).place()
        await at(page, "offer-answer").click()
        await caller.answered()
        await eventually(lambda: caller.heard.tone_started_ns(OPERATOR_HZ), what="the caller hears the operator")
        await state_of_recording(page, "on")
        before = caller.heard.between()[-1]
        killed_ns = time.time_ns()
        os.kill(int((data / "run" / "worker.pid").read_text()), signal.SIGKILL)
        await at(page, "notice").first.wait_for()
        await state_of_recording(page, "failing")
        heard_ns = await eventually(
            lambda: caller.heard.tone_started_ns(OPERATOR_HZ, killed_ns + 300 * MS), what="the caller hears again"
        )
        ear = await headset(page, CALLER_HZ, name="after").attach()
        await ear.until_tone(CALLER_HZ)
        back_ms = (time.time_ns() - killed_ns) / MS
        after = caller.heard.between(heard_ns)[0]
        report(
            "kill-worker",
            caller_hears_again_ms=round((heard_ns - killed_ns) / MS),
            both_at_latest_ms=round(back_ms),
        )
        assert back_ms < 5_000
        assert after.ssrc == before.ssrc, "another SSRC: a carrier would take it for another stream"
        assert (after.sequence - before.sequence) & 0xFFFF < 0x8000, "sequence numbers went back"
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < 0x80000000, "timestamps went back"
        assert caller.ended is None
        await state_of_recording(page, "on")
        await at(page, "call-hangup").click()
        assert (await caller.over()).cause == "bye"
        caller.close()
        ledger = data / "records.db"
        await eventually(lambda: len(gaps_in_ledger(ledger)) > 1, what="what was missing of both is in the ledger")
        gaps = gaps_in_ledger(ledger)
        assert sorted(label for label, *_ in gaps) == ["caller", "operator"]
        assert all(reason.startswith("away: ") for *_, reason in gaps), gaps
        spans = [(from_ms - killed_ns / MS, to_ms - killed_ns / MS) for _, from_ms, to_ms, _ in gaps]
        assert all(abs(begun_ms) < 1_000 and 100 < over_ms - begun_ms < 5_000 for begun_ms, over_ms in spans), spans


async def state_of_recording(page: Page, state: str) -> None:
    await at(page, "recording").and_(page.locator(f"[data-state={state}]")).wait_for()


def gaps_in_ledger(database: Path) -> list[tuple[str, int, int, str]]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as records:
        query = "SELECT label, started_at_ms, ended_at_ms, reason FROM media_ledger WHERE path = '' ORDER BY label"
        return records.execute(query).fetchall()
