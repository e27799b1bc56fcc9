"""kill -9 of the control process with hundreds of established dialogs while more calls come in: every one of them is
still ours afterwards, in the words of an independent SIP stack."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.lab import running_lab
from tests.support.report import report
from tests.support.sipp import needs_sipp, run_sipp
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.real_peer, pytest.mark.xdist_group("e2e"), needs_sipp]

SCENARIOS = Path(__file__).resolve().parents[1] / "integration" / "sipp"
QUEUE = "116117"  # answers at once and announces: no operator is needed
MEDIA = {"rtp_port_min": 12_000, "rtp_port_max": 13_999}  # a lab's own block has too few for so many calls
SIP = {"overload": {"lag_ms": 0}}  # other calls than emergency calls are not held back while it catches up
RATE = 40  # new dialogs a second
HOLD_S = 9  # a dialog is left alone so long: longer than it takes to set all up and to start again


@pytest.mark.parametrize(
    ("dialogs", "more"), [(60, 20), pytest.param(400, 80, marks=pytest.mark.soak)], ids=["sixty", "four-hundred"]
)
async def test_dialogs_and_those_just_being_set_up_survive(tmp_path: Path, dialogs: int, more: int) -> None:
    async with running_lab(tmp_path, simulators=False, media=MEDIA, sip=SIP) as lab:
        for name in ("established", "arriving"):
            (tmp_path / name).mkdir()
        hold_ms = (dialogs // RATE + HOLD_S) * 1000
        established = asyncio.create_task(
            run_sipp(
                SCENARIOS / "uac_survivor.xml",
                lab.sip,
                tmp_path / "established",
                *("-aa", "-s", QUEUE, "-r", str(RATE), "-l", str(dialogs), "-d", str(hold_ms)),
                calls=dialogs,
                timeout_s=180,
            )
        )

        async def all_up() -> bool:
            return (await lab.metrics())["kak_census_sip_dialogs"] >= dialogs

        await eventually(all_up, 60, what="all dialogs are up")
        arriving = asyncio.create_task(
            run_sipp(
                SCENARIOS / "uac_survivor.xml",
                lab.sip,
                tmp_path / "arriving",
                *("-aa", "-s", QUEUE, "-r", "20", "-d", "3000"),
                calls=more,
                timeout_s=180,
            )
        )
        await asyncio.sleep(1.5)
        killed_s = time.monotonic()
        await lab.kill_control()
        await lab.start_control()
        down_s = time.monotonic() - killed_s
        for load in (established, arriving):
            result = await load
            assert result.code == 0, result.output[-3000:]
        report("kill-under-load", dialogs=dialogs, down_s=round(down_s, 1))

        async def nothing_left() -> bool:
            metrics = await lab.metrics()
            return all(metrics[f"kak_census_{name}"] == 0 for name in ("lines", "contacts", "sip_dialogs", "rtp_ports"))

        await eventually(nothing_left, 60, what="nothing is left")
