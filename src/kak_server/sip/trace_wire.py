"""A call's trace on its way to who asked: plain data of JSON's shape, and back."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Literal, cast

from kak_server.model.codec import Json
from kak_server.model.ids import CallId, ContactId
from kak_server.sip.api import Flow
from kak_server.sip.trace import CallTrace, Traced

_CONNECTION_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Local:
    """Where we are, as the peers see it."""

    host: str
    port: int


class TraceFormatError(ValueError):
    """What was answered is no trace."""


def to_wire(trace: CallTrace, local: Local) -> dict[str, Json]:
    """The object of `GET /api/v1/calls/{call}/sip`; messages as base64, since a peer may send any bytes."""
    return {
        "contact": trace.contact or None,
        "call": trace.call or None,
        "sip_call_ids": list(trace.sip_call_ids),
        "left_out": trace.left_out,
        "local_host": local.host,
        "local_port": local.port,
        "messages": [
            {
                "at_ms": message.at_ms,
                "sent": message.sent,
                "transport": message.flow.transport,
                "peer_host": message.flow.host,
                "peer_port": message.flow.port,
                "connection": message.flow.connection,
                "data_base64": base64.b64encode(message.data).decode("ascii"),
            }
            for message in trace.messages
        ],
    }


def from_wire(value: Any) -> tuple[CallTrace, Local]:
    """The trace out of its object. Raises TraceFormatError."""
    try:
        messages = tuple(_message(row) for row in value["messages"])
        trace = CallTrace(
            messages,
            tuple(str(name) for name in value["sip_call_ids"]),
            CallId(value["call"] or ""),
            ContactId(value["contact"] or ""),
            int(value["left_out"]),
        )
        return trace, Local(str(value["local_host"]), _port(value["local_port"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise TraceFormatError(f"this is no trace: {problem!r}") from problem


def _message(row: Any) -> Traced:
    try:
        data = base64.b64decode(row["data_base64"], validate=True)
    except binascii.Error as problem:
        raise ValueError(f"bad base64: {problem}") from problem
    transport = cast("Literal['udp', 'tcp']", str(row["transport"]))
    connection = int(row["connection"])
    if not 0 <= connection <= _CONNECTION_MAX:
        raise ValueError("bad connection number")
    flow = Flow(transport, str(row["peer_host"]), _port(row["peer_port"]), connection=connection)
    return Traced(int(row["at_ms"]), bool(row["sent"]), flow, data)


def _port(value: Any) -> int:
    port = int(value)
    if not 0 <= port <= 65_535:
        raise ValueError(f"bad port {port}")
    return port
