"""Offer and answer."""

import pytest

from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import MediaPolicy, agreed, negotiate, parse_answer, renegotiate, reoffer
from kak_server.sip.sdp import offer as make_offer
from kak_server.sip.sdp_text import Direction, format_session, parse_session

HEAD = "v=0\r\no=x 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"


def offer(*lines: str, head: str = HEAD) -> str:
    return head + "".join(f"{line}\r\n" for line in lines)


def test_pcma_before_pcmu_and_the_offered_payload_types() -> None:
    result = negotiate(
        offer(
            "m=audio 4000 RTP/AVP 0 18 97 8 96",
            "a=rtpmap:96 telephone-event/8000",
            "a=rtpmap:97 telephone-event/48000",
            "a=ptime:30",
        ),
        "198.51.100.1",
        30000,
        7,
    )
    assert (result.codec, result.payload_type, result.dtmf_payload_type) == ("PCMA", 8, 96)
    assert (result.peer_host, result.peer_port, result.ptime_ms) == ("192.0.2.10", 4000, 30)
    assert result.answer_sdp == (
        "v=0\r\no=- 7 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
        "m=audio 30000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n"
        "a=fmtp:96 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_pcmu_alone_and_no_dtmf() -> None:
    result = negotiate(offer("m=audio 4000 RTP/AVP 0"), "198.51.100.1", 30000, 7)
    assert (result.codec, result.payload_type, result.dtmf_payload_type) == ("PCMU", 0, None)
    assert "telephone-event" not in result.answer_sdp


def test_a_codec_under_a_dynamic_number() -> None:
    result = negotiate(offer("m=audio 4000 RTP/AVP 110", "a=rtpmap:110 pcma/8000/1"), "198.51.100.1", 30000, 7)
    assert (result.codec, result.payload_type) == ("PCMA", 110)
    assert "a=rtpmap:110 PCMA/8000" in result.answer_sdp


def test_a_static_number_taken_by_another_codec_is_that_codec() -> None:
    with pytest.raises(SdpError):
        negotiate(offer("m=audio 4000 RTP/AVP 8", "a=rtpmap:8 L16/16000"), "198.51.100.1", 30000, 7)
    with pytest.raises(SdpError):
        negotiate(offer("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000/2"), "198.51.100.1", 30000, 7)


def test_every_m_line_is_answered_in_order() -> None:
    result = negotiate(
        offer(
            "m=video 5000 RTP/AVP 96 97",
            "m=audio 0 RTP/AVP 8",
            "m=audio 4002 RTP/SAVP 8",
            "m=audio 4004/2 RTP/AVP 8",
            "m=audio 4006 RTP/AVP 8",
            "m=application 9 UDP/BFCP *",
        ),
        "198.51.100.1",
        30000,
        7,
    )
    media = [line for line in result.answer_sdp.split("\r\n") if line.startswith("m=")]
    assert media == [
        "m=video 0 RTP/AVP 96 97",
        "m=audio 0 RTP/AVP 8",
        "m=audio 0 RTP/SAVP 8",
        "m=audio 30000 RTP/AVP 8",
        "m=audio 0 RTP/AVP 8",
        "m=application 0 UDP/BFCP *",
    ]
    assert result.peer_port == 4004


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
@pytest.mark.parametrize("level", ["media", "session"])
def test_the_direction_is_mirrored(offered: str, answered: str, level: str) -> None:
    attribute = f"a={offered}"
    text = (
        offer("m=audio 4000 RTP/AVP 8", attribute) if level == "media" else offer(attribute, "m=audio 4000 RTP/AVP 8")
    )
    result = negotiate(text, "198.51.100.1", 30000, 7)
    assert result.peer_direction == offered
    assert result.answer_sdp.endswith(f"a={answered}\r\n")


@pytest.mark.parametrize(
    ("offered", "seen", "answered"),
    [("", "sendonly", "recvonly"), ("a=sendonly", "sendonly", "recvonly"), ("a=recvonly", "inactive", "inactive")],
)
def test_hold_by_the_zero_address(offered: str, seen: str, answered: str) -> None:
    text = offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0", *([offered] if offered else []))
    result = negotiate(text, "198.51.100.1", 30000, 7)
    assert (result.peer_host, result.peer_direction) == ("0.0.0.0", seen)
    assert result.answer_sdp.endswith(f"a={answered}\r\n")


def test_addresses() -> None:
    v6 = negotiate(offer("m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::5"), "2001:db8::1", 30000, 7)
    assert v6.peer_host == "2001:db8::5"
    assert "c=IN IP6 2001:db8::1" in v6.answer_sdp
    name = negotiate(offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 sbc.example.com"), "198.51.100.1", 30000, 7)
    assert name.peer_host == ""  # learnt from the first packet


def test_line_ends_of_any_kind_and_unknown_lines() -> None:
    text = offer("m=audio 4000 RTP/AVP 8", "k=prompt", "a=unknown:x", "z=0 0").replace("\r\n", "\n") + "\n\n"
    assert negotiate(text, "198.51.100.1", 30000, 7).codec == "PCMA"


def test_our_own_offer_and_its_answer() -> None:
    ours = negotiate(None, "198.51.100.1", 30000, 9)
    assert "m=audio 30000 RTP/AVP 8 0 111 101 110\r\n" in ours.answer_sdp
    assert (ours.peer_host, ours.peer_port) == ("", 0)
    answer = offer("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=recvonly")
    result = parse_answer(ours.answer_sdp, answer)
    assert (result.codec, result.payload_type, result.dtmf_payload_type) == ("PCMU", 0, 101)
    assert (result.peer_host, result.peer_port, result.peer_direction) == ("192.0.2.10", 4000, "recvonly")
    assert result.answer_sdp == ours.answer_sdp


@pytest.mark.parametrize(
    "answer",
    [
        offer(),
        offer("m=audio 0 RTP/AVP 8"),
        offer("m=audio 4000 RTP/AVP 18"),
        offer("m=audio 4000 RTP/SAVP 8"),
        offer("m=video 4000 RTP/AVP 8"),
    ],
)
def test_answers_that_take_nothing_of_ours(answer: str) -> None:
    ours = negotiate(None, "198.51.100.1", 30000, 9).answer_sdp
    with pytest.raises(SdpError):
        parse_answer(ours, answer)


def test_within_a_dialog_the_origin_stays_and_the_version_rises() -> None:
    local = negotiate(offer("m=audio 4000 RTP/AVP 0"), "198.51.100.1", 30000, 7).answer_sdp
    both = offer("m=audio 4010 RTP/AVP 8 0", "a=sendonly", "m=video 1 RTP/AVP 9")
    result = renegotiate(both, local)
    assert result.codec == "PCMU"  # the one in use, though PCMA is offered too
    assert "o=- 7 2 IN IP4 198.51.100.1" in result.answer_sdp
    assert "m=audio 30000 RTP/AVP 0\r\n" in result.answer_sdp
    assert "m=video 0 RTP/AVP 9" in result.answer_sdp
    moved = renegotiate(offer("m=audio 4000 RTP/AVP 8"), local)  # 8.3.2: a peer may change the codec
    assert (moved.codec, moved.payload_type) == ("PCMA", 8)
    with pytest.raises(SdpError):
        renegotiate(offer("m=audio 4000 RTP/AVP 18"), local)
    again = reoffer(result.answer_sdp)
    assert "o=- 7 3 IN" in again
    assert "a=sendrecv" in again
    assert "m=video 0 RTP/AVP 9" in again


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "v=1\r\n",
        "v=0\r\n",
        offer("m=audio"),
        offer("m=audio 99999 RTP/AVP 8"),
        offer("m=audio -1 RTP/AVP 8"),
        offer("m=audio 4000 RTP/AVP"),
        offer("m=audio 4000 RTP/AVP 8", "c=IN IP4"),
        offer("m=audio 4000 RTP/AVP 8", "c=IN IP5 1.2.3.4"),
        offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 a b"),
        offer("m=audio 4000 RTP/AVP 8", "c=IN IP4 <x>"),
        offer("m=audio 4000 RTP/AVP 97", "a=rtpmap:x"),
        offer("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA"),
        offer("m=audio 4000 RTP/AVP 200", "a=rtpmap:200 PCMA/8000"),
        offer("m=audio 4000 RTP/AVP 8", "no equals"),
        offer("m=audio 4000 RTP/AVP 8", head="v=0\r\no=x 1 1\r\n"),
        offer("m=audio 4000 RTP/AVP 8", head="v=0\r\no=x 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n"),
        offer(*["m=audio 4000 RTP/AVP 8"] * 40),
        offer(*["a=x"] * 3000),
        offer("m=audio 4000 RTP/AVP x y z 9999"),
    ],
)
def test_descriptions_we_cannot_use(text: str) -> None:
    with pytest.raises(SdpError):
        negotiate(text, "198.51.100.1", 30000, 7)


