"""A real media worker between peers with SRTP, Opus, rtcp-mux and digits."""

import asyncio
import dataclasses
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from kak_server.media import rpc
from kak_server.media.rtp_args import Suite
from kak_server.model.ids import LegId, MixId
from tests.support.media_peers import (
    Control,
    RtpPhone,
    WorkerProcess,
    both_ways,
    now_ms,
    rtp_leg,
    running,
    tone_share,
    until,
)
from tests.support.ports import free_port
from tests.support.srtp_peers import KEY_BYTES, OpusPhone, SrtpPhone

pytestmark = pytest.mark.xdist_group("media-worker")


async def stats_of(control: Control, leg: str) -> dict[str, int]:
    reply = await control.do(rpc.GetStats(leg))
    found: dict[str, int] = reply.result["legs"][leg]
    return found


@pytest.mark.parametrize("suite", list(KEY_BYTES))
async def test_a_protected_caller_and_a_plain_one_hear_each_other(tmp_path: Path, suite: Suite) -> None:
    async with running(tmp_path) as (worker, control):
        caller, other = SrtpPhone(440.0, suite), RtpPhone(1_000.0)
        ports = free_port(), free_port()
        leg = rtp_leg("caller", ports[0], srtp=caller.keys, dtmf_payload_type=101)
        await control.do(leg)
        await control.do(leg)  # the same again changes nothing
        await control.do(rtp_leg("other", ports[1], peer_host="127.0.0.1", peer_port=other.port))
        await control.do(both_ways("call", "caller", "other"))
        caller.start(ports[0])
        other.start(ports[1])
        await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "both hear each other")
        assert caller.unreadable == 0
        assert {packet.ssrc for packet in caller.packets} != {leg.ssrc}, "a stream of its own"
        assert (await stats_of(control, "caller"))["auth_failed"] == 0
        census = (await control.do(rpc.GetCensus())).result
        assert [(held["leg"], held["srtp"]) for held in census["legs"]] == [("caller", suite), ("other", "")]
        shown = f"{census} {await stats_of(control, 'caller')} {worker.log.read_text()}"
        for key in (caller.keys.send_key, caller.keys.receive_key):
            assert key not in shown
        caller.close()
        other.close()


async def test_only_authentic_packets_teach_an_address(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        caller, listener, plain, wrong = SrtpPhone(440.0), RtpPhone(), RtpPhone(2_000.0), SrtpPhone(2_500.0)
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0], srtp=caller.keys))
        await control.do(rtp_leg("listener", ports[1], peer_host="127.0.0.1", peer_port=listener.port))
        await control.do(rpc.SetMix(MixId("call"), (rpc.Edge("caller", "listener"),)))
        listener.listen()
        plain.start(ports[0])
        wrong.start(ports[0])
        await until(lambda: plain.sent > 25 and wrong.sent > 25, 5.0)
        stats = await stats_of(control, "caller")
        assert stats["auth_failed"] >= 40
        assert 1 <= worker.log.read_text().count("srtp.failed") <= 3
        assert stats["received"] == 0
        assert not control.of(rpc.LegLearned)
        assert not plain.packets
        caller.start(ports[0])
        await until(lambda: listener.hears(440.0), 20.0, "the caller is heard")
        (learned,) = control.of(rpc.LegLearned)
        assert learned.port == caller.port
        assert tone_share(listener.heard(15), 2_500.0) < 0.01
        for phone in (caller, listener, plain, wrong):
            phone.close()


