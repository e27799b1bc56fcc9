"""The description of a media leg: what we write we read, and nothing else is believed."""

import pytest

from kak_server.tetra_gw.sdp import MediaEnd, SdpError, build, parse


@pytest.mark.parametrize("end", [MediaEnd("127.0.0.1", 40000), MediaEnd("2001:db8::1", 65535, 96)])
def test_what_is_built_is_read(end: MediaEnd) -> None:
    assert parse(build(end)) == end


def test_lines_end_as_the_standard_says() -> None:
    text = build(MediaEnd("127.0.0.1", 40000))
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")


def test_other_streams_and_attributes_are_passed_over() -> None:
    text = "v=0\nc=IN IP4 10.0.0.1\nm=video 9 RTP/AVP 96\nm=audio 5004 RTP/AVP 8 101\na=sendrecv\nm=audio 6 RTP/AVP 0\n"
    assert parse(text) == MediaEnd("10.0.0.1", 5004, 8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m=audio 5004 RTP/AVP 8",
        "c=IN IP4 gateway.example\nm=audio 5004 RTP/AVP 8",
        "c=IN IP4 10.0.0.1\nm=audio 0 RTP/AVP 8",
        "c=IN IP4 10.0.0.1\nm=audio 65536 RTP/AVP 8",
        "c=IN IP4 10.0.0.1\nm=audio -5 RTP/AVP 8",
        "c=IN IP4 10.0.0.1\nm=audio ٥٠٠٤ RTP/AVP 8",
        "c=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 0",
        "c=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 96\na=rtpmap:96 opus/48000/2",
        "c=IN IP4 10.0.0.1\nm=audio 5004 RTP/SAVP 8",
        "c=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 200",
    ],
)
def test_what_names_no_usable_stream_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        parse(text)
