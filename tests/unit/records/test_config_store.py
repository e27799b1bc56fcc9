"""Versions in the database: each written by what it changes, read as a whole, never changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError

from kak_server.records.config_store import PASSWORD, ConfigStore, OutrunError
from kak_server.records.config_tables import CHANGES, OBJECTS
from kak_server.records.config_types import DraftRow, Edits, ObjectRow, PasswordRow, VersionRow
from kak_server.records.database import connect

FIRST = VersionRow(1, None, "", "d1", "file", 1_000, "taken over", "all", "file")
ROOM = ObjectRow("rooms", "oslo", "h-oslo", '{"id":"oslo"}', 1)
QUEUE = ObjectRow("queues", "113", "h-113", '{"id":"113"}', 2)


@pytest.fixture
def store(url: str) -> Iterator[ConfigStore]:
    made = ConfigStore(url)
    made.open()
    yield made
    made.close()


def _second(number: int = 2, comment: str = "") -> VersionRow:
    return replace(
        FIRST, number=number, parent=number - 1, digest=f"d{number}", author="anne", source="edited", comment=comment
    )


def _contents(store: ConfigStore, number: int) -> dict[str, str | None]:
    return {f"{one.kind}/{one.name}": one.content for one in store.objects(number)}


def test_a_version_is_the_newest_of_each_object(store: ConfigStore) -> None:
    assert store.newest() is None
    store.publish(FIRST, [ROOM, QUEUE])
    store.publish(_second(), [replace(QUEUE, hash="h-113b", content='{"id":"113","priority":1}')])
    store.publish(_second(3), [replace(QUEUE, hash=None, content=None)])
    store.publish(_second(4), [QUEUE])
    assert _contents(store, 1) == _contents(store, 4) == {"rooms/oslo": ROOM.content, "queues/113": QUEUE.content}
    assert _contents(store, 2)["queues/113"] == '{"id":"113","priority":1}'
    assert _contents(store, 3) == {"rooms/oslo": ROOM.content}
    assert [row.number for row in store.versions(None, 10)] == [4, 3, 2, 1]
    assert [row.number for row in store.versions(3, 1)] == [2]
    assert store.version(9) is None
    assert [one.hash for one in store.changes(3)] == [None]


def test_storing_costs_the_change_and_each_content_is_kept_once(store: ConfigStore, url: str) -> None:
    many = [ObjectRow("rooms", f"r{n}", f"h{n}", "{}", n) for n in range(1_200)]
    store.publish(FIRST, many)
    store.publish(_second(), [replace(many[7], hash="new", content="[]")])
    store.publish(_second(3), [many[7]])
    engine = connect(url)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(CHANGES)).scalar() == 1_202
        assert connection.execute(select(func.count()).select_from(OBJECTS)).scalar() == 1_201
    engine.dispose()


def test_only_the_newest_can_be_followed(store: ConfigStore) -> None:
    store.publish(FIRST, [ROOM])
    with pytest.raises(OutrunError):
        store.publish(replace(FIRST, comment="another first"), [])
    store.publish(_second(), [QUEUE])
    with pytest.raises(OutrunError):
        store.publish(_second(comment="at the same time"), [QUEUE])
    assert _contents(store, 2).keys() == {"rooms/oslo", "queues/113"}


def test_the_hash_covers_content_history_and_who_made_it(store: ConfigStore, tmp_path: Path) -> None:
    made = store.publish(FIRST, [ROOM])
    assert store.newest() == made
    other = ConfigStore(f"sqlite:///{tmp_path / 'other.db'}")
    other.open()
    assert other.publish(FIRST, [ROOM]).hash == made.hash
    assert other.publish(_second(), []).hash != store.publish(_second(comment="x"), []).hash
    third = ConfigStore(f"sqlite:///{tmp_path / 'third.db'}")
    third.open()
    assert third.publish(FIRST, [QUEUE]).hash != made.hash


def test_a_publication_is_all_or_nothing(store: ConfigStore) -> None:
    store.publish(FIRST, [ROOM])
    with pytest.raises(OutrunError):  # the same object twice: refused by the database in the middle
        store.publish(_second(), [QUEUE, QUEUE], [PasswordRow("kari", "x", 1, "anne", "set")])
    newest = store.newest()
    assert newest is not None
    assert newest.number == 1
    assert store.passwords() == {}


def test_passwords_are_beside_the_versions(store: ConfigStore) -> None:
    store.publish(FIRST, [ROOM], [PasswordRow("kari", "one", 1, "file", "file")])
    store.put_passwords([PasswordRow("kari", "two", 2, "anne", "set"), PasswordRow("ola", "x", 2, "anne", "set")])
    assert {name: row.password_hash for name, row in store.passwords().items()} == {"kari": "two", "ola": "x"}


def test_drafts_keep_edits_in_order_until_published(store: ConfigStore) -> None:
    store.publish(FIRST, [ROOM])
    draft = DraftRow("d1", 1, "anne", 5, 5, "more queues")
    store.put_draft(draft)
    assert store.edit_draft("d1", Edits({("queues", "113"): "{}", ("rooms", "oslo"): None}, {"kari": "hash"}), 6)
    assert store.edit_draft("d1", Edits({("queues", "113"): '{"a":1}'}, {}), 7)
    assert store.draft("d1") == (
        replace(draft, changed_at_ms=7),
        Edits({("rooms", "oslo"): None, ("queues", "113"): '{"a":1}'}, {"kari": "hash"}),
    )
    assert store.undo_edit("d1", "rooms", "oslo", 8)
    assert not store.undo_edit("d1", "rooms", "oslo", 8)
    store.rebase_draft("d1", 2)
    assert [row.base for row in store.drafts()] == [2]
    store.publish(_second(), [QUEUE], draft="d1")
    assert store.draft("d1") is None
    assert not store.edit_draft("d1", Edits({}, {}), 9)
    assert not store.drop_draft("d1")
    assert PASSWORD == "password"


def test_a_database_that_is_away_raises(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    store = ConfigStore(f"sqlite:///{tmp_path / 'folder'}")
    with pytest.raises(OperationalError):
        store.open()
    store.close()


def test_a_database_of_before_gets_the_tables(url: str) -> None:
    ConfigStore(url).open()
    ConfigStore(url).open()
    with connect(url).begin() as connection:
        connection.execute(insert(OBJECTS), [{"hash": "h", "content": "{}"}])
