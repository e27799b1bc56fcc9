"""YAML text to plain values with lines; hostile text becomes a problem, never an exception."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.config.yaml_tree import DEPTH_MAX, PROBLEMS_MAX, plain_scalar, read_tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("113", 113),
        ("0113", "0113"),
        ("+4722000000", "+4722000000"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("12:30:00", "12:30:00"),
        ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5),
        ("-3", -3),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("9" * 400, "9" * 400),
        ("1.0e999", "1.0e999"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    found = plain_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_and_block_scalars_are_text() -> None:
    assert read_tree("- '113'\n- \"true\"\n- |\n  12\n- !!str 5\n").value == ["113", "true", "12\n", "5"]


def test_every_key_and_item_has_its_line() -> None:
    tree = read_tree("server:\n  name: x\nqueues:\n  - id: a\n    rooms: [b,\n      c]\n")
    assert tree.problems == ()
    assert tree.lines[("server",)] == 1
    assert tree.lines[("server", "name")] == 2
    assert tree.lines[("queues", 0)] == 4
    assert tree.lines[("queues", 0, "rooms", 1)] == 6


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a: 1\na: 2\n", "given twice (first on line 1)", 2),
        ("a: &x 1\nb: *x\n", "aliases", 2),
        ("a: {b: &x [*x]}", "aliases", 1),
        ("[" * 100_000, "nested more than", 1),
        ("- " * 100_000 + "a", "nested more than", 1),
        ('{"a":' * 100_000, "nested more than", 1),
        ("? [a]\n: 1\n", "a key must be a plain word", 1),
        ("a: b: c\n", "not valid YAML", 1),
        ("a: [1, 2\nb: 3\n", "not valid YAML", 2),
        ("a:\n\t- b\n", "not valid YAML", 2),
        ("a: 'x\n", "not valid YAML", 2),
        ("a: \x00", "not valid YAML", None),
        ("a: \ud800", "not valid Unicode", None),
        ("a: 1\n---\nb: 2\n", "a second document", 3),
        ("a: !!python/object/apply:os.system ['true']\n", "unknown tag", 1),
        ("a: !exec ls\n", "unknown tag", 1),
        ("%YAML 9.9\n---\na: 1\n", "not valid YAML", 1),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, words: str, line: int | None) -> None:
    problems = read_tree(text).problems
    assert len(problems) == 1, problems
    assert words in problems[0].text
    assert problems[0].line == line


def test_problems_are_bounded() -> None:
    tree = read_tree("".join(f"k{n}: !no x\n" for n in range(10_000)))
    assert len(tree.problems) == PROBLEMS_MAX + 1
    assert "too many problems" in tree.problems[-1].text


def test_depth_up_to_the_limit_is_read() -> None:
    text = "[" * DEPTH_MAX + "]" * DEPTH_MAX
    assert read_tree(text).problems == ()


def test_secrets_come_from_environment_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-file\n")
    monkeypatch.setenv("KAK_TEST_SECRET", "from-env")
    tree = read_tree(f"a: !env KAK_TEST_SECRET\nb: !file {secret}\n")
    assert tree.problems == ()
    assert tree.value == {"a": "from-env", "b": "from-file"}


def test_missing_secrets_are_problems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KAK_TEST_SECRET", raising=False)
    tree = read_tree(f"a: !env KAK_TEST_SECRET\nb: !file {tmp_path / 'none'}\nc: !file {tmp_path}\n")
    assert [problem.location for problem in tree.problems] == [("a",), ("b",), ("c",)]
    assert "KAK_TEST_SECRET is not set" in tree.problems[0].text
    assert "No such file" in tree.problems[1].text


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200) | st.text("[]{}:-&*!'\"|>%@ \n\tab01#,?", max_size=60)
)
def test_no_text_raises(text: str) -> None:
    tree = read_tree(text)
    assert tree.problems or tree.value is None or isinstance(tree.value, dict | list | str | int | float)
