"""The driver does exactly what the golden traces say: every frame, event and counter, at its time."""

from pathlib import Path

import pytest

from tests.unit.tetra_gw.trace import FOLDER, inputs_of, read, replay

TRACES = sorted(FOLDER.glob("*.ndjson"))


def test_the_traces_are_there() -> None:
    assert len(TRACES) >= 14


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_trace(path: Path) -> None:
    expected = read(path)
    assert replay(inputs_of(expected)) == expected
