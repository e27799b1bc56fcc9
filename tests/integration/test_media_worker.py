"""A real media worker process between real RTP peers, driven through the control side's client."""

import asyncio
import hashlib
import resource
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kak_server.media import rpc
from kak_server.media.engine import g711
from kak_server.model.codec import from_json
from kak_server.model.ids import LegId, MixId, RecordingId
from tests.support.media_peers import (
    Control,
    RtpPhone,
    WorkerProcess,
    both_ways,
    now_ms,
    read_wav,
    rtp_leg,
    running,
    tone_share,
    until,
)
from tests.support.ports import free_port

pytestmark = pytest.mark.xdist_group("media-worker")


async def test_two_phones_hear_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, operator = RtpPhone(440.0), RtpPhone(1_000.0)
        ports = free_port(), free_port()
        epoch = now_ms() - 60_000
        await control.do(rtp_leg("caller", ports[0], ssrc=7, seq0=10, ts0=20, epoch_ms=epoch))
        await control.do(rtp_leg("operator", ports[1], peer_host="127.0.0.1", peer_port=operator.port))
        await control.do(both_ways("call", "caller", "operator"))
        caller.start(ports[0])
        operator.start(ports[1])
        await until(lambda: caller.hears(1_000.0) and operator.hears(440.0), 20.0, "both hear each other")
        assert {event.leg for event in control.of(rpc.LegLearned)} == {"caller"}, "the operator was where it was said"
        first, last = caller.packets[0], caller.packets[-1]
        assert {packet.ssrc for packet in caller.packets} == {7}
        # sequence and timestamp are functions of the time since the epoch
        frame = last.sequence - 10
        assert abs(frame - (now_ms() - epoch) / 20) < 10
        assert last.timestamp == 20 + 160 * frame
        assert last.sequence - first.sequence == len(caller.packets) - 1, "no packet is missing"
        caller.close()
        operator.close()
        await control.do(rpc.SetMix(MixId("call")))
        await control.do(rpc.CloseLeg(LegId("caller")))
        await control.do(rpc.CloseLeg(LegId("operator")))
        census = (await control.do(rpc.GetCensus())).result
        assert not any(census.values()), census


async def test_a_stranger_is_not_heard(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, listener, stranger = RtpPhone(440.0), RtpPhone(ssrc=2), RtpPhone(2_000.0, ssrc=3)
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0]))
        await control.do(rtp_leg("listener", ports[1], peer_host="127.0.0.1", peer_port=listener.port))
        await control.do(rpc.SetMix(MixId("call"), (rpc.Edge("caller", "listener"),)))
        caller.start(ports[0])
        listener.listen()
        await until(lambda: listener.hears(440.0), 20.0, "heard")
        stranger.start(ports[0])
        await until(lambda: stranger.sent > 40, 5.0)
        assert listener.hears(440.0)
        assert tone_share(listener.heard(40), 2_000.0) < 0.01
        stats = (await control.do(rpc.GetStats(LegId("caller")))).result["legs"]["caller"]
        assert stats["foreign"] >= 30
        assert not stranger.packets, "nothing is sent to a stranger"
        # a re-INVITE names a new address: it is learned anew, and the old one is left behind
        moved = RtpPhone(700.0, ssrc=4)
        await control.do(rpc.ModifyRtp(LegId("caller"), "127.0.0.1", moved.port))
        moved.start(ports[0])
        stranger.close()
        await until(lambda: listener.hears(700.0), 20.0, "the new address is heard")
        assert [event.port for event in control.of(rpc.LegLearned)] == [caller.port]
        census = from_json(rpc.Census, (await control.do(rpc.GetCensus())).result)
        (held,) = [leg for leg in census.legs if leg.leg == "caller"]
        assert (held.media, held.peer_port) == ("learned", moved.port), "where it was said to be, which is no news"
        for phone in (caller, listener, moved):
            phone.close()


