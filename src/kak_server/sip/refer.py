"""What REFER and NOTIFY say: Refer-To, Referred-By, Event, message/sipfrag (RFC 3515, 3892, 6665)."""

import re

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_media_type, parse_name_addr, parse_params
from kak_server.sip.parser import Message
from kak_server.sip.replaces import in_uri, one_item
from kak_server.sip.uri import number_of

SIPFRAG = "message/sipfrag"
MAX_TARGET = 512  # characters
_SCHEMES = ("sip", "sips", "tel")
_NUMBER = re.compile(r"\+?[0-9*#]{1,40}\Z")
_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: [^\r\n]{0,200})?(?:\r?\n|\Z)")
_ID = re.compile(r"[0-9]{1,10}\Z")


@frozen
class ReferTo:
    """Whom we are asked to call."""

    target: str  # number, or URI without headers
    replaces: str = ""  # value of the Replaces header to send along


def refer_to(request: Message) -> ReferTo:
    """Read Refer-To. Raises ParseError: 400 when it is broken or not alone (RFC 3515 2.4.1), 416 for a scheme we cannot
    call, 603 for a method other than INVITE."""
    uri = parse_name_addr(one_item(request, "refer-to")).uri
    if uri.scheme not in _SCHEMES:
        raise ParseError(f"Refer-To with scheme {uri.scheme[:20]}", 416)
    if uri.params.get("method", "INVITE").upper() != "INVITE":
        raise ParseError("Refer-To with another method than INVITE", 603)
    bare, replaces = in_uri(str(uri))
    if len(bare) > MAX_TARGET:
        raise ParseError("Refer-To too long")
    number = number_of(uri)
    # A dialog that is to be replaced lives where the URI says: a number might lead elsewhere
    return ReferTo(number if not replaces and _NUMBER.match(number) else bare, replaces)


def referred_by(request: Message) -> str:
    """The URI of Referred-By (RFC 3892), "" where there is none or it cannot be read: nothing depends on it."""
    try:
        return str(parse_name_addr(one_item(request, "referred-by")).uri)[:MAX_TARGET]
    except ParseError:
        return ""


def wants_reports(request: Message) -> bool:
    """RFC 4488: Refer-Sub: false asks for no subscription."""
    return (request.get("refer-sub") or "true").partition(";")[0].strip().lower() != "false"


@frozen
class Notice:
    """What a NOTIFY says of a REFER of ours."""

    cseq: int | None  # the id of its Event; None: the first REFER in the dialog
    status: int | None  # of the fragment; None: there is none
    over: bool  # the subscription ends with it
    why: str = ""  # and for this reason


def notice_of(request: Message) -> Notice:
    """Read a NOTIFY. Raises ParseError: 489 for an event other than refer, 400 and 415."""
    package, semicolon, params_text = one_item(request, "event").partition(";")
    if package.strip().lower() != "refer":
        raise ParseError(f"event {package[:40]}", 489)
    number = parse_params(semicolon + params_text).get("id", "")
    if number and not _ID.match(number):
        raise ParseError("bad id in Event")
    state, semicolon, params_text = one_item(request, "subscription-state").partition(";")
    over = state.strip().lower() == "terminated"
    why = parse_params(semicolon + params_text).get("reason", "").lower()
    status = sipfrag_status(request)
    if status is None and not over:
        raise ParseError("a NOTIFY of a REFER without a fragment")
    return Notice(int(number) if number else None, status, over, why)


def sipfrag_status(request: Message) -> int | None:
    """The status line of a fragment, None for an empty body. Raises ParseError."""
    if not request.body.strip():
        return None
    media_type, _ = parse_media_type(request.get("content-type") or "text/plain")
    if media_type != SIPFRAG:
        raise ParseError(f"body of type {media_type[:60]}", 415)
    match = _STATUS_LINE.match(request.body.lstrip(b"\r\n"))
    if match is None:
        raise ParseError("a fragment without a status line")  # RFC 3515 2.4.5
    return int(match.group(1))
