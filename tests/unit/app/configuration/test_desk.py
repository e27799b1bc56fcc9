"""Publishing while calls are up, over a real house, journal and database."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from kak_server.app.configuration.desk import ConfigDesk, Prepared
from kak_server.app.configuration.library import Library
from kak_server.app.configuration.refusals import away, disk_full
from kak_server.bridges import reconfiguring
from kak_server.config.compose_sip import to_sip_settings
from kak_server.console.ports import Caller
from kak_server.model.ids import CallId, ContactId, OperatorId, PositionId, QueueId, RoomId, SessionId
from kak_server.routing.api import Capacity, ConfigChanged, ContactState
from kak_server.routing.rules import capacity_of
from kak_server.runtime.segments import load
from kak_server.sip.api import CallEnded
from kak_server.sip.core import SipCore
from tests.support.disk import filled, small_disk
from tests.unit.app.desk import Desk, Stream

NOD = {"id": "nod", "name": "Medisinsk nødtelefon", "numbers": ["113"], "class": "emergency", "rooms": ["amk"]}
ANNE = Caller(SessionId("s"), OperatorId("anne"), None, None)


class Office(Desk):
    """The app's parts with versions of the configuration."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.audited: list[tuple[str, str, str, Any]] = []
        self.library = Library(self.settings, lambda: self.now_ms)
        self.library.load()
        rules = self.library.rules_at_start(self.house.ctx.core)
        if rules is not None:
            self.dispatcher.feed(lambda house, now: house.ctx.route(rules))
        self.sip_core = SipCore(to_sip_settings(self.settings), lambda kind: kind)
        self.config = ConfigDesk(
            self.library, self._put_in_place, lambda *row: self.audited.append(row), self.notes.append
        )

    def _put_in_place(self, made: Prepared) -> None:
        self.backend.serve_people(made.users)
        self.sip_core.serve(made.sip)
        if (event := made.event) is not None:
            self.dispatcher.ask(
                lambda house, now: reconfiguring.reconfigure(house, made.tables, made.people, event, now)
            )

    async def ask(self, action: str, **args: Any) -> dict[str, Any]:
        result = await self.config.ask(ANNE, action, args)
        assert result.ok, result
        return dict(result.result)

    async def publish(self, *objects: tuple[str, str, Any], apply: str = "new") -> int:
        draft = (await self.ask("begin", comment=""))["draft"]
        edits = [{"kind": kind, "name": name, "content": content} for kind, name, content in objects]
        told = await self.ask("edit", draft=draft, objects=edits)
        assert told["ok"], told
        return int((await self.ask("publish", draft=draft, comment="", apply=apply))["number"])

    def view(self, contact: ContactId) -> Any:
        return self.house.ctx.core.contact(contact)

    def close(self) -> None:
        self.config.close()
        self.library.close()
        super().close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


async def test_who_waits_goes_by_the_old_rules_and_who_comes_by_the_new(office: Office) -> None:
    before = office.ring("c1")
    await office.publish(("queues", "nod", {**NOD, "offer_timeout_ms": 7_000, "rooms": ["lvs"]}))
    after = office.ring("c2")
    office.sit("kari")
    office.backend.execute(
        Caller(SessionId("s-kari"), OperatorId("kari"), PositionId("amk-1"), 1),
        "activity.set",
        {"activity": "available"},
        office.now_ms,
    )
    assert office.view(before).offer_expires_at_ms == office.now_ms + 15_000
    assert office.view(after).state is ContactState.WAITING  # amk does not serve the queue by the new rules
    assert office.house.ctx.core.version == 2


async def test_told_so_those_who_wait_go_by_the_new_rules_too(office: Office) -> None:
    office.ring("c1")
    await office.publish(("queues", "nod", {**NOD, "rooms": ["lvs"]}), apply="all")
    assert office.house.ctx.core.state.older == {}


async def test_new_numbers_are_served_and_old_ones_are_not(office: Office) -> None:
    await office.publish(("queues", "nod", {**NOD, "numbers": ["114"]}))
    assert office.view(office.ring("c1", "114")).queue == QueueId("nod")
    with pytest.raises(KeyError):
        office.ring("c2", "113")  # refused: no line comes of it
    assert office.outside.sip[-1] == "reject"
    assert office.sip_core._admission._numbers.keys() >= {"114"}
    assert "113" not in office.sip_core._admission._numbers


