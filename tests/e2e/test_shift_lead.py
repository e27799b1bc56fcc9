"""A shift lead's day with real callers and robots: who is on, a forced sign-out, the change of shifts, a loan."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kak_sim.callers.sound import steady
from kak_sim.lab import Lab
from kak_sim.robots.client import ApiRefusedError, PositionClient
from kak_sim.robots.robot import Manner
from tests.support.lab import calling, operator, running_lab
from tests.support.robots import VOICE_HZ, in_call, robot_at
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

CALLER_HZ = 440


def audited(lab: Lab) -> list[tuple[str, str, str]]:
    """Who did what to whom, from the records database."""
    with contextlib.closing(sqlite3.connect(f"file:{lab.data_dir}/records.db?mode=ro", uri=True)) as database:
        return database.execute("select operator, action, subject from audit order by number").fetchall()


def staff(client: PositionClient) -> dict[str, dict[str, Any]]:
    """The shift lead's list, by operator."""
    return {row["operator"]: row for row in client.view.get("staff", [])}


def noticed(client: PositionClient, code: str) -> bool:
    """Whether that was told."""
    return any(notice["code"] == code for notice in client.saw("notice"))


@contextlib.asynccontextmanager
async def next_shift(lab: Lab, username: str) -> AsyncIterator[PositionClient]:
    """Signed in, and seated nowhere yet."""
    client = PositionClient(lab.base_url, username, "lab")
    try:
        await client.sign_in()
        yield client
    finally:
        await client.close()


async def test_the_lead_sees_who_is_on_and_signs_somebody_out_after_the_call(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1", Manner(wrap_up_ms=0)) as kari,
        operator(lab, "sofie", "oslo-2", available=False) as lead,
        calling(lab, "113", source=steady(CALLER_HZ)) as caller,
    ):
        await kari.client.until(in_call)
        await lead.until(lambda client: staff(client).get("kari", {}).get("state") == "busy")
        row = staff(lead)["kari"]
        assert (row["position"], row["room"], row["name"]) == ("oslo-1", "oslo", "Kari Nordmann")
        assert 0 < row["on_since_ms"] <= row["since_ms"]
        assert kari.client.view["staff"] == []
        with pytest.raises(ApiRefusedError, match="not-lead"):
            await kari.client.command("staff.force", operator="sofie", to="not-ready")

        await lead.command("staff.force", operator="kari", to="signed-out", note="lagt til feil vakt")
        await kari.client.until(lambda client: client.view["me"]["leaving"])
        assert kari.client.view["me"]["forced"]["by_name"] == "Sofie Haugen"
        await eventually(lambda: caller.heard.tone_started_ns(VOICE_HZ), what="the call goes on")
        assert in_call(kari.client)
        await caller.hang_up()
        await eventually(lambda: kari.client.saw("seat.lost"), what="she is signed out")
        assert kari.client.saw("seat.lost") == [{"reason": "forced"}]
        await lead.until(lambda client: "kari" not in staff(client))
        await eventually(lambda: ("sofie", "operator.forced", "kari") in audited(lab), what="it is in the audit log")
        assert await kari.client.sit_down("oslo-1") > 1, "she may sit down again"


async def test_the_next_shift_takes_the_seat_after_the_call_though_control_died_in_between(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1", Manner(wrap_up_ms=None)) as kari,
        calling(lab, "113", source=steady(CALLER_HZ)) as caller,
        next_shift(lab, "ola") as ola,
    ):
        await kari.client.until(in_call)
        path = "/api/v1/position/hand-over"
        with pytest.raises(ApiRefusedError, match="empty"):
            await ola.request("POST", path, {"position": "oslo-3"})
        answer = await ola.request("POST", path, {"position": "oslo-1"})
        assert (answer["state"], answer["hand_over"]["outgoing_name"]) == ("waiting", "Kari Nordmann")
        await kari.client.until(lambda client: client.view["me"]["hand_over"] is not None)
        assert kari.client.view["me"]["hand_over"]["incoming_name"] == "Ola Nordmann"

        await lab.kill_control()
        await lab.start_control()
        assert (await ola.request("GET", path))["state"] == "waiting"
        await caller.hang_up()
        async with asyncio.timeout(30):
            while (await ola.request("GET", path))["state"] != "ready":  # noqa: ASYNC110 - as a console asks
                await asyncio.sleep(0.5)
        await ola.sit_down("oslo-1")
        await ola.connect_events()
        me = ola.view["me"]
        assert (me["operator"], me["position"], me["activity"]) == ("ola", "oslo-1", "break")
        with pytest.raises(ApiRefusedError, match="not-your-seat"):
            await kari.client.request("POST", "/api/v1/commands/wrapup.done", {"args": {}, "seat_epoch": 1})
        steps = [("ola", "position.hand-over", "oslo-1")] * 2
        await eventually(lambda: [row for row in audited(lab) if row[2] == "oslo-1"] == steps, what="both rows")


async def test_oslo_lends_somebody_to_bergen_and_gets_them_back(tmp_path: Path) -> None:
    async with (
        running_lab(tmp_path, simulators=False) as lab,
        robot_at(lab, "kari", "oslo-1", Manner(wrap_up_ms=0)) as kari,
        operator(lab, "sofie", "bergen-1", available=False) as lead,  # leads both rooms
    ):
        with pytest.raises(ApiRefusedError, match="bad-time"):
            await lead.command("loan.ask", room="bergen", lender="oslo", minutes=4_000)
        loan = (await lead.command("loan.ask", room="bergen", lender="oslo", minutes=60, note="storm"))["loan"]
        await lead.until(lambda client: [row["state"] for row in client.view["loans"]] == ["asked"])
        assert noticed(lead, "loan-asked")
        await lead.command("loan.agree", loan=loan, operators=["kari"])
        await kari.client.until(lambda client: client.view["me"]["loan"] is not None)
        assert noticed(kari.client, "loan-lent")
        assert kari.client.view["me"]["room"] == "oslo"

        async with calling(lab, "+4700113002", "+4791500007", source=steady(CALLER_HZ)) as caller:
            await kari.client.until(lambda client: in_call(client, "+4791500007"), timeout_s=8)  # own room's 20 s
            contact = kari.client.view["call"]["contact"]
            await lab.kill_control()
            await lab.start_control()
            await caller.hang_up()
        sentences = (await lead.request("GET", f"/api/v1/calls/{contact}/explain"))["sentences"]
        assert any("on loan from AMK Oslo" in sentence for sentence in sentences), sentences

        await lead.connect_events()
        assert [row["lent"][0]["operator"] for row in lead.view["loans"]] == ["kari"], "the loan outlived it"
        await lead.command("loan.end", loan=loan)
        await lead.until(lambda client: client.view["loans"] == [])
        steps = ["loan.asked", "loan.agreed", "loan.lent", "loan.returned", "loan.over"]
        await eventually(lambda: [row[1] for row in audited(lab) if row[2] == loan] == steps, what="all rows")
