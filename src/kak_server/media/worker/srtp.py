"""SRTP and SRTCP of one leg (RFC 3711, RFC 7714) by libsrtp: protection, proof, replays, and the roll-over counter.

libsrtp takes a stream it has not heard before as one whose roll-over counter is 0. A leg made anew in the middle of a
call (its worker died) may hear a peer whose counter is further: the counters it could have by now are tried, one
now and then, until a packet proves to be authentic; only later ones than that of any packet that was authentic before,
so that nothing old is taken twice.
"""

import base64
import binascii
import secrets
import struct
from collections.abc import Callable

import pylibsrtp

from kak_server.media import rpc

_PROFILES: dict[str, tuple[int, int, int, int]] = {  # suite -> profile, bytes of key and salt, RTP tag, RTCP tag
    "AES_CM_128_HMAC_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10, 10),
    "AES_CM_128_HMAC_SHA1_32": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30, 4, 10),
    "AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 0, 0),  # its tag is in the cipher text
}
_STREAMS_MAX = 16  # SSRCs of one peer; then it starts over
_LOST_AFTER = 50  # packets in a row that prove nothing: the counter may have gone on without us
_STRIDE = 0x7000  # how far a stream may jump without its counter being lost
_NEAR = 0x2000
_PACKET_BYTES_MAX = 1_400


class BadKeyError(ValueError):
    """Keys that fit no suite. The text says which, never the key."""


