"""TLS listeners with real handshakes on loopback."""

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from kak_server.sip.aio.tls import TlsContexts, certificate_names
from kak_server.sip.api import CallConfirmed, CallEnded, ListenerSettings, SipSettings, TrunkSettings
from kak_server.sip.listening import ListenSpec, StreamLimits, TlsFiles
from tests.unit.sip.aio.certificates import Authority
from tests.unit.sip.aio.test_server import LAB, House, TcpPhone
from tests.unit.sip.uac import ANSWER

LISTENER = ListenerSettings("main", "127.0.0.1", 5060, 5061, ("udp", "tcp", "tls"), (4,))
SECURE = replace(LAB, listeners=(LISTENER,))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def files_of(authority: Authority, *, client_ca: bool = False, required: bool = False, verify: bool = True) -> TlsFiles:
    cert, key = authority.issue("server", "127.0.0.1", "sip.kak.example", file="server")
    ca = str(authority.path)
    return TlsFiles(cert, key, ca if client_ca else "", required, ca, verify)


@asynccontextmanager
async def listening(
    tls: TlsFiles, settings: SipSettings = SECURE, limits: StreamLimits | None = None
) -> AsyncIterator[House]:
    house = House(settings=settings)
    spec = ListenSpec(transports=("udp", "tcp", "tls"), tls=tls, limits=limits or StreamLimits())
    await house.server.listen((spec,))
    try:
        yield house
    finally:
        await house.server.stop()


def client_context(authority: Authority, own: tuple[str, str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.path))
    context.check_hostname = True
    if own is not None:
        context.load_cert_chain(*own)
    return context


async def dial(house: House, context: ssl.SSLContext) -> TcpPhone:
    streams = await asyncio.open_connection("127.0.0.1", house.server.tls_port(), ssl=context)
    phone = TcpPhone(*streams)
    phone.caller.transport = "TLS"
    return phone


async def refused(house: House, context: ssl.SSLContext) -> bool:
    """Whether the server wants no connection. With TLS 1.3 the client learns so only when it reads."""
    try:
        phone = await dial(house, context)
    except (ssl.SSLError, ConnectionError):
        return True
    try:
        await status_of_options(phone)
    except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
        return True
    finally:
        phone.writer.transport.abort()
    return False


async def status_of_options(phone: TcpPhone) -> int:
    await phone.send(phone.caller.request("OPTIONS"))
    return (await phone.receive()).status


def served_certificate(phone: TcpPhone) -> bytes:
    found = phone.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("scheme", ["sip", "sips"])
async def test_a_call_over_tls(authority: Authority, scheme: str) -> None:
    async with listening(files_of(authority)) as house:
        house.act = lambda event: house.server.answer(event.call, ANSWER)
        phone = await dial(house, client_context(authority))
        phone.caller.uri = f"{scheme}:113@127.0.0.1"
        await phone.send(phone.caller.invite())
        answer = await phone.until(200)
        # 12.1.1: what was asked for with sips is answered with a sips Contact
        expected = "<sips:127.0.0.1:5061>" if scheme == "sips" else "<sip:127.0.0.1:5061;transport=tls>"
        assert answer["contact"] == expected
        phone.caller.to_tag = answer.to_tag
        await phone.send(phone.caller.ack())
        await house.until(lambda: CallConfirmed in map(type, house.events))
        (call,) = house.core.calls()
        house.server.hangup(call)
        bye = await phone.receive()
        assert bye.method == "BYE"
        assert bye["via"].startswith("SIP/2.0/TLS 127.0.0.1:5061;")
        assert bye["contact"] == expected
        await phone.send(phone.caller.respond(bye, 200))
        await house.until(lambda: CallEnded in map(type, house.events))
        await phone.close()
        await house.all_over()


async def test_sips_over_tcp_is_refused(authority: Authority) -> None:
    async with listening(files_of(authority)) as house:
        phone = await TcpPhone.connect(house.server)
        phone.caller.uri = "sips:113@127.0.0.1"
        await phone.send(phone.caller.invite())
        assert (await phone.receive()).status == 416
        await phone.close()


