"""Colleagues anywhere, found by their name or their room's, for whoever asks somebody into a call."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges.brought_views import room_for_chats
from kak_server.model.ids import RoomId
from kak_server.routing.api import OperatorState, RoomState
from kak_server.routing.state import Operator

if TYPE_CHECKING:
    from kak_server.bridges.context import Context

View = dict[str, Any]
MAX_FOUND = 40
"""Of more who fit, those who can be asked now; whoever looks for somebody else types more of the name."""


def find_people(ctx: "Context", names: Mapping[RoomId, str], text: str) -> list[View]:
    """Everybody signed in whose name, or the name of whose room (that they sit in or are lent to), holds the text, in
    capitals or not; who can be asked first, then by name. Nobody of an evacuated room, since nobody there is asked."""
    wanted = " ".join(text.split()).casefold()
    if not wanted:
        return []
    rooms = {room for room, name in names.items() if wanted in name.casefold()}
    evacuated = {room for room, row in ctx.core.state.rooms.items() if row.state is RoomState.EVACUATED}
    found = [
        row
        for row in ctx.core.state.operators.values()
        if row.room not in evacuated
        and (wanted in row.name.casefold() or row.room in rooms or row.serves_room in rooms)
    ]
    found.sort(key=lambda row: (row.state is not OperatorState.IDLE, row.name.casefold(), row.operator))
    return [person(ctx, names, row) for row in found[:MAX_FOUND]]


def person(ctx: "Context", names: Mapping[RoomId, str], row: Operator) -> View:
    """As much of somebody as another room needs to ask for them: no reasons, no notes."""
    return {
        "operator": row.operator,
        "name": row.name,
        "position": row.position,
        "room": row.room,
        "room_name": names.get(row.room, str(row.room)),
        "activity": row.activity.value,
        "state": row.state.value,
        "chat_room": room_for_chats(row.state, len(row.chats), row.chats_max, row.chats_in_call),
        "skills": dict(row.skills),
        "on_loan": ctx.core.loan_of(row.operator) is not None,
    }