def test_a_codec_map_without_a_clock_spoils_only_its_codec() -> None:
    """RFC 4475's offers map a video codec that way; the call is taken all the same."""
    text = offer("m=audio 4000 RTP/AVP 97 0", "a=rtpmap:97 PCMA", "m=video 4002 RTP/AVP 31", "a=rtpmap:31 LPC")
    result = negotiate(text, "198.51.100.1", 30000, 7)
    assert (result.codec, result.payload_type) == ("PCMU", 0)
    assert "m=video 0 RTP/AVP 31" in result.answer_sdp


OPUS = ("a=rtpmap:96 opus/48000/2", "a=rtpmap:101 telephone-event/48000", "a=rtpmap:102 telephone-event/8000")


def test_opus_where_nothing_else_is_offered_or_the_policy_prefers_it() -> None:
    alone = offer("m=audio 4000 RTP/AVP 96 9 102 101", *OPUS)
    result = negotiate(alone, "198.51.100.1", 30000, 7)
    assert (result.codec, result.payload_type) == ("opus", 96)
    assert (result.dtmf_payload_type, result.dtmf_clock_hz) == (101, 48_000)  # RFC 4733 2.1: the clock of the audio
    assert "m=audio 30000 RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 " in result.answer_sdp
    assert "a=rtpmap:101 telephone-event/48000\r\n" in result.answer_sdp
    both = offer("m=audio 4000 RTP/AVP 96 8 101 102", *OPUS)
    plain = negotiate(both, "198.51.100.1", 30000, 7)
    assert (plain.codec, plain.dtmf_payload_type, plain.dtmf_clock_hz) == ("PCMA", 102, 8_000)
    preferred = negotiate(both, "198.51.100.1", 30000, 7, policy=MediaPolicy(codecs=("opus", "PCMA")))
    assert preferred.codec == "opus"
    with pytest.raises(SdpError):
        negotiate(alone, "198.51.100.1", 30000, 7, policy=MediaPolicy(codecs=("PCMA", "PCMU")))
    with pytest.raises(SdpError):
        negotiate(offer("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000"), "198.51.100.1", 30000, 7)


