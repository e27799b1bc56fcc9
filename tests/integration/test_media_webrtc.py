"""Operator and video legs of a real worker with aiortc as the browser."""

from pathlib import Path

import pytest

from kak_server.media import rpc
from kak_server.model.ids import LegId, MixId, RecordingId
from tests.support.media_peers import RtpPhone, both_ways, rtp_leg, running, until
from tests.support.ports import free_port
from tests.support.webrtc_peers import Browser, loopback_ice

__all__ = ["loopback_ice"]
pytestmark = [pytest.mark.xdist_group("media-worker"), pytest.mark.usefixtures("loopback_ice")]


def media_states(events: list[rpc.LegMedia], leg: str) -> list[str]:
    return [event.state for event in events if event.leg == leg]


async def test_operator_and_caller_hear_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        browser, caller = Browser().operator(1_000.0), RtpPhone(440.0)
        radio = RtpPhone(600.0, ssrc=5)
        answer = await browser.connect(control, "seat", "operator")
        assert "minptime=10;useinbandfec=1;usedtx=0" in answer
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0]))
        await control.do(rtp_leg("radio", ports[1]))
        await until(lambda: media_states(control.of(rpc.LegMedia), "seat") == ["up"], 10.0, "media up")
        await control.do(both_ways("call", "caller", "seat/headset"))
        await control.do(rpc.SetMix(MixId("call"), (rpc.Edge("caller", "seat/headset"), rpc.Edge("seat", "caller"))))
        await control.do(rpc.SetMix(MixId("monitor"), (rpc.Edge("radio", "seat/speaker"),)))
        caller.start(ports[0])
        radio.start(ports[1])
        await until(lambda: caller.hears(1_000.0), 10.0, "the caller hears the microphone")
        await until(lambda: browser.headset.hears(440.0), 10.0, "the headset has the caller")
        await until(lambda: browser.speaker.hears(600.0), 10.0, "the speaker has the radio")
        assert not browser.headset.hears(600.0)
        for peer in (caller, radio):
            peer.close()
        await browser.close()
        await until(lambda: "closed" in media_states(control.of(rpc.LegMedia), "seat"), 20.0, "leg closed")
        await control.do(rpc.CloseLeg(LegId("seat")))


async def test_a_new_connection_of_the_same_seat(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, bystander = RtpPhone(440.0), RtpPhone(ssrc=9)
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0]))
        await control.do(rtp_leg("bystander", ports[1], peer_host="127.0.0.1", peer_port=bystander.port))
        edges = (
            rpc.Edge("caller", "seat/headset"),
            rpc.Edge("seat", "caller"),
            rpc.Edge("caller", "bystander"),
        )
        await control.do(rpc.SetMix(MixId("call"), edges))
        caller.start(ports[0])
        bystander.listen()
        first = Browser().operator(1_000.0)
        await first.connect(control, "seat", "operator")
        await until(lambda: first.headset.hears(440.0) if first.listeners else False, 10.0, "heard once")
        second = Browser().operator(1_500.0)
        bystander.packets.clear()
        await second.connect(control, "seat", "operator")
        await until(lambda: bool(second.listeners) and second.headset.hears(440.0), 10.0, "heard again")
        await until(lambda: caller.hears(1_500.0), 20.0, "the caller hears the new microphone")
        numbers = [packet.sequence for packet in bystander.packets]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "another leg lost a packet"
        assert bystander.hears(440.0)
        census = (await control.do(rpc.GetCensus())).result
        assert [leg["leg"] for leg in census["legs"]].count("seat") == 1
        assert media_states(control.of(rpc.LegMedia), "seat") == ["up", "down", "up"], (
            "no sound while the new one is built"
        )
        for peer in (caller, bystander):
            peer.close()
        await first.close()
        await second.close()


