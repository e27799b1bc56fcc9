"""Faults planted in the routing core by a tool (cosmic-ray): which there can be, and a sample of them.

Left out: what cannot change behaviour (`==` for `is` on enums, operators inside annotations).
"""

import difflib
import hashlib
import importlib
from collections import Counter
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
    """One planted fault: `occurrence` counts the places in `module` where `operator` fits; `line` is the source's line
    there, and `again` counts the places before it that look the same."""

    module: str
    operator: str
    occurrence: int
    line: str
    again: int

    @property
    def name(self) -> str:
        """Short, and stable as long as the line is."""
        return f"{self.module}:{self.operator}:{self.lot(0).hex()[:6]}"

    def lot(self, seed: int) -> bytes:
        """What decides whether it is drawn. It depends on its own line alone: when sources change elsewhere, the
        same faults are drawn again."""
        words = (str(seed), self.module, self.operator, self.line, str(self.again))
        return hashlib.sha256("\n".join(words).encode()).digest()


def _mutating() -> Any:
    return importlib.import_module("cosmic_ray.mutating")


def _operator(name: str) -> Any:
    return importlib.import_module("cosmic_ray.plugins").get_operator(f"core/{name}")()


def _places(tree: Any, operator: Any) -> Iterator[Any]:
    """Position pairs at which the operator fits, in the tool's order."""
    stack = [tree]
    while stack:
        node = stack.pop()
        stack.extend(reversed(getattr(node, "children", ())))
        yield from operator.mutation_positions(node)


def every(folder: Path) -> list[Mutant]:
    """All there are in the modules of `folder`, in order."""
    parse = importlib.import_module("parso").parse
    found = []
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith(SPARED):
            continue
        source = path.read_text(encoding="utf-8")
        tree, lines = parse(source), source.splitlines()
        for name in OPERATORS:
            seen: Counter[str] = Counter()
            for occurrence, (start, _) in enumerate(_places(tree, _operator(name))):
                line = lines[start[0] - 1].strip()
                found.append(Mutant(path.name, name, occurrence, line, seen[line]))
                seen[line] += 1
    return found


def sample(folder: Path, count: int, seed: int) -> list[Mutant]:
    """`count` of them, the same for the same seed and sources."""
    return sorted(every(folder), key=lambda mutant: mutant.lot(seed))[:count]


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
