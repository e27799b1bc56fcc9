"""Reasons, paper work that takes longer, offers that ring out, and a shift lead's word."""

from collections.abc import Callable

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing.api import (
    Activity,
    CancelTimer,
    ContactClass,
    ContactState,
    Forced,
    ForcedTo,
    MadeNotReady,
    MissesTolerated,
    OperatorState,
    PeopleConfig,
    PositionLeft,
    ReasonConfig,
    RoomsConfig,
    RoomState,
    RoomStateSet,
    SetTimer,
    Step,
    Strategy,
    WithdrawOffer,
)
from kak_server.routing.step import RoutingCore
from kak_server.routing.words_people import MISSED
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused

REASONS = (ReasonConfig("meal", "Måltid", "Meal"), ReasonConfig("training", "Opplæring", "Training", working=True))


def desk(*rooms: str, **people: object) -> Desk:
    settings = PeopleConfig(reasons=REASONS, **people)  # type: ignore[arg-type]
    return Desk(queue("113", *(rooms or ("oslo",)), wrap_up_ms=10_000), people=settings)


def wrapping_up(**people: object) -> Desk:
    made = desk(**people)
    made.sit("kari", at="p1")
    made.ring("c1")
    made.talk("kari", "c1")
    made.hang_up("kari", "c1")
    return made


# --- reasons ----------------------------------------------------------------------------------------------------------


def test_a_reason_is_of_the_list_and_a_note_is_free() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.wait(1_000)
    made.says("kari", Activity.BREAK, "meal", "back at noon")
    view = made.operator("kari")
    assert (view.reason, view.duty.note, view.duty.activity_since_ms) == ("meal", "back at noon", 1_001_000)
    assert refused(made.says("kari", Activity.BREAK, "yachting")) == ["unknown-reason"]
    assert made.operator("kari").reason == "meal"
    made.wait(1_000)
    made.says("kari", Activity.BREAK, "meal", "back at one")
    assert made.operator("kari").duty.activity_since_ms == 1_001_000, "a new note is no new break"
    made.says("kari", Activity.AVAILABLE)
    assert (made.operator("kari").reason, made.operator("kari").duty.note) == ("", "")


def test_where_no_list_is_any_word_is_a_reason() -> None:
    made = Desk()
    made.sit("kari")
    assert refused(made.says("kari", Activity.BREAK, "yachting")) == []


def test_since_when_somebody_is_on_outlives_a_refresh_and_a_move() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.wait(60_000)
    made.sit("kari", at="p1")
    made.sit("kari", at="p2")
    assert made.operator("kari").duty.on_since_ms == 1_000_000


# --- paper work -------------------------------------------------------------------------------------------------------


def test_paper_work_may_be_extended_and_calls_wait_for_it() -> None:
    made = wrapping_up()
    made.ring("c2")
    made.wait(9_000)
    effects = made.needs_more("kari", 30_000)
    until_ms = 1_000_000 + 10_000 + 30_000
    assert only(effects, SetTimer) == [SetTimer("wrap-up:kari", until_ms)]
    view = made.operator("kari")
    assert (view.wrap_up_until_ms, view.duty.extensions, view.duty.extended_ms) == (until_ms, 1, 30_000)
    assert offers_in(made.wait(30_999)) == []
    assert offers_in(made.wait(1)) == [("c2", "kari", 1)]


def test_no_more_than_the_settings_give_and_no_oftener() -> None:
    made = wrapping_up(wrap_up_extension_ms=40_000, wrap_up_extensions=2)
    made.needs_more("kari", 30_000)
    made.needs_more("kari", 30_000)
    assert made.operator("kari").duty.extended_ms == 40_000, "what was left of it"
    assert refused(made.needs_more("kari", 1_000)) == ["limit"]
    often = wrapping_up(wrap_up_extensions=1)
    often.needs_more("kari", 1_000)
    assert refused(often.needs_more("kari", 1_000)) == ["limit"]
    assert refused(wrapping_up(wrap_up_extension_ms=0).needs_more("kari", 1_000)) == ["limit"]
    assert refused(wrapping_up().needs_more("kari", -1)) == ["limit"]


def test_each_wrap_up_has_its_own_extensions() -> None:
    made = wrapping_up(wrap_up_extensions=1)
    made.needs_more("kari", 1_000)
    made.ring("c2")
    assert only(made.done("kari"), CancelTimer) == [CancelTimer("wrap-up:kari")]
    made.talk("kari", "c2")
    made.hang_up("kari", "c2")
    assert made.operator("kari").duty.extensions == 0
    assert refused(made.needs_more("kari", 1_000)) == []


def test_there_is_nothing_to_extend_outside_paper_work() -> None:
    made = desk()
    made.sit("kari")
    assert refused(made.needs_more("kari", 1_000)) == ["not-in-wrap-up"]
    assert refused(made.needs_more("nobody", 1_000)) == ["unknown-operator"]


# --- offers that ring out ---------------------------------------------------------------------------------------------


