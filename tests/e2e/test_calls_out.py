"""Calls out, conferences and transfers with real processes, SIP and RTP: everybody has a tone of their own, and what
each end hears says who it talks with. The far ends are the simulator's telephones."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kak_sim.callees.exchange import Callee, Exchange
from kak_sim.callees.people import PEOPLE, STRANGER
from kak_sim.callers.caller import Caller
from kak_sim.callers.heard import Heard
from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import ApiRefusedError
from kak_sim.robots.robot import Robot
from tests.support.lab import calling, running_lab
from tests.support.ports import free_port
from tests.support.report import report
from tests.support.robots import in_call, robot_at
from tests.support.sipp import needs_sipp, run_sipp
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

SIPP = Path(__file__).parents[1] / "integration/sipp"
CITIZEN_HZ, OPERATOR_HZ = 400, 2_000
HOSPITAL, BUSY, NEVER, EARLY = "22000001", "22000002", "22000003", "22000004"
FIRE_HZ, POLICE_HZ = PEOPLE["110"].tone_hz, PEOPLE["112"].tone_hz
HOSPITAL_HZ = PEOPLE[f"+47{HOSPITAL}"].tone_hz
SECOND_NS = 1_000_000_000


@contextlib.asynccontextmanager
async def outside(lab: Lab) -> AsyncIterator[Exchange]:
    """Telephones where the lab's outbound trunk leads."""
    exchange = Exchange(("127.0.0.1", lab.ports.callees), voice=steady(1_300))
    await exchange.start()
    try:
        yield exchange
    finally:
        await exchange.stop()


async def hears(heard: Heard, *tones_hz: int, what: str = "") -> None:
    """Wait until an end hears these tones."""
    for tone_hz in tones_hz:
        await eventually(lambda hz=tone_hz: sounds(heard, hz), what=f"{what} hears {tone_hz} Hz")  # type: ignore[misc]


def sounds(heard: Heard, tone_hz: int) -> bool:
    """Whether the tone is in the last moments of what an end heard, among others."""
    return heard.tone_present(tone_hz, time.time_ns() - 400_000_000, 300, share=0.6, power=0.1)


def silent_of(heard: Heard, tone_hz: int, ms: int = 300) -> bool:
    """Whether the tone is not in the last moments of what an end heard."""
    return not heard.tone_present(tone_hz, time.time_ns() - (ms + 50) * 1_000_000, ms, share=0.1, power=0.1)


async def callee(exchange: Exchange, number: str) -> Callee:
    """The telephone of a number, once it has answered."""
    await eventually(
        lambda: (found := exchange.with_number(number)) is not None and found.uas.state == "answered",
        what=f"{number} is answered",
    )
    found = exchange.with_number(number)
    assert found is not None
    return found


async def has_ended(phone: Callee) -> None:
    """Wait until the end reaches a telephone."""
    await eventually(lambda: phone.ended is not None, what=f"{phone.number} hears the end")


@contextlib.asynccontextmanager
async def talking(lab: Lab) -> AsyncIterator[tuple[Robot, Caller, str]]:
    """An operator in a call with a citizen; the contact."""
    async with (
        robot_at(lab, "kari", "oslo-1", voice_hz=OPERATOR_HZ) as robot,
        calling(lab, "113", "+4791500001", source=steady(CITIZEN_HZ)) as citizen,
    ):
        await citizen.answered()
        await robot.client.until(in_call)
        yield robot, citizen, str(robot.client.view["call"]["contact"])


async def test_a_call_out_is_heard_both_ways_recorded_and_ended_from_either_side(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        robot_at(lab, "kari", "oslo-1", voice_hz=OPERATOR_HZ) as robot,
    ):
        robot.rtp.rest(False)
        client = robot.client
        asked_ns = time.time_ns()
        contact = (await client.command("contact.dial", number=HOSPITAL, display="Sykehuset"))["contact"]
        await client.until(lambda seen: (seen.view["call"] or {}).get("far_end") == "ringing")
        phone = await callee(exchange, f"+47{HOSPITAL}")
        await client.until(in_call)
        answered_ns = phone.answered_ns or 0
        await hears(robot.heard, HOSPITAL_HZ, what="the operator")
        await hears(phone.heard, OPERATOR_HZ, what="the hospital")
        started_ns = robot.heard.tone_started_ns(HOSPITAL_HZ, answered_ns)
        assert started_ns is not None
        report(
            "dial-out",
            dial_ms=(answered_ns - asked_ns) // 1_000_000,
            voice_after_answer_ms=(started_ns - answered_ns) // 1_000_000,
        )
        assert phone.caller == "113"
        assert exchange.hang_up(phone.name)
        await client.until(lambda seen: seen.view["call"] is None)
        await client.until(lambda seen: seen.view["me"]["state"] == "wrap-up")
        again = (await client.command("contact.dial", number="110"))["contact"]
        fire = await callee(exchange, "110")
        await client.command("contact.hangup", contact=again)
        await eventually(lambda: fire.ended is not None and fire.ended.cause == "bye", what="110 hears the end")

        async def rows() -> list[dict[str, object]]:
            return [row for row in await client.request("GET", "/api/v1/calls") if row["contact"] == contact]

        for _ in range(50):
            found = await rows()
            if found and len(found[0]["tracks"]) == 2:  # type: ignore[arg-type]
                break
            await asyncio.sleep(0.1)
        (row,) = found
        assert (row["direction"], row["caller"]) == ("out", f"+47{HOSPITAL}")


