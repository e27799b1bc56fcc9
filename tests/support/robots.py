"""Robot operators of the lab's people, started for a test and stopped after it."""

import contextlib
from collections.abc import AsyncIterator

from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot

VOICE_HZ = 600


@contextlib.asynccontextmanager
async def robot_at(
    lab: Lab, username: str, position: str, manner: Manner | None = None, *, voice_hz: int = VOICE_HZ
) -> AsyncIterator[Robot]:
    """An operator who takes every offer at once (or as `manner` says), speaks one tone and keeps what is heard."""
    client = PositionClient(lab.base_url, username, "lab")
    robot = Robot(client, position, manner or Manner(wrap_up_ms=None), source=steady(voice_hz), keep_sound=True)
    await robot.start()
    try:
        yield robot
    finally:
        await robot.stop()


def in_call(client: PositionClient, caller: str = "") -> bool:
    """Whether the operator is connected, with this caller if one is named."""
    call = client.view.get("call")
    return call is not None and call["state"] == "connected" and caller in ("", call["caller"])
