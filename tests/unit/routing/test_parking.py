"""Parked contacts and contacts handed to somebody by name: every way out."""

import pytest

from kak_server.model.ids import RoomId
from kak_server.routing.api import (
    Activity,
    Connect,
    ContactClass,
    ContactState,
    EndContact,
    OperatorState,
    Parked,
    ParkRules,
    ReleaseOperator,
    StartWaiting,
    WithdrawOffer,
)
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused

RULES = {RoomId("oslo"): ParkRules(slots=2, recall_ms=30_000)}


def talking(*others: str) -> Desk:
    """Ada talks in c1; others are there, on a break."""
    desk = Desk(queue("113", wrap_up_ms=5_000), queue("bergen", "bergen"), parking=RULES)
    desk.sit("ada")
    for who in others:
        desk.sit(who, ready=False)
    desk.ring("c1")
    desk.talk("ada", "c1")
    return desk


def test_a_parked_call_is_in_a_slot_and_its_operator_free_for_paper_work() -> None:
    desk = talking()
    effects = desk.park("ada", "c1")
    assert only(effects, Parked)[0].slot == 1
    view = desk.contact("c1")
    assert (view.state, view.operator) == (ContactState.PARKED, None)
    assert view.slot is not None
    assert view.slot.recall_at_ms == desk.now_ms + 30_000
    assert desk.operator("ada").state is OperatorState.WRAP_UP


def test_anybody_of_the_room_takes_it_and_the_second_is_too_late() -> None:
    desk = talking("bob", "cia")
    desk.park("ada", "c1")
    assert only(desk.unpark("bob", "c1"), Connect)[0].operator == "bob"
    assert refused(desk.unpark("cia", "c1")) == ["offer-gone"]
    desk.joined("c1")
    assert desk.contact("c1").operator == "bob"
    assert desk.core.state.slots == {}


def test_another_room_does_not_unless_it_serves_the_queue() -> None:
    desk = talking()
    desk.sit("dag", "bergen", ready=False)
    desk.park("ada", "c1")
    assert refused(desk.unpark("dag", "c1")) == ["not-yours"]


def test_who_has_a_call_or_no_sound_does_not() -> None:
    desk = talking("bob")
    desk.park("ada", "c1")
    desk.media("oslo-bob", False)
    assert refused(desk.unpark("bob", "c1")) == ["no-media"]
    assert refused(desk.unpark("nobody", "c1")) == ["unknown-operator"]


def test_after_its_time_it_is_offered_first_to_who_parked_it_even_in_paper_work() -> None:
    desk = talking("bob")
    desk.wait(1_000)
    desk.park("ada", "c1")
    desk.says("bob", Activity.AVAILABLE)
    effects = desk.wait(30_000)
    assert only(effects, StartWaiting)[-1].reason == "recalled"
    assert desk.offered_to("c1") == "ada"


def test_then_to_the_others_at_the_head_of_its_class() -> None:
    desk = talking()
    desk.park("ada", "c1")
    desk.says("ada", Activity.BREAK)
    desk.ring("older")
    desk.wait(30_000)
    assert desk.offered_to("c1") == "ada", "by name, on a break too"
    desk.reject("ada", "c1")
    assert desk.line() == ["c1", "older"]
    desk.sit("bob")
    assert desk.offered_to("c1") == "bob"
    assert desk.contact("c1").requeued


def test_who_parked_it_and_went_home_is_not_asked() -> None:
    desk = talking()
    desk.park("ada", "c1")
    desk.done("ada")
    desk.leave("ada")
    desk.wait(30_000)
    assert desk.line() == ["c1"]


def test_the_caller_may_leave_a_slot() -> None:
    desk = talking()
    desk.park("ada", "c1")
    assert only(desk.gone("c1"), EndContact)
    assert desk.core.state.slots == {}
    assert not any(key.startswith("park:") for key in desk.timers)


def test_slots_are_counted_by_room_and_the_lowest_is_taken() -> None:
    desk = talking("bob", "cia")
    desk.park("ada", "c1")
    for who, contact in (("bob", "c2"), ("cia", "c3")):
        desk.says("ada", Activity.BREAK)
        desk.says(who, Activity.AVAILABLE)
        desk.ring(contact)
        desk.talk(who, contact)
    assert only(desk.park("bob", "c2"), Parked)[0].slot == 2
    assert refused(desk.park("cia", "c3")) == ["limit"]
    desk.gone("c1")
    assert only(desk.park("cia", "c3"), Parked)[0].slot == 1


def test_only_the_holder_of_a_call_that_is_up_parks_it() -> None:
    desk = talking("bob")
    assert refused(desk.park("bob", "c1")) == ["not-yours"]
    desk.gone("c1")
    desk.done("ada")
    desk.ring("c2")
    desk.accept("ada", "c2")
    assert refused(desk.park("ada", "c2")) == ["busy"]


