"""The benchmarks' arithmetic: a wrong percentile would make every figure a lie."""

import json
import math
import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))

import cpu
from figures import Check, last_line, latency_row, percentile, table


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_percentiles_are_by_nearest_rank(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_what_was_not_measured_misses_its_goal() -> None:
    assert math.isnan(percentile([], 0.5))
    check = Check("nothing", math.nan, 10)
    assert not check.ok
    assert json.loads(last_line("x", [check], {}))["checks"][0]["value"] is None


@pytest.mark.parametrize(
    ("value", "op", "ok"), [(10, "<=", True), (10.1, "<=", False), (1, ">=", False), (10, ">=", True)]
)
def test_goals(value: float, op: str, ok: bool) -> None:
    assert Check("x", value, 10, op).ok is ok  # type: ignore[arg-type]


def test_a_table_lines_up() -> None:
    lines = table([["name", "count"], ["a", "1"], ["longer", "1000"]]).splitlines()
    assert {len(line) for line in lines} == {len(lines[0])}
    assert latency_row("x", [1.0, 2.0, 3.0]) == ["x", "3", "2.0", "3.0", "3.0", "3.0"]


def test_cpu_time_of_this_process_grows_with_work() -> None:
    before = cpu.read(os.getpid())
    end_s = time.process_time() + 0.15
    while time.process_time() < end_s:
        pass
    spent = cpu.read(os.getpid()).since(before)
    assert 100 <= spent.total_ms <= 1_000
    assert spent.main_ms + spent.others_ms == spent.total_ms


def test_memory_of_this_process_and_its_family() -> None:
    assert cpu.family(os.getpid())[0] == os.getpid()
    assert cpu.resident_bytes(os.getpid()) > 1_000_000
    assert cpu.waited_ms(os.getpid()) >= 0
