"""`kak-server sip trace`: asks the running server for a call's SIP messages and shows them.

The server has them in memory only and gives them over its API to technicians and admins, with a line in the audit log;
so one signs in here like anywhere else.
"""

import getpass
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from kak_server.model.errors import StartupError
from kak_server.model.light import frozen
from kak_server.sip.ladder import ladder
from kak_server.sip.pcap import pcap
from kak_server.sip.trace_wire import TraceFormatError, from_wire

TIMEOUT_S = 15.0
EXIT_NOTHING = 1
PASSWORD_VARIABLE = "KAK_PASSWORD"
_CSRF_HEADER = "X-Kak-Csrf"


@frozen
class Server:
    """Whom to ask, and as whom. `ca` is a PEM file to trust besides the system's; an empty password is asked for."""

    url: str
    user: str
    password: str = ""
    ca: Path | None = None


@frozen
class Show:
    """What to do with it: a capture file as well, JSON instead of the ladder."""

    pcap: Path | None = None
    as_json: bool = False


def run(server: Server, call: str, show: Show) -> int:
    """The command. 0: shown; 1: nothing is kept of such a call. Raises StartupError when nobody could be asked, and
    OSError when the file cannot be written."""
    answer = fetch(server, call)
    if answer is None:
        print(f"nothing is kept of a call {call!r}", file=sys.stderr)
        return EXIT_NOTHING
    try:
        trace, places = from_wire(answer)
    except TraceFormatError as problem:
        raise StartupError(f"{server.url}: {problem}") from problem
    if show.pcap is not None:
        write_private(show.pcap, pcap(trace.messages, places))
        print(f"{show.pcap}: {len(trace.messages)} messages; it holds patients' data", file=sys.stderr)
    sys.stdout.write(json.dumps(answer, indent=1) + "\n" if show.as_json else ladder(trace, places))
    return 0


def fetch(server: Server, call: str) -> Any:
    """The trace as the API gives it, None when there is none. Signs in, asks, signs out. Raises StartupError."""
    password = server.password or os.environ.get(PASSWORD_VARIABLE) or _ask_password(server)
    try:
        context = ssl.create_default_context()
        if server.ca is not None:
            context.load_verify_locations(server.ca)
        with httpx.Client(base_url=server.url, timeout=TIMEOUT_S, verify=context, trust_env=False) as client:
            signed_in = client.post("/api/v1/session", json={"username": server.user, "password": password})
            _check(server, signed_in)
            try:
                answer = client.get(f"/api/v1/calls/{quote(call, safe='')}/sip")
            finally:
                client.delete("/api/v1/session", headers={_CSRF_HEADER: str(signed_in.json().get("csrf", ""))})
            if answer.status_code == httpx.codes.NOT_FOUND and _code(answer) == "not-found":
                return None
            _check(server, answer)
            return answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
        raise StartupError(f"{server.url} does not answer: {problem or type(problem).__name__}") from problem
    except ValueError as problem:
        raise StartupError(f"{server.url} is no kak-server: its answer is no JSON") from problem


def write_private(path: Path, data: bytes) -> None:
    """A file that only its owner may read. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # one that was there before may have been open to others
        file.write(data)


def _ask_password(server: Server) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {server.user}: ")
    return sys.stdin.readline().rstrip("\n")


def _check(server: Server, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    words = {
        "bad-credentials": "unknown user name or wrong password",
        "forbidden": "needs the role technician or admin",
    }
    code = _code(answer)
    raise StartupError(f"{server.url}: {server.user}: {words.get(code, code or f'status {answer.status_code}')}")


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
