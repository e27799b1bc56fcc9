"""A running lab for the end-to-end tests: started for the test, its logs shown when it fails, nothing left behind."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from kak_sim.callers.caller import Caller
from kak_sim.lab import Lab, reserved_ports, write_config
from kak_sim.robots.client import PositionClient

ROOT = Path(__file__).resolve().parents[2]
LAB_CONFIG = ROOT / "configs" / "lab.yaml"


@contextlib.asynccontextmanager
async def running_lab(
    folder: Path,
    *,
    simulators: bool = True,
    template: Path = LAB_CONFIG,
    server: Sequence[str] = (),
    **changes: Any,
) -> AsyncIterator[Lab]:
    """configs/lab.yaml on free ports in `folder`; `changes` are laid over its sections, e.g. sip={"t1_ms": 100}.
    `server`: the control process's program in place of `kak_server.cli`."""
    if not simulators:
        changes.setdefault("radio", {"gateways": [], "talkgroups": []})
        changes["sip"] = {"devices": [], **changes.get("sip", {})}  # the lab's telephone has a key to a talkgroup
    with reserved_ports() as ports:
        lab = Lab(folder, write_config(template, folder, ports, changes), ports, simulators=simulators)
        lab.server = server or lab.server
        try:
            await lab.start()
            yield lab
        except BaseException:
            for name in ("control", "worker", "simulators"):
                print(lab.tail(name))
            raise
        finally:
            try:
                await lab.stop()
            finally:
                left = lab.left_behind()
        assert left == [], "processes are left"


@contextlib.asynccontextmanager
async def operator(lab: Lab, username: str, position: str, *, available: bool = True) -> AsyncIterator[PositionClient]:
    """A person signed in and seated over the API, with the event stream, without media."""
    client = PositionClient(lab.base_url, username, "lab")
    try:
        await client.sign_in()
        await client.sit_down(position)
        await client.connect_events()
        if available:
            await client.command("activity.set", activity="available", reason="")
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def calling(lab: Lab, number: str, caller: str = "+4791500001", **how: Any) -> AsyncIterator[Caller]:
    """Somebody who calls the lab; gone without a word when the block is left."""
    phone = Caller(lab.sip, number, caller, **how)
    try:
        yield await phone.place()
    finally:
        phone.close()
