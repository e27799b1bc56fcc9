"""Another Python than the one that runs the tests, with the one package that a replay needs."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OTHER = (3, 13)
KEPT = ROOT / ".stamps" / f"python{OTHER[0]}.{OTHER[1]}"


def _candidates() -> list[Path]:
    name = f"python{OTHER[0]}.{OTHER[1]}"
    on_path = shutil.which(name)
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{OTHER[0]}.{OTHER[1]}*/bin/python"))
    uv = sorted(Path.home().glob(f".local/share/uv/python/cpython-{OTHER[0]}.{OTHER[1]}*/bin/{name}"))
    return [*([Path(on_path)] if on_path else []), *pyenv, *uv]


def _package_version() -> str:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return next(line for line in lines if line.startswith("orjson==")).split()[0]


@functools.cache
def other_python() -> tuple[str, str]:
    """The interpreter, and the folder to be on its path. Skips the test, with the reason, where there is none."""
    if sys.version_info[:2] == OTHER:
        pytest.skip("the tests run on that Python already")
    for python in _candidates():
        if subprocess.run([python, "-c", "pass"], capture_output=True, check=False).returncode:
            continue
        if not (KEPT / "orjson").is_dir():
            argv = [str(python), "-m", "pip", "install", "-q", "--no-input", "--target", str(KEPT), _package_version()]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
            if done.returncode:
                pytest.skip(f"orjson for Python {OTHER[0]}.{OTHER[1]} cannot be had: {done.stderr.strip()[-200:]}")
        return str(python), str(KEPT)
    pytest.skip(f"no Python {OTHER[0]}.{OTHER[1]} on this machine")
