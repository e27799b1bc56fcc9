"""The radio link against the simulated network: WebSocket, RTP both ways, floors, faults. All sockets are real."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from kak_server.model.ids import Gssi, Issi
from kak_server.tetra_gw.api import (
    CommandRejected,
    EmergencyChanged,
    EmergencyRaised,
    FloorChanged,
    FloorState,
    GroupChanged,
    GroupState,
    LegReady,
    LinkChanged,
    PatchChanged,
    TalkerChanged,
)
from kak_sim.audio import read_wav, sequence_of, steady_tone, tone, tone_at
from kak_sim.tetra.network import Policy
from kak_sim.tetra.radios import frames_forever, frames_of
from tests.support.radio import Console, Phone, console, radio_network, until
from tests.unit.tetra_gw.hostile_frames import HOSTILE

pytestmark = pytest.mark.alone  # speech goes in real time, and its length at the radios is measured

GSSI = Gssi(24201)
RADIO, OTHER = 2420101, 2420102
TONES = [500.0, 700.0, 900.0, 1100.0]


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    one = Phone()
    yield one
    one.close()


async def granted(room: Console, op: str = "kari", priority: int = 0) -> FloorChanged:
    room.do("request_tx", GSSI, op, priority)
    return await room.told(FloorChanged, lambda event: event.state is FloorState.TALKING)


async def test_a_radio_is_heard_at_the_console(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        await room.tune(GSSI, phone)
        air.radios[RADIO].press(frames_of(tone(700, 1_000)))
        air.pump()
        talker = await room.told(TalkerChanged)
        assert (talker.issi, talker.alias) == (Issi(RADIO), "Ambulanse 1-1")
        assert (await room.told(TalkerChanged)).issi is None
        await asyncio.sleep(0.05)
    assert sequence_of(phone.heard, TONES) == [700.0]
    assert 50 <= len(phone.packets) <= 51
    assert [packet[1] >> 7 for packet in phone.packets] == [1] + [0] * (len(phone.packets) - 1)
    sequence = [int.from_bytes(packet[2:4], "big") for packet in phone.packets]
    assert sequence == list(range(sequence[0], sequence[0] + len(sequence)))


async def test_the_console_is_heard_at_the_radios_after_its_grant(phone: Phone, tmp_path: Path) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        port = await room.tune(GSSI, phone)
        loop = asyncio.get_running_loop()
        air.radios[OTHER].record(tmp_path / "heard.wav")
        started_s = loop.time()
        floor = await granted(room)
        assert (floor.op, floor.max_ms) == ("kari", 60_000)
        await phone.speak(np.concatenate((tone(900, 600), tone(500, 600))), port)
        room.do("cease_tx", GSSI)
        await until(lambda: air.network.groups[GSSI].talker is None)
        await asyncio.sleep(0.3)
        lasted_s = loop.time() - started_s
        written = air.radios[OTHER].stop_recording()
        counters = air.gateway.rooms["kak"].legs[GSSI].counters
    assert written is not None
    samples, rate = read_wav(tmp_path / "heard.wav")
    assert rate == 8_000
    assert abs(len(samples) / rate - lasted_s) < 0.1
    assert sequence_of(samples, TONES) == [900.0, 500.0]
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 500)
    assert 1.15 < (loud[-1] - loud[0]) / rate < 1.25, "the burst is whole: neither its head nor its tail is clipped"
    assert (counters.received, counters.lost, counters.uplink_without_grant) == (60, 0, 0)


async def test_uplink_without_a_grant_is_dropped_and_counted(phone: Phone, tmp_path: Path) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        port = await room.tune(GSSI, phone)
        air.radios[OTHER].record(tmp_path / "heard.wav")
        await phone.speak(tone(900, 300), port)
        await asyncio.sleep(0.05)
        counters = air.gateway.rooms["kak"].legs[GSSI].counters
        assert (counters.uplink_without_grant, counters.received) == (15, 0)
        air.radios[OTHER].stop_recording()
    samples, _ = read_wav(tmp_path / "heard.wav")
    assert not samples.any()


async def test_an_emergency_interrupts_the_console_at_once(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        port = await room.tune(GSSI, phone)
        await granted(room)
        speaking = asyncio.create_task(phone.speak(tone(900, 600), port))
        await asyncio.sleep(0.2)
        loop = asyncio.get_running_loop()
        pressed_s = loop.time()
        air.radios[RADIO].press(frames_forever(steady_tone(700)), priority=3)
        air.pump()
        lost = await room.told(FloorChanged)
        told_after_s = loop.time() - pressed_s
        await speaking
        await asyncio.sleep(0.1)
        counters = air.gateway.rooms["kak"].legs[GSSI].counters
        assert room.driver.floor(GSSI) is FloorState.REVOKED
        assert not [event for event in room.events if isinstance(event, FloorChanged)], "it asks for nothing by itself"
    assert (lost.state, lost.cause, lost.by) == (FloorState.REVOKED, "emergency", "Ambulanse 1-1")
    assert told_after_s < 0.25
    assert counters.uplink_after_grant + counters.uplink_without_grant > 5, "what was sent on was dropped"
    assert tone_at(phone.heard[-800:], TONES) == 700.0


async def test_a_busy_floor_queues_and_the_place_can_be_given_back(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        await room.tune(GSSI, phone)
        radio = air.radios[RADIO]
        radio.press(frames_forever(steady_tone(700)))
        air.pump()
        room.do("request_tx", GSSI, "kari", 0)
        queued = await room.told(FloorChanged, lambda event: event.state is FloorState.QUEUED)
        assert queued.position == 1
        room.do("cease_tx", GSSI)
        await until(lambda: not air.network.groups[GSSI].queue)
        room.do("request_tx", GSSI, "kari", 0)
        await room.told(FloorChanged, lambda event: event.state is FloorState.QUEUED)
        radio.release()
        air.pump()
        await room.told(FloorChanged, lambda event: event.state is FloorState.TALKING)


async def test_the_network_can_deny_and_interrupt_by_policy(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        await room.tune(GSSI, phone)
        air.network.set_policy(Policy(grant="deny"), air.clock())
        room.do("request_tx", GSSI, "kari", 0)
        assert (await room.told(FloorChanged, lambda event: event.state is FloorState.DENIED)).cause == "denied"
        air.network.set_policy(Policy(interrupt_after_ms=100), air.clock())
        await granted(room)
        assert (await room.told(FloorChanged)).state is FloorState.REVOKED


async def test_a_burst_ends_at_max_ms_and_the_call_after_its_hang_time(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        await room.tune(GSSI, phone)
        air.network.set_policy(Policy(max_ms=200, hang_ms=100), air.clock())
        await granted(room)
        assert (await room.told(FloorChanged)).state is FloorState.REVOKED
        await until(lambda: air.network.groups[GSSI].talker is None and air.network.groups[GSSI].call is None)


async def test_a_running_call_is_entered_late(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        air.radios[RADIO].press(frames_forever(steady_tone(700)))
        air.pump()
        await room.tune(GSSI, phone)
        await until(lambda: len(phone.packets) > 20)
        talker = room.driver.talker(GSSI)
    assert talker is not None
    assert talker.issi == RADIO
    assert tone_at(phone.heard, TONES) == 700.0


async def test_after_a_lost_link_everything_is_there_again(phone: Phone) -> None:
    async with radio_network() as (air, server), console(server.port) as room:
        port = await room.tune(GSSI, phone)
        room.do("create_patch", "p1", "call-1", GSSI, "kari", True)
        assert (await room.told(PatchChanged)).active
        await granted(room)
        session = air.gateway.rooms["kak"].session
        assert session is not None
        session.close("test")
        lost = await room.told(FloorChanged)
        assert (lost.state, lost.cause) == (FloorState.FREE, "link_lost")
        assert not (await room.told(LinkChanged)).up
        assert air.network.groups[GSSI].talker is None, "a room without a link talks nowhere"
        assert (await room.told(LinkChanged)).up
        await room.told(GroupChanged, lambda event: event.state is GroupState.ATTACHED)
        assert (await room.told(LegReady)).port == port, "the leg has outlived the link"
        assert "p1" in air.gateway.rooms["kak"].patches
        assert room.driver.floor(GSSI) is FloorState.FREE


async def test_downlink_audio_goes_on_while_the_link_is_down(phone: Phone) -> None:
    async with radio_network() as (air, server):
        async with console(server.port) as room:
            await room.tune(GSSI, phone)
            air.radios[RADIO].press(frames_forever(steady_tone(700)))
            air.pump()
            await until(lambda: len(phone.packets) > 5)
        before = len(phone.packets)
        await until(lambda: len(phone.packets) > before + 20)


async def test_a_second_session_of_a_room_fences_the_first(phone: Phone) -> None:
    async with radio_network() as (_, server), console(server.port) as first:
        await first.tune(GSSI, phone)
        async with console(server.port) as second:
            down = await first.told(LinkChanged)
            assert (down.up, down.reason) == (False, "fenced")
            await asyncio.sleep(0.3)
            assert second.driver.link_up, "the fenced one does not fight"
            assert not first.driver.link_up


async def test_two_rooms_hear_each_other(phone: Phone) -> None:
    async with (
        radio_network() as (_, server),
        console(server.port, "oslo") as oslo,
        console(server.port, "bergen") as bergen,
    ):
        other = Phone()
        try:
            port = await oslo.tune(GSSI, phone)
            await bergen.tune(GSSI, other)
            await granted(oslo)
            assert (await bergen.told(TalkerChanged)).alias == "Sentral oslo"
            await phone.speak(tone(900, 500), port)
            bergen.do("request_tx", GSSI, "ola", 0)
            await bergen.told(FloorChanged, lambda event: event.state is FloorState.QUEUED)
        finally:
            other.close()
    assert tone_at(other.heard, TONES) == 900.0
    assert phone.packets == []


async def test_refused_commands_are_told(phone: Phone) -> None:
    async with radio_network() as (_, server), console(server.port) as room:
        room.do("attach", Gssi(99))
        refused = await room.told(CommandRejected)
        assert (refused.command, refused.gssi, refused.code) == ("group.attach", 99, "UNKNOWN_GROUP")
        await room.tune(GSSI, phone)
        room.do("create_patch", "p1", "call-1", GSSI, "kari", False)
        assert (await room.told(CommandRejected)).code == "OWNER"


async def test_a_radios_emergency_is_had_by_the_first_and_cleared_for_all(phone: Phone) -> None:
    async with (
        radio_network() as (air, server),
        console(server.port) as oslo,
        console(server.port, "bergen") as bergen,
    ):
        air.gateway.emergency(RADIO, "Ambulanse 1-1", GSSI, on=True)
        alarm = (await oslo.told(EmergencyRaised)).alarm
        assert (await bergen.told(EmergencyRaised)).alarm == alarm
        for room, op in ((oslo, "kari"), (bergen, "bente")):
            room.do("acknowledge", alarm, op)
            await until(lambda: air.gateway.emergencies()[0].state == "acked")
        (up,) = air.gateway.emergencies()
        assert (up.state, up.by) == ("acked", "kari")
        assert (await bergen.told(EmergencyChanged)).by == "kari"
        bergen.do("clear_alarm", alarm, "handled", "bente")
        over = await oslo.told(EmergencyChanged, lambda event: event.cleared)
        assert (over.alarm, over.by, over.reason) == (alarm, "bente", "handled")
        (over_there,) = air.gateway.emergencies()
        assert (over_there.state, over_there.by, over_there.reason) == ("cleared", "bente", "handled")


async def test_hostile_frames_do_not_hurt_the_gateway() -> None:
    async with radio_network() as (air, server):
        for name, frame in HOSTILE.items():
            async with connect(f"ws://127.0.0.1:{server.port}", compression=None, proxy=None) as socket:
                await socket.send(frame)
                with contextlib.suppress(ConnectionClosed):
                    answer: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
                    assert answer["type"] == "error", name
        async with connect(f"ws://127.0.0.1:{server.port}", proxy=None) as flood:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(1_000):
                    await flood.send("nonsense")
                await asyncio.wait_for(flood.wait_closed(), 20)
            assert flood.close_code is not None
        await until(lambda: not air.gateway._sessions)
        assert air.gateway.counters["frames_refused"] > len(HOSTILE) - 5
        async with console(server.port):
            assert air.gateway.rooms.keys() == {"kak"}


@contextlib.asynccontextmanager
async def strange_gateway(*frames: str | bytes, welcome: bool = True) -> AsyncIterator[tuple[int, list[int]]]:
    """A gateway that greets, says strange things and then says nothing more. Counts its connections."""
    connections: list[int] = []

    async def behave(socket: ServerConnection) -> None:
        connections.append(1)
        base = {"v": 1, "epoch": 1, "ts": 0}
        with contextlib.suppress(ConnectionClosed):
            if welcome:
                await socket.send(json.dumps({**base, "id": "g1", "seq": 1, "type": "welcome", "body": {"epoch": 1}}))
                await socket.send(json.dumps({**base, "id": "g2", "seq": 2, "type": "snapshot", "body": {}}))
            for frame in frames:
                await socket.send(frame)
            async for _ in socket:
                pass  # read, so that a closing handshake is seen; answer nothing

    async with serve(behave, "127.0.0.1", 0, compression=None) as server:
        yield next(iter(server.sockets)).getsockname()[1], connections


async def test_hostile_frames_do_not_hurt_the_link() -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    small = {name: frame for name, frame in HOSTILE.items() if not name.startswith("huge")}
    async with strange_gateway(*small.values()) as (port, _), console(port) as room:
        await until(lambda: len([1 for name, _ in room.counts if name == "radio_frame_refused"]) == len(small))
        assert room.driver.link_up
    assert failures == []


async def test_a_frame_over_the_limit_closes_the_link_which_comes_back() -> None:
    async with strange_gateway(HOSTILE["huge"]) as (port, connections), console(port) as room:
        assert not (await room.told(LinkChanged)).up
        await until(lambda: len(connections) >= 2)


async def test_a_gateway_that_falls_silent_is_left(phone: Phone) -> None:
    async with (
        strange_gateway() as (port, connections),
        console(port, heartbeat_ms=50, stale_after_ms=200) as room,
    ):
        room.do("attach", GSSI)
        down = await room.told(LinkChanged)
        assert (down.up, down.reason) == (False, "no pong")
        await until(lambda: len(connections) >= 2)


async def test_a_gateway_that_is_not_there_is_tried_again_and_again() -> None:
    async with radio_network() as (_, server):
        port = server.port
    async with console(port, wait_up=False) as room:
        await until(lambda: len(room.counts) >= 2)
        assert {name for name, _ in room.counts} == {"radio_connect_failed"}
        assert room.driver.link_up is False


async def test_a_handler_that_fails_does_not_end_the_link() -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with radio_network() as (_, server), console(server.port) as room:

        def fail(event: object) -> None:
            raise RuntimeError("a fault of the house")

        room.link._on_event = fail
        room.do("attach", GSSI)
        await until(lambda: room.driver.group(GSSI) is GroupState.ATTACHED)
    assert [type(context["exception"]) for context in failures[:2]] == [RuntimeError, RuntimeError]
