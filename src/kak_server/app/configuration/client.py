"""The configuration's versions from the command line: asked of a running server over its API, or, where none runs,
worked on in the database itself."""

import getpass
import os
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration.actions import Actions
from kak_server.app.configuration.library import Library
from kak_server.app.configuration.refusals import disk_full
from kak_server.app.configuration.running import ConfigRefused
from kak_server.config.settings import Settings
from kak_server.model.errors import StartupError
from kak_server.model.light import frozen
from kak_server.runtime.clock import UtcClock
from kak_server.runtime.folder import JournalLockedError, lock_folder

TIMEOUT_S = 60.0
PASSWORD_VARIABLE = "KAK_PASSWORD"
_CSRF_HEADER = "X-Kak-Csrf"

_PATHS: Mapping[str, tuple[str, str]] = {
    "versions": ("GET", "/versions?limit={limit}"),
    "version": ("GET", "/versions/{number}"),
    "history": ("GET", "/history"),
    "objects": ("GET", "/versions/{number}/objects/{kind}"),
    "difference": ("GET", "/versions/{before}/difference/{after}"),
    "export": ("GET", "/versions/{number}/export?passwords={passwords}"),
    "drafts": ("GET", "/drafts"),
    "begin": ("POST", "/drafts"),
    "edit": ("POST", "/drafts/{draft}/edits"),
    "drop": ("DELETE", "/drafts/{draft}"),
    "validate": ("POST", "/drafts/{draft}/validate"),
    "draft-difference": ("GET", "/drafts/{draft}/difference"),
    "publish": ("POST", "/drafts/{draft}/publish"),
    "roll-back": ("POST", "/versions/{number}/rollback"),
}


class Asked(Protocol):
    """Whom the commands ask."""

    def ask(self, action: str, **args: Any) -> dict[str, Any]:
        """Raises StartupError with the refusal in words."""


@frozen
class Server:
    """A running server, and as whom to sign in. An empty password is asked for."""

    url: str
    user: str
    password: str = ""
    ca: Path | None = None


@contextmanager
def over_api(server: Server) -> Iterator[Asked]:
    """Signed in for as long as the block lasts. Raises StartupError."""
    password = server.password or os.environ.get(PASSWORD_VARIABLE) or _ask_password(server)
    context = ssl.create_default_context()
    try:
        if server.ca is not None:
            context.load_verify_locations(server.ca)
        with httpx.Client(base_url=server.url, timeout=TIMEOUT_S, verify=context, trust_env=False) as client:
            signed_in = client.post("/api/v1/session", json={"username": server.user, "password": password})
            headers = {_CSRF_HEADER: str(_answer(server, signed_in)["csrf"])}
            try:
                yield _Api(server, client, headers)
            finally:
                client.delete("/api/v1/session", headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
        raise StartupError(f"{server.url} does not answer: {problem or type(problem).__name__}") from problem


class _Api:
    def __init__(self, server: Server, client: httpx.Client, headers: Mapping[str, str]) -> None:
        self._server = server
        self._client = client
        self._headers = headers

    def ask(self, action: str, **args: Any) -> dict[str, Any]:
        method, path = _PATHS[action]
        values = {name: str(value).lower() for name, value in args.items()}
        body = {name: value for name, value in args.items() if f"{{{name}}}" not in path}
        answer = self._client.request(
            method,
            f"/api/v1/config{path.format(**values)}",
            headers=self._headers,
            json=body if method == "POST" else None,
        )
        if action == "export" and answer.is_success:
            return {"yaml": answer.text}
        return _answer(self._server, answer)


def _answer(server: Server, answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError as problem:
        raise StartupError(f"{server.url} is no kak-server: its answer is no JSON") from problem
    if answer.is_success and isinstance(told, dict):
        return told
    error = told.get("error", {}) if isinstance(told, dict) else {}
    words = {"forbidden": f"{server.user} needs the role admin", "bad-credentials": "unknown user or wrong password"}
    code = str(error.get("code", answer.status_code))
    raise StartupError(f"{server.url}: {words.get(code) or code + ': ' + str(error.get('message', ''))}")


def _ask_password(server: Server) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {server.user}: ")
    return sys.stdin.readline().rstrip("\n")


@contextmanager
def offline(machine: Settings, note: Callable[[str], None]) -> Iterator[Asked]:
    """The database itself, while no server has the data folder; a server that starts then runs what was published.
    Raises StartupError."""
    try:
        machine.journal_dir.mkdir(parents=True, exist_ok=True)
        lock = lock_folder(machine.journal_dir)
    except JournalLockedError as problem:
        raise StartupError(f"{problem}: ask it, without --offline") from problem
    library = Library(machine, UtcClock().now_ms)
    try:
        library.load_to_mend(note)
        yield _Offline(library, getpass.getuser())
    except SQLAlchemyError as problem:
        if disk_full(problem):
            raise StartupError("there is no space left on the disk of the database: nothing was changed") from problem
        raise StartupError(f"the database does not answer: {str(problem).splitlines()[0]}") from problem
    finally:
        library.close()
        os.close(lock)


class _Offline:
    def __init__(self, library: Library, user: str) -> None:
        self._library = library
        self._user = f"{user} (offline)"
        self._actions = Actions(library, lambda *_row: None)

    def ask(self, action: str, **args: Any) -> dict[str, Any]:
        whole = {"before": None, "name": None, **args}
        try:
            if not self._actions.writes(action):
                return dict(self._actions.ask(self._user, action, whole))
            self._library.running = self._actions.write(self._user, action, whole)
        except ConfigRefused as refused:
            raise StartupError("\n  ".join([f"{refused.code}: {refused.text}", *refused.problems])) from refused
        return {"number": self._library.running.number, "digest": self._library.running.catalogue.digest}