async def test_mutual_tls(authority: Authority, tmp_path: Path) -> None:
    """No certificate, or one of another authority: no connection. One of ours: served."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other")
    async with listening(files_of(authority, client_ca=True, required=True)) as house:
        for own in (None, other.issue("carrier", "sip.carrier.example")):
            assert await refused(house, client_context(authority, own))
        await house.until(lambda: house.names().count("sip_tls_failed") == 2)
        good = await dial(house, client_context(authority, authority.issue("carrier", "sip.carrier.example")))
        assert await status_of_options(good) == 200
        await good.close()


@pytest.mark.parametrize(
    ("own", "status"),
    [
        (("carrier", "sip.carrier.example"), 200),
        (("carrier", "sip:SIP.carrier.example"), 200),
        (("sip.carrier.example",), 200),
        (("carrier", "sip.other.example"), 403),
        (None, 403),
    ],
)
async def test_a_trunk_known_by_its_certificate(authority: Authority, own: tuple[str, ...] | None, status: int) -> None:
    trunk = TrunkSettings("carrier", ("127.0.0.1",), certificates=("SIP.carrier.example",))
    async with listening(files_of(authority, client_ca=True), replace(SECURE, trunks=(trunk,))) as house:
        phone = await dial(house, client_context(authority, authority.issue(*own) if own else None))
        assert await status_of_options(phone) == status
        await phone.close()
        plain = await TcpPhone.connect(house.server)  # its address alone is not enough
        await plain.send(plain.caller.request("OPTIONS"))
        assert (await plain.receive()).status == 403
        await plain.close()


def test_old_versions_are_refused(authority: Authority) -> None:
    """In the contexts: a client that still speaks TLS 1.1 can hardly be had any more."""
    contexts = TlsContexts(files_of(authority), lambda name, detail: None)
    for context in (contexts.server, contexts.client):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


async def test_certificates_are_renewed_without_dropping_connections(authority: Authority) -> None:
    tls = files_of(authority)
    async with listening(tls) as house:
        context = client_context(authority)
        before = await dial(house, context)
        assert await status_of_options(before) == 200
        cert, key = authority.issue("renewed", "127.0.0.1")
        shutil.copy(cert, tls.cert)
        shutil.copy(key, tls.key)
        house.server.renew_certificates()
        after = await dial(house, context)
        assert served_certificate(after) != served_certificate(before)
        assert await status_of_options(before) == 200
        assert await status_of_options(after) == 200
        shutil.copy(__file__, tls.cert)  # a broken file changes nothing
        house.server.renew_certificates()
        third = await dial(house, context)
        assert served_certificate(third) == served_certificate(after)
        assert [name for name in house.names() if name.startswith("sip_tls_reload")] == [
            "sip_tls_reloaded",
            "sip_tls_reload_failed",
        ]
        for phone in (before, after, third):
            await phone.close()


def test_a_changed_file_is_seen(authority: Authority) -> None:
    tls = files_of(authority)
    said: list[str] = []
    contexts = TlsContexts(tls, lambda name, _: said.append(name))
    first = contexts.server
    assert not contexts.renew()
    os.utime(tls.cert, ns=(1, 1))
    assert contexts.renew()
    assert contexts.server is not first
    os.unlink(tls.key)
    assert not contexts.renew()
    assert said == ["sip_tls_reloaded", "sip_tls_reload_failed"]


async def test_unusable_certificates_stop_the_start(tmp_path: Path) -> None:
    house = House()
    missing = TlsFiles(str(tmp_path / "none.crt"), str(tmp_path / "none.key"))
    with pytest.raises(OSError, match="No such file"):
        await house.server.listen((ListenSpec(transports=("tls",), tls=missing),))
    await house.server.stop()


async def test_a_handshake_that_does_not_happen_is_broken_off(authority: Authority) -> None:
    async with listening(files_of(authority), limits=StreamLimits(handshake_s=0.2)) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.server.tls_port())
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        talker, shouting = await asyncio.open_connection("127.0.0.1", house.server.tls_port())
        shouting.write(b"OPTIONS sip:x SIP/2.0\r\n\r\n")  # not TLS at all
        await asyncio.wait_for(talker.read(), 20)
        shouting.close()
        await house.until(lambda: house.names().count("sip_tls_failed") == 2)


@pytest.mark.parametrize(
    ("names", "trunk_names", "verify", "reached"),
    [
        (("127.0.0.1",), (), True, True),
        (("sip.carrier.example",), (), True, False),
        (("sip.carrier.example",), ("sip.carrier.example",), True, True),
        (("sip.carrier.example",), (), False, True),
    ],
)
async def test_whom_we_dial_must_prove_it(
    authority: Authority, names: tuple[str, ...], trunk_names: tuple[str, ...], verify: bool, reached: bool
) -> None:
    """The caller's connection is lost: our BYE goes over a new one to the Contact, if its certificate is right."""
    own = authority.issue("carrier", *names)
    arrived: asyncio.Queue[TcpPhone] = asyncio.Queue()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own)
    home = await asyncio.start_server(
        lambda reader, writer: arrived.put_nowait(TcpPhone(reader, writer)), "127.0.0.1", 0, ssl=context
    )
    port = home.sockets[0].getsockname()[1]
    trunk = TrunkSettings("carrier", ("127.0.0.1",), certificates=trunk_names)
    settings = replace(SECURE, trunks=(trunk,))
    async with listening(files_of(authority, client_ca=True, verify=verify), settings) as house:
        house.act = lambda event: house.server.answer(event.call, ANSWER)
        phone = await dial(house, client_context(authority, own))
        phone.caller.contact = f"<sip:caller@127.0.0.1:{port};transport=tls>"
        await phone.send(phone.caller.invite())
        phone.caller.to_tag = (await phone.until(200)).to_tag
        await phone.send(phone.caller.ack())
        await house.until(lambda: CallConfirmed in map(type, house.events))
        await phone.close()
        await house.until(lambda: house.core.census()["streams"] == 0)
        house.server.hangup(next(iter(house.core.calls())))
        if reached:
            again = await asyncio.wait_for(arrived.get(), 20)
            bye = await again.receive()
            assert bye.method == "BYE"
            await again.send(phone.caller.respond(bye, 200))
            await again.close()
            await house.all_over()
        else:
            await house.until(lambda: "sip_tls_refused" in house.names())
    home.close()


