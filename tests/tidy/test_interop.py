"""The interoperability page names tests that exist, and leaves out none that has a real peer."""

import re

import pytest

from tests.tidy.source_tree import ROOT, tracked_files

PAGE = ROOT / "docs" / "integrators" / "interop.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)?::(test_\w+)`")


def named(text: str) -> list[tuple[str, str]]:
    """File and test of every mention; a mention without a file means the file named last on its line."""
    found = []
    for line in text.splitlines():
        file = ""
        for path, test in NAMED.findall(line):
            file = path or file
            found.append((file, test))
    return found


def missing(mentions: list[tuple[str, str]]) -> list[str]:
    problems = []
    for file, test in mentions:
        path = ROOT / file
        if not file or not path.is_file() or not re.search(rf"\bdef {test}\(", path.read_text(encoding="utf-8")):
            problems.append(f"{file or '(no file)'}::{test}")
    return problems


def test_every_test_on_the_page_exists() -> None:
    mentions = named(PAGE.read_text(encoding="utf-8"))
    assert len(mentions) > 50
    assert missing(mentions) == []


def test_every_test_file_with_a_real_peer_is_on_the_page() -> None:
    on_page = {file for file, _ in named(PAGE.read_text(encoding="utf-8"))}
    with_peer = {
        path
        for path in tracked_files()
        if re.fullmatch(r"tests/(integration|e2e)/.*test_\w+\.py", path)
        and "pytest.mark.real_peer" in (ROOT / path).read_text(encoding="utf-8")
    }
    assert with_peer - on_page == set()


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ("| x | `tests/tidy/test_interop.py::test_every_test_on_the_page_exists` |", 0),
        ("| x | `tests/tidy/test_interop.py::test_gone`, `::test_every_test_on_the_page_exists` |", 1),
        ("| x | `tests/tidy/test_nowhere.py::test_gone` |", 1),
        ("| x | `::test_every_test_on_the_page_exists` |", 1),
    ],
)
def test_what_is_not_there_is_found(line: str, problems: int) -> None:
    assert len(missing(named(line))) == problems
