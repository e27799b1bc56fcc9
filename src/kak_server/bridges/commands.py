"""The operator's commands: a table from name to handler. REST, WebSocket, DTMF and robots all end here."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges import commands_brought, commands_callers, commands_moves, commands_out, commands_staff
from kak_server.bridges.asking import Args as Args
from kak_server.bridges.asking import By as By
from kak_server.bridges.asking import Outcome as Outcome
from kak_server.bridges.asking import RefusedError as RefusedError
from kak_server.bridges.asking import flag, number, own_line, short, text
from kak_server.bridges.talkgroups import HAND, PTT, Group
from kak_server.model.ids import ContactId, Gssi, QueueId
from kak_server.routing import api as routing
from kak_server.tetra_gw.api import GroupState

if TYPE_CHECKING:
    from kak_server.bridges.house import House


AUDITED = commands_callers.AUDITED | commands_moves.AUDITED
"""Commands that leave a line in the audit log, done or refused."""


def run(house: "House", by: By, name: str, args: Args) -> Outcome:
    """Execute a command. Unknown names, wrong arguments and refusals come back as an Outcome, never as an exception."""
    handler = TABLE.get(name)
    if handler is None:
        return Outcome("unknown-command", f"no command {name!r}")
    at_phone = name in BY_PHONE and not commands_brought.concerns(house, args)
    if at_phone and house.phone_desk.phones.serves(by.position):
        return Outcome("use-phone", "a phone is this position's sound: pick it up, or dial on it")
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


BY_PHONE = ("contact.accept", "contact.dial", "contact.callback", "contact.pull_back", *commands_moves.BY_PHONE)
"""What begins a call at the position: where a phone is its sound, only the phone can."""


def _group(house: "House", by: By, args: Args) -> Group:
    group = house.groups.groups.get(Gssi(number(args, "gssi")))
    if group is None or group not in house.views.visible_groups(house.views.room_of(by.position)):
        raise RefusedError("unknown-talkgroup", "no such talkgroup here")
    if not house.groups.link_up or group.attached is not GroupState.ATTACHED or group.leg is None:
        raise RefusedError("no-radio", "the radio gateway is not connected to this talkgroup")
    return group


def _activity(house: "House", by: By, args: Args) -> None:
    try:
        activity = routing.Activity(text(args, "activity"))
    except ValueError:
        raise RefusedError("bad-request", "activity: available, break or after-call-work") from None
    reason, note = short(args, "reason"), short(args, "note")
    house.ctx.route(routing.ActivitySet(house.ctx.now_ms, by.operator, activity, reason, note))


def _accept(house: "House", by: By, args: Args) -> None:
    contact, epoch = ContactId(text(args, "contact")), number(args, "epoch")
    house.ctx.route(routing.OfferAccepted(house.ctx.now_ms, by.operator, contact, epoch))


def _reject(house: "House", by: By, args: Args) -> None:
    contact, epoch = ContactId(text(args, "contact")), number(args, "epoch")
    house.ctx.route(routing.OfferRejected(house.ctx.now_ms, by.operator, contact, epoch))


def _hang_up(house: "House", by: By, args: Args) -> None:
    if commands_moves.quits(house, by, args):
        return
    contact = commands_brought.mine(house, by, args) or own_line(house, by, args).contact
    house.ctx.route(routing.HangUp(house.ctx.now_ms, by.operator, contact))


def _hold(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    house.ctx.route(routing.HoldSet(house.ctx.now_ms, by.operator, line.contact, flag(args, "on")))


def _transfer(house: "House", by: By, args: Args) -> None:
    contact = commands_brought.mine(house, by, args) or own_line(house, by, args).contact
    queue = QueueId(text(args, "queue"))
    house.ctx.route(routing.TransferToQueue(house.ctx.now_ms, by.operator, contact, queue))


def _patch(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    if args.get("confirmed") is not True or args.get("owner_ok") is not True:
        raise RefusedError("not-confirmed", "confirm the confidentiality and the group owner's permission")
    if line.gone:
        raise RefusedError("gone", "the caller has left the call: there is nobody to put on the air")
    group = _group(house, by, args)
    if line.patch is not None and line.patch.state in ("requested", "active"):
        raise RefusedError("patch-exists", "the call is in a talkgroup already")
    house.patches.create(line, group.info.gssi, by.operator, True)
    house.redraw(line.contact)


def _unpatch(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    house.patches.remove(line.contact, "operator")
    house.redraw(line.contact)


def _patch_talk(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    if line.patch is None or line.patch.state != "active":
        raise RefusedError("no-patch", "the call is in no talkgroup")
    if flag(args, "on"):
        house.patches.key_down(line, line.patch, HAND)
    else:
        house.patches.hand_up(line, line.patch)


def _wrap_up_done(house: "House", by: By, args: Args) -> None:
    house.ctx.route(routing.WrapUpDone(house.ctx.now_ms, by.operator))


def _monitor(house: "House", by: By, args: Args) -> None:
    on = flag(args, "on")
    house.groups.monitor(_group(house, by, args), by.position, on)


def _ptt(house: "House", by: By, args: Args) -> None:
    if not flag(args, "on"):
        group = house.groups.groups.get(Gssi(number(args, "gssi")))
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
    line = own_line(house, by, args)
    video = house.videos.invite(line)
    house.redraw(line.contact)
    return {"url": house.videos.url(video), "expires_ms": video.expires_ms}


def _position_phone(house: "House", by: By, args: Args) -> None:
    words = {"no-phone": "no phone belongs to this position", "busy": "not in a call"}
    code = house.phone_desk.phones.switch(by.position, flag(args, "on"))
    if code:
        raise RefusedError(code, words[code])


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
    "position.phone": _position_phone,
    **commands_out.TABLE,
    **commands_brought.TABLE,
    **commands_callers.TABLE,
    **commands_moves.TABLE,
    **commands_staff.TABLE,
}
