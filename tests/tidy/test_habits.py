"""Small habits that keep the sources honest: docstrings, no loose ends, no swallowed errors, no traces of a machine."""

import ast
import re

import pytest

from tests.tidy.source_tree import ROOT, Module, modules, tracked_files

TEXT_SUFFIXES = (
    ".py",
    ".c",
    ".h",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".sh",
    ".ts",
    ".tsx",
    ".css",
    ".html",
    ".xml",
    ".txt",
)
GENERATED = ("package-lock.json", "requirements.lock")
LOOSE_END = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w./])/(home|Users|root|work)/[A-Za-z.]")


def texts() -> list[tuple[str, str]]:
    wanted = [path for path in tracked_files() if path.endswith(TEXT_SUFFIXES) and not path.endswith(GENERATED)]
    return [(path, (ROOT / path).read_text(encoding="utf-8")) for path in wanted]


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        if path != "tests/tidy/test_habits.py"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def swallowed_errors(module: Module) -> list[str]:
    """Bare excepts, and handlers of Exception or BaseException that do nothing at all."""
    found = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        idle = all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
        if node.type is None or (broad and idle):
            found.append(
                f"{module.path}:{node.lineno}: {'bare except' if node.type is None else 'swallowed exception'}"
            )
    return found


def test_no_loose_ends() -> None:
    assert lines_matching(LOOSE_END) == []


def test_no_paths_of_one_machine() -> None:
    assert lines_matching(MACHINE_PATH) == []


def test_no_swallowed_errors() -> None:
    assert [line for module in modules() for line in swallowed_errors(module)] == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("try:\n    f()\nexcept:\n    raise\n", 1),
        ("try:\n    f()\nexcept Exception:\n    pass\n", 1),
        ("try:\n    f()\nexcept OSError:\n    pass\n", 0),
        ("try:\n    f()\nexcept Exception as problem:\n    report(problem)\n", 0),
    ],
)
def test_swallowed_errors_are_found(source: str, count: int) -> None:
    assert len(swallowed_errors(Module("m.py", "m", source, ast.parse(source)))) == count


def test_every_module_says_what_it_is() -> None:
    silent = [
        module.path
        for module in modules()
        if not ast.get_docstring(module.tree)
        and not module.path.rsplit("/", 1)[-1].startswith("_")
        and module.text.strip()
    ]
    assert silent == []


def test_no_server_module_is_unfinished() -> None:
    """A function that only raises NotImplementedError is a promise nobody keeps."""
    stubs = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc)
    ]
    assert stubs == []


def test_values_are_cheap_to_make() -> None:
    costly = [
        f"{module.path}: {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        if any(ast.unparse(one) == "dataclass(frozen=True, slots=True)" for one in node.decorator_list)
    ]
    assert costly == [], "kak_server.model.light.frozen is three times as cheap"
