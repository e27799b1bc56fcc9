"""Desired minus actual: the commands that take a worker from what it holds to what is planned."""

from dataclasses import replace

import pytest

from kak_server.media import rpc
from kak_server.media.plan import EMPTY, Desk, Plan, changes, from_census, merge
from kak_server.model.ids import LegId, MixId, RecordingId

LEG, OTHER, SEAT = LegId("caller-c1"), LegId("caller-c2"), LegId("seat-1")
CREATE = rpc.CreateRtp(LEG, 30_000, 1, 2, 3, 4, peer_host="127.0.0.1", peer_port=40_000)
HOLD = rpc.StartPlay("hold-c1", LEG, "tone:hold", loop=True)
RECORD = rpc.StartRecord(RecordingId("c1.caller.1"), LEG, "c1/caller.1.wav", "caller")
EDGES = (rpc.Edge(LEG, "seat-1/headset"), rpc.Edge(SEAT, LEG))
MIX = MixId("call-c1")
FULL = Plan(
    {LEG: CREATE}, frozenset({SEAT}), {MIX: EDGES}, {HOLD.play: HOLD}, {RECORD.recording: RECORD}, frozenset({LEG})
)


def census_of(plan: Plan) -> rpc.Census:
    """A worker that holds exactly this."""
    legs = [
        rpc.LegCensus(leg, "rtp", "waiting", create.port, create.peer_host, create.peer_port)
        for leg, create in plan.legs.items()
    ]
    legs += [rpc.LegCensus(leg, "operator", "up") for leg in plan.browser_legs]
    return rpc.Census(tuple(legs), plan.mixes, tuple(plan.plays), tuple(plan.recordings), (), tuple(plan.watched))


def test_from_nothing_everything_is_made_legs_first() -> None:
    assert changes(EMPTY, FULL) == [CREATE, rpc.SetMix(MIX, EDGES), HOLD, RECORD, rpc.WatchTalk(LEG, True)]


def test_to_nothing_everything_is_closed_legs_last() -> None:
    assert changes(FULL, EMPTY) == [
        rpc.StopPlay(HOLD.play),
        rpc.SetMix(MIX),
        rpc.StopRecord(RECORD.recording),
        rpc.WatchTalk(LEG, False),
        rpc.CloseLeg(LEG),
        rpc.CloseLeg(SEAT),
    ]


def test_what_stays_is_not_commanded_again() -> None:
    learned = replace(CREATE, peer_host="127.0.0.9", learned=True)
    assert changes(FULL, replace(FULL, legs={LEG: learned}, mixes={MIX: EDGES[::-1]})) == []


def test_a_changed_mix_is_set_whole_and_an_empty_one_was_never_there() -> None:
    assert changes(FULL, replace(FULL, mixes={MIX: EDGES[:1]})) == [rpc.SetMix(MIX, EDGES[:1])]
    assert changes(replace(FULL, mixes={}), replace(FULL, mixes={MIX: ()})) == []


def test_another_sound_under_the_same_name_is_stopped_before_it_starts() -> None:
    louder = replace(HOLD, gain=2.0)
    assert changes(FULL, replace(FULL, plays={HOLD.play: louder})) == [rpc.StopPlay(HOLD.play), louder]


def test_a_leg_on_another_port_is_closed_and_made_anew() -> None:
    moved = replace(CREATE, port=30_002)
    assert changes(FULL, replace(FULL, legs={LEG: moved})) == [rpc.CloseLeg(LEG), moved, HOLD], (
        "its plays ended with it"
    )


def test_a_leg_makes_way_before_its_port_is_bound_again() -> None:
    heir = replace(CREATE, leg=OTHER)
    assert changes(Plan({LEG: CREATE}), Plan({OTHER: heir})) == [rpc.CloseLeg(LEG), heir]


@pytest.mark.parametrize("to_phone", [True, False])
def test_another_kind_under_the_same_name_is_closed_first(to_phone: bool) -> None:
    browser, phone = Plan(browser_legs=frozenset({LEG})), Plan({LEG: CREATE})
    if to_phone:
        assert changes(browser, phone) == [rpc.CloseLeg(LEG), CREATE]
    else:
        assert changes(phone, browser) == [rpc.CloseLeg(LEG)]


def test_the_desk_says_only_what_changes_and_forgets_who_has_nothing() -> None:
    desk = Desk()
    assert desk.state("contact/c1", FULL) == changes(EMPTY, FULL)
    assert desk.state("contact/c1", FULL) == []
    assert desk.state("contact/c1", EMPTY) == changes(FULL, EMPTY)
    assert desk.plans == {}
    assert desk.state("contact/c1", EMPTY) == []


