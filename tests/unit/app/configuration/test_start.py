"""What a start runs: the database's version, seeded from the file; a copy, or the file, when the database is away."""

import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from kak_server.app.configuration import start
from kak_server.app.configuration.library import Library
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError
from kak_server.config.settings import Settings
from kak_server.model.ids import QueueId
from kak_server.records.config_store import ConfigStore
from kak_server.routing.api import ConfigChanged, Configured
from kak_server.routing.step import RoutingCore

FILE = """
server: {lab: true, data_dir: DATA}
rooms: [{id: amk, name: AMK, positions: 2}]
queues: [{id: nod, name: Nød, numbers: [113], class: emergency, rooms: [amk]}]
operators:
  - {username: kari, name: Kari, password: lab, rooms: [amk]}
  - {username: ola, name: Ola, password_hash: $argon2id$ola, rooms: [amk]}
"""


def machine(folder: Path, text: str = FILE) -> Settings:
    return parse_settings(text.replace("DATA", str(folder)))


def library(folder: Path, text: str = FILE) -> Library:
    made = Library(machine(folder, text), lambda: 1_000)
    made.load()
    return made


def renamed(library: Library, name: str = "Renamed") -> Library:
    """Somebody publishes."""
    draft = library.begin("anne", "another name").draft
    content = {"id": "nod", "name": name, "numbers": ["113"], "class": "emergency", "rooms": ["amk"]}
    assert library.edit(draft, [("queues", "nod", content)]) == []
    library.running = library.publish(draft, "anne", "", "new")
    return library


def test_the_first_start_takes_the_file_over(tmp_path: Path) -> None:
    running = library(tmp_path).running
    assert running.number == 1
    assert running.row is not None
    assert (running.row.source, running.row.author) == ("file", "file")
    assert [queue.id for queue in running.settings.queues] == ["nod"]
    again = library(tmp_path).running
    assert (again.number, again.row) == (1, running.row)


def test_a_changed_file_is_followed_as_long_as_nobody_published(tmp_path: Path) -> None:
    library(tmp_path)
    running = library(tmp_path, FILE.replace("Nød", "Nødtelefon")).running
    assert running.number == 2
    assert running.settings.queues[0].display_name() == "Nødtelefon"
    assert library(tmp_path, FILE.replace("Nød", "Nødtelefon")).running.number == 2


def test_the_database_has_the_word_once_somebody_published(tmp_path: Path) -> None:
    renamed(library(tmp_path))
    running = library(tmp_path).running
    assert (running.number, running.settings.queues[0].display_name(), running.notes) == (2, "Renamed", ())
    other = library(tmp_path, FILE.replace("Nød", "Of the file")).running
    assert other.settings.queues[0].display_name() == "Renamed"
    assert [note.name for note in other.notes] == ["config_file_not_followed"]


def test_passwords_of_the_file_are_kept_but_for_those_in_clear(tmp_path: Path) -> None:
    made = library(tmp_path)
    assert made.running.passwords["ola"] == "$argon2id$ola"
    assert made.running.passwords["kari"].startswith("$argon2id$")
    assert set(made.store.passwords()) == {"ola"}
    changed = library(tmp_path, FILE.replace("$ola", "$new"))
    assert changed.running.passwords["ola"] == "$argon2id$new"
    changed.set_password("kari", "$argon2id$set", "anne")
    changed.set_password("ola", "$argon2id$set", "anne")
    without = FILE.replace(", password_hash: $argon2id$ola", ", password_hash: $argon2id$other")
    assert library(tmp_path, without).running.passwords == {"kari": "$argon2id$set", "ola": "$argon2id$set"}


def test_without_the_database_the_copy_of_what_ran_last_is_used(tmp_path: Path) -> None:
    made = renamed(library(tmp_path))
    made.keep()
    copy = tmp_path / "configuration.json"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    made.close()
    (tmp_path / "records.db").unlink()
    for left in tmp_path.glob("records.db-*"):
        left.unlink()
    (tmp_path / "records.db").mkdir()
    running = library(tmp_path).running
    assert (running.number, running.settings.queues[0].display_name()) == (2, "Renamed")
    assert running.passwords == made.running.passwords
    assert [note.name for note in running.notes] == ["config_database_away"]


@pytest.mark.parametrize("copy", [None, "no json", '{"format":99}'])
def test_without_a_copy_the_file_itself_runs(tmp_path: Path, copy: str | None) -> None:
    (tmp_path / "records.db").mkdir()
    if copy is not None:
        (tmp_path / "configuration.json").write_text(copy)
    made = library(tmp_path)
    assert made.running.number == 0
    assert made.running.settings.queues[0].id == "nod"
    assert made.running.passwords["ola"] == "$argon2id$ola"
    with pytest.raises(OperationalError):
        made.begin("anne", "")


def test_a_database_that_never_answers_holds_up_neither_the_start_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else has locked its tables, or the network swallows what we say."""
    answers, opened = threading.Event(), ConfigStore.open

    def slow(store: ConfigStore) -> None:
        answers.wait(20)
        opened(store)

    monkeypatch.setattr(start, "DATABASE_WAIT_S", 0.1)
    monkeypatch.setattr(ConfigStore, "open", slow)
    made = library(tmp_path)
    assert made.running.number == 0
    assert [note.fields["text"] for note in made.running.notes] == ["no answer within 0 s"]
    (waiting,) = [thread for thread in threading.enumerate() if thread.name == "config-start"]
    assert waiting.daemon, "the process ends without it"
    answers.set()
    waiting.join(20)
    monkeypatch.setattr(start, "DATABASE_WAIT_S", 20.0)
    assert library(tmp_path).running.number == 1


def test_a_database_whose_folder_cannot_be_made_is_one_that_is_away(tmp_path: Path) -> None:
    made = library(tmp_path, FILE + "storage: {url: 'sqlite:////proc/nothing/r.db'}\n")
    assert made.running.number == 0
    assert [note.name for note in made.running.notes] == ["config_database_away"]


def test_a_version_that_does_not_fit_the_file_is_told_with_every_problem(tmp_path: Path) -> None:
    renamed(library(tmp_path))
    text = FILE.replace("id: nod", "id: gone") + "sip: {emergency_queue: gone}\n"
    with pytest.raises(ConfigError) as caught:
        library(tmp_path, text)
    assert str(caught.value).splitlines() == [
        "version 2 of the configuration: 1 problem",
        "  sip.emergency_queue: there is no queue gone",
    ]


def test_a_new_core_is_told_the_whole_and_a_restored_one_what_it_lacks(tmp_path: Path) -> None:
    made = library(tmp_path)
    core = RoutingCore()
    event = made.rules_at_start(core)
    assert isinstance(event, Configured)
    assert event.version == 1
    core.step(event)
    assert made.rules_at_start(core) is None
    renamed(made)
    event = made.rules_at_start(core)  # published, and killed before the core was told
    assert isinstance(event, ConfigChanged)
    assert (event.version, event.apply, [queue.queue for queue in event.queues]) == (2, "new", [QueueId("nod")])
    core.step(event)
    assert made.rules_at_start(core) is None
    draft = made.begin("anne", "").draft
    made.edit(draft, [("operators", "ola", None)])
    made.running = made.publish(draft, "anne", "", "all")
    event = made.rules_at_start(core)
    assert isinstance(event, ConfigChanged)
    assert (event.version, event.apply, event.queues) == (3, "all", ())
