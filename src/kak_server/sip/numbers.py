"""Telephone numbers in one form, whatever form they came in (E.164, RFC 3966).

International numbers become "+4722334455", short numbers of the country stay short ("113", "116117", "02800"). What is
neither is kept as it came: a number nobody can read is still shown to the operator.
"""

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.uri import Uri, parse_uri

Kind = Literal["e164", "short", "urn", "withheld", "other"]

MAX_CHARS = 256
E164_DIGITS_MAX = 15  # ITU-T E.164 section 6.1
_E164_DIGITS_MIN = 5
_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")  # RFC 3966 5.1.1, and what people type besides
_DIGITS = re.compile(r"[0-9]+\Z")
_WITHHELD = frozenset(("", "anonymous", "unavailable", "restricted", "unknown", "private", "withheld"))
_INTERNATIONAL = "00"
_REMEMBERED = 1_024  # those called, and those who call again
_INTERNATIONAL_DIGITS_MIN = 9  # with the 00; a shorter one is a national number that begins so


@frozen
class Numbering:
    """One country's numbering plan as far as it takes to tell its numbers apart. The defaults are Norway's."""

    country_code: str = "47"
    lengths: tuple[int, ...] = (8, 12)  # digits of a national number: subscribers and routing numbers, machines
    short_digits_max: int = 6  # 113, 1880, 02800, 116117
    trunk_prefix: str = "0"  # may stand in front of a national number and means nothing; "": there is none


@frozen
class Number:
    """A number and what it is."""

    text: str  # "+4722334455", "113", "urn:service:sos"; for "other" as it came, if printable; "" for "withheld"
    kind: Kind


def normalise(text: str, plan: Numbering, context: str = "") -> Number:
    """A number as dialled or signalled, or a tel, sip or service URI of one. Never raises.

    `context` is the phone-context of a local number (RFC 3966 5.1.5): counts where it is a global prefix ("+47").
    """
    text = text.strip()[:MAX_CHARS]
    scheme = text.partition(":")[0].lower()
    if scheme in ("tel", "sip", "sips", "urn") and ":" in text:
        try:
            return of_uri(parse_uri(text), plan)
        except ParseError:
            return _other(text)
    return _plain(text, plan, context)


def of_uri(uri: Uri, plan: Numbering) -> Number:
    """The number in a URI: a tel URI, or the user part of a sip one, with its phone-context (RFC 3261 19.1.6)."""
    if uri.scheme == "tel":
        subscriber = unquote(uri.rest, errors="replace")
    elif uri.scheme in ("sip", "sips"):
        subscriber = uri.user
    elif uri.scheme == "urn":
        return Number(str(uri).lower()[:MAX_CHARS], "urn")
    else:
        return _other(str(uri)[:MAX_CHARS])
    if ";" not in subscriber and not uri.params:
        return _plain(subscriber[:MAX_CHARS], plan, "")
    text, *params = subscriber[:MAX_CHARS].split(";")
    context = ""
    for param in params:
        name, _, value = param.partition("=")
        if name.lower() == "phone-context":
            context = value
    if not context and uri.params.get("user", "").lower() == "phone":
        context = uri.params.get("phone-context", "")  # some put it behind the host
    return _plain(text, plan, context)


def same_number(one: str, other: str, plan: Numbering) -> bool:
    """Whether two spellings reach the same subscriber; withheld numbers are nobody's."""
    first, second = normalise(one, plan), normalise(other, plan)
    return first.kind != "withheld" and first == second


def _other(text: str) -> Number:
    return Number("".join(character for character in text if character.isprintable()), "other")


@lru_cache(_REMEMBERED)
def _plain(text: str, plan: Numbering, context: str) -> Number:
    if text.lower() in _WITHHELD:
        return Number("", "withheld")
    bare = text.removeprefix("+")
    digits = text if bare.isascii() and bare.isdigit() else _SEPARATORS.sub("", text)
    if digits.startswith("+"):
        return _international(digits[1:], text, plan)
    if not _DIGITS.match(digits):
        return _other(text)  # a name, or a code with * and #
    prefix = _SEPARATORS.sub("", context)
    if prefix.startswith("+") and _DIGITS.match(prefix[1:]):
        return _international(prefix[1:] + digits, text, plan)
    if digits.startswith(_INTERNATIONAL) and len(digits) >= _INTERNATIONAL_DIGITS_MIN:
        return _international(digits[len(_INTERNATIONAL) :], text, plan)
    digits = _bare(digits, plan)
    if len(digits) in plan.lengths:
        return Number(f"+{plan.country_code}{digits}", "e164")
    if len(digits) <= plan.short_digits_max:
        return Number(digits, "short")
    if digits.startswith(plan.country_code) and len(digits) - len(plan.country_code) in plan.lengths:
        return Number(f"+{digits}", "e164")  # the country's own code without + or 00
    return _other(text)


def _bare(national: str, plan: Numbering) -> str:
    """A national number without the trunk prefix, where one stands before it."""
    rest = national.removeprefix(plan.trunk_prefix)
    return rest if len(rest) in plan.lengths else national


def _international(digits: str, text: str, plan: Numbering) -> Number:
    """Digits behind + or 00. A short number behind the country's code is that short number: +47116117."""
    if not _DIGITS.match(digits):
        return _other(text)
    code = plan.country_code
    if digits.startswith(code):
        national = digits[len(code) :]
        if 3 <= len(national) <= plan.short_digits_max:
            return Number(national, "short")
        digits = code + _bare(national, plan)  # +47 (0) 22 33 44 55
    if not _E164_DIGITS_MIN <= len(digits) <= E164_DIGITS_MAX:
        return _other(text)
    return Number(f"+{digits}", "e164")
