"""The media worker dies and somebody else takes its port before the next one is there: the call moves to another port
by re-INVITE, in the words of a real server to a real telephone."""

import socket
from pathlib import Path

import pytest

from kak_sim.callers.sound import steady
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


async def test_a_call_whose_port_was_taken_is_heard_again_at_another(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        async with (
            calling(lab, "116117", "+4791500001", source=steady(440)) as moved,
            calling(lab, "116117", "+4791500002", source=steady(600)) as stays,
        ):
            for phone in (moved, stays):
                await phone.answered()
            assert moved.media is not None
            assert stays.media is not None
            before, other = moved.media, stays.media
            await eventually(lambda: min(moved.rtp.received, stays.rtp.received) > 20, 20, what="both hear something")
            await lab.kill_worker()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
                taker.bind(("127.0.0.1", before.port))
                heard = moved.rtp.received, stays.rtp.received
                lab.start_worker()
                await eventually(lambda: moved.media != before, 30, what="the call was told of another port")
                await eventually(lambda: moved.rtp.received > heard[0] + 50, 30, what="the moved call hears again")
                await eventually(lambda: stays.rtp.received > heard[1] + 50, 30, what="the other call hears again")
            assert stays.media == other, "its port was still there"
            assert (moved.state, stays.state) == ("answered", "answered")
            for phone in (moved, stays):
                await phone.hang_up()

        async def nothing_left() -> bool:
            metrics = await lab.metrics()
            return all(metrics[f"kak_census_{name}"] == 0 for name in ("lines", "contacts", "sip_dialogs"))

        await eventually(nothing_left, 40, what="nothing is left")
