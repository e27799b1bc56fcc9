"""Calls in the journal: all that a new process needs to go on with one, and less once it is over."""

from collections.abc import Mapping
from dataclasses import MISSING, field, fields, replace
from typing import Literal

from kak_server.model.codec import Json, dumps, from_json, loads, to_json
from kak_server.model.ids import CallId
from kak_server.model.light import frozen
from kak_server.sip.api import Flow, IncomingCall
from kak_server.sip.calls import CSEQ_RESERVE, Awaiting, Call, CallState
from kak_server.sip.dialog import Dialog
from kak_server.sip.leg import Leg
from kak_server.sip.provisional import Reliable
from kak_server.sip.session import PLAIN, Session, sparse

_VERSION = 1
_UNSAID = {one.name: to_json(one.default) for one in fields(IncomingCall) if one.default is not MISSING}
_NOWHERE = Flow("udp", "", 0)


@frozen
class AwaitingRecord:
    """`Awaiting` in the journal; `data` as latin-1 text."""

    data: str = field(repr=False)
    cseq: int
    late_offer: bool
    initial: bool
    target: Flow
    redial: Flow | None


@frozen
class CallRecord:
    """A call in the journal: all that a new process needs to go on with it."""

    version: int
    state: CallState
    incoming: IncomingCall | None
    invite_key: str
    invite_cseq: int
    dialog: Dialog
    cseq_reserved: int
    provisional: int = 100
    local_sdp: str = field(default="", repr=False)
    invite_head: str = ""  # start line and headers of the INVITE, while it may still need an answer
    invite_charset: str = "utf-8"
    invite_source: Flow | None = None
    awaiting: AwaitingRecord | None = None
    hangup_reason: str | None = None
    refusal: str = ""  # latin-1 text
    refusal_status: int = 0
    accepted_at_ms: int = 0
    session: Session = PLAIN
    leg: Leg | None = None  # of a call of ours
    reliable: Reliable | None = None


@frozen
class PastRecord:
    """A call that is over, of which only late copies of its messages may come: all it takes to know them. Before there
    was this shape such calls had a `CallRecord` too."""

    version: int
    state: Literal["over"]
    id: CallId
    call_id: str
    local_tag: str
    remote_tag: str
    invite_key: str
    invite_cseq: int
    accepted_at_ms: int


def to_record(call: Call) -> dict[str, Json]:
    """The journal value of a call, in the shape of `CallRecord` or `PastRecord`. Written some times a call, so put
    together by hand around the one large part that never changes."""
    if call.state == "over" and call.leg is None:
        return {
            "version": _VERSION,
            "state": "over",
            "id": call.id,
            "call_id": call.dialog.call_id,
            "local_tag": call.dialog.local_tag,
            "remote_tag": call.dialog.remote_tag,
            "invite_key": call.invite_key,
            "invite_cseq": call.invite_cseq,
            "accepted_at_ms": call.accepted_at_ms,
        }
    if call.incoming is not None and not call.incoming_json:
        call.incoming_json = _incoming_json(call.incoming)
    if call.dialog_json is None or call.dialog_json[0] is not call.dialog:
        call.dialog_json = call.dialog, _dialog_json(call.dialog)
    value: dict[str, Json] = {
        "version": _VERSION,
        "state": call.state,
        "incoming": call.incoming_json,
        "invite_key": call.invite_key,
        "invite_cseq": call.invite_cseq,
        "dialog": call.dialog_json[1],
        "cseq_reserved": call.cseq_reserved,
        "provisional": call.provisional,
        "local_sdp": call.local_sdp,
        "hangup_reason": call.hangup_reason,
        "accepted_at_ms": call.accepted_at_ms,
    }
    if call.session is not PLAIN and call.session != PLAIN:
        value["session"] = sparse(call.session)
    if call.reliable is not None:
        value["reliable"] = to_json(call.reliable)
    if call.leg is not None:
        value["leg"] = to_json(call.leg)
    if call.invite is not None:
        value["invite_head"] = call.invite.request.head
        value["invite_charset"] = call.invite.request.charset
        value["invite_source"] = _flow_json(call.invite.source)
    if call.refusal:
        value["refusal"] = call.refusal.decode("latin-1")
        value["refusal_status"] = call.refusal_status
    if call.awaiting is not None:
        awaiting = call.awaiting
        value["awaiting"] = {
            "data": awaiting.data.decode("latin-1"),
            "cseq": awaiting.cseq,
            "late_offer": awaiting.late_offer,
            "initial": awaiting.initial,
            "target": _flow_json(awaiting.target),
            "redial": _flow_json(awaiting.redial) if awaiting.redial is not None else None,
        }
    return value


