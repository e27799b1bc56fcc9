"""SRTP of a leg against libsrtp as the peer: suites, wrong keys, replays, key identifiers, roll-over counters."""

import base64
import itertools

import pylibsrtp
import pytest

from kak_server.media import rpc
from kak_server.media.engine import rtcp, rtp
from kak_server.media.rtp_args import Suite
from kak_server.media.worker.srtp import BadKeyError, Srtp, fresh_stream

PROFILES: dict[Suite, tuple[int, int]] = {
    "AES_CM_128_HMAC_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
}
SUITES = list(PROFILES)
PEER_SSRC = 0xABCD


def key_of(suite: Suite, first: int) -> bytes:
    return bytes(range(first, first + PROFILES[suite][1]))


def keys_of(suite: Suite, mki_bytes: int = 0) -> rpc.SrtpKeys:
    ours, theirs = (base64.b64encode(key_of(suite, first)).decode() for first in (1, 100))
    return rpc.SrtpKeys(suite, ours, theirs, mki_bytes)


def peer_session(suite: Suite, first: int, ssrcs: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key_of(suite, first), ssrc_type=ssrcs, srtp_profile=PROFILES[suite][0])
    return pylibsrtp.Session(policy)


def sender(suite: Suite, first: int = 100) -> pylibsrtp.Session:
    return peer_session(suite, first, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)


def packet(sequence: int, ssrc: int = PEER_SSRC, payload: bytes = b"x" * 160) -> bytes:
    return rtp.build(False, 8, sequence, sequence * 160, ssrc, payload)


