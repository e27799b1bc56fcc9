"""What peers say inside dialogs: Replaces (RFC 3891), Refer-To and Referred-By (RFC 3515, 3892), message/sipfrag,
Event and Subscription-State (RFC 6665), Session-Expires and Min-SE (RFC 4028).

Invariant: only ParseError comes out. A Replaces written out, and one escaped in a URI, is read the same; a target that
is read can be asked for again; the session timer that comes of any header is one that can be kept.
"""

from collections.abc import Callable

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request
from kak_server.sip.refer import SIPFRAG, notice_of, refer_to, referred_by, sipfrag_status
from kak_server.sip.replaces import escaped, in_uri, parse_replaces
from kak_server.sip.session import Session
from kak_server.sip.session_timer import LEAST_S, MOST_S, answered, answering, asking, due_ms, wish_of

MAX_BYTES = 65_536
_NOW_MS = 1_000_000
STATUSES = (400, 415, 416, 489, 603)

GROWING: Growing = {
    "call-id": repeated(b"a", b"", b";to-tag=1;from-tag=2"),
    "parameters": repeated(b";a", b"x;to-tag=1;from-tag=2"),
    "different parameters": lambda size: b"x;to-tag=1;from-tag=2" + b"".join(b";p%d=1" % n for n in range(size // 7)),
    "early": repeated(b";early-only", b"x;to-tag=1;from-tag=2"),
    "headers in a uri": repeated(b"&a=b", b"<sip:x@h?a=b", b">"),
    "escapes in a uri": repeated(b"%3B", b"<sip:x@h?Replaces=", b">"),
    "users": repeated(b"1", b"<sip:", b"@h>"),
    "commas": repeated(b",", b"<sip:x@h>"),
    "digits": repeated(b"1", b"", b";refresher=uac"),
    "reason": repeated(b"O", b"SIP/2.0 200 "),
    "line breaks": repeated(b"\r\n", b"", b"SIP/2.0 200 OK"),
}


def _request(text: str, *, body: bytes = b"") -> Request:
    """A request in which every header we read has the same value."""
    names = ("refer-to", "referred-by", "replaces", "session-expires", "min-se", "event")
    fields = {name: [text] for name in names}
    fields |= {"content-type": [SIPFRAG], "subscription-state": [text], "supported": ["timer"]}
    return Request("NOTIFY", "sip:x@h", "2.0", fields, body, "utf-8", "")


def _replaces(text: str) -> None:
    value = parse_replaces(text)
    assert value.to_tag
    assert value.from_tag
    again = parse_replaces(str(value))
    assert again == value
    assert in_uri(f"sip:x@h?Replaces={escaped(str(value))}") == ("sip:x@h", str(value))


def _refer_to(text: str) -> None:
    wanted = refer_to(_request(text))
    assert 0 < len(wanted.target) <= 512
    assert "?" not in wanted.target or wanted.target.startswith(("sip:", "sips:", "tel:"))
    if wanted.replaces:
        assert str(parse_replaces(wanted.replaces)) == wanted.replaces
    if ":" in wanted.target:
        assert refer_to(_request(f"<{wanted.target}>")).target in (wanted.target, wanted.target.partition(":")[2])


def _referred_by(text: str) -> None:
    assert len(referred_by(_request(text))) <= 512


def _notice(text: str) -> None:
    notice = notice_of(_request(text, body=b"SIP/2.0 200 OK"))
    assert notice.status == 200


def _event(text: str) -> None:
    request = _request(text, body=b"SIP/2.0 180 Ringing\r\n")
    request.fields["subscription-state"] = ["active"]
    notice = notice_of(request)
    assert not notice.over
    assert notice.cseq is None or notice.cseq >= 0


def _session_timer(text: str) -> None:
    wish = wish_of(_request(text))
    for session in (Session(), Session(interval_s=600, refresher="us")):
        served, headers = answering(wish, session, _NOW_MS)
        heard = answered(wish, session, _NOW_MS)
        for after in (served, heard):
            assert after.interval_s == 0 or LEAST_S <= after.interval_s <= max(MOST_S, wish.min_s)
            assert after.interval_s == 0 or due_ms(after) > after.refreshed_at_ms
            for _, value in (*headers, *asking(after, after.interval_s)):
                assert value.isascii()
                assert value.isprintable()


READERS: tuple[Callable[[str], object], ...] = (
    _replaces,
    _refer_to,
    _referred_by,
    _notice,
    _event,
    _session_timer,
    in_uri,
)


def check(data: bytes) -> None:
    """See above."""
    text = data.decode("utf-8", "replace")
    for read in READERS:
        try:
            read(text)
        except ParseError as problem:
            assert problem.status in STATUSES
    try:
        status = sipfrag_status(_request("", body=data))
    except ParseError as problem:
        assert problem.status in STATUSES
    else:
        assert status is None or 100 <= status <= 699
