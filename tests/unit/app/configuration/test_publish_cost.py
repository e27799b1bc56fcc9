"""What publishing costs the loop: what changes, not how large the country is. Counted in lines of Python."""

import sys
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from kak_server.app.configuration import start
from kak_server.app.configuration.desk import Prepared, prepared
from kak_server.app.configuration.running import Running
from kak_server.bridges.house import House
from kak_server.bridges.reconfiguring import reconfigure
from kak_server.config.compose import to_house_settings, to_routing_config
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import edited
from kak_server.config.versions.compose import Composer
from kak_server.config.versions.objects import Key
from kak_server.model.codec import dumps, loads
from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.records.config_types import VersionRow
from kak_server.routing.api import Activity, Configured, ContactArrived, OperatorSignedIn
from kak_server.routing.step import RoutingCore
from kak_server.runtime.ids import RandomIds
from kak_server.sip.core import SipCore

HASH = "$argon2id$x"
SMALL, LARGE = 4, 40  # control rooms, of five people and two queues each; a tenth of them is short of people


def country(rooms: int) -> Settings:
    """Each room keeps somebody for its own emergencies and has neighbours."""
    lines = ["rooms:"]
    for n in range(rooms):
        near = f"r{(n + 1) % rooms}"
        lines.append(f"  - {{id: r{n}, name: Room {n}, positions: 5, reserve: 2, neighbours: [{near}]}}")
    lines.append("skills:")
    lines += [f"  - {{id: {skill}, name: {{nb: {skill}}}}}" for skill in ("emd", *(f"s{n}" for n in range(rooms)))]
    lines.append("queues:")
    for n in range(rooms):
        lines.append(f"  - {{id: e{n}, name: E {n}, numbers: ['113{n:04}'], class: emergency, rooms: [r{n}]}}")
        lines.append(
            f"  - {{id: n{n}, name: N {n}, numbers: ['116{n:04}'], class: normal, rooms: [r{n}], skills: {{emd: 3}}}}"
        )
    lines.append("operators:")
    rest = f"password_hash: {HASH}, skills: {{emd: 5}}"
    lines += [f"  - {{username: u{n}, name: U {n}, rooms: [r{n // 5}], {rest}}}" for n in range(5 * rooms)]
    return parse_settings("\n".join(lines))


class Server:
    """What a version is put in place in: everybody is signed in, and calls are up and wait."""

    def __init__(self, rooms: int) -> None:
        self.machine = country(rooms)
        self.composer = Composer()
        self.passwords = start.file_passwords(self.machine)
        catalogue = start.file_catalogue(self.machine)
        self.running = start.composed(self.machine, self.composer, _row(1), catalogue, self.passwords)
        core = RoutingCore()
        core.step(Configured(1, to_routing_config(self.machine), 1))
        settings = to_house_settings(self.machine)
        for person, seat in zip(self.machine.operators, settings.positions, strict=True):
            core.step(
                OperatorSignedIn(
                    1,
                    OperatorId(person.username),
                    person.name,
                    seat.position,
                    seat.room,
                    dict(person.skills),
                    Activity.AVAILABLE,
                    media_up=True,
                )
            )
        for n in range(rooms // 2):
            for call in range(7):
                core.step(ContactArrived(2, ContactId(f"c{n}-{call}"), QueueId(f"e{n}"), "+4790000000"))
        self.house = House(settings, core, RandomIds())
        lists = self.house.views.lists  # consoles have been shown who waits and who is there
        lists.queue_list(RoomId("r0"))
        lists.person_changed(OperatorId("u0"), core.operator(OperatorId("u0")))
        self.sip = SipCore(to_sip_settings(self.machine), lambda kind: kind)

    def made(self, kind: str, name: str, changes: dict[str, Any]) -> Prepared:
        """Away from the loop."""
        key = Key(kind, name)
        catalogue = self.running.catalogue
        content = {**loads(catalogue.entries[key].content), **changes}
        after = catalogue.after(edited(catalogue, {key: dumps(content).decode()}))
        settings, problems = self.composer.whole(self.machine, after, self.passwords)
        assert problems == []
        assert settings is not None
        before, self.running = self.running, Running(_row(self.running.number + 1), after, settings, self.passwords)
        return prepared(before, self.running, "new")

    def put_in_place(self, made: Prepared) -> None:
        """On the loop."""
        self.sip.serve(made.sip)
        assert made.event is not None
        reconfigure(self.house, made.tables, made.people, made.event, 1_000)


def _row(number: int) -> VersionRow:
    return VersionRow(number, number - 1, "", "", "anne", 1, "", "new", "edited")


class Lines:
    """Counts the lines of Python that are executed, each turn of a loop anew."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Lines":
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, _frame: FrameType, event: str, _argument: object) -> Any:
        self.count += event == "line"
        return self._trace


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("queues", "n1", {"name": "One word"}),
    ("queues", "e1", {"offer_timeout_ms": 9_000}),
    ("queues", "n1", {"class": "emergency"}),  # somebody is kept for those, too
    ("operators", "u3", {"skills": {"emd": 7}}),
    ("rooms", "r2", {"name": "Another name"}),
    ("skills", "emd", {"name": {"nb": "Medisinsk nødmelding"}}),
]


@pytest.mark.parametrize(("kind", "name", "changes"), CHANGES)
def test_the_loop_is_stopped_by_what_changes_and_not_by_the_size_of_the_country(
    kind: str, name: str, changes: dict[str, Any]
) -> None:
    counts = []
    for rooms in (SMALL, LARGE):
        server = Server(rooms)
        made = server.made(kind, name, changes)
        with Lines() as lines:
            server.put_in_place(made)
        counts.append(lines.count)
        core = server.house.ctx.core
        again = RoutingCore.restore(core.snapshot())
        assert core.state.version == 2
        assert again.digest() == core.digest()
        for queue in core.queues():
            assert again.idle(queue.queue) == core.idle(queue.queue), "who is asked is the same after a start"
        for room, row in core.state.rooms.items():
            other = again.state.rooms[room]
            assert (other.guard_mask, sorted(other.guards)) == (row.guard_mask, sorted(row.guards))
    assert counts[0] > 100
    assert counts[1] <= 1.1 * counts[0]


@pytest.mark.parametrize("rooms", [SMALL, LARGE])
def test_people_and_what_follows_from_them_are_the_same_objects_in_the_next_version(rooms: int) -> None:
    server = Server(rooms)
    before = server.running
    made = server.made("operators", "u3", {"name": "Another"})
    changed = [
        person.username
        for former, person in zip(before.settings.operators, made.running.settings.operators, strict=True)
        if former is not person
    ]
    assert changed == ["u3"]
    assert made.event is not None
    assert [rules.operator for rules in made.event.operators] == ["u3"]
    assert replace(made.event, operators=()).queues == ()
