"""The operator's commands about contacts without a call; hang-up and transfer are the same words as for calls."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges.asking import Args, By, RefusedError, short, text
from kak_server.bridges.brought_types import TEXT_MAX
from kak_server.bridges.calls import JOINED
from kak_server.model.ids import ContactId

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def concerns(house: "House", args: Args) -> bool:
    """Whether the command is about a contact without a call."""
    return args.get("contact") in house.brought.contacts


def mine(house: "House", by: By, args: Args) -> ContactId | None:
    """The contact without a call that the command is about, if this operator has it; None: it is about a call. Raises
    RefusedError."""
    if not concerns(house, args):
        return None
    contact = ContactId(text(args, "contact"))
    view = house.ctx.core.contact(contact)
    if view is None or view.operator != by.operator or view.state not in JOINED:
        raise RefusedError("not-yours", "this contact is not at your position")
    return contact


def no_sound(house: "House", args: Args, doing: str) -> None:
    """What needs sound needs a call. Raises RefusedError for contacts that have none."""
    if concerns(house, args):
        raise RefusedError("not-a-call", f"nobody is heard in this contact: it cannot be {doing}")


def _say(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    contact = mine(house, by, args)
    if contact is None:
        raise RefusedError("not-a-chat", "only chats have messages")
    written = args.get("text")
    if not isinstance(written, str) or not 0 < len(written) <= TEXT_MAX:
        raise RefusedError("bad-request", f"text: 1 to {TEXT_MAX} characters")
    message = house.brought_talk.from_operator(contact, by.operator, written, short(args, "key"))
    return {"number": message.number}


TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {"contact.say": _say}