def test_names_in_a_certificate() -> None:
    certificate = {
        "subject": ((("countryName", "NO"),), (("commonName", "Carrier AS"),)),
        "subjectAltName": (
            ("DNS", "SIP.Example.com"),
            ("URI", "sip:example.com"),
            ("URI", "https://example.com"),
            ("IP Address", "192.0.2.1"),
            ("email", "x@example.com"),
        ),
    }
    assert certificate_names(certificate) == ("sip.example.com", "example.com", "192.0.2.1", "carrier as")
    assert certificate_names({}) == certificate_names(None) == ()


async def test_stopping_ends_connections_and_handshakes(authority: Authority) -> None:
    async with listening(files_of(authority), limits=StreamLimits(handshake_s=60)) as house:
        phone = await dial(house, client_context(authority))
        assert await status_of_options(phone) == 200
        _, silent = await asyncio.open_connection("127.0.0.1", house.server.tls_port())
        streams = house.server._listeners["main"].secure
        assert streams is not None
        await house.until(lambda: streams._taken["127.0.0.1"] == 2)
        async with asyncio.timeout(20):
            await house.server.stop()
        assert (len(streams), streams._taken.total(), len(streams._tasks)) == (0, 0, 0)
        assert house.core.census()["streams"] == 0
        await phone.closed()
        silent.close()


@pytest.mark.parametrize(
    "scenario",
    [
        test_a_handshake_that_does_not_happen_is_broken_off,
        test_certificates_are_renewed_without_dropping_connections,
        test_stopping_ends_connections_and_handshakes,
    ],
)
def test_the_same_on_uvloop(scenario: Callable[[Authority], Coroutine[None, None, None]], authority: Authority) -> None:
    uvloop.run(scenario(authority))


def test_mutual_tls_on_uvloop(authority: Authority, tmp_path: Path) -> None:
    uvloop.run(test_mutual_tls(authority, tmp_path))
