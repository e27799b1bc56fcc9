"""Many robots in one process against a real server: every call is taken by exactly one of them."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from kak_sim.callers.sound import steady
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Handled, Manner, Robot
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

ROBOTS = 12
QUEUE = {"id": "113", "name": {"nb": "113", "en": "113"}, "numbers": [113], "class": "emergency", "rooms": ["hall"]}
HALL: dict[str, Any] = {
    "rooms": [{"id": "hall", "name": "Hall", "kind": "amk", "positions": ROBOTS}],
    "queues": [{**QUEUE, "offer_timeout_ms": 5_000, "wrap_up_ms": 60_000, "waiting": "ring"}],
    "operators": [
        {"username": f"robot-{n}", "name": f"Robot {n}", "password": "lab", "roles": ["operator"], "rooms": ["hall"]}
        for n in range(1, ROBOTS + 1)
    ],
}


async def test_every_call_is_taken_once_even_when_some_reject(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False, sip={"t1_ms": 50}, **HALL) as lab:
        robots = []
        for number in range(1, ROBOTS + 1):
            manner = Manner(hang_up_after_ms=300, reject_every=3 if number % 4 == 0 else 0)
            client = PositionClient(lab.base_url, f"robot-{number}", "lab")
            robots.append(Robot(client, f"hall-{number}", manner, source=steady(600)))
            await robots[-1].start()
        for burst in range(3):
            numbers = [f"+4790000{burst}{n:02d}" for n in range(20)]  # more callers than robots
            await take_all(lab, numbers)
        await eventually(lambda: len(taken_by(robots)) >= 60, what="every call was taken")
        taken = taken_by(robots)
        assert sorted(row.caller for row in taken) == sorted({row.caller for row in taken}), "a call was taken twice"
        assert all(row.audio_ns for row in taken), "a call without the caller's sound"
        assert [robot.client.seq_gaps for robot in robots] == [0] * ROBOTS

        async def empty() -> bool:
            metrics = await lab.metrics()
            return all(metrics[f"kak_census_{name}"] == 0 for name in ("lines", "contacts", "sip_calls", "sip_dialogs"))

        await eventually(empty, 40, what="nothing is left of the calls")
        for robot in robots:
            await robot.stop()


def taken_by(robots: list[Robot]) -> list[Handled]:
    return [row for robot in robots for row in robot.handled if row.outcome.startswith("ended:")]


async def take_all(lab: Any, numbers: list[str]) -> None:
    """All of them call at once and talk until they are hung up on."""
    async with contextlib.AsyncExitStack() as stack:
        callers = [
            await stack.enter_async_context(calling(lab, "113", number, source=steady(440), keep_sound=False))
            for number in numbers
        ]
        for caller in callers:
            assert (await caller.over(60)).cause == "bye"