def test_a_learned_peer_is_kept_for_the_next_worker_without_a_command() -> None:
    desk = Desk()
    desk.state("contact/c1", FULL)
    learned = replace(CREATE, peer_host="127.0.0.9", learned=True)
    desk.learned("contact/c1", learned)
    desk.learned("contact/c1", replace(learned, leg=OTHER))
    desk.learned("nobody", learned)
    assert desk.reconcile(rpc.Census())[0] == learned
    assert desk.state("contact/c1", replace(FULL, legs={LEG: learned})) == []


def test_a_truthful_census_asks_for_nothing() -> None:
    desk = Desk()
    desk.state("contact/c1", FULL)
    assert desk.reconcile(census_of(FULL)) == []


def test_strangers_are_closed_and_what_is_missing_is_made() -> None:
    desk = Desk()
    desk.state("contact/c1", FULL)
    strange = Plan(
        {OTHER: replace(CREATE, leg=OTHER, port=30_010)},
        frozenset({LegId("seat-9")}),
        {MixId("call-c2"): EDGES},
        {"hold-c2": replace(HOLD, play="hold-c2")},
        {RecordingId("c2.caller.1"): replace(RECORD, recording=RecordingId("c2.caller.1"))},
        frozenset({OTHER}),
    )
    commands = desk.reconcile(census_of(strange))
    assert {type(command) for command in commands} == {
        rpc.CreateRtp,
        rpc.CloseLeg,
        rpc.SetMix,
        rpc.StartPlay,
        rpc.StopPlay,
        rpc.StartRecord,
        rpc.StopRecord,
        rpc.WatchTalk,
    }
    assert [c.leg for c in commands if isinstance(c, rpc.CloseLeg)] == [OTHER, LegId("seat-9")]
    assert [c for c in commands if isinstance(c, rpc.SetMix)] == [rpc.SetMix(MixId("call-c2")), rpc.SetMix(MIX, EDGES)]


def test_a_peer_that_moved_while_nobody_listened_is_pointed_to() -> None:
    desk = Desk()
    desk.state("contact/c1", replace(FULL, legs={LEG: replace(CREATE, peer_port=40_002)}))
    assert desk.reconcile(census_of(FULL)) == [rpc.modified(CREATE, "127.0.0.1", 40_002)]


def test_a_learned_peer_is_not_pointed_away_from() -> None:
    desk = Desk()
    desk.state("contact/c1", replace(FULL, legs={LEG: replace(CREATE, peer_port=40_002, learned=True)}))
    assert desk.reconcile(census_of(FULL)) == []


def test_a_leg_on_the_wrong_port_is_made_anew_after_the_census() -> None:
    desk = Desk()
    desk.state("contact/c1", replace(FULL, legs={LEG: replace(CREATE, port=30_002)}))
    commands = desk.reconcile(census_of(FULL))
    assert commands == [rpc.CloseLeg(LEG), replace(CREATE, port=30_002), HOLD]


def test_another_stream_under_the_same_name_and_port_is_made_anew() -> None:
    """Control died in the middle of a replacement, and the new leg was given the port of the one it replaces."""
    desk = Desk()
    create = replace(CREATE, ssrc=7)
    desk.state("contact/c1", Plan(legs={LEG: create}))
    for ssrc, wanted in ((8, [rpc.CloseLeg(LEG), create]), (7, []), (0, [])):
        held = rpc.LegCensus(LEG, "rtp", "waiting", create.port, create.peer_host, create.peer_port, ssrc=ssrc)
        assert desk.reconcile(rpc.Census((held,))) == wanted


def test_what_others_play_into_a_leg_that_is_closed_is_started_again() -> None:
    """An operator changes from the browser to a telephone while the number dialled rings."""
    desk = Desk()
    seat = rpc.CreateRtp(SEAT, 30_010, 1, 2, 3, 4)
    ring = rpc.StartPlay("ring-c1", f"{SEAT}/headset", "tone:ringback", loop=True)
    desk.state("seat/1", Plan(browser_legs=frozenset({SEAT})))
    desk.state("contact/c1", Plan(plays={ring.play: ring}))
    assert desk.state("seat/1", EMPTY) == [rpc.CloseLeg(SEAT), ring]
    assert desk.state("seat/1", Plan(legs={SEAT: seat})) == [seat]


def test_plans_add_up() -> None:
    two = replace(FULL, legs={OTHER: replace(CREATE, leg=OTHER)}, mixes={}, plays={}, recordings={})
    both = merge([FULL, two])
    assert set(both.legs) == {LEG, OTHER}
    assert from_census(census_of(both), both) == both


