"""Signing in, sitting down and out again, against the real server."""

import asyncio

from tests.integration.console.backend import CardHouse
from tests.integration.console.conftest import Running, Start


def code_of(answer: object) -> str:
    return str(answer.json()["error"]["code"])  # type: ignore[attr-defined]


async def test_sign_in_gives_a_strict_cookie_and_who_i_am(running: Running) -> None:
    async with running.tab() as tab:
        answer = await tab.sign_in()
        assert answer.status_code == 200
        user = {
            "operator": "op-kari",
            "name": "Kari",
            "roles": ["operator"],
            "skills": {"medical": 5},
            "rooms": ["oslo"],
        }
        assert answer.json() == {"user": user, "csrf": tab.csrf}
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await tab.http.get("/api/v1/session")).json() == {"user": user, "csrf": tab.csrf}
        kept = str(running.house.sessions)
        assert tab.cookie not in kept
        assert tab.csrf not in kept


async def test_wrong_passwords_and_unknown_names_look_the_same(running: Running) -> None:
    async with running.tab() as tab:
        for name, password in (("kari", "wrong"), ("nobody", "wrong"), ("kari", "RIKTIG HEST")):
            answer = await tab.sign_in(name, password)
            assert (answer.status_code, code_of(answer)) == (401, "bad-credentials")
            assert answer.json()["error"]["message"] == "Unknown user name or wrong password."
            assert "set-cookie" not in answer.headers


async def test_guessing_is_slowed_down_and_others_are_not(running: Running) -> None:
    async with running.tab() as tab:
        for _ in range(8):
            assert (await tab.sign_in(password="wrong")).status_code == 401
        answer = await tab.sign_in()
        assert (answer.status_code, code_of(answer)) == (429, "too-many-attempts")
        assert 0 < int(answer.headers["retry-after"]) <= 300
        assert (await tab.sign_in("ola")).status_code == 200


async def test_a_volley_of_guesses_in_parallel_counts_in_full(running: Running) -> None:
    async with running.tab() as tab:
        answers = await asyncio.gather(*(tab.sign_in(password=f"guess {n}") for n in range(20)))
        assert sorted({answer.status_code for answer in answers}) == [401, 429]
        assert sum(answer.status_code == 401 for answer in answers) == 8


async def test_roles_without_a_seat_are_denied(running: Running) -> None:
    async with running.tab() as tab:
        await tab.sign_in("wally")
        answer = await tab.http.get("/api/v1/positions")
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")


async def test_sitting_down_standing_up_and_signing_out(running: Running) -> None:
    async with running.tab() as tab:
        await tab.sign_in()
        assert (await tab.sit()).json() == {"position": "oslo-1", "seat_epoch": 1}
        rows = (await tab.http.get("/api/v1/positions")).json()
        assert rows[0] == {
            "position": "oslo-1",
            "room": "oslo",
            "room_name": "Oslo",
            "name": "oslo-1",
            "taken_by": "Kari",
            "phone": None,
        }
        running.house.busy.add(running.house.users["kari"].operator)
        for path in ("/position", "/session"):
            answer = await tab.send("DELETE", path)
            assert (answer.status_code, code_of(answer)) == (409, "busy")
        running.house.busy.clear()
        assert (await tab.send("DELETE", "/position")).json() == {"ok": True}
        assert (await tab.send("DELETE", "/position")).status_code == 409
        old = tab.cookie
        assert (await tab.send("DELETE", "/session")).json() == {"ok": True}
        assert not running.house.sessions
        tab.http.cookies.set("kak_session", old)
        assert (await tab.http.get("/api/v1/session")).status_code == 401


async def test_a_taken_seat_needs_take_over_and_a_reload_keeps_its_epoch(running: Running) -> None:
    async with running.tab() as kari, running.tab() as ola:
        await kari.sign_in()
        await ola.sign_in("ola")
        await kari.sit()
        assert (await kari.sit(seat_epoch=1)).json()["seat_epoch"] == 1
        answer = await ola.sit()
        assert (answer.status_code, code_of(answer)) == (409, "taken")
        assert (await ola.sit(take_over=True)).json()["seat_epoch"] == 2
        answer = await kari.sit(seat_epoch=1)
        assert (answer.status_code, code_of(answer)) == (409, "not-your-seat")
        assert code_of(await ola.sit("atlantis")) == "unknown-position"
        assert code_of(await ola.sit("bergen-1")) == "not-allowed"


async def test_sessions_outlive_a_restart_and_a_removed_user_does_not(start: Start) -> None:
    house = CardHouse()
    first = await start(house)
    async with first.tab() as tab:
        await tab.sign_in()
        second = await start(house)
        async with second.tab() as again:
            again.http.cookies.set("kak_session", tab.cookie)
            answer = await again.http.get("/api/v1/session")
            assert (answer.status_code, answer.json()["csrf"]) == (200, tab.csrf)
            del house.users["kari"]
            assert (await again.http.get("/api/v1/session")).status_code == 401


async def test_a_session_ends_by_the_clock_but_not_in_a_call(start: Start) -> None:
    running = await start(session_idle_ms=60_000)
    async with running.tab() as tab:
        await tab.sign_in()
        await tab.sit()
        running.house.busy.add(running.house.users["kari"].operator)
        running.now_ms[0] = 61_000
        running.shell.sweep()
        assert (await tab.http.get("/api/v1/positions")).status_code == 200
        running.house.busy.clear()
        running.now_ms[0] = 130_000  # the request above was a use
        running.shell.sweep()
        assert not running.house.sessions
        assert (await tab.http.get("/api/v1/session")).status_code == 401


async def test_signing_in_again_closes_the_browsers_earlier_session(running: Running) -> None:
    async with running.tab() as tab:
        await tab.sign_in()
        await tab.sign_in()
        assert len(running.house.sessions) == 1
