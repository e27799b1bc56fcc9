"""Telephone numbers in one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.sip.numbers import Numbering, normalise, same_number

NORWAY = Numbering()


@pytest.mark.parametrize(
    ("text", "number", "kind"),
    [
        ("+4722334455", "+4722334455", "e164"),
        ("004722334455", "+4722334455", "e164"),
        ("22334455", "+4722334455", "e164"),
        ("22 33 44 55", "+4722334455", "e164"),
        ("22-33.44(55)", "+4722334455", "e164"),
        ("+47 (0) 22 33 44 55", "+4722334455", "e164"),
        ("022334455", "+4722334455", "e164"),
        ("4722334455", "+4722334455", "e164"),
        ("580012345678", "+47580012345678", "e164"),
        ("+46 8 123 45 67", "+4681234567", "e164"),
        ("0046812345678", "+46812345678", "e164"),
        ("113", "113", "short"),
        ("+47113", "113", "short"),
        ("0047116117", "116117", "short"),
        ("116 117", "116117", "short"),
        ("02800", "02800", "short"),
        ("110", "110", "short"),
        ("00113002", "+4700113002", "e164"),  # eight digits are a national number, whatever they begin with
        ("anonymous", "", "withheld"),
        ("Anonymous", "", "withheld"),
        ("", "", "withheld"),
        ("kari", "kari", "other"),
        ("*21*22334455#", "*21*22334455#", "other"),
        ("1234567", "1234567", "other"),  # seven digits are no Norwegian number
        ("+", "+", "other"),
        ("+47abc", "+47abc", "other"),
        ("+1234567890123456", "+1234567890123456", "other"),
        ("tel:+47-22-33-44-55", "+4722334455", "e164"),
        ("tel:22334455;phone-context=+47", "+4722334455", "e164"),
        ("tel:8123456;phone-context=+46", "+468123456", "e164"),
        ("tel:113;phone-context=+47", "113", "short"),
        ("tel:22334455;phone-context=example.com", "+4722334455", "e164"),
        ("sip:+4722334455@192.0.2.1;user=phone", "+4722334455", "e164"),
        ("sip:22334455;phone-context=+47@192.0.2.1;user=phone", "+4722334455", "e164"),
        ("sip:anonymous@anonymous.invalid", "", "withheld"),
        ("sips:116117@example.com", "116117", "short"),
        ("urn:service:SOS.ambulance", "urn:service:sos.ambulance", "urn"),
        ("sip:", "sip:", "other"),
    ],
)
def test_forms(text: str, number: str, kind: str) -> None:
    found = normalise(text, NORWAY)
    assert (found.text, found.kind) == (number, kind)


def test_another_country() -> None:
    plan = Numbering(country_code="46", lengths=(7, 8, 9), short_digits_max=5, trunk_prefix="0")
    assert normalise("08-123 45 67", plan).text == "+4681234567"
    assert normalise("112", plan).text == "112"
    assert normalise("+4722334455", plan).text == "+4722334455"


def test_the_same_subscriber_in_two_spellings() -> None:
    assert same_number("22334455", "tel:+47-2233-4455", NORWAY)
    assert not same_number("22334455", "22334456", NORWAY)
    assert not same_number("anonymous", "", NORWAY), "two withheld numbers are not the same caller"


@given(st.text(max_size=40))
def test_never_raises_and_is_stable(text: str) -> None:
    once = normalise(text, NORWAY)
    again = normalise(once.text, NORWAY)
    assert again == once or once.kind in ("withheld", "other")


@given(st.from_regex(r"\+?[0-9]{1,17}", fullmatch=True))
def test_digits_are_stable_and_none_are_invented(text: str) -> None:
    once = normalise(text, NORWAY)
    assert normalise(once.text, NORWAY) == once
    if once.kind == "e164":
        assert once.text[1:].isdigit()
        assert len(once.text) <= 16
        assert text.lstrip("+0").endswith(once.text.removeprefix("+47")) or text.endswith(once.text[3:])
