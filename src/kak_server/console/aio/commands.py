"""Running commands, from the WebSocket and from HTTP alike: checked, once per id, never with a stale seat."""

from collections.abc import Mapping

import structlog
from pydantic import ValidationError

from kak_server.console.aio.errors import describe_validation
from kak_server.console.aio.shell import Shell
from kak_server.console.arguments import COMMANDS
from kak_server.console.memo import IdReusedError
from kak_server.console.ports import Caller, Result
from kak_server.console.sessions import Session
from kak_server.model.codec import Json

log = structlog.get_logger(__name__)


def run_command(
    shell: Shell, session: Session, seat_epoch: int, command_id: str | None, name: str, args: Mapping[str, Json]
) -> Result:
    """Check a command and have the house execute it. A repeated id gets the first answer.

    Never raises: faults of the house are logged and answered with `internal`.
    """
    kind = COMMANDS.get(name)
    if kind is None:
        return Result(False, code="unknown-command", message="No such command.")
    try:
        checked = kind.model_validate(args).model_dump(mode="json")
    except ValidationError as problem:
        return Result(False, code="bad-request", message=describe_validation(problem.errors(include_input=False)))
    if command_id is None:
        return _execute(shell, session, seat_epoch, name, checked)
    memo = shell.memo_of(session.session)
    try:
        first = memo.recall(command_id, name, checked)
    except IdReusedError:
        return Result(False, code="id-reused", message="This id was given to a different command before.")
    if first is None:
        first = _execute(shell, session, seat_epoch, name, checked)
        memo.remember(command_id, name, checked, first)
    return first


def _execute(shell: Shell, session: Session, seat_epoch: int, name: str, args: Mapping[str, Json]) -> Result:
    caller: Caller | None = shell.seated_caller(session, seat_epoch)
    if caller is None:
        return Result(False, code="not-your-seat", message="This tab does not hold the seat.")
    try:
        return shell.backend.execute(caller, name, args, shell.now_ms())
    except Exception:
        log.exception("a command failed", command=name)
        return Result(False, code="internal", message="Something went wrong here. It has been logged.")