def test_somebody_who_lets_three_ring_out_is_asked_no_more_until_they_say_so() -> None:
    made = desk(misses=3)
    made.sit("ola", at="p2")
    made.ring("busy")
    made.talk("ola", "busy")  # at work, and ready
    made.sit("kari", at="p1")
    made.ring("c1")
    effects = made.wait(45_000)
    assert only(effects, MadeNotReady) == [MadeNotReady("kari", "p1", 3)]  # type: ignore[arg-type]
    view = made.operator("kari")
    assert (view.state, view.activity, view.reason) == (OperatorState.IDLE, Activity.BREAK, MISSED)
    assert made.line() == ["c1"]
    assert offers_in(made.says("kari", Activity.AVAILABLE)) == [("c1", "kari", 4)]
    assert made.operator("kari").duty.misses_in_row == 0


def test_the_last_one_of_the_room_is_asked_on_and_somebody_hears_of_it() -> None:
    made = desk("oslo", "bergen", misses=3)
    made.sit("bent", "bergen")  # helps Oslo, but is no colleague in the room
    made.ring("first")
    made.talk("bent", "first")
    made.sit("kari", at="p1")
    made.sit("lunch", ready=False)
    made.sit("mute", media=False)
    made.ring("c1")
    effects = made.wait(90_000)
    assert [effect.misses for effect in only(effects, MissesTolerated)] == [3, 6]
    assert only(effects, MadeNotReady) == []
    assert made.offered_to("c1") == "kari"


def test_a_colleague_who_cannot_serve_the_rooms_own_queue_does_not_count() -> None:
    settings = PeopleConfig(misses=1)
    made = Desk(queue("113", skills={"emd": 3}), queue("116117"), people=settings)
    made.sit("kari", emd=5)
    made.sit("lars")
    made.ring("c1")
    assert only(made.wait(15_000), MissesTolerated) != []
    made.sit("ola", emd=3)
    made.reject("ola", "c1")
    assert made.offered_to("c1") == "kari"
    assert only(made.wait(15_000), MadeNotReady) != []


def test_a_colleague_in_an_evacuated_room_cannot_stand_in_for_whoever_misses() -> None:
    made = Desk(queue("113"), queue("b", "bergen"), people=PeopleConfig(misses=1))
    made.sit("eva", "bergen")
    made.borrow("l1", "oslo", "bergen", "eva")
    made.lend("l1", "eva")
    made.send(RoomStateSet(made.now_ms, RoomId("bergen"), RoomState.EVACUATED, OperatorId("lead"), "fire"))
    made.sit("kari")
    made.ring("c1")
    effects = made.wait(15_000)
    assert [effect.operator for effect in only(effects, MissesTolerated)] == ["kari"]
    assert only(effects, MadeNotReady) == []


def test_whoever_is_lent_away_stands_in_for_nobody_at_home() -> None:
    made = Desk(queue("113", "oslo", "bergen", own_room_ms=60_000), people=PeopleConfig(misses=1))
    made.sit("ola")
    made.sit("kari")
    made.borrow("l1", "bergen", "oslo", "ola")
    made.lend("l1", "ola", own_emergencies=False)
    made.ring("c1")
    assert [effect.operator for effect in only(made.wait(15_000), MissesTolerated)] == ["kari"]


def test_signs_of_life_begin_the_count_anew() -> None:
    made = desk(misses=2)
    made.sit("ola", at="p2")
    made.ring("busy")
    made.talk("ola", "busy")
    made.sit("kari", at="p1")
    made.ring("c1")
    signs: tuple[Callable[[], object], ...] = (
        lambda: made.reject("kari", "c1"),
        lambda: made.says("kari", Activity.AVAILABLE),
        lambda: made.sit("kari", at="p1"),
    )
    for sign in signs:
        assert only(made.wait(15_000), MadeNotReady) == []
        sign()
        assert made.operator("kari").duty.misses_in_row == 0
    made.wait(15_000)
    made.talk("kari", "c1")
    assert made.operator("kari").duty.misses_in_row == 0


def test_who_waits_for_somebody_whom_misses_make_not_ready_waits_for_all() -> None:
    made = Desk(
        queue("113", "oslo"),
        queue("116117", klass=ContactClass.NORMAL, wrap_up_ms=0, workflow=(Step(strategy=Strategy.STICKY),)),
        people=PeopleConfig(misses=1),
        national=RoomsConfig(recheck_ms=60_000),
    )
    made.sit("kari")
    made.ring("c1", "116117", "+47900")
    made.talk("kari", "c1")
    made.hang_up("kari", "c1")
    made.ring("e1")
    made.sit("ola")
    made.ring("c2", "116117", "+47900")
    assert made.offered_to("c2") is None, "Ola is idle; the caller talked with Kari, at whom an emergency rings"
    made.wait(15_000)
    assert made.operator("kari").reason == MISSED
    assert made.core.state.contacts[ContactId("c2")].named is None


def test_without_the_setting_misses_are_only_counted() -> None:
    made = desk()
    made.sit("kari")
    made.sit("ola")
    made.ring("c1")
    made.wait(600_000)
    assert made.operator("kari").activity is Activity.AVAILABLE
    assert made.operator("kari").missed > 10


