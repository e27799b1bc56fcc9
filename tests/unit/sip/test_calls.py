"""The table of calls and their records."""

from dataclasses import MISSING, fields, replace

from kak_server.model.codec import Json, from_json, to_json
from kak_server.model.ids import CallId
from kak_server.sip.api import CallerIdentity, DataReference, Detail, Flow, IncomingCall, Location
from kak_server.sip.call_record import CallRecord, from_record, to_record
from kak_server.sip.calls import Awaiting, Call, CallTable
from kak_server.sip.dialog import Dialog
from tests.unit.sip.uac import PEER


def make(call_id: str = "a", cseq: int = 1) -> Call:
    dialog = Dialog(f"{call_id}@x", "ours", "theirs", "<sip:1@x>", "<sip:2@y>", "sip:2@y", ("<sip:r;lr>",), 3, 1, PEER)
    incoming = IncomingCall(CallId(call_id), "carrier", "113", CallerIdentity("+47"), "v=0")
    return Call(CallId(call_id), incoming, f"key-{call_id}", cseq, dialog)


def test_a_record_holds_all_that_differs_from_the_defaults() -> None:
    call = make()
    call.state = "accepted"
    call.awaiting = Awaiting(b"SIP\xff", 1, PEER, Flow("tcp", "h", 5060), True, True)
    value = to_record(call)
    record = from_json(CallRecord, value)
    _is_part_of(value, to_json(record))
    assert (record.incoming, record.dialog) == (call.incoming, call.dialog)
    again, _ = from_record(value)
    assert again.awaiting is not None
    assert (again.awaiting.data, again.awaiting.redial) == (b"SIP\xff", Flow("tcp", "h", 5060))
    assert (again.incoming, again.state, again.dialog.routes) == (call.incoming, "accepted", ("<sip:r;lr>",))
    assert again.dialog.local_cseq == call.cseq_reserved


def _is_part_of(some: Json, whole: Json) -> None:
    """No name and no value that the codec would not have written too."""
    if not isinstance(some, dict):
        assert some == whole
        return
    for name, item in some.items():
        _is_part_of(item, whole[name])


def test_a_record_holds_every_field_that_says_something() -> None:
    said: dict[str, Json] = {
        "locations": (Location(reference="https://example.org/a"),),
        "user_agent": "PBX",
        "sip_call_id": "a@x",
        "ipv6": True,
        "replaces": CallId("b"),
        "diverted_from": ("+4722334455",),
        "device": "phone",
        "details": (Detail("priority", "esnet.1"),),
        "references": (DataReference("provider", "https://example.org/b"),),
        "route_by_location": False,
        "emergency": True,
        "languages": ("se", "en"),
    }
    assert said.keys() == {one.name for one in fields(IncomingCall) if one.default is not MISSING}
    call = make()
    assert call.incoming is not None
    call.incoming = replace(call.incoming, **said)
    call.dialog = replace(call.dialog, flow=Flow("tls", "h", 5061, "second", 7, "x.example"), secure=True, by_flow=True)
    record = from_json(CallRecord, to_record(call))
    assert (record.incoming, record.dialog) == (call.incoming, call.dialog)


def test_the_table_finds_counts_and_forgets() -> None:
    table = CallTable()
    first, second = make("a"), make("b")
    table.add(first)
    table.add(second)
    assert (len(table), table.active) == (2, 2)
    assert table.of_invite("key-a") is first
    table.retire(first, "refused")
    table.retire(first, "over")
    assert (len(table), table.active) == (2, 1)
    assert first.view() is None
    assert second.view() is not None
    table.remove(first)
    table.remove(second)
    assert (len(table), table.active) == (0, 0)
    assert table.get("a") is None
    assert table.of_invite("key-a") is None
    assert list(table) == []


def test_a_retired_call_out_of_the_journal_does_not_count() -> None:
    table = CallTable()
    call = make()
    call.state = "over"
    table.add(call)
    assert (len(table), table.active) == (1, 0)
