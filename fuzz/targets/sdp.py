"""Session descriptions as offer, as answer and as a re-offer (RFC 8866, RFC 3264); the radio gateway's little SDP.

Invariant: only SdpError comes out. An answer answers every m= line of its offer, at most one with a port; it is a
description we parse ourselves, and the same offer again is answered with the same session. What is read and written
again reads the same. A trunk that requires SRTP gets it or nothing, one without it never. No key shows in a repr or in
a message whose keys were hidden.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import MediaPolicy, Negotiated, agreed, negotiate, parse_answer, renegotiate, reoffer
from kak_server.sip.sdp_crypto import KEY_BYTES, SECRET_BITS, hide_keys, parse_crypto
from kak_server.sip.sdp_outcome import Protection
from kak_server.sip.sdp_text import format_session, parse_session
from kak_server.tetra_gw import sdp as radio

MAX_BYTES = 65_536
_HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
_AUDIO = b"m=audio 4000 RTP/AVP 8 0\r\n"
_SECURE = b"m=audio 4000 RTP/SAVP 8\r\n"
_CRYPTO = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
_SECRET = (1 << SECRET_BITS) - 12_345
_PROTECTIONS: tuple[Protection, ...] = ("off", "optional", "required")
_OURS = [
    negotiate(None, "198.51.100.1", 30_000, 1, policy=MediaPolicy(srtp), secret=_SECRET).answer_sdp
    for srtp in _PROTECTIONS
]

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
    "keys": repeated(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD|2^31|1:1\r\n", _HEAD + _SECURE),
    "long key": repeated(b"A", _HEAD + _SECURE + _CRYPTO, b"\r\n"),
    "key parts": repeated(b"|1:1", _HEAD + _SECURE + _CRYPTO + b"QUJD", b"\r\n"),
    "key parameters": repeated(b" -X", _HEAD + _SECURE + _CRYPTO + b"QUJD", b"\r\n"),
    "host": repeated(b"a", _HEAD + b"c=IN IP4 ", b"\r\n"),
}


def _media_lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.startswith("m=")]


def _check_outcome(result: Negotiated) -> None:
    assert 0 < result.peer_port < 65_536
    assert 0 <= result.payload_type < 128
    assert 10 <= result.ptime_ms <= 60
    assert 0 <= result.peer_rtcp_port < 65_536
    if result.srtp is not None:
        size = KEY_BYTES[result.srtp.suite]
        assert len(result.srtp.send_key) == len(result.srtp.receive_key) == size
        assert "key" not in repr(result)


def _offered(text: str, srtp: Protection) -> None:
    result = negotiate(text, "198.51.100.1", 30_000, 1, policy=MediaPolicy(srtp), secret=_SECRET)
    _check_outcome(result)
    assert result.srtp is not None or srtp != "required"
    assert result.srtp is None or srtp != "off"
    assert agreed(text, result.answer_sdp) == result
    answers = _media_lines(result.answer_sdp)
    assert len(answers) == len(_media_lines(text))
    assert sum(line.split()[1] != "0" for line in answers) == 1
    assert format_session(parse_session(result.answer_sdp)) == result.answer_sdp
    again = renegotiate(text, result.answer_sdp)
    assert (again.codec, again.peer_port, again.peer_direction, again.srtp) == (
        result.codec,
        result.peer_port,
        result.peer_direction,
        result.srtp,
    )
    renegotiate(text, reoffer(result.answer_sdp))


def check(data: bytes) -> None:
    """See above."""
    text = data.decode("utf-8", "replace")
    for srtp, ours in zip(_PROTECTIONS, _OURS, strict=True):
        try:
            _offered(text, srtp)
        except SdpError:
            pass
        try:
            result = parse_answer(ours, text)
            _check_outcome(result)
            assert (result.srtp is None) <= (srtp != "required")
        except SdpError:
            pass
    try:
        session = parse_session(text)
        written = format_session(session)
        again = parse_session(written)
        assert (again.origin, again.attributes, again.host) == (session.origin, session.attributes, session.host)
        assert format_session(again) == written
    except SdpError:
        pass
    crypto = parse_crypto(text)
    assert crypto is None or parse_crypto(crypto.value()) is not None
    assert len(hide_keys(data)) == len(data)
    try:
        end = radio.parse(text)
        assert radio.parse(radio.build(end)) == end
    except radio.SdpError:
        pass
