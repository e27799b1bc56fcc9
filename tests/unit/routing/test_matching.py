"""Who is asked, and who comes first."""

import pytest

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing import index, matching
from kak_server.routing.api import Activity, ContactClass
from tests.unit.routing.desk import Desk, offers_in, queue


def why_not(desk: Desk, who: str) -> str | None:
    return desk.core.why_not(ContactId("c1"), OperatorId(who))


def test_class_before_arrival_and_arrival_within_a_class() -> None:
    desk = Desk(queue("113"), queue("mail", klass=ContactClass.URGENT), queue("116117", klass=ContactClass.NORMAL))
    for contact, to in (("n", "116117"), ("u", "mail"), ("e1", "113"), ("e2", "113")):
        desk.ring(contact, to)
        desk.wait(1_000)
    desk.sit("kari")
    order = []
    for _ in range(4):
        (contact,) = [view.contact for view in desk.core.contacts() if view.offer_expires_at_ms]
        order.append(contact)
        desk.talk("kari", contact)
        desk.hang_up("kari", contact)
        desk.done("kari")
    assert order == ["e1", "e2", "u", "n"]


def test_priority_is_a_credit_of_seconds_within_the_class() -> None:
    desk = Desk(queue("plain"), queue("credit", priority=5))
    desk.ring("first", "plain")
    desk.wait(4_000)
    desk.ring("second", "credit")
    desk.sit("kari")
    assert desk.offered_to("second") == "kari"


def test_priority_does_not_cross_classes() -> None:
    desk = Desk(queue("113"), queue("116117", klass=ContactClass.NORMAL, priority=1_000_000))
    desk.ring("n", "116117")
    desk.wait(1)
    desk.ring("e", "113")
    desk.sit("kari")
    assert desk.offered_to("e") == "kari"


def test_the_longest_idle_is_asked_and_ties_go_by_id() -> None:
    desk = Desk()
    desk.sit("ola")
    desk.sit("kari")
    desk.wait(5)
    desk.sit("ada")
    for who in ("kari", "ola", "ada"):
        contact = f"for-{who}"
        desk.ring(contact)
        assert desk.offered_to(contact) == who


def test_idle_time_counts_from_the_last_call_not_from_the_paper_work() -> None:
    desk = Desk(queue("113", wrap_up_ms=60_000))
    desk.sit("kari")
    desk.ring("c1")
    desk.talk("kari", "c1")
    desk.wait(10)
    desk.hang_up("kari", "c1")
    desk.wait(1_000)
    desk.sit("ola")
    desk.done("kari")
    desk.ring("c2")
    assert desk.offered_to("c2") == "kari"


def test_a_break_begins_the_idle_time_anew() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.wait(10)
    desk.sit("ola")
    desk.wait(10)
    desk.says("kari", Activity.BREAK)
    desk.says("kari", Activity.AVAILABLE)
    assert desk.core.idle(QueueId("113")) == ("ola", "kari")


def test_skills_and_levels() -> None:
    desk = Desk(queue("113", skills={"emd": 5, "english": 2}))
    desk.sit("none")
    desk.sit("low", emd=4, english=9)
    desk.sit("half", emd=9)
    desk.ring("c1")
    assert desk.offered_to("c1") is None
    assert why_not(desk, "low") == "has skill emd at 4, 5 is needed"
    assert why_not(desk, "half") == "has skill english at 0, 2 is needed"
    assert offers_in(desk.sit("able", emd=5, english=2)) == [("c1", "able", 1)]


def test_the_own_room_is_asked_alone_at_first_then_all() -> None:
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=20_000))
    desk.sit("bente", "bergen")
    desk.ring("c1")
    assert desk.offered_to("c1") is None
    reason = "sits in room bergen, and oslo is asked alone at first (the queue's rooms from 20 s on)"
    assert why_not(desk, "bente") == reason
    assert offers_in(desk.wait(19_999)) == []
    assert offers_in(desk.wait(1)) == [("c1", "bente", 1)]


