"""A track of which nobody knows whether it is stored: no worker answers, or nothing shows that the disk works."""

from typing import Any

import pytest

from kak_server.bridges.house import House
from kak_server.bridges.outputs import CancelTimer, Note, SalvageTrack, SetTimer, StoreGap, TellAll
from kak_server.bridges.taping import FIRST_WAIT_MS
from kak_server.bridges.tapings import ANSWER_WITHIN_MS, NO_WORKER_AFTER_MS, PROOF_MS
from kak_server.media import rpc
from kak_server.model.ids import ContactId, RecordingId
from kak_server.routing.step import RoutingCore
from tests.unit.bridges.test_recovery import after_restart, resume, sip_calls
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, CountingIds, World, settings

FULL = "OSError: [Errno 28] No space left on device"


@pytest.fixture
def w() -> World:
    """A worker of today, and nothing recorded yet."""
    made = World(House(settings(), RoutingCore(), CountingIds()))
    made.configure()
    attach(made, "boot-1")
    return made


def attach(w: World, boot: str, *held: str, **more: Any) -> None:
    recordings = tuple(RecordingId(name) for name in held)
    w.house.worker_attached(rpc.Census(recordings=recordings, **{"tells_begun": True, **more}), boot, w.now_ms)
    w.pump()


def lose(w: World) -> None:
    w.house.worker_lost("killed", w.now_ms)
    w.pump()


def orders(w: World) -> dict[str, rpc.StartRecord]:
    """What is to be written, by label."""
    return {order.label: order for order in w.house.ctx.desk.desired().recordings.values()}


def names(w: World) -> list[str]:
    return [order.recording for order in orders(w).values()]


def begin(w: World) -> None:
    """The worker has the first of everything in its files."""
    for name in names(w):
        w.media(rpc.RecordBegun(RecordingId(name), w.now_ms))


def talking(w: World) -> ContactId:
    contact = w.talking()
    begin(w)
    assert w.call_card()["recording"]
    w.pass_ms(10_000)
    return contact


def gaps(w: World) -> list[tuple[str, int, int, str]]:
    told = [o for o in w.outputs if isinstance(o, StoreGap)]
    return [(o.label, o.from_ms, o.to_ms, o.reason.partition(":")[0]) for o in told]


def failing_notices(w: World) -> list[str]:
    return [o.name for o in w.outputs if isinstance(o, TellAll) and o.data["id"] == "recording-failed"]


# --- the worker is away -----------------------------------------------------------------------------------------------


def test_a_card_does_not_say_that_it_records_while_no_worker_answers(w: World) -> None:
    talking(w)
    lose(w)
    gap = {"since_ms": w.now_ms, "code": "away", "labels": ["caller", "operator"]}
    told = w.told("call")[-1]
    assert (told["recording"], told["recording_gap"]) == (False, gap)
    assert failing_notices(w) == [], "that the media service is away stands on every console"
    w.timer(f"taping/{next(iter(w.house.calls.lines))}.caller")
    assert w.call_card()["recording_gap"] == gap, "nobody can be asked"


def test_what_a_worker_that_died_did_not_record_is_on_record(w: World) -> None:
    contact = talking(w)
    before, lost_ms = names(w), w.now_ms
    lose(w)
    w.pass_ms(2_500)
    attach(w, "boot-2")
    salvaged = [(o.recording.recording, o.ended_at_ms) for o in w.outputs if isinstance(o, SalvageTrack)]
    assert salvaged == [(name, lost_ms) for name in before], "what it lived to see, and no more"
    assert not w.call_card()["recording"], "ordered, and not known to be on the disk"
    ordered = [order.recording for order in w.commands(rpc.StartRecord)[-2:]]
    assert ordered == [f"{contact}.caller.2", f"{contact}.operator-1.2"]
    w.pass_ms(1_100)
    for name in names(w):
        w.media(rpc.RecordBegun(RecordingId(name), w.now_ms - 1_000))
    assert w.call_card()["recording"]
    until_ms = w.now_ms - 1_000
    assert gaps(w) == [("caller", lost_ms, until_ms, "away"), ("operator", lost_ms, until_ms, "away")]


def test_a_worker_that_was_there_all_along_has_gone_on_recording(w: World) -> None:
    talking(w)
    held = names(w)
    lose(w)
    w.pass_ms(3_000)
    before = len(w.commands(rpc.StartRecord))
    attach(w, "boot-1", *held)
    assert w.told("call")[-1]["recording"]
    assert len(w.commands(rpc.StartRecord)) == before
    assert not gaps(w)
    assert not w.house.ctx.tapings.doubted


def test_what_broke_off_while_nobody_listened_is_missing_from_where_it_was_lost(w: World) -> None:
    talking(w)
    held, caller = names(w), orders(w)["caller"].recording
    lose(w)
    w.pass_ms(3_000)
    attach(w, "boot-1", *held, failed=(caller,))
    lost_ms = w.now_ms - 1_000
    w.media(rpc.RecordFailed(caller, FULL, "full", lost_ms, 5_000))
    assert w.call_card()["recording_gap"] == {"since_ms": lost_ms, "code": "full", "labels": ["caller"]}
    assert failing_notices(w) == ["notice"]


