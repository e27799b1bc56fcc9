"""SRTP over a network that loses, repeats and reorders: every packet is heard once, or never."""

import base64

import pylibsrtp
from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.media import rpc
from kak_server.media.engine import rtp
from kak_server.media.rtp_args import Suite
from kak_server.media.worker.srtp import Srtp

KEY = bytes(range(40, 70))
PROFILES: dict[Suite, tuple[int, int]] = {
    "AES_CM_128_HMAC_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
}
LATE_MAX = 40  # times the third copy at most: within the 128 packets that libsrtp remembers


@given(
    st.sampled_from(list(PROFILES)),
    st.one_of(st.integers(0, 0xFFFF), st.integers(0xFF00, 0xFFFF)),  # near the turn of the counter too
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, LATE_MAX)), min_size=1, max_size=300),
    st.integers(0, 5),
)
@settings(deadline=None)
def test_each_packet_once(suite: Suite, first: int, fates: list[tuple[int, int]], restart: int) -> None:
    """`fates`: how often each packet arrives, and how many packets later each copy. `restart`: after so many sixths a
    new worker goes on."""
    profile, size = PROFILES[suite]
    policy = pylibsrtp.Policy(key=KEY[:size], ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
    peer = pylibsrtp.Session(policy)
    text = base64.b64encode(KEY[:size]).decode()
    keys = rpc.SrtpKeys(suite, text, text)
    plain = [rtp.build(False, 8, first + n, n * 160, 9, n.to_bytes(4, "big")) for n in range(len(fates))]
    sealed = [peer.protect(packet) for packet in plain]
    arrivals = sorted((n + late * copy, n) for n, (copies, late) in enumerate(fates) for copy in range(copies))
    receiver = Srtp(keys, lambda: 1)
    restart_at = len(arrivals) * restart // 6 if restart else -1
    heard: set[int] = set()
    since: set[int] = set()
    for order, (_, number) in enumerate(arrivals):
        if order == restart_at:
            receiver, since = Srtp(keys, lambda: 1), set()
        taken = receiver.unprotect(sealed[number], True)
        if taken is not None:
            assert taken == plain[number]
            assert number not in since, "a replay was heard"
            since.add(number)
            heard.add(number)
    turns = first + len(fates) > 0xFFFF
    if not turns:  # no counter to find: all that arrived was heard
        assert heard == {number for _, number in arrivals}
    elif not restart and arrivals and arrivals[0][1] + first <= 0xFFFF:
        assert len(heard) >= len({number for _, number in arrivals}) - 3
