"""What worker/aiortc_hooks.py uses of aiortc and aioice below their public API.

aiortc is pinned exactly. When the pin moves, this file says first what has changed; then the hooks are to be looked at
line by line, not this test made to pass.
"""

import inspect
from importlib.metadata import version
from typing import Any

import aioice.ice
import pylibsrtp
import pytest
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcrtpsender import RTCRtpSender

from kak_server.media.worker import aiortc_hooks as hooks
from kak_server.media.worker.ice_ports import IcePorts
from tests.support.ports import free_port


def test_the_versions_that_were_read() -> None:
    assert version("aiortc") == "1.16.0"
    assert version("aioice").split(".")[:2] == ["0", "13"]


def test_the_methods_that_are_replaced_or_called() -> None:
    signatures: dict[Any, str] = {
        RTCRtpSender.send: "(self, parameters: aiortc.rtcrtpparameters.RTCRtpSendParameters) -> None",
        RTCRtpReceiver.receive: "(self, parameters: aiortc.rtcrtpparameters.RTCRtpReceiveParameters) -> None",
        aioice.ice.Connection.get_component_candidates: (
            "(self, component: int, addresses: list[str], timeout: int = 5) -> list[aioice.candidate.Candidate]"
        ),
        aioice.ice.StunProtocol.datagram_received: "(self, data: bytes | str, addr: tuple[typing.Any, ...]) -> None",
        aioice.ice.StunProtocol.__init__: "(self, receiver: 'Connection') -> None",
        candidate_priority: "(candidate_component: int, candidate_type: str, local_pref: int = 65535) -> int",
        candidate_foundation: "(candidate_type: str, candidate_transport: str, base_address: str) -> str",
    }
    for function, expected in signatures.items():
        assert str(inspect.signature(function)) == expected, function


def test_gathering_goes_through_the_method_that_is_replaced() -> None:
    source = inspect.getsource(aioice.ice.Connection.gather_candidates)
    assert "self.get_component_candidates(component=component, addresses=addresses)" in source
    assert "await self._connection.gather_candidates()" in inspect.getsource(RTCIceGatherer.gather)


def test_senders_and_receivers_that_never_started_stop_at_once() -> None:
    for stop in (RTCRtpSender.stop, RTCRtpReceiver.stop):
        body = inspect.getsource(stop)
        assert "if self.__started:" in body
    connect = inspect.getsource(RTCPeerConnection.__dict__["_RTCPeerConnection__connect"])
    assert "await transceiver.sender.send(" in connect
    assert "await transceiver.receiver.receive(" in connect


def test_the_keys_are_where_the_hooks_look() -> None:
    setup = inspect.getsource(RTCDtlsTransport._setup_srtp)
    assert "self._rx_srtp = Session(rx_policy)" in setup
    assert "self._tx_srtp = Session(tx_policy)" in setup
    assert State.CONNECTED.name == "CONNECTED"
    for method in ("protect", "protect_rtcp", "unprotect", "unprotect_rtcp"):
        assert callable(getattr(pylibsrtp.Session, method))
    assert "self._nominated[pair.component] = pair" in inspect.getsource(aioice.ice.Connection.check_complete)
    assert "active_pair.remote_addr" in inspect.getsource(aioice.ice.Connection.sendto)


async def test_instances_have_the_names_that_are_used() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    one, two = pc.addTransceiver("audio"), pc.addTransceiver("audio")
    assert one.receiver.transport is two.receiver.transport, "one transport under MAX_BUNDLE"
    dtls = one.receiver.transport
    assert isinstance(dtls, RTCDtlsTransport)
    assert isinstance(dtls.transport, RTCIceTransport)
    assert [dtls._rx_srtp, dtls._tx_srtp] == [None, None]
    assert dtls._state == State.NEW
    assert dtls.state == "new"
    connection = dtls.transport._connection
    assert isinstance(connection, aioice.ice.Connection)
    assert connection._nominated == {}
    assert connection._protocols == []
    assert isinstance(one.sender._ssrc, int)
    assert one._codecs == []
    assert one._headerExtensions == []
    await pc.close()


@pytest.fixture
def ports() -> IcePorts:
    base = free_port()
    return IcePorts(base, base + 50, ("127.0.0.1",))


async def test_an_answer_starts_no_thread_and_uses_our_ports(ports: IcePorts) -> None:
    browser = RTCPeerConnection()
    for direction in ("sendrecv", "recvonly"):
        browser.addTransceiver("audio", direction=direction)
    await browser.setLocalDescription(await browser.createOffer())
    pc = hooks.new_peer_connection(["audio", "audio"], ["sendrecv", "sendonly"])
    path = hooks.SrtpPath(hooks.dtls_transport(pc), lambda data: None, lambda data: None)
    answer = await hooks.answer(pc, browser.localDescription.sdp, path, ports)
    candidates = [line.split() for line in answer.splitlines() if line.startswith("a=candidate:")]
    assert {candidate[4] for candidate in candidates} == {"127.0.0.1"}
    assert len({candidate[5] for candidate in candidates}) == 1, "one socket for both m-lines"
    assert [line for line in answer.splitlines() if line.startswith("a=rtpmap:")] == ["a=rtpmap:96 opus/48000/2"] * 2
    assert [line for line in answer.splitlines() if line in ("a=sendrecv", "a=sendonly")] == [
        "a=sendrecv",
        "a=sendonly",
    ]
    assert "a=extmap" not in answer
    assert not path.send(b"\x80\x60" + bytes(20)), "no path yet"
    path.on_datagram(b"\x80\x60" + bytes(20))
    await pc.close()
    await browser.close()


def test_a_candidate_has_the_fields_we_give() -> None:
    fields = set(inspect.signature(Candidate).parameters)
    assert {"foundation", "component", "transport", "priority", "host", "port", "type"} <= fields