def test_an_answerer_decides_the_codec() -> None:
    ours = make_offer("198.51.100.1", 30000, 9, policy=MediaPolicy(codecs=("opus", "PCMA", "PCMU"))).answer_sdp
    assert "m=audio 30000 RTP/AVP 111 8 0 101 110\r\n" in ours
    for formats, codec in (("0 8", "PCMU"), ("8 111", "PCMA"), ("111 8", "opus")):
        answer = offer(f"m=audio 4000 RTP/AVP {formats}", "a=rtpmap:111 opus/48000/2")
        result = parse_answer(ours, answer)
        assert result.codec == codec
        later = renegotiate(offer("m=audio 4002 RTP/AVP 111 0 8", "a=rtpmap:111 opus/48000/2"), ours, keep=result.codec)
        assert later.codec == codec


def test_rtcp_and_packet_lengths() -> None:
    muxed = negotiate(offer("m=audio 4000 RTP/AVP 8", "a=rtcp-mux", "a=rtcp:4000"), "198.51.100.1", 30000, 7)
    assert (muxed.rtcp_mux, muxed.peer_rtcp_port) == (True, 0)
    assert "a=rtcp-mux\r\n" in muxed.answer_sdp
    named = negotiate(offer("m=audio 4000 RTP/AVP 8", "a=rtcp:53020 IN IP4 192.0.2.11"), "198.51.100.1", 30000, 7)
    assert (named.rtcp_mux, named.peer_rtcp_port) == (False, 53_020)
    assert "rtcp-mux" not in named.answer_sdp
    assert negotiate(offer("m=audio 4000 RTP/AVP 8", "a=rtcp:x"), "198.51.100.1", 30000, 7).peer_rtcp_port == 4_001
    ours = make_offer("198.51.100.1", 30000, 9).answer_sdp
    assert parse_answer(ours, offer("m=audio 4000 RTP/AVP 8", "a=rtcp-mux")).rtcp_mux
    assert not parse_answer(ours, offer("m=audio 4000 RTP/AVP 8")).rtcp_mux
    for lines, ptime_ms in ((["a=ptime:30"], 30), (["a=ptime:40", "a=maxptime:20"], 20), (["a=ptime:x"], 20)):
        assert negotiate(offer("m=audio 4000 RTP/AVP 8", *lines), "198.51.100.1", 30000, 7).ptime_ms == ptime_ms


