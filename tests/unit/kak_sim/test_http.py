"""The simulators' control API, asked as the lab panel asks it. No network beneath: the air is ticked by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kak_sim.audio import read_wav
from kak_sim.callers.registry import Callers
from kak_sim.http import app_for
from kak_sim.tetra.air import Air
from kak_sim.tetra.world import LAB

ISSI, OTHER = 2420101, 2420102


@pytest.fixture
def air() -> Air:
    return Air(LAB)


@pytest.fixture
async def api(air: Air) -> AsyncIterator[httpx.AsyncClient]:
    callers = Callers(("127.0.0.1", 9))
    transport = httpx.ASGITransport(app_for(air, callers))
    async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
        yield client
    await callers.stop()


async def ask(api: httpx.AsyncClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await api.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_key_is_pressed_and_let_go(air: Air, api: httpx.AsyncClient) -> None:
    state = await ask(api, "POST", f"/radios/{ISSI}/ptt", {"on": True, "source": "tone:700"})
    assert state["key"] == "talking"
    for _ in range(5):
        air.tick()
    other = await ask(api, "GET", f"/radios/{OTHER}")
    assert (other["hears"], other["frames_heard"]) == ("Ambulanse 1-1", 5)
    assert other["level_db"] > -20
    state = await ask(api, "POST", f"/radios/{ISSI}/ptt", {"on": False})
    assert (state["key"], state["frames_spoken"]) == ("idle", 5)


async def test_a_recording_over_http(air: Air, api: httpx.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    assert (await ask(api, "POST", f"/radios/{OTHER}/record", {"path": str(path)}))["recording"] == str(path)
    for _ in range(10):
        air.tick()
    assert (await ask(api, "POST", f"/radios/{OTHER}/record/stop"))["seconds"] == 0.2
    assert len(read_wav(path)[0]) == 1_600
    await ask(api, "POST", f"/radios/{OTHER}/record/stop", status=409)


async def test_a_recording_that_cannot_be_written_says_so(air: Air, api: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    await ask(api, "POST", f"/radios/{OTHER}/record", {"path": str(tmp_path / "file" / "x.wav")})
    answer = await ask(api, "POST", f"/radios/{OTHER}/record/stop", status=422)
    assert "could not be written" in answer["detail"]


async def test_a_radio_turns_to_another_group(api: httpx.AsyncClient) -> None:
    assert (await ask(api, "POST", f"/radios/{ISSI}/group", {"gssi": 24202}))["gssi"] == 24202
    await ask(api, "POST", f"/radios/{ISSI}/group", {"gssi": 9}, status=404)


async def test_policy_changes_part_by_part(api: httpx.AsyncClient) -> None:
    assert (await ask(api, "PUT", "/policy", {"grant": "deny", "scope": "all"}))["grant"] == "deny"
    changed = await ask(api, "PUT", "/policy", {"max_ms": 500})
    assert (changed["grant"], changed["max_ms"]) == ("deny", 500)
    assert await ask(api, "GET", "/policy") == changed
    state = await ask(api, "POST", f"/radios/{ISSI}/ptt", {"on": True})
    assert (state["key"], state["cause"]) == ("denied", "denied")


async def test_the_floor_can_be_taken(api: httpx.AsyncClient) -> None:
    await ask(api, "POST", "/groups/24201/interrupt", {}, status=409)
    await ask(api, "POST", f"/radios/{ISSI}/ptt", {"on": True})
    await ask(api, "POST", "/groups/24201/interrupt", {"by": "SB", "cause": "test"})
    state = await ask(api, "GET", f"/radios/{ISSI}")
    assert (state["key"], state["cause"]) == ("interrupted", "test")


async def test_the_whole_state(api: httpx.AsyncClient) -> None:
    await ask(api, "POST", f"/radios/{ISSI}/ptt", {"on": True})
    state = await ask(api, "GET", "/state")
    assert len(state["radios"]) == len(await ask(api, "GET", "/radios")) == len(LAB.radios)
    assert state["groups"][0]["talker"] == "Ambulanse 1-1"
    assert state["callers"] == []
    assert state["consoles"] == []


async def test_the_counters_begin_at_zero(api: httpx.AsyncClient) -> None:
    counters = await ask(api, "GET", "/counters")
    assert (counters["uplink_without_grant"], counters["sent"], counters["legs"]) == (0, 0, [])
    assert (await ask(api, "GET", "/healthz"))["ok"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/radios/9", None, 404),
        ("GET", "/radios/abc", None, 422),
        ("GET", "/radios/99999999999999999999", None, 422),
        ("POST", "/radios/9/ptt", {"on": True}, 404),
        ("POST", f"/radios/{ISSI}/ptt", {}, 422),
        ("POST", f"/radios/{ISSI}/ptt", {"on": True, "source": "song"}, 422),
        ("POST", f"/radios/{ISSI}/ptt", {"on": True, "priority": 4}, 422),
        ("POST", f"/radios/{ISSI}/ptt", {"on": True, "volume": 11}, 422),
        ("POST", f"/radios/{ISSI}/group", {"gssi": 0}, 422),
        ("POST", f"/radios/{ISSI}/record", {"path": ""}, 422),
        ("PUT", "/policy", {"grant": "perhaps"}, 422),
        ("PUT", "/policy", {"max_ms": -1}, 422),
        ("POST", "/callers/nobody/hangup", {}, 404),
    ],
)
async def test_what_does_not_fit_is_refused(
    api: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    await ask(api, method, path, body, status)
