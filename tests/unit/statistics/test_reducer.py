"""Days with figures worked out by hand."""

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Activity,
    ContactArrived,
    ContactClass,
    ContactKind,
    OperatorSignedIn,
    PeopleConfig,
    ReasonConfig,
    Strategy,
)
from kak_server.routing.api_moves import INVITES, ColleagueInvited, ConsultEnded, SupervisorListens
from kak_server.routing.words_workflow import Step
from kak_server.statistics.derived import derive
from tests.unit.routing.desk import queue
from tests.unit.statistics.measured import MONDAY_MS, MeasuredDesk

S = 1_000


@pytest.fixture
def desk() -> MeasuredDesk:
    """113 of Oslo with 10 s, 116117 of Bergen with 120 s; the day begins at eight."""
    desk = MeasuredDesk(
        queue(
            "113", "oslo", "bergen", wrap_up_ms=30 * S, threshold_ms=10 * S, goal_percent=90,
            offer_timeout_ms=15 * S,
        ),
        queue(
            "116117", "bergen", klass=ContactClass.NORMAL, wrap_up_ms=60 * S, threshold_ms=120 * S, goal_percent=80,
            offer_timeout_ms=20 * S,
        ),
    )  # fmt: skip
    desk.core.state.now_ms = 0
    return desk


def start(desk: MeasuredDesk) -> None:
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.sit("bob", "bergen")


def test_a_morning_by_hand(desk: MeasuredDesk) -> None:
    """Ada and Bob from eight to half past; every figure below was added up on paper."""
    start(desk)
    desk.at("08:01:00")
    desk.ring("c1")  # rings at Ada's, who answers after 4 s and talks for 56 s, 6 s of them on hold
    desk.at("08:01:04")
    desk.talk("ada", "c1")
    desk.at("08:01:20")
    desk.hold("ada", "c1")
    desk.at("08:01:26")
    desk.hold("ada", "c1", on=False)
    desk.at("08:02:00")
    desk.hang_up("ada", "c1")  # 30 s of wrap-up, until 08:02:30
    desk.at("08:02:10")
    desk.ring("c2")  # Bob is the only one; he misses it (15 s), and Ada is not free yet: Bob again
    desk.at("08:02:25")
    assert desk.offered_to("c2") == "bob"
    desk.at("08:02:28")
    desk.gone("c2")  # abandoned after 18 s, not early
    desk.at("08:10:00")
    desk.ring("c3", "116117")  # Bob says no twice at once, then talks after 30 s
    desk.reject("bob", "c3")
    desk.at("08:10:15")
    desk.reject("bob", "c3")
    desk.at("08:10:30")
    desk.talk("bob", "c3")
    desk.at("08:12:30")
    desk.transfer("bob", "c3", "113")  # Ada takes it after 5 s; Bob has 60 s of wrap-up, until 08:13:30
    desk.at("08:12:35")
    desk.talk("ada", "c3")
    desk.at("08:13:35")
    desk.gone("c3")  # 30 s of wrap-up, until 08:14:05
    desk.at("08:20:00")
    desk.ring("c4")
    desk.at("08:20:03")
    desk.gone("c4")  # abandoned early, after 3 s
    desk.at("08:20:10")
    desk.says("ada", Activity.BREAK)
    desk.at("08:25:10")
    desk.says("ada", Activity.AVAILABLE)
    desk.at("08:30:00")

    figures = desk.row("08:00", "queue", "113")
    assert figures == {
        "offered": 3, "answered": 1, "answered_in_time": 1, "abandoned": 2, "abandoned_early": 1,
        "answer_wait_ms": 4 * S, "answer_wait_max_ms": 4 * S, "abandon_wait_ms": 21 * S, "abandon_wait_max_ms": 18 * S,
        "transfers_in": 1, "waiting_peak": 1,
        "offers": 5, "accepted": 2, "missed": 1, "withdrawn": 2, "answers": 1,
        "handled": 2, "handle_talk_ms": 50 * S + 60 * S, "handle_hold_ms": 6 * S, "handle_wrap_up_ms": 60 * S,
        "ringing_ms": (4 + 18 + 5 + 3) * S, "talk_ms": 110 * S, "hold_ms": 6 * S, "wrap_up_ms": 60 * S,
    }  # fmt: skip
    assert derive("queue", figures) == {
        "service_level_negative_percent": 33.33,
        "service_level_ignored_percent": 50.0,
        "abandoned_percent": 66.67,
        "asa_ms": 4 * S,
        "aht_ms": 88 * S,
    }
    assert desk.row("08:00", "queue", "116117") == {
        "offered": 1, "answered": 1, "answered_in_time": 1, "answer_wait_ms": 30 * S, "answer_wait_max_ms": 30 * S,
        "waiting_peak": 1, "offers": 3, "accepted": 1, "rejected": 2, "answers": 1, "transfers_out": 1,
        "handled": 1, "handle_talk_ms": 120 * S, "handle_wrap_up_ms": 60 * S,
        "ringing_ms": 30 * S, "talk_ms": 120 * S, "wrap_up_ms": 60 * S,
    }  # fmt: skip
    bob = desk.row("08:00", "operator", "bob")
    assert bob == {
        "offers": 5, "accepted": 1, "rejected": 2, "missed": 1, "withdrawn": 1, "answers": 1, "transfers_out": 1,
        "handled": 1, "handle_talk_ms": 120 * S, "handle_wrap_up_ms": 60 * S,
        "idle_ms": (1_800 - 18 - 30 - 120 - 60) * S, "ringing_ms": 48 * S, "talk_ms": 120 * S, "wrap_up_ms": 60 * S,
    }  # fmt: skip
    ada = desk.row("08:00", "operator", "ada")
    assert ada["break_ms"] == 300 * S
    assert ada["idle_ms"] == (1_800 - 300 - 4 - 56 - 30 - 5 - 60 - 30 - 3) * S
    assert derive("operator", ada)["signed_in_ms"] == 1_800 * S
    worked = 50 + 6 + 30 + 60 + 30
    assert derive("operator", ada)["occupancy_percent"] == round(100 * worked / 1_500, 2)
    room = desk.row("08:00", "room", "oslo")
    assert (room["offered"], room["answers"], room["talk_ms"]) == (3, 1, 110 * S)  # 113 is Oslo's own; Ada sits there
    assert desk.row("08:00", "room", "bergen")["rejected"] == 2