async def test_a_replayed_packet_is_not_heard(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, port = SrtpPhone(), free_port()
        await control.do(rtp_leg("caller", port, srtp=caller.keys, dtmf_payload_type=101))
        caller.target = ("127.0.0.1", port)
        for _ in range(3):  # a digit's end, three times as ever: three packets, one digit
            caller.send_payload(101, bytes((5, 0x8A)) + (800).to_bytes(2, "big"))
        await until(lambda: control.of(rpc.LegDtmf), 20.0, "digit")
        for packet in caller.sealed:
            caller.sock.sendto(packet, caller.target)
        caller.timestamp += 8_000
        caller.send_payload(101, bytes((6, 0x8A)) + (800).to_bytes(2, "big"))
        await until(lambda: len(control.of(rpc.LegDtmf)) > 1, 20.0, "the next digit")
        assert [event.digit for event in control.of(rpc.LegDtmf)] == ["5", "6"]
        assert (await stats_of(control, "caller"))["replayed"] == 3
        caller.close()


async def test_keys_come_later_and_change(tmp_path: Path) -> None:
    """An offer of ours has no answer yet: nothing goes either way. Then a re-INVITE brings another key."""
    async with running(tmp_path) as (_, control):
        caller, other = SrtpPhone(440.0), RtpPhone(1_000.0)
        ports = free_port(), free_port()
        leg = rtp_leg("caller", ports[0], srtp=rpc.SrtpKeys(), peer_host="127.0.0.1", peer_port=caller.port)
        await control.do(leg)
        await control.do(rtp_leg("other", ports[1], peer_host="127.0.0.1", peer_port=other.port))
        await control.do(both_ways("call", "caller", "other"))
        caller.start(ports[0])
        other.start(ports[1])
        await until(lambda: caller.sent > 20, 5.0)
        assert not caller.packets
        assert caller.unreadable == 0
        assert (await stats_of(control, "caller"))["keyless"] >= 10
        leg = dataclasses.replace(leg, srtp=caller.keys)
        await control.do(rpc.modified(leg, "127.0.0.1", caller.port))
        await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "both hear each other")
        ssrc = caller.packets[-1].ssrc
        caller.rekey()
        await control.do(rpc.modified(dataclasses.replace(leg, srtp=caller.keys), "127.0.0.1", caller.port))
        caller.packets.clear()
        other.packets.clear()
        await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "with the new key too")
        assert {packet.ssrc for packet in caller.packets} == {ssrc}, "our key stayed, so our stream did"
        await control.do(rpc.ModifyRtp(leg.leg, "127.0.0.1", caller.port))  # says nothing of keys: they stay
        caller.packets.clear()
        await until(lambda: caller.hears(1_000.0), 20.0, "still protected")
        assert caller.unreadable == 0
        caller.close()
        other.close()


async def test_another_worker_goes_on_with_protected_calls(tmp_path: Path) -> None:
    """kill -9 of the worker, 40 minutes into the call by the leg's record: the peer's roll-over counter is beyond 0."""
    async with running(tmp_path) as (worker, control):
        caller, other = SrtpPhone(440.0), RtpPhone(1_000.0)
        ports = free_port(), free_port()
        leg = rtp_leg("caller", ports[0], srtp=caller.keys, epoch_ms=now_ms() - 40 * 60_000)
        for index in range(0, 120_000, 0x7000):  # the peer has sent so many packets by now
            caller.out.protect(b"\x80\x08" + (index & 0xFFFF).to_bytes(2, "big") + bytes(4) + b"\0\0\x12\x34" + b"x")
        caller.sequence = 120_000 & 0xFFFF
        second = rtp_leg("other", ports[1], peer_host="127.0.0.1", peer_port=other.port)
        await control.do(leg)
        await control.do(second)
        await control.do(both_ways("call", "caller", "other"))
        caller.start(ports[0])
        other.start(ports[1])
        await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "both hear each other")
        before = {packet.ssrc for packet in caller.packets}
        worker.kill(signal.SIGKILL)
        again = WorkerProcess(tmp_path)
        await again.start()
        try:
            await until(lambda: len(control.attached) == 2, 20.0, "attached again")
            (learned,) = [event for event in control.of(rpc.LegLearned) if event.leg == "caller"]
            back = dataclasses.replace(leg, peer_host=learned.host, peer_port=learned.port, learned=True)
            caller.packets.clear()
            other.packets.clear()
            for command in (back, second, both_ways("call", "caller", "other")):
                await control.do(command)
            await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "sound is back both ways")
            assert caller.unreadable == 0
            assert not before & {packet.ssrc for packet in caller.packets}, "no index of the old stream comes again"
        finally:
            await control.client.stop()
            again.kill(signal.SIGTERM)
        caller.close()
        other.close()


async def test_opus_both_ways_and_a_change_of_codec(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, other = OpusPhone(440.0), RtpPhone(1_000.0)
        ports = free_port(), free_port()
        leg = rtp_leg("caller", ports[0], codec="opus", payload_type=111, ts0=7)
        await control.do(leg)
        await control.do(rtp_leg("other", ports[1], peer_host="127.0.0.1", peer_port=other.port))
        await control.do(both_ways("call", "caller", "other"))
        caller.start(ports[0])
        await until(lambda: other.hears(440.0) if other.packets else caller.sent > 5, 5.0)
        other.start(ports[1])
        await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "both hear each other")
        newest = caller.packets[-5:]
        assert {b.timestamp - a.timestamp for a, b in pairwise(newest)} == {960}
        other.frequency_hz = None  # nobody speaks: silence keeps coming, as packets
        await until(lambda: tone_share(caller.heard(10), 1_000.0) < 0.1, 5.0)
        count = len(caller.packets)
        await until(lambda: len(caller.packets) > count + 20, 20.0, "silence is sent")
        other.frequency_hz = 1_000.0

        plain = RtpPhone(600.0)  # transferred to a phone that has G.711 only
        moved = dataclasses.replace(leg, codec="PCMA", payload_type=8)
        await control.do(rpc.modified(moved, "127.0.0.1", plain.port))
        plain.start(ports[0])
        await until(lambda: plain.hears(1_000.0) and other.hears(600.0), 20.0, "with G.711 now")
        await control.do(rpc.modified(leg, "127.0.0.1", caller.port))
        plain.close()
        caller.packets.clear()
        other.packets.clear()
        await until(lambda: caller.hears(1_000.0) and other.hears(440.0), 20.0, "and with Opus again")
        caller.close()
        other.close()


