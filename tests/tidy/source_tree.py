"""Where the project's files are, and the parsed Python sources, for the tidy tests."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"


@dataclass(frozen=True, slots=True)
class Module:
    """One Python source file: its path below the root, its dotted name, its text and its syntax tree."""

    path: str
    name: str
    text: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Every module of kak_server and kak_sim."""
    found = []
    for path in sorted(SRC.rglob("*.py")):
        below = path.relative_to(SRC)
        parts = below.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        found.append(Module(f"src/{below.as_posix()}", name, text, ast.parse(text)))
    return tuple(found)


@cache
def tracked_files() -> tuple[str, ...]:
    """Paths of the files the project keeps: what git has, and new ones it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(sorted(path for path in listed.split("\0") if path and (ROOT / path).is_file()))


def imported_names(tree: ast.Module) -> list[tuple[str, int]]:
    """Dotted names a module imports, anywhere in it, with line numbers; `from a import b` gives "a.b"."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return names
