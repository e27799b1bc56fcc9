"""ICE ports come from the configured range only."""

import asyncio

import pytest

from kak_server.media.worker.ice_ports import IcePorts, NoIcePortError
from tests.support.ports import free_port


async def test_ports_of_the_range_and_no_other() -> None:
    base = free_port()
    ports = IcePorts(base, base + 1, ("127.0.0.1",))
    bound: list[int] = []
    transports: list[asyncio.BaseTransport] = []

    class Protocol(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports.append(transport)
            bound.append(transport.get_extra_info("sockname")[1])

    async def bind_all() -> None:
        for _ in range(3):
            await ports.bind("127.0.0.1", Protocol)

    with pytest.raises(NoIcePortError, match="taken"):
        await bind_all()
    assert bound
    assert set(bound) <= {base, base + 1}
    transports.pop().close()
    await asyncio.sleep(0.01)
    await ports.bind("127.0.0.1", Protocol)
    for transport in transports:
        transport.close()


async def test_an_address_outside_of_a_nat_is_bound_on_all_interfaces() -> None:
    base = free_port()
    made: list[asyncio.BaseTransport] = []

    class Protocol(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(transport)

    await IcePorts(base, base + 9, ("203.0.113.1",)).bind("203.0.113.1", Protocol)
    assert made[0].get_extra_info("sockname")[0] == "0.0.0.0"
    made[0].close()


async def test_an_address_that_is_none() -> None:
    with pytest.raises(NoIcePortError, match="256"):
        await IcePorts(20_000, 20_001, ("256.0.0.1",)).bind("256.0.0.1", asyncio.DatagramProtocol)
