"""The ring of SIP messages: what is kept, what goes first, and how a call is found."""

import pytest

from kak_server.model.ids import CallId, ContactId
from kak_server.sip.parser import parse
from kak_server.sip.trace import SipTrace, TraceLimits, call_id_of, caller_of
from tests.unit.sip.tracing import PHONE, START_MS, request, response

CALL = CallId("call-1")


def bound(trace: SipTrace, number: int, at_ms: int = START_MS) -> str:
    """A call of ours with one message; its Call-ID."""
    name = f"id{number}@b"
    trace.record(at_ms, False, PHONE, request("INVITE", call_id=name, caller=f"+479150000{number}"))
    trace.bind(name, CallId(f"call-{number}"), f"+479150000{number}", at_ms)
    trace.name_contact(CallId(f"call-{number}"), ContactId(f"contact-{number}"))
    return name


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"Call-ID: a@b", b"a@b"),
        (b"call-id:a@b  ", b"a@b"),
        (b"i: a@b", b"a@b"),
        (b"I \t:\t a@b", b"a@b"),
        (b"CALL-ID : a@b", b"a@b"),
        (b"Call-ID:\r\n a@b", b"a@b"),
        (b"Call-ID: \r\n\ta@b", b"a@b"),
        (b"Call-ID: a", b"a"),
    ],
)
def test_the_call_id_is_the_one_the_parser_reads(header: bytes, found: bytes) -> None:
    data = request("OPTIONS").replace(b"Call-ID: a@b", header)
    for whole in (data, b"\r\n\r\n" + data):
        assert call_id_of(whole) == found
        assert parse(whole).call_id.encode() == found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 40,
        request("OPTIONS").replace(b"Call-ID: a@b\r\n", b"") + b"\r\nCall-ID: in-the-body@b\r\n\r\n",
        request("OPTIONS").replace(b"a@b", b""),
        request("OPTIONS").replace(b"a@b", b"x" * 513),
        request("OPTIONS").replace(b"Call-ID", b"Not-Call-ID"),
    ],
)
def test_no_call_id(data: bytes) -> None:
    assert call_id_of(data) is None
    trace = SipTrace(TraceLimits())
    trace.record(START_MS, False, PHONE, data)
    assert (len(trace), trace.size_bytes) == (0, 0)


def test_a_call_is_found_by_each_of_its_names() -> None:
    trace = SipTrace(TraceLimits())
    bound(trace, 1)
    bound(trace, 2)
    trace.record(START_MS + 9, True, PHONE, response("200 OK", "INVITE", call_id="id1@b"))
    for name in ("contact-1", "call-1", "id1@b", "+4791500001", "4791500001", "004791500001", "91500001", "last"):
        found = trace.find(name, START_MS)
        assert found is not None, name
        assert (found.contact, found.call, found.sip_call_ids) == ("contact-1", "call-1", ("id1@b",))
        assert [message.sent for message in found.messages] == [False, True]
        assert [message.at_ms - START_MS for message in found.messages] == [0, 9]
    for name in ("", "contact-9", "500001", "+4791500009", "id1"):
        assert trace.find(name, START_MS) is None, name


def test_of_two_calls_with_one_number_the_newer_is_told() -> None:
    trace = SipTrace(TraceLimits())
    for number in (1, 2):
        trace.bind(f"id{number}@b", CallId(f"call-{number}"), "+4791500001", START_MS + number)
    found = trace.find("+4791500001", START_MS)
    assert found is not None
    assert found.call == "call-2"


def test_dialogs_of_one_contact_are_told_together_in_the_order_of_time() -> None:
    trace = SipTrace(TraceLimits())
    bound(trace, 1)
    bound(trace, 2, START_MS + 5)
    trace.name_contact(CallId("call-2"), ContactId("contact-1"))
    trace.record(START_MS + 3, True, PHONE, response("180 Ringing", "INVITE", call_id="id1@b"))
    found = trace.find("id2@b", START_MS)
    assert found is not None
    assert sorted(found.sip_call_ids) == ["id1@b", "id2@b"]
    assert [message.at_ms - START_MS for message in found.messages] == [0, 3, 5]


def test_of_many_messages_the_first_and_the_newest_stay() -> None:
    trace = SipTrace(TraceLimits(messages=8))
    for number in range(30):
        trace.record(START_MS + number, False, PHONE, request("INFO", number))
    found = trace.find("a@b", START_MS)
    assert found is not None
    assert [message.at_ms - START_MS for message in found.messages] == [0, 1, 24, 25, 26, 27, 28, 29]
    assert found.left_out == 22