async def test_a_version_is_one_event_in_the_journal(office: Office) -> None:
    await office.publish(("rooms", "new", {"id": "new", "name": "New", "positions": 2}), ("operators", "ola", None))
    office.journal.flush()
    changed = [one for one in load(office.settings.journal_dir).events if isinstance(one, ConfigChanged)]
    assert [(event.version, event.queues, event.removed) for event in changed] == [(1, (), ()), (2, (), ())]
    assert {str(row["position"]) for row in office.backend.positions()} >= {"new-1", "new-2"}
    assert office.backend.user_by_name("ola") is None


async def test_who_is_gone_leaves_but_not_in_mid_call(office: Office) -> None:
    office.sit("kari")
    busy = office.sit("ola", "amk-2")
    office.ring("c1")
    await office.answer(busy)
    await office.publish(("operators", "kari", None), ("operators", "ola", None))
    assert office.house.ctx.core.operator(OperatorId("kari")) is None
    assert office.house.ctx.core.operator(OperatorId("ola")) is not None
    assert [note.fields for note in office.notes if note.name == "config_operator_busy"] == [{"operator": "ola"}]
    office.dispatcher.feed(lambda house, now: house.sip_event(CallEnded(CallId("c1"), "bye"), now))
    view = office.house.ctx.core.operator(OperatorId("ola"))
    assert view is not None
    assert view.duty.leaving
    office.now_ms += 10_000
    (key,) = office.house.ctx.core.timers()
    office.dispatcher.feed(lambda house, now: house.timer(f"routing/{key}", now))
    assert office.house.ctx.core.operator(OperatorId("ola")) is None, (
        "the next call would have rung where nobody may sit"
    )
    assert not office.house.seats.seats


async def test_skills_act_at_once(office: Office) -> None:
    office.sit("kari")
    ola = {"username": "kari", "name": "Kari N.", "rooms": ["amk"], "skills": {"doctor": 5}}
    await office.publish(("operators", "kari", ola))
    view = office.house.ctx.core.operator(OperatorId("kari"))
    assert view is not None
    assert (view.name, dict(view.skills)) == ("Kari N.", {"doctor": 5})


async def test_refusals_have_codes_and_change_nothing(office: Office) -> None:
    draft = (await office.ask("begin", comment="x"))["draft"]
    result = await office.config.ask(ANNE, "publish", {"draft": draft, "comment": "", "apply": "new"})
    assert (result.ok, result.code) == (False, "nothing-changed")
    await office.ask("edit", draft=draft, objects=[{"kind": "rooms", "name": "amk", "content": None}])
    result = await office.config.ask(ANNE, "publish", {"draft": draft, "comment": "", "apply": "new"})
    assert result.code == "invalid"
    assert "queues/nod rooms[0]: there is no room amk" in result.result["problems"]
    assert office.config.running()["number"] == 1
    assert office.house.ctx.core.version == 1


async def test_a_database_that_is_away_is_said_and_calls_go_on(office: Office, tmp_path: Path) -> None:
    office.library.close()
    (tmp_path / "records.db").rename(tmp_path / "gone.db")
    (tmp_path / "records.db").mkdir()
    result = await office.config.ask(ANNE, "versions", {"before": None, "limit": 5})
    assert (result.ok, result.code) == (False, "unavailable")
    assert office.view(office.ring()).state is ContactState.WAITING


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_full_disk_is_said_to_be_one_and_nothing_is_published(tmp_path: Path, reopened: bool) -> None:
    with small_disk(tmp_path / "disk", 8_000_000) as disk:
        office = Office(disk)
        draft = (await office.ask("begin", comment="x"))["draft"]
        edits = [{"kind": "queues", "name": "nod", "content": {**NOD, "priority": 1}}]
        await office.ask("edit", draft=draft, objects=edits)
        if reopened:  # the files beside a database that nobody has open are to be made anew
            office.library.store.close()
        publish = {"draft": draft, "comment": "", "apply": "all"}
        with filled(disk):
            for action, args in (
                ("publish", publish),
                ("edit", {"draft": draft, "objects": edits}),
                ("password", {"username": "kari", "password": "a new one for her"}),
            ):
                result = await office.config.ask(ANNE, action, args)
                assert (result.ok, result.code) == (False, "unavailable")
                assert result.message == (
                    "There is no space left on the disk of the database: nothing was published or changed."
                    " Version 1 runs as before."
                )
        assert office.config.running()["number"] == 1
        assert [row["number"] for row in (await office.ask("versions", before=None, limit=5))["versions"]] == [1]
        assert (await office.ask("publish", **publish))["number"] == 2, "once there is room"
        office.close()


