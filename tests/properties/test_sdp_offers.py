"""Whatever is offered, our answer is one that RFC 3264 allows, and both sides read the same out of it."""

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import MediaPolicy, Negotiated, agreed, negotiate, offer, parse_answer, renegotiate, reoffer
from kak_server.sip.sdp_answer import Ours, answer_to
from kak_server.sip.sdp_crypto import KEY_BYTES, SECRET_BITS, SUITES, Crypto, our_key
from kak_server.sip.sdp_outcome import Protection
from kak_server.sip.sdp_text import Direction, Media, Session, format_session, parse_session
from kak_server.sip.sdp_usual import answer_usual

DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
MAPS = ("96 opus/48000/2", "97 PCMA/8000", "98 telephone-event/8000", "99 telephone-event/48000", "100 G722/8000", "x")
PROTECTIONS: tuple[Protection, ...] = ("off", "optional", "required")
secrets = st.integers(min_value=1 << (SECRET_BITS - 8), max_value=(1 << SECRET_BITS) - 1)
policies = st.builds(
    MediaPolicy,
    st.sampled_from(PROTECTIONS),
    st.permutations(("PCMA", "PCMU", "opus")).map(tuple),
)


@st.composite
def crypto_lines(draw: st.DrawFn) -> str:
    suite = draw(st.sampled_from(SUITES))
    key = draw(st.binary(min_size=KEY_BYTES[suite], max_size=KEY_BYTES[suite]))
    tail = draw(st.sampled_from(("", "|2^31", "|2^31|1:1", " WSH=64", " KDR=3", ";inline:QUJD")))
    return f"{draw(st.integers(1, 99))} {suite} inline:{base64.b64encode(key).decode()}{tail}"


@st.composite
def sections(draw: st.DrawFn) -> Media:
    media = Media(
        draw(st.sampled_from(("audio", "audio", "audio", "video", "image"))),
        draw(st.sampled_from((0, 4000, 65_535))),
        draw(st.sampled_from(("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF", "udptl"))),
        draw(st.lists(st.sampled_from(("8", "0", "18", "96", "97", "98", "99", "100", "t38")), min_size=1)),
        ports=draw(st.integers(1, 3)),
        host=draw(st.sampled_from(("", "192.0.2.9", "0.0.0.0", "2001:db8::9", "::", "sbc.example.com"))),
    )
    media.attributes = [("rtpmap", value) for value in draw(st.lists(st.sampled_from(MAPS), unique=True))]
    media.attributes += [("crypto", value) for value in draw(st.lists(crypto_lines(), max_size=3))]
    media.attributes += [(name, "") for name in draw(st.lists(st.sampled_from((*DIRECTIONS, "rtcp-mux"))))]
    media.attributes += [("ptime", draw(st.sampled_from(("10", "20", "500", "x"))))]
    return media


sessions = st.builds(
    Session,
    origin=st.just(["x", "1", "1", "IN", "IP4", "192.0.2.1"]),
    host=st.sampled_from(("", "192.0.2.1", "0.0.0.0")),
    attributes=st.lists(st.sampled_from([(name, "") for name in DIRECTIONS]), max_size=1),
    media=st.lists(sections(), max_size=5),
    more=st.just([("t", "1 2")]),
)


def check_answer(offered: Session, result: Negotiated, policy: MediaPolicy, port: int) -> None:
    """RFC 3264 section 6."""
    answered = parse_session(result.answer_sdp)
    assert len(answered.media) == len(offered.media)
    assert answered.timing == offered.timing
    taken = [index for index, media in enumerate(answered.media) if media.port]
    assert len(taken) == 1
    for index, (theirs, ours) in enumerate(zip(offered.media, answered.media, strict=True)):
        assert (ours.kind, ours.protocol) == (theirs.kind, theirs.protocol)
        assert set(ours.formats) <= set(theirs.formats)
        assert ours.port == (port if index == taken[0] else 0)
    theirs, ours = offered.media[taken[0]], answered.media[taken[0]]
    assert theirs.kind == "audio"
    assert theirs.port
    held = offered.host_of(theirs) in ("0.0.0.0", "::")
    if not held:
        assert answered.direction_of(ours) == MIRROR[offered.direction_of(theirs)]
    else:
        assert answered.direction_of(ours) in ("recvonly", "inactive")
    assert ours.has("rtcp-mux") <= theirs.has("rtcp-mux")
    keys = ours.values("crypto")
    assert (result.srtp is not None) == (len(keys) == 1)
    assert policy.srtp != "required" or keys
    assert policy.srtp != "off" or not keys
    if keys:
        assert any(value.split()[:2] == keys[0].split()[:2] for value in theirs.values("crypto"))


@given(sessions, policies, secrets)
@settings(max_examples=300, deadline=None)
def test_an_answer_is_one_the_offer_allows(offered: Session, policy: MediaPolicy, secret: int) -> None:
    text = format_session(offered)
    assert format_session(parse_session(text)) == text
    try:
        result = negotiate(text, "198.51.100.1", 30_000, 7, policy=policy, secret=secret)
    except SdpError:
        return
    check_answer(offered, result, policy, 30_000)
    assert agreed(text, result.answer_sdp) == result
    again = renegotiate(text, result.answer_sdp)
    protection: Protection = "required" if result.srtp else "off"
    check_answer(offered, again, MediaPolicy(protection), 30_000)
    assert again.srtp == result.srtp
    assert int(parse_session(again.answer_sdp).origin[2]) == int(parse_session(result.answer_sdp).origin[2]) + 1