class Srtp:
    """Both directions of one leg's keys."""

    def __init__(self, keys: rpc.SrtpKeys, rocs_max: Callable[[], int]) -> None:
        """`rocs_max`: the highest roll-over counter a peer could have by now. Raises BadKeyError."""
        if keys.suite not in _PROFILES or not 0 <= keys.receive_mki_bytes <= 128:
            raise BadKeyError(f"no SRTP suite {keys.suite!r}")
        self.keys = keys
        self.failed = 0  # packets whose tag was wrong
        self.replayed = 0
        self._profile, size, self._tag_bytes, self._rtcp_tag_bytes = _PROFILES[keys.suite]
        self._receive_key = _key(keys.receive_key, size)
        self._out = self._session(_key(keys.send_key, size), pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._in = self._session(self._receive_key, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._rtcp_in = self._session(self._receive_key, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._rocs_max = rocs_max
        self._newest: dict[int, int] = {}  # SSRC -> the highest authentic index
        self._in_a_row = 0  # failures
        self._turn = 0
        self._seeker: _Seeker | None = None

    def _session(self, key: bytes, ssrcs: int) -> pylibsrtp.Session:
        return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=ssrcs, srtp_profile=self._profile))

    # --- towards the peer --------------------------------------------------------------------------------------------

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet as it may leave; b"" when the key is used up."""
        try:
            return bytes(self._out.protect(packet))
        except pylibsrtp.Error:
            return b""

    def protect_rtcp(self, packet: bytes) -> bytes:
        """The same for RTCP."""
        try:
            return bytes(self._out.protect_rtcp(packet))
        except pylibsrtp.Error:
            return b""

    # --- towards us --------------------------------------------------------------------------------------------------

    def unprotect(self, data: bytes, may_search: bool) -> bytes | None:
        """A packet that proved to be the peer's and new, in the clear. `may_search`: another roll-over counter may
        be tried."""
        bare = self._without_mki(data, self._tag_bytes) if self.keys.receive_mki_bytes else data
        if bare is None or not 12 <= len(bare) <= _PACKET_BYTES_MAX:
            self.failed += 1
            return None
        sequence, ssrc = struct.unpack_from("!2xH4xI", bare)
        try:
            plain: bytes = self._in.unprotect(bare)
        except pylibsrtp.Error as problem:
            if str(problem).startswith("replay"):
                self.replayed += 1
                return None
            found = self._search(bare, sequence, ssrc) if may_search else None
            if found is None:
                self.failed += 1
                self._in_a_row += 1
                return None
            plain = found
        else:
            self._heard(ssrc, sequence)
        self._in_a_row = 0
        return plain

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """The same for RTCP, whose packets carry their own counter."""
        bare = self._without_mki(data, self._rtcp_tag_bytes)
        if bare is None or not 8 <= len(bare) <= _PACKET_BYTES_MAX:
            self.failed += 1
            return None
        try:
            return bytes(self._rtcp_in.unprotect_rtcp(bare))
        except pylibsrtp.Error as problem:
            if str(problem).startswith("replay"):
                self.replayed += 1
            else:
                self.failed += 1
            return None

    def _without_mki(self, data: bytes, tag_bytes: int) -> bytes | None:
        """RFC 3711 3.1: the identifier stands before the tag; which key it names is known, for there is one."""
        mki_bytes = self.keys.receive_mki_bytes
        if not mki_bytes:
            return data
        end = len(data) - tag_bytes
        return data[: end - mki_bytes] + data[end:] if end > mki_bytes else None

    def _heard(self, ssrc: int, sequence: int) -> None:
        newest = self._newest.get(ssrc)
        if newest is not None:
            ahead = (sequence - newest) & 0xFFFF
            if ahead < 0x8000:
                self._newest[ssrc] = newest + ahead
        else:
            if len(self._newest) >= _STREAMS_MAX:
                self._newest.clear()
                self._in = self._session(self._receive_key, pylibsrtp.Policy.SSRC_ANY_INBOUND)
            self._newest[ssrc] = sequence

    def _search(self, bare: bytes, sequence: int, ssrc: int) -> bytes | None:
        """Try the packet with the next roll-over counter that is possible."""
        newest = self._newest.get(ssrc)
        if newest is not None and self._in_a_row < _LOST_AFTER:
            return None
        first = 0 if newest is None else newest >> 16
        place = self._turn % (max(self._rocs_max(), first) - first + 2)
        self._turn += 1
        index = (first + place) << 16 | sequence
        if newest is not None and index <= newest:
            return None
        seeker = self._seeker
        if place == 0 or seeker is None or not seeker.reaches(ssrc, index):
            seeker = self._seeker = _Seeker(
                ssrc,
                self._session(self._receive_key, pylibsrtp.Policy.SSRC_ANY_INBOUND),
                self._session(self._receive_key, pylibsrtp.Policy.SSRC_ANY_OUTBOUND),
            )
        session = seeker.at(index)
        try:
            plain = bytes(session.unprotect(bare))
        except pylibsrtp.Error:
            return None
        self._in, self._seeker = session, None
        self._newest = {ssrc: index}
        return plain


class _Seeker:
    """A receiving session that is led to an index. libsrtp's counter cannot be set through pylibsrtp, so packets that
    nobody sent, made with the peer's key, lead it there in strides. A packet that proves nothing changes nothing."""

    def __init__(self, ssrc: int, session: pylibsrtp.Session, sender: pylibsrtp.Session) -> None:
        self._ssrc = ssrc
        self._session = session
        self._sender = sender
        self._at = -_STRIDE

    def reaches(self, ssrc: int, index: int) -> bool:
        """Whether it can be led there: only onwards."""
        return ssrc == self._ssrc and index > self._at

    def at(self, index: int) -> pylibsrtp.Session:
        """The session, its stream shortly before the index."""
        target = index - _NEAR
        while self._at < target:
            self._at = min(self._at + _STRIDE, target)
            lead = struct.pack("!BBHII", 0x80, 0, self._at & 0xFFFF, 0, self._ssrc)
            self._session.unprotect(self._sender.protect(lead))
        return self._session


def fresh_stream() -> tuple[int, int]:
    """An SSRC and a first sequence number no key has met. The lower half of the numbers, so that the peer's first
    guess of our roll-over counter is right (RFC 3711 3.3.1)."""
    return secrets.randbits(32), secrets.randbits(15)


def _key(text: str, size: int) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadKeyError("an SRTP key that is no base64") from None
    if len(key) != size:
        raise BadKeyError(f"an SRTP key of {len(key)} bytes in place of {size}")
    return key
