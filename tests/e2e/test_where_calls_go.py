"""Over the whole running system: the municipality decides the queue, and an emergency call always has one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kak_sim.audio import tone, write_wav
from kak_sim.callees.people import PEOPLE
from kak_sim.callers.sound import steady
from tests.e2e.test_calls_out import callee, has_ended, hears, outside
from tests.support.lab import LAB_CONFIG, calling, operator, running_lab
from tests.support.robots import in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

TABLE = "code,name,queue,numbers,prefixes\n5501,Tromsø,113-bergen,+4777000000,+4777\n0301,Oslo,legevakt,,\n"


async def test_the_municipality_decides_the_queue(tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text(TABLE, encoding="utf-8")
    care = {"id": "care", "numbers": ["116118"], "default": "legevakt", "file": "towns.csv"}
    async with (
        running_lab(tmp_path, simulators=False, areas=[care]) as lab,
        operator(lab, "sofie", "oslo-1", available=False) as sofie,
    ):
        for number, caller, queue in (
            ("116118", "+4791500001", "legevakt"),  # nobody knows: the default
            ("116118", "77112233", "113-bergen"),  # by the caller's number, in whatever form it comes
            ("004777000000", "+4791500001", "113-bergen"),  # by the carrier's routing number, likewise
        ):
            async with calling(lab, number, caller) as phone:
                await sofie.until(lambda client: len(client.view["waiting"]) == 1)
                assert sofie.view["waiting"][0]["queue"] == queue
                await phone.hang_up()
            await sofie.until(lambda client: client.view["waiting"] == [])


@pytest.mark.parametrize("number", ["112", "+47110", "urn:service:sos.fire", "urn:service:sos"])
async def test_an_emergency_call_for_a_number_of_no_queue_has_one_all_the_same(tmp_path: Path, number: str) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        async with operator(lab, "kari", "oslo-1", available=False) as kari, calling(lab, number) as phone:
            await kari.until(lambda client: len(client.view["waiting"]) == 1)
            assert kari.view["waiting"][0]["queue"] == "113-oslo"
            await phone.hang_up()
        async with calling(lab, "4711") as phone:
            assert (await phone.over()).status == 404


WAIT_HZ, FIRST_HZ, SECOND_HZ, RINGING_HZ = 500, 900, 1_300, 425
PROMPTS_HZ = (WAIT_HZ, FIRST_HZ, SECOND_HZ)


def with_steps(**steps: list[Any]) -> list[dict[str, Any]]:
    """The lab's queues, these with other workflows; they ring until somebody answers."""
    queues = yaml.safe_load(LAB_CONFIG.read_text(encoding="utf-8"))["queues"]
    return [
        {**queue, "workflow": steps[queue["id"].replace("-", "_")], "waiting": "ring"}
        if queue["id"].replace("-", "_") in steps
        else queue
        for queue in queues
    ]


def recorded(folder: Path, **prompts: int) -> None:
    """The organisation's own recordings: half a second of a tone each."""
    folder.mkdir(parents=True)
    for name, hz in prompts.items():
        write_wav(folder / f"{name.replace('_', '-')}.wav", tone(hz, 500))


async def test_a_workflow_leads_to_another_queue_and_out_of_the_house(tmp_path: Path) -> None:
    queues = with_steps(
        **{
            "113_oslo": [{"reach": "own"}, {"after_ms": 300, "overflow_queue": "113-bergen"}],
            "legevakt": [{"reach": "own"}, {"after_ms": 300, "overflow_number": "22000001"}],
        }
    )
    async with (
        running_lab(tmp_path, simulators=False, queues=queues) as lab,
        outside(lab) as exchange,
        robot_at(lab, "ingrid", "bergen-1", voice_hz=FIRST_HZ) as ingrid,
    ):
        async with calling(lab, "113", source=steady(SECOND_HZ)) as phone:
            await phone.answered()
            await hears(phone.heard, FIRST_HZ, what="the caller")
            await ingrid.client.until(in_call)
            assert ingrid.client.view["call"]["queue"] == "113-bergen"
            await phone.hang_up()
        async with calling(lab, "116117", "+4791500002", source=steady(SECOND_HZ)) as phone:
            await phone.answered()
            await eventually(lambda: phone.heard.tone_started_ns(RINGING_HZ) is not None, what="it rings there")
            hospital = await callee(exchange, "+4722000001")
            await hears(phone.heard, PEOPLE["+4722000001"].tone_hz, what="the caller")
            await hears(hospital.heard, SECOND_HZ, what="the hospital")
            await phone.hang_up()
            await has_ended(hospital)


async def test_who_waits_hears_the_place_of_the_moment_and_a_kill_takes_nothing_from_it(tmp_path: Path) -> None:
    recorded(tmp_path / "data/prompts", please_hold=WAIT_HZ, place_1=FIRST_HZ, place_2=SECOND_HZ)
    tells: list[Any] = [{"reach": "own"}, {"after_ms": 300, "announce": "please-hold", "tell_position": True}]
    async with (
        running_lab(tmp_path, simulators=False, queues=with_steps(legevakt=tells)) as lab,
        calling(lab, "113", "+4791500003") as unasked,
        calling(lab, "116117", "+4791500001") as first,
        calling(lab, "116117", "+4791500002") as second,
    ):
        for phone, place_hz, not_hz in ((first, FIRST_HZ, SECOND_HZ), (second, SECOND_HZ, FIRST_HZ)):
            await phone.answered()
            await eventually(lambda p=phone, hz=place_hz: p.heard.tone_started_ns(hz), what="the place")  # type: ignore[misc]
            waits_ns, told_ns = phone.heard.tone_started_ns(WAIT_HZ), phone.heard.tone_started_ns(place_hz)
            assert (waits_ns or 0) < (told_ns or 0), "first the announcement, then the place"
            assert phone.heard.tone_started_ns(not_hz) is None
        await lab.kill_control()
        first.send_hang_up()
        await lab.start_control()
        heard = second.heard
        await eventually(lambda: FIRST_HZ in heard.tone_sequence(PROMPTS_HZ), what="the place of now")
        told = heard.tone_sequence(PROMPTS_HZ)
        rounds = len(told) // 2  # as many as fit before the first caller's BYE is heard
        assert rounds >= 2
        assert told == [WAIT_HZ, SECOND_HZ] * (rounds - 1) + [WAIT_HZ, FIRST_HZ], "nothing was cut off"
        assert (unasked.state, second.state) == ("ringing", "answered"), "a queue that does not say so answers nobody"