@pytest.mark.parametrize("wanted", ["sendrecv", "sendonly", "recvonly", "inactive"])
@pytest.mark.parametrize("offered", ["sendrecv", "sendonly", "recvonly", "inactive"])
def test_the_answers_direction_is_ours_as_far_as_theirs_leaves_room(offered: Direction, wanted: Direction) -> None:
    """RFC 3264 6.1, all of the matrix."""
    result = negotiate(
        offer("m=audio 4000 RTP/AVP 8", f"a={offered}"), "198.51.100.1", 30000, 7, direction=wanted
    ).answer_sdp
    answered = result.rstrip().rsplit("a=", 1)[1]
    sends = answered in ("sendrecv", "sendonly")
    hears = answered in ("sendrecv", "recvonly")
    assert sends == (offered in ("sendrecv", "recvonly") and wanted in ("sendrecv", "sendonly"))
    assert hears == (offered in ("sendrecv", "sendonly") and wanted in ("sendrecv", "recvonly"))
    assert reoffer(result, wanted).endswith(f"a={wanted}\r\n")


def test_answers_that_belong_to_no_offer() -> None:
    ours = negotiate(offer("m=audio 4000 RTP/AVP 8"), "198.51.100.1", 30000, 7).answer_sdp
    for other in (offer(), offer("m=video 4000 RTP/AVP 8"), offer("m=audio 0 RTP/AVP 8"), offer("m=audio 1 RTP/AVP 0")):
        with pytest.raises(SdpError):
            agreed(other, ours)


def test_what_is_read_is_written_again() -> None:
    text = (
        "v=0\r\no=x 1 1 IN IP4 192.0.2.10\r\ns=A call\r\ni=info\r\nu=http://example.com\r\nc=IN IP4 192.0.2.10\r\n"
        "b=AS:64\r\nt=0 0\r\nt=1 2\r\na=group:BUNDLE 1\r\na=sendonly\r\n"
        "m=audio 4000/2 RTP/AVP 8 96\r\ni=voice\r\nc=IN IP6 2001:db8::1\r\nb=TIAS:1\r\na=ptime:20\r\na=rtcp-mux\r\n"
        "m=image 5000 udptl t38\r\n"
    )
    session = parse_session(text)
    assert format_session(session) == text
    assert (session.media[0].ports, session.media[0].milliseconds("ptime"), session.name) == (2, 20, "A call")
