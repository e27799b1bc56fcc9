"""The same decisions the straightforward way: every contact looks at all operators, every operator at all contacts.

The rows, the workflows and the law are the core's; only the indexes are left out. So the two must decide alike, and the
difference in time is what the indexes are worth.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kak_server.routing import matching
from kak_server.routing.index import Index
from kak_server.routing.needs import Line
from kak_server.routing.state import Contact, Operator, State


def pick_operator(state: State, contact: Contact) -> Operator | None:
    """The best of all operators."""
    best: tuple[Any, ...] | None = None
    for operator in state.operators.values():
        if not operator.lanes or not matching.takes(contact, operator):
            continue
        passed = contact.passed.index(operator.operator) if operator.operator in contact.passed else -1
        for number, (bench, lane) in enumerate(contact.need.benches):
            if operator.lanes & lane and operator.crew.mask_in(bench.rooms.rooms, lane) & bench.profile.bit:
                rank = (passed, number, bench.rank(operator), operator.operator)
                if best is None or rank < best:
                    best = rank
                break
    return None if best is None else state.operators[best[-1]]


def pick_fairly(state: State, operator: Operator) -> tuple[Contact | None, bool]:
    """The first of all contacts that wait."""
    best: Contact | None = None
    if operator.lanes:
        for contact in state.contacts.values():
            key = contact.key
            if key is None or not matching.takes(contact, operator):
                continue
            if best is None or best.key is None or key < best.key:
                best = contact
    return best, False


def sit(index: Index, operator: Operator, lanes: int) -> None:
    """No bench to sit on."""
    operator.lanes = lanes


@contextmanager
def scanning() -> Iterator[None]:
    """Within this, the core looks at everybody."""
    former = (
        matching.pick_operator,
        matching.pick_fairly,
        Index.sit,
        Line.add,
        Line.remove,
    )
    matching.pick_operator = pick_operator
    matching.pick_fairly = pick_fairly
    Index.sit = sit  # type: ignore[method-assign,assignment]
    Line.add = lambda self, key: None  # type: ignore[method-assign]
    Line.remove = lambda self, key: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        matching.pick_operator, matching.pick_fairly = former[0], former[1]
        Index.sit, Line.add, Line.remove = former[2], former[3], former[4]  # type: ignore[method-assign]
