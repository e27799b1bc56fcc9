"""Messages of ours, as bytes (RFC 3261 sections 8.1.1, 8.2.6, 12.2.1.1)."""

from collections.abc import Callable, Iterable

from kak_server.sip.api import Flow, SipSettings
from kak_server.sip.headers import split_outside
from kak_server.sip.parser import Request
from kak_server.sip.uri import bracketed

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"
ACCEPT = "application/sdp, multipart/mixed, application/pidf+xml"
SUPPORTED = "100rel, timer, replaces, norefersub"  # RFC 3262, 4028, 3891, 4488
COOKIE = "z9hG4bK"  # 8.1.1.7: marks a branch that is unique across space and time

PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "Version Not Supported",
    600: "Busy Everywhere",
    603: "Decline",
}
_CLASSES = {4: "Client Failure", 5: "Server Failure", 6: "Global Failure"}

Headers = Iterable[tuple[str, str]]
NewId = Callable[[str], str]


def response(
    request: Request,
    status: int,
    source: Flow,
    *,
    to_tag: str = "",
    headers: Headers = (),
    body: bytes = b"",
    reason: str = "",
    server: str = "",
) -> bytes:
    """A response to `request`, which came from `source` (8.2.6.2: Via, From, To, Call-ID, CSeq copied).

    A To tag is added where the request had none (never to a 100). Record-Route is copied where a dialog may come of
    it (12.1.1). Raises ParseError when the request's Via or To cannot be read.
    """
    fields = request.fields
    head = f"SIP/2.0 {status} {_phrase(status, reason) if reason or status not in PHRASES else PHRASES[status]}\r\n"
    for value in _vias(request, source):
        head += f"Via: {value}\r\n"
    if "record-route" in fields and 100 < status < 300 and request.method == "INVITE":
        for value in fields["record-route"]:
            head += f"Record-Route: {value}\r\n"
    tag = f";tag={to_tag}" if to_tag and status != 100 and not _has_tag(request) else ""
    try:
        (sender,), (to,), (call_id,), (cseq,) = fields["from"], fields["to"], fields["call-id"], fields["cseq"]
        whole = bool(sender and to and call_id and cseq)
    except (KeyError, ValueError):
        whole = False
    if whole:
        head += f"From: {sender}\r\nTo: {to}{tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n"
    else:
        head += _copied(request, tag)
    if status == 100 and (stamp := request.get("timestamp")):
        head += f"Timestamp: {stamp}\r\n"  # 8.2.6.1
    for name, value in headers:
        head += f"{name}: {value}\r\n"
    if server:
        head += f"Server: {server}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode(request.charset, "replace") + body


def _copied(request: Request, tag: str) -> str:
    """From, To, Call-ID and CSeq of a broken request, which may lack one."""
    to = request.get("to")
    copied = (
        ("From", request.get("from")),
        ("To", f"{to}{tag}" if to else ""),
        ("Call-ID", request.get("call-id")),
        ("CSeq", request.get("cseq")),
    )
    return "".join(f"{name}: {value}\r\n" for name, value in copied if value)


def request(start_uri: str, method: str, headers: Headers, body: bytes = b"") -> bytes:
    """A request of ours; `headers` in order, Content-Length added."""
    lines = [f"{method} {start_uri} SIP/2.0"]
    lines += [f"{name}: {value}" for name, value in headers]
    return _finish(lines, body, "utf-8")


def via(settings: SipSettings, transport: str, branch: str, listener: str = "main") -> str:
    """Our Via for a request over `transport`; rport asks the peer to answer where we sent from (RFC 3581)."""
    return f"SIP/2.0/{transport.upper()} {our_hostport(settings, transport, listener)};branch={branch};rport"


def contact(settings: SipSettings, transport: str, listener: str = "main", *, secure: bool = False) -> str:
    """Our Contact: where requests inside the dialog reach us; `secure` where it must be a sips URI (12.1.1)."""
    hostport = our_hostport(settings, transport, listener)
    if secure:
        return f"<sips:{hostport}>"
    # transport=tls was deprecated in favour of sips (26.2.2), which demands TLS of every hop: only few peers mean that
    suffix = "" if transport == "udp" else f";transport={transport}"
    return f"<sip:{hostport}{suffix}>"


def our_hostport(settings: SipSettings, transport: str = "udp", listener: str = "main") -> str:
    """host:port of a listener as peers see it."""
    ours = settings.listener(listener)
    return f"{bracketed(ours.host)}:{ours.tls_port if transport == 'tls' else ours.port}"


def _finish(lines: list[str], body: bytes, charset: str) -> bytes:
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode(charset, "replace") + body


def _phrase(status: int, reason: str) -> str:
    if not reason:
        return PHRASES.get(status) or _CLASSES.get(status // 100, "Unknown")
    text = reason
    return "".join(character if character.isprintable() else " " for character in text)


def _has_tag(message: Request) -> bool:
    try:
        return bool(message.to.tag)
    except ValueError:
        return True  # an unreadable To goes back as it came


def _vias(message: Request, source: Flow) -> list[str]:
    """The Via stack; the top one told where it really came from (18.2.1; RFC 3581 section 4)."""
    values = message.fields.get("via", [])
    if len(values) != 1 or not values[0].strip(" \t,"):
        values = [value for value in values if value.strip(" \t,")]
    if not values:
        return []
    top, rest = values[0], []
    if "," in top or '"' in top:
        top, *rest = (item for item in split_outside(top, ",") if item.strip())
    parsed = message.via
    params = parsed.params
    if "rport" not in params and parsed.host == source.host and not rest:
        return values
    if "rport" in params and not params["rport"]:
        top = _replace_param(top, "rport", str(source.port))
        top = f"{_without(top, 'received')};received={source.host}"
    elif parsed.host != source.host:
        top = f"{_without(top, 'received')};received={source.host}"
    return [",".join([top, *rest]), *values[1:]]


def _replace_param(text: str, name: str, value: str) -> str:
    head, *params = split_outside(text, ";")
    changed = [f"{name}={value}" if piece.partition("=")[0].strip().lower() == name else piece for piece in params]
    return ";".join([head, *changed])


def _without(text: str, name: str) -> str:
    if f"{name}=" not in text.lower():
        return text
    head, *params = split_outside(text, ";")
    return ";".join([head, *(piece for piece in params if piece.partition("=")[0].strip().lower() != name)])
