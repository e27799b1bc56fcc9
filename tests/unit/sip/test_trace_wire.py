"""A trace survives the way over the API, and nothing else is taken for one."""

import json
from typing import Any

import pytest

from kak_server.sip.api import Flow, ListenerSettings, SipSettings
from kak_server.sip.trace_wire import Local, TraceFormatError, from_wire, local_of, locals_of, to_wire
from tests.unit.sip.tracing import PHONE, PLACES, call_trace, request, traced


def wire() -> Any:
    stream = Flow("tcp", "2001:db8::7", 40_001, connection=3)
    messages = (traced(0, False, request("INVITE", body=b"\x00\xff")), traced(9, True, request("BYE", 2), stream))
    return json.loads(json.dumps(to_wire(call_trace(*messages, left_out=4), PLACES)))


def test_there_and_back() -> None:
    trace, places = from_wire(wire())
    stream = Flow("tcp", "2001:db8::7", 40_001, connection=3)
    assert trace == call_trace(
        traced(0, False, request("INVITE", body=b"\x00\xff")), traced(9, True, request("BYE", 2), stream), left_out=4
    )
    assert places == PLACES


def test_no_call_of_ours_is_null() -> None:
    trace, _ = from_wire({**wire(), "call": None, "contact": None})
    assert (trace.call, trace.contact) == ("", "")


@pytest.mark.parametrize(
    "change",
    [
        {"messages": None},
        {"messages": [{}]},
        {"messages": ["x"]},
        {"left_out": "many"},
        {"sip_call_ids": 3},
    ],
)
def test_what_is_no_trace(change: dict[str, Any]) -> None:
    with pytest.raises(TraceFormatError):
        from_wire({**wire(), **change})
    nothings: tuple[Any, ...] = (None, [], "x", 3, {})
    for nothing in nothings:
        with pytest.raises(TraceFormatError):
            from_wire(nothing)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data_base64", "ÆØÅ"),
        ("data_base64", "a"),
        ("data_base64", None),
        ("peer_port", 65_536),
        ("peer_port", -1),
        ("local_port", 65_536),
        ("connection", -1),
        ("at_ms", None),
    ],
)
def test_a_message_that_is_none(key: str, value: Any) -> None:
    broken = wire()
    broken["messages"][1][key] = value
    with pytest.raises(TraceFormatError):
        from_wire(broken)


def test_our_end_of_a_flow_is_that_of_its_listener() -> None:
    settings = SipSettings(
        "198.51.100.1",
        5060,
        (),
        frozenset(),
        listeners=(
            ListenerSettings("main", "198.51.100.1", 5060),
            ListenerSettings("sbc", "sip.example", 5080, 5081, ("tls",)),
        ),
    )
    places = locals_of(settings)
    assert local_of(PHONE, places) == Local("main", "udp", "198.51.100.1", 5060)
    assert local_of(Flow("tls", "192.0.2.1", 9, "sbc", 1), places) == Local("sbc", "tls", "sip.example", 5081)
    assert local_of(Flow("tcp", "192.0.2.1", 9, "of before the restart", 1), places) == places[0]
    assert local_of(PHONE, ()) == Local("main", "udp", "", 0)
