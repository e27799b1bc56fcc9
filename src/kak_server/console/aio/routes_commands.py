"""The commands over HTTP: one route each, so that the OpenAPI document knows every command's arguments."""

from inspect import cleandoc
from typing import Any, cast

from fastapi import APIRouter

from kak_server.console.aio.commands import run_command
from kak_server.console.aio.deps import Changing, ShellDep
from kak_server.console.aio.errors import refused
from kak_server.console.arguments import COMMANDS, CommandBody, Incoming
from kak_server.console.requests import CommandResult

router = APIRouter(prefix="/api/v1/commands", tags=["commands"])


def _add(name: str, args: type[Incoming]) -> None:
    body_type: Any = CommandBody[args]  # type: ignore[valid-type]

    async def command(body: Any, session: Changing, shell: ShellDep) -> CommandResult:
        given = cast("CommandBody[Incoming]", body)
        result = run_command(shell, session, given.seat_epoch, given.id, name, given.args.model_dump(mode="json"))
        if not result.ok:
            raise refused(result)
        return CommandResult(result=dict(result.result))

    command.__annotations__["body"] = body_type
    router.add_api_route(
        f"/{name}", command, methods=["POST"], name=name, operation_id=f"command_{name.replace('.', '_')}",
        description=cleandoc(args.__doc__ or ""),
    )  # fmt: skip


for _name, _args in COMMANDS.items():
    _add(_name, _args)
