"""RTP phones with SRTP by libsrtp, and with Opus: peers of our own for media tests."""

import base64
import contextlib
import os
import time
from collections import deque

import numpy as np
import pylibsrtp

from kak_server.media import rpc
from kak_server.media.engine import opus, rtcp, rtp
from kak_server.media.rtp_args import Suite
from tests.support.media_peers import FRAME, RtpPhone, Samples

KEY_BYTES: dict[Suite, int] = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "AEAD_AES_128_GCM": 28,
}
_PROFILES: dict[Suite, int] = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
}


class SrtpPhone(RtpPhone):
    """An RtpPhone whose packets are protected. `keys` are for the leg at the other end."""

    def __init__(self, frequency_hz: float | None = None, suite: Suite = "AES_CM_128_HMAC_SHA1_80") -> None:
        super().__init__(frequency_hz)
        self.suite = suite
        self.unreadable = 0
        self.sealed: deque[bytes] = deque(maxlen=100)  # the newest that left
        self.reports: list[rtcp.Feedback] = []
        self._theirs = os.urandom(KEY_BYTES[suite])
        self.rekey()
        self._in = self._session(self._theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def rekey(self) -> None:
        """Send with another key from now on."""
        self._ours = os.urandom(KEY_BYTES[self.suite])
        self.out = self._session(self._ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)

    @property
    def keys(self) -> rpc.SrtpKeys:
        """Both keys, as the leg needs them."""
        theirs, ours = (base64.b64encode(key).decode() for key in (self._theirs, self._ours))
        return rpc.SrtpKeys(self.suite, theirs, ours)

    def _session(self, key: bytes, ssrcs: int) -> pylibsrtp.Session:
        return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=ssrcs, srtp_profile=_PROFILES[self.suite]))

    def send_payload(self, payload_type: int, payload: bytes, marker: bool = False) -> None:
        """One packet, protected."""
        assert self.target is not None
        plain = rtp.build(marker, payload_type, self.sequence, self.timestamp, self.ssrc, payload)
        self.sealed.append(self.out.protect(plain))
        self.sock.sendto(self.sealed[-1], self.target)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.sent += 1

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.sock.recv(2_048)
                try:
                    if rtp.is_rtcp(data):
                        self.reports.append(rtcp.parse(self._in.unprotect_rtcp(data)))
                        continue
                    packet = rtp.parse(self._in.unprotect(data))
                except pylibsrtp.Error:
                    self.unreadable += 1
                    continue
                assert packet is not None
                self.packets.append(packet)
                self.arrivals.append(time.monotonic())


class OpusPhone(RtpPhone):
    """An RtpPhone that speaks Opus, number 111, on its 48 kHz clock."""

    def __init__(self, frequency_hz: float | None = None) -> None:
        super().__init__(frequency_hz, payload_type=111)
        self._encoder = opus.OpusEncoder()

    def send_frame(self, samples: Samples) -> None:
        """One packet of 20 ms."""
        assert len(samples) == FRAME
        self.send_payload(self.payload_type, self._encoder.encode(samples))
        self.timestamp += 960

    def heard(self, last: int) -> Samples:
        """The newest packets, decoded."""
        decoder = opus.OpusDecoder()
        frames = [decoder.decode(packet.payload) for packet in self.packets[-last:] if packet.payload_type == 111]
        return np.concatenate(frames) if frames else np.zeros(0, np.int16)
