"""The main job: a call to 113 reaches an operator's browser, both hear each other, and the delay is measured."""

import asyncio
import secrets
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kak_sim.audio import Samples, silence, tone, write_wav
from kak_sim.callers.endpoint import RtpEndpoint
from kak_sim.callers.heard import Heard
from kak_sim.callers.offer import RemoteMedia
from kak_sim.callers.sound import Loop, tones
from tests.support.baresip import baresip_call, needs_baresip, received_bits_per_s
from tests.support.browser import (
    at,
    chromium,
    headset,
    microphone,
    microphone_pips,
    microphone_tone,
    needs_chromium,
    sign_in,
)
from tests.support.lab import calling, running_lab
from tests.support.report import report
from tests.support.sipp import logged, needs_sipp, run_sipp
from tests.support.waiting import eventually

HERE = Path(__file__).parent
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), needs_chromium]

SEQUENCE = (440, 880, 1320)
OPERATOR_HZ = 1000


@needs_sipp
@pytest.mark.alone
async def test_a_sipp_caller_and_an_operator_in_chromium_hear_each_other(tmp_path: Path) -> None:
    heard = Heard()
    async with running_lab(tmp_path) as lab, chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser:
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        ear = await headset(page, *SEQUENCE).attach()
        rtp = RtpEndpoint("127.0.0.1", ssrc=secrets.randbits(31), source=tones(SEQUENCE, 400), heard=heard)
        wishes = ["-s", "113", "-key", "caller", "+4791500007", "-key", "rtp_port", str(rtp.port)]
        call = asyncio.create_task(
            run_sipp(HERE / "sipp_caller.xml", lab.sip, tmp_path, *wishes, "-d", "6000", "-trace_logs")
        )
        await at(page, "offer-card").wait_for()
        assert "91500007" in (await at(page, "offer-card").inner_text()).replace(" ", "")
        await page.keyboard.press("Enter")
        await at(page, "call-card").wait_for()
        rtp.talk_to(RemoteMedia(lab.sip[0], int(await logged(tmp_path, "remote_audio_port"))))
        started = [await ear.until_tone(freq) for freq in SEQUENCE]
        since_ns = time.time_ns()
        await asyncio.sleep(2)
        assert started == sorted(started), "the tones came in another order"
        assert heard.tone_present(OPERATOR_HZ, since_ns, 1_900), "the caller does not hear the operator"
        assert heard.longest_gap_ms(since_ns, time.time_ns()) < 100
        ended = await call
        rtp.close()
        assert ended.code == 0, ended.output
        await at(page, "call-card").wait_for(state="hidden")


async def test_mouth_to_ear_delay_is_measured_and_reported(tmp_path: Path) -> None:
    voice = Pips(1500)
    async with running_lab(tmp_path) as lab, chromium(microphone_pips(tmp_path / "mic.wav", OPERATOR_HZ)) as browser:
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=voice) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            ear = await headset(page, 1500).attach()
            mouth = await microphone(page, OPERATOR_HZ).attach()
            await asyncio.sleep(10)
            to_operator = delays_ms(voice.onsets_ms, await ear.onsets_ms(1500))
            heard_ms = [at_ns / 1e6 for at_ns in caller.heard.tone_onsets_ns(OPERATOR_HZ)]
            to_caller = delays_ms(await mouth.onsets_ms(OPERATOR_HZ), heard_ms)
            await caller.hang_up()
    report(
        "mouth-to-ear",
        caller_to_operator_ms=round(statistics.median(to_operator)),
        operator_to_caller_ms=round(statistics.median(to_caller)),
        worst_ms=round(max(*to_operator, *to_caller)),
        samples=len(to_operator) + len(to_caller),
    )
    assert len(to_operator) >= 4
    assert len(to_caller) >= 4
    assert statistics.median(to_operator) < 300
    assert statistics.median(to_caller) < 300


@needs_baresip
async def test_a_baresip_caller_is_heard_and_hung_up_by_the_operator(tmp_path: Path) -> None:
    """Another SIP and media stack than ours at the caller's end."""
    voice = tmp_path / "voice.wav"
    write_wav(voice, np.tile(np.concatenate([tone(freq, 400) for freq in SEQUENCE]), 60))
    async with running_lab(tmp_path) as lab, chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser:
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        address = f"sip:113@{lab.sip[0]}:{lab.sip[1]}"
        async with baresip_call(tmp_path, "+4791500008", address, voice) as log:
            await at(page, "offer-answer").click()
            await at(page, "call-card").wait_for()
            ear = await headset(page, *SEQUENCE).attach()
            started = [await ear.until_tone(freq) for freq in SEQUENCE]
            assert started == sorted(started), "the tones came in another order"
            await eventually(lambda: max(received_bits_per_s(log)) > 60_000, 15, what="baresip receives audio")
            await at(page, "call-hangup").click()
            await at(page, "call-card").wait_for(state="hidden")


class Pips:
    """300 ms of a tone every second; remembers when each began to go out."""

    def __init__(self, freq_hz: int) -> None:
        self.onsets_ms: list[float] = []
        self._pip = Loop(np.concatenate([tone(freq_hz, 300), silence(700)]))
        self._frames = 0

    def frame(self) -> Samples:
        if self._frames % 50 == 0:
            self.onsets_ms.append(time.time() * 1000)
        self._frames += 1
        return self._pip.frame()


def delays_ms(said_ms: Sequence[float], heard_ms: Sequence[float]) -> list[float]:
    """For everything that was heard the time since it was said; pips a second apart cannot be confused."""
    found = []
    for heard in heard_ms:
        before = [said for said in said_ms if said <= heard]
        if before and heard - before[-1] < 900:
            found.append(heard - before[-1])
    return found
