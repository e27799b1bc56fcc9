"""The shell on real loopback sockets, on asyncio's loop and (some) on uvloop, which the server runs on."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace

import pytest
import uvloop

from kak_server.model.codec import Json
from kak_server.sip.aio.dns import Locator
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import (
    CallConfirmed,
    CallEnded,
    Count,
    Flow,
    IncomingCall,
    SipEvent,
    SipSettings,
    TrunkSettings,
)
from kak_server.sip.core import SipCore
from kak_server.sip.listening import StreamLimits
from tests.unit.sip.hostile import MESSAGES
from tests.unit.sip.uac import ANSWER, SETTINGS, Caller, Reply

LAB = replace(
    SETTINGS,
    advertised_host="127.0.0.1",
    trunks=(TrunkSettings("lab", ("127.0.0.1", "::1")),),
    t1_ms=20,
    t2_ms=80,
    t4_ms=100,
)


@dataclass
class House:
    limits: StreamLimits = field(default_factory=StreamLimits)
    act: Callable[[IncomingCall], object] = lambda event: None
    events: list[SipEvent] = field(default_factory=list)
    records: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    settings: SipSettings = LAB
    locator: Locator | None = None

    def __post_init__(self) -> None:
        serial = itertools.count(1)
        self.core = SipCore(self.settings, lambda kind: f"{kind}{next(serial)}")
        self.server = SipServer(
            self.core,
            clock=lambda: time.time_ns() // 1_000_000,
            on_event=self.on_event,
            put_record=self.put,
            delete_record=self.records.__delitem__,
            count=self.counts.append,
            limits=self.limits,
            locator=self.locator,
        )

    def put(self, key: str, value: Mapping[str, Json]) -> None:
        self.records[key] = value
        self.order.append(f"put {value['state']}")

    def on_event(self, event: SipEvent) -> None:
        self.events.append(event)
        self.order.append(type(event).__name__)
        if isinstance(event, IncomingCall):
            self.act(event)

    def names(self) -> list[str]:
        return [count.name for count in self.counts]

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not happened():  # noqa: ASYNC110  what is awaited is a state, not one event
                await asyncio.sleep(0.01)

    async def all_over(self) -> None:
        await self.until(lambda: not any(self.core.census().values()))
        assert self.records == {}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    await made.server.start("127.0.0.1", 0)
    yield made
    await made.server.stop()


class UdpPhone:
    """A bare UDP socket."""

    def __init__(self, server: SipServer) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.address = ("127.0.0.1", server.port)
        host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.caller = Caller(contact=f"<sip:caller@{host}>")
        self.host = host

    async def send(self, text: str) -> None:
        text = text.replace("192.0.2.10:5060;branch", f"{self.host};branch", 1)
        self.raw(text.encode())
        await asyncio.sleep(0)

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, self.address)  # loopback takes a datagram at once

    async def receive(self) -> Reply:
        async with asyncio.timeout(20):
            return Reply.of(await asyncio.get_running_loop().sock_recv(self.socket, 65_535))

    async def until(self, status: int) -> Reply:
        while (reply := await self.receive()).status != status:
            continue
        return reply


class TcpPhone:
    """A bare TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.caller = Caller(transport="TCP")

    @classmethod
    async def connect(cls, server: SipServer) -> "TcpPhone":
        return cls(*await asyncio.open_connection("127.0.0.1", server.port))

    async def send(self, text: str | bytes) -> None:
        self.writer.write(text if isinstance(text, bytes) else text.encode())
        await self.writer.drain()

    async def receive(self) -> Reply:
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            return Reply.of(head + await self.reader.readexactly(length))

    async def until(self, status: int) -> Reply:
        while (reply := await self.receive()).status != status:
            continue
        return reply

    async def closed(self) -> None:
        async with asyncio.timeout(20):
            try:
                while await self.reader.read(65_536):
                    continue
            except ConnectionResetError:
                return

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionResetError:
            return


async def test_a_call_over_udp_answered_from_inside_the_event(house: House) -> None:
    def act(event: IncomingCall) -> None:
        assert house.server.ring(event.call)
        assert house.server.answer(event.call, ANSWER)
        house.order.append("act ends")

    house.act = act
    phone = UdpPhone(house.server)
    await phone.send(phone.caller.invite())
    ringing, answer = await phone.receive(), await phone.receive()
    assert [ringing.status, answer.status] == [180, 200]  # 17.2.1: no 100 where something better follows at once
    # the commands ran inside on_event, their outputs left after it: the journal before the 200
    assert house.order[:4] == ["put pending", "IncomingCall", "act ends", "put accepted"]
    phone.caller.to_tag = answer.to_tag
    await phone.send(phone.caller.ack())
    await phone.send(phone.caller.later("BYE"))
    await phone.until(200)
    assert [type(event) for event in house.events] == [IncomingCall, CallConfirmed, CallEnded]
    await house.all_over()
    phone.socket.close()