async def test_a_bad_offer_leaves_the_leg_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        browser, caller = Browser().operator(1_000.0), RtpPhone(440.0)
        port = free_port()
        await control.do(rtp_leg("caller", port))
        await control.do(rpc.SetMix(MixId("call"), (rpc.Edge("caller", "seat/headset"), rpc.Edge("seat", "caller"))))
        caller.start(port)
        await browser.connect(control, "seat", "operator")
        await until(lambda: bool(browser.listeners) and browser.headset.hears(440.0), 10.0, "heard")
        good = str(browser.pc.localDescription.sdp)
        camera = Browser().citizen()
        for bad in ("", "v=0", "m=audio x", good.replace("a=ice-pwd", "a=ice-no"), await camera.offer(), "\0" * 99):
            reply = await control.client.call(rpc.CreateWebrtc(LegId("seat"), "operator", bad), timeout_ms=5_000)
            assert (reply.ok, reply.code) == (False, "bad_sdp"), bad[:40]
        await until(lambda: browser.headset.hears(440.0) and caller.hears(1_000.0), 20.0, "still heard")
        caller.close()
        await browser.close()
        await camera.close()


async def test_video_is_forwarded_as_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        camera, screen, late_screen = Browser().citizen(), Browser().viewer(), Browser().viewer()
        await screen.connect(control, "screen", "viewer", "camera")
        await camera.connect(control, "camera", "citizen")
        await until(lambda: bool(screen.listeners) and len(screen.listeners[0].pictures) > 20, 20.0, "pictures")
        await late_screen.connect(control, "late", "viewer", "camera")
        await until(
            lambda: bool(late_screen.listeners) and len(late_screen.listeners[0].pictures) > 10, 20.0, "late pictures"
        )
        shown = [picture.to_ndarray(format="gray") for picture in screen.listeners[0].pictures[-5:]]
        assert shown[0].shape == (120, 160)
        assert any((shown[0] != later).any() for later in shown[1:]), "the picture moves"
        legs = (await control.do(rpc.GetStats())).result["legs"]
        assert legs["camera"]["transcoded"] == legs["screen"]["transcoded"] == 0
        assert legs["screen"]["frames"] > 20
        assert legs["camera"]["key_frames"] >= 2, "the late viewer made the camera send a key frame"
        assert abs(legs["camera"]["frames"] - legs["screen"]["frames"]) <= 10
        # the citizen's page comes back with a new camera: the same screen goes on
        again = Browser().citizen()
        await again.connect(control, "camera", "citizen")
        before = len(screen.listeners[0].pictures)
        await until(lambda: len(screen.listeners[0].pictures) > before + 20, 20.0, "pictures of the new camera")
        for browser in (camera, again, screen, late_screen):
            await browser.close()
        for leg in ("camera", "screen", "late"):
            await control.do(rpc.CloseLeg(LegId(leg)))
        assert not any((await control.do(rpc.GetCensus())).result.values())


async def test_nothing_is_left_after_load(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        assert worker.process is not None
        process = Path(f"/proc/{worker.process.pid}")

        def held() -> tuple[int, int]:
            return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))

        async def load(round_name: str) -> None:
            browsers = [Browser().operator(1_000.0) for _ in range(6)]
            for number, browser in enumerate(browsers):
                await browser.connect(control, f"seat{number}", "operator")
                await control.do(rtp_leg(f"caller{number}", free_port()))
                await control.do(both_ways(f"call{number}", f"caller{number}", f"seat{number}/headset"))
                await control.do(rpc.StartPlay(f"p{number}", f"caller{number}", "tone:hold", loop=True))
                name = RecordingId(f"{round_name}-{number}")
                await control.do(rpc.StartRecord(name, f"seat{number}", f"{name}.wav", "x"))
                await control.do(rpc.WatchTalk(LegId(f"seat{number}"), True))
                await control.do(rpc.StopRecord(name))
            for number, browser in enumerate(browsers):
                await control.do(rpc.StopPlay(f"p{number}"))
                await control.do(rpc.SetMix(MixId(f"call{number}")))
                await control.do(rpc.WatchTalk(LegId(f"seat{number}"), False))
                await control.do(rpc.CloseLeg(LegId(f"caller{number}")))
                await control.do(rpc.CloseLeg(LegId(f"seat{number}")))
                await browser.close()

        def closed() -> list[rpc.RecordClosed]:
            return control.of(rpc.RecordClosed)

        before = held()
        await load("one")
        await until(lambda: len(closed()) == 6, 20.0, "recordings closed")
        await load("two")
        await until(lambda: len(closed()) == 12, 20.0, "recordings closed")
        assert not any((await control.do(rpc.GetCensus())).result.values())
        await until(lambda: held()[0] <= before[0], 10.0, "every socket and file is closed")
        assert held()[1] <= before[1] + 1, "no thread for a leg"
