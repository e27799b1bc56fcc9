"""Who asks, and may they: the checks every route begins with. Default deny."""

from typing import Annotated

from fastapi import Depends, Header, Request, WebSocket
from fastapi.security import APIKeyCookie
from starlette.requests import HTTPConnection

from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.shell import Shell
from kak_server.console.ports import Caller, User
from kak_server.console.sessions import Session, csrf_matches

COOKIE = "kak_session"
CSRF_HEADER = "X-Kak-Csrf"
SEATED_ROLES = frozenset({"operator", "supervisor"})

_cookie = APIKeyCookie(name=COOKIE, scheme_name="session", auto_error=False)


def shell_of(connection: HTTPConnection) -> Shell:
    """The app's shell."""
    shell = connection.app.state.shell
    assert isinstance(shell, Shell)
    return shell


async def _shell(request: Request) -> Shell:
    return shell_of(request)


ShellDep = Annotated[Shell, Depends(_shell)]


def authenticate(shell: Shell, token: str | None) -> tuple[Session, User]:
    """The living session of a cookie. Raises ApiError `not-signed-in`, or `forbidden` without a fitting role."""
    session = shell.living_session(token)
    user = None if session is None else shell.user_of(session)
    if session is None or user is None:
        raise ApiError("not-signed-in", "Sign in first.")
    if not user.roles & SEATED_ROLES:
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


async def changing(
    request: Request,
    shell: ShellDep,
    session: SignedIn,
    token: Annotated[str | None, Depends(_cookie)],
    csrf: Annotated[str | None, Header(alias=CSRF_HEADER, description="`csrf` of the session")] = None,
) -> Session:
    """The session, for changing something: from our own page, with the token against forged requests."""
    await same_origin(request, shell)
    if not csrf_matches(token or "", csrf):
        raise ApiError("csrf", f"The header {CSRF_HEADER} is missing or wrong.")
    return session


Changing = Annotated[Session, Depends(changing)]


def seated(shell: Shell, session: Session, seat_epoch: int | None) -> Caller:
    """The caller with a seat; an epoch that is given must be the seat's. Raises ApiError `not-your-seat`."""
    caller = shell.caller_of(session)
    if caller.position is None or seat_epoch not in (None, caller.seat_epoch):
        raise ApiError("not-your-seat", "This tab does not hold a seat.")
    return caller


def address_of(connection: Request | WebSocket) -> str:
    """The peer's address, for limits and the audit log."""
    return connection.client.host if connection.client is not None else "unknown"