def test_a_caller_waits_across_the_border(desk: MeasuredDesk) -> None:
    """The service level of a half hour knows the caller as pending until it is decided; time is shared out."""
    start(desk)
    desk.at("08:29:55")
    desk.ring("c1")
    desk.at("08:30:02")
    before = desk.row("08:00", "queue", "113")
    assert (before["offered"], before["pending"], before["ringing_ms"]) == (1, 1, 5 * S)
    assert not desk.rows[MONDAY_MS + 16 * 1_800_000, "queue", "113"].settled
    desk.talk("ada", "c1")
    after = desk.row("08:00", "queue", "113")
    assert (after["answered"], after["answered_in_time"], after["answer_wait_ms"]) == (1, 1, 7 * S)
    assert "pending" not in after
    assert desk.rows[MONDAY_MS + 16 * 1_800_000, "queue", "113"].settled
    assert [row.key for row in desk.issued if row.by == "queue" and row.half_hour_ms == MONDAY_MS + 16 * 1_800_000] == [
        "113",
        "113",
    ]
    desk.at("09:00:00")
    later = desk.row("08:30", "queue", "113")
    assert (later.get("offered", 0), later["answers"], later["ringing_ms"]) == (0, 1, 2 * S)
    assert (later["waiting_peak"], later["talk_ms"]) == (1, (1_800 - 2) * S)


def test_nobody_calls_for_an_hour(desk: MeasuredDesk) -> None:
    """Half hours without events have the time of those signed in."""
    start(desk)
    desk.at("10:15:00")
    for clock in ("08:00", "08:30", "09:00", "09:30"):
        assert desk.row(clock, "operator", "ada") == {"idle_ms": 1_800 * S}
    assert not desk.reducer.book.kept


def test_a_call_is_lost_and_comes_back(desk: MeasuredDesk) -> None:
    """A dead seat: the caller waits again and leaves; answered is answered, and the loss is counted."""
    start(desk)
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.at("08:01:00")
    desk.media("bergen-bob", up=False)
    desk.media("oslo-ada", up=False)
    desk.at("08:01:05")
    desk.at("08:01:20")
    desk.gone("c1")
    desk.at("08:30:00")
    figures = desk.row("08:00", "queue", "113")
    assert (figures["offered"], figures["answered"], figures["requeues"], figures["left_again"]) == (1, 1, 1, 1)
    assert "abandoned" not in figures
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["requeues"], ada["handled"], ada["handle_talk_ms"]) == (1, 1, 65 * S)
    assert ada["unreachable_ms"] == (1_800 - 65) * S
    assert desk.row("08:00", "room", "oslo")["requeues"] == 1