async def test_digits_silence_and_talk(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, port = RtpPhone(440.0), free_port()
        await control.do(rtp_leg("caller", port, dtmf_payload_type=101, silent_after_ms=300))
        await control.do(rpc.WatchTalk(LegId("caller"), True))
        caller.start(port)
        await until(lambda: control.of(rpc.LegTalk), 20.0, "talking")
        for duration, end in ((160, 0), (800, 0), (800, 0x80), (800, 0x80), (800, 0x80)):
            caller.send_payload(101, bytes((5, end | 10)) + duration.to_bytes(2, "big"))
        await until(lambda: control.of(rpc.LegDtmf), 20.0, "digit")
        caller.frequency_hz = None
        await until(lambda: len(control.of(rpc.LegSilent)) >= 2, 20.0, "silent, repeatedly")
        await until(lambda: len(control.of(rpc.LegTalk)) == 2, 20.0, "no longer talking")
        caller.frequency_hz = 440.0
        await until(lambda: control.of(rpc.LegActive), 20.0, "active again")
        assert control.of(rpc.LegDtmf) == [rpc.LegDtmf(LegId("caller"), "5", 100)]
        first, second = (event.silent_ms for event in control.of(rpc.LegSilent)[:2])
        assert 300 <= first < 1_500
        assert 300 <= second - first < 1_500
        assert [event.talking for event in control.of(rpc.LegTalk)][:2] == [
            True,
            False,
        ]
        caller.close()


async def test_plays_reach_a_sink_and_end(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, port = RtpPhone(), free_port()
        await control.do(rtp_leg("caller", port, peer_host="127.0.0.1", peer_port=caller.port))
        caller.listen()
        await control.do(rpc.StartPlay("ring", "caller", "tone:ringback", loop=True))
        await until(lambda: caller.hears(425.0), 20.0, "ringback")
        await control.do(rpc.StopPlay("ring"))
        await control.do(rpc.StartPlay("beep", "caller", "tone:beep"))
        await until(lambda: control.of(rpc.PlayEnded), 20.0, "the beep ends")
        await control.do(rpc.StartPlay("welcome", "caller/headset", "prompt:queue-welcome"))
        await until(lambda: int(np.abs(caller.heard(5)).max()) > 2_000, 20.0, "the prompt is heard")
        refused = await control.client.call(rpc.StartPlay("x", "caller", "prompt:../../etc/passwd"), timeout_ms=5_000)
        assert (refused.ok, refused.code) == (False, "bad_path")
        await control.do(rpc.CloseLeg(LegId("caller")))
        assert control.of(rpc.PlayEnded) == [rpc.PlayEnded("beep"), rpc.PlayEnded("welcome")]
        caller.close()


async def test_recording_goes_on_in_a_new_file_when_the_disk_takes_one_again(tmp_path: Path) -> None:
    """The system itself refuses what the worker writes: its limit on the size of files, which any user may set on a
    process of theirs. The log falls under it too. Sound goes on meanwhile."""
    async with running(tmp_path) as (worker, control):
        assert worker.process is not None
        no_limit = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE)
        caller, operator = RtpPhone(440.0), RtpPhone(1_000.0)
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0]))
        await control.do(rtp_leg("operator", ports[1], peer_host="127.0.0.1", peer_port=operator.port))
        await control.do(both_ways("call", "caller", "operator"))
        caller.start(ports[0])
        operator.listen()
        first = rpc.StartRecord(RecordingId("c1.caller.1"), "caller", "2026/c1.caller.1.wav", "caller")
        await control.do(first)
        part = worker.recordings / f"{first.path}.part"
        await until(lambda: part.exists() and part.stat().st_size > 2_000, 20.0, "something is recorded")
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (30, no_limit[1]))
        await until(lambda: control.of(rpc.RecordClosed), 20.0, "it broke off, and what there is was closed")
        (failed,), (closed,) = control.of(rpc.RecordFailed), control.of(rpc.RecordClosed)
        assert "File too large" in failed.reason
        assert failed.stored_ms == closed.stored_ms == closed.expected_ms > 0
        assert failed.lost_from_ms == closed.ended_at_ms == closed.started_at_ms + closed.stored_ms
        whole = (worker.recordings / first.path).read_bytes()
        assert (hashlib.sha256(whole).hexdigest(), len(whole)) == (closed.sha256, closed.bytes)
        assert len(read_wav(worker.recordings / first.path)[1]) == closed.stored_ms * 8
        census = from_json(rpc.Census, (await control.do(rpc.GetCensus())).result)
        assert census.failed == (first.recording,)
        await control.do(first)
        await until(lambda: control.of(rpc.RecordFailed) == [failed, failed], 20.0, "ordered again, it is told again")
        await control.do(rpc.StopRecord(first.recording))
        second = rpc.StartRecord(RecordingId("c1.caller.1-2"), "caller", "2026/c1.caller.1-2.wav", "caller", tell=True)
        await control.do(second)
        await until(lambda: len(control.of(rpc.RecordFailed)) == 3, 20.0, "the disk takes nothing yet")
        assert control.of(rpc.RecordFailed)[2].stored_ms == 0
        assert not (worker.recordings / f"{second.path}.part").exists(), "attempts leave nothing behind"
        await control.do(rpc.StopRecord(second.recording))
        assert operator.hears(440.0), "the call goes on"
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, no_limit)
        third = replace(second, recording=RecordingId("c1.caller.1-3"), path="2026/c1.caller.1-3.wav")
        await control.do(third)
        await until(lambda: control.of(rpc.RecordBegun), 20.0, "it records again")
        await control.do(rpc.StopRecord(third.recording))
        await until(lambda: len(control.of(rpc.RecordClosed)) == 2, 20.0, "closed")
        track = control.of(rpc.RecordClosed)[1]
        assert control.of(rpc.RecordBegun) == [rpc.RecordBegun(third.recording, track.started_at_ms)]
        assert track.started_at_ms > failed.lost_from_ms
        assert tone_share(g711.decode("PCMA", read_wav(worker.recordings / track.path)[1]), 440.0) > 0.8
        caller.close()
        operator.close()


