"""A border element of a carrier in front: Kamailio takes calls over UDP, stays in the path of their dialogs with masked
addresses, and reaches us over TCP."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from kak_server.sip.api import CallCancelled, CallConfirmed, CallEnded, CallMediaChanged, IncomingCall
from kak_server.sip.listening import ListenSpec
from tests.integration.test_sip_with_sipp import SCENARIOS, House, all_over, running
from tests.support.kamailio import border_element, needs_kamailio
from tests.support.sipp import needs_sipp, run_sipp

pytestmark = [pytest.mark.real_peer, needs_kamailio, needs_sipp]
TCP_ONLY = ListenSpec(transports=("tcp",))


async def call(house: House, scenario: str, folder: Path, *arguments: str, calls: int = 1) -> None:
    """Calls through the element; each must have gone as the scenario says."""
    async with border_element(house.server.port, folder) as address:
        result = await run_sipp(SCENARIOS / f"{scenario}.xml", address, folder, "-s", "113", *arguments, calls=calls)
        assert result.code == 0, result.output[-3000:]


async def test_calls_are_held_taken_back_and_ended_by_the_caller(tmp_path: Path) -> None:
    async with running(House.answer, t1_ms=100, spec=TCP_ONLY) as house:
        await call(house, "sbc_hold", tmp_path, "-r", "10", calls=10)
        await house.until(lambda: len(house.of(CallEnded)) == 10)
        assert len(house.of(CallConfirmed)) == 10
        assert len(house.of(CallMediaChanged)) >= 20
        incoming = house.of(IncomingCall)[0]
        assert isinstance(incoming, IncomingCall)
        assert (incoming.caller.number, incoming.caller.source) == ("+4791500077", "p-asserted-identity")
        await all_over(house)


async def test_our_bye_finds_the_way_back(tmp_path: Path) -> None:
    def act(house: House, event: IncomingCall) -> None:
        House.answer(house, event)
        asyncio.get_running_loop().call_later(0.5, house.server.hangup, event.call)

    async with running(act, t1_ms=100, spec=TCP_ONLY) as house:
        await call(house, "sbc_hung_up", tmp_path, "-r", "10", calls=5)
        assert {event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)} == {"hangup"}
        await all_over(house)


async def test_a_caller_who_gives_up_while_it_rings(tmp_path: Path) -> None:
    def act(house: House, event: IncomingCall) -> None:
        house.server.ring(event.call)

    async with running(act, t1_ms=100, spec=TCP_ONLY) as house:
        await call(house, "sbc_cancel", tmp_path, "-r", "10", calls=5)
        await house.until(lambda: len(house.of(CallCancelled)) == 5)
        await all_over(house)


async def test_the_dialog_outlives_a_restart_and_its_connection(tmp_path: Path) -> None:
    """The connection the call came over is gone with the old process; our BYE must take a new one to the element."""
    async with contextlib.AsyncExitStack() as second:
        async with running(House.answer, t1_ms=100, spec=TCP_ONLY) as house:
            port = house.server.port
            address = await second.enter_async_context(border_element(port, tmp_path))
            waiting = asyncio.create_task(
                run_sipp(SCENARIOS / "sbc_hung_up.xml", address, tmp_path, "-s", "113", timeout_s=40)
            )
            await house.until(lambda: bool(house.of(CallConfirmed)))
        again = await second.enter_async_context(running(House.answer, t1_ms=100, spec=TCP_ONLY, port=port, life=2))
        again.records.update(house.records)
        again.server.restore(house.records)
        (known,) = again.core.calls()
        assert again.server.hangup(known)
        result = await waiting
        assert result.code == 0, result.output[-3000:]
        await again.until(lambda: again.core.census()["calls"] == 0)
        assert again.records == {}