@pytest.mark.parametrize("tells_begun", [True, False], ids=["today", "a worker of before"])
def test_a_call_that_is_answered_while_the_worker_is_away_is_missing_until_it_is_recorded(
    w: World, tells_begun: bool
) -> None:
    w.sit()
    contact = w.ring()
    lose(w)
    w.answer(contact)
    assert w.call_card()["recording_gap"] == {"since_ms": w.now_ms, "code": "away", "labels": ["caller", "operator"]}
    since_ms = w.now_ms
    w.pass_ms(4_000)
    attach(w, "boot-1", tells_begun=tells_begun)
    if tells_begun:
        assert not w.call_card()["recording"]
        begin(w)
    assert w.call_card()["recording"]
    assert gaps(w) == [("caller", since_ms, w.now_ms, "away"), ("operator", since_ms, w.now_ms, "away")]


def test_control_that_comes_back_while_the_worker_is_away_knows_since_when(w: World) -> None:
    talking(w)
    lost_ms = w.now_ms
    lose(w)
    w.pass_ms(1_000)
    again = after_restart(w)
    resume(again, sip_calls(w))
    again.pass_ms(1_000)
    attach(again, "boot-2")
    begin(again)
    assert {row[1:] for row in gaps(again)} == {(lost_ms, again.now_ms, "away")}
    assert {o.ended_at_ms for o in again.outputs if isinstance(o, SalvageTrack)} == {lost_ms}


def test_a_worker_that_is_lost_again_before_it_told_of_a_file_leaves_no_time_unaccounted_for(w: World) -> None:
    talking(w)
    lost_ms = w.now_ms
    lose(w)
    w.pass_ms(1_000)
    attach(w, "boot-2")
    ordered_ms, second = w.now_ms, names(w)
    w.pass_ms(500)
    lose(w)
    lost_again_ms = w.now_ms
    w.pass_ms(1_000)
    attach(w, "boot-3")
    begin(w)
    salvaged = {
        o.recording.recording: (o.started_at_ms, o.ended_at_ms) for o in w.outputs if isinstance(o, SalvageTrack)
    }
    assert {salvaged[RecordingId(name)] for name in second} == {(ordered_ms, lost_again_ms)}
    callers = [row[1:3] for row in gaps(w) if row[0] == "caller"]
    assert callers == [(lost_ms, ordered_ms), (lost_again_ms, w.now_ms)], "with the second file, all of it"


# --- control comes back, and nobody knows of a worker -----------------------------------------------------------------


def restarted(w: World, after_ms: int = 1_000) -> World:
    """Control died while the worker went on."""
    w.pass_ms(after_ms)
    again = after_restart(w)
    resume(again, sip_calls(w))
    return again


def nobody_comes(w: World) -> None:
    w.pass_ms(NO_WORKER_AFTER_MS)
    w.timer("worker/away")


def test_a_card_says_that_it_records_no_more_when_no_worker_answers_after_a_restart(w: World) -> None:
    talking(w)
    again = restarted(w)
    since_ms = again.now_ms
    assert SetTimer("worker/away", since_ms + NO_WORKER_AFTER_MS) in again.outputs
    assert again.call_card()["recording"], "it may well be, and a worker that is there answers at once"
    nobody_comes(again)
    gap = {"since_ms": since_ms, "code": "away", "labels": ["caller", "operator"]}
    told = again.told("call")[-1]
    assert (told["recording"], told["recording_gap"]) == (False, gap)
    assert [o.data["id"] for o in again.outputs if isinstance(o, TellAll) and o.name == "notice"] == ["media-lost"]
    assert ("media_worker_missing", "error") in [(o.name, o.level) for o in again.outputs if isinstance(o, Note)]


def test_the_cards_do_not_waver_while_a_worker_answers_within_its_time(w: World) -> None:
    talking(w)
    held = names(w)
    again = restarted(w)
    again.pass_ms(NO_WORKER_AFTER_MS - 1)
    attach(again, "boot-1", *held)
    assert CancelTimer("worker/away") in again.outputs
    again.timer("worker/away")
    assert all(card["recording"] for card in again.told("call"))
    assert not gaps(again)
    assert not again.house.ctx.tapings.doubted


def test_a_worker_that_comes_late_and_has_recorded_all_along_leaves_no_gap(w: World) -> None:
    talking(w)
    held = names(w)
    again = restarted(w)
    nobody_comes(again)
    again.pass_ms(20_000)
    attach(again, "boot-1", *held)
    assert again.told("call")[-1]["recording"]
    assert not gaps(again)
    assert not again.commands(rpc.StartRecord)
    assert ("notice.cleared", "media-lost") in [(o.name, o.data["id"]) for o in again.outputs if isinstance(o, TellAll)]


