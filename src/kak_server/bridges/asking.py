"""What a command is asked with and answered with: who commands, checked arguments, refusals."""

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from kak_server.bridges.calls import JOINED
from kak_server.bridges.line import Line
from kak_server.model.ids import ContactId, OperatorId, PositionId
from kak_server.model.light import frozen

if TYPE_CHECKING:
    from kak_server.bridges.house import House


@frozen
class Outcome:
    """What a command came to. `code` "" means it was done."""

    code: str = ""
    message: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


class RefusedError(Exception):
    """A command that cannot be obeyed; the code goes to the caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@frozen
class By:
    """Who commands, and from where."""

    operator: OperatorId
    position: PositionId
    roles: frozenset[str] = frozenset()


Args = Mapping[str, Any]


def text(args: Args, key: str) -> str:
    """A text argument. Raises RefusedError."""
    value = args.get(key)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise RefusedError("bad-request", f"{key}: a short text is needed")
    return value


def short(args: Args, key: str) -> str:
    """A text that may be missing or empty. Raises RefusedError."""
    value = args.get(key, "")
    if not isinstance(value, str) or len(value) > 200:
        raise RefusedError("bad-request", f"{key}: a short text is needed")
    return value


def number(args: Args, key: str) -> int:
    """A whole number. Raises RefusedError."""
    value = args.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError("bad-request", f"{key}: a whole number is needed")
    return value


def flag(args: Args, key: str) -> bool:
    """True or false. Raises RefusedError."""
    value = args.get(key)
    if not isinstance(value, bool):
        raise RefusedError("bad-request", f"{key}: true or false is needed")
    return value


def own_line(house: "House", by: By, args: Args) -> Line:
    """The line of a contact this operator is connected with. Raises RefusedError."""
    contact = ContactId(text(args, "contact"))
    view = house.ctx.core.contact(contact)
    line = house.calls.lines.get(contact)
    if line is None or view is None or view.operator != by.operator or view.state not in JOINED:
        raise RefusedError("not-yours", "this call is not at your position")
    return line