def test_a_parked_call_survives_a_snapshot_and_a_change_of_rules() -> None:
    desk = talking()
    desk.park("ada", "c1")
    again = desk.core.restore(desk.core.snapshot())
    assert again.digest() == desk.core.digest()
    assert again.state.slots == desk.core.state.slots
    desk.configure(queue("bergen", "bergen"), parking=RULES)
    desk.sit("bob", ready=False)
    assert only(desk.unpark("bob", "c1"), Connect)


def test_a_join_that_fails_puts_the_caller_at_the_head() -> None:
    desk = talking("bob")
    desk.park("ada", "c1")
    desk.unpark("bob", "c1")
    desk.join_failed("c1")
    assert desk.contact("c1").requeued


# --- to a colleague by name -------------------------------------------------------------------------------------------


def test_a_colleague_is_asked_whatever_they_serve() -> None:
    desk = talking()
    desk.sit("dag", "bergen", ready=False)
    effects = desk.hand_to("ada", "c1", "dag")
    assert only(effects, ReleaseOperator)[0].cause == "transfer"
    assert offers_in(effects) == [("c1", "dag", 2)]
    desk.talk("dag", "c1")
    assert desk.contact("c1").operator == "dag"


def test_who_does_not_take_it_leaves_it_to_whom_it_comes_from() -> None:
    for no in ("reject", "expire", "media", "leave"):
        desk = talking("bob")
        desk.hand_to("ada", "c1", "bob")
        if no == "reject":
            desk.reject("bob", "c1")
        elif no == "expire":
            desk.done("ada")
            desk.says("ada", Activity.BREAK)
            desk.wait(15_000)
        elif no == "media":
            desk.media("oslo-bob", False)
        else:
            desk.leave("bob")
        assert desk.offered_to("c1") == "ada", no
        desk.reject("ada", "c1")
        assert desk.contact("c1").requeued, "then the queue, at the head"


def test_or_to_the_queue_if_that_is_wanted() -> None:
    desk = talking("bob")
    desk.hand_to("ada", "c1", "bob", back=False)
    desk.reject("bob", "c1")
    assert desk.line() == ["c1"]


def test_or_when_whom_it_comes_from_has_another_call() -> None:
    desk = talking("bob")
    desk.hand_to("ada", "c1", "bob")
    desk.done("ada")
    desk.ring("c2")
    assert desk.offered_to("c2") == "ada"
    desk.reject("bob", "c1")
    assert desk.line() == ["c1"]


def test_only_somebody_who_is_free() -> None:
    desk = talking("bob")
    assert refused(desk.hand_to("ada", "c1", "ada")) == ["busy"]
    assert refused(desk.hand_to("ada", "c1", "nobody")) == ["unknown-operator"]
    desk.media("oslo-bob", False)
    assert refused(desk.hand_to("ada", "c1", "bob")) == ["busy"]
    assert desk.contact("c1").state is ContactState.CONNECTED


def test_a_transfer_nobody_has_answered_is_taken_back() -> None:
    desk = talking("bob")
    desk.hand_to("ada", "c1", "bob")
    effects = desk.pull_back("ada", "c1")
    assert only(effects, WithdrawOffer)[0].reason == "pulled-back"
    assert only(effects, Connect)[0].operator == "ada"
    desk.joined("c1")
    assert refused(desk.pull_back("ada", "c1")) == ["unknown-contact"]


def test_likewise_one_to_a_queue() -> None:
    desk = talking("bob")
    desk.transfer("ada", "c1", "bergen")
    assert refused(desk.pull_back("bob", "c1")) == ["unknown-contact"]
    assert only(desk.pull_back("ada", "c1"), Connect)
    desk.joined("c1")
    assert desk.contact("c1").operator == "ada"


def test_the_caller_leaves_while_the_colleague_is_asked() -> None:
    desk = talking("bob")
    desk.hand_to("ada", "c1", "bob")
    assert only(desk.gone("c1"), EndContact)
    assert desk.operator("bob").state is OperatorState.IDLE


