"""Datagrams at a protected leg (RFC 3711, RFC 7714): the first byte picks suite and key identifier, the rest are
packets of at most 255 bytes with a length before each.

Invariant: nothing is raised, nothing that the peer did not make is taken, each packet counts once, and the peer's next
packet is understood afterwards.
"""

import base64

import pylibsrtp

from fuzz.targets.pieces import Growing, repeated
from kak_server.media import rpc
from kak_server.media.engine import rtp
from kak_server.media.rtp_args import Suite
from kak_server.media.worker.srtp import Srtp

MAX_BYTES = 4_096
_KEY = bytes(range(30))
_SUITES: tuple[tuple[Suite, int, int], ...] = (
    ("AES_CM_128_HMAC_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    ("AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    ("AES_CM_128_HMAC_SHA1_32", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
)
_PACKET = b"\x40\x80\x08\x00\x01" + bytes(60)
GROWING: Growing = {
    "packets": repeated(_PACKET, b"\x00"),
    "packets with an identifier": repeated(_PACKET, b"\x05"),
    "empty packets": repeated(b"\x00", b"\x01"),
}


def check(data: bytes) -> None:
    """See above."""
    choice = data[0] if data else 0
    suite, profile, size = _SUITES[choice % len(_SUITES)]
    key = _KEY[:size]
    text = base64.b64encode(key).decode()
    mki_bytes = 4 if choice & 4 else 0
    srtp = Srtp(rpc.SrtpKeys(suite, text, text, mki_bytes), lambda: 2)
    at, count = 1, 0
    while at < len(data):
        packet = data[at + 1 : at + 1 + data[at]]
        at += 1 + len(packet)
        count += 1
        taken = srtp.unprotect_rtcp(packet) if rtp.is_rtcp(packet) else srtp.unprotect(packet, True)
        assert taken is None, "forged, without the key"
    assert srtp.failed + srtp.replayed == count
    if not mki_bytes:
        policy = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
        plain = rtp.build(False, 8, 100, 100, 0x5EED, b"voice")
        assert srtp.unprotect(pylibsrtp.Session(policy).protect(plain), True) == plain