async def test_busy_no_answer_and_early_media_tell_the_operator(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        robot_at(lab, "kari", "oslo-1", voice_hz=OPERATOR_HZ) as robot,
    ):
        client = robot.client
        await client.command("contact.dial", number=BUSY)
        await client.until(lambda seen: bool(seen.saw("call.ended")))
        ended = client.saw("call.ended")[-1]
        assert (ended["cause"], ended["text_nb"], ended["text_en"]) == ("busy", "Opptatt", "Busy")
        contact = (await client.command("contact.dial", number=NEVER))["contact"]
        await client.until(lambda seen: (seen.view["call"] or {}).get("far_end") == "ringing")
        await eventually(lambda: bool(robot.heard.samples(time.time_ns() - SECOND_NS).any()), what="ringing is heard")
        await client.command("contact.hangup", contact=contact)
        never = exchange.with_number(f"+47{NEVER}")
        assert never is not None
        await eventually(lambda: never.ended is not None and never.ended.cause == "cancelled", what="it is taken back")
        await client.command("contact.dial", number=EARLY)
        await client.until(lambda seen: (seen.view["call"] or {}).get("far_end") == "early")
        await hears(robot.heard, 600, what="the operator, before the answer,")
        await client.until(in_call)
        await hears(robot.heard, 1_500, what="the operator")
        with pytest.raises(ApiRefusedError, match="busy"):
            await client.command("contact.dial", number="110")


async def test_a_triple_notification_joins_all_of_them(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        talking(lab) as (robot, citizen, contact),
    ):
        outcome = await robot.client.command("contact.conference", contact=contact, services=["110", "112"])
        assert [row["code"] for row in outcome["parties"]] == ["", ""]
        fire, police = await callee(exchange, "110"), await callee(exchange, "112")
        await hears(robot.heard, CITIZEN_HZ, FIRE_HZ, POLICE_HZ, what="the operator")
        await hears(citizen.heard, OPERATOR_HZ, FIRE_HZ, POLICE_HZ, what="the citizen")
        await hears(fire.heard, CITIZEN_HZ, OPERATOR_HZ, POLICE_HZ, what="110")
        await hears(police.heard, CITIZEN_HZ, OPERATOR_HZ, FIRE_HZ, what="112")
        party = next(row["party"] for row in outcome["parties"] if row["service"] == "112")
        await robot.client.command("party.private", contact=contact, party=party, on=True)
        await eventually(lambda: silent_of(police.heard, CITIZEN_HZ), what="112 is apart")
        await hears(police.heard, OPERATOR_HZ, what="112, in private,")
        await eventually(lambda: silent_of(citizen.heard, OPERATOR_HZ), what="the citizen no longer hears us")
        await hears(citizen.heard, FIRE_HZ, what="the citizen")
        assert silent_of(fire.heard, POLICE_HZ)
        await robot.client.command("party.private", contact=contact, party=party, on=False)
        await citizen.hang_up()  # the services stay with the operator
        await robot.client.until(lambda seen: (seen.view["call"] or {}).get("far_end") == "gone")
        await hears(fire.heard, OPERATOR_HZ, POLICE_HZ, what="110, without the citizen,")
        await robot.client.command("contact.hangup", contact=contact)
        for phone in (fire, police):
            await has_ended(phone)


