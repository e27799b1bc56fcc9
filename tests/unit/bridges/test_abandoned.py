"""The list of callers who left: what is on it, for how long, and who calls back."""

import pytest

from kak_server.bridges import abandoned
from kak_server.bridges.abandoned import Abandoned
from kak_server.model.ids import CallId
from tests.unit.bridges.world import KARI, SEAT_1, World, world

HOUR_MS = 3_600_000


def leaves(w: World, call: str, number: str = "113", caller: str = "+4799999999") -> str:
    contact = w.ring(call, number, caller=caller)
    w.pass_ms(1_000)
    w.ends(CallId(call))
    return str(contact)


def listed(w: World) -> list[str]:
    return [row["contact"] for row in w.house.views.snapshot(KARI, SEAT_1)["abandoned"]]


def test_only_emergency_callers_whom_nobody_answered_are_listed() -> None:
    w = world()
    w.sit(available=False)
    emergency = leaves(w, "a")
    leaves(w, "b", "116117")
    assert listed(w) == [emergency]
    assert len(w.house.abandoned.recent) == 1


def test_another_rooms_callers_are_not_shown() -> None:
    w = world()
    w.sit(available=False)
    leaves(w, "a", "1131")
    assert listed(w) == []
    assert len(w.house.abandoned.cases) == 1


def test_the_list_has_an_end_and_forgets_yesterday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "MAX_LISTED", 3)
    w = world()
    w.sit(available=False)
    contacts = [leaves(w, f"call{n}", caller=f"+479000000{n}") for n in range(5)]
    assert listed(w) == contacts[2:]
    w.pass_ms(25 * HOUR_MS)
    last = leaves(w, "late")
    assert listed(w) == [last]
    assert [key for key in w.records if key.startswith("abandoned/")] == [f"abandoned/{last}"]


def test_recent_calls_are_forgotten_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "MAX_RECENT", 2)
    w = world()
    contacts = [leaves(w, f"call{n}", "116117") for n in range(3)]
    assert list(w.house.abandoned.recent) == contacts[1:]


def test_a_claim_whose_call_died_with_the_process_is_given_back() -> None:
    w = world()
    w.sit()
    contact = leaves(w, "a")
    assert listed(w) == [contact], "it rang at Kari's, and nobody answered all the same"
    w.do("contact.callback", {"contact": contact})
    kept = w.records[f"abandoned/{contact}"]
    after = Abandoned(w.house.ctx)
    after.restore(kept)
    assert next(iter(after.cases.values())).claimed_by == KARI
    after.resume(set())
    case = next(iter(after.cases.values()))
    assert (case.claimed_by, case.attempts) == (None, 1)