def _incoming_json(incoming: IncomingCall) -> dict[str, Json]:
    """What differs from a call that says nothing of itself, or has no default."""
    value = loads(dumps(incoming))  # the shortest way to plain values
    return {name: said for name, said in value.items() if name not in _UNSAID or said != _UNSAID[name]}


def _dialog_json(dialog: Dialog) -> dict[str, Json]:
    value: dict[str, Json] = {
        "call_id": dialog.call_id,
        "local_tag": dialog.local_tag,
        "remote_tag": dialog.remote_tag,
        "local": dialog.local,
        "remote": dialog.remote,
        "target": dialog.target,
        "routes": list(dialog.routes),
        "local_cseq": dialog.local_cseq,
        "remote_cseq": dialog.remote_cseq,
        "flow": _flow_json(dialog.flow),
    }
    if dialog.secure:
        value["secure"] = True
    if dialog.by_flow:
        value["by_flow"] = True
    return value


def _flow_json(flow: Flow) -> dict[str, Json]:
    value: dict[str, Json] = {
        "transport": flow.transport,
        "host": flow.host,
        "port": flow.port,
        "listener": flow.listener,
    }
    if flow.connection:
        value["connection"] = flow.connection
    if flow.domain:
        value["domain"] = flow.domain
    return value


def past_call(value: Json) -> Call | None:
    """The call of a `PastRecord`; None for a record of the other shape. Raises CodecError (a ValueError)."""
    if not isinstance(value, Mapping) or "dialog" in value or value.get("state") != "over":
        return None
    past = from_json(PastRecord, value)
    if past.version != _VERSION:
        raise ValueError(f"record version {past.version}")
    dialog = Dialog(past.call_id, past.local_tag, past.remote_tag, "", "", "", (), 0, past.invite_cseq, _NOWHERE)
    return Call(
        past.id,
        None,
        past.invite_key,
        past.invite_cseq,
        dialog,
        state="over",
        accepted_at_ms=past.accepted_at_ms,
    )


def from_record(value: Json) -> tuple[Call, CallRecord]:
    """A call out of its `CallRecord`, without its transactions; connections of the old process are forgotten.

    Raises CodecError (a ValueError) when the record is not one of ours.
    """
    record = from_json(CallRecord, value)
    if record.version != _VERSION:
        raise ValueError(f"record version {record.version}")
    named = record.incoming or (record.leg.dial if record.leg is not None else None)
    if named is None:
        raise ValueError("a record of no call")
    dialog = replace(record.dialog, flow=replace(record.dialog.flow, connection=0), local_cseq=record.cseq_reserved)
    call = Call(
        id=named.call,
        incoming=record.incoming,
        invite_key=record.invite_key,
        invite_cseq=record.invite_cseq,
        dialog=dialog,
        state=record.state,
        provisional=record.provisional,
        local_sdp=record.local_sdp,
        hangup_reason=record.hangup_reason,
        refusal=record.refusal.encode("latin-1"),
        refusal_status=record.refusal_status,
        accepted_at_ms=record.accepted_at_ms,
        cseq_reserved=record.cseq_reserved + CSEQ_RESERVE,
        session=record.session,
        leg=record.leg,
        reliable=record.reliable,
    )
    if record.awaiting is not None:
        kept = record.awaiting
        call.awaiting = Awaiting(
            kept.data.encode("latin-1"),
            kept.cseq,
            replace(kept.target, connection=0),
            kept.redial,
            kept.late_offer,
            kept.initial,
        )
    return call, record