def test_calls_out(desk: MeasuredDesk) -> None:
    """They are work, and no service level."""
    start(desk)
    desk.dial("ada", "d1")
    desk.at("08:00:20")
    desk.joined("d1")
    desk.at("08:01:00")
    desk.hang_up("ada", "d1")
    desk.at("08:05:00")
    desk.dial("ada", "d2")
    desk.gone("d2", "busy")
    desk.at("08:30:00")
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["dialed"], ada["dialed_answered"], ada["handled"]) == (2, 1, 1)
    assert (ada["connecting_ms"], ada["talk_ms"], ada["wrap_up_ms"]) == (20 * S, 40 * S, 10 * S)
    out = desk.row("08:00", "queue", "outgoing-oslo")
    assert (out["dialed"], out.get("offered", 0), out.get("abandoned", 0)) == (2, 0, 0)


def test_too_many_contacts() -> None:
    """Callers who are turned away are in nobody's service level, and not forgotten."""
    desk = MeasuredDesk(queue("116117", "bergen", klass=ContactClass.NORMAL), max_contacts=1)
    desk.at("08:00:00")
    desk.ring("c1", "116117")
    desk.ring("c2", "116117")
    desk.ring("c2", "nowhere")
    desk.at("08:30:00")
    figures = desk.row("08:00", "queue", "116117")
    assert (figures["offered"], figures["turned_away"], figures["pending"]) == (1, 1, 1)


def test_an_operator_changes_rooms(desk: MeasuredDesk) -> None:
    """The time of each room is its own."""
    start(desk)
    desk.at("08:10:00")
    desk.sit("ada", "bergen")
    desk.at("08:25:00")
    desk.leave("ada")
    desk.at("08:30:00")
    assert desk.row("08:00", "room", "oslo")["idle_ms"] == 600 * S
    assert desk.row("08:00", "room", "bergen")["idle_ms"] == (900 + 1_800) * S
    assert desk.row("08:00", "operator", "ada")["idle_ms"] == 1_500 * S
    desk.close()
    assert desk.rows[MONDAY_MS + 16 * 1_800_000, "operator", "ada"].room == "bergen"


def test_an_offer_that_comes_with_a_move_rings_in_the_new_room(desk: MeasuredDesk) -> None:
    """Ada moves while it rings: that offer ends in Oslo, and the next of the same step is one of Bergen's."""
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.ring("c1")
    desk.wait(5 * S)
    desk.sit("ada", "bergen")
    assert desk.offered_to("c1") == "ada"
    desk.at("08:30:00")
    oslo, bergen = desk.row("08:00", "room", "oslo"), desk.row("08:00", "room", "bergen")
    assert (oslo["offers"], oslo["withdrawn"], oslo["ringing_ms"]) == (1, 1, 5 * S)
    assert bergen["offers"] > bergen["missed"] > 1
    assert bergen["ringing_ms"] == (1_800 - 5) * S


def test_several_ring_and_one_answers() -> None:
    """Ring-all: every position that rang has an offer, and each offer an end."""
    workflow = (Step(strategy=Strategy.RING_ALL, ring_first=3, ring_max=3),)
    desk = MeasuredDesk(queue("113", "oslo", wrap_up_ms=0, workflow=workflow))
    desk.at("08:00:00")
    for who in ("ada", "bob", "cia"):
        desk.sit(who, "oslo")
    desk.ring("c1")
    desk.wait(4 * S)
    desk.accept("bob", "c1", 1)
    desk.joined("c1", 1)
    desk.wait(60 * S)
    desk.hang_up("bob", "c1")
    desk.at("08:30:00")
    figures = desk.row("08:00", "queue", "113")
    assert (figures["offers"], figures["accepted"], figures["withdrawn"]) == (3, 1, 2)
    assert (figures["offered"], figures["answered"], figures["ringing_ms"]) == (1, 1, 3 * 4 * S)
    assert desk.row("08:00", "operator", "bob")["handled"] == 1
    assert desk.row("08:00", "operator", "ada")["withdrawn"] == 1


def test_a_call_goes_out_of_the_house() -> None:
    """Passed on to a number outside it is neither answered nor abandoned; back from there it waits again."""
    workflow = (Step(), Step(after_ms=60_000, overflow_number="+4722000000"))
    desk = MeasuredDesk(queue("116117", "oslo", klass=ContactClass.NORMAL, workflow=workflow))
    desk.at("08:00:00")
    desk.ring("c1", "116117")
    desk.ring("c2", "116117")
    desk.wait(61 * S)
    assert not desk.reducer.contacts.lines
    desk.handover_failed("c2")
    desk.wait(9 * S)
    desk.gone("c1")
    desk.gone("c2")
    desk.at("08:30:00")
    figures = desk.row("08:00", "queue", "116117")
    assert (figures["offered"], figures["diverted"], figures["abandoned"], figures["requeues"]) == (2, 1, 1, 1)
    assert figures["abandon_wait_ms"] == 70 * S
    assert derive("queue", figures)["service_level_negative_percent"] == 0.0


