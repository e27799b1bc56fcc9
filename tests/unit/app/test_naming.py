"""What skills and rooms are called: by the version that runs, also for a command line that has the folder alone."""

from pathlib import Path

import pytest

from kak_server.app.configuration.library import Library
from kak_server.app.naming import names_kept, names_of
from kak_server.cli import main
from kak_server.config.loader import parse_settings
from kak_server.runtime.naming import IDS
from kak_server.runtime.phrases import Said
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk

WHOLE = """
server: {lab: true, data_dir: DATA}
rooms: [{id: oslo, name: AMK Oslo, positions: 2}]
queues: [{id: "113", name: Nød, rooms: [oslo], skills: {emd: 2}}]
skills: [{id: emd, name: {nb: Nødmelding, en: Emergency}}, {id: eng, name: {nb: Engelsk}}]
operators: [{username: kari, name: Kari, password: lab, rooms: [oslo], skills: {emd: 5, eng: 3}}]
"""


def kept(data: Path) -> None:
    """What a server leaves there that has run."""
    data.mkdir()
    library = Library(parse_settings(WHOLE.replace("DATA", str(data))), lambda: 1_000)
    library.load()
    library.keep()
    library.close()


def test_the_copy_beside_the_journal_names_what_the_configuration_names(tmp_path: Path) -> None:
    kept(tmp_path / "data")
    names = names_kept(tmp_path / "data")
    assert names == names_of(parse_settings(WHOLE.replace("DATA", str(tmp_path))))
    assert names == names_kept(tmp_path / "data" / "journal"), "the journal itself will do"
    assert names.skills == {"emd": Said("Emergency", "Nødmelding"), "eng": Said("Engelsk", "Engelsk")}
    assert names.room("oslo").nb == "AMK Oslo"
    assert names.position("oslo-1") == "AMK Oslo 1"
    assert names.position("moss-9") == names.queue("moss-9").nb == "moss-9"
    assert names.room("moss").nb == names.skill("moss").en == "moss"


def test_without_a_copy_that_can_be_read_ids_do(tmp_path: Path) -> None:
    assert names_kept(tmp_path / "nowhere") == IDS
    (tmp_path / "configuration.json").write_text('{"format": 1')
    assert names_kept(tmp_path) == IDS


def test_the_command_line_explains_with_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    kept(data)
    desk = JournaledDesk(data / "journal", queue("113", "oslo", "moss", skills={"emd": 3}))
    desk.ring("c1")
    desk.journal.close()
    assert main(["journal", "explain", "c1", "--data-dir", str(data)]) == 0
    assert "served by AMK Oslo and moss, skills needed: Emergency 3." in capsys.readouterr().out
    (data / "configuration.json").unlink()
    assert main(["journal", "explain", "c1", "--data-dir", str(data)]) == 0
    assert "served by oslo and moss, skills needed: emd 3." in capsys.readouterr().out