@pytest.mark.parametrize("how", ["no", "nobody there", "caller gone", "break"])
def test_paper_work_goes_on_where_a_recall_came_to_nothing(how: str) -> None:
    desk = Desk(queue("113", wrap_up_ms=60_000))
    desk.sit("ada")
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.park("ada", "c1")
    desk.wait(20_000)
    desk.done("ada")
    desk.ring("c2")
    desk.talk("ada", "c2")
    desk.wait(20_000)
    desk.hang_up("ada", "c2")
    until_ms = desk.operator("ada").wrap_up_until_ms
    desk.wait(20_000)
    assert desk.offered_to("c1") == "ada"
    assert desk.operator("ada").wrap_up_until_ms is None
    if how == "no":
        desk.reject("ada", "c1")
    elif how == "nobody there":
        desk.wait(15_000)
    elif how == "caller gone":
        desk.gone("c1")
    else:
        desk.says("ada", Activity.BREAK)
    after = desk.operator("ada")
    assert (after.state, after.wrap_up_until_ms) == (OperatorState.WRAP_UP, until_ms)
    desk.crash_and_replay()
    desk.wait(60_000)
    assert desk.operator("ada").wrap_up_until_ms is None


def test_paper_work_that_was_said_to_be_done_does_not_come_back_after_a_recall() -> None:
    desk = Desk(queue("113", wrap_up_ms=60_000))
    desk.sit("ada")
    desk.ring("c1")
    desk.talk("ada", "c1")
    desk.park("ada", "c1")
    desk.wait(20_000)
    desk.done("ada")
    desk.ring("c2")
    desk.talk("ada", "c2")
    desk.wait(35_000)
    desk.hang_up("ada", "c2")
    desk.wait(5_000)
    assert desk.offered_to("c1") == "ada"
    desk.done("ada")
    desk.gone("c1")
    assert desk.operator("ada").state is OperatorState.IDLE


def lent(*queues: str) -> Desk:
    """Kari of Oslo is lent to Bergen (for these queues), whose Dag is on a break; Ola stays in Oslo, on a break."""
    parking = {RoomId("oslo"): ParkRules(slots=1, recall_ms=30_000), RoomId("bergen"): ParkRules(recall_ms=20_000)}
    oslo, bergen = queue("113-oslo", "oslo", wrap_up_ms=0), queue("113-bergen", "bergen", wrap_up_ms=0)
    line = queue("line-bergen", "bergen", klass=ContactClass.NORMAL, skills={"line": 1})
    desk = Desk(oslo, bergen, line, parking=parking)
    desk.sit("kari")
    desk.sit("ola", ready=False)
    desk.sit("dag", "bergen", ready=False)
    desk.borrow("l1", "bergen", "oslo", "kari", queues=queues)
    desk.lend("l1", "kari", own_emergencies=not queues)
    return desk


def parks(desk: Desk, contact: str, to: str) -> tuple[str, int]:
    """Kari talks and parks: where it is."""
    desk.ring(contact, to)
    desk.talk("kari", contact)
    (parked,) = only(desk.park("kari", contact), Parked)
    return parked.room, parked.slot


def test_who_is_on_loan_parks_in_the_borrowing_room_by_its_rules_and_its_people_take_it() -> None:
    desk = lent()
    assert parks(desk, "c1", "113-bergen") == ("bergen", 1)
    assert parks(desk, "c2", "113-bergen") == ("bergen", 2)
    assert refused(desk.unpark("ola", "c1")) == ["not-yours"]
    assert only(desk.unpark("dag", "c1"), Connect)[0].operator == "dag"
    assert only(desk.unpark("kari", "c2"), Connect)[0].operator == "kari"


def test_what_is_the_own_rooms_alone_is_parked_there_although_the_operator_is_on_loan() -> None:
    desk = lent()
    assert parks(desk, "c1", "113-oslo") == ("oslo", 1)
    assert refused(desk.unpark("dag", "c1")) == ["not-yours"]
    assert only(desk.unpark("ola", "c1"), Connect)[0].operator == "ola"


@pytest.mark.parametrize(("who", "to"), [("dag", "113-bergen"), ("ola", "113-oslo")])
def test_who_is_on_loan_takes_what_is_parked_in_either_room_whatever_queues_the_loan_is_for(who: str, to: str) -> None:
    desk = lent("line-bergen")
    desk.says("kari", Activity.BREAK)
    desk.says(who, Activity.AVAILABLE)
    desk.ring("c1", to)
    desk.talk(who, "c1")
    desk.park(who, "c1")
    assert only(desk.unpark("kari", "c1"), Connect)[0].operator == "kari"


def test_a_parked_call_stays_where_it_is_when_the_loan_is_over_and_comes_back_to_who_parked_it() -> None:
    desk = lent()
    assert parks(desk, "c1", "113-bergen") == ("bergen", 1)
    desk.end_loan("l1")
    view = desk.contact("c1").slot
    assert view is not None
    assert (view.room, view.number, view.by) == ("bergen", 1, "kari")
    desk.crash_and_replay()
    (offer,) = offers_in(desk.wait(20_000))
    assert offer[:2] == ("c1", "kari")
    desk.gone("c1")
    assert parks(desk, "c2", "113-oslo") == ("oslo", 1)