def test_postgresql_says_in_its_own_way_that_its_disk_is_full() -> None:
    full, other = Exception("could not extend file"), Exception("could not connect")
    full.sqlstate, other.sqlstate = "53100", "08006"  # type: ignore[attr-defined]
    assert disk_full(OperationalError("INSERT", None, full))
    assert not disk_full(OperationalError("INSERT", None, other))
    assert away(OperationalError("INSERT", None, other), 1).text == "The database does not answer (OperationalError)."


async def test_everything_is_audited_and_passwords_are_in_no_row(office: Office) -> None:
    await office.publish(("queues", "nod", {**NOD, "priority": 1}))
    await office.ask("roll-back", number=1, comment="", apply="all")
    await office.ask("password", username="kari", password="a new one for her")
    await office.ask("export", number=1, passwords=True)
    actions = [(who, action, subject) for who, action, subject, _ in office.audited]
    assert actions[-4:] == [
        ("anne", "config.publish", "2"),
        ("anne", "config.roll-back", "3"),
        ("anne", "config.password", "kari"),
        ("anne", "config.export", "1"),
    ]
    assert "a new one" not in str(office.audited)
    user = office.backend.user_by_name("kari")
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=65536")


async def test_what_can_be_read(office: Office) -> None:
    await office.publish(("queues", "nod", {**NOD, "priority": 1}))
    versions = await office.ask("versions", before=None, limit=10)
    assert (versions["running"], [row["number"] for row in versions["versions"]]) == (2, [2, 1])
    version = await office.ask("version", number=2)
    assert version["changes"] == [{"kind": "queues", "name": "nod", "change": "changed"}]
    rooms = await office.ask("objects", number=2, kind="rooms", name=None)
    assert [row["name"] for row in rooms["objects"]] == ["amk", "lvs"]
    one = await office.ask("objects", number=1, kind="queues", name="nod")
    assert one["objects"][0]["content"] == NOD
    assert "priority: 0 (default) -> 1" in (await office.ask("difference", before=1, after=2))["text"]
    draft = (await office.ask("begin", comment=""))["draft"]
    told = await office.ask("import", draft=draft, yaml="rooms: [{id: amk}]")
    assert not told["ok"]
    told = await office.ask("edit", draft=draft, objects=[{"kind": "rooms", "name": "x", "content": {}}])
    assert {one["path"] for one in told["problems"]} == {"id", "name", "positions"}
    assert (await office.ask("validate", draft=draft))["ok"]
    assert (await office.ask("draft-difference", draft=draft))["changes"] == []
    await office.ask("edit", draft=draft, objects=[{"kind": "rooms", "name": "lvs", "content": None}])
    assert (await office.ask("draft", draft=draft))["edits"] == [{"kind": "rooms", "name": "lvs", "content": None}]
    await office.ask("undo", draft=draft, kind="rooms", name="lvs")
    assert len((await office.ask("drafts"))["drafts"]) == 1
    await office.ask("drop", draft=draft)


async def test_two_publish_at_once_one_after_the_other(office: Office) -> None:
    numbers = await asyncio.gather(
        office.publish(("queues", "nod", {**NOD, "priority": 1})),
        office.publish(("rooms", "new", {"id": "new", "name": "New", "positions": 1})),
    )
    assert sorted(numbers) == [2, 3]
    assert office.house.ctx.core.version == 3