def test_the_rules_move_a_call_on() -> None:
    """Its service level stays with the queue it arrived for; the work is that of the queue it was answered in."""
    workflow = (Step(), Step(after_ms=8_000, overflow_queue=QueueId("last")))
    desk = MeasuredDesk(
        queue("113", "oslo", threshold_ms=10 * S, workflow=workflow), queue("last", "bergen", wrap_up_ms=0)
    )
    desk.at("08:00:00")
    desk.sit("bob", "bergen")
    desk.ring("c1", "113")
    desk.wait(9 * S)
    desk.talk("bob", "c1")
    desk.wait(30 * S)
    desk.hang_up("bob", "c1")
    desk.at("08:30:00")
    first, last = desk.row("08:00", "queue", "113"), desk.row("08:00", "queue", "last")
    assert (first["offered"], first["answered_in_time"], first["overflows_out"]) == (1, 1, 1)
    assert "talk_ms" not in first
    assert (last["overflows_in"], last["answers"], last["handled"], last["talk_ms"]) == (1, 1, 1, 30 * S)
    assert "offered" not in last


def test_chats_beside_a_call() -> None:
    """Two chats at once are one stretch of the operator's time; each is counted with its own."""
    desk = MeasuredDesk(queue("113", "oslo", wrap_up_ms=0), queue("chat", "oslo", klass=ContactClass.NORMAL))
    desk.at("08:00:00")
    desk.send(
        OperatorSignedIn(
            desk.now_ms, OperatorId("ada"), "Ada", PositionId("p1"), RoomId("oslo"), {}, Activity.AVAILABLE, True, 2
        )
    )
    for name in ("k1", "k2"):
        desk.send(ContactArrived(desk.now_ms, ContactId(name), QueueId("chat"), kind=ContactKind.CHAT))
        desk.talk("ada", name)
    desk.wait(100 * S)
    desk.ring("c1", "113")
    desk.talk("ada", "c1")
    desk.wait(50 * S)
    desk.hang_up("ada", "k1")  # while the call goes on
    desk.wait(50 * S)
    desk.hang_up("ada", "c1")
    desk.wait(10 * S)
    desk.hang_up("ada", "k2")
    desk.at("08:30:00")
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["chats"], ada["chat_handle_ms"], ada["handled"]) == (2, (150 + 210) * S, 1)
    assert (ada["chat_ms"], ada["talk_ms"], ada["handle_talk_ms"]) == (110 * S, 100 * S, 100 * S)
    assert ada["idle_ms"] == (1_800 - 210) * S
    assert desk.row("08:00", "queue", "chat")["answered"] == 2


def test_a_break_for_a_reason_that_is_work_is_none() -> None:
    """The organisation says which reasons count as working time; a change of the reason changes where the time goes."""
    reasons = (ReasonConfig("meal", "Måltid", "Meal"), ReasonConfig("training", "Opplæring", "Training", working=True))
    desk = MeasuredDesk(queue("113", "oslo"), people=PeopleConfig(reasons=reasons))
    desk.core.state.now_ms = 0
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.at("08:05:00")
    desk.says("ada", Activity.BREAK, "training")
    desk.at("08:20:00")
    desk.says("ada", Activity.BREAK, "meal")
    desk.at("08:30:00")
    figures = desk.row("08:00", "operator", "ada")
    assert figures == {"idle_ms": 300 * S, "duty_ms": 900 * S, "break_ms": 600 * S}
    assert derive("operator", figures)["signed_in_ms"] == 1_800 * S


