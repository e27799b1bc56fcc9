"""Bodies of one part and of several."""

import pytest

from kak_server.sip.bodies import Part, parts_of
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Message


def message(body: bytes, **headers: str) -> Message:
    return Message({name.replace("_", "-"): [value] for name, value in headers.items()}, body, "utf-8", "")


def test_none_and_one() -> None:
    assert parts_of(message(b"")) == []
    single = message(b"x", content_type="Application/SDP", content_id="<i@x>", content_disposition="session;handling=x")
    assert parts_of(single) == [Part("application/sdp", b"x", "i@x", "session")]


def test_several_nested_and_binary() -> None:
    body = (
        b"preamble\r\n--out \r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--out\r\n"
        b"Content-Type: multipart/related;\r\n boundary=in\r\n\r\n--in\r\n\r\nplain --in inside\r\n--in\r\n"
        b"Content-ID: <b@x>\r\nContent-Type: image/png\r\n\r\n\x00\xff\r\n--outer is text\r\n--in--\r\nlost\r\n"
        b"--out--\r\nepilogue"
    )
    assert parts_of(message(body, content_type="multipart/mixed; boundary=out")) == [
        Part("application/sdp", b"v=0\r\n"),
        Part("text/plain", b"plain --in inside"),
        Part("image/png", b"\x00\xff\r\n--outer is text", "b@x"),
    ]


def test_a_missing_last_delimiter_is_forgiven() -> None:
    body = b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0"
    assert parts_of(message(body, content_type="multipart/mixed;boundary=b")) == [Part("application/sdp", b"v=0")]
    assert parts_of(message(b"--b\r\nno end", content_type="multipart/mixed;boundary=b")) == [
        Part("text/plain", b"no end")
    ]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x", {}, 415),
        (b"x", {"content_type": "application/sdp", "content_encoding": "gzip"}, 415),
        (b"x", {"content_type": "nonsense"}, 400),
        (b"x", {"content_type": "multipart/mixed"}, 400),
        (b"x", {"content_type": f"multipart/mixed;boundary={'b' * 71}"}, 400),
        (b"x", {"content_type": "multipart/mixed;boundary=b"}, 400),
        (b"--b\r\n\r\n\r\n" * 40, {"content_type": "multipart/mixed;boundary=b"}, 400),
    ],
)
def test_bodies_we_cannot_open(body: bytes, headers: dict[str, str], status: int) -> None:
    with pytest.raises(ParseError) as caught:
        parts_of(message(body, **headers))
    assert caught.value.status == status
