"""What waits come to."""

from kak_server.model.ids import ContactId, QueueId, RoomId
from kak_server.runtime.whatif.figures import Row, changed, figures, grouped, quantile

LIMIT = {QueueId("q"): 10_000}


def row(name: str, answered: int | None = None, ended: int | None = None, room: str = "r") -> Row:
    return Row(ContactId(name), QueueId("q"), RoomId(room), 0, answered, ended)


def test_counts_and_times() -> None:
    rows = [row("a", 2_000, 9_000), row("b", 14_000), row("c", None, 4_000), row("d", None, 30_000), row("e")]
    made = figures(rows, LIMIT)
    assert (made.contacts, made.answered, made.abandoned, made.waiting) == (5, 2, 2, 1)
    assert (made.asa_ms, made.p50_ms, made.p90_ms, made.max_ms) == (8_000, 4_000, 30_000, 30_000)
    assert made.in_time == 33.3  # one of two answers and one who gave up too late; who gave up in time does not count
    assert figures([], LIMIT).in_time is None


def test_quantiles_are_values_that_were_there() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0.0, 0.25, 0.5, 0.9, 1.0)] == [1, 1, 2, 4, 4]
    assert quantile([], 0.5) is None


def test_groups_and_changes() -> None:
    old = {one.contact: one for one in (row("a", 1_000), row("b", None, 9_000), row("c", 5_000))}
    new = {one.contact: one for one in (row("a", 4_000, room="s"), row("b", 9_000), row("c", 5_000))}
    assert list(grouped(new.values(), "room")) == ["r", "s"]
    assert [one["contact"] for one in changed(old, new)] == ["a", "b"]
    assert changed(old, new)[0]["new"] == {"outcome": "answered", "wait_ms": 4_000, "room": "s"}
