"""The telephones that can be called, over HTTP: mounted by the simulator's control application."""

from typing import Any

from fastapi import APIRouter, HTTPException

from kak_sim.callees.exchange import Exchange
from kak_sim.callees.people import PEOPLE


def router_for(exchange: Exchange) -> APIRouter:
    """GET /callees, GET /callees/numbers, POST /callees/{id}/hangup."""
    router = APIRouter()

    @router.get("/callees")
    async def listed() -> list[dict[str, Any]]:
        return exchange.rows()

    @router.get("/callees/numbers")
    async def numbers() -> list[dict[str, Any]]:
        return [{"number": number, "name": person.name} for number, person in PEOPLE.items()]

    @router.post("/callees/{name}/hangup")
    async def hang_up(name: str) -> dict[str, bool]:
        if not exchange.hang_up(name):
            raise HTTPException(404, "no such call")
        return {"ok": True}

    return router
