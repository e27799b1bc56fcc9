"""What a start of control does not wait for."""

import subprocess
import sys


def test_a_start_imports_nothing_that_it_seldom_needs() -> None:
    """On a machine that has no time, importing is most of a start; these two were a fifth of it."""
    program = (
        "import sys, kak_server.app.control; print([name for name in ('alembic', 'numpy') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
