"""Calls of ours to sipp, an independent SIP stack, as the called side, on loopback."""

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, SipEvent
from kak_server.sip.api_legs import CallAnswered, CallProgress, Dial
from tests.integration.test_sip_with_sipp import LOOPBACK, SCENARIOS, House, running
from tests.support.ports import free_port
from tests.support.sipp import needs_sipp, sipp_server

pytestmark = [pytest.mark.real_peer, needs_sipp]

CALL = CallId("out1")
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
DIAL = Dial(CALL, "+4722334455", OFFER, ("lab",), caller="+4723000000", attempt_timeout_ms=1_000)


async def call(
    scenario: str, folder: Path, *, hang_up: bool = True, dial: Dial = DIAL, transport: str = "udp", **trunk: str
) -> House:
    """Dial a scenario and talk for a moment; whatever sipp expected of us has happened when this returns."""
    async with sipp_server(SCENARIOS / f"{scenario}.xml", folder, transport=transport) as (_, port):
        address = f"sip:127.0.0.1:{port};transport={transport}"
        lab = replace(LOOPBACK, address=address, **trunk)  # type: ignore[arg-type]
        async with running(lambda _house, _event: None, trunk=lab) as house:
            assert house.server.dial(dial)
            await house.until(lambda: bool(house.of(CallAnswered) or house.of(CallEnded)))
            if hang_up and house.of(CallAnswered):
                await asyncio.sleep(1.0 if transport == "tcp" else 0.3)  # (sipp minds messages in one segment)
                assert house.server.hangup(CALL)
            await house.until(lambda: bool(house.of(CallEnded)))
            await house.until(lambda: not any(house.core.census().values()), 60)
            assert house.records == {}
    return house


def the(house: House, kind: type) -> SipEvent:
    (event,) = house.of(kind)
    return event


async def test_rings_and_is_answered(tmp_path: Path) -> None:
    house = await call("uas_answer", tmp_path)
    assert [type(event) for event in house.events] == [CallProgress, CallAnswered, CallEnded]
    assert the(house, CallProgress) == CallProgress(CALL, 180, None, "lab")
    answer = the(house, CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert "m=audio 6000" in answer.sdp


@pytest.mark.parametrize("scenario", ["uas_answer", "uas_forked", "uas_digest", "uas_reliable"])
async def test_over_tcp(scenario: str, tmp_path: Path) -> None:
    house = await call(scenario, tmp_path, transport="tcp", username="kak", password="secret")
    assert the(house, CallAnswered)


async def test_early_media_and_the_callee_hangs_up(tmp_path: Path) -> None:
    house = await call("uas_early", tmp_path, hang_up=False)
    progress = the(house, CallProgress)
    assert isinstance(progress, CallProgress)
    assert progress.status == 183
    assert "m=audio 6000" in (progress.sdp or "")
    assert the(house, CallEnded) == CallEnded(CALL, "bye", "Normal, unspecified", 0, 31)


async def test_redirected_within_the_trunk(tmp_path: Path) -> None:
    house = await call("uas_redirect", tmp_path)
    assert the(house, CallAnswered)


async def test_busy(tmp_path: Path) -> None:
    house = await call("uas_busy", tmp_path)
    assert the(house, CallEnded) == CallEnded(CALL, "busy", "User busy", 486, 17)


async def test_two_branches_answer(tmp_path: Path) -> None:
    house = await call("uas_forked", tmp_path)
    assert the(house, CallAnswered)
    assert "sip_second_answer" in [count.name for count in house.counts]


async def test_credentials(tmp_path: Path) -> None:
    house = await call("uas_digest", tmp_path, username="kak", password="secret")
    assert the(house, CallAnswered)


async def test_early_media_is_acknowledged(tmp_path: Path) -> None:
    house = await call("uas_reliable", tmp_path)
    answer = the(house, CallAnswered)
    assert isinstance(answer, CallAnswered)
    assert "m=audio 6000" in answer.sdp  # of the 183


@pytest.mark.parametrize("scenario", ["uas_cancel", "uas_crossing"])
async def test_taken_back_while_it_rings(scenario: str, tmp_path: Path) -> None:
    async with sipp_server(SCENARIOS / f"{scenario}.xml", tmp_path) as (_, port):
        lab = replace(LOOPBACK, address=f"sip:127.0.0.1:{port}")
        async with running(lambda _house, _event: None, trunk=lab) as house:
            house.server.dial(DIAL)
            await house.until(lambda: bool(house.of(CallProgress)))
            house.server.hangup(CALL)
            assert the(house, CallEnded) == CallEnded(CALL, "hangup")
            await house.until(lambda: not any(house.core.census().values()), 60)
            assert house.of(CallAnswered) == []


async def test_nobody_picks_up(tmp_path: Path) -> None:
    house = await call("uas_cancel", tmp_path, dial=replace(DIAL, ring_timeout_ms=700))
    assert the(house, CallEnded) == CallEnded(CALL, "no-answer")


@pytest.mark.parametrize("first", ["silent", "refusing"])
async def test_the_next_trunk_when_one_is_dead(first: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1] if first == "silent" else free_port()
        transport = "" if first == "silent" else ";transport=tcp"
        dead = replace(LOOPBACK, address=f"sip:127.0.0.1:{port}{transport}")
        async with sipp_server(SCENARIOS / "uas_answer.xml", tmp_path) as (_, living_port):
            living = replace(LOOPBACK, name="living", address=f"sip:127.0.0.1:{living_port}")
            async with running(lambda _house, _event: None, trunk=dead, more_trunks=(living,)) as house:
                begun = time.monotonic()
                house.server.dial(replace(DIAL, trunks=("lab", "living")))
                await house.until(lambda: bool(house.of(CallAnswered)))
                assert time.monotonic() - begun < (5 if first == "silent" else 1)
                answer = the(house, CallAnswered)
                assert isinstance(answer, CallAnswered)
                assert answer.trunk == "living"
                house.server.hangup(CALL)
                await house.until(lambda: not any(house.core.census().values()), 60)


async def test_the_next_trunk_when_one_refuses(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with (
        sipp_server(SCENARIOS / "uas_fails.xml", tmp_path / "one") as (_, one),
        sipp_server(SCENARIOS / "uas_answer.xml", tmp_path / "two") as (_, two),
    ):
        first = replace(LOOPBACK, address=f"sip:127.0.0.1:{one}")
        second = replace(LOOPBACK, name="second", address=f"sip:127.0.0.1:{two}")
        async with running(lambda _house, _event: None, trunk=first, more_trunks=(second,)) as house:
            house.server.dial(replace(DIAL, trunks=("lab", "second")))
            await house.until(lambda: bool(house.of(CallAnswered)))
            house.server.hangup(CALL)
            await house.until(lambda: not any(house.core.census().values()), 60)


async def test_killed_while_it_rings(tmp_path: Path) -> None:
    async with sipp_server(SCENARIOS / "uas_cancel.xml", tmp_path) as (_, port):
        lab = replace(LOOPBACK, address=f"sip:127.0.0.1:{port}")
        async with running(lambda _house, _event: None, trunk=lab) as first:
            first.server.dial(DIAL)
            await first.until(lambda: bool(first.of(CallProgress)))
            own_port = first.server.port
            records = dict(first.records)
        async with running(lambda _house, _event: None, trunk=lab, port=own_port, life=2) as second:
            second.records.update(records)
            second.server.restore(records)
            ((_, view),) = second.core.calls().items()
            assert view.state == "pending"
            second.server.hangup(CALL)
            await second.until(lambda: not any(second.core.census().values()), 60)
            assert second.records == {}
