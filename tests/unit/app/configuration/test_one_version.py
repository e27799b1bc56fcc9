"""The rules of a published version, for a what-if."""

import hashlib
from pathlib import Path

import pytest

from kak_server import cli
from kak_server.app.configuration.one_version import NOWHERE, machine_of, version_settings
from kak_server.config.compose import to_routing_config
from kak_server.model.errors import StartupError
from tests.unit.app.configuration.test_library import NOD, draft_of, publish
from tests.unit.app.configuration.test_start import library


def test_the_rules_are_those_of_the_version_and_the_database_is_left_as_it_is(tmp_path: Path) -> None:
    made = library(tmp_path)
    assert publish(made, draft_of(made, ("queues", "nod", {**NOD, "offer_timeout_ms": 9_000}))) == 2
    made.close()
    database = made.machine.storage_url.removeprefix("sqlite:///")
    before = hashlib.sha256(Path(database).read_bytes()).hexdigest()
    for machine in (made.machine, machine_of(made.machine.data_dir)):
        now = to_routing_config(version_settings(machine, 2))
        assert [queue.offer_timeout_ms for queue in now.queues] == [9_000]
        assert version_settings(machine, 1).operators[0].username == "kari"
    assert hashlib.sha256(Path(database).read_bytes()).hexdigest() == before
    with pytest.raises(StartupError, match=r"no version 3 of the configuration in sqlite:.*: the newest is 2"):
        version_settings(made.machine, 3)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no database at"):
        version_settings(machine_of(tmp_path), 1)
    (tmp_path / "records.db").touch()
    with pytest.raises(StartupError, match=r"cannot be read: .*no such table"):
        version_settings(machine_of(tmp_path), 1)


def test_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library(tmp_path).close()
    found = library(tmp_path)
    found.close()
    argv = ["replay", "--data-dir", str(found.machine.data_dir), "--config-version", "12"]
    assert cli.main(argv) == 2
    assert "no version 12 of the configuration" in capsys.readouterr().err


def test_the_server_s_own_file_says_where_the_journal_is_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library(tmp_path).close()
    found = library(tmp_path)
    found.close()
    where = found.machine.data_dir
    (tmp_path / "kak.yaml").write_text(f"server: {{data_dir: {where}}}\n{NOWHERE}", encoding="utf-8")
    assert cli.main(["replay", "--config", str(tmp_path / "kak.yaml"), "--config-version", "1"]) == 2
    assert f"no journal in {where}" in capsys.readouterr().err