async def test_a_recording_is_whole(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        caller, port = RtpPhone(440.0), free_port()
        await control.do(rtp_leg("caller", port))
        await control.do(rpc.StartRecord(RecordingId("r1"), "caller", "2026/call-1/caller.wav", "caller"))
        await control.do(rpc.StartRecord(RecordingId("r2"), "nobody", "2026/call-1/nobody.wav", "nobody"))
        for path in ("../x.wav", "/tmp/x.wav", "x.mp3", "a/../../x.wav", ".wav\0.wav"):
            reply = await control.client.call(rpc.StartRecord(RecordingId("no"), "caller", path, ""), timeout_ms=5_000)
            assert (reply.ok, reply.code) == (False, "bad_path"), path
        caller.start(port)
        tones = (440.0, 700.0, 1_100.0)
        for tone in tones:
            caller.frequency_hz = tone
            await asyncio.sleep(0.6)
        await control.do(rpc.StopRecord(RecordingId("r1")))
        await control.do(rpc.StopRecord(RecordingId("r2")))
        await until(lambda: len(control.of(rpc.RecordClosed)) == 2, 20.0, "both are closed")
        closed = {event.recording: event for event in control.of(rpc.RecordClosed)}
        track = closed[RecordingId("r1")]
        assert (track.source, track.label, track.encoding) == ("caller", "caller", "alaw-8000")
        assert abs(track.stored_ms - track.expected_ms) <= 60, "stored is what the clock says"
        file = worker.recordings / track.path
        assert hashlib.sha256(file.read_bytes()).hexdigest() == track.sha256
        assert file.stat().st_size == track.bytes
        tag, data = read_wav(file)
        assert tag == 6
        assert len(data) == track.stored_ms * 8
        samples = g711.decode("PCMA", data)
        order = [
            max(tones, key=lambda tone: tone_share(window, tone))
            for window in np.array_split(samples[: len(samples) // 1_600 * 1_600], len(samples) // 1_600)
            if max(tone_share(window, tone) for tone in tones) > 0.8
        ]
        assert list(dict.fromkeys(order)) == list(tones)
        assert order == sorted(order), "the tones lie in order"
        assert track.gaps[0].at_ms == 0, "nothing came before the caller's first packet"
        silence = closed[RecordingId("r2")]
        assert silence.encoding == "pcm16-8000"
        assert silence.gaps == (rpc.Gap(0, silence.stored_ms),)
        assert not any(read_wav(worker.recordings / silence.path)[1])
        assert not list(worker.recordings.rglob("*.part"))
        caller.close()


@pytest.mark.alone
async def test_control_dies_and_another_takes_over(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        caller, operator = RtpPhone(440.0), RtpPhone(1_000.0, ssrc=2)
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0]))
        await control.do(rtp_leg("operator", ports[1]))
        await control.do(both_ways("call", "caller", "operator"))
        caller.start(ports[0])
        operator.start(ports[1])
        await until(lambda: caller.hears(1_000.0) and operator.hears(440.0), 20.0, "heard")
        boot = control.attached[0][0]
        await control.client.stop()
        # nobody is in control: audio goes on and events are kept
        operator.send_payload(8, b"", False)
        await asyncio.sleep(0.5)
        assert caller.hears(1_000.0)
        assert max(b - a for a, b in pairwise(caller.arrivals)) < 0.2, "no gap in the caller's audio"
        newer = Control(worker, generation=2)
        await newer.start()
        assert newer.attached[0][0] == boot
        census = newer.attached[0][1]
        assert {leg.leg for leg in census.legs} == {"caller", "operator"}
        assert {leg.media for leg in census.legs} == {"learned"}
        assert list(census.mixes) == ["call"]
        stale = Control(worker, generation=1)
        stale.client.start()
        await until(lambda: stale.client.refused == "stale_generation", 20.0, "the old control is refused")
        assert not stale.client.attached
        await newer.do(rpc.CloseLeg(LegId("caller")))
        # a newer one takes a living one's place
        newest = Control(worker, generation=3)
        await newest.start()
        await until(lambda: bool(newer.lost), 20.0, "the one before is told")
        await until(lambda: newer.client.refused == "stale_generation", 20.0, "and cannot come back")
        for other in (stale, newer, newest):
            await other.client.stop()
        for phone in (caller, operator):
            phone.close()


async def test_events_wait_for_the_next_control(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        caller, port = RtpPhone(440.0), free_port()
        await control.do(rtp_leg("caller", port, silent_after_ms=100))
        await until(lambda: control.of(rpc.LegSilent), 5.0)
        await control.client.stop()
        seen = control.events[-1][0]
        caller.start(port)
        await until(lambda: caller.sent > 20, 5.0)
        newer = Control(worker, generation=2)
        await newer.start()
        await until(lambda: newer.of(rpc.LegLearned), 20.0, "what happened meanwhile is told")
        assert newer.attached[0][2] == 0
        numbers = [n for n, _ in newer.events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert numbers[0] <= seen + 1
        learned = next(n for n, event in newer.events if isinstance(event, rpc.LegLearned))
        assert newer.client.newest_at_census >= learned, "the census is newer than what it tells of"
        await newer.client.stop()
        caller.close()


async def test_the_uplink_shuts_by_itself(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        operator, radio = RtpPhone(1_000.0), RtpPhone(ssrc=2)
        ports = free_port(), free_port()
        await control.do(rtp_leg("operator", ports[0]))
        await control.do(
            rtp_leg("radio", ports[1], peer_host="127.0.0.1", peer_port=radio.port, gated=True, gate_buffer_ms=200)
        )
        await control.do(rpc.SetMix(MixId("patch"), (rpc.Edge("operator", "radio"),)))
        operator.start(ports[0])
        radio.listen()
        await until(lambda: operator.sent > 30, 5.0)
        assert not radio.packets, "nothing leaves without a lease"
        opened = asyncio.get_running_loop().time()
        await control.do(rpc.OpenUplink(LegId("radio"), 60_000))  # cut to one second
        assert (await control.do(rpc.GetCensus())).result["uplinks"] == ["radio"]
        await until(lambda: radio.hears(1_000.0), 20.0, "on the air")
        await until(lambda: control.of(rpc.UplinkClosed), 20.0, "the lease lapses")
        assert 0.9 < asyncio.get_running_loop().time() - opened < 1.3
        sent = len(radio.packets)
        await asyncio.sleep(0.2)
        assert len(radio.packets) == sent, "nothing leaves after the lease"
        await control.do(rpc.OpenUplink(LegId("radio"), 1_000))
        await until(lambda: len(radio.packets) > sent + 5, 2.0)
        await control.do(rpc.CloseUplink(LegId("radio")))
        sent = len(radio.packets)
        await asyncio.sleep(0.1)
        assert len(radio.packets) == sent
        await control.do(rpc.OpenUplink(LegId("radio"), 1_000))
        await control.do(rpc.CloseLeg(LegId("radio")))
        reasons = [event.reason for event in control.of(rpc.UplinkClosed)]
        assert reasons == ["lease", "command", "leg-closed"]
        for phone in (operator, radio):
            phone.close()


async def test_another_worker_continues_the_streams(tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path)
    await worker.start()
    control = Control(worker)
    await control.start()
    caller, operator = RtpPhone(440.0), RtpPhone(1_000.0, ssrc=2)
    ports, epoch = (free_port(), free_port()), now_ms()
    for leg, port, phone in (("caller", ports[0], caller), ("operator", ports[1], operator)):
        await control.do(rtp_leg(leg, port, epoch_ms=epoch, ssrc=port))
        phone.start(port)
    await control.do(both_ways("call", "caller", "operator"))
    await control.do(rpc.StartRecord(RecordingId("r1"), "caller", "cut.wav", "caller"))
    await until(lambda: caller.hears(1_000.0) and operator.hears(440.0), 20.0, "heard")
    await asyncio.sleep(1.2)
    assert worker.kill() == -signal.SIGKILL
    await until(lambda: bool(control.lost), 20.0, "control notices")
    last = caller.packets[-1]
    tag, data = read_wav(worker.recordings / "cut.wav.part")
    assert tag == 6
    assert len(data) > 4_000, "what the killed worker recorded can be played"
    await worker.start()
    await until(lambda: len(control.attached) == 2, 20.0, "attached to the new one")
    assert control.attached[0][0] != control.attached[1][0]
    assert not control.attached[1][1].legs
    caller.packets.clear()
    for leg, port, phone in (("caller", ports[0], caller), ("operator", ports[1], operator)):
        learned = {"peer_host": "127.0.0.1", "peer_port": phone.port, "learned": True}
        await control.do(rtp_leg(leg, port, epoch_ms=epoch, ssrc=port, **learned))
    await control.do(both_ways("call", "caller", "operator"))
    await control.do(rpc.StartRecord(RecordingId("r1"), "caller", "cut.wav", "caller"))
    await until(lambda: caller.hears(1_000.0) and operator.hears(440.0), 20.0, "heard again")
    first = caller.packets[0]
    assert first.ssrc == last.ssrc == ports[0]
    ahead = (first.sequence - last.sequence) & 0xFFFF
    assert 0 < ahead < 1_000
    assert (first.timestamp - last.timestamp) & 0xFFFFFFFF == 160 * ahead
    await control.do(rpc.StopRecord(RecordingId("r1")))
    await until(lambda: control.of(rpc.RecordClosed), 20.0, "recorded")
    track = control.of(rpc.RecordClosed)[0]
    assert abs(track.stored_ms - track.expected_ms) <= 60, "one track for the whole call"
    assert track.stored_ms > len(data) // 8
    assert track.gaps, "what the change of workers cost is noted"
    for phone in (caller, operator):
        phone.close()
    await control.client.stop()
    assert worker.kill(signal.SIGTERM) == 0


async def test_stopping_completes_the_recordings(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        caller, port = RtpPhone(440.0), free_port()
        await control.do(rtp_leg("caller", port))
        caller.start(port)
        await control.do(rpc.StartRecord(RecordingId("r1"), "caller", "a.wav", "caller"))
        await asyncio.sleep(0.5)
        assert worker.process is not None
        worker.process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.1)
        assert worker.process.poll() is None, "Ctrl-C is the supervisor's"
        assert worker.kill(signal.SIGTERM) == 0
        assert len(read_wav(worker.recordings / "a.wav")[1]) > 2_400
        await until(lambda: control.of(rpc.RecordClosed), 20.0, "control is told before the end")
        assert not worker.socket.exists()
        caller.close()


async def test_one_worker_a_socket(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        second = await asyncio.create_subprocess_exec(*worker.command, stderr=asyncio.subprocess.PIPE)
        _, said = await second.communicate()
        assert second.returncode == 2
        assert b"another media worker" in said
        assert control.client.attached
        worker.kill()
        await worker.start()  # replaces the stale socket file


async def test_an_orphan_ends(tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path, "--orphan-exit-s", "0.5")
    await worker.start()
    assert worker.process is not None
    await until(lambda: worker.process is not None and worker.process.poll() is not None, 10.0, "ended")
    assert worker.kill() == 0


async def test_an_order_is_answered_only_to_refuse_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        refusals: list[rpc.Reply] = []
        port = free_port()
        assert control.client.order(rtp_leg("one", port), refusals.append)
        assert control.client.order(rtp_leg("two", port), refusals.append)
        census = (await control.do(rpc.GetCensus())).result
        assert [leg["leg"] for leg in census["legs"]] == ["one"]
        assert [reply.code for reply in refusals] == ["port_in_use"]
