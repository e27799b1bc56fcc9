"""Connections: keep-alives both ways, room for strangers, IPv6, several listeners."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from kak_server.sip.aio.sockets import plain_host
from kak_server.sip.aio.streams import Streams
from kak_server.sip.api import CallConfirmed, ListenerSettings, SipSettings, TrunkSettings
from kak_server.sip.listening import ListenSpec, StreamLimits
from tests.unit.sip.aio.test_server import LAB, House, TcpPhone, UdpPhone
from tests.unit.sip.uac import ANSWER, Caller, Reply

NOBODY = replace(LAB, trunks=(TrunkSettings("far", ("192.0.2.0/24",)),))


@asynccontextmanager
async def listening(*specs: ListenSpec, settings: SipSettings = LAB) -> AsyncIterator[House]:
    house = House(settings=settings)
    await house.server.listen(specs)
    try:
        yield house
    finally:
        await house.server.stop()


def spec(limits: StreamLimits) -> ListenSpec:
    return ListenSpec(limits=limits)


async def test_silent_peers_are_pinged_and_those_who_answer_once_must_go_on() -> None:
    """RFC 5626 3.5.1 and 4.4.1."""
    limits = StreamLimits(keepalive_s=0.1, pong_s=0.2, sweep_s=0.05)
    async with listening(spec(limits)) as house:
        phone = await TcpPhone.connect(house.server)
        async with asyncio.timeout(20):
            assert await phone.reader.readexactly(4) == b"\r\n\r\n"
            await phone.send(b"\r\n")
            assert await phone.reader.readexactly(4) == b"\r\n\r\n"
        await phone.closed()  # the second ping has no answer
        assert "no answer to a keep-alive" in house.counts[-1].detail
        await phone.close()


async def test_a_peer_that_never_answers_pings_is_left_alone() -> None:
    limits = StreamLimits(keepalive_s=0.1, pong_s=0.1, sweep_s=0.05)
    async with listening(spec(limits)) as house:
        phone = await TcpPhone.connect(house.server)
        assert await asyncio.wait_for(phone.reader.readexactly(4), 20) == b"\r\n\r\n"
        await asyncio.sleep(0.5)
        await phone.send(phone.caller.request("OPTIONS"))
        assert (await phone.receive()).status == 200
        await phone.close()


async def test_closing_goes_on_when_a_connection_ended_in_this_very_turn() -> None:
    """Its task is over, and is still in the books until the next turn; newer Pythons then waited for it for ever, and
    the server's loop with them."""
    streams = Streams(House().server, StreamLimits())

    async def ended() -> None:
        pass

    streams._spawn(ended())
    await asyncio.sleep(0)  # the task has had its turn; the callback that takes it from the books has not
    assert [task.done() for task in streams._tasks] == [True]
    await streams.close()
    assert not streams._tasks


async def test_strangers_have_a_part_of_the_room_only() -> None:
    limits = StreamLimits(max_strangers=2, stranger_idle_s=0.2, sweep_s=0.05)
    async with listening(spec(limits), settings=NOBODY) as house:
        phones = [await TcpPhone.connect(house.server) for _ in range(5)]
        await house.until(lambda: any("strangers" in count.detail for count in house.counts))
        for phone in phones:
            await phone.closed()  # three for want of room, two for saying nothing
            await phone.close()
        assert sum("strangers" in count.detail for count in house.counts) == 3
        assert sum(count.detail.endswith("idle") for count in house.counts) == 2
        again = await TcpPhone.connect(house.server)  # their room is free again
        await again.send(again.caller.request("OPTIONS"))
        assert (await again.receive()).status == 403
        await again.close()


async def test_one_peer_cannot_take_all() -> None:
    async with listening(spec(StreamLimits(max_per_address=1))) as house:
        first = await TcpPhone.connect(house.server)
        await first.send(first.caller.request("OPTIONS"))
        assert (await first.receive()).status == 200
        second = await TcpPhone.connect(house.server)
        await second.closed()
        assert "of this peer" in next(count.detail for count in house.counts if count.name == "sip_stream_closed")
        for phone in (first, second):
            await phone.close()


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:0:1", "::ffff:0:1"),
    ],
)
def test_mapped_addresses_are_ipv4(host: str, plain: str) -> None:
    assert plain_host(host) == plain


async def test_an_ipv4_peer_on_a_dual_stack_socket() -> None:
    async with listening(ListenSpec(host="::", dual_stack=True)) as house:
        udp = UdpPhone(house.server)
        await udp.send(udp.caller.request("OPTIONS"))
        reply = await udp.receive()
        assert reply.status == 200
        assert "received" not in reply["via"]  # its sent-by is the address we see
        udp.socket.close()
        tcp = await TcpPhone.connect(house.server)
        await tcp.send(tcp.caller.request("OPTIONS"))
        assert (await tcp.receive())["via"].endswith(";received=127.0.0.1")
        await tcp.close()


async def test_a_call_over_ipv6_on_the_second_of_two_listeners() -> None:
    """Via, Contact and the re-dialled BYE are the second listener's own; IPv6 addresses stand in brackets."""
    listeners = (
        ListenerSettings("four", "127.0.0.1", 5060, families=(4,)),
        ListenerSettings("six", "::1", 5070, families=(6,)),
    )
    settings = replace(LAB, listeners=listeners)
    specs = (ListenSpec("four", "127.0.0.1"), ListenSpec("six", "::1"))
    async with listening(*specs, settings=settings) as house:
        house.act = lambda event: house.server.answer(event.call, ANSWER)
        arrived: asyncio.Queue[TcpPhone] = asyncio.Queue()
        home = await asyncio.start_server(lambda reader, writer: arrived.put_nowait(TcpPhone(reader, writer)), "::1", 0)
        port = house.server._listeners["six"].port
        phone = TcpPhone(*await asyncio.open_connection("::1", port))
        phone.caller.contact = f"<sip:caller@[::1]:{home.sockets[0].getsockname()[1]};transport=tcp>"
        await phone.send(phone.caller.invite())
        answer = await phone.until(200)
        assert answer["contact"] == "<sip:[::1]:5070;transport=tcp>"
        assert answer["via"].endswith(";received=::1")
        phone.caller.to_tag = answer.to_tag
        await phone.send(phone.caller.ack())
        await house.until(lambda: CallConfirmed in map(type, house.events))
        await phone.close()
        await house.until(lambda: house.core.census()["streams"] == 0)
        house.server.hangup(next(iter(house.core.calls())))
        again = await asyncio.wait_for(arrived.get(), 20)
        bye = await again.receive()
        assert bye["via"].startswith("SIP/2.0/TCP [::1]:5070;")
        await again.send(phone.caller.respond(bye, 200))
        await again.close()
        await house.all_over()
        home.close()


async def test_connections_of_two_listeners_are_told_apart() -> None:
    async with listening(ListenSpec("a"), ListenSpec("b")) as house:
        ports = [house.server._listeners[name].port for name in "ab"]
        phones = [TcpPhone(*await asyncio.open_connection("127.0.0.1", port)) for port in ports]
        for number, phone in enumerate(phones):
            text = Caller(call_id=f"c{number}", branch=f"z9hG4bK{number}", transport="TCP").request("OPTIONS")
            await phone.send(text)
            reply: Reply = await phone.receive()
            assert (reply.status, reply["call-id"]) == (200, f"c{number}")
        assert house.core.census()["streams"] == 2
        for phone in phones:
            await phone.close()
        await house.all_over()
