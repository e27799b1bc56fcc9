"""`kak-server config` on a database of its own, without a server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kak_server import cli

WHOLE = """
server: {lab: true, data_dir: DATA}
rooms: [{id: oslo, name: Oslo, positions: 2}]
queues: [{id: "113", name: "113", class: emergency, rooms: [oslo]}]
operators: [{username: kari, name: Kari, password: lab, rooms: [oslo]}]
"""
OTHER = 'queues: [{id: "113", name: "113 Oslo", class: emergency, rooms: [oslo]}]\n'

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    machine = tmp_path / "kak.yaml"
    machine.write_text(WHOLE.replace("DATA", str(tmp_path / "data")))

    def command(action: str, *arguments: str, told: str = "out") -> tuple[int, str]:
        code = cli.main(["config", action, *arguments, "--config", str(machine), "--offline"])
        captured = capsys.readouterr()
        return code, captured.out if told == "out" else captured.err

    return command


def test_a_rule_that_leads_nowhere_is_warned_of(run: Run, tmp_path: Path) -> None:
    rare = tmp_path / "rare.yaml"
    rare.write_text('queues: [{id: "113", name: "113", class: emergency, rooms: [oslo], skills: {ger: 3}}]\n')
    code, err = run("import", str(rare), told="err")
    assert (code, "warning: queues/113 skills.ger: queue 113 needs ger 3, and nobody has it" in err) == (0, True)


def drafts(run: Run) -> list[str]:
    code, out = run("drafts")
    assert code == 0
    return [line.split()[0] for line in out.splitlines()]


@pytest.mark.parametrize("publish", [(), ("--publish",)])
def test_a_file_without_a_difference_leaves_no_draft(run: Run, tmp_path: Path, publish: tuple[str, ...]) -> None:
    same = tmp_path / "same.yaml"
    assert run("export", "-o", str(same)) == (0, "")
    for _ in range(2):
        assert run("import", str(same), *publish) == (0, "no difference\n")
    assert drafts(run) == []
    assert "*     1" in run("versions")[1]


def test_versions_say_for_whom_they_hold(run: Run, tmp_path: Path) -> None:
    other, back = tmp_path / "other.yaml", tmp_path / "back.yaml"
    other.write_text(OTHER)
    back.write_text(OTHER.replace("113 Oslo", "113 Viken"))
    assert run("import", str(other), "--publish", "--apply", "all", "--comment", "storm")[0] == 0
    assert run("import", str(back), "--publish", "--comment", "calm")[0] == 0
    lines = run("versions")[1].splitlines()
    assert [line.split("edited")[1].split() for line in lines[:2]] == [
        ["new", "contacts", "calm"],
        ["all", "contacts", "storm"],
    ]
    assert "new contacts" in lines[2], "the file's own"


def test_a_draft_is_listed_until_it_is_published_or_dropped(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(OTHER)
    code, out = run("import", str(other), "--comment", "a name")
    assert (code, "113 Oslo" in out) == (0, True)
    assert run("import", str(other))[0] == 0
    first, second = drafts(run)
    assert run("drop", second) == (0, "")
    assert drafts(run) == [first]
    assert "a name" in run("drafts")[1]
    code, out = run("publish", first)
    assert (code, "version 2 runs" in out) == (0, True)
    assert drafts(run) == []
    assert run("drop", "none-of-that-name")[0] == 2
