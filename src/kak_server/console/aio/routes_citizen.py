"""The citizen's side of a video call: no session, only the link's token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from kak_server.console.aio.deps import ShellDep, address_of, same_origin
from kak_server.console.aio.errors import ApiError, refused
from kak_server.console.aio.shell import Shell
from kak_server.console.ports import Result
from kak_server.console.requests import CitizenState, SdpAnswer, SdpOffer

router = APIRouter(prefix="/api/v1/video", tags=["video"])

Token = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[0-9A-Za-z_-]+$")]


def _begin(shell: Shell, request: Request) -> str:
    """Count a use of a link; wrong ones are what is limited, right ones are given back."""
    address = address_of(request)
    wait_ms = shell.links.try_begin(address, "link", shell.now_ms())
    if wait_ms > 0:
        raise ApiError("too-many-requests", "Too many wrong links.", {"Retry-After": str(-(-wait_ms // 1000))})
    return address


def _unwrap(shell: Shell, address: str, result: Result) -> Result:
    if not result.ok:
        raise refused(result, "gone")
    shell.links.succeeded(address, "link")
    return result


@router.get("/{token}")
async def citizen_state(token: Token, request: Request, shell: ShellDep) -> CitizenState:
    """Whether the link is still good. 410 when the call is over."""
    address = _begin(shell, request)
    result = _unwrap(shell, address, shell.backend.citizen_state(token, shell.now_ms()))
    return CitizenState.model_validate(result.result)


@router.post("/{token}/media", dependencies=[Depends(same_origin)])
async def citizen_media(token: Token, body: SdpOffer, request: Request, shell: ShellDep) -> SdpAnswer:
    """Send the camera's video over a PeerConnection."""
    address = _begin(shell, request)
    result = _unwrap(shell, address, await shell.backend.citizen_media(token, body.sdp, shell.now_ms()))
    return SdpAnswer.model_validate(result.result)