# --- a shift lead's word ----------------------------------------------------------------------------------------------


def test_forced_ready_ends_break_and_paper_work() -> None:
    made = wrapping_up()
    made.ring("c2")
    made.says("kari", Activity.BREAK, "meal")
    effects = made.force("kari", ForcedTo.READY, note="many wait")
    (forced,) = only(effects, Forced)
    assert (forced.by, forced.to, forced.note, forced.waits) == ("lead", ForcedTo.READY, "many wait", False)
    assert offers_in(effects) == [("c2", "kari", 1)]


def test_forced_not_ready_in_a_call_holds_after_it() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.ring("c1")
    made.talk("kari", "c1")
    effects = made.force("kari", ForcedTo.NOT_READY, reason="training")
    assert made.contact("c1").state is ContactState.CONNECTED
    assert [type(effect).__name__ for effect in effects] == ["Forced", "OperatorChanged"]
    made.hang_up("kari", "c1")
    made.done("kari")
    made.ring("c2")
    assert made.offered_to("c2") is None
    view = made.operator("kari")
    assert view.duty.forced is not None
    assert (view.reason, view.duty.forced.by) == ("training", "lead")
    made.says("kari", Activity.AVAILABLE)
    assert made.operator("kari").duty.forced is None, "their own word counts again"


def test_forced_not_ready_while_it_rings_asks_the_next() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.sit("ola", at="p2")
    made.ring("c1")
    effects = made.force("kari", ForcedTo.NOT_READY, reason="meal")
    assert only(effects, WithdrawOffer)[0].reason == "activity"
    assert offers_in(effects) == [("c1", "ola", 2)]


def test_a_forced_sign_out_waits_for_the_call_and_its_paper_work() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.ring("c1")
    made.talk("kari", "c1")
    (forced,) = only(made.force("kari", ForcedTo.SIGNED_OUT, reason="training"), Forced)
    assert forced.waits
    made.hang_up("kari", "c1")
    made.ring("c2")
    assert made.operator("kari").state is OperatorState.WRAP_UP
    effects = made.wait(10_000)
    assert only(effects, PositionLeft) == [PositionLeft("p1", "kari", "forced")]  # type: ignore[arg-type]
    assert offers_in(effects) == []
    assert made.core.operators() == ()


def test_the_operators_own_word_does_not_undo_a_sign_out_but_the_leads_does() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.ring("c1")
    made.talk("kari", "c1")
    made.force("kari", ForcedTo.SIGNED_OUT)
    made.says("kari", Activity.AVAILABLE)
    assert made.operator("kari").duty.leaving
    made.force("kari", ForcedTo.READY)
    assert not made.operator("kari").duty.leaving
    made.hang_up("kari", "c1")
    made.wait(60_000)
    assert made.operator("kari").state is OperatorState.IDLE


def test_a_free_operator_is_signed_out_at_once_and_the_offer_goes_on() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.sit("ola", at="p2")
    made.ring("c1")
    effects = made.force("kari", ForcedTo.SIGNED_OUT)
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert only(effects, PositionLeft) == [PositionLeft("p1", "kari", "forced")]  # type: ignore[arg-type]
    made.sit("kari", at="p1")
    assert made.operator("kari").duty.forced is None


def test_a_call_whose_operator_leaves_by_losing_audio_is_not_lost() -> None:
    made = desk()
    made.sit("kari", at="p1")
    made.sit("ola", at="p2", ready=False)
    made.ring("c1")
    made.talk("kari", "c1")
    made.force("kari", ForcedTo.SIGNED_OUT)
    made.media("p1", False)
    made.wait(5_000)
    assert made.line() == ["c1"]
    assert [view.operator for view in made.core.operators()] == ["ola"]


def test_nobody_is_forced_who_is_not_there_or_for_no_known_reason() -> None:
    made = desk()
    assert refused(made.force("kari", ForcedTo.READY)) == ["unknown-operator"]
    made.sit("kari")
    assert refused(made.force("kari", ForcedTo.NOT_READY, reason="yachting")) == ["unknown-reason"]


def test_a_snapshot_in_the_middle_of_it_all_goes_on() -> None:
    made = wrapping_up(misses=2)
    made.needs_more("kari", 5_000)
    made.force("kari", ForcedTo.SIGNED_OUT)
    made.core = RoutingCore.restore(made.core.snapshot())
    assert made.operator("kari").duty.extensions == 1
    made.wait(15_000)
    assert made.core.operators() == ()
    assert made.core.state.by_room.get(RoomId("oslo")) is None


def test_whoever_says_again_that_they_are_ready_is_seen_to_have_missed_nothing_in_a_row() -> None:
    """The same word changes no activity; the count it begins anew is shown, so readers are told."""
    room = Desk()
    room.sit("ada")
    room.ring("c1")
    room.wait(20_000)
    assert room.operator("ada").duty.misses_in_row == 1
    effects = room.says("ada", Activity.AVAILABLE)
    assert room.operator("ada").duty.misses_in_row == 0
    assert [type(effect).__name__ for effect in effects] == ["OperatorChanged"]
