"""Which offers a role takes, and what is taken out of them."""

import pytest
from aiortc import RTCPeerConnection

from kak_server.media.worker import sdp

HEADER = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"


async def offer(*kinds: str) -> str:
    pc = RTCPeerConnection()
    for kind in kinds:
        pc.addTransceiver(kind)
    text = (await pc.createOffer()).sdp
    await pc.close()
    return str(text)


def test_unusable_candidates_go() -> None:
    lines = [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=candidate:1 1 udp 2113937151 0b2e-a1.local 50000 typ host",
        "a=candidate:2 1 udp 2113937151 192.0.2.7 50000 typ host",
        "a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active",
        "a=candidate:short",
        "a=end-of-candidates",
    ]
    assert sdp.clean("\n".join(lines)).splitlines() == [lines[0], lines[2]]


async def test_roles() -> None:
    audio2, video = sdp.media_kinds(await offer("audio", "audio")), sdp.media_kinds(await offer("video"))
    both = sdp.media_kinds(await offer("audio", "video"))
    assert sdp.plan("operator", audio2) == ["sendrecv", "sendonly"]
    assert sdp.plan("operator", audio2[:1]) == ["sendrecv"]
    assert sdp.plan("citizen", both) == ["inactive", "recvonly"]
    assert sdp.plan("viewer", video) == ["sendonly"]
    for role, kinds in (("operator", video), ("operator", audio2 * 2), ("citizen", audio2), ("viewer", video * 2)):
        with pytest.raises(sdp.BadSdpError):
            sdp.plan(role, kinds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "v=x",
        HEADER,
        HEADER + "m=audio",
        HEADER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111\r\n",
        HEADER + "m=audio 9 UDP/TLS/RTP/SAVPF eleven\r\n",
        HEADER + "m=audio 9 UDP/TLS/RTP/SAVPF 72\r\n",
        HEADER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=fingerprint:sha-256\r\n",
        HEADER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:7\r\na=rtpmap:111 opus/48000/2\r\n",
        "x" * (sdp.OFFER_CHARS_MAX + 1),
    ],
)
def test_what_is_no_offer(text: str) -> None:
    with pytest.raises(sdp.BadSdpError):
        sdp.media_kinds(text)


async def test_a_data_channel_is_refused() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("chat")
    pc.addTransceiver("video")
    text = str((await pc.createOffer()).sdp)
    await pc.close()
    with pytest.raises(sdp.BadSdpError):
        sdp.plan("citizen", sdp.media_kinds(text))
