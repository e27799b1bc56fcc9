"""No bytes a peer can send raise anything but the parser's own error, or leave state behind in the core."""

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kak_server.sip.api import Flow, IncomingCall, Send
from kak_server.sip.errors import ParseError, SdpError
from kak_server.sip.framing import StreamFramer
from kak_server.sip.headers import parse_name_addr, parse_via
from kak_server.sip.location import read_pidf
from kak_server.sip.parser import Request, check_request, parse
from kak_server.sip.sdp import negotiate, renegotiate
from kak_server.sip.uri import number_of, parse_uri
from tests.unit.sip.uac import ANSWER, OFFER, PEER, Bench, Caller

SEEDS = [
    Caller().invite().encode(),
    Caller().request("OPTIONS").encode(),
    Caller(to_tag="x").request("BYE").encode(),
    Caller().invite(extra=('P-Asserted-Identity: "A" <sip:1@x>', "Geolocation: <cid:a>", "Require: x")).encode(),
    Caller().invite(body="--b\r\n\r\nx\r\n--b--", content_type="multipart/mixed;boundary=b").encode(),
    b"SIP/2.0 200 OK\r\n" + Caller().request("BYE").encode().partition(b"\r\n")[2],
]
SPLINTERS = [
    b"\r\n",
    b" ",
    b"\t",
    b"<",
    b">",
    b'"',
    b";",
    b",",
    b":",
    b"@",
    b"=",
    b"\\",
    b"\x00",
    b"\xff",
    b"%",
    b"9" * 20,
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A message of ours, cut, doubled and bitten."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["insert", "delete", "replace", "double"]))
        length = draw(st.integers(1, 30))
        if kind == "insert":
            data[position:position] = draw(st.sampled_from(SPLINTERS) | st.binary(max_size=8))
        elif kind == "delete":
            del data[position : position + length]
        elif kind == "replace":
            data[position : position + 1] = draw(st.binary(min_size=1, max_size=1))
        else:
            data[position:position] = data[position : position + length]
    return bytes(data)


anything = st.binary(max_size=300) | spoilt()


@settings(max_examples=300, deadline=None)
@given(anything, st.booleans())
@example(b"", False)
@example(b"\r\n\r\n", True)
def test_the_parser_raises_only_its_own_error(data: bytes, stream: bool) -> None:
    try:
        message = parse(data, stream=stream)
        if isinstance(message, Request):
            check_request(message)
            assert message.via.host
            assert message.cseq.number < 2**31
    except ParseError as problem:
        status = problem.status
    else:
        status = 400
    assert status in (400, 501, 505)


@settings(max_examples=300, deadline=None)
@given(anything, st.booleans())
def test_the_core_survives_and_ends_empty(data: bytes, stream: bool) -> None:
    bench = Bench()
    flow = Flow("tcp", PEER.host, 40_000, connection=1) if stream else PEER
    bench.receive(data, flow)
    assert len([event for event in bench.events if isinstance(event, IncomingCall)]) <= 1
    for call in bench.core.calls():
        bench.core.answer(call, ANSWER, bench.now_ms)
    bench.drain().advance(3_600_000)
    bench.core.stream_closed(flow, bench.now_ms)
    assert not any(bench.core.census().values())
    assert bench.records == {}


@settings(max_examples=200, deadline=None)
@given(st.lists(anything, max_size=5), st.integers(1, 400))
def test_the_framer_gives_the_same_frames_however_the_bytes_are_cut(messages: list[bytes], size: int) -> None:
    stream = b"".join(messages)
    whole, cut = StreamFramer(2_000), StreamFramer(2_000)
    expected = [frame for frame in whole.feed(stream) if frame.kind == "message"]
    pieces = itertools.chain.from_iterable(
        cut.feed(stream[start : start + size]) for start in range(0, len(stream), size)
    )
    assert [frame for frame in pieces if frame.kind == "message"] == expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_fields_raise_only_their_own_error(text: str) -> None:
    for read in (parse_uri, parse_name_addr, parse_via):
        try:
            read(text)
        except ParseError:
            continue
    try:
        assert isinstance(number_of(parse_uri(text)), str)
    except ParseError:
        assert text is not None


lines = st.sampled_from(
    [
        *OFFER.split("\r\n"),
        "m=video 1 RTP/AVP 9",
        "m=audio 0 RTP/AVP 8",
        "a=sendonly",
        "c=IN IP4 0.0.0.0",
        "a=rtpmap:8 X/1",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(lines | st.text(max_size=30), max_size=15))
def test_an_answer_answers_every_m_line(offered: list[str]) -> None:
    text = "\r\n".join(["v=0", *offered]) + "\r\n"
    try:
        result = negotiate(text, "198.51.100.1", 30_000, 1)
    except SdpError:
        return
    count = sum(line.startswith("m=") for line in result.answer_sdp.split("\r\n"))
    assert count == sum(line.startswith("m=") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    again = renegotiate(text, result.answer_sdp)  # what we answer we can go on with
    assert (again.codec, again.peer_port) == (result.codec, result.peer_port)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"<presence>{text}</presence>".encode()))
def test_a_location_never_raises(data: bytes) -> None:
    assert all(location.problem for location in read_pidf(data))


def test_every_message_of_ours_is_one_of_ours() -> None:
    """What the core sends, its own parser reads."""
    bench = Bench()
    bench.core.datagram(SEEDS[0], PEER, bench.now_ms)
    for output in bench.core.drain():
        if isinstance(output, Send):
            assert parse(output.data, stream=True)