async def test_digits_are_dialled(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        one, other, ports = RtpPhone(440.0), RtpPhone(), (free_port(), free_port())
        out = rtp_leg("out", ports[0], dtmf_payload_type=101, peer_host="127.0.0.1", peer_port=ports[1], learned=True)
        await control.do(out)
        await control.do(rtp_leg("in", ports[1], dtmf_payload_type=101, peer_host="127.0.0.1", peer_port=ports[0]))
        order = rpc.SendDtmf(LegId("out"), "order-1", "1*9#", 100, 60)
        await control.do(order)
        await control.do(order)
        await until(lambda: control.of(rpc.LegDtmfSent), 20.0, "all sent")
        await until(lambda: len(control.of(rpc.LegDtmf)) == 4, 20.0, "all heard")
        assert [(event.digit, event.duration_ms) for event in control.of(rpc.LegDtmf)] == [
            (digit, 100) for digit in "1*9#"
        ]
        assert control.of(rpc.LegDtmfSent) == [rpc.LegDtmfSent(LegId("out"), "order-1")]
        for refused, code in (
            (rpc.SendDtmf(LegId("out"), "x", "12z"), "malformed"),
            (rpc.SendDtmf(LegId("out"), "x", "1" * 65), "limit"),
            (rpc.SendDtmf(LegId("out"), "x", "1", 10), "malformed"),
            (rpc.SendDtmf(LegId("nobody"), "x", "1"), "unknown_leg"),
        ):
            assert (await control.client.call(refused, timeout_ms=5_000)).code == code
        await control.do(rpc.SendDtmf(LegId("out"), "order-2", "123456", 500))
        await control.do(rpc.CloseLeg(LegId("out")))
        await until(lambda: len(control.of(rpc.LegDtmfSent)) == 2, 5.0)
        assert control.of(rpc.LegDtmfSent)[-1] == rpc.LegDtmfSent(LegId("out"), "order-2", ok=False)
        await control.do(rtp_leg("out", ports[0]))
        reply = await control.client.call(rpc.SendDtmf(LegId("out"), "x", "1"), timeout_ms=5_000)
        assert reply.code == "no_dtmf"
        one.close() if one.target else one.sock.close()
        other.sock.close()


async def test_reports_share_the_port(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        one, other = SrtpPhone(440.0), SrtpPhone(1_000.0)
        ports = free_port(), free_port()
        await control.do(rtp_leg("one", ports[0], srtp=one.keys, rtcp_mux=True))
        await control.do(rtp_leg("other", ports[1], srtp=other.keys))
        await control.do(both_ways("call", "one", "other"))
        one.start(ports[0])
        other.start(ports[1])
        await until(lambda: one.hears(1_000.0), 20.0, "sound")
        await until(lambda: one.reports, 20.0, "a report within the interval")
        assert one.reports[-1].sender_report_ntp
        assert one.reports[-1].lost == 0.0
        report = b"\x80\xc9\x00\x01" + bytes(3) + b"\x09"
        one.sock.sendto(one.out.protect_rtcp(report), ("127.0.0.1", ports[0]))
        other.sock.sendto(other.out.protect_rtcp(report), ("127.0.0.1", ports[1]))  # it has no mux: not taken
        await asyncio.sleep(0.1)
        assert (await stats_of(control, "one"))["reports_received"] == 1
        stats = await stats_of(control, "other")
        assert (stats["reports_received"], stats["malformed"], stats["reports_sent"]) == (0, 1, 0)
        assert not other.reports
        one.close()
        other.close()


async def test_keys_that_are_none_are_refused_without_being_told(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        port = free_port()
        bad = rtp_leg("caller", port, srtp=rpc.SrtpKeys("AEAD_AES_128_GCM", "c2VjcmV0", "c2VjcmV0"))
        reply = await control.client.call(bad, timeout_ms=5_000)
        assert (reply.ok, reply.code) == (False, "malformed")
        assert "c2VjcmV0" not in reply.message
        await control.do(rtp_leg("caller", port))  # the port is free
        assert "c2VjcmV0" not in worker.log.read_text()
