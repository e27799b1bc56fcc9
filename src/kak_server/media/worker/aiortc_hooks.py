"""Everything private of aiortc and aioice that we use, in one place (tests/unit/media/test_aiortc_contract.py pins it).

aiortc does SDP, ICE and DTLS. Its RTP path (a decoder thread, an encoder and two tasks for each m-line, a queue and a
task switch for each packet) is left out: senders and receivers never start, SRTP datagrams are taken at the ICE socket
and put there. libsrtp (pylibsrtp) is called directly with the keys of the DTLS handshake.
"""

import socket
from collections.abc import Callable

import pylibsrtp
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate, RTCDtlsTransport, State

from kak_server.media.engine.rtp import is_rtcp
from kak_server.media.worker.ice_ports import IcePorts, NoIcePortError
from kak_server.media.worker.sdp import Direction

RECEIVE_BUFFER_BYTES = 1_048_576
_MIME = {"audio": "audio/opus", "video": "video/VP8"}
_PARAMETERS: dict[str, dict[str, int | str | None]] = {
    "audio": {"minptime": 10, "useinbandfec": 1, "usedtx": 0},
    "video": {},
}

OnPacket = Callable[[bytes], None]


class SrtpPath:
    """The encrypted path of one PeerConnection: plain RTP and RTCP in, plain RTP and RTCP out."""

    def __init__(self, dtls: RTCDtlsTransport, on_rtp: OnPacket, on_rtcp: OnPacket) -> None:
        self.undecryptable = 0
        self._dtls = dtls
        self._ice: Connection = dtls.transport._connection
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp

    @property
    def state(self) -> str:
        """The DTLS transport's: new, connecting, connected, closed or failed."""
        return str(self._dtls.state)

    def on_datagram(self, data: bytes) -> None:
        """An SRTP or SRTCP datagram of whoever; only the peer's can be decrypted."""
        session: pylibsrtp.Session | None = self._dtls._rx_srtp
        if session is None:  # no keys yet
            return
        try:
            if is_rtcp(data):
                plain, deliver = session.unprotect_rtcp(data), self._on_rtcp
            else:
                plain, deliver = session.unprotect(data), self._on_rtp
        except pylibsrtp.Error:
            self.undecryptable += 1
            return
        deliver(plain)

    def send(self, packet: bytes) -> bool:
        """Encrypt and send RTP or RTCP. False while there is no path."""
        pair = self._ice._nominated.get(1)
        if pair is None or self._dtls._state is not State.CONNECTED:
            return False
        session = self._dtls._tx_srtp
        sealed = session.protect_rtcp(packet) if is_rtcp(packet) else session.protect(packet)
        pair.protocol.transport.sendto(sealed, pair.remote_addr)
        return True


class _MediaProtocol(StunProtocol):
    """aioice's socket, with a short way for media."""

    def __init__(self, connection: Connection, media: OnPacket) -> None:
        super().__init__(connection)
        self._media = media

    def datagram_received(self, data: bytes | str, addr: tuple[object, ...]) -> None:
        # RFC 7983: a first byte of 128-191 is RTP or RTCP, 0-3 STUN, 20-63 DTLS
        if isinstance(data, bytes) and len(data) > 1 and 127 < data[0] < 192:
            self._media(data)
        else:
            super().datagram_received(data, addr)


def new_peer_connection(kinds: list[str], directions: list[Direction]) -> RTCPeerConnection:
    """A PeerConnection with a codec-free transceiver for each m-line of the offer, all on one transport."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    for kind, direction in zip(kinds, directions, strict=True):
        transceiver = pc.addTransceiver(kind, direction=direction)
        transceiver.setCodecPreferences([c for c in get_capabilities(kind).codecs if c.mimeType == _MIME[kind]])
        transceiver.sender.send = _start_nothing  # type: ignore[method-assign]
        transceiver.receiver.receive = _start_nothing  # type: ignore[method-assign]
    return pc


def warm_up() -> None:
    """Make what the first handshake would spend 20 ms of a tick on."""
    RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)


async def _start_nothing(parameters: object) -> None:
    """Stands in for RTCRtpSender.send and RTCRtpReceiver.receive: no thread, no task, nothing registered."""


def dtls_transport(pc: RTCPeerConnection) -> RTCDtlsTransport:
    """The one transport of all m-lines."""
    return pc.getTransceivers()[0].receiver.transport


def ssrc_of(transceiver: RTCRtpTransceiver) -> int:
    """The SSRC our answer announces for what this m-line sends."""
    return int(transceiver.sender._ssrc)


def payload_type_of(transceiver: RTCRtpTransceiver) -> int:
    """The negotiated codec's payload type."""
    payload_type = transceiver._codecs[0].payloadType
    assert payload_type is not None, "negotiation gives every codec a payload type"
    return payload_type


async def answer(pc: RTCPeerConnection, offer_sdp: str, path: SrtpPath, ports: IcePorts) -> str:
    """Take the offer, bind ICE sockets of the configured range, give the answer. Raises what aiortc raises."""
    await pc.setRemoteDescription(RTCSessionDescription(offer_sdp, "offer"))
    for transceiver in pc.getTransceivers():
        transceiver._headerExtensions = []
        for codec in transceiver._codecs:
            codec.parameters = dict(_PARAMETERS[transceiver.kind])
    problems = use_ports(pc, path, ports)
    await pc.setLocalDescription(await pc.createAnswer())
    if not hooked_sockets(pc):
        raise problems[0] if problems else NoIcePortError("no address to bind")
    return str(pc.localDescription.sdp)


def hooked_sockets(pc: RTCPeerConnection) -> int:
    """How many ICE sockets were bound."""
    return len(dtls_transport(pc).transport._connection._protocols)


def use_ports(pc: RTCPeerConnection, path: SrtpPath, ports: IcePorts) -> list[NoIcePortError]:
    """Gather candidates on `ports` only, with `path` taking their media. Problems are in the list after gathering."""
    connection: Connection = dtls_transport(pc).transport._connection
    problems: list[NoIcePortError] = []

    async def host_candidates(component: int, addresses: list[str], **_unused: int) -> list[Candidate]:
        """In place of Connection.get_component_candidates, which binds port 0 on every interface but loopback."""
        for number, address in enumerate(ports.addresses):
            try:
                protocol = await ports.bind(address, lambda: _MediaProtocol(connection, path.on_datagram))
            except NoIcePortError as problem:
                problems.append(problem)
                continue
            connection._protocols.append(protocol)
            protocol.local_candidate = _candidate(protocol, address, component, number)
        return [protocol.local_candidate for protocol in connection._protocols]

    connection.get_component_candidates = host_candidates  # type: ignore[assignment, method-assign]
    return problems


def _candidate(protocol: StunProtocol, host: str, component: int, number: int) -> Candidate:
    sock = protocol.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    port = protocol.transport.get_extra_info("sockname")[1]
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host", 65_535 - number),
        host=host,
        port=port,
        type="host",
    )
