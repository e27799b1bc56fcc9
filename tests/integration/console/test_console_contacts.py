"""Integrators' routes over real HTTP: tokens, strict bodies, statuses."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from kak_server.console.ports import Result
from kak_server.console.ports_contacts import NewContact
from tests.integration.console.conftest import Running

INFO = {
    "contact": "c1", "kind": "chat", "reference": "r1", "queue": "lv", "class": "urgent", "state": "waiting",
    "arrived_at_ms": 1, "answered_at_ms": None, "ended_at_ms": None, "cause": "", "messages": 1, "ends_at_ms": None,
    "skills_unknown": ["diver"],
}  # fmt: skip
MESSAGE = {"number": 2, "by": "outside", "text": "hei", "at_ms": 1}
BODY: dict[str, Any] = {"kind": "chat", "reference": "r1", "queue": "lv"}


class Contacts:
    """A ContactsPort that knows one contact, c1."""

    def __init__(self) -> None:
        self.brought: list[NewContact] = []

    def integrator_of(self, token: str) -> str | None:
        return "web" if token == "right" else None

    def bring(self, integrator: str, wanted: NewContact) -> tuple[Result, bool]:
        if wanted.queue == "none":
            return Result(False, code="unknown-queue", message="no such queue"), False
        if "midwife" in wanted.skills:
            return Result(False, code="unknown-skill", message="no such skill: midwife"), False
        self.brought.append(wanted)
        return Result(True, INFO), len(self.brought) == 1

    def contacts(self, integrator: str) -> Sequence[Mapping[str, Any]]:
        return [INFO]

    def contact(self, integrator: str, contact: str) -> Result:
        return Result(True, INFO) if contact == "c1" else Result(False, code="not-found", message="none")

    def end(self, integrator: str, contact: str) -> Result:
        return self.contact(integrator, contact)

    def say(self, integrator: str, contact: str, text: str, key: str) -> Result:
        return Result(False, code="gone", message="over") if text == "late" else Result(True, MESSAGE)

    def messages(self, integrator: str, contact: str, after: int) -> Result:
        return Result(True, {"messages": [MESSAGE][: max(0, 2 - after)], "state": "connected"})


@pytest.fixture
def contacts(running: Running) -> Contacts:
    made = Contacts()
    running.shell.contacts = made
    return made


def client(running: Running, token: str = "right") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=f"{running.base}/api/v1", headers=headers, timeout=20)


async def test_the_routes(running: Running, contacts: Contacts) -> None:
    async with client(running) as web:
        more = {"text": "hei\npå deg", "priority_s": 60, "skills": {"lv": 3}, "class": "urgent"}
        first = await web.post("/contacts", json={**BODY, **more})
        assert (first.status_code, first.json()) == (201, INFO)
        assert (contacts.brought[0].priority_s, contacts.brought[0].text) == (60, "hei\npå deg")
        assert (await web.post("/contacts", json=BODY)).status_code == 200
        assert [one.klass for one in contacts.brought] == ["urgent", ""]
        assert (await web.get("/contacts")).json() == [INFO]
        assert (await web.get("/contacts/c1")).json() == INFO
        assert (await web.post("/contacts/c1/end")).json() == INFO
        assert (await web.post("/contacts/c1/messages", json={"text": "hei", "key": "k"})).json() == MESSAGE
        assert (await web.get("/contacts/c1/messages?after=1")).json() == {"messages": [MESSAGE], "state": "connected"}
        assert (await web.get("/contacts/none")).status_code == 404
        assert (await web.post("/contacts/c1/messages", json={"text": "late"})).status_code == 410
        assert (await web.post("/contacts", json={**BODY, "queue": "none"})).json()["error"]["code"] == "unknown-queue"
        refused = await web.post("/contacts", json={**BODY, "skills": {"midwife": 1}})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unknown-skill")


@pytest.mark.parametrize(
    "body",
    [
        {**BODY, "kind": "voice"},
        {**BODY, "reference": ""},
        {**BODY, "number": "113"},
        {"kind": "chat", "reference": "r1"},
        {**BODY, "kind": "alarm"},
        {**BODY, "text": "x" * 2_001},
        {**BODY, "text": "bell\x07"},
        {**BODY, "skills": {"lv": 11}},
        {**BODY, "language": "norsk bokmål"},
        {**BODY, "class": "highest"},
        {**BODY, "class": ""},
        {**BODY, "klass": "urgent"},
    ],
)
async def test_what_does_not_fit_is_refused(running: Running, contacts: Contacts, body: dict[str, Any]) -> None:
    async with client(running) as web:
        answer = await web.post("/contacts", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad-request")
    assert contacts.brought == []


async def test_only_a_token_opens_and_guessing_is_bounded(running: Running, contacts: Contacts) -> None:
    async with running.tab() as tab:
        await tab.sign_in("siri")
        assert (await tab.send("POST", "/contacts", BODY)).status_code == 401
    async with client(running, "") as nobody:
        assert (await nobody.get("/contacts")).headers["WWW-Authenticate"] == "Bearer"
    async with client(running, "wrong") as guesser:
        statuses = {(await guesser.get("/contacts")).status_code for _ in range(70)}
        assert statuses == {401, 429}
    async with client(running) as web:
        assert (await web.get("/contacts")).status_code == 429  # the same address
        running.now_ms[0] += 61_000
        assert (await web.get("/contacts")).status_code == 200
