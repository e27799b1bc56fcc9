"""What happens inside dialogs, against baresip: hold and resume from both sides, transfers asked of us and by us."""

import asyncio
import contextlib
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kak_server.sip.api import CallConfirmed, CallEnded, CallMediaChanged, IncomingCall
from kak_server.sip.api_legs import MediaAgreed, TransferAsked, TransferReport
from tests.integration.test_sip_with_sipp import House, all_over, running
from tests.support.baresip import needs_baresip
from tests.support.baresip_phone import Phone, desk_phone

pytestmark = [pytest.mark.real_peer, needs_baresip]


@contextlib.asynccontextmanager
async def calling(house: House, folder: Path, name: str = "kari") -> AsyncIterator[tuple[Phone, IncomingCall]]:
    """A phone in a call with the house."""
    voice = folder / f"{name}.wav"
    with wave.open(str(voice), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(bytes(16_000))
    known = len(house.of(CallConfirmed))
    async with desk_phone(folder, ("127.0.0.1", house.server.port), name, "none", voice, register=False) as phone:
        phone.order("dial", f"sip:113@127.0.0.1:{house.server.port}")
        await phone.until("CALL_ESTABLISHED")
        await house.until(lambda: len(house.of(CallConfirmed)) > known)
        event = house.of(IncomingCall)[-1]
        assert isinstance(event, IncomingCall)
        yield phone, event


def changes(house: House) -> list[tuple[str, str]]:
    return [
        (event.direction, event.held_by) for event in house.of(CallMediaChanged) if isinstance(event, CallMediaChanged)
    ]


def agreed(house: House) -> list[str]:
    return [event.direction for event in house.of(MediaAgreed) if isinstance(event, MediaAgreed)]


async def test_hold_and_resume_from_both_sides(tmp_path: Path) -> None:
    async with running(House.answer, t1_ms=200) as house, calling(house, tmp_path) as (phone, event):
        sdp = house.sdp(event)
        phone.order("hold")
        await house.until(lambda: changes(house) == [("recvonly", "peer")])
        assert house.server.reoffer(event.call, sdp.replace("a=sendrecv", "a=sendonly"))
        await house.until(lambda: len(agreed(house)) == 1)
        phone.order("resume")  # ends its hold, not ours
        await house.until(lambda: len(changes(house)) == 2)
        assert changes(house)[1] == ("sendonly", "us")
        assert house.server.reoffer(event.call, sdp)
        await house.until(lambda: len(agreed(house)) == 2)
        assert agreed(house)[1] == "sendrecv"
        phone.order("hangup")
        await phone.until("CALL_CLOSED")
        await house.until(lambda: bool(house.of(CallEnded)))
        await all_over(house)


async def test_the_phone_asks_for_a_blind_transfer(tmp_path: Path) -> None:
    async with running(House.answer, t1_ms=200) as house, calling(house, tmp_path) as (phone, event):
        phone.order("transfer", "sip:110@127.0.0.1:5099")
        await house.until(lambda: bool(house.of(TransferAsked)))
        assert house.of(TransferAsked) == [TransferAsked(event.call, "110")]
        assert house.server.accept_transfer(event.call)
        await asyncio.sleep(0.2)
        assert house.server.report_transfer(event.call, 180)
        await asyncio.sleep(0.2)
        assert house.server.report_transfer(event.call, 200)
        await phone.until("CALL_CLOSED")  # it hangs up when it hears that the other has answered
        await house.until(lambda: bool(house.of(CallEnded)))
        await all_over(house)


async def test_the_phone_is_told_that_its_transfer_failed(tmp_path: Path) -> None:
    async with running(House.answer, t1_ms=200) as house, calling(house, tmp_path) as (phone, event):
        phone.order("transfer", "sip:110@127.0.0.1:5099")
        await house.until(lambda: bool(house.of(TransferAsked)))
        assert house.server.accept_transfer(event.call)
        await asyncio.sleep(0.2)
        assert house.server.report_transfer(event.call, 486)
        await house.until(lambda: "transfer failure: 486 Busy Here" in phone.log.read_text(errors="replace"))


async def test_we_send_the_phone_elsewhere(tmp_path: Path) -> None:
    """The place it is sent to is another number of ours: a second call comes in, and it tells how that went."""
    async with running(House.answer, t1_ms=200) as house, calling(house, tmp_path) as (phone, event):
        assert house.server.refer(event.call, f"sip:113@127.0.0.1:{house.server.port}")
        await house.until(lambda: len(house.of(IncomingCall)) == 2)
        await phone.until("CALL_ESTABLISHED", 2)
        await house.until(lambda: bool(house.of(TransferReport)))
        reports = [one for one in house.of(TransferReport) if isinstance(one, TransferReport)]
        assert {one.call for one in reports} == {event.call}
        assert reports[-1].status in (180, 200)


async def test_the_phone_cannot_be_sent_where_nobody_is(tmp_path: Path) -> None:
    async with running(House.answer, t1_ms=200) as house, calling(house, tmp_path) as (_, event):
        assert house.server.refer(event.call, f"sip:4711@127.0.0.1:{house.server.port}")
        await house.until(
            lambda: any(isinstance(one, TransferReport) and one.final for one in house.of(TransferReport))
        )
        report = house.of(TransferReport)[-1]
        assert isinstance(report, TransferReport)
        assert report.status >= 400
        assert event.call in house.core.calls()
