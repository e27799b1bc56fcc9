"""What a call sounds like, from what is said of it."""

from dataclasses import replace

import pytest

from kak_server.bridges.contact_plan import caller_leg, contact_of_recording, contact_plan, group_leg, seat_leg
from kak_server.bridges.line import Line, Patch, Video
from kak_server.media import rpc
from kak_server.media.plan import Plan
from kak_server.model.ids import CallId, ContactId, Gssi, LegId, OperatorId, PositionId, QueueId
from kak_server.sip.api import CallerIdentity

CONTACT, GROUP, SEAT = ContactId("c1"), Gssi(24_201), PositionId("oslo-1")
CALLER, RADIO = str(caller_leg(CONTACT)), str(group_leg(GROUP))
HEADSET = f"{seat_leg(SEAT)}/headset"
LINE = Line(
    CONTACT,
    CallId("call1"),
    "lab",
    "113",
    QueueId("113-oslo"),
    CallerIdentity("+4799999999"),
    rpc.CreateRtp(caller_leg(CONTACT), 30_000, 1, 2, 3, 4),
    "v=0",
    1_000,
    answered=True,
    waiting="arrived",
)
PATCHED = replace(LINE, patch=Patch("p-0123456789", GROUP, OperatorId("kari"), "active"))
FOLDER = "1970-01-01/00"  # of the hour the caller came


def plan_of(
    line: Line, position: PositionId | None = SEAT, held: bool = False, on_radio: bool = False, incarnation: int = 1
) -> Plan:
    return contact_plan(line, position=position, epoch=3, held=held, on_radio=on_radio, incarnation=incarnation)


def edges(plan: Plan) -> set[tuple[str, str]]:
    return {(edge.source, edge.sink) for mix in plan.mixes.values() for edge in mix}


def test_a_call_that_rings_has_a_leg_and_nothing_else() -> None:
    plan = plan_of(replace(LINE, answered=False), position=None)
    assert set(plan.legs) == {caller_leg(CONTACT)}
    assert (plan.plays, plan.mixes, plan.recordings, plan.watched) == ({}, {}, {}, frozenset())


@pytest.mark.parametrize(
    ("waiting", "prompt"),
    [("arrived", "queue-welcome"), ("requeued", "please-hold"), ("transferred", "please-hold")],
)
def test_an_answered_caller_who_waits_hears_why_and_is_recorded(waiting: str, prompt: str) -> None:
    plan = plan_of(replace(LINE, waiting=waiting), position=None)
    (play,) = plan.plays.values()
    assert (play.source, play.sink, play.loop) == (f"prompt:{prompt}", CALLER, True)
    assert [record.label for record in plan.recordings.values()] == ["caller"]
    assert plan.mixes == {}


def test_a_connected_call_joins_both_ways_and_records_both() -> None:
    plan = plan_of(LINE)
    assert edges(plan) == {(CALLER, HEADSET), (str(seat_leg(SEAT)), CALLER)}
    assert plan.plays == {}
    assert {(r.label, r.source, r.path) for r in plan.recordings.values()} == {
        ("caller", CALLER, f"{FOLDER}/c1.caller.1.wav"),
        ("operator", str(seat_leg(SEAT)), f"{FOLDER}/c1.operator-3.1.wav"),
    }


def test_hold_parts_them_and_both_stay_recorded() -> None:
    plan = plan_of(PATCHED, held=True)
    assert plan.mixes == {}
    assert [play.source for play in plan.plays.values()] == ["tone:hold"]
    assert {record.label for record in plan.recordings.values()} == {"caller", "operator", "radio"}
    assert plan.watched == frozenset()


def test_a_microphone_keyed_towards_the_radio_is_not_heard_by_the_caller() -> None:
    assert edges(plan_of(LINE, on_radio=True)) == {(CALLER, HEADSET)}
    assert not {(source, sink) for source, sink in edges(plan_of(PATCHED, on_radio=True)) if source == seat_leg(SEAT)}


def test_a_patch_joins_only_when_the_gateway_made_it() -> None:
    patch = PATCHED.patch
    assert patch is not None
    for state in ("requested", "removed", "refused"):
        line = replace(LINE, patch=replace(patch, state=state))
        assert edges(plan_of(line)) == edges(plan_of(LINE))
        assert plan_of(line).watched == frozenset()
    assert edges(plan_of(PATCHED)) - edges(plan_of(LINE)) == {
        (RADIO, CALLER),
        (RADIO, HEADSET),
        (CALLER, RADIO),
        (str(seat_leg(SEAT)), RADIO),
    }
    assert plan_of(PATCHED).watched == {caller_leg(CONTACT)}


def test_a_patched_call_that_lost_its_operator_is_off_the_air() -> None:
    plan = plan_of(PATCHED, position=None)
    assert plan.mixes == {}
    assert {record.label for record in plan.recordings.values()} == {"caller"}


def test_another_worker_writes_other_files() -> None:
    first, second = plan_of(PATCHED), plan_of(PATCHED, incarnation=2)
    assert not set(first.recordings) & set(second.recordings)
    assert not {r.path for r in first.recordings.values()} & {r.path for r in second.recordings.values()}


def test_another_seat_is_another_track() -> None:
    before, after = plan_of(LINE), plan_of(replace(LINE, moves=1), position=PositionId("oslo-2"))
    operators = [
        [(name, r.source) for name, r in plan.recordings.items() if r.label == "operator"] for plan in (before, after)
    ]
    assert operators == [[("c1.operator-3.1", "seat-oslo-1")], [("c1.operator-3-1.1", "seat-oslo-2")]]


def test_a_citizens_video_leg_is_no_stranger() -> None:
    line = replace(LINE, video=Video("token", 9))
    assert plan_of(line).browser_legs == {LegId("video-c1")}
    assert plan_of(LINE).browser_legs == frozenset()


def test_every_recording_names_its_contact() -> None:
    assert {contact_of_recording(str(name)) for name in plan_of(PATCHED).recordings} == {CONTACT}
