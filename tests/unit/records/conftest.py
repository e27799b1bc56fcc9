"""Both databases that records may lie in: a file, and a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Cluster, needs_postgres

ON_POSTGRES = pytest.param(
    "postgresql", marks=[needs_postgres, pytest.mark.real_peer, pytest.mark.xdist_group("postgres")]
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/r.db"
    made: Cluster = request.getfixturevalue("cluster")
    return made.empty()
