"""Seats: who sits where, sitting down, standing up, and the seat's media."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from kak_server.console.aio.deps import Changing, ShellDep, SignedIn, seated
from kak_server.console.aio.errors import ApiError, refused
from kak_server.console.arguments import Epoch, Name
from kak_server.console.models_staff import HandOverStatus
from kak_server.console.ports import Caller
from kak_server.console.requests import (
    Done,
    PositionMedia,
    PositionMediaAnswer,
    PositionRow,
    SdpAnswer,
    SdpOffer,
    Seated,
    StandBy,
    TakePosition,
)
from kak_server.model.ids import PositionId

router = APIRouter(prefix="/api/v1", tags=["position"])


@router.get("/positions")
async def positions(_: SignedIn, shell: ShellDep) -> list[PositionRow]:
    """Every seat and who sits there."""
    return [PositionRow.model_validate(row) for row in shell.backend.positions()]


@router.post("/position")
async def sit_down(body: TakePosition, session: Changing, shell: ShellDep) -> Seated:
    """Sit down at a position, or re-attach with the epoch this tab had."""
    position = PositionId(body.position)
    epoch = body.seat_epoch
    if epoch is not None and shell.hub.is_read(Caller(session.session, session.operator, position, epoch)):
        # The epoch was copied (a duplicated tab has the first one's sessionStorage) while the first tab is connected:
        # a claim of its own, so that the first is told and its commands are refused. Never two.
        epoch = None
    result = shell.backend.take_position(session.session, position, body.take_over, epoch, shell.now_ms())
    if not result.ok:
        raise refused(result, "taken")
    seat = Seated.model_validate(result.result)
    shell.hub.seat_claimed(Caller(session.session, session.operator, PositionId(seat.position), seat.seat_epoch))
    return seat


@router.delete("/position")
async def stand_up(session: Changing, shell: ShellDep, seat_epoch: Annotated[Epoch | None, Query()] = None) -> Done:
    """Leave the seat. Refused with `busy` while a call is connected."""
    result = shell.backend.leave_position(seated(shell, session, seat_epoch), shell.now_ms())
    if not result.ok:
        raise refused(result, "busy")
    shell.hub.leave_seat(session.session)
    return Done()


@router.post("/position/hand-over")
async def stand_by(body: StandBy, session: Changing, shell: ShellDep) -> HandOverStatus:
    """The change of shifts: wait for a position whose operator is in a call or its paper work. With `ready` the seat is
    one's own: sit down. Refused with `empty` (nobody sits there), `signed-in` (one sits somewhere), `taken`."""
    result = shell.backend.hand_over(session.session, PositionId(body.position), shell.now_ms())
    if not result.ok:
        raise refused(result)
    return HandOverStatus.model_validate(result.result)


@router.get("/position/hand-over")
async def hand_over_status(session: SignedIn, shell: ShellDep) -> HandOverStatus:
    """How it goes with it; ask every second or so."""
    result = shell.backend.hand_over_status(session.session)
    if not result.ok:
        raise refused(result)
    return HandOverStatus.model_validate(result.result)


@router.delete("/position/hand-over")
async def stop_waiting(session: Changing, shell: ShellDep) -> Done:
    """Wait no longer."""
    shell.backend.cancel_hand_over(session.session, shell.now_ms())
    return Done()


@router.post("/position/media", tags=["media"])
async def position_media(body: PositionMedia, session: Changing, shell: ShellDep) -> PositionMediaAnswer:
    """Give the seat its media; replaces what it had."""
    caller = seated(shell, session, body.seat_epoch)
    if body.rtp is not None and not shell.settings.lab:
        raise ApiError("not-allowed", "Plain RTP is for the lab only.")
    given = {"sdp": body.sdp} if body.rtp is None else {"rtp": body.rtp.model_dump()}
    result = await shell.backend.position_media(caller, given)
    if not result.ok:
        raise refused(result)
    return PositionMediaAnswer.model_validate(result.result)


@router.post("/contacts/{contact}/video/view", tags=["media"])
async def view_video(contact: Annotated[Name, Path()], body: SdpOffer, session: Changing, shell: ShellDep) -> SdpAnswer:
    """Receive the citizen's video over a PeerConnection of its own."""
    result = await shell.backend.view_video(seated(shell, session, None), contact, body.sdp)
    if not result.ok:
        raise refused(result)
    return SdpAnswer.model_validate(result.result)
