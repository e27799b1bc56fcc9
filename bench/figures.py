"""Percentiles, a table and the last line of a benchmark: JSON that says which goals were met."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank). NaN for none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Check:
    """A measured figure and what it should be."""

    name: str
    value: float
    goal: float
    op: Literal["<=", ">="] = "<="

    @property
    def ok(self) -> bool:
        """Whether the goal is met; a figure that could not be measured misses it."""
        return self.value <= self.goal if self.op == "<=" else self.value >= self.goal


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text in columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def latency_row(name: str, values_ms: Sequence[float]) -> list[str]:
    """A row of a latency table: count, p50, p90, p99, worst, all in ms."""
    cells = [percentile(values_ms, share) for share in (0.5, 0.9, 0.99, 1.0)]
    return [name, str(len(values_ms)), *(f"{cell:.1f}" for cell in cells)]


def environment() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": models[0] if models else "unknown",
        "cpus": os.cpu_count() or 0,
        "load_1min_before": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
    }


def last_line(
    bench: str, checks: Sequence[Check], env: dict[str, str | int | float], figures: Mapping[str, Any] | None = None
) -> str:
    """One JSON object for whoever collects the figures; `figures` are those that have no goal."""
    rows = [
        {
            "name": check.name,
            "value": None if math.isnan(check.value) else round(check.value, 3),
            "goal": check.goal,
            "op": check.op,
            "ok": check.ok,
        }
        for check in checks
    ]
    more = {} if figures is None else {"figures": figures}
    return json.dumps({"bench": bench, "checks": rows, **more, "env": env})
