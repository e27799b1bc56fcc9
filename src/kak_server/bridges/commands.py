"""The operator's commands: a table from name to handler. REST, WebSocket, DTMF and robots all end here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kak_server.bridges.calls import JOINED
from kak_server.bridges.line import Line
from kak_server.bridges.talkgroups import HAND, PTT, Group
from kak_server.model.ids import ContactId, Gssi, OperatorId, PositionId, QueueId
from kak_server.routing import api as routing
from kak_server.tetra_gw.api import GroupState

if TYPE_CHECKING:
    from kak_server.bridges.house import House


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class By:
    """Who commands, and from where."""

    operator: OperatorId
    position: PositionId


Args = Mapping[str, Any]


def run(house: "House", by: By, name: str, args: Args) -> Outcome:
    """Execute a command. Unknown names, wrong arguments and refusals come back as an Outcome, never as an exception."""
    handler = TABLE.get(name)
    if handler is None:
        return Outcome("unknown-command", f"no command {name!r}")
    before = len(house.ctx.refused)
    try:
        result = handler(house, by, args)
        house.ctx.settle()
    except RefusedError as refusal:
        return Outcome(refusal.code, str(refusal))
    if len(house.ctx.refused) > before:
        refused = house.ctx.refused[-1]
        return Outcome(refused.code, refused.text)
    return Outcome(result=result or {})


def _text(args: Args, key: str) -> str:
    value = args.get(key)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise RefusedError("bad-request", f"{key}: a short text is needed")
    return value


def _number(args: Args, key: str) -> int:
    value = args.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError("bad-request", f"{key}: a whole number is needed")
    return value


def _flag(args: Args, key: str) -> bool:
    value = args.get(key)
    if not isinstance(value, bool):
        raise RefusedError("bad-request", f"{key}: true or false is needed")
    return value


def _own_line(house: "House", by: By, args: Args) -> Line:
    """The line of a contact this operator is connected with."""
    contact = ContactId(_text(args, "contact"))
    view = house.ctx.core.contact(contact)
    line = house.calls.lines.get(contact)
    if line is None or view is None or view.operator != by.operator or view.state not in JOINED:
        raise RefusedError("not-yours", "this call is not at your position")
    return line


def _group(house: "House", by: By, args: Args) -> Group:
    group = house.groups.groups.get(Gssi(_number(args, "gssi")))
    if group is None or group not in house.views.visible_groups(house.views.room_of(by.position)):
        raise RefusedError("unknown-talkgroup", "no such talkgroup here")
    if not house.groups.link_up or group.attached is not GroupState.ATTACHED or group.leg is None:
        raise RefusedError("no-radio", "the radio gateway is not connected to this talkgroup")
    return group


def _activity(house: "House", by: By, args: Args) -> None:
    try:
        activity = routing.Activity(_text(args, "activity"))
    except ValueError:
        raise RefusedError("bad-request", "activity: available, break or after-call-work") from None
    reason = args.get("reason", "")
    reason = reason[:200] if isinstance(reason, str) else ""
    house.ctx.route(routing.ActivitySet(house.ctx.now_ms, by.operator, activity, reason))


def _accept(house: "House", by: By, args: Args) -> None:
    contact, epoch = ContactId(_text(args, "contact")), _number(args, "epoch")
    house.ctx.route(routing.OfferAccepted(house.ctx.now_ms, by.operator, contact, epoch))


def _reject(house: "House", by: By, args: Args) -> None:
    contact, epoch = ContactId(_text(args, "contact")), _number(args, "epoch")
    house.ctx.route(routing.OfferRejected(house.ctx.now_ms, by.operator, contact, epoch))


def _hang_up(house: "House", by: By, args: Args) -> None:
    line = _own_line(house, by, args)
    house.ctx.route(routing.HangUp(house.ctx.now_ms, by.operator, line.contact))


def _hold(house: "House", by: By, args: Args) -> None:
    line = _own_line(house, by, args)
    house.ctx.route(routing.HoldSet(house.ctx.now_ms, by.operator, line.contact, _flag(args, "on")))


def _transfer(house: "House", by: By, args: Args) -> None:
    line = _own_line(house, by, args)
    queue = QueueId(_text(args, "queue"))
    house.ctx.route(routing.TransferToQueue(house.ctx.now_ms, by.operator, line.contact, queue))


def _patch(house: "House", by: By, args: Args) -> None:
    line = _own_line(house, by, args)
    if args.get("confirmed") is not True or args.get("owner_ok") is not True:
        raise RefusedError("not-confirmed", "confirm the confidentiality and the group owner's permission")
    group = _group(house, by, args)
    if line.patch is not None and line.patch.state in ("requested", "active"):
        raise RefusedError("patch-exists", "the call is in a talkgroup already")
    house.patches.create(line, group.info.gssi, by.operator, True)
    house.redraw(line.contact)


def _unpatch(house: "House", by: By, args: Args) -> None:
    line = _own_line(house, by, args)
    house.patches.remove(line.contact, "operator")
    house.redraw(line.contact)


def _patch_talk(house: "House", by: By, args: Args) -> None:
    line = _own_line(house, by, args)
    if line.patch is None or line.patch.state != "active":
        raise RefusedError("no-patch", "the call is in no talkgroup")
    if _flag(args, "on"):
        house.patches.key_down(line, line.patch, HAND)
    else:
        house.patches.hand_up(line, line.patch)


def _wrap_up_done(house: "House", by: By, args: Args) -> None:
    house.ctx.route(routing.WrapUpDone(house.ctx.now_ms, by.operator))


def _monitor(house: "House", by: By, args: Args) -> None:
    on = _flag(args, "on")
    house.groups.monitor(_group(house, by, args), by.position, on)


def _ptt(house: "House", by: By, args: Args) -> None:
    if not _flag(args, "on"):
        group = house.groups.groups.get(Gssi(_number(args, "gssi")))
        if group is not None:
            house.groups.release(group, (PTT, str(by.position)))
        return
    group = _group(house, by, args)
    if by.position not in group.monitors:
        raise RefusedError("not-monitored", "listen to the talkgroup before you talk in it")
    seat = house.seats.seats.get(by.position)
    if seat is None or seat.media != "up":
        raise RefusedError("no-media", "your microphone is not connected")
    house.groups.press(group, (PTT, str(by.position)), by.operator, house.ctx.settings.ptt_lease_ms)


def _video_invite(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    line = _own_line(house, by, args)
    video = house.videos.invite(line)
    house.redraw(line.contact)
    return {"url": house.videos.url(video), "expires_ms": video.expires_ms}


TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {
    "activity.set": _activity,
    "contact.accept": _accept,
    "contact.reject": _reject,
    "contact.hangup": _hang_up,
    "contact.hold": _hold,
    "contact.transfer": _transfer,
    "contact.patch": _patch,
    "contact.unpatch": _unpatch,
    "patch.talk": _patch_talk,
    "wrapup.done": _wrap_up_done,
    "talkgroup.monitor": _monitor,
    "ptt": _ptt,
    "video.invite": _video_invite,
}
