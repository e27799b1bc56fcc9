"""Callers with SRTP and with Opus: baresip against a running system, heard at both ends; and refused without."""

import base64
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kak_sim.audio import tone, write_wav
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Robot
from tests.e2e.test_kill_worker import supervised
from tests.support.baresip import baresip_call, heard_by, needs_baresip
from tests.support.lab import running_lab
from tests.support.media_peers import tone_share
from tests.support.ports import free_port
from tests.support.report import report
from tests.support.robots import VOICE_HZ, in_call, robot_at
from tests.support.sipp import needs_sipp, run_sipp
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.real_peer, pytest.mark.xdist_group("e2e")]
CALLER_HZ = 440
SIPP = Path(__file__).parents[1] / "integration" / "sipp"


def trunk(**more: Any) -> dict[str, Any]:
    return {
        "trunks": [{"name": "lab", "sources": ["127.0.0.0/8"], **more}],
        "outbound_routes": [],
        "devices": [],
        "services": [],
    }


@needs_baresip
@pytest.mark.parametrize(
    ("settings", "account", "says"),
    [
        ({"srtp": "required"}, "audio_codecs=PCMA/8000/1;mediaenc=srtp-mand", "RTP/SAVP"),
        ({"srtp": "optional"}, "audio_codecs=PCMU/8000/1;mediaenc=srtp", "RTP/AVP"),
        ({"srtp": "optional"}, "audio_codecs=opus/48000/2;mediaenc=srtp-mandf", "RTP/SAVPF"),
        ({"codecs": ["opus", "PCMA"]}, "audio_codecs=opus/48000/2,PCMA/8000/1", "opus/48000/2"),
    ],
    ids=["required", "beside-plain", "opus-srtp", "opus"],
)
async def test_a_caller_and_an_operator_hear_each_other(
    tmp_path: Path, settings: dict[str, Any], account: str, says: str
) -> None:
    voice = tmp_path / "voice.wav"
    write_wav(voice, np.tile(tone(CALLER_HZ, 1_000), 60))
    async with running_lab(tmp_path, simulators=False, sip=trunk(**settings)) as lab:
        async with robot_at(lab, "kari", "oslo-1") as robot:
            address = f"sip:113@{lab.sip[0]}:{lab.sip[1]}"
            async with baresip_call(tmp_path, "+4791500008", address, voice, account=account):
                await eventually(lambda: in_call(robot.client), 20, what="the operator has the call")
                await eventually(
                    lambda: tone_share(robot.heard.samples()[-4_000:], CALLER_HZ) > 0.8, 20, what="the caller is heard"
                )
                await eventually(
                    lambda: tone_share(heard_by(tmp_path)[-4_000:], VOICE_HZ) > 0.8, 20, what="the operator is heard"
                )
                shown = await messages_of_the_last_call(lab)
        assert says in shown
        assert ("inline:*" in shown) == ("mediaenc" in account)
        assert not re.search(r"inline:[A-Za-z0-9+/]", shown), "a key is shown"
        assert "inline:" not in "".join(lab.tail(name) for name in ("control", "worker"))


