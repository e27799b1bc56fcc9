"""The locks install the same everywhere: complete, and naming no index of one machine."""

import json
import re
import tomllib

from tests.tidy.source_tree import ROOT

REQUIREMENTS = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PACKAGE_LOCK = json.loads((ROOT / "web/package-lock.json").read_text(encoding="utf-8"))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_python_requirements_are_all_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {canonical(re.match(r"[A-Za-z0-9._-]+", requirement)[0]) for requirement in wanted}  # type: ignore[index]
    lines = [line for line in REQUIREMENTS.splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ]+( ;.*)?$", line) for line in lines)
    pinned = {canonical(line.partition("==")[0].partition("[")[0]) for line in lines}
    assert names <= pinned, "run `make lock`"


def test_the_locks_name_no_index() -> None:
    assert "://" not in REQUIREMENTS
    assert [name for name, entry in PACKAGE_LOCK["packages"].items() if "resolved" in entry] == []


def test_the_consoles_lock_is_complete_for_every_platform() -> None:
    """`npm ci` refuses a lock without the optional packages of other platforms, which npm leaves out when the lock is
    made over an existing node_modules or where a registry lacks them."""
    packages = PACKAGE_LOCK["packages"]
    missing = [
        f"{name}: {wanted}"
        for name, entry in packages.items()
        for wanted in entry.get("optionalDependencies", {})
        if f"node_modules/{wanted}" not in packages and f"{name}/node_modules/{wanted}" not in packages
    ]
    assert missing == []
