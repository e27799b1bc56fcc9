"""A real media worker process between real RTP peers, driven through the control side's client."""

import asyncio
import hashlib
import signal
from pathlib import Path

import pytest

from kak_server.media import rpc
from kak_server.media.engine import g711
from tests.integration.media_peers import (
    Control,
    RtpPhone,
    WorkerProcess,
    both_ways,
    free_udp_port,
    now_ms,
    read_wav,
    rtp_leg,
    running,
    tone_share,
    until,
)

pytestmark = pytest.mark.xdist_group("media-worker")


async def test_two_phones_hear_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, operator = RtpPhone(440.0), RtpPhone(1_000.0)
        ports = free_udp_port(), free_udp_port()
        epoch = now_ms() - 60_000
        await control.do(rtp_leg("caller", ports[0], ssrc=7, seq0=10, ts0=20, epoch_ms=epoch))
        await control.do(rtp_leg("operator", ports[1], peer_host="127.0.0.1", peer_port=operator.port))
        await control.do(both_ways("call", "caller", "operator"))
        caller.start(ports[0])
        operator.start(ports[1])
        await until(lambda: caller.hears(1_000.0) and operator.hears(440.0), 5.0, "both hear each other")
        assert {event.leg for event in control.of(rpc.LegLearned)} == {"caller", "operator"}
        assert {(event.leg, event.mix) for event in control.of(rpc.LegHeard)} == {
            ("caller", "call"),
            ("operator", "call"),
        }
        first, last = caller.packets[0], caller.packets[-1]
        assert {packet.ssrc for packet in caller.packets} == {7}
        # sequence and timestamp are functions of the time since the epoch
        frame = last.sequence - 10
        assert abs(frame - (now_ms() - epoch) / 20) < 10
        assert last.timestamp == 20 + 160 * frame
        assert last.sequence - first.sequence == len(caller.packets) - 1, "no packet is missing"
        caller.close()
        operator.close()
        await control.do(rpc.SetMix("call"))
        await control.do(rpc.CloseLeg("caller"))
        await control.do(rpc.CloseLeg("operator"))
        census = (await control.do(rpc.GetCensus())).result
        assert not any(census.values()), census