@needs_baresip
@pytest.mark.parametrize(
    ("srtp", "mediaenc", "secured"),
    [("required", "srtp-mand", True), ("optional", "srtp", True), ("optional", "", False)],
    ids=["required", "keys-beside-plain", "plain-peer"],
)
async def test_a_call_of_ours(tmp_path: Path, srtp: str, mediaenc: str, secured: bool) -> None:
    """Offers of ours: RTP/SAVP, or RTP/AVP with keys that the peer may take or leave (RFC 8643)."""
    voice = tmp_path / "voice.wav"
    write_wav(voice, np.tile(tone(CALLER_HZ, 1_000), 60))
    port = free_port()
    account = "audio_codecs=PCMA/8000/1" + (f";mediaenc={mediaenc}" if mediaenc else "")
    out = trunk(srtp=srtp, outbound=True, address=f"sip:127.0.0.1:{port}")
    out["outbound_routes"] = [{"name": "rest", "prefixes": ["*"], "trunks": ["lab"]}]
    async with (
        running_lab(tmp_path, simulators=False, sip=out) as lab,
        baresip_call(tmp_path, "+4722334455", "", voice, account=account, port=port),
        robot_at(lab, "kari", "oslo-1") as robot,
    ):
        await robot.client.command("contact.dial", number="22334455", display="")
        await eventually(lambda: in_call(robot.client), 20, what="answered")
        robot.rtp.rest(False)
        await eventually(
            lambda: tone_share(robot.heard.samples()[-4_000:], CALLER_HZ) > 0.8, 20, what="the peer is heard"
        )
        await eventually(
            lambda: tone_share(heard_by(tmp_path)[-4_000:], VOICE_HZ) > 0.8, 20, what="the operator is heard"
        )
        shown = await messages_of_the_last_call(lab)
        offered, answered = (part for part in shown.split("v=0\r\n")[1:3])
        assert ("RTP/SAVP" if srtp == "required" else "RTP/AVP") in offered
        assert offered.count("a=crypto:") == 2
        assert answered.count("a=crypto:") == secured


@needs_baresip
async def test_a_protected_call_outlives_its_worker(tmp_path: Path) -> None:
    """kill -9 of the media worker: the next one has the keys from the journal, and both ends hear each other again."""
    voice = tmp_path / "voice.wav"
    write_wav(voice, np.tile(tone(CALLER_HZ, 1_000), 90))
    async with supervised(tmp_path, sip=trunk(srtp="required")) as (base_url, sip, data):
        robot = Robot(PositionClient(base_url, "kari", "lab"), "oslo-1", source=steady(VOICE_HZ), keep_sound=True)
        await robot.start()
        address = f"sip:113@{sip[0]}:{sip[1]}"
        account = "audio_codecs=PCMA/8000/1;mediaenc=srtp-mand"
        async with baresip_call(tmp_path, "+4791500008", address, voice, account=account):
            await eventually(lambda: in_call(robot.client), 20, what="the operator has the call")
            await eventually(
                lambda: tone_share(heard_by(tmp_path)[-4_000:], VOICE_HZ) > 0.8, 20, what="the operator is heard"
            )
            os.kill(int((data / "run" / "worker.pid").read_text()), signal.SIGKILL)
            killed_ns, heard_before = time.time_ns(), len(heard_by(tmp_path))
            await eventually(
                lambda: tone_share(robot.heard.samples(killed_ns + 1_000_000_000)[-4_000:], CALLER_HZ) > 0.8,
                20,
                what="the caller is heard again",
            )
            await eventually(
                lambda: tone_share(heard_by(tmp_path)[heard_before + 8_000 :][-4_000:], VOICE_HZ) > 0.8,
                20,
                what="the operator is heard again",
            )
            # counted to the end of half a second of tone at both ends
            report("kill-worker-srtp", both_at_latest_ms=round((time.time_ns() - killed_ns) / 1_000_000))
            assert in_call(robot.client)
        await robot.stop()


@needs_sipp
async def test_a_trunk_that_requires_srtp(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False, sip=trunk(srtp="required")) as lab:
        refused = await run_sipp(SIPP / "uac_plain_refused.xml", lab.sip, tmp_path, "-s", "113")
        assert refused.code == 0, refused.output
        async with robot_at(lab, "kari", "oslo-1"):
            taken = await run_sipp(SIPP / "uac_srtp.xml", lab.sip, tmp_path, "-s", "113")
            assert taken.code == 0, taken.output


async def messages_of_the_last_call(lab: Lab) -> str:
    """All SIP messages of the newest call, as the trace shows them to those who may see it."""
    technician = PositionClient(lab.base_url, "tore", "lab")
    try:
        await technician.sign_in()
        answer = await technician.request("GET", "/api/v1/calls/last/sip")
    finally:
        await technician.close()
    return "".join(base64.b64decode(message["data_base64"]).decode() for message in answer["messages"])
