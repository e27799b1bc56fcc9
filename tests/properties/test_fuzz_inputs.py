"""What the fuzzers begin with, and what they once found (fuzz/regressions), keeps every invariant."""

from pathlib import Path

import pytest

from fuzz.linear import grows, pumped
from fuzz.targets.index import NAMES, ROOT, files, load, seeds


@pytest.mark.parametrize("name", NAMES)
def test_seeds_keep_the_invariant(name: str) -> None:
    target = load(name)
    checked = 0
    for _, data in seeds(name):
        target.check(data)
        checked += 1
    assert checked >= 2, "a target needs something to begin with"
    for grow in target.GROWING.values():
        target.check(grow(200))
    assert target.__doc__ is not None
    assert "Invariant:" in target.__doc__


REGRESSIONS = [path for name in NAMES for path in files("regressions", name)]


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    load(path.parent.name).check(path.read_bytes())


def test_every_regression_belongs_to_a_target() -> None:
    folders = {path.name for path in (ROOT / "regressions").iterdir() if path.is_dir()}
    assert folders <= set(NAMES)


def test_a_quadratic_check_is_seen_as_one() -> None:
    def quadratic(data: bytes) -> None:
        for end in range(0, len(data), 10):
            bytes(data[:end]).count(b"x")

    def linear(data: bytes) -> None:
        for octet in data:
            assert octet

    sizes = (b"x" * 5_000, b"x" * 25_000, b"x" * 50_000)
    assert grows(quadratic, *sizes) > 2
    assert grows(linear, *sizes) == 0


def test_pumped_inputs_have_their_sizes() -> None:
    for _, small, middle, large in pumped([b"one two three"], 1_000, 1):
        assert 900 <= len(small) <= 1_100
        assert 4_500 <= len(middle) <= 5_500
        assert 9_000 <= len(large) <= 11_000
