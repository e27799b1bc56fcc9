"""Faults planted in the routing core by a tool (cosmic-ray): which there can be, and a sample of them.

Left out: what cannot change behaviour (`==` for `is` on enums, operators inside annotations).
"""

import difflib
import importlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPERATORS = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ZeroIterationForLoop",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_Lt_Gt",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_Lt",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_Lt",
)
# Not the core's deciding: what it tells readers, its own judges, and plain declarations.
SPARED = ("__init__", "api", "codec", "invariants", "views", "words")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault: `occurrence` counts the places in `module` where `operator` fits."""

    module: str
    operator: str
    occurrence: int

    @property
    def name(self) -> str:
        """Short, and stable as long as the module is."""
        return f"{self.module}:{self.operator}:{self.occurrence}"


def _mutating() -> Any:
    return importlib.import_module("cosmic_ray.mutating")


def _operator(name: str) -> Any:
    return importlib.import_module("cosmic_ray.plugins").get_operator(f"core/{name}")()


def _places(source: str, operator: Any) -> Iterator[Any]:
    """Position pairs at which the operator fits, in the tool's order."""
    tree = importlib.import_module("parso").parse(source)
    stack = [tree]
    while stack:
        node = stack.pop()
        stack.extend(reversed(getattr(node, "children", ())))
        yield from operator.mutation_positions(node)


def every(folder: Path) -> list[Mutant]:
    """All there are in the modules of `folder`, in order."""
    found = []
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith(SPARED):
            continue
        source = path.read_text(encoding="utf-8")
        for name in OPERATORS:
            count = sum(1 for _ in _places(source, _operator(name)))
            found += [Mutant(path.name, name, occurrence) for occurrence in range(count)]
    return found


def sample(folder: Path, count: int, seed: int) -> list[Mutant]:
    """`count` of them, the same for the same seed and sources."""
    return random.Random(seed).sample(every(folder), count)


def planted(source: str, mutant: Mutant) -> str:
    """The module's text with the fault in it. ValueError if the place is not there."""
    text: str | None = _mutating().mutate_code(source, _operator(mutant.operator), mutant.occurrence)
    if text is None:
        raise ValueError(f"no such place: {mutant.name}")
    return text


def difference(before: str, after: str) -> list[str]:
    """The changed lines, old ones with "-", new ones with "+"."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))]
