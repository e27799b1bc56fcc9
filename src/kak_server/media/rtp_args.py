"""What control says of an RTP leg: the arguments of leg.create_rtp, leg.modify and leg.dtmf (see `rpc`).

Fields are only ever added, with defaults that mean what there was before: a worker outlives a control process.
"""

import hashlib
from dataclasses import field, replace
from typing import Literal

from kak_server.model.codec import dumps
from kak_server.model.ids import LegId
from kak_server.model.light import frozen

Codec = Literal["PCMA", "PCMU", "opus"]
Suite = Literal["", "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_32"]
Same = Literal["same"]

DTMF_MIN_MS, DTMF_MAX_MS = 40, 5_000
DTMF_DIGITS_MAX = 64


@frozen
class SrtpKeys:
    """SRTP of a leg (RFC 3711, RFC 7714): master key and salt each way, as base64. No repr shows them.

    Without a suite the keys are not agreed yet: nothing is sent, and what comes is thrown away.
    """

    suite: Suite = ""
    send_key: str = field(default="", repr=False)
    receive_key: str = field(default="", repr=False)
    receive_mki_bytes: int = 0  # so long a master key identifier is in each of the peer's packets


@frozen
class CreateRtp:
    """op leg.create_rtp: an RTP leg on a port control chose and journalled. Result: {"port": int}.

    Sequence numbers and timestamps are a function of time, `seq0 + (now - epoch_ms)/20` and `ts0 + 8*(now - epoch_ms)`
    (Opus: 48*), so that a worker started anew goes on where the dead one was, under the same SSRC. A leg with `srtp`
    draws an SSRC and a sequence of its own whenever it is made, so that no key meets the same SSRC and index twice.
    The peer's address is learned from the first valid packet (symmetric RTP; with `srtp`: the first authentic one),
    once, then strict; `peer` is where to send until then.
    """

    leg: LegId
    port: int
    ssrc: int
    seq0: int
    ts0: int
    epoch_ms: int
    bind_host: str = "127.0.0.1"
    codec: Codec = "PCMA"
    payload_type: int = 8
    dtmf_payload_type: int | None = None
    peer_host: str = ""
    peer_port: int = 0
    learned: bool = False  # peer is already learned: take packets from it only
    gated: bool = False  # sends only while its uplink lease runs (towards the radio); G.711 only
    gate_buffer_ms: int = 0  # what speaks into a shut gate is kept at most so long and played when it opens
    silent_after_ms: int = 10_000  # leg.silent after so long without RTP; repeated at that interval
    dtmf_clock_hz: int = 8_000
    srtp: SrtpKeys | None = None  # None: plain RTP
    rtcp_mux: bool = False  # RTCP on the same port (RFC 5761), both ways; without it there is none


@frozen
class ModifyRtp:
    """op leg.modify: the peer's session changed (re-INVITE): new address until learned anew, codec, keys, direction.
    What is "same" stays as the leg has it."""

    leg: LegId
    peer_host: str
    peer_port: int
    payload_type: int = 8
    codec: Codec = "PCMA"
    send: bool = True
    dtmf_payload_type: int | Same | None = "same"
    dtmf_clock_hz: int = 8_000
    srtp: SrtpKeys | Same | None = "same"
    rtcp_mux: bool | Same = "same"


@frozen
class SendDtmf:
    """op leg.dtmf: digits (0-9 * # A-D) to the peer as telephone-events (RFC 4733), in place of its audio.

    `send` names the order: the same again sends nothing again. Orders of a leg wait for each other. Event leg.dtmf_sent
    when the last digit is out. Codes "no_dtmf" (the peer takes no telephone-events), "limit" (too many digits wait).
    """

    leg: LegId
    send: str
    digits: str
    duration_ms: int = 120
    gap_ms: int = 80


def applied(leg: CreateRtp, args: ModifyRtp) -> CreateRtp:
    """The leg's session after a change, the peer's address apart."""
    same = args.dtmf_payload_type == "same"
    return replace(
        leg,
        payload_type=args.payload_type,
        codec=args.codec,
        dtmf_payload_type=leg.dtmf_payload_type if args.dtmf_payload_type == "same" else args.dtmf_payload_type,
        dtmf_clock_hz=leg.dtmf_clock_hz if same else args.dtmf_clock_hz,
        srtp=leg.srtp if args.srtp == "same" else args.srtp,
        rtcp_mux=leg.rtcp_mux if args.rtcp_mux == "same" else args.rtcp_mux,
    )


def session_mark(leg: CreateRtp) -> str:
    """A few letters that differ when codec, numbers or keys do: so a census tells whether a change arrived, and no
    key. (A key has 128 random bits or more, so nobody gets from its hash to it.)"""
    session = (
        leg.codec,
        leg.payload_type,
        leg.dtmf_payload_type,
        leg.dtmf_clock_hz,
        leg.rtcp_mux,
        dumps(leg.srtp).decode(),
    )
    return hashlib.sha256(dumps(session)).hexdigest()[:16]


def modified(leg: CreateRtp, host: str, port: int, *, send: bool = True) -> ModifyRtp:
    """The change that brings a leg to what its record says, with the peer at host:port."""
    return ModifyRtp(
        leg.leg,
        host,
        port,
        leg.payload_type,
        leg.codec,
        send,
        leg.dtmf_payload_type,
        leg.dtmf_clock_hz,
        leg.srtp,
        leg.rtcp_mux,
    )
