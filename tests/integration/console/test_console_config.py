"""The configuration's versions over the API, from the first draft to the roll-back, over a database of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kak_server.app.configuration.desk import ConfigDesk, Prepared
from kak_server.app.configuration.library import Library
from kak_server.console.requests_config import OBJECTS_A_REQUEST_MAX
from tests.integration.console.client import Tab
from tests.integration.console.conftest import Running
from tests.unit.app.configuration.test_start import machine

NOD = {"id": "nod", "name": "Nød", "numbers": ["113"], "class": "emergency", "rooms": ["amk"]}
BASE = "/config"


@pytest.fixture
def placed(running: Running, tmp_path: Path) -> Iterator[list[Prepared]]:
    """What was put in place; the server has versions from here on."""
    library = Library(machine(tmp_path), lambda: 1_000)
    library.load()
    made: list[Prepared] = []
    running.shell.config = desk = ConfigDesk(library, made.append, lambda *_: None, lambda _: None)
    yield made
    desk.close()
    library.close()


async def admin(running: Running) -> Tab:
    tab = running.tab()
    assert (await tab.sign_in("ada")).status_code == 200
    return tab


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def body(tab: Tab, method: str, path: str, value: Any = None) -> Any:
    answer = await tab.send(method, f"{BASE}{path}", value)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_from_a_draft_to_the_roll_back(running: Running, placed: list[Prepared]) -> None:
    async with await admin(running) as tab:
        draft = (await body(tab, "POST", "/drafts", {"comment": "more"}))["draft"]
        assert (await body(tab, "GET", "/drafts"))["drafts"][0]["base"] == 1
        room = {"id": "lvs", "name": "Legevakt", "positions": 1}
        assert (await body(tab, "PUT", f"/drafts/{draft}/objects/rooms/lvs", room))["ok"]
        changed = {"objects": [{"kind": "queues", "name": "nod", "content": {**NOD, "rooms": ["amk", "lvs"]}}]}
        assert (await body(tab, "POST", f"/drafts/{draft}/edits", changed))["ok"]
        assert (await body(tab, "DELETE", f"/drafts/{draft}/objects/rooms/amk"))["ok"]
        told = await body(tab, "POST", f"/drafts/{draft}/validate")
        assert {(one["kind"], one["name"], one["path"]) for one in told["problems"]} >= {("queues", "nod", "rooms[0]")}
        assert code(await tab.send("POST", f"{BASE}/drafts/{draft}/publish", {})) == (422, "invalid")
        await body(tab, "DELETE", f"/drafts/{draft}/edits/rooms/amk")
        assert len((await body(tab, "GET", f"/drafts/{draft}"))["edits"]) == 2
        difference = await body(tab, "GET", f"/drafts/{draft}/difference")
        assert "queues/nod changed" in difference["text"]
        published = await body(tab, "POST", f"/drafts/{draft}/publish", {"apply": "all"})
        assert (published["number"], placed[-1].event.apply if placed[-1].event else "") == (2, "all")
        assert code(await tab.send("POST", f"{BASE}/drafts/{draft}/publish", {})) == (404, "not-found")
        assert (await body(tab, "GET", "/versions"))["running"] == 2
        version = await body(tab, "GET", "/versions/2")
        assert (version["author"], version["comment"], len(version["changes"])) == ("op-ada", "more", 2)
        assert (await body(tab, "GET", "/versions/2/objects/rooms/lvs"))["content"] == room
        assert [one["name"] for one in (await body(tab, "GET", "/versions/1/objects/rooms"))["objects"]] == ["amk"]
        assert (await body(tab, "POST", "/versions/1/rollback", {}))["number"] == 3
        assert (await body(tab, "GET", "/versions/1/difference/3"))["changes"] == []


async def test_yaml_out_and_in(running: Running, placed: list[Prepared]) -> None:
    async with await admin(running) as tab:
        answer = await tab.http.get(f"/api/v1{BASE}/versions/1/export")
        assert answer.headers["content-type"].startswith("application/yaml")
        assert "argon2id" not in answer.text
        hashes = await tab.http.get(f"/api/v1{BASE}/versions/1/export?passwords=true")
        assert "argon2id" in hashes.text
        draft = (await body(tab, "POST", "/drafts", {}))["draft"]
        text = answer.text.replace("name: AMK", "name: AMK Oslo")
        assert (await body(tab, "POST", f"/drafts/{draft}/import", {"yaml": text}))["ok"]
        told = await body(tab, "POST", f"/drafts/{draft}/import", {"yaml": "rooms: [{id: !file /etc/passwd}]"})
        assert not told["ok"]
        assert "root:" not in str(told)
        assert (await body(tab, "POST", f"/drafts/{draft}/publish", {}))["number"] == 2
        assert len(placed) == 1


async def test_a_password_is_set_and_never_told(running: Running, placed: list[Prepared]) -> None:
    async with await admin(running) as tab:
        short = await tab.send("PUT", f"{BASE}/operators/kari/password", {"password": "short"})
        assert code(short) == (422, "bad-request")
        assert "short" not in short.text
        assert (await body(tab, "PUT", "/operators/kari/password", {"password": "long enough now"}))["number"] == 1
        assert placed[-1].event is None
        assert code(await tab.send("PUT", f"{BASE}/operators/nobody/password", {"password": "long enough now"})) == (
            404,
            "not-found",
        )


REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/versions", None),
    ("GET", "/history", None),
    ("GET", "/versions/1", None),
    ("GET", "/versions/1/export", None),
    ("GET", "/versions/1/objects/rooms", None),
    ("GET", "/versions/1/objects/rooms/amk", None),
    ("GET", "/versions/1/difference/1", None),
    ("POST", "/versions/1/rollback", {}),
    ("GET", "/drafts", None),
    ("POST", "/drafts", {}),
    ("GET", "/drafts/0", None),
    ("DELETE", "/drafts/0", None),
    ("PUT", "/drafts/0/objects/rooms/amk", {}),
    ("DELETE", "/drafts/0/objects/rooms/amk", None),
    ("DELETE", "/drafts/0/edits/rooms/amk", None),
    ("POST", "/drafts/0/edits", {"objects": [{"kind": "rooms", "name": "amk", "content": None}]}),
    ("POST", "/drafts/0/import", {"yaml": "rooms: []"}),
    ("POST", "/drafts/0/validate", None),
    ("GET", "/drafts/0/difference", None),
    ("POST", "/drafts/0/publish", {}),
    ("PUT", "/operators/kari/password", {"password": "long enough now"}),
]


@pytest.mark.parametrize("username", ["siri", "tore"])
async def test_others_are_refused(running: Running, username: str) -> None:
    """Technicians, and shift leads as well."""
    async with running.tab() as tab:
        await tab.sign_in(username)
        for method, path, value in REQUESTS:
            assert code(await tab.send(method, f"{BASE}{path}", value)) == (403, "forbidden"), path


async def test_forged_requests_are_refused(running: Running) -> None:
    async with await admin(running) as tab:
        tab.csrf = "forged"
        for method, path, value in REQUESTS:
            if method != "GET":
                assert code(await tab.send(method, f"{BASE}{path}", value)) == (403, "csrf"), path


async def test_every_route_is_among_those_tried(running: Running) -> None:
    """A new route must be refused to others as well."""
    document = (await running.tab().http.get("/api/v1/openapi.json")).json()
    routes = [
        (method.upper(), path) for path, item in document["paths"].items() if "/config/" in path for method in item
    ]
    assert len(routes) == len(REQUESTS)


BAD_REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/versions/0", None),
    ("GET", "/versions?limit=100000", None),
    ("GET", "/drafts/NOT-AN-ID", None),
    ("PUT", "/drafts/0/objects/Rooms/amk", {}),
    ("PUT", "/drafts/0/objects/rooms/-amk", {}),
    ("POST", "/drafts", {"comment": "x" * 1_001}),
    ("POST", "/drafts/0/publish", {"apply": "some"}),
    ("POST", "/drafts/0/edits", {"objects": []}),
    ("POST", "/drafts/0/edits", {"objects": [{"kind": "rooms", "name": "a", "content": None}] * 3_000}),
    ("POST", "/drafts/0/edits", {"objects": [{"kind": "rooms", "name": "a"}]}),
]


async def test_what_does_not_fit_is_a_bad_request(running: Running) -> None:
    async with await admin(running) as tab:
        for method, path, value in BAD_REQUESTS:
            assert code(await tab.send(method, f"{BASE}{path}", value)) == (422, "bad-request"), (path, value)
    assert OBJECTS_A_REQUEST_MAX < 3_000


async def test_a_server_without_versions_says_so(running: Running) -> None:
    async with await admin(running) as tab:
        assert code(await tab.send("GET", f"{BASE}/versions")) == (503, "unavailable")


async def test_hostile_contents_are_problems(running: Running, placed: list[Prepared]) -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    async with await admin(running) as tab:
        draft = (await body(tab, "POST", "/drafts", {}))["draft"]
        for content in (deep, {"id": ["amk"]}, {"id": "amk", "positions": 1e300}, {"id": "amk", "name": "x" * 9_999}):
            told = await body(tab, "PUT", f"/drafts/{draft}/objects/rooms/amk", content)
            assert not told["ok"]
        unknown = await body(tab, "PUT", f"/drafts/{draft}/objects/trunks/amk", {})
        assert "no such kind" in unknown["problems"][0]["text"]
    assert placed == []
