"""More than the system takes: emergency calls among three times as many others as there is room for, and a flood from
a stranger, over the whole running system."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from tests.support.lab import running_lab
from tests.support.sipp import needs_sipp, run_sipp

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.real_peer, pytest.mark.xdist_group("e2e"), needs_sipp]

SCENARIOS = Path(__file__).resolve().parents[1] / "integration" / "sipp"
ROOM, RESERVE = 40, 20  # calls at once, and how many of them are for emergency calls
OTHERS, OTHERS_PER_S, TALK_MS = 180, 30, 2_000  # 60 at once where 20 are let in
EMERGENCIES, EMERGENCIES_PER_S, WAIT_MS = 30, 5, 1_500


async def test_emergency_calls_ring_while_others_are_held_back(tmp_path: Path) -> None:
    sip = {"overload": {"reserve_calls": RESERVE, "lag_ms": 0, "retry_after_s": 2}}
    limits = {"max_sip_calls": ROOM}
    async with running_lab(tmp_path, simulators=False, sip=sip, limits=limits) as lab:
        for name in ("others", "emergencies"):
            (tmp_path / name).mkdir()
        others, emergencies = await asyncio.gather(
            run_sipp(
                *(SCENARIOS / "uac_shed.xml", lab.sip, tmp_path / "others"),
                *("-s", "116117", "-r", str(OTHERS_PER_S), "-d", str(TALK_MS)),
                calls=OTHERS,
                timeout_s=120,
            ),
            run_sipp(
                *(SCENARIOS / "uac_emergency_mix.xml", lab.sip, tmp_path / "emergencies"),
                *("-s", "113", "-r", str(EMERGENCIES_PER_S), "-d", str(WAIT_MS)),
                calls=EMERGENCIES,
                timeout_s=120,
            ),
        )
        assert emergencies.code == 0, emergencies.output
        assert others.code == 0, others.output
        metrics = await lab.metrics()
        shed = metrics['kak_sip_trunk_shed_total{trunk="lab",why="full"}']
        let_in = metrics['kak_sip_trunk_calls_total{trunk="lab"}']
        assert 0 < shed < OTHERS
        assert let_in == OTHERS + EMERGENCIES - shed
        assert metrics["kak_faults_total"] == 0
        assert metrics["kak_census_lines"] == 0


async def test_a_flood_from_a_stranger_gets_few_answers_and_costs_no_call(tmp_path: Path) -> None:
    sip = {
        "trunks": [{"name": "lab", "sources": ["127.0.0.1"]}],
        "outbound_routes": [],
        "services": [],
        "overload": {"stranger_answers_per_s": 2},
    }
    async with running_lab(tmp_path, simulators=False, sip=sip) as lab:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            stranger.bind(("127.0.0.9", 0))
            flood = asyncio.create_task(_flood(stranger, lab.sip, 4.0))
            calls = await run_sipp(
                *(SCENARIOS / "uac_basic.xml", lab.sip, tmp_path),
                *("-s", "116117", "-r", "10"),
                calls=20,
                timeout_s=60,
            )
            sent, sent_bytes, answers, answer_bytes = await flood
        assert calls.code == 0, calls.output
        assert sent > 1_000
        assert 0 < answers <= 4 + 2 * 5
        assert answer_bytes <= sent_bytes * answers / sent
        metrics = await lab.metrics()
        assert metrics['kak_sip_events_total{name="sip_unknown_peer"}'] >= 1_000
        assert metrics['kak_sip_events_total{name="sip_unknown_peer_unanswered"}'] >= 1_000
        assert metrics["kak_faults_total"] == 0


async def _flood(stranger: socket.socket, target: tuple[str, int], seconds: float) -> tuple[int, int, int, int]:
    """INVITEs of a stranger, 2,000 a second at most: how many and how many bytes, and of the answers."""
    sent = sent_bytes = answers = answer_bytes = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for _ in range(20):
            data = _invite(sent, *stranger.getsockname())
            try:
                stranger.sendto(data, target)
            except BlockingIOError:
                break
            sent += 1
            sent_bytes += len(data)
        await asyncio.sleep(0.01)
        answers, answer_bytes = _read(stranger, answers, answer_bytes)
    await asyncio.sleep(0.5)
    answers, answer_bytes = _read(stranger, answers, answer_bytes)
    return sent, sent_bytes, answers, answer_bytes


def _read(stranger: socket.socket, answers: int, answer_bytes: int) -> tuple[int, int]:
    while True:
        try:
            data = stranger.recv(65_535)
        except BlockingIOError:
            return answers, answer_bytes
        assert data.startswith(b"SIP/2.0 403 "), data[:80]
        answers += 1
        answer_bytes += len(data)


def _invite(number: int, host: str, port: int) -> bytes:
    return (
        f"INVITE sip:113@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{number:08d}\r\n"
        f"From: <sip:stranger@{host}>;tag=s{number:08d}\r\nTo: <sip:113@127.0.0.1>\r\n"
        f"Call-ID: {number:08d}@{host}\r\nCSeq: 1 INVITE\r\nContact: <sip:stranger@{host}:{port}>\r\n"
        "Max-Forwards: 70\r\nUser-Agent: stranger\r\nContent-Length: 0\r\n\r\n"
    ).encode()
