"""Both engines for tests that compare them: the native one is compiled here if the set-up has not."""

import functools
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

import kak_server.media.engine
from kak_server.media.worker.engines import Engine, EngineUnavailableError, native_engine

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def native_or_skip() -> Engine:
    """The native engine. Skips where there is no compiler and none was compiled before."""
    try:
        return native_engine()
    except EngineUnavailableError:
        pass
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if shutil.which("cc") is None or not headers.exists():
        pytest.skip("no C compiler or no headers of Python")
    folder = tempfile.mkdtemp(prefix="kak-native-")
    build_native(Path(folder))
    sys.modules.pop("kak_server.media.engine._native", None)
    kak_server.media.engine.__path__.insert(0, folder)
    return native_engine()


def build_native(folder: Path, flags: str = "") -> None:
    """Compile the extension into a folder; a warning is an error."""
    subprocess.run(
        [ROOT / "scripts" / "native.sh", sys.executable, folder],
        cwd=ROOT,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "KAK_NATIVE_REQUIRED": "1",
            "KAK_NATIVE_FLAGS": f"-Werror {flags}",
        },
        check=True,
        timeout=300,
    )