async def test_the_timer_repeats_the_200(house: House) -> None:
    house.act = lambda event: house.server.answer(event.call, ANSWER)
    phone = UdpPhone(house.server)
    await phone.send(phone.caller.invite())
    await phone.until(200)
    again = [await phone.receive() for _ in range(3)]
    assert [reply.status for reply in again] == [200, 200, 200]
    phone.socket.close()


async def test_tcp_pings_pieces_and_pipelines(house: House) -> None:
    phone = await TcpPhone.connect(house.server)
    await phone.send(b"\r\n\r\n")
    assert await phone.reader.readexactly(2) == b"\r\n"
    text = phone.caller.request("OPTIONS").encode()
    for start in range(0, len(text), 50):
        await phone.send(text[start : start + 50])
        await asyncio.sleep(0)
    assert (await phone.receive()).status == 200
    await phone.send(text * 3)
    assert [(await phone.receive()).status for _ in range(3)] == [200, 200, 200]
    await phone.close()
    await house.all_over()


async def test_a_stream_without_framing_is_answered_and_closed(house: House) -> None:
    phone = await TcpPhone.connect(house.server)
    await phone.send(phone.caller.request("OPTIONS").replace("Content-Length: 0\r\n", ""))
    assert (await phone.receive()).status == 400
    await phone.closed()
    await phone.close()
    await house.all_over()


async def test_a_lost_connection_is_dialled_again(house: House) -> None:
    """18.2.2 and 12.2.1.1: our BYE goes over a new connection to the Contact."""
    house.act = lambda event: house.server.answer(event.call, ANSWER)
    arrived: asyncio.Queue[TcpPhone] = asyncio.Queue()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.put_nowait(TcpPhone(reader, writer))

    home = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = home.sockets[0].getsockname()[1]
    phone = await TcpPhone.connect(house.server)
    phone.caller.contact = f"<sip:caller@127.0.0.1:{port};transport=tcp>"
    await phone.send(phone.caller.invite())
    phone.caller.to_tag = (await phone.until(200)).to_tag
    await phone.send(phone.caller.ack())
    await house.until(lambda: CallConfirmed in map(type, house.events))
    await phone.close()
    await house.until(lambda: house.core.census()["streams"] == 0)
    (call,) = house.core.calls()
    assert house.server.hangup(call)
    again = await asyncio.wait_for(arrived.get(), 20)
    bye = await again.receive()
    assert bye.method == "BYE"
    await again.send(phone.caller.respond(bye, 200))
    await house.until(lambda: house.records == {})
    await again.close()
    home.close()
    await house.all_over()


async def test_a_peer_that_cannot_be_dialled_is_counted(house: House) -> None:
    house.act = lambda event: house.server.answer(event.call, ANSWER)
    phone = await TcpPhone.connect(house.server)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        phone.caller.contact = f"<sip:caller@127.0.0.1:{taken.getsockname()[1]};transport=tcp>"
        await phone.send(phone.caller.invite())
        phone.caller.to_tag = (await phone.until(200)).to_tag
        await phone.send(phone.caller.ack())
        await house.until(lambda: CallConfirmed in map(type, house.events))
        await phone.close()
        await house.until(lambda: house.core.census()["streams"] == 0)
        house.server.hangup(next(iter(house.core.calls())))
        await house.until(lambda: "sip_undeliverable" in house.names())
        await house.all_over()


@pytest.mark.parametrize(
    ("limits", "data", "reason"),
    [
        (StreamLimits(idle_s=0.1, sweep_s=0.05), b"", "idle"),
        (StreamLimits(unfinished_s=0.1, sweep_s=0.05), b"OPTIONS sip:x SIP/2.0\r\nVia: ", "not finished"),
    ],
)
async def test_idle_and_stuck_connections_are_closed(limits: StreamLimits, data: bytes, reason: str) -> None:
    house = House(limits)
    await house.server.start("127.0.0.1", 0)
    phone = await TcpPhone.connect(house.server)
    await phone.send(data)
    await phone.closed()
    assert reason in next(count.detail for count in house.counts if count.name == "sip_stream_closed")
    await phone.close()
    await house.server.stop()


