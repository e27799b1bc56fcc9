"""Calls of ours to baresip, another SIP and media stack, as the called side."""

import asyncio
import contextlib
import socket
import wave
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, CallMediaChanged
from kak_server.sip.api_legs import CallAnswered, CallProgress, Dial
from tests.integration.test_sip_with_sipp import LOOPBACK, House, running
from tests.support.baresip import needs_baresip
from tests.support.baresip_phone import Phone, desk_phone
from tests.support.ports import free_port

pytestmark = [pytest.mark.real_peer, needs_baresip]

CALL = CallId("out1")
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio %d RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)


@contextlib.asynccontextmanager
async def ringing(folder: Path, answers: str = "manual") -> AsyncIterator[tuple[House, Phone, socket.socket]]:
    """A phone that we have called and that rings; the socket is where our offer asks for the sound."""
    voice = folder / "kari.wav"
    with wave.open(str(voice), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(bytes(160_000))
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", 0))
        media.setblocking(False)
        dial = Dial(CALL, f"sip:kari@127.0.0.1:{port}", OFFER % media.getsockname()[1], ("lab",), caller="113")
        lab = replace(LOOPBACK, address=f"sip:127.0.0.1:{port}")
        nobody = ("127.0.0.1", 9)
        async with (
            desk_phone(folder, nobody, "kari", "none", voice, register=False, port=port, answers=answers) as phone,
            running(lambda _house, _event: None, t1_ms=200, trunk=lab) as house,
        ):
            assert house.server.dial(dial)
            if answers == "manual":
                await phone.until("CALL_INCOMING")
            yield house, phone, media
            await house.until(lambda: not any(house.core.census().values()), 60)
            assert house.records == {}


async def sound(media: socket.socket) -> None:
    """RTP of PCMA arrives."""
    data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(media, 2_048), 20)
    assert (data[0] >> 6, data[1] & 0x7F) == (2, 8)


def only(house: House, kind: type) -> object:
    (event,) = house.of(kind)
    return event


async def test_answered_held_and_hung_up_by_the_phone(tmp_path: Path) -> None:
    async with ringing(tmp_path) as (house, phone, media):
        await house.until(lambda: bool(house.of(CallProgress)))
        assert only(house, CallProgress) == CallProgress(CALL, 180, None, "lab")
        phone.order("accept")
        await phone.until("CALL_ESTABLISHED")
        await house.until(lambda: bool(house.of(CallAnswered)))
        await sound(media)
        phone.order("hold")
        await house.until(lambda: bool(house.of(CallMediaChanged)))
        changed = only(house, CallMediaChanged)
        assert isinstance(changed, CallMediaChanged)
        assert changed.held_by == "peer"
        phone.order("hangup")
        await house.until(lambda: bool(house.of(CallEnded)))
        ended = only(house, CallEnded)
        assert isinstance(ended, CallEnded)
        assert ended.cause == "bye"


async def test_hung_up_by_us(tmp_path: Path) -> None:
    async with ringing(tmp_path) as (house, phone, _):
        phone.order("accept")
        await house.until(lambda: bool(house.of(CallAnswered)))
        assert house.server.hangup(CALL)
        await phone.until("CALL_CLOSED")


async def test_early_media_then_the_answer(tmp_path: Path) -> None:
    async with ringing(tmp_path, answers="early") as (house, phone, media):
        await house.until(lambda: any(isinstance(one, CallProgress) and one.sdp for one in house.events))
        assert house.of(CallAnswered) == []
        phone.order("accept")
        await house.until(lambda: bool(house.of(CallAnswered)))
        await sound(media)
        assert house.server.hangup(CALL)
        await phone.until("CALL_CLOSED")


async def test_refused_by_the_phone(tmp_path: Path) -> None:
    async with ringing(tmp_path) as (house, phone, _):
        phone.order("hangup")
        await house.until(lambda: bool(house.of(CallEnded)))
        ended = only(house, CallEnded)
        assert isinstance(ended, CallEnded)
        assert (ended.cause, ended.status) == ("busy", 486)


async def test_taken_back_while_it_rings(tmp_path: Path) -> None:
    async with ringing(tmp_path) as (house, phone, _):
        await house.until(lambda: bool(house.of(CallProgress)))
        assert house.server.hangup(CALL)
        await phone.until("CALL_CLOSED")
