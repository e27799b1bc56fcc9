"""Integrators over the app's parts: what they bring is in the journal when they are answered; versions hold at once."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import copytree

import pytest

from kak_server.app.contacts import HouseContacts
from kak_server.app.metrics import Metrics
from kak_server.bridges.brought_types import Integrator
from kak_server.console.ports import Caller
from kak_server.console.ports_contacts import NewContact
from kak_server.model.ids import ContactId, OperatorId, PositionId
from tests.unit.app.desk import Desk

TOKEN = "a" * 64
CHAT = NewContact(kind="chat", reference="r1", queue="lv", caller="anna", text="hei")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    serve(made, Integrator("web", "Web", sha256(TOKEN.encode()).hexdigest()))
    yield made
    made.close()


def serve(desk: Desk, *integrators: Integrator) -> None:
    desk.house.ctx.settings = replace(desk.house.ctx.settings, integrators=integrators)


async def test_what_was_answered_is_there_after_a_crash(desk: Desk, tmp_path: Path) -> None:
    contacts = HouseContacts(desk.dispatcher, Metrics())
    made, new = contacts.bring("web", CHAT)
    assert (made.ok, new) == (True, True)
    contact = str(made.result["contact"])
    assert contacts.say("web", contact, "er du der?", "k").result["number"] == 2
    copytree(desk.settings.journal_dir, tmp_path / "again" / "journal")  # the files as a kill would leave them
    again = Desk(tmp_path / "again")
    serve(again, *desk.house.ctx.settings.integrators)
    restored = HouseContacts(again.dispatcher, Metrics())
    assert restored.bring("web", CHAT)[0].result["contact"] == contact
    said = restored.messages("web", contact, 0).result
    assert [row["text"] for row in said["messages"]] == ["hei", "er du der?"]
    assert said["state"] == "waiting"
    again.close()


def test_a_token_opens_for_as_long_as_the_configuration_says(desk: Desk) -> None:
    contacts = HouseContacts(desk.dispatcher, Metrics())
    assert contacts.integrator_of(TOKEN) == "web"
    assert contacts.integrator_of("b" * 64) is None
    serve(desk)
    assert contacts.integrator_of(TOKEN) is None
    assert contacts.bring("web", CHAT)[0].code == "bad-credentials"


def test_refusals_come_back_as_codes_and_are_counted(desk: Desk) -> None:
    metrics = Metrics()
    contacts = HouseContacts(desk.dispatcher, metrics)
    assert contacts.bring("web", replace(CHAT, queue="none"))[0].code == "unknown-queue"
    assert contacts.contact("web", "none").code == "not-found"
    assert contacts.end("web", "none").code == "not-found"
    assert contacts.contacts("web") == []
    assert b'kak_commands_total{code="unknown-queue",name="contacts.bring"} 1.0' in metrics.text()


async def test_who_leaves_by_the_api_leaves_behind_what_anybody_does_who_stands_up(desk: Desk) -> None:
    """Who has gone home looks into no chat any more: its holder's card would name them until the chat ends."""
    contact, ola = await chatting(desk)
    kari = desk.sit("kari")
    view = desk.house.ctx.core.contact(contact)
    assert view is not None
    desk.dispatcher.feed(lambda house, _now: house.chat_hands.look_in(PositionId("amk-1"), kari.operator, view))
    assert desk.backend.snapshot(ola, 0)["cards"][0]["readers"] == ["Kari Nordmann"]
    assert desk.backend.leave_position(kari, desk.now_ms).ok
    assert desk.backend.snapshot(ola, 0)["cards"][0]["readers"] == []


async def test_who_may_not_leave_for_a_chat_goes_on_hearing_the_radio(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ola = await chatting(desk)
    released: list[PositionId] = []
    monkeypatch.setattr(desk.house.groups, "release_all", released.append)
    assert desk.backend.leave_position(ola, desk.now_ms).code == "busy"
    assert released == []


async def chatting(desk: Desk) -> tuple[ContactId, Caller]:
    """Ola has a chat."""
    made, _ = HouseContacts(desk.dispatcher, Metrics()).bring("web", CHAT)
    settings, one = desk.house.ctx.settings, OperatorId("ola")
    able = replace(settings.people[one], capacity=replace(settings.people[one].capacity, chats_max=1))
    desk.house.ctx.settings = replace(settings, people={**settings.people, one: able})
    contact, ola = ContactId(str(made.result["contact"])), desk.sit("ola", "lvs-1")
    desk.backend.execute(ola, "activity.set", {"activity": "available"}, desk.now_ms)
    view = desk.house.ctx.core.contact(contact)
    assert view is not None
    assert desk.backend.execute(ola, "contact.accept", {"contact": contact, "epoch": view.epoch}, desk.now_ms).ok
    return contact, ola