def test_a_new_worker_that_comes_late_leaves_a_gap_from_when_control_came_back(w: World) -> None:
    talking(w)
    again = restarted(w)
    since_ms = again.now_ms
    nobody_comes(again)
    again.pass_ms(20_000)
    attach(again, "boot-2")
    assert not again.call_card()["recording"], "ordered, and not known to be on the disk"
    again.pass_ms(1_000)
    begin(again)
    assert again.call_card()["recording"]
    assert gaps(again) == [("caller", since_ms, again.now_ms, "away"), ("operator", since_ms, again.now_ms, "away")]
    assert {o.ended_at_ms for o in again.outputs if isinstance(o, SalvageTrack)} == {since_ms}


def test_control_that_comes_back_twice_without_a_worker_knows_since_when(w: World) -> None:
    talking(w)
    again = restarted(w)
    since_ms = again.now_ms
    nobody_comes(again)
    third = restarted(again)
    assert not third.call_card()["recording"], "that nobody records is not forgotten"
    nobody_comes(third)
    assert third.call_card()["recording_gap"]["since_ms"] == since_ms
    third.pass_ms(1_000)
    attach(third, "boot-2")
    begin(third)
    assert {row[1:] for row in gaps(third)} == {(since_ms, third.now_ms, "away")}
    assert {o.ended_at_ms for o in third.outputs if isinstance(o, SalvageTrack)} == {since_ms}


# --- does the disk take anything? -------------------------------------------------------------------------------------


def test_a_call_is_not_said_to_record_before_the_worker_has_said_so(w: World) -> None:
    """Nothing shows whether the disk works: it may have filled since the last call."""
    w.talking()
    card = w.call_card()
    assert (card["recording"], card["recording_gap"]) == (False, None)
    assert all(order.tell for order in orders(w).values())
    w.pass_ms(1_100)
    begin(w)
    assert w.told("call")[-1]["recording"]
    assert not gaps(w), "nothing of it is missing"
    assert failing_notices(w) == []
    assert "record_begun_again" not in [o.name for o in w.outputs if isinstance(o, Note)]


def test_on_a_disk_that_has_just_filled_it_never_says_that_it_records(w: World) -> None:
    w.talking()
    since_ms = w.now_ms
    w.pass_ms(1_100)
    for name in names(w):
        w.media(rpc.RecordFailed(RecordingId(name), FULL, "full", since_ms, 0))
    assert not any(card["recording"] for card in w.told("call"))
    assert w.call_card()["recording_gap"] == {"since_ms": since_ms, "code": "full", "labels": ["caller", "operator"]}


def test_a_disk_that_fills_soon_after_the_call_began_is_tried_as_soon_as_any(w: World) -> None:
    contact = w.talking()
    w.pass_ms(1_100)
    begin(w)
    w.pass_ms(500)
    caller = orders(w)["caller"].recording
    w.media(rpc.RecordFailed(caller, FULL, "full", w.now_ms, 1_000))
    assert w.house.ctx.tapings.of[contact]["caller"].due_ms == w.now_ms + FIRST_WAIT_MS


def test_one_that_nothing_is_said_of_is_given_up_and_begun_again(w: World) -> None:
    contact = w.talking()
    since_ms = w.now_ms
    w.pass_ms(ANSWER_WITHIN_MS)
    w.timer(f"taping/{contact}.caller")
    assert w.call_card()["recording_gap"] == {"since_ms": since_ms, "code": "slow", "labels": ["caller"]}
    w.pass_ms(10_000)
    w.timer(f"taping/{contact}.caller")
    begin(w)
    assert w.call_card()["recording"]
    assert gaps(w) == [("caller", since_ms, w.now_ms, "slow")]


def test_where_another_call_is_being_recorded_nothing_is_asked(w: World) -> None:
    """It costs a word more for each track, so only where nothing else shows that the disk works."""
    talking(w)
    w.sit(OLA, SEAT_2)
    second = w.ring("call2", "113", caller="+4799999998")
    w.answer(second, OLA, SEAT_2)
    assert w.call_card(OLA, SEAT_2)["recording"]
    mine = [o for o in w.house.ctx.desk.desired().recordings.values() if o.recording.startswith(second)]
    assert [order.tell for order in mine] == [False, False]


def test_a_file_that_was_complete_a_moment_ago_is_proof_for_a_while(w: World) -> None:
    talking(w)
    caller = orders(w)["caller"]
    w.do("contact.hangup", {"contact": next(iter(w.house.calls.lines))})
    w.do("wrapup.done", {})
    w.media(rpc.RecordClosed(caller.recording, "x", "caller", caller.path, 0, 9, 9, 9, "00", 44, "alaw-8000"))
    w.pass_ms(PROOF_MS - 1)
    w.talking("116117")
    assert w.call_card()["recording"]
    w.do("contact.hangup", {"contact": next(iter(w.house.calls.lines))})
    w.do("wrapup.done", {})
    w.pass_ms(1)
    assert w.answer(w.ring("call3", caller="+4799999997")).code == ""
    assert not w.call_card()["recording"]


def test_a_worker_of_before_is_not_asked_for_what_it_does_not_say() -> None:
    w = World(House(settings(), RoutingCore(), CountingIds()))
    w.configure()
    attach(w, "boot-1", tells_begun=False)
    w.talking()
    assert w.call_card(KARI, SEAT_1)["recording"]
    assert not any(order.tell for order in orders(w).values())
