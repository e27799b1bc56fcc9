"""What happens inside dialogs, against sipp: session timers, hold, our re-INVITE, REFER, Replaces."""

import asyncio
import shutil
from pathlib import Path

import pytest

from kak_server.sip.api import CallConfirmed, CallEnded, CallMediaChanged, IncomingCall
from kak_server.sip.api_legs import MediaAgreed, MediaRefused, TransferAsked, TransferReport
from tests.integration.test_sip_with_sipp import House, all_over, running, sipp

pytestmark = [pytest.mark.real_peer, pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")]


def causes(house: House) -> list[str]:
    return [event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)]


async def confirmed(house: House) -> IncomingCall:
    """The call, once it is up."""
    await house.until(lambda: bool(house.of(CallConfirmed)))
    (event,) = house.of(IncomingCall)
    assert isinstance(event, IncomingCall)
    return event


async def no_call_left(house: House) -> None:
    """As `all_over`, but for the INVITE of ours that was refused: its transaction waits 32 s for copies of the answer
    (17.1.1.2, timer D), however short the other timers are."""
    await house.until(lambda: not house.core.census()["calls"], seconds=20)
    assert house.records == {}


async def test_session_timer(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_session_timer", folder=tmp_path)
        assert causes(house) == ["bye"]
        await all_over(house)


async def test_every_direction(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_hold_matrix", folder=tmp_path)
        changes = [event for event in house.of(CallMediaChanged) if isinstance(event, CallMediaChanged)]
        directions = ["recvonly", "sendonly", "inactive", "sendrecv"]
        assert [change.direction for change in changes] == [*directions, *directions, "recvonly"]
        held = ["peer", "nobody", "peer", "nobody"]
        assert [change.held_by for change in changes] == [*held, *held, "peer"]
        await all_over(house)


async def test_we_hold_and_resume_across_glare(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        caller = asyncio.create_task(sipp(house, "uac_reoffered", folder=tmp_path))
        event = await confirmed(house)
        assert house.server.reoffer(event.call, house.sdp(event).replace("a=sendrecv", "a=sendonly"))
        await house.until(lambda: len(house.of(MediaAgreed)) == 1)
        assert house.server.reoffer(event.call, house.sdp(event))
        await house.until(lambda: len(house.of(MediaAgreed)) == 2)
        agreed = [one.direction for one in house.of(MediaAgreed) if isinstance(one, MediaAgreed)]
        assert agreed == ["sendonly", "sendrecv"]
        assert house.server.hangup(event.call)
        await caller
        await no_call_left(house)


async def test_our_offer_is_refused_and_then_the_call_is_gone(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        caller = asyncio.create_task(sipp(house, "uac_reoffer_refused", folder=tmp_path))
        event = await confirmed(house)
        assert house.server.reoffer(event.call, house.sdp(event))
        await house.until(lambda: bool(house.of(MediaRefused)))
        assert house.of(MediaRefused) == [MediaRefused(event.call, 488)]
        assert house.of(CallEnded) == []
        assert house.server.reoffer(event.call, house.sdp(event))
        await caller
        assert causes(house) == ["gone"]
        await no_call_left(house)


async def test_killed_with_our_offer_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies when the re-INVITE has left; the next one goes on with the same transaction."""
    async with running(House.answer) as first:
        port = first.server.port
        caller = asyncio.create_task(sipp(first, "uac_reoffered", folder=tmp_path))
        event = await confirmed(first)
        assert first.server.reoffer(event.call, first.sdp(event).replace("a=sendrecv", "a=sendonly"))
        records = dict(first.records)  # nothing was heard yet: no await since
        monkeypatch.setattr(first.core, "datagram", lambda *_: None)  # and nothing more is, until it is gone
    async with running(House.answer, port=port, life=2) as second:
        second.records.update(records)
        second.server.restore(records)
        await second.until(lambda: len(second.of(MediaAgreed)) == 1)
        assert second.server.reoffer(event.call, second.sdp(event))
        await second.until(lambda: len(second.of(MediaAgreed)) == 2)
        assert second.server.hangup(event.call)
        await caller
        await no_call_left(second)


async def test_a_blind_transfer_is_asked_of_us(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        caller = asyncio.create_task(sipp(house, "uac_refer", folder=tmp_path))
        await house.until(lambda: bool(house.of(TransferAsked)))
        (asked,) = house.of(TransferAsked)
        assert isinstance(asked, TransferAsked)
        assert (asked.target, asked.referred_by) == ("+4722334455", "sip:+4722000001@127.0.0.1")
        assert house.server.accept_transfer(asked.call)
        for status in (180, 200):
            await asyncio.sleep(0.1)
            assert house.server.report_transfer(asked.call, status)
        await caller
        assert causes(house) == ["bye"]
        await all_over(house)


async def test_a_transfer_is_refused(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        caller = asyncio.create_task(sipp(house, "uac_refer_refused", folder=tmp_path))
        await house.until(lambda: bool(house.of(TransferAsked)))
        (asked,) = house.of(TransferAsked)
        assert isinstance(asked, TransferAsked)
        assert house.server.reject_transfer(asked.call, 603)
        await caller
        await all_over(house)


async def test_we_send_a_caller_elsewhere(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        caller = asyncio.create_task(sipp(house, "uac_referred", folder=tmp_path))
        event = await confirmed(house)
        assert house.server.refer(event.call, "110")
        await caller
        reports = [(one.status, one.final) for one in house.of(TransferReport) if isinstance(one, TransferReport)]
        assert reports == [(180, False), (200, True)]
        await all_over(house)


async def test_a_call_takes_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    async with running(House.answer) as house:
        old = asyncio.create_task(sipp(house, "uac_replaced", folder=tmp_path / "old"))
        event = await confirmed(house)
        (record,) = house.records.values()
        dialog = record["dialog"]
        replaces = f"{dialog['call_id']};to-tag={dialog['local_tag']};from-tag={dialog['remote_tag']}"
        await sipp(house, "uac_replaces", "-m", "1", "-key", "replaces", replaces, folder=tmp_path / "new")
        await old
        second = house.of(IncomingCall)[1]
        assert isinstance(second, IncomingCall)
        assert (second.replaces, second.called) == (event.call, "113")
        assert sorted(causes(house)) == ["bye", "replaced"]
        await all_over(house)


async def test_there_is_nothing_to_take_the_place_of(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_replaces_unknown", folder=tmp_path)
        assert house.events == []
        await all_over(house)
