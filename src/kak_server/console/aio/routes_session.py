"""Sign in, who am I, sign out."""

from fastapi import APIRouter, Depends, Request, Response

from kak_server.console.aio.deps import ANY_ROLE, COOKIE, Leaving, ShellDep, address_of, authenticate, same_origin
from kak_server.console.aio.errors import ApiError, refused
from kak_server.console.aio.passwords import verify
from kak_server.console.aio.shell import Shell
from kak_server.console.ports import User
from kak_server.console.requests import Done, SessionInfo, SignIn, UserInfo
from kak_server.console.sessions import TooManySessionsError, csrf_of

router = APIRouter(prefix="/api/v1/session", tags=["session"])


def _info(user: User, token: str) -> SessionInfo:
    person = UserInfo(
        operator=user.operator,
        name=user.name,
        roles=sorted(user.roles),
        skills=dict(user.skills),
        rooms=list(user.rooms),
    )
    return SessionInfo(user=person, csrf=csrf_of(token))


async def _check_password(shell: Shell, request: Request, body: SignIn) -> User:
    """The person, or ApiError. An unknown name takes as long as a wrong password."""
    address = address_of(request)
    wait_ms = shell.lockout.try_begin(address, body.username, shell.now_ms())
    if wait_ms > 0:
        seconds = str(-(-wait_ms // 1000))
        raise ApiError("too-many-attempts", f"Too many attempts; wait {seconds} s.", {"Retry-After": seconds})
    user = shell.backend.user_by_name(body.username)
    hashed = user.password_hash if user is not None else None
    if not await shell.passwords.run(verify, hashed, body.password) or user is None:
        shell.backend.audit(None, "session.refused", body.username, {"address": address})
        raise ApiError("bad-credentials", "Unknown user name or wrong password.")
    shell.lockout.succeeded(address, body.username)
    return user


@router.post("", dependencies=[Depends(same_origin)])
async def sign_in(body: SignIn, request: Request, response: Response, shell: ShellDep) -> SessionInfo:
    """Sign in with user name and password. Sets the cookie `kak_session`."""
    user = await _check_password(shell, request, body)
    earlier = shell.sessions.find(request.cookies.get(COOKIE))
    if earlier is not None and earlier.operator == user.operator:
        shell.close_session(earlier, "signed in anew")  # refused in a call: then it stays, and the seat can be claimed
    try:
        _, token = shell.open_session(user)
    except TooManySessionsError:
        raise ApiError("unavailable", "Too many people are signed in.") from None
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=shell.settings.secure_cookies, path="/")
    return _info(user, token)


@router.get("")
async def who_am_i(request: Request, shell: ShellDep) -> SessionInfo:
    """The person of the cookie, and the csrf token again."""
    token = request.cookies.get(COOKIE, "")
    session, user = authenticate(shell, token, ANY_ROLE)
    shell.touch(session)
    return _info(user, token)


@router.delete("")
async def sign_out(session: Leaving, response: Response, shell: ShellDep) -> Done:
    """Sign out and leave the seat. Refused with `busy` while a call is connected."""
    result = shell.close_session(session, "signed out")
    if not result.ok:
        raise refused(result, "busy")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=shell.settings.secure_cookies)
    return Done()