@pytest.mark.parametrize("suite", SUITES)
def test_both_ways_with_every_suite(suite: Suite) -> None:
    srtp, peer = Srtp(keys_of(suite), lambda: 0), sender(suite)
    hears = peer_session(suite, 1, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    for sequence in range(3):
        assert srtp.unprotect(peer.protect(packet(sequence)), True) == packet(sequence)
        sealed = srtp.protect(packet(sequence, 7))
        assert sealed
        assert hears.unprotect(sealed) == packet(sequence, 7)
    report = rtcp.sdes(PEER_SSRC, "peer")
    assert srtp.unprotect_rtcp(peer.protect_rtcp(report)) == report
    sealed = srtp.protect_rtcp(report)
    assert sealed
    assert hears.unprotect_rtcp(sealed) == report
    assert (srtp.failed, srtp.replayed) == (0, 0)


@pytest.mark.parametrize("suite", SUITES)
def test_replays_and_forgeries_are_counted_and_thrown_away(suite: Suite) -> None:
    srtp, peer = Srtp(keys_of(suite), lambda: 0), sender(suite)
    sealed = peer.protect(packet(9))
    assert srtp.unprotect(sealed, True) == packet(9)
    assert srtp.unprotect(sealed, True) is None
    assert (srtp.failed, srtp.replayed) == (0, 1)
    strangers = sender(suite, first=50)
    bent = bytearray(peer.protect(packet(10)))
    bent[20] ^= 1
    for bad in (strangers.protect(packet(11)), bytes(bent), b"\x80\x08" + b"z" * 100, packet(12), b"\x80" * 12, b""):
        assert srtp.unprotect(bad, True) is None
    assert (srtp.failed, srtp.replayed) == (6, 1)
    report = peer.protect_rtcp(rtcp.sdes(PEER_SSRC, "peer"))
    assert srtp.unprotect_rtcp(report) is not None
    for bad in (report, report[:-1], b"", b"\x80\xc8" + b"z" * 30):
        assert srtp.unprotect_rtcp(bad) is None
    assert srtp.replayed == 2
    assert srtp.unprotect(peer.protect(packet(13)), True) == packet(13)  # nothing of it disturbs the stream


@pytest.mark.parametrize(("suite", "tag_bytes"), [("AES_CM_128_HMAC_SHA1_80", 10), ("AEAD_AES_128_GCM", 0)])
def test_key_identifiers_are_stepped_over(suite: Suite, tag_bytes: int) -> None:
    srtp, peer = Srtp(keys_of(suite, mki_bytes=4), lambda: 0), sender(suite)

    def with_mki(sealed: bytes) -> bytes:
        end = len(sealed) - tag_bytes
        return sealed[:end] + b"\0\0\0\1" + sealed[end:]

    assert srtp.unprotect(with_mki(peer.protect(packet(1))), True) == packet(1)
    report = rtcp.sdes(PEER_SSRC, "peer")
    assert srtp.unprotect_rtcp(with_mki(peer.protect_rtcp(report))) == report
    assert srtp.unprotect(b"\x80" * 10, True) is None


def long_stream(suite: Suite, rocs: int, sequence: int) -> pylibsrtp.Session:
    """A peer's sender whose next packets come after `rocs` turns of the counter."""
    peer = sender(suite)
    for index in range(0, (rocs << 16) + sequence, 0x7000):
        peer.protect(packet(index & 0xFFFF))
    return peer


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"])
@pytest.mark.parametrize("rocs", [1, 2, 27])
@pytest.mark.parametrize("sequence", [3, 40_000, 65_530])
def test_a_stream_that_has_been_on_for_long_is_found(suite: Suite, rocs: int, sequence: int) -> None:
    """A worker started anew in a call of hours hears a peer whose counter it does not know."""
    peer = long_stream(suite, rocs, sequence)
    srtp = Srtp(keys_of(suite), lambda: rocs)
    heard = [srtp.unprotect(peer.protect(packet((sequence + n) & 0xFFFF)), True) for n in range(100)]
    first = next(n for n, plain in enumerate(heard) if plain is not None)
    assert first <= rocs + 2  # within as many packets as there are counters to try
    assert heard[first:] == [packet((sequence + n) & 0xFFFF) for n in range(first, 100)]


def test_the_search_is_one_counter_a_tick_and_never_goes_back() -> None:
    suite: Suite = "AES_CM_128_HMAC_SHA1_80"
    peer = long_stream(suite, 2, 100)
    srtp = Srtp(keys_of(suite), lambda: 2)
    old = peer.protect(packet(100))
    for sequence in range(101, 140):
        srtp.unprotect(peer.protect(packet(sequence)), False)
    assert srtp.failed == 39
    heard = [n for n in range(140, 400) if srtp.unprotect(peer.protect(packet(n)), True)]
    assert heard[-1] == 399
    for _ in range(200):  # noise until the search begins again; an old packet is never found by it
        srtp.unprotect(b"\x80\x08\x00\x63" + b"z" * 40, True)
        assert srtp.unprotect(old, True) is None
    assert srtp.unprotect(peer.protect(packet(400)), True) == packet(400)


def test_a_stream_whose_counter_ran_on_while_nobody_heard_it_is_found_again() -> None:
    suite: Suite = "AEAD_AES_128_GCM"
    peer, srtp = sender(suite), Srtp(keys_of(suite), lambda: 2)
    assert srtp.unprotect(peer.protect(packet(65_000)), True)
    for index in (70_000, 90_000, 110_000, 130_000):
        peer.protect(packet(index & 0xFFFF))
    sequence = itertools.count(131_100)  # one turn and more: no packet of ours proves anything now
    heard = 0
    for _ in range(200):
        number = next(sequence) & 0xFFFF
        heard += srtp.unprotect(peer.protect(packet(number)), True) is not None
    assert heard > 100


def test_many_streams_of_one_peer_cost_no_memory() -> None:
    suite: Suite = "AES_CM_128_HMAC_SHA1_80"
    peer, srtp = sender(suite), Srtp(keys_of(suite), lambda: 0)
    for ssrc in range(1, 100):
        assert srtp.unprotect(peer.protect(packet(5, ssrc)), True) == packet(5, ssrc)
    assert len(srtp._newest) <= 16


@pytest.mark.parametrize(
    "keys",
    [
        rpc.SrtpKeys(),
        rpc.SrtpKeys("AES_CM_128_HMAC_SHA1_80", "QUJD", "QUJD"),
        rpc.SrtpKeys("AES_CM_128_HMAC_SHA1_80", "***", "QUJD"),
        rpc.SrtpKeys("AES_CM_128_HMAC_SHA1_80", "QUJD", "QUJD", 500),
    ],
)
def test_keys_that_are_none(keys: rpc.SrtpKeys) -> None:
    with pytest.raises(BadKeyError) as problem:
        Srtp(keys, lambda: 0)
    assert "QUJD" not in str(problem.value)
    assert "QUJD" not in repr(keys)


def test_fresh_streams_are_fresh_and_begin_low() -> None:
    streams = {fresh_stream() for _ in range(50)}
    assert len(streams) == 50
    assert all(first < 1 << 15 for _, first in streams)
