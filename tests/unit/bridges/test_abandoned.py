"""The list of callers who left: what is on it, for how long, and who calls back."""

from dataclasses import replace

import pytest

from kak_server.bridges import abandoned
from kak_server.bridges.abandoned import Abandoned
from kak_server.bridges.context import called_back_queues
from kak_server.media import rpc
from kak_server.model.ids import CallId, LegId
from kak_server.routing.api import ContactClass
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


@pytest.mark.parametrize(
    ("klass", "said", "listed_then"),
    [
        (ContactClass.EMERGENCY, None, True),
        (ContactClass.EMERGENCY, False, False),
        (ContactClass.URGENT, None, True),
        (ContactClass.NORMAL, None, False),
        (ContactClass.NORMAL, True, True),
    ],
)
def test_a_queue_says_whether_its_callers_are_called_back(
    klass: ContactClass, said: bool | None, listed_then: bool
) -> None:
    w = world()
    settings = w.house.ctx.settings
    queues = tuple(
        replace(queue, klass=klass, handling=replace(queue.handling, call_back=said)) for queue in settings.queues
    )
    w.house.abandoned.serve(frozenset(), called_back_queues(replace(settings, queues=queues)))
    contact = leaves(w, "a", "116117")
    assert (contact in w.house.abandoned.cases) is listed_then
    assert (contact in w.house.abandoned.recent) is not listed_then


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


def pc_dies(w: World) -> None:
    """Kari's sound goes, and does not come back in time."""
    w.media(rpc.LegMedia(LegId(f"seat-{SEAT_1}"), "down"))
    w.now_ms = w.house.ctx.core.timers()["media:kari"]
    w.timer("routing/media:kari")


@pytest.mark.parametrize("lost_by", ["dead-pc", "park", "transfer", "blind"])
def test_who_gives_up_after_losing_the_operator_is_listed_and_keeps_the_place(lost_by: str) -> None:
    w = world()
    w.sit()
    arrived_ms = w.now_ms
    contact = w.talking()
    w.pass_ms(20_000)
    if lost_by == "dead-pc":
        pc_dies(w)
    elif lost_by == "park":
        assert w.do("contact.park", {"contact": contact}).code == ""
    elif lost_by == "transfer":
        assert w.do("contact.transfer", {"contact": contact, "queue": "113-bergen"}).code == ""
    else:
        assert w.do("contact.transfer_out", {"contact": contact, "number": "+4722000001"}).code == ""
    lost_ms = w.now_ms
    w.pass_ms(40_000)
    w.ends(CallId("call-113"))
    (case,) = w.house.abandoned.cases.values()
    assert (case.contact, case.arrived_at_ms, case.ended_at_ms) == (contact, lost_ms, w.now_ms)
    w.pass_ms(5_000)
    again = w.ring("again")
    row = w.house.ctx.core.state.contacts[again]
    assert row.first_arrived_at_ms == arrived_ms
    assert w.house.calls.lines[again].repeat.answered  # type: ignore[union-attr]
    assert w.house.abandoned.cases == {}, "who rings again is not to be called back"


def test_who_was_taken_care_of_again_is_not_listed() -> None:
    w = world()
    w.sit()
    contact = w.talking()
    assert w.do("contact.park", {"contact": contact}).code == ""
    assert w.do("contact.unpark", {"contact": contact}).code == ""
    w.pass_ms(1_000)
    w.ends(CallId("call-113"))
    again = w.ring("again")
    assert w.house.abandoned.cases == {}
    assert w.house.ctx.core.state.contacts[again].first_arrived_at_ms == 0


def test_who_was_passed_on_and_talked_there_is_not_listed() -> None:
    w = world()
    contact = w.talking()
    assert w.do("contact.transfer_out", {"contact": contact, "number": "+4722000001"}).code == ""
    w.pass_ms(5_000)
    w.picks_up(w.dials()[-1].call)
    w.pass_ms(60_000)
    w.ends(CallId("call-113"))
    assert w.house.abandoned.cases == {}
