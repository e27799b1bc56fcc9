"""What the SIP trace writes, read back by tshark: calls of sipp over UDP and TCP, message by message."""

import asyncio
import contextlib
import itertools
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kak_server.model.codec import Json
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import IncomingCall, SipEvent, SipSettings, TrunkSettings
from kak_server.sip.core import SipCore
from kak_server.sip.ladder import ladder
from kak_server.sip.pcap import pcap
from kak_server.sip.sdp import negotiate
from kak_server.sip.trace import CallTrace, SipTrace, TraceLimits
from kak_server.sip.trace_wire import Locals, locals_of
from tests.support.ports import free_port
from tests.support.sipp import needs_sipp, run_sipp

SCENARIOS = Path(__file__).parent / "sipp"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
pytestmark = [pytest.mark.real_peer, needs_sipp, needs_tshark]


class Answering:
    """A server that answers each call at once and traces it."""

    def __init__(self, port: int) -> None:
        settings = SipSettings(
            "127.0.0.1", port, (TrunkSettings("lab", ("127.0.0.1",)),), frozenset(("113",)), t1_ms=100, t2_ms=400
        )
        self.places: Locals = locals_of(settings)
        self.trace = SipTrace(TraceLimits())
        records: dict[str, Json] = {}
        serial = itertools.count(1)
        self.server = SipServer(
            SipCore(settings, lambda kind: f"{kind}{next(serial)}", self.trace),
            clock=lambda: time.time_ns() // 1_000_000,
            on_event=self._answer,
            put_record=lambda key, value: records.update({key: dict(value)}),
            delete_record=lambda key: records.pop(key, None) and None,
            count=lambda count: None,
        )

    def _answer(self, event: SipEvent) -> None:
        if isinstance(event, IncomingCall):
            self.server.ring(event.call)
            self.server.answer(event.call, negotiate(event.offer_sdp, "127.0.0.1", 30_000, 1).answer_sdp)

    def last(self) -> CallTrace:
        found = self.trace.find("last", 0)
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def answering() -> AsyncIterator[Answering]:
    made = Answering(free_port())
    await made.server.start("127.0.0.1", made.places[0].port)
    try:
        yield made
    finally:
        await made.server.stop()


async def tshark(path: Path, port: int, transport: str, *fields: str) -> list[list[str]]:
    """The wanted fields of each packet, as tshark dissects it; it complains of no checksum."""
    process = await asyncio.create_subprocess_exec(
        *("tshark", "-r", str(path), "-d", f"{transport}.port=={port},sip", "-T", "fields", "-E", "separator=/t"),
        *("-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"),
        *itertools.chain.from_iterable(("-e", field) for field in fields),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return [line.split("\t") for line in output.decode().splitlines()]


async def test_a_call_over_udp(tmp_path: Path) -> None:
    async with answering() as house:
        port = house.places[0].port
        result = await run_sipp(SCENARIOS / "uac_basic.xml", ("127.0.0.1", port), tmp_path, "-s", "113")
        assert result.code == 0, result.output
        trace = house.last()
    out = tmp_path / "call.pcap"
    out.write_bytes(pcap(trace.messages, house.places))
    wanted = ("sip.Method", "sip.Status-Code", "sip.CSeq", "sdp.version", "ip.checksum.status", "udp.checksum.status")
    rows = await tshark(out, port, "udp", *wanted)
    assert [(method or status, cseq) for method, status, cseq, *_ in rows] == [
        ("INVITE", "1 INVITE"),
        ("180", "1 INVITE"),
        ("200", "1 INVITE"),
        ("ACK", "1 ACK"),
        ("BYE", "2 BYE"),
        ("200", "2 BYE"),
    ]
    assert [row[3] for row in rows] == ["0", "", "0", "", "", ""]  # bodies and all
    assert {(row[4], row[5]) for row in rows} == {("1", "1")}  # 1: good
    bodies = await tshark(out, port, "udp", "sip.Call-ID", "udp.srcport", "udp.dstport", "frame.time_epoch")
    assert {row[0] for row in bodies} == set(trace.sip_call_ids)
    ours = str(port)
    assert [source == ours for _, source, _, _ in bodies] == [message.sent for message in trace.messages]
    assert [round(float(row[3]) * 1000) for row in bodies] == [message.at_ms for message in trace.messages]


async def test_a_call_over_tcp(tmp_path: Path) -> None:
    async with answering() as house:
        port = house.places[0].port
        result = await run_sipp(SCENARIOS / "uac_basic.xml", ("127.0.0.1", port), tmp_path, "-s", "113", "-t", "t1")
        assert result.code == 0, result.output
        trace = house.last()
    out = tmp_path / "call.pcap"
    out.write_bytes(pcap(trace.messages, house.places))
    wanted = ("sip.Method", "sip.Status-Code", "tcp.checksum.status", "tcp.analysis.flags", "sip.Call-ID")
    rows = await tshark(out, port, "tcp", *wanted)
    assert [method or status for method, status, *_ in rows] == ["INVITE", "180", "200", "ACK", "BYE", "200"]
    assert {tuple(row[2:4]) for row in rows} == {("1", "")}  # good sums, and no gap in the numbers
    assert {row[4] for row in rows} == set(trace.sip_call_ids)


async def test_a_late_ack_is_seen_as_the_200_again(tmp_path: Path) -> None:
    async with answering() as house:
        port = house.places[0].port
        result = await run_sipp(SCENARIOS / "uac_late_ack.xml", ("127.0.0.1", port), tmp_path, "-s", "113")
        assert result.code == 0, result.output
        trace = house.last()
    drawn = ladder(trace, house.places)
    assert " 200 OK (1 INVITE) sdp " in drawn
    assert "|  again\n" in drawn
    out = tmp_path / "call.pcap"
    out.write_bytes(pcap(trace.messages, house.places))
    statuses = Counter(row[0] for row in await tshark(out, port, "udp", "sip.Status-Code", "sip.CSeq.method"))
    assert statuses["200"] == sum(message.data.startswith(b"SIP/2.0 200") for message in trace.messages) >= 3
