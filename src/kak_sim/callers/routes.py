"""The callers over HTTP, for the lab panel and for tests: mounted by the simulator's control application."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from kak_sim.callers.location import Place
from kak_sim.callers.registry import Callers, TooManyCallersError, Wish


class PlaceBody(BaseModel):
    """A point on the earth, WGS 84."""

    model_config = ConfigDict(extra="forbid")
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    radius_m: Annotated[float, Field(gt=0, le=100_000)] = 50.0


class CallBody(BaseModel):
    """A call to be made. Without `caller` the number is invented; `location` may be "59.91,10.75" too."""

    model_config = ConfigDict(extra="forbid")
    number: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[+0-9A-Za-z.:*#-]+$")]
    caller: Annotated[str, Field(max_length=32, pattern=r"^\+?[0-9]*$")] = ""
    speech: bool = True
    tones: Annotated[list[Annotated[int, Field(ge=100, le=3400)]], Field(min_length=1, max_length=16)] = [440, 880]
    duration_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    location: PlaceBody | Annotated[str, Field(max_length=64)] | None = None


def router_for(callers: Callers) -> APIRouter:
    """POST /callers -> {"id"}, GET /callers, POST /callers/{id}/hangup."""
    router = APIRouter()

    @router.post("/callers")
    async def place(body: CallBody) -> dict[str, str]:
        wish = Wish(body.number, body.caller, body.speech, tuple(body.tones), body.duration_s, _place(body.location))
        try:
            return {"id": await callers.place(wish)}
        except TooManyCallersError as problem:
            raise HTTPException(429, str(problem)) from problem
        except OSError as problem:
            raise HTTPException(503, str(problem)) from problem

    @router.get("/callers")
    async def listed() -> list[dict[str, Any]]:
        return callers.rows()

    @router.post("/callers/{name}/hangup")
    async def hang_up(name: str) -> dict[str, bool]:
        if not callers.hang_up(name):
            raise HTTPException(404, "no such caller")
        return {"ok": True}

    return router


def _place(body: PlaceBody | str | None) -> Place | None:
    if body is None:
        return None
    if isinstance(body, PlaceBody):
        return Place(body.latitude, body.longitude, body.radius_m)
    try:
        return Place.parse(body)
    except ValueError as problem:
        raise HTTPException(422, str(problem)) from problem