def test_the_own_room_comes_first_even_when_all_may() -> None:
    desk = Desk(queue("113", "oslo", "bergen"))
    desk.sit("bente", "bergen")
    desk.wait(60_000)
    desk.sit("kari", "oslo")
    desk.ring("c1")
    assert desk.offered_to("c1") == "kari"
    desk.reject("kari", "c1")
    assert desk.offered_to("c1") == "bente"


def test_own_room_operators_see_both_lines() -> None:
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=10_000))
    desk.ring("old")
    desk.wait(10_000)
    desk.ring("new")
    desk.sit("bente", "bergen")
    assert desk.offered_to("old") == "bente"
    desk.sit("kari", "oslo")
    assert desk.offered_to("new") == "kari"
    assert desk.line() == []


def test_the_own_room_time_runs_on_while_it_rings() -> None:
    desk = Desk(queue("113", "oslo", "bergen", own_room_ms=10_000, offer_timeout_ms=12_000))
    desk.sit("kari", "oslo")
    desk.sit("bente", "bergen")
    desk.ring("c1")
    desk.wait(11_000)
    assert desk.offered_to("c1") == "kari"
    desk.reject("kari", "c1")
    assert desk.offered_to("c1") == "bente"


def test_other_rooms_are_never_asked() -> None:
    desk = Desk(queue("113", "oslo"))
    desk.sit("tom", "tromso")
    desk.ring("c1")
    desk.wait(600_000)
    assert desk.offered_to("c1") is None
    assert why_not(desk, "tom") == "sits in room tromso, which does not serve 113"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda desk: desk.says("kari", Activity.BREAK, "lunch"), "is not available (break: lunch)"),
        (lambda desk: desk.says("kari", Activity.AFTER_CALL), "is not available (after-call-work)"),
        (lambda desk: desk.media("p1", False), "has no audio at the position"),
        (lambda desk: desk.ring("c0", "first"), "has another offer"),
        (lambda desk: (desk.ring("c0", "first"), desk.talk("kari", "c0")), "is in a call"),
        (
            lambda desk: (desk.ring("c0", "first"), desk.talk("kari", "c0"), desk.hang_up("kari", "c0")),
            "is finishing the last call",
        ),
    ],
)
def test_why_somebody_is_not_asked_is_said_in_words(make, reason: str) -> None:  # type: ignore[no-untyped-def]
    desk = Desk(queue("113"), queue("first", priority=100))
    desk.sit("kari", at="p1")
    make(desk)
    desk.ring("c1")
    assert why_not(desk, "kari") == reason


def test_whoever_has_the_offer_may_be_asked() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    assert why_not(desk, "kari") is None


def test_a_national_centre_does_not_scan_its_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,500 operators of 190 rooms: whom a call may go to is not asked of anybody."""
    rooms = [f"room{number}" for number in range(190)]
    desk = Desk(*(queue(f"113-{room}", room) for room in rooms))
    core = desk.core
    for number in range(1_500):
        room = rooms[number % 190]
        core.step(_sign_in(desk, f"o{number}", room))
    for room in rooms:  # what is made at its first use
        core.step(_arrival(desk, f"first-{room}", f"113-{room}"))
    monkeypatch.setattr(matching, "may_serve", _must_not_be_asked)
    monkeypatch.setattr(index, "reaches", _must_not_be_asked)
    for number in range(2_000):
        core.step(_arrival(desk, f"c{number}", f"113-{rooms[number % 190]}"))
    assert len(core.waiting(QueueId("113-room0"))) == 4
    assert all(core.idle_count(queue.queue) == 0 for queue in core.queues())


def _sign_in(desk: Desk, who: str, room: str):  # type: ignore[no-untyped-def]
    from kak_server.model.ids import PositionId, RoomId
    from kak_server.routing.api import OperatorSignedIn

    return OperatorSignedIn(
        desk.now_ms, OperatorId(who), who, PositionId(f"p-{who}"), RoomId(room), {}, Activity.AVAILABLE, media_up=True
    )


def _arrival(desk: Desk, contact: str, to: str):  # type: ignore[no-untyped-def]
    from kak_server.routing.api import ContactArrived

    return ContactArrived(desk.now_ms, ContactId(contact), QueueId(to))


def _must_not_be_asked(*_: object) -> bool:
    raise AssertionError("somebody was looked at")
