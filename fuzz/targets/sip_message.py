"""SIP messages (RFC 3261 section 7), whole in a datagram or cut off a stream.

Invariant: only ParseError comes out, with a status a peer may hear. What parses, written out header by header, parses
to the same again. A request that passes the checks can be answered, and the answer is a message whose Via, From,
Call-ID and CSeq are the request's.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip import build
from kak_server.sip.api import Flow
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import (
    BrokenMessageError,
    Message,
    Request,
    Response,
    answerable,
    check_request,
    check_response,
    parse,
)

MAX_BYTES = 65_536
_SOURCE = Flow("udp", "192.0.2.10", 5060)
_HEAD = (
    b"OPTIONS sip:113@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:113@198.51.100.1>\r\nCall-ID: 1@b\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n"
)

GROWING: Growing = {
    "headers": repeated(b"X-Header: value\r\n", _HEAD, b"\r\n"),
    "one long value": repeated(b"x", _HEAD + b"Subject: ", b"\r\n\r\n"),
    "folds": repeated(b"\r\n ", _HEAD + b"Subject: x", b"x\r\n\r\n"),
    "spaces": repeated(b" ", _HEAD + b"Subject:", b"x\r\n\r\n"),
    "spaces beside a fold": repeated(b" ", _HEAD + b"Subject: x\r\n y", b"z\r\n\r\n"),
    "spaces and folds": repeated(b"  \r\n", _HEAD + b"Subject: x", b"\r\n\r\n"),
    "vias": repeated(b"Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n", _HEAD, b"\r\n"),
    "via list": repeated(b"SIP/2.0/UDP h,", b"OPTIONS sip:x SIP/2.0\r\nVia: ", b"\r\n" + _HEAD[39:] + b"\r\n"),
    "via spaces": repeated(b" ", b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP", b"!\r\n" + _HEAD[39:] + b"\r\n"),
    "backslashes": repeated(b"\\", _HEAD.replace(b"From: ", b'From: "'), b"\r\n\r\n"),
    "quotes": repeated(b'"x" ', _HEAD.replace(b"From: ", b"From: "), b"\r\n\r\n"),
    "parameters": repeated(b";a=b", _HEAD[:-2], b"\r\n\r\n"),
    "request uri": repeated(b"1", b"OPTIONS sip:", b"@h SIP/2.0\r\n" + _HEAD[39:] + b"\r\n"),
    "controls": repeated(b"\x07", _HEAD + b"Subject: ", b"\r\n\r\n"),
    "line ends": repeated(b"\r\n", b"", _HEAD + b"\r\n"),
    "old letters": repeated(b"\xe5", _HEAD + b"Subject: ", b"\r\n\r\n"),
    "body": repeated(b"x", _HEAD.replace(b"Content-Length: 0\r\n", b"") + b"\r\n"),
}


def _written(message: Message, start: str) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, values in message.fields.items() for value in values)]
    return "\r\n".join([*lines, "\r\n"]).encode(message.charset) + message.body


def _same(message: Request | Response, stream: bool) -> None:
    if isinstance(message, Request):
        start = f"{message.method} {message.uri_text} SIP/{message.version}"
    else:
        start = f"SIP/2.0 {message.status} {message.reason}"
    again = parse(_written(message, start), stream=stream)
    assert type(again) is type(message)
    assert again.fields == message.fields, (again.fields, message.fields)
    assert again.body == message.body
    if isinstance(message, Request) and isinstance(again, Request):
        assert (again.method, again.uri_text, again.version) == (message.method, message.uri_text, message.version)
    if isinstance(message, Response) and isinstance(again, Response):
        assert (again.status, again.reason) == (message.status, message.reason)


def _answered(request: Request) -> None:
    answer = parse(build.response(request, 200, _SOURCE, to_tag="ours"), stream=True)
    assert isinstance(answer, Response)
    for name in ("from", "call-id", "cseq"):
        # as bytes: alone, old letters may look like UTF-8
        assert answer.fields[name][0].encode(answer.charset) == request.fields[name][0].encode(request.charset)
    assert bool(answer.to.tag)
    assert len(answer.items("via")) == len(request.items("via"))


def check(data: bytes) -> None:
    """See above."""
    for stream in (False, True):
        try:
            message = parse(data, stream=stream)
        except ParseError as problem:
            assert problem.status in (400, 505)
            continue
        _same(message, stream)
        try:
            if isinstance(message, Response):
                check_response(message)
            else:
                check_request(message)
        except BrokenMessageError as problem:
            assert problem.status in (400, 501, 505)
            if problem.request is not None and answerable(problem.request):
                assert isinstance(parse(build.response(problem.request, 400, _SOURCE, to_tag="t")), Response)
        except ParseError as problem:
            assert problem.status == 400
        else:
            if isinstance(message, Request):
                _answered(message)
