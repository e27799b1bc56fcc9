"""Real peers over IPv6 and TLS, and a server full of half-open connections."""

import asyncio
import shutil
import socket
import wave
from pathlib import Path

import pytest

from kak_server.sip.api import CallConfirmed, CallEnded, TrunkSettings
from kak_server.sip.listening import ListenSpec, StreamLimits, TlsFiles
from tests.integration.test_sip_with_sipp import House, all_over, running, sipp
from tests.support.baresip import baresip_call, needs_baresip
from tests.support.ports import free_port
from tests.unit.sip.aio.certificates import Authority

HALF_OPEN = 1_000

pytestmark = pytest.mark.real_peer
needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")


@needs_sipp
@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_calls_over_ipv6(transport: str, tmp_path: Path) -> None:
    async with running(House.answer, spec=ListenSpec(host="::1")) as house:
        await sipp(house, "uac_basic", "-t", transport, "-m", "10", "-r", "10", folder=tmp_path, host="::1")
        assert [event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)] == ["bye"] * 10
        sent = b"".join(house.core.sent)
        assert b"Contact: <sip:[::1]:" in sent
        assert b"c=IN IP6 ::1\r\n" in sent
        await all_over(house)


@needs_sipp
async def test_half_open_connections_do_not_hurt_calls(tmp_path: Path) -> None:
    """A thousand connections to TCP and TLS that never say a thing, from an address of no trunk (127.0.0.1); the
    trunk (::1, on the same dual-stack listener) calls over UDP and over TCP meanwhile. What they hold is bounded."""
    authority = Authority(tmp_path)
    tls = TlsFiles(*authority.issue("server", "127.0.0.1"))
    limits = StreamLimits(max_connections=300, max_strangers=50, handshake_s=30, stranger_idle_s=30)
    spec = ListenSpec(host="::", transports=("udp", "tcp", "tls"), tls=tls, dual_stack=True, limits=limits)
    trunk = TrunkSettings("lab", ("::1",))
    async with running(House.answer, spec=spec, trunk=trunk) as house:
        attackers: list[socket.socket] = []
        try:
            for number in range(HALF_OPEN):
                attacker = socket.create_connection(
                    ("127.0.0.1", house.server.port if number % 2 else house.server.tls_port()), 5
                )
                attackers.append(attacker)
                await asyncio.sleep(0)
            await house.until(
                lambda: sum("strangers" in count.detail for count in house.counts) >= HALF_OPEN - 2 * 50, seconds=20
            )
            assert house.core.census()["streams"] == 50  # TCP; those of TLS have not shaken hands yet
            for transport in ("u1", "t1"):
                await sipp(house, "uac_basic", "-t", transport, "-m", "20", "-r", "20", folder=tmp_path, host="::1")
            assert len(house.of(CallEnded)) == 40
        finally:
            for attacker in attackers:
                attacker.close()
        await all_over(house)


def silence(path: Path) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16_000))
    return path


def in_one_file(path: Path, cert: str, key: str) -> Path:
    """Certificate and key together, as baresip wants them."""
    path.write_bytes(Path(cert).read_bytes() + Path(key).read_bytes())
    return path


@needs_baresip
async def test_baresip_calls_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = TlsFiles(*authority.issue("server", "127.0.0.1"), client_ca=str(authority.path), require_client_cert=True)
    own = in_one_file(tmp_path / "baresip.pem", *authority.issue("carrier", "sip.carrier.example"))
    spec = ListenSpec(transports=("udp", "tls"), tls=tls, tls_port=free_port())  # it is in our Contact
    trunk = TrunkSettings("lab", ("127.0.0.1",), certificates=("sip.carrier.example",))
    async with running(House.answer, spec=spec, trunk=trunk) as house:
        target = f"sip:113@127.0.0.1:{house.server.tls_port()}"  # its account adds the transport
        config = f"sip_certificate {own}\nsip_cafile {authority.path}\n"
        wav = silence(tmp_path / "silence.wav")
        async with baresip_call(tmp_path, "+4722000001", target, wav, transport="tls", config=config) as log:
            try:
                await house.until(lambda: bool(house.of(CallConfirmed)))
            except TimeoutError:
                pytest.fail(f"{log.read_text(errors='replace')[-2000:]}\n{house.counts}")
            (call,) = house.core.calls()
            assert house.server.hangup(call)
            await house.until(lambda: house.records == {})
        assert [event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)] == ["hangup"]
        await all_over(house)
