"""The simulated telephone against sipp: another stack judges its SIP, and echoes its audio."""

import asyncio
import time
from pathlib import Path

import pytest

from kak_sim.callers.caller import Caller, CallFailedError
from kak_sim.callers.sound import steady, tones
from tests.support.ports import free_port
from tests.support.sipp import needs_sipp, sipp_server

HERE = Path(__file__).parent
pytestmark = [pytest.mark.real_peer, needs_sipp]


@pytest.mark.alone
async def test_a_call_rings_is_answered_echoed_probed_and_hung_up(tmp_path: Path) -> None:
    async with sipp_server(HERE / "uas_bye.xml", tmp_path, "-rtp_echo") as server:
        caller = await Caller(server, "113", source=tones([440, 880], 300), linger_s=0.1).place()
        await caller.ring()
        assert caller.state == "ringing"
        await caller.answered()
        since = time.time_ns()
        await asyncio.sleep(1.5)
        assert caller.heard.tone_sequence([440, 880, 1500])[:3] == [440, 880, 440]
        assert caller.heard.longest_gap_ms(since + 300_000_000, time.time_ns()) < 200
        await caller.hang_up()
        assert caller.ended is not None
        assert (caller.ended.cause, caller.ended.status) == ("hung-up", 200)
        caller.record_to(tmp_path / "heard.wav")
        assert (tmp_path / "heard.wav").stat().st_size > 16_000


async def test_an_answer_without_ringing_and_the_other_end_hangs_up(tmp_path: Path) -> None:
    async with sipp_server(HERE / "uas_hangs_up.xml", tmp_path) as server:
        caller = await Caller(server, "113", source=steady(440), linger_s=0.1).place()
        await caller.answered()
        ended = await caller.over()
        assert ended.cause == "bye"
        assert caller.rtp.sent > 5


async def test_a_ringing_call_is_cancelled(tmp_path: Path) -> None:
    async with sipp_server(HERE / "uas_cancelled.xml", tmp_path) as server:
        caller = await Caller(server, "113", linger_s=0.1).place()
        await caller.ring()
        await caller.hang_up()
        assert caller.ended is not None
        assert (caller.ended.cause, caller.ended.status) == ("cancelled", 487)
        with pytest.raises(CallFailedError, match="cancelled 487"):
            await caller.answered()


async def test_nobody_there(tmp_path: Path) -> None:
    caller = await Caller(("127.0.0.1", free_port()), "113", linger_s=0.1).place()
    with pytest.raises(TimeoutError):
        await caller.ring(0.8)
    assert caller.sip.retransmissions == 1
    caller.close()
