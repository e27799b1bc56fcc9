"""The simulators' control API: what a test, the server's lab panel or a person at a shell does to radios and network.

For a lab on one machine: no sign-in, and `file:` and `record` read and write files as the user who runs it. Bind it to
loopback.
"""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi import Path as PathParam
from pydantic import BaseModel, ConfigDict, Field

from kak_sim.callees.exchange import Exchange
from kak_sim.callees.routes import router_for as callees_router_for
from kak_sim.callers.registry import Callers
from kak_sim.callers.routes import router_for
from kak_sim.tetra.air import Air
from kak_sim.tetra.radios import Radio
from kak_sim.tetra.rtp_leg import LegCounters
from kak_sim.tetra.sources import SourceError, source_of

Ssi = Annotated[int, Field(ge=1, le=0xFFFFFF)]
IssiPath = Annotated[int, PathParam(ge=1, le=0xFFFFFF)]


class Asked(BaseModel):
    """What all request bodies share: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Ptt(Asked):
    """Press (`on`) or let go. `source` as in kak_sim.tetra.sources; priority 0 low .. 3 emergency."""

    on: bool
    source: str = Field("tone:700", max_length=4_096)
    priority: int = Field(0, ge=0, le=3)


class Turn(Asked):
    """Select a talkgroup."""

    gssi: Ssi


class Record(Asked):
    """Record what the radio hears into a WAV file."""

    path: str = Field(min_length=1, max_length=4_096)


class Interrupt(Asked):
    """Take the floor from whoever talks."""

    by: str = Field("dispatcher", max_length=64)
    cause: str = Field("interrupted", max_length=64)


class Emergency(Asked):
    """The emergency key."""

    on: bool = True


class PolicyChange(Asked):
    """Fields of kak_sim.tetra.network.Policy; those left out stay as they are."""

    grant: Literal["grant", "deny", "queue"] | None = None
    busy: Literal["queue", "deny"] | None = None
    scope: Literal["consoles", "radios", "all"] | None = None
    interrupt_after_ms: int | None = Field(None, ge=0, le=3_600_000)
    max_ms: int | None = Field(None, ge=100, le=3_600_000)
    hang_ms: int | None = Field(None, ge=0, le=600_000)


def app_for(air: Air, callers: Callers | None = None, exchange: Exchange | None = None) -> FastAPI:
    """The application; it touches `air` on the loop that serves it."""
    app = FastAPI(title="kak-sim", description=__doc__, docs_url="/docs", redoc_url=None)
    app.include_router(_radio_routes(air))
    app.include_router(_network_routes(air, callers))
    if callers is not None:
        app.include_router(router_for(callers))
    if exchange is not None:
        app.include_router(callees_router_for(exchange))
    return app


def _radio_routes(air: Air) -> APIRouter:
    router = APIRouter(prefix="/radios", tags=["radios"])

    def radio_of(issi: int) -> Radio:
        radio = air.radios.get(issi)
        if radio is None:
            raise HTTPException(404, f"no radio {issi}")
        return radio

    @router.get("")
    async def radios() -> list[dict[str, Any]]:
        """All radios."""
        return [radio.state for radio in air.radios.values()]

    @router.get("/{issi}")
    async def one(issi: IssiPath) -> dict[str, Any]:
        """One radio."""
        return radio_of(issi).state

    @router.post("/{issi}/ptt")
    async def ptt(issi: IssiPath, asked: Ptt) -> dict[str, Any]:
        """Press or let go of the key. The answer tells what came of it at once: talking, queued, denied, idle."""
        radio = radio_of(issi)
        if asked.on:
            try:
                source = await source_of(asked.source)
            except SourceError as problem:
                raise HTTPException(422, str(problem)) from None
            radio.press(source, asked.priority)
        else:
            radio.release()
        air.pump()
        return radio.state

    @router.post("/{issi}/emergency")
    async def emergency(issi: IssiPath, asked: Emergency) -> dict[str, Any]:
        """Press the emergency key; with `on` false the alarm is over at the gateway."""
        radio = radio_of(issi)
        changed = air.gateway.emergency(issi, radio.party.alias, radio.gssi, asked.on)
        return {"issi": issi, "emergency": asked.on, "changed": changed}

    @router.post("/{issi}/group")
    async def group(issi: IssiPath, asked: Turn) -> dict[str, Any]:
        """Turn the radio to another talkgroup."""
        radio = radio_of(issi)
        if asked.gssi not in air.network.groups:
            raise HTTPException(404, f"no talkgroup {asked.gssi}")
        radio.select(asked.gssi)
        air.pump()
        return radio.state

    @router.post("/{issi}/record")
    async def record(issi: IssiPath, asked: Record) -> dict[str, Any]:
        """Record what the radio hears: 8,000 samples a second, silence where nothing was heard."""
        radio = radio_of(issi)
        _finish(radio)
        radio.record(Path(asked.path))
        return radio.state

    @router.post("/{issi}/record/stop")
    async def stop(issi: IssiPath) -> dict[str, Any]:
        """Write the file; says its path, the UTC ms of its first sample, and its seconds."""
        written = _finish(radio_of(issi))
        if written is None:
            raise HTTPException(409, "the radio is not recording")
        return written

    return router


def _finish(radio: Radio) -> dict[str, Any] | None:
    try:
        return radio.stop_recording()
    except OSError as problem:
        raise HTTPException(422, f"the recording could not be written: {problem}") from None


def _network_routes(air: Air, callers: Callers | None) -> APIRouter:
    router = APIRouter(tags=["network"])

    @router.get("/emergencies")
    async def emergencies() -> list[dict[str, Any]]:
        """Radios' emergencies: those that are up with who has them, then the last ones that are over and why."""
        return [asdict(one) for one in air.gateway.emergencies()]

    @router.get("/state")
    async def state() -> dict[str, Any]:
        """Everything, for the lab panel."""
        return {
            "radios": [radio.state for radio in air.radios.values()],
            "groups": _groups(air),
            "consoles": _consoles(air),
            "callers": callers.rows() if callers is not None else [],
            "emergencies": [asdict(one) for one in air.gateway.emergencies()],
        }

    @router.get("/counters")
    async def counters() -> dict[str, Any]:
        """What the gateway counted. `uplink_without_grant` is the one that must stay zero."""
        return _counters(air)

    @router.get("/policy")
    async def policy() -> dict[str, Any]:
        """How the network answers requests for the floor."""
        return asdict(air.network.policy)

    @router.put("/policy")
    async def change_policy(asked: PolicyChange) -> dict[str, Any]:
        """Change it."""
        changes = {name: value for name, value in asked.model_dump().items() if value is not None}
        air.network.set_policy(air.network.with_policy(**changes), air.clock())
        air.pump()
        return asdict(air.network.policy)

    @router.post("/groups/{gssi}/interrupt")
    async def interrupt(gssi: IssiPath, asked: Interrupt) -> dict[str, Any]:
        """Take the floor from whoever talks in the group."""
        if not air.network.interrupt(gssi, asked.by, asked.cause, air.clock()):
            raise HTTPException(409, "nobody talks in that group")
        air.pump()
        return {"interrupted": True}

    @router.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """Up, and how many ticks of 20 ms ago it started."""
        return {"ok": True, "ticks": air.ticks, "ticks_skipped": air.ticks_skipped}

    return router