def test_a_colleague_is_consulted_and_takes_the_call(desk: MeasuredDesk) -> None:
    """One contact, one answer; two pieces of work, each with its own time. Who listens in works with nothing."""
    start(desk)
    desk.sit("cia", "bergen")
    desk.ring("c1")
    desk.wait(2 * S)
    desk.talk("ada", "c1")
    desk.wait(40 * S)
    ada, bob, cia = OperatorId("ada"), OperatorId("bob"), OperatorId("cia")
    desk.send(ColleagueInvited(desk.now_ms, ada, ContactId("c1"), bob, "consult"))
    desk.wait(3 * S)
    desk.accept("bob", "c1", INVITES + 1)  # the caller is on hold, the two talk
    desk.wait(20 * S)
    desk.send(SupervisorListens(desk.now_ms, cia, ContactId("c1")))
    desk.send(ConsultEnded(desk.now_ms, ada, ContactId("c1"), "complete"))
    desk.wait(50 * S)
    desk.hang_up("bob", "c1")
    desk.at("08:30:00")
    first, second, lead = (desk.row("08:00", "operator", who) for who in ("ada", "bob", "cia"))
    assert (first["handled"], first["talk_ms"], first["hold_ms"], first["wrap_up_ms"]) == (1, 43 * S, 20 * S, 30 * S)
    assert (second["handled"], second["talk_ms"], second["ringing_ms"]) == (1, 70 * S, 3 * S)
    assert (second["handle_talk_ms"], second["handle_wrap_up_ms"]) == (70 * S, 30 * S)
    assert "offers" not in second
    assert (lead["other_ms"], lead.get("handled", 0), lead.get("talk_ms", 0)) == (50 * S, 0, 0)
    queue_row = desk.row("08:00", "queue", "113")
    assert (queue_row["answered"], queue_row["answers"], queue_row["handled"]) == (1, 1, 2)


def test_what_each_room_does_for_a_queue_adds_up_to_the_queue(desk: MeasuredDesk) -> None:
    """Bergen helps Oslo's queue: the work is Bergen's, the queue's figures are the sum of both rooms'."""
    start(desk)
    for contact, who in (("c1", "ada"), ("c2", "bob")):
        desk.ring(contact)
        desk.accept(who, contact)
        desk.joined(contact)
    desk.wait(60 * S)
    for contact, who in (("c1", "ada"), ("c2", "bob")):
        desk.hang_up(who, contact)
    desk.at("08:30:00")
    oslo, bergen = (desk.row("08:00", "queue-room", f"113/{room}") for room in ("oslo", "bergen"))
    assert (oslo["answers"], bergen["answers"]) == (1, 1)
    whole = desk.row("08:00", "queue", "113")
    for name in ("offers", "accepted", "answers", "talk_ms", "wrap_up_ms", "handled", "handle_talk_ms"):
        assert oslo[name] + bergen[name] == whole[name] > 0, name
    assert "offered" not in oslo, "what became of arrivals is the queue's alone"
    assert desk.rows[MONDAY_MS + 16 * 1_800_000, "queue-room", "113/bergen"].room == "bergen"


def test_paper_work_is_its_own_queues_after_a_recall_that_came_to_nothing() -> None:
    """A parked call of one queue rings in the middle of the paper work of another's, and is let ring."""
    desk = MeasuredDesk(queue("113", wrap_up_ms=0), queue("116117", wrap_up_ms=60 * S, klass=ContactClass.NORMAL))
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.ring("parked", "113")
    desk.talk("ada", "parked")
    desk.at("08:00:10")
    desk.park("ada", "parked")  # comes back at 08:01:10
    desk.ring("c1", "116117")
    desk.talk("ada", "c1")
    desk.at("08:00:30")
    desk.hang_up("ada", "c1")  # paper work until 08:01:30
    desk.at("08:01:15")
    assert desk.offered_to("parked") == "ada"
    desk.gone("parked")
    desk.at("08:30:00")
    assert desk.row("08:00", "queue", "116117")["wrap_up_ms"] == 55 * S
    assert desk.row("08:00", "queue", "113").get("wrap_up_ms", 0) == 0
    ada = desk.row("08:00", "operator", "ada")
    assert (ada["ringing_ms"], ada["wrap_up_ms"]) == (5 * S, 55 * S)
    assert (ada["handled"], ada["handle_wrap_up_ms"]) == (2, 55 * S), "all of it belongs to what was handled"
    assert desk.row("08:00", "queue", "116117")["handle_wrap_up_ms"] == 55 * S


def test_what_goes_to_another_queue_and_rings_at_the_same_one_again_is_that_queues() -> None:
    """The step to the other queue is due while it rings, and taken as the offer ends."""
    workflow = (Step(), Step(after_ms=10 * S, overflow_queue=QueueId("last")))
    desk = MeasuredDesk(
        queue("113", wrap_up_ms=0, offer_timeout_ms=15 * S, workflow=workflow),
        queue("last", wrap_up_ms=0, offer_timeout_ms=15 * S),
    )
    desk.at("08:00:00")
    desk.sit("ada", "oslo")
    desk.ring("c1", "113")
    desk.at("08:00:20")
    assert (desk.contact("c1").queue, desk.offered_to("c1")) == ("last", "ada")
    desk.talk("ada", "c1")
    desk.gone("c1")
    desk.at("08:30:00")
    assert desk.row("08:00", "queue", "113")["ringing_ms"] == 15 * S
    assert desk.row("08:00", "queue", "last")["ringing_ms"] == 5 * S