async def test_connections_are_bounded() -> None:
    house = House(StreamLimits(max_connections=1))
    await house.server.start("127.0.0.1", 0)
    first = await TcpPhone.connect(house.server)
    await first.send(first.caller.request("OPTIONS"))
    assert (await first.receive()).status == 200
    second = await TcpPhone.connect(house.server)
    await second.closed()
    assert "sip_stream_closed" in house.names()
    await first.send(first.caller.request("OPTIONS"))
    assert (await first.receive()).status == 200
    for phone in (first, second):
        await phone.close()
    await house.server.stop()


async def test_a_fault_of_the_house_does_not_stop_the_others(house: House) -> None:
    faults: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["message"]))

    def act(event: IncomingCall) -> None:
        raise RuntimeError("a bug")

    house.act = act
    phone = UdpPhone(house.server)
    await phone.send(phone.caller.invite())
    assert (await phone.receive()).status == 100
    await phone.send(phone.caller.request("OPTIONS", branch="z9hG4bKping"))
    assert (await phone.receive()).status == 200
    assert faults == ["on_event failed for IncomingCall"]
    phone.socket.close()


async def test_hostile_messages_on_the_wire(house: House) -> None:
    """All of them at once, over UDP and over TCP; afterwards an honest caller is served and nothing is held."""
    house.act = lambda event: house.server.reject(event.call, 486)
    phone = UdpPhone(house.server)
    for message in MESSAGES:
        if len(message.data) < 60_000:
            phone.raw(message.data)
        stream = await TcpPhone.connect(house.server)
        stream.writer.write(message.data)
        await asyncio.sleep(0)
        stream.writer.transport.abort()
    await phone.send(Caller(branch="z9hG4bKhonest").request("OPTIONS"))
    assert (await phone.receive()).status == 200
    phone.socket.close()
    await house.all_over()


async def test_a_port_in_use_is_an_error(house: House) -> None:
    other = House()
    with pytest.raises(OSError, match=r".*"):
        await other.server.start("127.0.0.1", house.server.port)
    await other.server.stop()


async def test_udp_alone_and_ipv6() -> None:
    house = House()
    await house.server.start("::1", 0, tcp=False)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as caller:
        caller.setblocking(False)
        caller.connect(("::1", house.server.port))
        loop = asyncio.get_running_loop()
        text = Caller().request("OPTIONS").replace("5060;branch", "5060;rport;branch", 1)
        await loop.sock_sendall(caller, text.encode())
        reply = Reply.of(await asyncio.wait_for(loop.sock_recv(caller, 65_535), 20))
    assert reply.status == 200
    assert reply["via"].endswith(";received=::1")
    await house.server.stop()


async def test_many_messages_wait_for_one_outgoing_connection_within_bounds() -> None:
    house = House(StreamLimits(max_queued_messages=2))
    await house.server.start("127.0.0.1", 0)
    streams = house.server._listeners["main"].tcp
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        flow = Flow("tcp", "127.0.0.1", listener.getsockname()[1])
        for number in range(4):
            streams.send(flow, b"%d" % number)
        assert house.names().count("sip_undeliverable") == 2
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        accepted, _ = await asyncio.wait_for(loop.sock_accept(listener), 20)
        received = b""
        while len(received) < 2:
            received += await asyncio.wait_for(loop.sock_recv(accepted, 10), 20)
        assert received == b"01"
        streams.send(flow, b"2")  # the same connection
        assert await asyncio.wait_for(loop.sock_recv(accepted, 10), 20) == b"2"
        accepted.close()
    await house.server.stop()


async def with_house(scenario: Callable[[House], Awaitable[None]]) -> None:
    house = House()
    await house.server.start("127.0.0.1", 0)
    try:
        await scenario(house)
    finally:
        await house.server.stop()


@pytest.mark.parametrize(
    "scenario",
    [
        test_a_call_over_udp_answered_from_inside_the_event,
        test_the_timer_repeats_the_200,
        test_tcp_pings_pieces_and_pipelines,
        test_a_stream_without_framing_is_answered_and_closed,
        test_a_lost_connection_is_dialled_again,
        test_a_peer_that_cannot_be_dialled_is_counted,
        test_hostile_messages_on_the_wire,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_the_same_on_uvloop(scenario: Callable[[House], Coroutine[None, None, None]]) -> None:
    uvloop.run(with_house(scenario))


async def test_what_nobody_has_read_is_seen(house: House) -> None:
    phone = UdpPhone(house.server)
    assert house.server.waiting_bytes == 0
    for _ in range(50):
        phone.raw(b"x" * 500)  # the loop does not run meanwhile
    assert house.server.waiting_bytes > 50 * 500
    await house.until(lambda: house.names().count("sip_malformed") == 50)
    assert house.server.waiting_bytes == 0
    await house.server.stop()
    assert house.server.waiting_bytes == 0
