"""Whom a call was meant for before it came to us."""

import pytest

from kak_server.sip.api import IncomingCall
from kak_server.sip.history import diverted_from
from kak_server.sip.numbers import Numbering
from tests.unit.sip.test_location import invite
from tests.unit.sip.uac import Bench, Caller

PLAN = Numbering()


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ((), ()),
        (
            (
                "History-Info: <sip:+4722000001@x.example>;index=1, "
                "<sip:22000002@x.example;cause=302>;index=1.1;mp=1, <sip:113@x.example;cause=408>;index=1.1.1;mp=1.1",
            ),
            ("+4722000002", "+4722000001"),
        ),
        (
            (
                "History-Info: <sip:+4722000001@x.example?Reason=SIP%3Bcause%3D302>;index=1",
                "History-Info: <sip:113@x.example;cause=302>;index=1.1",
            ),
            ("+4722000001",),
        ),
        (("History-Info: <sip:+4722000001@x.example>;index=1, <sip:113@x>;index=1.1;rc=1",), ()),
        (("History-Info: <sip:113@x.example>;index=1;mp=1",), ()),
        (("History-Info: <sip:113@x.example>;index=1.1;mp=1",), ()),
        (("History-Info: nonsense, <broken",), ()),
        (('History-Info: "open',), ()),
        (
            ("Diversion: <tel:22000003>;reason=no-answer", "Diversion: <sip:+4722000004@x>;reason=user-busy"),
            ("+4722000003", "+4722000004"),
        ),
        (("Diversion: <sip:anonymous@anonymous.invalid>;reason=unknown",), ()),
        (("Diversion: " + ", ".join(f"<tel:2200000{number}>" for number in range(9)),), None),
    ],
)
def test_history_and_diversion(headers: tuple[str, ...], found: tuple[str, ...] | None) -> None:
    request, _ = invite(*headers)
    got = diverted_from(request, PLAN)
    if found is None:
        assert got == tuple(f"+472200000{number}" for number in range(5))
    else:
        assert got == found


def test_a_call_says_so() -> None:
    bench = Bench()
    bench.receive(Caller().invite(extra=("Diversion: <tel:+4722000003>;reason=no-answer",)))
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert incoming.diverted_from == ("+4722000003",)
