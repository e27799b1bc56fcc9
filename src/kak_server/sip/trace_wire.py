"""A call's trace on its way to who asked: plain data of JSON's shape, and back."""

import base64
import binascii
from typing import Any, cast

from kak_server.model.codec import Json
from kak_server.model.ids import CallId, ContactId
from kak_server.model.light import frozen
from kak_server.sip.api import Flow, SipSettings, Transport
from kak_server.sip.sdp_crypto import hide_keys
from kak_server.sip.trace import CallTrace, Traced

_CONNECTION_MAX = 2**53


@frozen
class Local:
    """An address of ours, as the peers see it."""

    listener: str
    transport: str
    host: str
    port: int


Locals = tuple[Local, ...]


def locals_of(settings: SipSettings) -> Locals:
    """All our addresses."""
    return tuple(
        Local(one.name, transport, one.host, one.tls_port if transport == "tls" else one.port)
        for one in settings.all_listeners()
        for transport in one.transports
    )


def local_of(flow: Flow, places: Locals) -> Local:
    """Our end of a flow; the first address for a listener that is no longer there."""
    nowhere = Local(flow.listener, flow.transport, "", 0)
    fallback = next(iter(places), nowhere)
    return next((p for p in places if (p.listener, p.transport) == (flow.listener, flow.transport)), fallback)


class TraceFormatError(ValueError):
    """What was answered is no trace."""


def to_wire(trace: CallTrace, places: Locals) -> dict[str, Json]:
    """The object of `GET /api/v1/calls/{call}/sip`; messages as base64, since a peer may send any bytes.
    Keys in session descriptions (RFC 4568) are starred out."""
    return {
        "contact": trace.contact or None,
        "call": trace.call or None,
        "sip_call_ids": list(trace.sip_call_ids),
        "left_out": trace.left_out,
        "messages": [
            {
                "at_ms": message.at_ms,
                "sent": message.sent,
                "transport": message.flow.transport,
                "local_host": (ours := local_of(message.flow, places)).host,
                "local_port": ours.port,
                "listener": message.flow.listener,
                "peer_host": message.flow.host,
                "peer_port": message.flow.port,
                "connection": message.flow.connection,
                "data_base64": base64.b64encode(hide_keys(message.data)).decode("ascii"),
            }
            for message in trace.messages
        ],
    }


def from_wire(value: Any) -> tuple[CallTrace, Locals]:
    """The trace out of its object, and the addresses of ours in it. Raises TraceFormatError."""
    try:
        messages = tuple(_message(row) for row in value["messages"])
        trace = CallTrace(
            messages,
            tuple(str(name) for name in value["sip_call_ids"]),
            CallId(value["call"] or ""),
            ContactId(value["contact"] or ""),
            int(value["left_out"]),
        )
        return trace, tuple(dict.fromkeys(_local(row) for row in value["messages"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise TraceFormatError(f"this is no trace: {problem!r}") from problem


def _message(row: Any) -> Traced:
    try:
        data = base64.b64decode(row["data_base64"], validate=True)
    except binascii.Error as problem:
        raise ValueError(f"bad base64: {problem}") from problem
    transport = cast("Transport", str(row["transport"]))
    connection = int(row["connection"])
    if not 0 <= connection <= _CONNECTION_MAX:
        raise ValueError("bad connection number")
    flow = Flow(transport, str(row["peer_host"]), _port(row["peer_port"]), str(row["listener"]), connection)
    return Traced(int(row["at_ms"]), bool(row["sent"]), flow, data)


def _local(row: Any) -> Local:
    return Local(str(row["listener"]), str(row["transport"]), str(row["local_host"]), _port(row["local_port"]))


def _port(value: Any) -> int:
    port = int(value)
    if not 0 <= port <= 65_535:
        raise ValueError(f"bad port {port}")
    return port