def test_a_leg_with_an_old_session_gets_the_new_one_and_keeps_what_was_learned() -> None:
    """A re-INVITE came, and control died before the worker heard of it."""
    keys = rpc.SrtpKeys("AEAD_AES_128_GCM", "b3Vycw==", "dGhlaXJz")
    for change in ({"codec": "opus"}, {"payload_type": 0}, {"srtp": keys}, {"rtcp_mux": True}):
        want = replace(CREATE, learned=True, **change)
        desk = Desk()
        desk.state("contact/c1", Plan(legs={LEG: want}))
        for held, commands in ((CREATE, [rpc.modified(want, "", 0)]), (want, [])):
            mark = rpc.session_mark(held)
            census = rpc.Census((rpc.LegCensus(LEG, "rtp", "learned", 30_000, "127.0.0.1", 40_000, session=mark),))
            assert desk.reconcile(census) == commands
    assert "b3Vycw" not in repr(keys) + rpc.session_mark(replace(CREATE, srtp=keys))


def test_a_first_word_ends_its_watch_without_a_command() -> None:
    awaited, spoken = replace(FULL, watched=frozenset(), awaited=frozenset({LEG})), replace(FULL, watched=frozenset())
    desk = Desk()
    assert rpc.WatchTalk(LEG, True, once=True) in desk.state("c1", awaited)
    desk.heard("c1", rpc.LegTalk(LEG, True, -20.0, last=True))
    assert desk.state("c1", spoken) == []


def test_a_word_of_a_watch_that_goes_on_has_its_end_commanded() -> None:
    awaited, spoken = replace(FULL, watched=frozenset(), awaited=frozenset({LEG})), replace(FULL, watched=frozenset())
    desk = Desk()
    desk.state("c1", awaited)
    desk.heard("c1", rpc.LegTalk(LEG, True, -20.0))
    assert desk.state("c1", spoken) == [rpc.WatchTalk(LEG, False)]


def test_a_watch_for_the_first_word_becomes_one_for_every_word_and_back() -> None:
    awaited, watched = replace(FULL, watched=frozenset(), awaited=frozenset({LEG})), FULL
    assert changes(awaited, watched) == [rpc.WatchTalk(LEG, True)]
    assert changes(watched, awaited) == [rpc.WatchTalk(LEG, True, once=True)]
    assert changes(awaited, replace(FULL, watched=frozenset())) == [rpc.WatchTalk(LEG, False)]


def test_a_word_on_its_way_during_a_census_leaves_no_watch_behind() -> None:
    desk, awaited = Desk(), replace(FULL, watched=frozenset(), awaited=frozenset({LEG}))
    desk.state("c1", awaited)
    spoken = replace(FULL, watched=frozenset())
    assert desk.reconcile(census_of(spoken)) == [rpc.WatchTalk(LEG, True, once=True)]  # the watch before is over
    desk.heard("c1", rpc.LegTalk(LEG, True, -20.0, last=True))
    assert desk.state("c1", spoken) == [rpc.WatchTalk(LEG, False)]


def test_a_word_told_before_a_census_does_not_end_the_watch_that_the_census_shows() -> None:
    """Control died after it had asked again: its successor hears the first watch's word, and the second goes on."""
    desk, awaited = Desk(), replace(FULL, watched=frozenset(), awaited=frozenset({LEG}))
    desk.state("c1", awaited)
    assert desk.reconcile(replace(census_of(awaited), watched=(LEG,), awaited=(LEG,))) == []
    desk.heard("c1", rpc.LegTalk(LEG, True, -20.0, last=True))
    assert desk.state("c1", replace(FULL, watched=frozenset())) == [rpc.WatchTalk(LEG, False)]


def test_a_census_tells_both_kinds_of_watch_apart() -> None:
    awaited = replace(FULL, watched=frozenset(), awaited=frozenset({LEG}))
    held = replace(census_of(FULL), awaited=(LEG,))
    assert changes(from_census(held, awaited), awaited) == []
    assert changes(from_census(held, FULL), FULL) == [rpc.WatchTalk(LEG, True)]


def test_who_plays_into_a_leg_is_known_until_the_play_ends() -> None:
    """A ringing tone of a contact at a seat: the seat's leg is made anew, so the tone must be begun again there."""
    desk = Desk()
    seat = Plan(legs={SEAT: replace(CREATE, leg=SEAT)})
    ring = rpc.StartPlay("ring", f"{SEAT}/headset", "tone:ringback", loop=True)
    desk.state("seat", seat)
    desk.state("contact", Plan(plays={"ring": ring}))
    assert ring in desk.state("seat", EMPTY)
    desk.state("contact", EMPTY)
    desk.state("seat", seat)
    assert ring not in desk.state("seat", EMPTY)
