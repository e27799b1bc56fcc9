"""The ledger against the files: what was tampered with shows, and what is missing is said."""

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kak_server import cli
from kak_server.records.database import add_ledger, connect
from kak_server.records.migrating import migrate
from kak_server.records.types import LedgerRow

NOON_MS = 1_795_867_200_000  # 2026-11-28T12:00:00Z


def track(folder: Path, name: str, stored_ms: int = 2_000, at_ms: int = NOON_MS) -> LedgerRow:
    path = folder / "recordings" / f"{name}.wav"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(name.encode() * 100)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LedgerRow(name, "c1", "leg", "caller", path.name, at_ms, at_ms + 2_000, 2_000, stored_ms, digest)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    engine = connect(f"sqlite:///{tmp_path / 'records.db'}")
    migrate(engine)
    gap = LedgerRow(
        "c1.caller.gap-1", "c1", "leg", "caller", "", NOON_MS, NOON_MS + 42_000, 42_000, 0, "", reason="full: no room"
    )
    rows = [track(tmp_path, "a"), gap, track(tmp_path, "b", 500), track(tmp_path, "old", at_ms=NOON_MS - 86_400_000)]
    with engine.begin() as connection:
        add_ledger(connection, rows, None)
    engine.dispose()
    return tmp_path


def check(folder: Path, *more: str) -> int:
    return cli.main(["recordings", "check", "--data-dir", str(folder), *more])


def change(folder: Path, statement: str) -> None:
    engine = create_engine(f"sqlite:///{folder / 'records.db'}")
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_whole_ledger_says_what_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(folder) == 0
    *said, last, verdict = capsys.readouterr().out.splitlines()
    assert verdict == "the recordings are what the ledger says"
    assert last.startswith("the last row's hash is ")
    assert len(last.split()[-1]) == 64
    assert said == [
        "MISSING c1.caller.gap-1: 42.0 s from 2026-11-28T12:00:00Z until 2026-11-28T12:00:42Z: full: no room",
        "MISSING b: 0.5 s of 2.0 s are in the file",
        "4 rows: 3 files, 3 of them read; 1 stretches that no disk took",
        "43.5 s are missing of what was to be recorded",
    ]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update media_ledger set reason = 'the caller hung up' where path = ''", "row 2 (c1.caller.gap-1): it was"),
        ("delete from media_ledger where path = ''", "row 2 (b): the row before it was taken out"),
        ("update media_ledger set stored_ms = 2000 where recording = 'b'", "row 3 (b): it was changed"),
    ],
)
def test_a_row_that_was_touched_is_a_problem(
    folder: Path, capsys: pytest.CaptureFixture[str], statement: str, said: str
) -> None:
    change(folder, statement)
    assert check(folder) == 1
    assert f"PROBLEM {said}" in capsys.readouterr().out


def test_a_file_that_was_touched_or_is_gone_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "recordings" / "a.wav").write_bytes(b"other words")
    (folder / "recordings" / "old.wav").unlink()
    assert check(folder) == 1
    said = capsys.readouterr().out
    assert "a.wav is not what was recorded" in said
    assert "old.wav: No such file or directory" in said
    assert said.endswith("2 problem(s)\n")


def test_files_of_before_a_day_are_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "recordings" / "old.wav").unlink()
    assert check(folder, "--since", "2026-11-28") == 0
    assert "3 files, 2 of them read" in capsys.readouterr().out
    assert check(folder, "--since", "yesterday") != 0
    assert "'yesterday' is no day" in capsys.readouterr().err


def test_where_there_is_no_ledger_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path) != 0
    assert "no records.db" in capsys.readouterr().err
    (tmp_path / "records.db").write_bytes(b"")
    assert check(tmp_path) != 0
    assert "the ledger cannot be read" in capsys.readouterr().err


def test_a_ledger_of_another_version_is_said_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder, "ALTER TABLE media_ledger DROP COLUMN reason")
    change(folder, "UPDATE alembic_version SET version_num = '0005'")
    assert check(folder) != 0
    (said,) = capsys.readouterr().err.splitlines()
    assert "an older version (0005)" in said
    change(folder, "UPDATE alembic_version SET version_num = '9999'")
    assert check(folder) != 0
    (said,) = capsys.readouterr().err.splitlines()
    assert "a newer version of kak-server (9999)" in said
