"""A desk phone serves a position: baresip registers, rings for 113, talks, holds, keys the radio, outlives a kill."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kak_sim.audio import read_wav, tone, tone_at, write_wav
from kak_sim.callers.sound import steady
from tests.e2e.test_moves import hears
from tests.e2e.test_radio_patch import GSSI, floor_is_free, radios_hear, radios_of, tone_ms
from tests.support.baresip import needs_baresip
from tests.support.baresip_phone import desk_phone
from tests.support.lab import calling, running_lab
from tests.support.robots import in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), pytest.mark.real_peer, needs_baresip]

CALLER_HZ, PHONE_HZ, COLLEAGUE_HZ = 440, 1000, 1_600
MS = 1_000_000


def device(**changes: Any) -> dict[str, Any]:
    """A phone at oslo-2 whose registration signs kari in. This baresip knows MD5 only."""
    return {
        "id": "desk",
        "position": "oslo-2",
        "username": "desk-2",
        "secret": "right",
        "digest": "md5",
        "networks": ["127.0.0.0/8"],
        "operator": "kari",
    } | changes


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """What is said at the phone."""
    path = tmp_path / "voice.wav"
    write_wav(path, tone(PHONE_HZ, 60_000))
    return path


def heard_ms(path: Path, freq_hz: float) -> int:
    """How much of a recording is this tone."""
    samples, rate = read_wav(path)
    window = rate // 10
    return 100 * sum(
        tone_at(samples[at : at + window], [freq_hz], rate) is not None
        for at in range(0, len(samples) - window, window)
    )


async def test_it_rings_for_113_and_everything_works_from_its_keys(tmp_path: Path, voice: Path) -> None:
    async with (
        running_lab(tmp_path, sip={"devices": [device(talkgroup=GSSI)]}) as lab,
        desk_phone(tmp_path, lab.sip, "desk-2", "right", voice) as phone,
        radios_of(lab) as radios,
    ):
        await phone.registered()
        issi = await radios.in_group()
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await phone.until("CALL_INCOMING")
            assert (phone.told[-1]["peerdisplayname"], "+4791500001" in phone.told[-1]["peeruri"]) == ("113 Oslo", True)
            await caller.ring()
            phone.order("accept")
            await caller.answered()
            await eventually(lambda: caller.heard.tone_started_ns(PHONE_HZ), what="the caller hears the phone")
            await asyncio.sleep(2)
            phone.order("hold")
            await asyncio.sleep(1)
            since_ns = time.time_ns()
            await asyncio.sleep(1)
            assert not caller.heard.tone_present(PHONE_HZ, since_ns, 900, share=0.1), "on hold"
            phone.order("resume")
            await eventually(
                lambda: caller.heard.tone_present(PHONE_HZ, time.time_ns() - 500 * MS, 400), what="resumed"
            )
            await radios.ask("POST", f"/radios/{issi}/record", {"path": str(tmp_path / "radio.wav")})
            await phone.keys("*1")
            await eventually(lambda: radios_hear(radios, issi), what="the radio hears the phone")
            await asyncio.sleep(2)
            since_ns = time.time_ns()
            await asyncio.sleep(0.5)
            assert not caller.heard.tone_present(PHONE_HZ, since_ns, 400, share=0.1), "the caller is left out"
            await phone.keys("*0")
            await eventually(lambda: floor_is_free(radios), what="the floor is free again")
            await radios.ask("POST", f"/radios/{issi}/record/stop")
            assert tone_ms(tmp_path / "radio.wav", PHONE_HZ) >= 1_500
            assert (await radios.leg())["uplink_without_grant"] == 0
            phone.order("hangup")
            assert (await caller.over()).cause == "bye"
        await eventually(phone.heard, what="the phone's recording")
        assert sum(heard_ms(path, CALLER_HZ) for path in phone.heard()) >= 1_500
        metrics = await lab.metrics()
        assert metrics["kak_census_rtp_ports"] == len(lab_groups(lab.config)), "only the talkgroups' ports are taken"


def loud_at(path: Path, freq_hz: float, others_hz: float) -> bool:
    """Whether a recording has, at some moment, both tones at once."""
    samples, rate = read_wav(path)
    size = rate // 5
    bins = [round(hz * size / rate) for hz in (freq_hz, others_hz)]
    for at in range(0, len(samples) - size, size):
        power = np.abs(np.fft.rfft(samples[at : at + size].astype(float))) ** 2
        if all(power[bin_ - 1 : bin_ + 2].sum() > 0.15 * power.sum() > 0 for bin_ in bins):
            return True
    return False


async def test_it_is_asked_into_a_colleagues_call_and_all_three_hear_each_other(tmp_path: Path, voice: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"devices": [device()]}) as lab,
        robot_at(lab, "ola", "oslo-1", voice_hz=COLLEAGUE_HZ) as ola,
        calling(lab, "113", source=steady(CALLER_HZ)) as caller,
    ):
        await caller.answered()
        await ola.client.until(in_call)
        ola.rtp.rest(False)
        contact = ola.client.view["call"]["contact"]
        async with desk_phone(tmp_path, lab.sip, "desk-2", "right", voice) as phone:
            await phone.registered()
            asked = {"contact": contact, "operator": "kari", "purpose": "conference"}

            async def is_seen() -> bool:
                return "kari" in [row["operator"] for row in ola.client.view["operators"]]

            await eventually(is_seen, 20, what="kari is signed in by the phone")
            await ola.client.command("colleague.invite", **asked)
            await phone.until("CALL_INCOMING")
            phone.order("accept")
            await hears(caller.heard, COLLEAGUE_HZ, PHONE_HZ, what="the caller")
            await hears(ola.heard, CALLER_HZ, PHONE_HZ, what="the colleague")
            await asyncio.sleep(1)
            phone.order("hangup")
            await hears(caller.heard, COLLEAGUE_HZ, not_hz=(PHONE_HZ,), what="the caller")
            await ola.client.until(lambda seen: seen.view["call"]["colleagues"] == [])
            await ola.client.command("contact.hangup", contact=contact)
            assert (await caller.over()).cause == "bye"
        await eventually(lambda: any(loud_at(path, CALLER_HZ, COLLEAGUE_HZ) for path in phone.heard()), 20, what="both")


def lab_groups(config: Path) -> list[str]:
    return [line for line in config.read_text().splitlines() if "gssi" in line]


@pytest.mark.alone
async def test_it_talks_on_through_a_kill_and_still_rings_afterwards(tmp_path: Path, voice: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"t1_ms": 100, "devices": [device()]}) as lab,
        desk_phone(tmp_path, lab.sip, "desk-2", "right", voice) as phone,
    ):
        await phone.registered()
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await phone.until("CALL_INCOMING")
            phone.order("accept")
            await caller.answered()
            await eventually(lambda: caller.heard.tone_started_ns(PHONE_HZ), what="the caller hears the phone")
            await asyncio.sleep(1)
            killed_ns = time.time_ns()
            await lab.kill_control()
            await asyncio.sleep(1)
            await lab.start_control()
            await asyncio.sleep(1)
            assert caller.heard.longest_tone_gap_ms(PHONE_HZ, killed_ns - 500 * MS, time.time_ns()) < 200
            phone.order("hangup")
            assert (await caller.over()).cause == "bye"
        await lab.kill_control()
        await lab.start_control()  # the registration is in the journal: nothing has to be waited for
        async with calling(lab, "113", "+4791500002", source=steady(CALLER_HZ)) as caller:
            await phone.until("CALL_INCOMING", 2)
            phone.order("accept")
            await caller.answered()
            await caller.hang_up()
            await phone.until("CALL_CLOSED", 2)


async def test_a_caller_who_gives_up_stops_the_ringing_and_no_is_no(tmp_path: Path, voice: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"devices": [device()]}) as lab,
        desk_phone(tmp_path, lab.sip, "desk-2", "right", voice) as phone,
    ):
        await phone.registered()
        async with calling(lab, "113") as caller:
            await phone.until("CALL_INCOMING")
            caller.send_hang_up()
            await phone.until("CALL_CLOSED")
            await caller.over()
        async with calling(lab, "113", "+4791500002") as caller:
            await phone.until("CALL_INCOMING", 2)
            phone.order("hangup")  # 486 or 603
            await phone.until("CALL_INCOMING", 3)  # alone in the room: asked again, after a moment
            phone.order("accept")
            await caller.answered()
            await caller.hang_up()


async def test_codes_of_the_phone_sign_in_and_out(tmp_path: Path, voice: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"devices": [device(pin="4711")]}) as lab,
        desk_phone(tmp_path, lab.sip, "desk-2", "right", voice) as phone,
    ):
        await phone.registered()
        async with calling(lab, "113") as caller:
            await caller.ring()
            phone.order("dial", f"sip:*11*0000%23@{lab.sip[0]}:{lab.sip[1]}")
            await phone.until("CALL_CLOSED")
            assert "wrong PIN" in phone.told[-1]["param"]
            phone.order("dial", f"sip:*11*4711%23@{lab.sip[0]}:{lab.sip[1]}")
            await phone.until("CALL_CLOSED", 2)
            await phone.until("CALL_INCOMING")
            assert any("signed in" in str(told.get("param")) for told in phone.told)
            phone.order("accept")
            await caller.answered()
            await caller.hang_up()


async def test_it_is_heard_again_when_the_media_worker_has_died(tmp_path: Path, voice: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"devices": [device()]}) as lab,
        desk_phone(tmp_path, lab.sip, "desk-2", "right", voice) as phone,
    ):
        await phone.registered()
        async with calling(lab, "113", source=steady(CALLER_HZ)) as caller:
            await phone.until("CALL_INCOMING")
            phone.order("accept")
            await caller.answered()
            await eventually(lambda: caller.heard.tone_started_ns(PHONE_HZ), what="the caller hears the phone")
            await lab.kill_worker()
            lab.start_worker()
            back_ns = time.time_ns()
            await eventually(lambda: caller.heard.tone_started_ns(PHONE_HZ, back_ns), what="and hears it again")
            phone.order("hangup")
            assert (await caller.over()).cause == "bye"
