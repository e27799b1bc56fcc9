"""A call out of its journal record, back at work in a new process."""

from collections.abc import Mapping
from dataclasses import replace

from kak_server.model.codec import Json
from kak_server.sip.answering import Answering
from kak_server.sip.call_record import CallRecord, from_record, past_call
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.ending import Ending
from kak_server.sip.inbound import Inbound
from kak_server.sip.parser import Request, check_request, parse_text
from kak_server.sip.server_invite import ServerInvite
from kak_server.sip.transactions import ServerEntry, Transactions


def restore_call(
    value: Mapping[str, Json], table: CallTable, ending: Ending, answering: Answering, inbound: Inbound
) -> Call:
    """Take one call up again; the INVITEs of one of ours are left to `OutgoingCalls.resume`. Raises ValueError when its
    record cannot be used; nothing is changed then."""
    past = past_call(value)
    if past is not None:
        _new(past, table)
        table.add(past)
        ending.linger(past)
        return past
    call, record = from_record(value)
    _new(call, table)
    if call.leg is None and call.state in ("pending", "accepted", "refused"):
        call.invite = _invite_entry(call, record, ending.transactions)
    table.add(call)
    if call.state == "pending" and call.leg is None:
        inbound.resume(call)
    elif call.state == "refused":
        ending.repeat_refusal(call)
    elif call.state == "over":
        ending.linger(call)
    elif call.state == "ending":
        ending.repeat_bye(call)
    else:
        if call.invite is not None and isinstance(call.invite.machine, ServerInvite):
            ending.transactions.resume(call.invite, call.invite.machine._replace(state="accepted"))
        answering.resume(call)
    if call.state not in ("refused", "over"):
        ending.keep(call)  # the new reserve of CSeq numbers
    return call


def _new(call: Call, table: CallTable) -> None:
    if table.get(call.id) is not None:
        raise ValueError("two records for one call")


def _invite_entry(call: Call, record: CallRecord, transactions: Transactions) -> ServerEntry:
    if not record.invite_head or record.invite_source is None:
        raise ValueError("a call without its INVITE")
    request = parse_text(record.invite_head, b"", record.invite_charset, headers_only=True)
    if not isinstance(request, Request):
        raise ValueError("the INVITE is not a request")
    check_request(request)
    source = replace(record.invite_source, connection=0)
    trunk = call.trunk
    entry = transactions.serve(request, source, owner=call.id, to_tag=call.dialog.local_tag, trunk=trunk)
    entry.begun_at_ms = 0
    return entry
