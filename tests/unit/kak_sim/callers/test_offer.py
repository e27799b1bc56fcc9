"""Session descriptions of a simple telephone."""

import pytest

from kak_sim.callers.offer import RemoteMedia, read_session, session


def test_our_own_offer_is_understood() -> None:
    assert read_session(session("127.0.0.1", 40000, 1)) == RemoteMedia("127.0.0.1", 40000, 8, 101)
    assert "IP6 ::1" in session("::1", 40000, 1)


def test_the_media_level_address_counts() -> None:
    text = session("127.0.0.1", 40000, 1).replace("a=ptime:20", "c=IN IP4 127.0.0.9\r\na=ptime:20")
    media = read_session(text)
    assert media is not None
    assert media.host == "127.0.0.9"


def test_direction_and_a_later_video_line() -> None:
    text = session("127.0.0.1", 40000, 1).replace("sendrecv", "sendonly") + "m=video 0 RTP/AVP 96\r\na=inactive\r\n"
    media = read_session(text)
    assert media is not None
    assert (media.port, media.direction) == (40000, "sendonly")


@pytest.mark.parametrize(
    "text", ["", "v=0\r\n", "m=video 1 RTP/AVP 96\r\n", "m=audio 40000 RTP/AVP 0\r\n", "m=audio x RTP/AVP 8"]
)
def test_nothing_in_common(text: str) -> None:
    assert read_session(text) is None
