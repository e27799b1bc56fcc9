"""Control rooms: which are open, and saying so without a seat, for admins and for leads who had to leave theirs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from kak_server.console.aio.deps import LEADING_ROLES, ROOM_ROLES, SEATED_ROLES, ShellDep, having, unforged
from kak_server.console.aio.errors import ApiError, refused
from kak_server.console.arguments import Name
from kak_server.console.models_staff import RoomPerson, RoomRow
from kak_server.console.requests import Done, RoomState
from kak_server.console.sessions import Session

router = APIRouter(prefix="/api/v1", tags=["rooms"])

Concerned = Annotated[Session, Depends(having(ROOM_ROLES))]
Leading = Annotated[Session, Depends(having(LEADING_ROLES))]
Seated = Annotated[Session, Depends(having(SEATED_ROLES))]


@router.get("/rooms")
async def rooms(_: Concerned, shell: ShellDep) -> list[RoomRow]:
    """Every control room: open, closed or evacuated, who said so, why and since when."""
    return [RoomRow.model_validate(row) for row in shell.backend.rooms()]


@router.get("/rooms/{room}/operators")
async def people(room: Annotated[Name, Path()], _: Leading, shell: ShellDep) -> list[RoomPerson]:
    """Who is signed in in a control room, for shift leads who would borrow somebody by name. What people say of
    themselves beyond their activity stays in the room."""
    return [RoomPerson.model_validate(row) for row in shell.backend.room_people(room)]


@router.get("/operators")
async def find_people(find: Annotated[Name, Query()], _: Seated, shell: ShellDep) -> list[RoomPerson]:
    """Who is signed in anywhere, found by name or by the name of their room, to be asked into a call or given one. At
    most 40, those who can be asked first; nobody of an evacuated room."""
    return [RoomPerson.model_validate(row) for row in shell.backend.find_people(find)]


@router.put("/rooms/{room}/state")
async def set_room(
    room: Annotated[Name, Path()],
    body: RoomState,
    session: Concerned,
    _: Annotated[None, Depends(unforged)],
    shell: ShellDep,
) -> Done:
    """As the command `room.set`, from anywhere: by the room's shift leads, and by admins for every room. Said twice it
    is once."""
    result = shell.backend.set_room(session.session, room, body.state, body.reason)
    if not result.ok:
        raise ApiError("not-found", result.message) if result.code == "unknown-room" else refused(result)
    return Done()
