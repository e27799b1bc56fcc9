"""A track that the disk does not take: said, begun again, and what is missing in the ledger."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges import worker_events
from kak_server.bridges.names import contact_of_recording
from kak_server.bridges.outputs import Note, SalvageTrack, SetTimer, StoreGap, TellAll
from kak_server.bridges.taping import Taping, wait_ms
from kak_server.bridges.tapings import ANSWER_WITHIN_MS, STEADY_MS
from kak_server.media import rpc
from kak_server.model.codec import from_json, to_json
from kak_server.model.ids import ContactId, RecordingId
from tests.unit.bridges.test_recovery import after_restart, resume, sip_calls
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World, world

FULL = "OSError: [Errno 28] No space left on device"


@pytest.fixture
def w() -> World:
    made = world()
    made.talking()
    return made


def contact_of(w: World) -> ContactId:
    return next(iter(w.house.calls.lines))


def wanted(w: World) -> dict[str, rpc.StartRecord]:
    """What the worker is to write, by label."""
    return {order.label: order for order in w.house.ctx.desk.desired().recordings.values()}


def fails(w: World, order: rpc.StartRecord, stored_ms: int = 0) -> None:
    w.media(rpc.RecordFailed(order.recording, FULL, "full", w.now_ms, stored_ms))


def caller_fails(w: World, stored_ms: int = 1_000) -> rpc.StartRecord:
    order = wanted(w)["caller"]
    fails(w, order, stored_ms)
    return order


def key(w: World) -> str:
    return f"taping/{contact_of(w)}.caller"


def timer_of(w: World, name: str) -> int:
    return [o.at_ms for o in w.outputs if isinstance(o, SetTimer) and o.key == name][-1]


def due(w: World) -> None:
    w.now_ms = timer_of(w, key(w))
    w.timer(key(w))


def gaps(w: World) -> list[StoreGap]:
    return [o for o in w.outputs if isinstance(o, StoreGap)]


def closed(order: rpc.StartRecord) -> rpc.RecordClosed:
    return rpc.RecordClosed(order.recording, order.source, order.label, order.path, 0, 9, 9, 9, "00", 44, "alaw-8000")


def notices(w: World) -> list[tuple[str, Any]]:
    told = [o for o in w.outputs if isinstance(o, TellAll)]
    return [(o.name, o.data["id"]) for o in told if o.data["id"] == "recording-failed"]


def attached(w: World, boot: str, recordings: tuple[RecordingId, ...] = ()) -> None:
    w.house.worker_attached(rpc.Census(recordings=recordings, tells_begun=True), boot, w.now_ms)
    w.pump()


def test_the_card_says_at_once_that_it_records_no_more_and_why(w: World) -> None:
    assert w.call_card()["recording"]
    assert w.call_card()["recording_gap"] is None
    since_ms = w.now_ms
    caller_fails(w)
    told = w.told("call")[-1]
    assert not told["recording"]
    assert told["recording_gap"] == {"since_ms": since_ms, "code": "full", "labels": ["caller"]}
    w.pass_ms(500)
    fails(w, wanted(w)["operator"])
    assert w.call_card()["recording_gap"] == {"since_ms": since_ms, "code": "full", "labels": ["caller", "operator"]}
    assert notices(w) == [("notice", "recording-failed")]


def test_it_is_begun_again_in_a_new_file_and_the_gap_is_on_record(w: World) -> None:
    since_ms, first = w.now_ms, caller_fails(w)
    assert w.commands(rpc.StopRecord)[-1].recording == first.recording
    assert "caller" not in wanted(w)
    assert "operator" in wanted(w)
    w.media(closed(first))
    due(w)
    assert w.now_ms == since_ms + 5_000
    second = w.commands(rpc.StartRecord)[-1]
    assert second.recording == f"{contact_of(w)}.caller.1-2"
    assert second.path == first.path.replace(first.recording, second.recording)
    assert second.tell
    assert not w.call_card()["recording"], "nothing is on the disk yet"
    w.pass_ms(1_200)
    w.media(rpc.RecordBegun(second.recording, w.now_ms - 1_100))
    assert w.call_card()["recording"]
    (gap,) = gaps(w)
    assert (gap.from_ms, gap.to_ms, gap.label) == (since_ms, w.now_ms - 1_100, "caller")
    assert gap.reason == f"full: {FULL}"
    assert gap.contact == contact_of(w)
    assert notices(w) == [("notice", "recording-failed"), ("notice.cleared", "recording-failed")]
    assert "record_begun_again" in [o.name for o in w.outputs if isinstance(o, Note)]
    w.media(rpc.RecordBegun(second.recording, w.now_ms))  # told again
    assert len(gaps(w)) == 1


def test_attempts_go_on_further_and_further_apart(w: World) -> None:
    waits = []
    caller_fails(w)
    for _ in range(6):
        before_ms = w.now_ms
        due(w)
        waits.append(w.now_ms - before_ms)
        w.pass_ms(1_000)
        caller_fails(w, 0)
    assert waits == [5_000, 10_000, 10_000, 10_000, 10_000, 10_000], "it finds out for the others too"
    assert [wait_ms(n) for n in (0, 1, 2, 3, 99)] == [5_000, 10_000, 20_000, 30_000, 30_000]
    names = [order.recording for order in w.commands(rpc.StartRecord)]
    assert len(names) == len(set(names)), "a name comes once"
    assert not gaps(w), "it is one gap still"


def test_one_finds_out_for_all_and_the_others_are_seldom_tried(w: World) -> None:
    caller_fails(w)
    operator = f"taping/{contact_of(w)}.operator-1"
    fails(w, wanted(w)["operator"])
    assert list(w.house.ctx.tapings.lost) == [key(w), operator]
    waits = []
    for _ in range(5):
        before_ms = w.now_ms
        w.now_ms = timer_of(w, operator)
        waits.append(w.now_ms - before_ms)
        w.timer(operator)
        fails(w, wanted(w)["operator"])
    assert waits == [5_000, 10_000, 20_000, 30_000, 30_000]
    w.timer(key(w))
    w.media(rpc.RecordBegun(wanted(w)["caller"].recording, w.now_ms))
    assert timer_of(w, operator) == w.now_ms, "where one records the others are tried at once"
    w.timer(operator)
    fails(w, wanted(w)["operator"])
    assert timer_of(w, operator) == w.now_ms + 10_000, "it is the first one now"


def test_a_worker_that_says_nothing_of_an_attempt_is_not_believed(w: World) -> None:
    caller_fails(w)
    due(w)
    assert timer_of(w, key(w)) == w.now_ms + ANSWER_WITHIN_MS
    silent = wanted(w)["caller"]
    due(w)
    assert w.commands(rpc.StopRecord)[-1].recording == silent.recording
    w.media(rpc.RecordBegun(silent.recording, w.now_ms))  # too late: it has been stopped
    assert not w.call_card()["recording"]
    due(w)
    assert wanted(w)["caller"].recording not in (silent.recording, "")


def test_a_file_that_did_not_last_makes_the_next_attempt_wait_longer(w: World) -> None:
    caller_fails(w)
    due(w)
    w.media(rpc.RecordBegun(wanted(w)["caller"].recording, w.now_ms))
    w.pass_ms(2_000)
    caller_fails(w)
    assert timer_of(w, key(w)) == w.now_ms + 10_000
    due(w)
    w.media(rpc.RecordBegun(wanted(w)["caller"].recording, w.now_ms))
    w.pass_ms(STEADY_MS)
    caller_fails(w)
    assert timer_of(w, key(w)) == w.now_ms + 5_000
    assert len(gaps(w)) == 2


def test_where_one_records_again_the_others_are_tried_at_once(w: World) -> None:
    caller_fails(w)
    for _ in range(3):
        due(w)
        caller_fails(w, 0)
    operators = wanted(w)["operator"]
    fails(w, operators)
    other = key(w).replace("caller", operators.recording.split(".")[1])
    w.now_ms = timer_of(w, other)
    w.timer(other)
    w.media(rpc.RecordBegun(wanted(w)["operator"].recording, w.now_ms))
    assert timer_of(w, key(w)) == w.now_ms


def test_a_call_that_comes_while_others_fail_is_not_said_to_record_before_it_does(w: World) -> None:
    caller_fails(w)
    w.pass_ms(1_000)
    w.sit(OLA, SEAT_2)
    second = w.ring("call2", "113", caller="+4799999998")
    w.answer(second, OLA, SEAT_2)
    gap = w.call_card(OLA, SEAT_2)["recording_gap"]
    assert gap == {"since_ms": w.now_ms, "code": "full", "labels": ["caller", "operator"]}
    orders = [o for o in w.house.ctx.desk.desired().recordings.values() if contact_of_recording(o.recording) == second]
    assert [order.tell for order in orders] == [True, True]
    assert [order.recording.rsplit(".", 1)[1] for order in orders] == ["1", "1"], "nothing has failed there"
    w.pass_ms(1_100)
    for order in orders:
        w.media(rpc.RecordBegun(order.recording, w.now_ms - 1_090))
    assert w.call_card(OLA, SEAT_2)["recording"]
    assert not gaps(w), "nothing of it is missing"
    assert list(w.house.ctx.tapings.lost) == [key(w)]


def test_one_that_was_not_believed_and_fails_indeed_is_missing_from_where_it_was_lost(w: World) -> None:
    caller_fails(w)
    w.sit(OLA, SEAT_2)
    second = w.ring("call2", "113", caller="+4799999998")
    w.answer(second, OLA, SEAT_2)
    w.pass_ms(1_000)
    order = next(o for o in w.house.ctx.desk.desired().recordings.values() if o.source == f"caller-{second}")
    w.media(rpc.RecordFailed(order.recording, FULL, "full", w.now_ms - 200, 800))
    assert timer_of(w, f"taping/{second}.caller") == w.now_ms + 5_000
    w.pass_ms(3_000)
    w.do("contact.hangup", {"contact": second}, OLA, SEAT_2)
    (gap,) = gaps(w)
    assert (gap.label, gap.to_ms - gap.from_ms) == ("caller", 3_200)


def test_a_restart_while_others_fail_leaves_those_alone_that_record(w: World) -> None:
    caller_fails(w)
    again = after_restart(w)
    resume(again, sip_calls(w))
    held = tuple(order.recording for order in wanted(w).values())
    again.house.worker_attached(rpc.Census(recordings=held), "boot-1", again.now_ms)
    again.pump()
    assert list(again.house.ctx.tapings.lost) == [key(again)]
    assert wanted(again)["operator"] == wanted(w)["operator"]


def test_an_order_that_is_refused_is_a_track_that_failed(w: World) -> None:
    order = wanted(w)["caller"]
    worker_events.record_refused(w.house, order, "limit", "4096 recordings are running", w.now_ms)
    w.pump()
    assert w.call_card()["recording_gap"]["code"] == "refused"
    due(w)
    assert wanted(w)["caller"].recording != order.recording


def test_what_is_missing_ends_with_the_call_and_is_forgotten_with_it(w: World) -> None:
    since_ms = w.now_ms
    caller_fails(w)
    w.pass_ms(7_000)
    w.do("contact.hangup", {"contact": contact_of(w)})
    (gap,) = gaps(w)
    assert (gap.from_ms, gap.to_ms) == (since_ms, since_ms + 7_000)
    assert not [name for name in w.records if name.startswith("taping/")]
    assert not w.house.ctx.tapings.of
    assert not w.house.ctx.tapings.lost
    assert notices(w)[-1] == ("notice.cleared", "recording-failed")


def test_what_is_missing_of_an_operator_ends_when_they_leave(w: World) -> None:
    fails(w, wanted(w)["operator"])
    w.pass_ms(3_000)
    w.do("contact.park", {"contact": contact_of(w)})
    (gap,) = gaps(w)
    assert (gap.label, gap.to_ms - gap.from_ms) == ("operator", 3_000)
    assert not w.house.ctx.tapings.lost


def test_the_last_second_of_a_call_that_finds_no_room_is_on_record(w: World) -> None:
    order = wanted(w)["caller"]
    w.do("contact.hangup", {"contact": contact_of(w)})
    w.pass_ms(300)
    w.media(rpc.RecordFailed(order.recording, FULL, "full", w.now_ms - 1_300, 4_000, w.now_ms - 300))
    (gap,) = gaps(w)
    assert (gap.to_ms - gap.from_ms, gap.to_ms) == (1_000, w.now_ms - 300)
    assert f"track/{order.recording}" in w.records, "until the worker has closed what there is"
    w.media(closed(order))
    assert f"track/{order.recording}" not in w.records


def test_what_the_worker_lets_go_of_is_salvaged_to_where_it_was_lost(w: World) -> None:
    order = wanted(w)["caller"]
    w.pass_ms(8_000)
    lost_ms = w.now_ms - 2_000
    w.media(rpc.RecordFailed(order.recording, FULL, "full", lost_ms, -1))
    (salvaged,) = [o for o in w.outputs if isinstance(o, SalvageTrack)]
    assert (salvaged.recording.recording, salvaged.ended_at_ms) == (order.recording, lost_ms)


def test_one_that_failed_and_whose_worker_died_before_it_was_closed_ends_where_it_was_lost(w: World) -> None:
    lost_ms, order = w.now_ms, caller_fails(w)
    w.pass_ms(60_000)
    w.house.worker_lost("killed", w.now_ms)
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    salvaged = {o.recording.recording: o.ended_at_ms for o in w.outputs if isinstance(o, SalvageTrack)}
    assert salvaged[order.recording] == lost_ms


def test_a_new_worker_tries_at_once(w: World) -> None:
    since_ms, _ = w.now_ms, caller_fails(w)
    w.house.worker_lost("killed", w.now_ms)
    lost_ms = w.now_ms
    w.pass_ms(1_000)
    attached(w, "boot-2")
    order = wanted(w)["caller"]
    assert order in w.commands(rpc.StartRecord)
    assert (order.recording, order.tell) == (f"{contact_of(w)}.caller.2-2", True)
    assert not w.call_card()["recording"]
    w.media(rpc.RecordBegun(order.recording, w.now_ms))
    assert w.call_card()["recording_gap"]["labels"] == ["operator"], "this worker has said nothing of that one yet"
    w.media(rpc.RecordBegun(wanted(w)["operator"].recording, w.now_ms))
    assert w.call_card()["recording"]
    assert [(gap.from_ms, gap.to_ms) for gap in gaps(w)] == [(since_ms, w.now_ms), (lost_ms, w.now_ms)]


def test_without_a_worker_it_waits_for_one(w: World) -> None:
    caller_fails(w)
    w.house.worker_lost("socket", w.now_ms)
    before = len(w.commands(rpc.StartRecord))
    for _ in range(3):
        due(w)
    assert len(w.commands(rpc.StartRecord)) == before
    assert timer_of(w, key(w)) > w.now_ms
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.pump()
    due(w)
    assert wanted(w)["caller"] in w.commands(rpc.StartRecord)


@pytest.mark.parametrize("trying", [False, True])
def test_it_outlives_control(w: World, trying: bool) -> None:
    since_ms, _ = w.now_ms, caller_fails(w)
    if trying:
        due(w)
    else:
        w.pass_ms(1_000)
    again = after_restart(w)
    assert not again.house.ctx.out, "restoring tells nobody anything"
    resume(again, sip_calls(w))
    assert timer_of(again, key(again)) == timer_of(w, key(w))
    assert notices(again) == [("notice", "recording-failed")]
    held = tuple(RecordingId(order.recording) for order in wanted(w).values())
    again.house.worker_attached(rpc.Census(recordings=held), "boot-1", again.now_ms)
    again.pump()
    asked = [order.recording for order in again.commands(rpc.StartRecord) if order.label == "caller"]
    assert asked == ([wanted(w)["caller"].recording] if trying else []), "what became of it is asked again"
    if not trying:
        due(again)
    again.media(rpc.RecordBegun(wanted(again)["caller"].recording, again.now_ms))
    (gap,) = gaps(again)
    assert gap.from_ms == since_ms
    assert again.house.views.call(again.house.ctx.core.contact(contact_of(again)))["recording"]  # type: ignore[arg-type]


def test_a_failure_that_control_did_not_live_to_hear_of_is_asked_for(w: World) -> None:
    orders = wanted(w)
    w.house.worker_lost("socket", w.now_ms)
    w.outputs.clear()
    held = tuple(order.recording for order in orders.values())
    w.house.worker_attached(rpc.Census(recordings=held, failed=(orders["caller"].recording,)), "boot-1", w.now_ms)
    w.pump()
    assert [order.recording for order in w.commands(rpc.StartRecord)] == [orders["caller"].recording]


def test_a_call_that_ended_while_control_was_away_leaves_its_gap(w: World) -> None:
    caller_fails(w)
    again = after_restart(w)
    del again.records[f"line/{contact_of(w)}"]
    del again.house.calls.lines[contact_of(w)]
    again.pass_ms(4_000)
    resume(again, {})
    assert [gap.to_ms - gap.from_ms for gap in gaps(again)] == [4_000]
    assert not [name for name in again.records if name.startswith("taping/")]


def test_a_worker_of_before_says_less_and_is_understood(w: World) -> None:
    order = wanted(w)["caller"]
    w.media(from_json(rpc.RecordFailed, {"recording": order.recording, "reason": FULL}))
    assert w.call_card()["recording_gap"] == {"since_ms": w.now_ms, "code": "disk", "labels": ["caller"]}
    assert [o.recording for o in w.outputs if isinstance(o, SalvageTrack)] == [order]
    due(w)
    assert wanted(w)["caller"].recording != order.recording


def test_a_word_of_a_track_that_is_not_written_changes_nothing(w: World) -> None:
    stray = replace(wanted(w)["caller"], recording=RecordingId("c9.caller.1"))
    fails(w, stray)
    w.media(rpc.RecordBegun(stray.recording, w.now_ms))
    w.timer("taping/c9.caller")
    assert not w.house.ctx.tapings.of
    assert not gaps(w)
    assert w.call_card(KARI, SEAT_1)["recording"]


def test_old_records_are_read() -> None:
    old = {"contact": "c1", "track": "caller", "label": "caller", "source": "caller-c1"}
    assert to_json(from_json(Taping, old)) == to_json(Taping(ContactId("c1"), "caller", "caller", "caller-c1"))
