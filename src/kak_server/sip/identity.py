"""Who calls (RFC 3325 for trusted trunks, else the From header; RFC 3323 for privacy)."""

from kak_server.sip.api import CallerIdentity
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import NameAddr, parse_name_addr
from kak_server.sip.numbers import Numbering, of_uri
from kak_server.sip.parser import Message, Request
from kak_server.sip.uri import number_of

_WITHHELD = frozenset(("id", "user", "header", "critical"))
_MAX_NAME = 120


def caller_identity(request: Request, *, trusted: bool, plan: Numbering = Numbering()) -> CallerIdentity:
    """The caller as the operator should see him, the number in its one form by `plan`, or as it came where it is none.
    `trusted`: the trunk's P-Asserted-Identity is believed.

    A broken P-Asserted-Identity is passed over: it never costs the call. Privacy is reported, not obeyed: an
    emergency operator sees the number all the same.
    """
    privacy = _wants_privacy(request)
    if trusted:
        asserted = asserted_identity(request)
        if asserted is not None:
            number = _clean(of_uri(asserted.uri, plan).text or number_of(asserted.uri))
            display = asserted.display or ("" if privacy else request.sender.display)
            return CallerIdentity(number, _clean(display), "p-asserted-identity", privacy)
    sender = request.sender
    number = number_of(sender.uri)
    # RFC 3323 4.1.1.3: the anonymous From says by itself that the number is withheld
    anonymous = number.lower() == "anonymous" or sender.uri.host == "anonymous.invalid"
    if anonymous or not number:
        return CallerIdentity("", _clean(sender.display), "none", privacy or anonymous)
    return CallerIdentity(_clean(of_uri(sender.uri, plan).text or number), _clean(sender.display), "from", privacy)


def asserted_identity(message: Message) -> NameAddr | None:
    """RFC 3325 9.1: one or two values; a telephone number (tel, or sip with a number) before a mere name."""
    candidates: list[NameAddr] = []
    try:
        items = message.items("p-asserted-identity")
    except ParseError:
        return None
    for item in items[:4]:
        try:
            candidate = parse_name_addr(item)
        except ParseError:
            continue
        if candidate.uri.scheme in ("sip", "sips", "tel") and number_of(candidate.uri):
            candidates.append(candidate)
    candidates.sort(key=lambda one: not number_of(one.uri).lstrip("+").isdigit())
    return candidates[0] if candidates else None


def _wants_privacy(request: Request) -> bool:
    values = {token.strip().lower() for value in request.fields.get("privacy", ()) for token in value.split(";")}
    return bool(values & _WITHHELD)


def _clean(text: str) -> str:
    if not text.isprintable():
        text = "".join(character for character in text if character.isprintable())
    return text[:_MAX_NAME]
