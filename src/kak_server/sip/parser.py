"""Bytes to a SIP message: split once, headers parsed when somebody asks for them (RFC 3261 section 7).

`parse` finds the start line and the header lines and checks the framing; `check_request` then touches what every
request must have (8.1.1). Both raise ParseError and nothing else. When a broken request still has the headers an
answer is made of, the error brings it along so that the sender hears 400 instead of silence.
"""

import re
from functools import lru_cache

from kak_server.sip.errors import ParseError
from kak_server.sip.headers import (
    CSeq,
    NameAddr,
    Via,
    parse_cseq,
    parse_name_addr,
    parse_via,
    parse_via_leniently,
    split_list,
)
from kak_server.sip.lazily import lazily
from kak_server.sip.uri import Uri, parse_uri

# 7.3.3 and the registry of compact forms
_COMPACT = {
    "i": "call-id",
    "m": "contact",
    "e": "content-encoding",
    "l": "content-length",
    "c": "content-type",
    "f": "from",
    "s": "subject",
    "k": "supported",
    "t": "to",
    "v": "via",
    "a": "accept-contact",
    "b": "referred-by",
    "d": "request-disposition",
    "j": "reject-contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "u": "allow-events",
    "x": "session-expires",
    "y": "identity",
}
# Methods of the IANA registry
METHODS = frozenset(
    ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REGISTER", "SUBSCRIBE", "NOTIFY")
) | {"PUBLISH", "MESSAGE", "REFER"}
_COPIED = ("via", "from", "to", "call-id", "cseq")  # what a response copies from its request (8.2.6.2)
_SINGLE = frozenset(
    ("from", "to", "call-id", "cseq", "content-length", "content-type", "max-forwards", "max-breadth", "expires")
)
# The usual spellings, found without looking at each letter; any other goes the long way
_USUAL_NAMES = {
    **{"-".join(word.capitalize() for word in name.split("-")): name for name in _COMPACT.values()},
    **{name: _COMPACT[name] for name in "imelcfstvx"},
    **{"Call-ID": "call-id", "CSeq": "cseq", "Max-Forwards": "max-forwards", "Allow": "allow"},
    **{"User-Agent": "user-agent", "Route": "route", "Record-Route": "record-route", "Accept": "accept"},
}
_REQUEST_LINE = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) ([^ \t]+) SIP/([0-9]{1,3})\.([0-9]{1,3})\Z")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?\Z", re.DOTALL)
_REMEMBERED, _REMEMBERED_CHARS = 1_024, 200  # request lines
_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+\Z")
_FOLD = re.compile(r"(?<![ \t])[ \t]*(?:\r\n[ \t]+)+")  # looks at a run of spaces once, and not from each of them again
# 25.1: a control character stands only behind a backslash in a quoted string; bare CR or LF nowhere (after unfolding)
_CONTROL = re.compile(r"(?<!\\)[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
_CALL_ID = re.compile(r"[\x21-\x7e]{1,512}\Z")


_FORGOTTEN: dict[str, list[str]] = {}


class Message:
    """What requests and responses share. `fields` maps lower-case names to values as they came, in order."""

    def __init__(self, fields: dict[str, list[str]], body: bytes, charset: str, head: str) -> None:
        self.fields = fields
        self.body = body
        self.charset = charset  # the header block's: utf-8, or latin-1 from an old exchange
        self.head = head  # start line and headers as text, for the journal

    def get(self, name: str) -> str | None:
        """The first value of a header (name in lower case), or None."""
        values = self.fields.get(name)
        return values[0] if values else None

    def items(self, name: str) -> list[str]:
        """All values of a comma-separated header."""
        values = self.fields.get(name)
        return split_list(values) if values else []

    def forget(self) -> None:
        """Let the text go, which is most of the memory; what a transaction may still be asked for stays."""
        kept = self.__dict__
        kept["cseq"], kept["to"] = self.cseq, self.to
        for name in ("via", "sender", "uri"):
            kept.pop(name, None)
        self.fields, self.body, self.head = _FORGOTTEN, b"", ""

    @lazily
    def via(self) -> Via:
        """The topmost Via. Raises ParseError."""
        return _top_via(self.fields.get("via", []))

    @lazily
    def sender(self) -> NameAddr:
        """The From header. Raises ParseError."""
        return parse_name_addr(self._required("from"))

    @lazily
    def to(self) -> NameAddr:
        """The To header. Raises ParseError."""
        return parse_name_addr(self._required("to"))

    @lazily
    def call_id(self) -> str:
        """The Call-ID. Raises ParseError."""
        value = self._required("call-id")
        if not _CALL_ID.match(value):
            raise ParseError("bad Call-ID")
        return value

    @lazily
    def cseq(self) -> CSeq:
        """The CSeq. Raises ParseError."""
        return parse_cseq(self._required("cseq"))

    def _required(self, name: str) -> str:
        values = self.fields.get(name)
        if not values or not values[0]:
            raise ParseError(f"no {name}")
        return values[0]


class Request(Message):
    """A request. `version` is "2.0" for anything we can serve."""

    def __init__(
        self,
        method: str,
        uri_text: str,
        version: str,
        fields: dict[str, list[str]],
        body: bytes,
        charset: str,
        head: str,
    ) -> None:
        self.fields = fields  # as Message, without the call
        self.body = body
        self.charset = charset
        self.head = head
        self.method = method
        self.uri_text = uri_text
        self.version = version
        self.transaction_key = ""  # kept here by whoever works it out: it is asked for several times

    @lazily
    def uri(self) -> Uri:
        """The Request-URI. Raises ParseError."""
        return parse_uri(self.uri_text)


class Response(Message):
    """A response."""

    def __init__(
        self, status: int, reason: str, fields: dict[str, list[str]], body: bytes, charset: str, head: str
    ) -> None:
        super().__init__(fields, body, charset, head)
        self.status = status
        self.reason = reason


class BrokenMessageError(ParseError):
    """A ParseError that brings along the request it was found in, as far as that could be read."""

    def __init__(self, problem: str, request: Request | None, status: int = 400) -> None:
        super().__init__(problem, status)
        self.request = request


def parse(data: bytes, *, max_headers: int = 256, stream: bool = False) -> Request | Response:
    """One whole datagram, or one message off a stream. Raises BrokenMessageError (a ParseError).

    18.3: in a datagram a missing Content-Length means "to the end", a smaller one discards the rest, a larger one is
    an error; on a stream it is required and the framer has cut by it already.
    """
    head, separator, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not separator:
        raise BrokenMessageError("no end of the header block", None)
    try:
        text, charset = head.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, charset = head.decode("latin-1"), "latin-1"
    return parse_text(text, body, charset, max_headers=max_headers, stream=stream)


def parse_text(
    text: str,
    body: bytes,
    charset: str = "utf-8",
    *,
    max_headers: int = 256,
    stream: bool = False,
    headers_only: bool = False,
) -> Request | Response:
    """As `parse`, from a header block that is text already; `headers_only`: the body was not kept (a journalled
    INVITE), so its length is not checked."""
    unfolded = _FOLD.sub(" ", text) if "\r\n " in text or "\r\n\t" in text else text
    start, *lines = every = unfolded.split("\r\n")
    # Where all is printable there is no need to look letter by letter; tabs and exotic letters are looked at
    control = None if all(map(str.isprintable, every)) else _CONTROL.search(text)
    fields, problem = _read_fields(lines, max_headers)
    message = _start(start, fields, body, charset, text)
    request = message if isinstance(message, Request) else None
    if control is not None:
        problem = f"control character {control.group()!r} in the header block"
    if problem:
        raise BrokenMessageError(problem, request)
    if headers_only:
        return message
    length = _content_length(message, request)
    if length is None:
        if stream:
            raise BrokenMessageError("no Content-Length on a stream", request)  # 18.3
    elif length > len(body):
        raise BrokenMessageError(f"Content-Length {length} is more than the {len(body)} bytes that came", request)
    else:
        message.body = body[:length]
    return message


def _start(line: str, fields: dict[str, list[str]], body: bytes, charset: str, text: str) -> Request | Response:
    request_line = _request_line(line) if len(line) <= _REMEMBERED_CHARS else _parse_request_line(line)
    if request_line is not None:
        method, uri_text, version = request_line
        return Request(method, uri_text, version, fields, body, charset, text)
    status_line = _STATUS_LINE.match(line)
    if status_line is not None:
        return Response(int(status_line.group(1)), status_line.group(2) or "", fields, body, charset, text)
    words = line.split()
    if len(words) >= 3 and words[-1].upper().startswith("SIP/") and _NAME.match(words[0]):
        # Recognisably a request (spaces inside or around the URI, "<sip:...>"): worth a 400
        broken = Request(words[0], "sip:invalid.invalid", "2.0", fields, body, charset, text)
        raise BrokenMessageError("bad request line", broken)
    raise BrokenMessageError("bad start line", None)


def _parse_request_line(line: str) -> tuple[str, str, str] | None:
    match = _REQUEST_LINE.match(line)
    if match is None:
        return None
    method, uri_text, major, minor = match.groups()
    return method, uri_text, f"{int(major)}.{int(minor)}"


_request_line = lru_cache(_REMEMBERED)(_parse_request_line)  # a few numbers get most calls


def _read_fields(lines: list[str], max_headers: int) -> tuple[dict[str, list[str]], str]:
    fields: dict[str, list[str]] = {}
    problem = ""
    if len(lines) > max_headers:
        problem = f"more than {max_headers} header lines"
        lines = lines[:max_headers]
    for line in lines:
        spelled, colon, value = line.partition(":")
        if colon and spelled in _USUAL_NAMES:
            name = _USUAL_NAMES[spelled]
        else:
            name = spelled.rstrip(" \t").lower()
            if not colon or not _NAME.match(name):
                problem = problem or f"bad header line: {line[:80]!r}"
                continue
            name = _COMPACT.get(name, name)
        if name not in fields:
            fields[name] = [value.strip(" \t")]
        elif name in _SINGLE:
            problem = problem or f"{name} given twice"  # 7.3.1
        else:
            fields[name].append(value.strip(" \t"))
    return fields, problem


def _top_via(values: list[str]) -> Via:
    if len(values) == 1 and values[0] and "," not in values[0] and '"' not in values[0]:
        return parse_via(values[0])
    items = split_list(values)
    if not items:
        raise ParseError("no Via")
    return parse_via(items[0])


def _content_length(message: Message, request: Request | None) -> int | None:
    values = message.fields.get("content-length")
    if values is None:
        return None
    value = values[0]
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise BrokenMessageError(f"bad Content-Length: {value[:40]!r}", request)
    return int(value)


def check_request(request: Request) -> None:
    """Read what every request must carry (8.1.1), which is kept. Raises BrokenMessageError with the request in it."""
    kept, fields = request.__dict__, request.fields  # kept as by `lazily`, whose way here would be the longer part
    try:
        if request.version != "2.0":
            # 21.5.6; first, since nothing else of another version can be judged (RFC 4475 3.1.2.16)
            raise ParseError("version not supported", 505)
        kept["via"] = _top_via(fields.get("via", []))
        kept["sender"] = parse_name_addr(fields["from"][0])
        kept["to"] = parse_name_addr(fields["to"][0])
        call_id = fields["call-id"][0]
        if not _CALL_ID.match(call_id):
            raise ParseError("bad Call-ID")
        kept["call_id"] = call_id
        cseq = kept["cseq"] = parse_cseq(fields["cseq"][0])
        if cseq.method != request.method:
            # 8.1.1.5; RFC 4475 3.1.2.18: for a method nobody knows 501 ages better
            raise ParseError("the CSeq method is not the request's", 400 if request.method in METHODS else 501)
        kept["uri"] = parse_uri(request.uri_text)
        if "max-forwards" in fields:
            hops = fields["max-forwards"][0]
            if not (hops.isascii() and hops.isdigit() and len(hops) <= 10 and int(hops) <= 255):
                raise ParseError("bad Max-Forwards")  # 20.22
    except KeyError as missing:
        raise BrokenMessageError(f"no {missing.args[0]}", request) from None
    except ParseError as problem:
        raise BrokenMessageError(problem.problem, request, problem.status) from None


def check_response(response: Response) -> None:
    """Touch what matching a response needs. Raises ParseError."""
    response.via  # noqa: B018
    if len(response.items("via")) != 1:
        raise ParseError("a response for somebody else: more than one Via")  # 8.1.3.3, RFC 4475 3.3.10
    response.cseq  # noqa: B018


def answerable(request: Request | None) -> bool:
    """Whether a broken request can be answered: its Via says to whom, and what is copied from it (8.2.6.2) carries no
    control characters. RFC 4475 3.3.1: From, To, Call-ID or CSeq may be missing, the sender hears 400 all the same.

    A Via of another version or with broken parameters is read leniently, and kept so for the answer.
    """
    if request is None or request.method == "ACK" or not request.get("via"):
        return False
    try:
        request.via  # noqa: B018
    except ParseError:
        try:
            request.__dict__["via"] = parse_via_leniently(request.fields["via"][0])  # in place of what `via` would give
        except ParseError:
            return False
    return not any(_CONTROL.search(value) for name in _COPIED for value in request.fields.get(name, ()))
