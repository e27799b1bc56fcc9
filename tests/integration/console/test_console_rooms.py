"""Control rooms over the API, without a seat: read by whoever looks after them, set by leads and admins."""

from tests.integration.console.conftest import Running


async def test_rooms_are_closed_without_a_seat_by_those_who_may(running: Running) -> None:
    async with running.tab() as tab:
        assert (await tab.send("GET", "/rooms")).status_code == 401
        await tab.sign_in("ada")
        assert (await tab.send("GET", "/rooms")).json()[0]["state"] == "open"
        path = "/rooms/oslo/state"
        forged = await tab.http.put(f"/api/v1{path}", json={"state": "closed"})
        assert (forged.status_code, forged.json()["error"]["code"]) == (403, "csrf")
        assert (await tab.send("PUT", path, {"state": "ajar"})).status_code == 422
        assert (await tab.send("PUT", path, {"state": "closed", "reason": "x" * 201})).status_code == 422
        assert (await tab.send("PUT", "/rooms/mars/state", {"state": "closed"})).status_code == 404
        assert (await tab.send("PUT", path, {"state": "evacuated", "reason": "Brannalarm"})).json() == {"ok": True}
        (row,) = (await tab.send("GET", "/rooms")).json()
        assert (row["state"], row["reason"], row["by"]) == ("evacuated", "Brannalarm", "op-ada")


async def test_an_operator_may_look_but_not_close(running: Running) -> None:
    async with running.tab() as tab:
        await tab.sign_in()
        assert (await tab.send("GET", "/rooms")).status_code == 200
        answer = await tab.send("PUT", "/rooms/oslo/state", {"state": "closed"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not-lead")


async def test_who_is_on_elsewhere_is_for_leads_to_see(running: Running) -> None:
    async with running.tab() as tab:
        assert (await tab.send("GET", "/rooms/oslo/operators")).status_code == 401
        await tab.sign_in()
        assert (await tab.send("GET", "/rooms/oslo/operators")).status_code == 403
    async with running.tab() as lead:
        await lead.sign_in("siri")
        rows = (await lead.send("GET", "/rooms/oslo/operators")).json()
        assert [(row["operator"], row["activity"], row["on_loan"]) for row in rows] == [
            ("op-ola", "break", False),
            ("op-kari", "break", False),
        ]
        assert (await lead.send("GET", "/rooms/mars/operators")).json() == []


async def test_colleagues_anywhere_are_found_by_whoever_may_sit(running: Running) -> None:
    async with running.tab() as tab:
        assert (await tab.send("GET", "/operators?find=ola")).status_code == 401
        await tab.sign_in()
        rows = (await tab.send("GET", "/operators?find=ola")).json()
        assert [(row["operator"], row["room_name"], row["state"]) for row in rows] == [("op-ola", "AMK Oslo", "idle")]
        assert (await tab.send("GET", "/operators")).status_code == 422
        assert (await tab.send("GET", f"/operators?find={'x' * 129}")).status_code == 422
    async with running.tab() as admin:
        await admin.sign_in("ada")
        assert (await admin.send("GET", "/operators?find=ola")).status_code == 403
