"""Who calls."""

import pytest

from kak_server.sip.api import CallerIdentity
from kak_server.sip.identity import caller_identity
from kak_server.sip.parser import Request, parse
from tests.unit.sip.uac import Caller

FROM = '"Kari Nordmann" <sip:+4722000001@192.0.2.10>'


def invite(*headers: str, sender: str = FROM) -> Request:
    text = Caller().invite(extra=headers).replace(FROM, sender)
    request = parse(text.encode())
    assert isinstance(request, Request)
    return request


def test_asserted_from_a_trusted_trunk_only() -> None:
    request = invite("P-Asserted-Identity: <sip:+4799000000@carrier.example>")
    assert caller_identity(request, trusted=True) == CallerIdentity(
        "+4799000000", "Kari Nordmann", "p-asserted-identity"
    )
    assert caller_identity(request, trusted=False) == CallerIdentity("+4722000001", "Kari Nordmann", "from")


def test_the_number_of_two_asserted() -> None:
    request = invite('P-Asserted-Identity: "Desk" <sip:desk@c.example>', "P-Asserted-Identity: <tel:+47-99-00-00-00>")
    assert caller_identity(request, trusted=True).number == "+4799000000"


def test_privacy_does_not_hide_the_number_from_the_operator() -> None:
    request = invite(
        "P-Asserted-Identity: <tel:+4799000000>",
        "Privacy: id;critical",
        sender='"Anonymous" <sip:anonymous@anonymous.invalid>',
    )
    assert caller_identity(request, trusted=True) == CallerIdentity("+4799000000", "", "p-asserted-identity", True)
    assert caller_identity(request, trusted=False) == CallerIdentity("", "Anonymous", "none", True)


@pytest.mark.parametrize("broken", ['"open <tel:+4799>', "<>", "<http://x/>", "<sip:host.only>", ""])
def test_a_broken_asserted_identity_is_passed_over(broken: str) -> None:
    request = invite(f"P-Asserted-Identity: {broken}")
    assert caller_identity(request, trusted=True) == CallerIdentity("+4722000001", "Kari Nordmann", "from")


def test_names_are_cleaned() -> None:
    request = invite(sender='"a\\\x07b' + "x" * 500 + '" <sip:kari@x>')
    identity = caller_identity(request, trusted=True)
    assert identity.display_name == "ab" + "x" * 118
    assert identity.number == "kari"
