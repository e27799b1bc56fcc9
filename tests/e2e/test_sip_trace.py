"""A technician sees the SIP of a call of the running system: as a ladder, as a capture, and after a restart too."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]
CALLER = "+4791500007"


def trace(lab: Lab, call: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person types it; the lab's own technician asks."""
    argv = [sys.executable, "-m", "kak_server.cli", "sip", "trace", call, "--config", str(lab.config), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


def dissected(path: Path, port: int) -> list[str]:
    """Methods and statuses as tshark reads them."""
    argv = ["tshark", "-r", str(path), "-d", f"udp.port=={port},sip", "-T", "fields"]
    argv += ["-e", "sip.Method", "-e", "sip.Status-Code"]
    shown = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return [line.strip() for line in shown.stdout.splitlines()]


def audited(lab: Lab) -> list[tuple[str, str]]:
    with sqlite3.connect(lab.data_dir / "records.db") as records:
        rows = records.execute(
            "SELECT operator, subject FROM audit WHERE action = 'sip.traced' ORDER BY number"
        ).fetchall()
    return [(str(who), str(subject)) for who, subject in rows]


async def test_a_call_is_seen_by_number_and_by_contact_and_after_a_restart(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        robot = Robot(
            PositionClient(lab.base_url, "kari", "lab"), "oslo-1", Manner(wrap_up_ms=None), source=steady(600)
        )
        await robot.start()
        async with calling(lab, "113", CALLER, source=steady(440)) as caller:
            await caller.answered()
            await asyncio.sleep(0.3)
            out = tmp_path / "call.pcap"
            shown = await asyncio.to_thread(trace, lab, CALLER, "--pcap", str(out))
            assert shown.returncode == 0, shown.stderr
            said = [line for line in shown.stdout.splitlines() if line.lstrip().startswith("+")]
            assert "INVITE" in said[0]
            assert ["180 Ringing" in said[1], "ACK" in said[-1]] == [True, True]
            messages = dissected(out, lab.ports.sip)
            assert messages[:2] == ["INVITE", "180"]
            assert messages[-2:] == ["200", "ACK"]
            told = json.loads((await asyncio.to_thread(trace, lab, "last", "--json")).stdout)
            contact = told["contact"]
            assert contact == robot.client.view["call"]["contact"]
            metrics = await lab.metrics()
            assert metrics['kak_sip_trunk_calls_total{trunk="lab"}'] == 1
            assert metrics['kak_sip_trunk_answered_total{trunk="lab"}'] == 1
            assert metrics['kak_sip_trunk_ack_rtt_seconds_count{trunk="lab"}'] == 1

            await lab.kill_control()
            await lab.start_control()
            await caller.hang_up()
            shown = await asyncio.to_thread(trace, lab, contact)
            assert shown.returncode == 0, shown.stderr
            assert "BYE" in shown.stdout
            assert "INVITE (" not in shown.stdout  # what the first process had went with it: memory only
        await eventually(lambda: audited(lab) == [("tore", contact)] * 3, what="each look is in the audit log")
        await robot.stop()