def test_the_call_longest_without_a_message_goes_first() -> None:
    trace = SipTrace(TraceLimits(calls=3))
    for number in (1, 2, 3):
        bound(trace, number, START_MS + number)
    trace.record(START_MS + 4, True, PHONE, response("180 Ringing", "INVITE", call_id="id1@b"))
    bound(trace, 4, START_MS + 5)
    kept = [number for number in (1, 2, 3, 4) if trace.find(f"contact-{number}", START_MS) is not None]
    assert kept == [1, 3, 4]


def test_a_flood_of_strangers_pushes_out_no_call_of_ours() -> None:
    trace = SipTrace(TraceLimits(calls=16, bytes=200_000))
    for number in range(1, 9):
        bound(trace, number)
    for number in range(5_000):
        trace.record(START_MS, False, PHONE, request("OPTIONS", call_id=f"flood{number}", body=b"x" * 500))
    assert all(trace.find(f"contact-{number}", START_MS) is not None for number in range(1, 9))
    assert trace.size_bytes <= 200_000
    assert trace.find("flood4999", START_MS) is not None


def test_a_refused_call_is_found_by_its_number_all_the_same() -> None:
    trace = SipTrace(TraceLimits())
    trace.record(START_MS, False, PHONE, request("INVITE", caller="+4799999999"))
    trace.record(START_MS, True, PHONE, response("404 Not Found", "INVITE"))
    found = trace.find("+4799999999", START_MS)
    assert found is not None
    assert (found.call, found.contact, len(found.messages)) == ("", "", 2)
    assert trace.find("last", START_MS) is None  # that means a call of ours


def test_what_is_too_old_goes_even_when_nothing_comes_after_it() -> None:
    trace = SipTrace(TraceLimits(age_ms=1_000))
    bound(trace, 1)
    trace.record(START_MS, False, PHONE, request("OPTIONS"))
    trace.prune(START_MS + 1_000)
    assert len(trace) == 2
    trace.prune(START_MS + 1_001)
    assert (len(trace), trace.size_bytes) == (0, 0)
    trace.name_contact(CallId("call-1"), ContactId("late"))  # harmless
    assert trace.find("late", START_MS) is None


def test_a_restored_call_is_traced_from_now_on() -> None:
    trace = SipTrace(TraceLimits())
    trace.bind("a@b", CALL, "+4791500001", START_MS)
    assert trace.find("call-1", START_MS) is not None
    trace.record(START_MS + 1, False, PHONE, request("BYE", 2))
    found = trace.find("+4791500001", START_MS)
    assert found is not None
    assert len(found.messages) == 1


def test_a_call_id_used_again_belongs_to_the_newer_call() -> None:
    trace = SipTrace(TraceLimits())
    trace.bind("a@b", CALL, "+4791500001", START_MS)
    trace.bind("a@b", CallId("call-2"), "+4791500002", START_MS)
    assert trace.find("call-1", START_MS) is None
    assert trace.find("call-2", START_MS) is not None
    assert len(trace) == 1


@pytest.mark.parametrize("limits", [TraceLimits(messages=0), TraceLimits(calls=0)])
def test_switched_off_it_keeps_nothing(limits: TraceLimits) -> None:
    trace = SipTrace(limits)
    bound(trace, 1)
    assert (len(trace), trace.size_bytes) == (0, 0)
    assert trace.find("last", START_MS) is None


@pytest.mark.parametrize(
    ("header", "number"),
    [
        (b'"Kari <x>" <sip:+4791500001@h>;tag=1', "+4791500001"),
        (b"<tel:+4791500001>", "+4791500001"),
        (b"sip:91500001@h", "91500001"),
        (b"<sip:h>", "h"),
        (b"nobody", ""),
    ],
)
def test_the_caller_of_a_message_nobody_parsed(header: bytes, number: str) -> None:
    assert caller_of(b"INVITE x SIP/2.0\r\nf: " + header + b"\r\n\r\n") == number


def test_what_a_forgotten_call_is_told_every_minute_pushes_out_nobody() -> None:
    trace = SipTrace(TraceLimits(calls=8))
    trace.record(START_MS, False, PHONE, request("OPTIONS", call_id="ping@b"))
    for number in range(12):
        bound(trace, number)
    for number in range(12):
        trace.record(START_MS + 60_000, True, PHONE, response("180 Ringing", "INVITE", call_id=f"id{number}@b"))
    assert trace.find("id1@b", START_MS) is None
    found = trace.find("id11@b", START_MS)
    assert found is not None
    assert len(found.messages) == 2
    assert trace.find("ping@b", START_MS) is not None
    trace.record(START_MS, True, PHONE, request("OPTIONS", call_id="ours@b"))  # a request of ours begins something
    assert trace.find("ours@b", START_MS) is not None
