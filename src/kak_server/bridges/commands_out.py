"""The operator's commands about calls out, parties and transfers: a table from name to handler."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges import commands_moves
from kak_server.bridges.asking import Args, By, RefusedError, flag, own_line, text
from kak_server.bridges.line import Line, Party
from kak_server.media import rpc
from kak_server.model.ids import ContactId
from kak_server.routing.api import ContactState

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def _short(args: Args, key: str) -> str:
    """A text that may be left out."""
    value = args.get(key, "")
    return value[:200] if isinstance(value, str) else ""


def _talking(house: "House", by: By, args: Args) -> Line:
    """The line of a call of this operator that is up: somebody is there to be joined with others."""
    line = own_line(house, by, args)
    view = house.ctx.core.contact(line.contact)
    if view is None or view.state is ContactState.CONNECTING:
        raise RefusedError("not-connected", "the call is not connected yet")
    return line


def _party(house: "House", by: By, args: Args) -> tuple[Line, Party]:
    line = own_line(house, by, args)
    party = line.party(text(args, "party"))
    if party is None or not party.live:
        raise RefusedError("unknown-party", "that party is not in the call")
    return line, party


def _dial(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    return {"contact": house.outgoing.dial(by, text(args, "number"), _short(args, "display"))}


def _call_back(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    return {"contact": house.outgoing.call_back(by, ContactId(text(args, "contact")))}


def _add(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    line = _talking(house, by, args)
    private = args.get("private") is True
    party = house.parties.add(line, text(args, "number"), private=private, label=_short(args, "label"))
    house.redraw(line.contact)
    return {"party": party.id}


def _private(house: "House", by: By, args: Args) -> None:
    line, party = _party(house, by, args)
    house.parties.set_private(line, party, flag(args, "on"))
    house.redraw(line.contact)


def _drop(house: "House", by: By, args: Args) -> None:
    line, party = _party(house, by, args)
    house.transfers.tell_failure(party, "refused")
    house.parties.drop(line, party, "dropped")
    house.redraw(line.contact)


def _conference(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    """Each service is dialled, whatever became of the one before it."""
    contact = _talking(house, by, args).contact
    wanted = args.get("services")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(name, str) for name in wanted):
        raise RefusedError("bad-request", "services: a list of names is needed")
    labels = {service.service: service for service in house.ctx.settings.services}
    results = []
    for name in wanted[:8]:
        result = {"service": name, "party": None, "code": "", "message": ""}
        try:
            if name not in labels:
                raise RefusedError("unknown-service", f"no service {name}")
            service = labels[name]
            number = house.ctx.settings.outbound.trunks_for(service.number).number
            if any(party.live and party.number == number for party in house.calls.lines[contact].parties):
                raise RefusedError("in-call", f"{service.label} is in the call, or is being called")
            result["party"] = house.parties.add(house.calls.lines[contact], service.number, label=service.label).id
        except RefusedError as refusal:
            result |= {"code": refusal.code, "message": str(refusal)}
        results.append(result)
    house.redraw(contact)
    return {"parties": results}


def _leave(house: "House", by: By, args: Args) -> None:
    if not commands_moves.quits(house, by, args):
        house.transfers.leave(by, _talking(house, by, args))


def _transfer_out(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    party = house.transfers.pass_on(by, own_line(house, by, args), text(args, "number"))
    return {"party": party.id if party is not None else None}


def _refer(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    line = own_line(house, by, args)
    party = house.transfers.refer(by, line, text(args, "number"))
    house.redraw(line.contact)
    return {"party": party.id if party is not None else None}


def _pull_back(house: "House", by: By, args: Args) -> None:
    house.transfers.pull_back(by, ContactId(text(args, "contact")))


def _dtmf(house: "House", by: By, args: Args) -> None:
    """Digits towards one end: a telephone menu, a door."""
    line = own_line(house, by, args)
    leg = line.leg
    there = not line.gone and (line.answered or line.progress == "early")
    if args.get("party") is not None:
        _, party = _party(house, by, args)
        leg, there = party.leg, party.talks or party.state == "early"
    if not there:
        raise RefusedError("not-connected", "nobody is there to hear digits")
    if leg.dtmf_payload_type is None:
        raise RefusedError("no-dtmf", "the other end takes no digits")
    if not house.ctx.worker_attached:
        raise RefusedError("media-unavailable", "the media service does not answer")
    house.ctx.media(rpc.SendDtmf(leg.leg, house.ctx.ids.new("dtmf"), text(args, "digits")))


TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {
    "contact.dial": _dial,
    "contact.callback": _call_back,
    "party.add": _add,
    "party.private": _private,
    "party.drop": _drop,
    "contact.conference": _conference,
    "contact.leave": _leave,
    "contact.transfer_out": _transfer_out,
    "contact.refer": _refer,
    "contact.pull_back": _pull_back,
    "contact.dtmf": _dtmf,
}
