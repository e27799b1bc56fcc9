"""PostgreSQL as a peer: a cluster in a folder of its own, reached by a socket in it, thrown away at the end."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

USER = "kak"


def _programs() -> Path | None:
    """Debian keeps the server's programs off the path."""
    on_path = shutil.which("initdb")
    known = [Path(on_path).resolve().parent] if on_path else []
    found = [*known, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda at: float(at.parent.name))]
    usable = [at for at in found if (at / "initdb").exists() and (at / "postgres").exists()]
    return usable[-1] if usable else None


needs_postgres = pytest.mark.skipif(_programs() is None, reason="PostgreSQL is not installed (Debian: postgresql)")


class Cluster:
    """Start, stop, start again; new empty databases by name."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kak-postgres-"))
        self._numbers = count(1)
        self._as: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        made = [f"--pgdata={self.folder}/data", "-A", "trust", "-N", "-U", USER, "-E", "UTF8", "--locale=C"]
        self._run("initdb", *made)
        self.start()

    def start(self) -> None:
        """Returns once it takes connections."""
        listening = f"-c listen_addresses='' -k {self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", listening, "start")

    def stop(self) -> None:
        """At once: whoever is connected is thrown out, as when the machine dies."""
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql:///{database}?host={self.folder}&user={USER}"

    def empty(self) -> str:
        """The address of a new database."""
        name = f"records_{next(self._numbers)}"
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"create database {name}"))
        engine.dispose()
        return self.url(name)

    def close(self) -> None:
        """Nothing is left of it."""
        self.stop()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        folder = _programs()
        assert folder is not None
        with tempfile.TemporaryFile() as out:  # not a pipe, which the server would hold open
            line = [*self._as, str(folder / program), *arguments]
            done = subprocess.run(
                line, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=60, check=False, cwd="/"
            )
            out.seek(0)
            assert done.returncode == 0, out.read().decode(errors="replace")
