"""The resolver's shell against a name server of our own."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kak_server.sip.aio import server as shell
from kak_server.sip.aio.dns import Locator, _server
from kak_server.sip.api import CallConfirmed, Target, Want
from tests.unit.sip.aio.dns_server import NameServer
from tests.unit.sip.aio.test_server import House, UdpPhone
from tests.unit.sip.uac import ANSWER

ZONE = {
    ("carrier.example", "NAPTR"): ['10 1 "s" "SIP+D2U" "" _sip._udp.carrier.example.'],
    ("_sip._udp.carrier.example", "SRV"): ["1 0 5080 a.carrier.example.", "2 0 5090 b.carrier.example."],
    ("a.carrier.example", "A"): ["192.0.2.1"],
    ("b.carrier.example", "A"): ["192.0.2.2"],
    ("b.carrier.example", "AAAA"): ["2001:db8::2"],
}


@asynccontextmanager
async def serving(server: NameServer) -> AsyncIterator[NameServer]:
    transport = await server.start()
    try:
        yield server
    finally:
        transport.close()


async def test_a_whole_search_and_its_memory() -> None:
    async with serving(NameServer(dict(ZONE))) as server:
        locator = Locator([server.address])
        expected = (
            Target("udp", "192.0.2.1", 5080, "carrier.example"),
            Target("udp", "192.0.2.2", 5090, "carrier.example"),
            Target("udp", "2001:db8::2", 5090, "carrier.example"),
        )
        assert await locator.locate(Want("carrier.example"), "seed") == expected
        asked = dict(server.asked)
        assert await locator.locate(Want("carrier.example"), "other") == expected
        assert dict(server.asked) == asked  # the answers are remembered for their TTL


async def test_what_has_expired_is_asked_again() -> None:
    async with serving(NameServer({("h.example", "A"): ["192.0.2.1"]}, ttl_s=0)) as server:
        locator = Locator([server.address])
        want = Want("h.example", 5060, families=(4,))
        for _ in range(2):
            assert [target.host for target in await locator.locate(want, "s")] == ["192.0.2.1"]
        assert server.asked["h.example", "A"] == 2


async def test_names_that_do_not_exist_or_cannot_exist() -> None:
    async with serving(NameServer(dict(ZONE))) as server:
        locator = Locator([server.address])
        assert await locator.locate(Want("nowhere.example"), "s") == ()
        assert await locator.locate(Want("x" * 64 + ".example"), "s") == ()
        assert await locator.locate(Want("a..example"), "s") == ()


async def test_a_silent_server_costs_no_more_than_the_time_out() -> None:
    async with serving(NameServer(dict(ZONE), silent=True)) as server:
        began_s = time.monotonic()
        assert await Locator([server.address], timeout_s=0.3).locate(Want("carrier.example"), "s") == ()
        assert time.monotonic() - began_s < 2


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_how_servers_are_written(text: str, server: tuple[str, int]) -> None:
    assert _server(text) == server


@asynccontextmanager
async def called(server: NameServer, contact: str) -> AsyncIterator[tuple[House, UdpPhone]]:
    """A call over UDP that is up, whose Contact is a name."""
    house = House(act=lambda event: house.server.answer(event.call, ANSWER), locator=Locator([server.address]))
    await house.server.start("127.0.0.1", 0)
    phone = UdpPhone(house.server)
    phone.caller.contact = contact
    try:
        await phone.send(phone.caller.invite())
        phone.caller.to_tag = (await phone.until(200)).to_tag
        await phone.send(phone.caller.ack())
        await house.until(lambda: CallConfirmed in map(type, house.events))
        yield house, phone
    finally:
        phone.socket.close()
        await house.server.stop()


async def test_our_bye_goes_where_the_name_leads() -> None:
    server = NameServer(dict(ZONE))
    async with serving(server), called(server, "<sip:caller@carrier.example>") as (house, phone):
        sbc = UdpPhone(house.server)
        port = sbc.socket.getsockname()[1]
        server.zone["_sip._udp.carrier.example", "SRV"] = [f"1 0 {port} sbc.carrier.example."]
        server.zone["sbc.carrier.example", "A"] = ["127.0.0.1"]
        house.server.hangup(next(iter(house.core.calls())))
        bye = await sbc.receive()
        assert bye.method == "BYE"
        sbc.raw(phone.caller.respond(bye, 200).encode())
        await house.all_over()
        sbc.socket.close()


async def test_our_bye_goes_back_where_the_name_leads_nowhere() -> None:
    async with serving(NameServer({})) as server, called(server, "<sip:caller@nowhere.example>") as (house, phone):
        house.server.hangup(next(iter(house.core.calls())))
        bye = await phone.receive()
        assert bye.method == "BYE"
        phone.raw(phone.caller.respond(bye, 200).encode())
        await house.until(lambda: house.records == {})
        assert "sip_not_located" in house.names()


async def test_too_many_searches_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "MAX_SEARCHES", 0)
    server = NameServer(dict(ZONE))
    async with serving(server), called(server, "<sip:caller@carrier.example>") as (house, phone):
        house.server.hangup(next(iter(house.core.calls())))
        assert (await phone.receive()).method == "BYE"
        assert not server.asked


async def test_a_search_does_not_outlive_the_server() -> None:
    async with serving(NameServer(dict(ZONE), silent=True)) as server:
        async with called(server, "<sip:caller@carrier.example>") as (house, _):
            house.server.hangup(next(iter(house.core.calls())))
            await house.until(lambda: bool(server.asked))
            (search,) = house.server._searches
        assert search.cancelled()
