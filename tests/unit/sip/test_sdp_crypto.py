"""a=crypto lines, keys, and what SRTP does to offer and answer."""

import base64

import pytest

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import MediaPolicy, Negotiated, agreed, negotiate, offer, parse_answer, renegotiate, reoffer
from kak_server.sip.sdp_crypto import KEY_BYTES, SECRET_BITS, SUITES, hide_keys, our_key, parse_crypto

SECRET = int.from_bytes(bytes(range(1, SECRET_BITS // 8 + 1)), "big")
HEAD = "v=0\r\no=x 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
THEIR_KEY = bytes(range(100, 130))
OTHER_KEY = bytes(range(60, 90))
GCM_KEY = bytes(range(200, 228))
OFF, OPTIONAL, REQUIRED = MediaPolicy("off"), MediaPolicy("optional"), MediaPolicy("required")


def inline(key: bytes) -> str:
    return "inline:" + base64.b64encode(key).decode()


AES = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}"
GCM = f"a=crypto:2 AEAD_AES_128_GCM {inline(GCM_KEY)}"
SHORT = f"a=crypto:3 AES_CM_128_HMAC_SHA1_32 {inline(THEIR_KEY)}"
SAVP, AVP = "m=audio 4000 RTP/SAVP 8", "m=audio 4000 RTP/AVP 8"


def text(*lines: str) -> str:
    return HEAD + "".join(f"{line}\r\n" for line in lines)


def answer(*lines: str, policy: MediaPolicy = OPTIONAL) -> Negotiated:
    return negotiate(text(*lines), "198.51.100.1", 30_000, 7, policy=policy, secret=SECRET)


@pytest.mark.parametrize(
    ("value", "suite", "mki", "mki_bytes", "lifetime"),
    [
        (f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}", SUITES[0], 0, 0, 1 << 48),
        (f"7 AES_CM_128_HMAC_SHA1_32 {inline(THEIR_KEY)}|2^20|1:4", SUITES[2], 1, 4, 1 << 20),
        (f"7 AEAD_AES_128_GCM {inline(GCM_KEY)}|1000", SUITES[1], 0, 0, 1000),
        (f"7 AEAD_AES_128_GCM {inline(GCM_KEY)}|9:1", SUITES[1], 9, 1, 1 << 48),
        (f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)} WSH=128 -SOMETHING", SUITES[0], 0, 0, 1 << 48),
    ],
)
def test_lines_we_can_use(value: str, suite: str, mki: int, mki_bytes: int, lifetime: int) -> None:
    crypto = parse_crypto(value)
    assert crypto is not None
    assert (crypto.suite, crypto.mki, crypto.mki_bytes, crypto.lifetime) == (suite, mki, mki_bytes, lifetime)
    assert crypto.key == (GCM_KEY if "GCM" in suite else THEIR_KEY)
    again = parse_crypto(crypto.value())
    assert again is not None
    assert (again.tag, again.suite, again.key) == (crypto.tag, crypto.suite, crypto.key)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1 AES_CM_128_HMAC_SHA1_80",
        f"x AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}",
        f"1 AES_256_CM_HMAC_SHA1_80 {inline(THEIR_KEY)}",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY[:20])}",
        f"1 AEAD_AES_128_GCM {inline(THEIR_KEY)}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:*** ",
        "1 AES_CM_128_HMAC_SHA1_80 inline:ÆØÅ",
        f"1 AES_CM_128_HMAC_SHA1_80 uri:{base64.b64encode(THEIR_KEY).decode()}",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)};{inline(OTHER_KEY)}",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|2^49",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|0",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|256:1",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|1:0",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|1:200",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|x",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)}|1|2|3",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)} KDR=1",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 {inline(THEIR_KEY)} UNAUTHENTICATED_SRTP",
    ],
)
def test_lines_that_are_passed_over(value: str) -> None:
    assert parse_crypto(value) is None