async def test_attended_and_blind_transfers_and_one_that_fails(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        talking(lab) as (robot, citizen, contact),
    ):
        client = robot.client
        await client.command("party.add", contact=contact, number=HOSPITAL, private=True, label="")
        hospital = await callee(exchange, f"+47{HOSPITAL}")
        await hears(hospital.heard, OPERATOR_HZ, what="the hospital")
        await eventually(lambda: silent_of(citizen.heard, OPERATOR_HZ), what="the citizen hears music")
        await client.command("contact.leave", contact=contact)
        await hears(citizen.heard, HOSPITAL_HZ, what="the citizen")
        await hears(hospital.heard, CITIZEN_HZ, what="the hospital")
        await client.until(lambda seen: bool(seen.view["handed_over"]))
        assert client.view["handed_over"][0]["contact"] == contact
        await client.command("contact.pull_back", contact=contact)
        await client.until(in_call)
        robot.rtp.rest(False)
        await hears(citizen.heard, OPERATOR_HZ, HOSPITAL_HZ, what="the citizen")
        party = client.view["call"]["parties"][0]["party"]
        await client.command("party.drop", contact=contact, party=party)

        await client.command("contact.transfer_out", contact=contact, number=BUSY)  # comes back to the head
        await client.until(lambda seen: in_call(seen) and seen.view["call"]["epoch"] > 2, 15)
        assert citizen.state == "answered"
        robot.rtp.rest(False)
        await hears(citizen.heard, OPERATOR_HZ, what="the citizen, back again,")
        assert client.view["call"]["contact"] == contact
        await client.command("contact.transfer_out", contact=contact, number=HOSPITAL)
        await client.until(lambda seen: seen.view["call"] is None)
        await eventually(lambda: bool(citizen.heard.samples(time.time_ns() - SECOND_NS // 2).any()), what="ringing")
        hospital = await callee(exchange, f"+47{HOSPITAL}")
        await hears(hospital.heard, CITIZEN_HZ, what="the hospital")
        exchange.hang_up(hospital.name)  # so soon, with nobody of ours there: that was no conversation
        await client.until(in_call, 30)
        assert client.view["call"]["contact"] == contact
        assert citizen.state == "answered"
        await client.command("contact.hangup", contact=contact)
        assert (await citizen.over()).cause == "bye"


async def test_another_control_room_is_called_like_anybody_else(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        talking(lab) as (robot, citizen, contact),
        robot_at(lab, "ingrid", "bergen-1", voice_hz=900) as bergen,
    ):
        await robot.client.command(
            "party.add", contact=contact, number="+47 00 11 30 02", private=False, label="Bergen"
        )
        await bergen.client.until(in_call)
        assert bergen.client.view["call"]["queue"] == "113-bergen"
        await hears(citizen.heard, OPERATOR_HZ, 900, what="the citizen")
        await hears(bergen.heard, CITIZEN_HZ, OPERATOR_HZ, what="Bergen")
        await robot.client.command("contact.leave", contact=contact)
        await hears(bergen.heard, CITIZEN_HZ, what="Bergen")
        await citizen.hang_up()
        await bergen.client.until(lambda seen: seen.view["call"] is None)


async def test_an_abandoned_call_is_called_back_by_one(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, outside(lab) as exchange:
        async with calling(lab, "113", "+4722000001", source=steady(CITIZEN_HZ)) as citizen:
            await citizen.ring()
            await citizen.hang_up()
        async with (
            robot_at(lab, "kari", "oslo-1", voice_hz=OPERATOR_HZ) as first,
            robot_at(lab, "ola", "oslo-2") as second,
        ):
            await first.client.until(lambda seen: bool(seen.view["abandoned"]))
            (row,) = first.client.view["abandoned"]
            assert row["number"] == "+4722000001"
            await first.client.command("contact.callback", contact=row["contact"])
            with pytest.raises(ApiRefusedError) as refusal:
                await second.client.command("contact.callback", contact=row["contact"])
            assert refusal.value.code == "claimed"
            await second.client.until(lambda seen: seen.view["abandoned"][0]["claimed_by"] == "kari")
            await callee(exchange, "+4722000001")
            await first.client.until(in_call)
            assert first.client.view["call"]["queue"] == "113-oslo"
            await first.client.command("contact.hangup", contact=first.client.view["call"]["contact"])
            await second.client.until(lambda seen: seen.view["abandoned"] == [])


@pytest.mark.alone
async def test_control_is_killed_in_the_middle_of_a_conference(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False, sip={"t1_ms": 100}) as lab,
        outside(lab) as exchange,
        talking(lab) as (robot, citizen, contact),
    ):
        client = robot.client
        await client.command("contact.conference", contact=contact, services=["110", "112"])
        fire, police = await callee(exchange, "110"), await callee(exchange, "112")
        await hears(citizen.heard, FIRE_HZ, POLICE_HZ, what="the citizen")
        await client.command("party.add", contact=contact, number=HOSPITAL, private=False, label="")  # it rings
        before = {row["number"] for row in client.view["call"]["parties"]}
        invites = exchange.invites
        killed_ns = time.time_ns()
        await lab.kill_control()
        await asyncio.sleep(2.5)  # the hospital answers into the void
        await lab.start_control()
        await client.connect_events()
        await client.until(
            lambda seen: in_call(seen) and all(p["state"] == "answered" for p in seen.view["call"]["parties"])
        )
        assert {row["number"] for row in client.view["call"]["parties"]} == before | {f"+47{HOSPITAL}"}
        assert client.view["call"]["contact"] == contact
        hospital = await callee(exchange, f"+47{HOSPITAL}")
        await hears(hospital.heard, CITIZEN_HZ, FIRE_HZ, what="the hospital, joined after the restart,")
        assert exchange.invites == max(invites, 3), "nobody is called twice"
        gap_ms = citizen.heard.longest_gap_ms(killed_ns - SECOND_NS, time.time_ns())
        report("kill-control-conference", longest_gap_at_citizen_ms=round(gap_ms))
        assert gap_ms < 300
        await client.command("contact.hangup", contact=contact)
        for phone in (fire, police, hospital):
            await has_ended(phone)
        assert (await citizen.over()).cause == "bye"


async def test_the_media_worker_is_killed_in_the_middle_of_a_conference(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        talking(lab) as (robot, citizen, contact),
    ):
        await robot.client.command("contact.conference", contact=contact, services=["110", "112"])
        fire, police = await callee(exchange, "110"), await callee(exchange, "112")
        await hears(citizen.heard, FIRE_HZ, POLICE_HZ, what="the citizen")
        await lab.kill_worker()
        lab.start_worker()
        await eventually(lambda: not sounds(citizen.heard, FIRE_HZ), what="the sound is gone")
        await hears(citizen.heard, FIRE_HZ, POLICE_HZ, OPERATOR_HZ, what="the citizen, by the new worker,")
        await hears(fire.heard, CITIZEN_HZ, POLICE_HZ, OPERATOR_HZ, what="110, by the new worker,")
        await robot.client.command("contact.hangup", contact=contact)
        for phone in (fire, police):
            await has_ended(phone)


@needs_sipp
@pytest.mark.real_peer
async def test_a_real_peer_has_us_call_somebody_in_its_place(tmp_path: Path) -> None:
    """sipp calls, asks by REFER for somebody else, hears how it goes by NOTIFY and leaves: those two talk."""
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        outside(lab) as exchange,
        robot_at(lab, "kari", "oslo-1", voice_hz=OPERATOR_HZ) as robot,
    ):
        result = await run_sipp(SIPP / "uac_refer.xml", lab.sip, tmp_path, "-s", "113")
        assert result.code == 0, result.output[-2_000:]
        await robot.client.until(lambda seen: (seen.view["call"] or {}).get("far_end") == "gone")
        phone = await callee(exchange, "+4722334455")
        await hears(robot.heard, STRANGER.tone_hz, what="the operator")
        await hears(phone.heard, OPERATOR_HZ, what="who was called")
        assert exchange.hang_up(phone.name)
        await robot.client.until(lambda seen: seen.view["call"] is None)


async def test_who_is_on_hold_may_be_told_and_hears_music(tmp_path: Path) -> None:
    """A trunk whose peers are told of a hold: re-INVITE with sendonly, and back."""
    port = free_port()
    lab_trunk = {"name": "lab", "sources": ["127.0.0.0/8"], "address": f"sip:127.0.0.1:{port}", "outbound": True}
    exchange = Exchange(("127.0.0.1", port), voice=steady(1_300))
    await exchange.start()
    try:
        async with (
            running_lab(tmp_path, simulators=False, sip={"trunks": [{**lab_trunk, "tell_hold": True}]}) as lab,
            robot_at(lab, "kari", "oslo-1", voice_hz=OPERATOR_HZ) as robot,
        ):
            robot.rtp.rest(False)
            contact = (await robot.client.command("contact.dial", number="110", display=""))["contact"]
            fire = await callee(exchange, "110")
            await hears(fire.heard, OPERATOR_HZ, what="110")
            await robot.client.command("contact.hold", contact=contact, on=True)
            await eventually(lambda: fire.uas.media is not None and fire.uas.media.direction == "sendonly", what="held")
            await eventually(lambda: silent_of(fire.heard, OPERATOR_HZ), what="110 hears the operator no more")
            assert fire.heard.samples(time.time_ns() - SECOND_NS).any(), "but music"
            await robot.client.command("contact.hold", contact=contact, on=False)
            await eventually(lambda: fire.uas.media is not None and fire.uas.media.direction == "sendrecv", what="back")
            await hears(fire.heard, OPERATOR_HZ, what="110, taken back,")
            await hears(robot.heard, FIRE_HZ, what="the operator")
            await robot.client.command("contact.hangup", contact=contact)
            await has_ended(fire)
    finally:
        await exchange.stop()