@st.composite
def usual_offers(draw: st.DrawFn) -> str:
    """One audio line, its address before it; now and then something in it that is not usual."""
    odd = draw(st.booleans())
    host = draw(st.sampled_from(("192.0.2.1", "10.1.2.3", *(("0.0.0.0", "1.2.3", "999.1.1.1", "::1") if odd else ()))))
    formats = draw(st.lists(st.sampled_from(("8", "0", "18", "96", "97", "98", "99", "100", "008")), min_size=1))
    attributes = [f"rtpmap:{value}" for value in draw(st.lists(st.sampled_from(MAPS), unique=True))]
    attributes += draw(st.lists(st.sampled_from((*DIRECTIONS, "rtcp-mux", "ptime:30", "maxptime:10", "fmtp:98 0-15"))))
    if odd:
        attributes += draw(st.lists(st.sampled_from(("rtcp:4711", "rtcp", "crypto:1 x", " sendonly", "ptime: 30 "))))
    port = draw(st.sampled_from(("4000", "65535", *(("0", "70000", "04000", "4000/2") if odd else ()))))
    lines = ["v=0", "o=x 1 1 IN IP4 192.0.2.1", "s= ", f"c=IN IP4 {host}", draw(st.sampled_from(("t=0 0", "t=1 2")))]
    lines += [f"m=audio {port} RTP/AVP {' '.join(formats)}", *(f"a={attribute}" for attribute in attributes)]
    if odd:
        lines += draw(
            st.lists(st.sampled_from(("", "c=IN IP4 192.0.2.7", "m=audio 0 RTP/AVP 8", "b=AS:64")), max_size=1)
        )
    return draw(st.sampled_from(("\r\n", "\r\n", "\n"))).join([*lines, ""])


@given(usual_offers(), policies, secrets, st.sampled_from(DIRECTIONS), st.sampled_from(("198.51.100.1", "2001:db8::1")))
@settings(max_examples=400, deadline=None)
def test_a_usual_offer_gets_the_same_answer_the_short_way(
    text: str, policy: MediaPolicy, secret: int, direction: Direction, host: str
) -> None:
    ours = Ours(host, 30_000, 7, 3, direction, secret)
    short = answer_usual(text, ours, policy)
    try:
        assert short is None or short == answer_to(parse_session(text), ours, policy, None)
    except SdpError:
        raise AssertionError("the short way takes what the long way refuses") from None


@given(policies, policies, secrets, secrets, st.sampled_from(DIRECTIONS))
@settings(deadline=None)
def test_two_of_us_understand_each_other(
    one: MediaPolicy, other: MediaPolicy, our_secret: int, their_secret: int, direction: Direction
) -> None:
    ours = offer("192.0.2.1", 4_000, 1, policy=one, secret=our_secret, direction=direction)
    try:
        theirs = negotiate(ours.answer_sdp, "192.0.2.2", 5_000, 2, policy=other, secret=their_secret)
    except SdpError:
        assert {one.srtp, other.srtp} == {"off", "required"}
        return
    back = parse_answer(ours.answer_sdp, theirs.answer_sdp)
    assert (back.codec, back.payload_type, back.rtcp_mux) == (theirs.codec, theirs.payload_type, theirs.rtcp_mux)
    assert (back.dtmf_payload_type, back.dtmf_clock_hz) == (theirs.dtmf_payload_type, theirs.dtmf_clock_hz)
    assert (back.srtp is None) == (theirs.srtp is None)
    assert (back.srtp is not None) == ("off" not in (one.srtp, other.srtp))
    if back.srtp is not None and theirs.srtp is not None:
        assert (back.srtp.send_key, back.srtp.receive_key) == (theirs.srtp.receive_key, theirs.srtp.send_key)
        assert back.srtp.send_key == our_key(back.srtp.suite, our_secret)
        assert back.srtp.receive_key == our_key(back.srtp.suite, their_secret)
    later = renegotiate(reoffer(ours.answer_sdp), theirs.answer_sdp)
    assert (later.codec, later.srtp) == (theirs.codec, theirs.srtp)


@given(st.text(), st.text(), st.integers(0, 400))
@settings(deadline=None)
def test_no_text_breaks_anything(junk: str, more: str, at: int) -> None:
    whole = offer("192.0.2.1", 4_000, 1, policy=MediaPolicy("required"), secret=1 << (SECRET_BITS - 1)).answer_sdp
    for text in (junk, whole[:at] + junk + whole[at:], whole[:at] + more + whole[at + len(junk) :]):
        for policy in map(MediaPolicy, PROTECTIONS):
            try:
                negotiate(text, "198.51.100.1", 30_000, 7, policy=policy, secret=1 << (SECRET_BITS - 1))
            except SdpError:
                pass
        try:
            parse_answer(whole, text)
        except SdpError:
            pass


def test_crypto_values_are_compared_whole() -> None:
    """The helper above compares tag and suite; the key that goes with them is ours and not theirs."""
    assert Crypto(1, SUITES[0], b"k" * 30).value().split()[:2] == ["1", SUITES[0]]
