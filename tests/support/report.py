"""Measured figures of a test run: printed, and kept in test-results/ for whoever compares runs."""

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "test-results"


def report(name: str, **figures: float | int | str) -> None:
    """One line of figures under a name; the newest run replaces the older one."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
