"""Why a call ended, as the other side says it and as we do (RFC 3326)."""

import pytest

from kak_server.sip.parser import parse
from kak_server.sip.reason import MAX_TEXT, Reason, answered_elsewhere, cleared, reason_of


def of(*values: str) -> Reason:
    lines = "".join(f"Reason: {value}\r\n" for value in values)
    return reason_of(parse(f"SIP/2.0 486 Busy Here\r\n{lines}\r\n".encode()))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), Reason()),
        (('Q.850;cause=16;text="Terminated"',), Reason("Terminated", 16)),
        (('SIP;cause=487;text="gone", Q.850;cause=102',), Reason("gone", 102, 487)),
        (("q.850 ; cause=17", "Q.850;cause=18"), Reason("", 17)),  # the first of a kind counts
        (("Q.850;cause=1x", "Q.850;cause=9999", "preemption;cause=1"), Reason()),
        (("Q.850;cause", ';;"', "Q.850;=3", 'Q.850;text="open'), Reason()),
        (('SIP;cause=200;text="a\\"b"',), Reason('a"b', 0, 200)),
    ],
)
def test_what_is_said(values: tuple[str, ...], expected: Reason) -> None:
    assert of(*values) == expected


def test_long_and_unprintable_texts_are_cut() -> None:
    assert of(f'Q.850;cause=1;text="{"x" * 1000}"').text == "x" * MAX_TEXT
    assert of('Q.850;cause=1;text="a\u2028b"').text == "ab"


def test_what_we_say_is_read_the_same() -> None:
    name, value = cleared('so "long"', 31)
    assert (name, of(value)) == ("Reason", Reason('so "long"', 31))
    assert of(cleared()[1]) == Reason("", 16)
    assert of(answered_elsewhere()[1]) == Reason("Call completed elsewhere", 0, 200)
    assert "\n" not in cleared("a\r\nb")[1]