def _groups(air: Air) -> list[dict[str, Any]]:
    return [
        {
            "gssi": group.gssi,
            "name": group.name,
            "call": group.call,
            "talker": group.talker.party.alias if group.talker else None,
            "queue": [wish.party.alias for wish in group.queue],
        }
        for group in air.network.groups.values()
    ]


def _consoles(air: Air) -> list[dict[str, Any]]:
    return [
        {
            "room": room.name,
            "connected": room.session is not None,
            "epoch": room.epoch,
            "groups": sorted(room.groups),
            "legs": {gssi: {"port": leg.port, "granted": leg.granted} for gssi, leg in room.legs.items()},
            "patches": [patch.model_dump() for patch in room.patches.values()],
        }
        for room in air.gateway.rooms.values()
    ]


def _counters(air: Air) -> dict[str, Any]:
    legs = [
        {"room": room.name, "gssi": gssi, **asdict(leg.counters)}
        for room in air.gateway.rooms.values()
        for gssi, leg in room.legs.items()
    ]
    closed = asdict(air.gateway.closed_legs)
    totals = {
        field.name: closed[field.name] + sum(int(leg[field.name]) for leg in legs) for field in fields(LegCounters)
    }
    return {**totals, **air.gateway.counters, "legs": legs, "ticks": air.ticks, "ticks_skipped": air.ticks_skipped}
