"""Who asks, and may they: the checks every route begins with. Default deny."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request, WebSocket
from fastapi.security import APIKeyCookie
from starlette.requests import HTTPConnection

from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.shell import Shell
from kak_server.console.ports import Caller, User
from kak_server.console.sessions import Session, csrf_matches
from kak_server.console.statistics import ROLES as STATISTICS_ROLES

COOKIE = "kak_session"
CSRF_HEADER = "X-Kak-Csrf"
SEATED_ROLES = frozenset({"operator", "supervisor"})
TECHNICAL_ROLES = frozenset({"technician", "admin"})
CONFIG_ROLES = frozenset({"admin"})
EXPLANATION_ROLES = frozenset({"supervisor", "technician", "admin"})
LEADING_ROLES = frozenset({"supervisor", "admin"})
ROOM_ROLES = SEATED_ROLES | TECHNICAL_ROLES
ANY_ROLE = SEATED_ROLES | TECHNICAL_ROLES | STATISTICS_ROLES

_cookie = APIKeyCookie(name=COOKIE, scheme_name="session", auto_error=False)


def shell_of(connection: HTTPConnection) -> Shell:
    """The app's shell."""
    shell = connection.app.state.shell
    assert isinstance(shell, Shell)
    return shell


async def _shell(request: Request) -> Shell:
    return shell_of(request)


ShellDep = Annotated[Shell, Depends(_shell)]


def authenticate(shell: Shell, token: str | None, roles: frozenset[str] = SEATED_ROLES) -> tuple[Session, User]:
    """The living session of a cookie. Raises ApiError `not-signed-in`, or `forbidden` without one of the roles."""
    session = shell.living_session(token)
    user = None if session is None else shell.user_of(session)
    if session is None or user is None:
        raise ApiError("not-signed-in", "Sign in first.")
    if not user.roles & roles:
        raise ApiError("forbidden", "Your roles do not allow this.")
    return session, user


def origin_is_ours(connection: HTTPConnection, shell: Shell) -> bool:
    """Whether the page that asks came from here. No Origin means no browser page asks: programs send none."""
    origin = connection.headers.get("origin")
    if origin is None or origin in shell.settings.allowed_origins:
        return True
    scheme = "https" if connection.url.scheme in ("https", "wss") else "http"
    return origin == f"{scheme}://{connection.headers.get('host', '')}"


async def same_origin(request: Request, shell: ShellDep) -> None:
    """Refuse what another site's page sends."""
    if not origin_is_ours(request, shell):
        raise ApiError("foreign-origin", "Requests from other sites' pages are refused.")


async def signed_in(shell: ShellDep, token: Annotated[str | None, Depends(_cookie)]) -> Session:
    """The session, for reading."""
    session, _ = authenticate(shell, token)
    shell.touch(session)
    return session


SignedIn = Annotated[Session, Depends(signed_in)]


async def technical(shell: ShellDep, token: Annotated[str | None, Depends(_cookie)]) -> Session:
    """The session of somebody who looks after the system, for reading what operators do not see."""
    session, _ = authenticate(shell, token, TECHNICAL_ROLES)
    shell.touch(session)
    return session


Technical = Annotated[Session, Depends(technical)]


def having(roles: frozenset[str]) -> Callable[..., Awaitable[Session]]:
    """A dependency: the session of somebody with one of the roles, for reading."""

    async def reader(shell: ShellDep, token: Annotated[str | None, Depends(_cookie)]) -> Session:
        session, _ = authenticate(shell, token, roles)
        shell.touch(session)
        return session

    return reader


async def statistician(shell: ShellDep, token: Annotated[str | None, Depends(_cookie)]) -> User:
    """Somebody whose roles give statistics, and who has not asked too often."""
    session, user = authenticate(shell, token, STATISTICS_ROLES)
    shell.touch(session)
    wait_ms = shell.questions.try_begin(str(session.session), "statistics", shell.now_ms())
    if wait_ms > 0:
        seconds = str(-(-wait_ms // 1000))
        raise ApiError("too-many-requests", f"Too many questions; wait {seconds} s.", {"Retry-After": seconds})
    return user


Statistician = Annotated[User, Depends(statistician)]


async def administrator(shell: ShellDep, token: Annotated[str | None, Depends(_cookie)]) -> Session:
    """The session of a configuration administrator, for reading."""
    session, _ = authenticate(shell, token, CONFIG_ROLES)
    shell.touch(session)
    return session


async def of_any_role(shell: ShellDep, token: Annotated[str | None, Depends(_cookie)]) -> Session:
    """The session of anybody who may do something here, for what concerns only the session itself."""
    session, _ = authenticate(shell, token, ANY_ROLE)
    shell.touch(session)
    return session


async def unforged(
    request: Request,
    shell: ShellDep,
    token: Annotated[str | None, Depends(_cookie)],
    csrf: Annotated[str | None, Header(alias=CSRF_HEADER, description="`csrf` of the session")] = None,
) -> None:
    """Refuse what does not come from our own page with the token against forged requests."""
    await same_origin(request, shell)
    if not csrf_matches(token or "", csrf):
        raise ApiError("csrf", f"The header {CSRF_HEADER} is missing or wrong.")


async def changing(session: SignedIn, _: Annotated[None, Depends(unforged)]) -> Session:
    """The session, for changing something."""
    return session


async def leaving(session: Annotated[Session, Depends(of_any_role)], _: Annotated[None, Depends(unforged)]) -> Session:
    """The session, for ending it."""
    return session


async def administering(
    session: Annotated[Session, Depends(administrator)], _: Annotated[None, Depends(unforged)]
) -> Session:
    """The session of a configuration administrator, for changing something."""
    return session


Administrator = Annotated[Session, Depends(administrator)]
Administering = Annotated[Session, Depends(administering)]
Changing = Annotated[Session, Depends(changing)]
Leaving = Annotated[Session, Depends(leaving)]


def seated(shell: Shell, session: Session, seat_epoch: int | None) -> Caller:
    """The caller with a seat; an epoch that is given must be the seat's. Raises ApiError `not-your-seat`."""
    caller = shell.caller_of(session)
    if caller.position is None or seat_epoch not in (None, caller.seat_epoch):
        raise ApiError("not-your-seat", "This tab does not hold a seat.")
    return caller


def address_of(connection: Request | WebSocket) -> str:
    """The peer's address, for limits and the audit log."""
    return connection.client.host if connection.client is not None else "unknown"