async def test_a_new_shift_lead_leads_at_once(office: Office) -> None:
    lead = {"username": "ola", "name": "Ola", "rooms": ["amk"], "roles": ["operator", "supervisor"]}
    assert not office.house.staff.rooms_led(OperatorId("ola"))
    room = {"id": "amk", "name": "AMK Nord", "positions": 2}
    queue = {**NOD, "callers": {"redial_minutes": 77}}
    await office.publish(("operators", "ola", lead), ("rooms", "amk", room), ("queues", "nod", queue))
    assert office.house.staff.rooms_led(OperatorId("ola")) == ("amk",)
    assert office.house.staff.loans.room_name(RoomId("amk")) == "AMK Nord"
    assert office.house.callers.repeats.keep_ms >= 77 * 60_000


async def test_how_many_chats_somebody_takes_is_part_of_a_version(office: Office) -> None:
    ola = {"username": "ola", "name": "Ola", "rooms": ["amk"]}
    office.house.seats.sit(OperatorId("ola"), "Ola", PositionId("amk-1"), {})
    row = office.house.ctx.core.state.operators[OperatorId("ola")]
    assert capacity_of(row) == Capacity()
    await office.publish(("staffing", "staffing", {"chats": {"most": 2, "in_call": 1}}), ("operators", "ola", ola))
    assert capacity_of(row) == Capacity(2, 1), "everybody's"
    await office.publish(("operators", "ola", {**ola, "chats": {"most": 4, "interruptible": False}}))
    assert capacity_of(row) == Capacity(4, 0, interruptible=False), "their own"
    office.house.seats.stand(OperatorId("ola"))
    office.house.seats.sit(OperatorId("ola"), "Ola", PositionId("amk-1"), {})
    row = office.house.ctx.core.state.operators[OperatorId("ola")]
    assert capacity_of(row) == Capacity(4, 0, interruptible=False)
    assert office.library.rules_at_start(office.house.ctx.core) is None, "a restart has nothing to add"


async def test_names_of_skills_are_on_every_console_at_once_and_change_no_rule(office: Office) -> None:
    seen = Stream()
    office.house.seats.sit(OperatorId("ola"), "Ola", PositionId("amk-1"), {})
    office.hub.subscribe(Caller(SessionId("s1"), OperatorId("ola"), PositionId("amk-1"), 1), seen)
    assert office.house.views.snapshot(OperatorId("ola"), PositionId("amk-1"))["skills"] == ()
    emd = {"id": "emd", "name": {"nb": "Medisinsk nødmelding", "en": "Medical emergency calls"}}
    shown = {"skill": "emd", "name_nb": "Medisinsk nødmelding", "name_en": "Medical emergency calls", "description": ""}
    await office.publish(("skills", "emd", emd), ("queues", "nod", {**NOD, "skills": {"emd": 3}}))
    assert office.house.views.snapshot(OperatorId("ola"), PositionId("amk-1"))["skills"] == (shown,)
    assert office.house.views.lists.queue_list(RoomId("amk"))[0]["skills"] == {"emd": 3}
    await asyncio.sleep(0)
    assert [rows for name, rows in seen.lists if name == "skills"] == [(shown,)]
    before = office.house.ctx.core.digest()
    await office.publish(("skills", "emd", {"id": "emd", "name": {"nb": "Nød"}, "description": "Nødmelding"}))
    named = {"skill": "emd", "name_nb": "Nød", "name_en": "Nød", "description": "Nødmelding"}
    assert office.house.ctx.settings.skills == (named,)
    office.house.ctx.core.state.version = 2
    assert office.house.ctx.core.digest() == before, "the core knows skills by id alone"
    told = await office.config.ask(
        ANNE, "publish", {"draft": await _draft(office, "emd"), "comment": "", "apply": "new"}
    )
    assert (told.code, told.result["problems"]) == ("invalid", [EMD_IS_NEEDED])
    await office.publish(
        ("skills", "emd", None), ("skills", "other", {"id": "other", "name": {"nb": "O"}}), ("queues", "nod", NOD)
    )


EMD_IS_NEEDED = "queues/nod skills.emd: there is no skill emd in the catalogue (skills)"


async def _draft(office: Office, skill: str) -> str:
    """That takes a skill out of the catalogue and puts another in."""
    draft = str((await office.ask("begin", comment=""))["draft"])
    edits = [
        {"kind": "skills", "name": skill, "content": None},
        {"kind": "skills", "name": "other", "content": {"id": "other", "name": {"nb": "O"}}},
    ]
    assert (await office.ask("edit", draft=draft, objects=edits))["ok"]
    return draft
