"""The server takes calls while its disk is full, and starts on a damaged journal: calls go on, people are told, and
what was lost is said by record and contact."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kak_server.runtime.frames import Frame
from kak_server.runtime.segments import history
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot
from tests.support.disk import filled, small_disk
from tests.support.lab import calling, running_lab
from tests.support.report import report
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

MEBIBYTE = 1 << 20
SLOW_DISK = Path(__file__).resolve().parents[1] / "support" / "slow_disk_server.py"


def notices(client: PositionClient) -> list[str]:
    return [notice["code"] for notice in client.view.get("notices") or []]


def alarms(lab: Lab) -> list[dict[str, Any]]:
    """What the log says of the journal."""
    lines = (lab.folder / "logs" / "control.log").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    return [entry for entry in entries if str(entry.get("event")).startswith("journal_")]


def check(folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "kak_server.cli", "journal", "check", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


async def started(lab: Lab) -> Robot:
    """Kari answers what rings at oslo-1."""
    robot = Robot(PositionClient(lab.base_url, "kari", "lab"), "oslo-1", Manner(wrap_up_ms=100), source=steady(600))
    await robot.start()
    return robot


async def served(lab: Lab, number: int) -> None:
    """Somebody calls, is answered, and hangs up."""
    async with calling(lab, "113", f"+479150010{number}", source=steady(440)) as caller:
        await caller.answered()
        await caller.hang_up()


async def test_calls_go_on_while_the_disk_is_full_and_a_kill_after_it_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data" / "journal", 4 * MEBIBYTE) as journal:
        async with running_lab(tmp_path, simulators=False, sip={"t1_ms": 100}) as lab:
            robot = await started(lab)
            await served(lab, 1)
            with filled(journal):
                for number in (2, 3):
                    await served(lab, number)
                await robot.client.until(lambda client: "journal-degraded" in notices(client))
                assert (await lab.metrics())["kak_journal_pending_records"] > 0
                ready = await robot.client.request("GET", "/readyz")
                assert (ready["ready"], ready["reasons"]) == (True, ["the journal cannot be written"])
            await robot.client.until(lambda client: notices(client) == [])
            assert (await lab.metrics())["kak_journal_pending_records"] == 0
            kinds = [alarm["kind"] for alarm in alarms(lab) if alarm["kind"] in ("degraded", "recovered", "lost")]
            assert kinds == ["degraded", "recovered"]
            async with calling(lab, "113", "+4791500109", source=steady(440)) as talking:
                await talking.answered()
                await lab.kill_control()
                assert check(journal)[0] == 0
                await lab.start_control()
                await robot.client.connect_events()
                await robot.client.until(lambda client: client.view["call"] is not None)
                await talking.hang_up()
            await served(lab, 4)
            await robot.stop()
        code, said = check(journal)
        assert code == 0, said


async def test_a_recording_that_broke_off_is_begun_again_when_there_is_room_and_what_is_missing_is_proved(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "data" / "recordings", MEBIBYTE) as recordings:
        async with running_lab(tmp_path, simulators=False, sip={"t1_ms": 100}) as lab:
            robot = await started(lab)

            def missing(*labels: str) -> Callable[[PositionClient], bool]:
                """The card says that these legs are not recorded; with none, that all is."""

                def look(client: PositionClient) -> bool:
                    call = client.view["call"] or {"recording": None, "recording_gap": None}
                    gap = call["recording_gap"] or {"labels": [], "code": "full"}
                    return (call["recording"], gap["labels"], gap["code"]) == (not labels, list(labels), "full")

                return look

            async def stored() -> bool:
                return sum(part.stat().st_size > 0 for part in recordings.rglob("*.part")) == 2

            async with calling(lab, "113", "+4791500101", source=steady(440)) as caller:
                await caller.answered()
                await robot.client.until(missing())
                await eventually(stored, what="the first of both tracks is in its file")
                with filled(recordings):
                    await robot.client.until(missing("caller", "operator"))
                    assert "recording-failed" in notices(robot.client)
                    ready = await robot.client.request("GET", "/readyz")
                    assert (ready["ready"], ready["reasons"][0].split(":")[0]) == (True, "recording fails")
                await robot.client.until(missing())
                assert notices(robot.client) == []
                assert (await lab.metrics())["kak_recordings_failing"] == 0
                await caller.hang_up()

            async def complete() -> Any:
                calls = await robot.client.request("GET", "/api/v1/calls?limit=1")
                return calls[0] if calls and len(calls[0]["tracks"]) == 4 else None

            call = await eventually(complete, what="two files of each of two tracks")
            spoken_ms = call["ended_at_ms"] - call["answered_at_ms"]
            for label in ("caller", "operator"):
                (gap,) = [gap for gap in call["recording_gaps"] if gap["label"] == label]
                stored_ms = sum(track["stored_ms"] for track in call["tracks"] if track["label"] == label)
                missing_ms = gap["to_ms"] - gap["from_ms"]
                assert missing_ms > 1_000
                assert abs(stored_ms + missing_ms - spoken_ms) < 500, "each second is stored, or said to be missing"
            await robot.stop()


async def test_a_start_on_a_damaged_journal_takes_calls_and_says_what_was_lost(tmp_path: Path) -> None:
    journal = tmp_path / "data" / "journal"
    async with running_lab(tmp_path, simulators=False, sip={"t1_ms": 100}) as lab:
        robot = await started(lab)
        await served(lab, 1)
        async with calling(lab, "113", "+4791500108", source=steady(440)) as talking:
            await talking.answered()
            await robot.client.until(lambda client: client.view["call"] is not None)
            visitor = PositionClient(lab.base_url, "sofie", "lab")
            await visitor.sign_in()  # the last record: her session
            await lab.kill_control()
            frames = [item for _, item in history(journal) if isinstance(item, Frame)]
            arrival = next(frame for frame in frames if b'"ContactArrived"' in frame.payload)
            path = next(journal.glob("journal-*.kj"))
            data = bytearray(path.read_bytes())
            data[data.index(b"ContactArrived", arrival.offset)] ^= 1
            path.write_bytes(data[:-9])
            await lab.start_control()
            await robot.client.connect_events()
            await robot.client.until(lambda client: client.view["call"] is not None)
            await robot.client.until(lambda client: "journal-lost" in notices(client))
            said = [str(alarm.get("what")) for alarm in alarms(lab) if alarm["event"] == "journal_lost"]
            contact = arrival.record["data"]["contact"]
            assert len(said) == 2
            assert f"record {arrival.serial} lost: a record's checksum is wrong" in said[0]
            assert said[0].endswith(f"it concerned contact {contact}")
            assert f"an unknown number of records from {frames[-1].serial} on lost" in said[1]
            await talking.hang_up()
        await served(lab, 2)
        await visitor.close()
        await robot.stop()

        async def healed() -> bool:
            return len(list(journal.glob("journal-*.kj*"))) > 1

        await eventually(healed, what="a checkpoint follows")
    code, said_by_check = check(journal)
    assert code == 1
    assert "A later snapshot holds the state: a start loses nothing by it" in said_by_check


@pytest.mark.parametrize("durability", ["write", "disk"])
async def test_calls_are_answered_while_each_sync_takes_200_ms(tmp_path: Path, durability: str) -> None:
    seconds = tmp_path / "sync-seconds"
    seconds.write_text("0")
    server = (sys.executable, str(SLOW_DISK), str(seconds))
    journal = {"durability": durability, "journal_wait_max_ms": 50}
    async with running_lab(tmp_path, simulators=False, server=server, sip={"t1_ms": 100}, journal=journal) as lab:
        robot = await started(lab)
        await served(lab, 1)
        seconds.write_text("0.2")
        began = time.monotonic()
        for number in (2, 3, 4):
            await served(lab, number)
        took_s = time.monotonic() - began
        await robot.client.until(lambda client: "journal-slow" in notices(client))
        seconds.write_text("0")
        await served(lab, 5)
        await robot.client.until(lambda client: notices(client) == [])
        kinds = {alarm["kind"] for alarm in alarms(lab)}
        assert {"sync-lag", "caught-up"} <= kinds
        assert ("not-waited" in kinds) == (durability == "disk"), kinds
        assert "lost" not in kinds
        report(f"slow-disk-{durability}", three_calls_s=round(took_s, 1))
        assert took_s < 10
        await robot.stop()
    code, said = check(tmp_path / "data" / "journal")
    assert code == 0, said