def test_our_keys_share_nothing() -> None:
    keys = [our_key(suite, SECRET) for suite in SUITES]
    assert [len(key) for key in keys] == list(KEY_BYTES.values())
    assert b"".join(keys) == SECRET.to_bytes(SECRET_BITS // 8, "big")
    with pytest.raises(ValueError, match="secret"):
        our_key(SUITES[0], 0)


def test_keys_show_nowhere() -> None:
    result = answer(SAVP, AES)
    assert result.srtp is not None
    for shown in (repr(result), repr(result.srtp), repr(parse_crypto(AES.removeprefix("a=crypto:")))):
        assert "inline" not in shown
        assert "key" not in shown
    message = b"INVITE sip:x SIP/2.0\r\n\r\n" + text(SAVP, AES, GCM.replace("inline", "INLINE")).encode()
    hidden = hide_keys(message)
    assert len(hidden) == len(message)
    assert base64.b64encode(THEIR_KEY) not in hidden
    assert base64.b64encode(GCM_KEY) not in hidden
    assert hide_keys(b"BYE sip:x SIP/2.0\r\n\r\n") == b"BYE sip:x SIP/2.0\r\n\r\n"


def test_an_answer_has_the_tag_and_suite_it_accepts_and_a_key_of_ours() -> None:
    result = answer(SAVP, GCM, AES, policy=REQUIRED)
    assert result.srtp is not None
    assert (result.srtp.suite, result.srtp.receive_key) == ("AES_CM_128_HMAC_SHA1_80", THEIR_KEY)
    assert result.srtp.send_key == our_key("AES_CM_128_HMAC_SHA1_80", SECRET)
    assert "m=audio 30000 RTP/SAVP 8\r\n" in result.answer_sdp
    assert f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {inline(result.srtp.send_key)}\r\n" in result.answer_sdp
    assert result.answer_sdp.count("a=crypto") == 1
    only_gcm = answer(SAVP.replace("SAVP", "SAVPF"), GCM + "|1:4")
    assert only_gcm.srtp is not None
    assert (only_gcm.srtp.suite, only_gcm.srtp.receive_mki_bytes) == ("AEAD_AES_128_GCM", 4)
    assert "m=audio 30000 RTP/SAVPF 8\r\n" in only_gcm.answer_sdp
    assert answer(SAVP, SHORT).srtp is not None


@pytest.mark.parametrize(
    ("lines", "off", "optional", "required"),
    [
        ((AVP,), "AVP", "AVP", ""),
        ((SAVP, AES), "", "SAVP", "SAVP"),
        ((SAVP,), "", "", ""),
        ((SAVP, "a=crypto:1 F8_128_HMAC_SHA1_80 inline:QUJD"), "", "", ""),
        ((AVP, AES), "AVP", "AVP+key", "AVP+key"),  # RFC 8643
        ((AVP, SAVP, AES), "AVP", "SAVP", "SAVP"),
        ((SAVP, AES, AVP), "AVP", "SAVP", "SAVP"),
        (("m=audio 4000 UDP/TLS/RTP/SAVPF 8", AES), "", "", ""),
    ],
)
def test_a_trunks_policy(lines: tuple[str, ...], off: str, optional: str, required: str) -> None:
    for policy, wanted in ((OFF, off), (OPTIONAL, optional), (REQUIRED, required)):
        if not wanted:
            with pytest.raises(SdpError):
                answer(*lines, policy=policy)
            continue
        result = answer(*lines, policy=policy)
        assert f"m=audio 30000 RTP/{wanted.removesuffix('+key')} 8" in result.answer_sdp
        assert (result.srtp is not None) == (wanted in ("SAVP", "AVP+key"))
        assert result.answer_sdp.count("m=audio") == sum(line.startswith("m=") for line in lines)


def test_offers_of_ours() -> None:
    required = offer("198.51.100.1", 30_000, 7, policy=REQUIRED, secret=SECRET).answer_sdp
    assert "m=audio 30000 RTP/SAVP 8 0 111 101 110\r\n" in required
    assert required.count("a=crypto:") == 2
    optional = offer("198.51.100.1", 30_000, 7, policy=OPTIONAL, secret=SECRET).answer_sdp
    assert "m=audio 30000 RTP/AVP 8 0 111 101 110\r\n" in optional
    assert optional.count("a=crypto:") == 2
    plain = offer("198.51.100.1", 30_000, 7).answer_sdp
    assert "a=crypto" not in plain
    with pytest.raises(ValueError, match="secret"):
        offer("198.51.100.1", 30_000, 7, policy=REQUIRED)

    result = parse_answer(required, text(SAVP, GCM))
    assert result.srtp is not None
    assert (result.srtp.suite, result.srtp.receive_key) == ("AEAD_AES_128_GCM", GCM_KEY)
    assert result.srtp.send_key == our_key("AEAD_AES_128_GCM", SECRET)
    assert parse_answer(optional, text(AVP)).srtp is None
    assert parse_answer(optional, text(AVP, AES)).srtp is not None
    for refused in (text(AVP), text(SAVP), text(SAVP, SHORT), text(SAVP, AES.replace("crypto:1", "crypto:2"))):
        with pytest.raises(SdpError):
            parse_answer(required, refused)


def test_a_new_key_of_the_peer_in_the_dialog() -> None:
    first = answer(SAVP, AES)
    assert first.srtp is not None
    again = renegotiate(text(SAVP, AES.replace(inline(THEIR_KEY), inline(OTHER_KEY))), first.answer_sdp)
    assert again.srtp is not None
    assert (again.srtp.receive_key, again.srtp.send_key) == (OTHER_KEY, first.srtp.send_key)
    assert "o=- 7 2 IN" in again.answer_sdp
    assert agreed(text(SAVP, AES), first.answer_sdp) == first
    ours_again = reoffer(again.answer_sdp, "sendonly")
    assert inline(first.srtp.send_key) in ours_again
    assert ours_again.endswith("a=sendonly\r\n")


def test_protection_stays_what_it_is_in_a_dialog() -> None:
    secured, plain = answer(SAVP, AES).answer_sdp, answer(AVP).answer_sdp
    for local, offered in ((secured, text(AVP)), (plain, text(SAVP, AES))):
        with pytest.raises(SdpError):
            renegotiate(offered, local)
    result = renegotiate(text(SAVP, GCM), secured, secret=SECRET)  # another suite needs another key of ours
    assert result.srtp is not None
    assert result.srtp.send_key == our_key("AEAD_AES_128_GCM", SECRET)
    without = renegotiate(text(SAVP, GCM), secured)
    assert without.srtp is not None
    assert without.srtp.send_key not in (result.srtp.send_key, our_key("AES_CM_128_HMAC_SHA1_80", SECRET)[:28])
    assert without.srtp == renegotiate(text(SAVP, GCM), secured).srtp
    both = renegotiate(text(AVP, SAVP, AES), plain)
    assert both.srtp is None
    assert both.answer_sdp.count("m=audio 30000 RTP/AVP") == 1


def test_the_suite_in_use_is_kept() -> None:
    first = answer(SAVP, GCM)
    result = renegotiate(text(SAVP, AES, GCM), first.answer_sdp)
    assert result.srtp == first.srtp
