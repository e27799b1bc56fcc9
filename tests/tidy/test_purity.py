"""Pure rooms have no clock, no entropy, no sockets, no loop and no logging: `now` and ids are inputs."""

import ast

import pytest

from tests.tidy.source_tree import Module, imported_names, modules

PURE_ROOMS = ("model", "routing", "sip", "tetra_gw", "console", "bridges", "media", "statistics")
COMPOSITION_ROOTS = ("kak_server.app", "kak_server.cli")  # cli: for the OpenAPI document only
SHELLS = ("aio", "worker", "engine")  # sub-packages that may touch the outside

BANNED_IMPORTS = {
    "asyncio": "the event loop",
    "http": "sockets",
    "logging": "logging",
    "multiprocessing": "processes",
    "os": "the operating system",
    "random": "entropy",
    "secrets": "entropy",
    "select": "sockets",
    "selectors": "sockets",
    "shutil": "the file system",
    "signal": "the operating system",
    "socket": "sockets",
    "socketserver": "sockets",
    "ssl": "sockets",
    "structlog": "logging",
    "subprocess": "processes",
    "tempfile": "the file system",
    "threading": "threads",
    "time": "the clock",
    "uvloop": "the event loop",
    "uuid.uuid1": "entropy",
    "uuid.uuid4": "entropy",
}
BANNED_CALLS = {"open", "input", "print", "breakpoint"}
BANNED_METHODS = {"now", "utcnow", "today"}  # of datetime and date


def is_pure(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and parts[0] == "kak_server" and parts[1] in PURE_ROOMS and not set(parts[2:]) & set(SHELLS)


def impurities(module: Module) -> list[str]:
    found = []
    for name, line in imported_names(module.tree):
        for banned, what in BANNED_IMPORTS.items():
            if name == banned or name.startswith(banned + "."):
                found.append(f"{module.path}:{line}: imports {name} ({what})")
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
            found.append(f"{module.path}:{node.lineno}: calls {node.func.id}()")
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in BANNED_METHODS
            and isinstance(node.func.value, ast.Name | ast.Attribute)
            and ast.unparse(node.func.value).split(".")[-1] in ("datetime", "date")
        ):
            found.append(f"{module.path}:{node.lineno}: reads the clock with {ast.unparse(node.func)}()")
    return found


def test_pure_rooms_touch_nothing_outside() -> None:
    checked = [module for module in modules() if is_pure(module.name)]
    assert len(checked) > 3, "the pure rooms were not found"
    assert [line for module in checked for line in impurities(module)] == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import time\n", "the clock"),
        ("def f():\n    from asyncio import sleep\n", "the event loop"),
        ("from datetime import datetime\nx = datetime.now()\n", "reads the clock"),
        ("import datetime\nx = datetime.datetime.utcnow()\n", "reads the clock"),
        ("import uuid\nfrom uuid import uuid4\n", "entropy"),
        ("import os.path\n", "operating system"),
        ("print('x')\n", "calls print()"),
    ],
)
def test_an_impurity_is_found(source: str, words: str) -> None:
    found = impurities(Module("m.py", "kak_server.routing.m", source, ast.parse(source)))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("name", "pure"),
    [
        ("kak_server.routing.step", True),
        ("kak_server.media.plan", True),
        ("kak_server.sip.aio.server", False),
        ("kak_server.media.worker.legs", False),
        ("kak_server.media.engine.mix", False),
        ("kak_server.runtime.journal", False),
        ("kak_server.app", False),
        ("kak_sim.network", False),
    ],
)
def test_which_modules_are_pure(name: str, pure: bool) -> None:
    assert is_pure(name) is pure


def test_only_the_composition_root_imports_the_shells() -> None:
    """`aio` packages are built by `app`; everybody else talks to a room through its pure part."""
    strays = []
    for module in modules():
        for name, line in imported_names(module.tree):
            parts = name.split(".")
            if parts[0] != "kak_server" or "aio" not in parts:
                continue
            package = ".".join(parts[: parts.index("aio") + 1])
            inside = module.name == package or module.name.startswith(package + ".")
            if not inside and not module.name.startswith(COMPOSITION_ROOTS):
                strays.append(f"{module.path}:{line}: imports {name}")
    assert strays == []
