"""The native engine with AddressSanitizer and UndefinedBehaviorSanitizer compiled in."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engines import ROOT, build_native, native_or_skip


def test_the_engine_under_the_sanitizers(tmp_path: Path) -> None:
    """The comparison with the reference once more, with each access to memory and each calculation checked."""
    native_or_skip()
    found = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    library = Path(found.stdout.strip())
    if not library.is_absolute():
        pytest.skip("the compiler has no sanitizers")
    build_native(tmp_path, "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all")
    run = (
        "import sys, pytest, kak_server.media.engine as engine; engine.__path__.insert(0, sys.argv[1]);"
        "from kak_server.media.engine import _native; assert _native.__file__.startswith(sys.argv[1]);"
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-p', 'no:randomly', *sys.argv[2:]]))"
    )
    wanted = ["tests/properties/test_engines.py", "tests/unit/media/test_engines.py"]
    done = subprocess.run(
        [sys.executable, "-c", run, tmp_path, *wanted],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "LD_PRELOAD": str(library),
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    assert " passed" in done.stdout
