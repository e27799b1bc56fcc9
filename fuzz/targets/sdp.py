"""Session descriptions as offer, as answer and as a re-offer (RFC 8866, RFC 3264); the radio gateway's little SDP.

Invariant: only SdpError comes out. An answer answers every m= line of its offer, at most one with a port; it is a
description we parse ourselves, and the same offer again is answered with the same session.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import Negotiated, negotiate, parse_answer, renegotiate, reoffer
from kak_server.sip.sdp_text import parse_session
from kak_server.tetra_gw import sdp as radio

MAX_BYTES = 65_536
_HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
_AUDIO = b"m=audio 4000 RTP/AVP 8 0\r\n"
_OURS = negotiate(None, "198.51.100.1", 30_000, 1).answer_sdp

GROWING: Growing = {
    "attributes": repeated(b"a=x\r\n", _HEAD + _AUDIO),
    "maps": repeated(b"a=rtpmap:97 X/8000\r\n", _HEAD + _AUDIO),
    "formats": repeated(b" 8", _HEAD + b"m=audio 4000 RTP/AVP", b"\r\n"),
    "media": repeated(_AUDIO, _HEAD),
    "empty lines": repeated(b"\n", _HEAD),
    "long line": repeated(b"x", _HEAD + b"a=", b"\r\n"),
    "spaces": repeated(b" ", _HEAD + b"m=audio 4000 RTP/AVP", b"\r\n"),
    "map spaces": repeated(b" ", _HEAD + _AUDIO + b"a=rtpmap:97 ", b"X\r\n"),
    "map digits": repeated(b"1", _HEAD + _AUDIO + b"a=rtpmap:97 X/8000/", b"x\r\n"),
    "host": repeated(b"a", _HEAD + b"c=IN IP4 ", b"\r\n"),
}


def _media_lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.startswith("m=")]


def _check_outcome(result: Negotiated) -> None:
    assert 0 < result.peer_port < 65_536
    assert 0 <= result.payload_type < 128
    assert 10 <= result.ptime_ms <= 60


def _offered(text: str) -> None:
    result = negotiate(text, "198.51.100.1", 30_000, 1)
    _check_outcome(result)
    answers = _media_lines(result.answer_sdp)
    assert len(answers) == len(_media_lines(text))
    assert sum(line.split()[1] != "0" for line in answers) == 1
    parse_session(result.answer_sdp)
    again = renegotiate(text, result.answer_sdp)
    assert (again.codec, again.peer_port, again.peer_direction) == (
        result.codec,
        result.peer_port,
        result.peer_direction,
    )
    renegotiate(text, reoffer(result.answer_sdp))


def check(data: bytes) -> None:
    """See above."""
    text = data.decode("utf-8", "replace")
    try:
        _offered(text)
    except SdpError:
        pass
    try:
        _check_outcome(parse_answer(_OURS, text))
    except SdpError:
        pass
    try:
        end = radio.parse(text)
        assert radio.parse(radio.build(end)) == end
    except radio.SdpError:
        pass
