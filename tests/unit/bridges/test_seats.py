"""Who sits where, and whether sound gets there."""

from dataclasses import replace

import pytest

from kak_server.bridges.contact_plan import seat_leg
from kak_server.bridges.house import House
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, Tell
from kak_server.media import rpc
from kak_server.model.ids import LegId, OperatorId, PositionId
from kak_server.routing.api import ContactState, OperatorState
from kak_server.routing.step import RoutingCore
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, CountingIds, World, settings, world

LEG = seat_leg(SEAT_1)


@pytest.fixture
def w() -> World:
    return world()


def lab_world() -> World:
    """Seats may be plain RTP phones."""
    made = World(House(replace(settings(), plain_rtp_seats=True), RoutingCore(), CountingIds()))
    made.house.worker_attached(rpc.Census(), "boot-1", made.now_ms)
    made.pump()
    return made


def sit(w: World, operator: OperatorId = KARI, position: PositionId = SEAT_1) -> str:
    w.house.at(w.now_ms)
    refused = w.house.seats.sit(operator, operator.title(), position, {})
    w.pump()
    return refused


def media_up(w: World, operator: OperatorId = KARI) -> bool:
    view = w.house.ctx.core.operator(operator)
    assert view is not None
    return view.media_up


def test_sitting_down_is_journalled_and_without_sound_nobody_is_reachable(w: World) -> None:
    assert sit(w) == ""
    assert w.records[f"seat/{SEAT_1}"]["operator"] == KARI
    view = w.house.ctx.core.operator(KARI)
    assert view is not None
    assert view.state is OperatorState.UNREACHABLE


def test_an_unknown_position_is_refused(w: World) -> None:
    assert sit(w, KARI, PositionId("nowhere")) == "unknown-position"
    assert w.records.keys() == {"worker"}


def test_sound_comes_with_the_browsers_media_not_with_its_offer(w: World) -> None:
    sit(w)
    assert w.house.seats.expect_browser(SEAT_1)
    assert w.house.ctx.desk.desired().browser_legs == {LEG}
    assert not media_up(w)
    w.media(rpc.LegMedia(LEG, "up"))
    assert media_up(w)
    w.media(rpc.LegMedia(LEG, "closed"))
    assert not media_up(w)
    assert w.told("media") == [{"state": "up"}, {"state": "down"}]


def test_the_last_word_of_a_closed_leg_gives_no_sound_to_who_sits_there_now(w: World) -> None:
    sit(w)
    w.house.seats.expect_browser(SEAT_1)
    assert sit(w, OLA) == ""
    w.media(rpc.LegMedia(LEG, "up"))
    assert not media_up(w, OLA)
    assert w.house.ctx.desk.desired().browser_legs == frozenset()


def test_nobody_gets_sound_at_an_empty_seat(w: World) -> None:
    assert not w.house.seats.expect_browser(SEAT_1)
    assert w.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000) is None
    w.media(rpc.LegMedia(LEG, "up"))
    assert w.house.seats.seats == {}


def test_the_same_person_again_keeps_the_sound(w: World) -> None:
    w.sit()
    assert sit(w) == ""
    assert media_up(w)
    assert w.house.ctx.desk.desired().browser_legs == {LEG}


def test_somebody_else_at_the_seat_takes_it_without_the_others_sound(w: World) -> None:
    w.sit()
    assert sit(w, OLA) == ""
    assert w.told("seat.lost") == [{"reason": "taken-over"}]
    assert LEG in [c.leg for c in w.commands(rpc.CloseLeg)]
    assert w.house.ctx.core.operator(KARI) is None
    assert w.records[f"seat/{SEAT_1}"]["operator"] == OLA


def test_a_seat_with_a_call_is_not_taken(w: World) -> None:
    w.sit()
    w.answer(w.ring())
    assert sit(w, OLA) == "busy"
    assert w.house.seats.seats[SEAT_1].operator == KARI
    assert w.house.stand(KARI) == "busy"
    assert SEAT_1 in w.house.seats.seats


def test_moving_takes_the_call_along_and_records_the_other_microphone(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    assert sit(w, KARI, SEAT_2) == ""
    w.house.seats.expect_browser(SEAT_2)
    w.media(rpc.LegMedia(seat_leg(SEAT_2), "up"))
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.state, view.position) == (ContactState.CONNECTED, SEAT_2)
    assert w.edges(f"contact/{contact}") == {
        (f"caller-{contact}", f"seat-{SEAT_2}/headset"),
        (f"seat-{SEAT_2}", f"caller-{contact}"),
    }
    recorded = {r.source for r in w.house.ctx.desk.desired().recordings.values()}
    assert recorded == {f"caller-{contact}", f"seat-{SEAT_2}"}
    assert len({r.path for r in w.commands(rpc.StartRecord)}) == 3
    assert f"seat/{SEAT_1}" not in w.records


def test_standing_up_closes_the_seat(w: World) -> None:
    w.sit()
    w.radio_up()
    w.do("talkgroup.monitor", {"gssi": 24201, "on": True})
    assert w.house.stand(KARI) == ""
    w.pump()
    assert w.house.seats.seats == {}
    assert w.records["monitor/24201"] == {"positions": []}
    assert f"seat/{SEAT_1}" not in w.records
    assert w.house.ctx.desk.desired().browser_legs == frozenset()
    assert w.house.stand(KARI) == ""


def test_a_plain_phone_is_a_seats_sound_in_the_lab_only(w: World) -> None:
    sit(w)
    assert w.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000) is None
    lab = lab_world()
    sit(lab)
    create = lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000)
    lab.pump()
    assert create is not None
    assert lab.commands(rpc.CreateRtp) == [create]
    assert media_up(lab)


def test_a_phones_port_goes_back_with_the_phone_whoever_ends_it() -> None:
    for end in ("phone", "browser", "taken", "stand"):
        lab = lab_world()
        sit(lab)
        lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000)
        lab.pump()
        if end == "phone":
            lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_002)
        elif end == "browser":
            lab.house.seats.expect_browser(SEAT_1)
        elif end == "taken":
            sit(lab, OLA)
        else:
            lab.house.stand(KARI)
        lab.pump()
        assert lab.house.ctx.ports.in_use == (1 if end == "phone" else 0), end
        assert len(lab.house.ctx.desk.desired().legs) == (1 if end == "phone" else 0), end


def test_a_phone_in_place_of_a_browser_is_made_after_the_browsers_leg_is_closed() -> None:
    lab = lab_world()
    sit(lab)
    lab.house.seats.expect_browser(SEAT_1)
    lab.pump()
    lab.outputs.clear()
    lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000)
    lab.pump()
    assert [type(c) for c in lab.commands(object) if isinstance(c, rpc.CloseLeg | rpc.CreateRtp)] == [
        rpc.CloseLeg,
        rpc.CreateRtp,
    ]


# --- a plain phone whose port somebody else has -----------------------------------------------------------------------


def without_sound() -> tuple[World, rpc.CreateRtp]:
    lab = lab_world()
    sit(lab)
    create = lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000)
    lab.pump()
    assert create is not None
    refused(lab, create)
    return lab, create


def refused(lab: World, create: rpc.CreateRtp) -> None:
    lab.house.leg_refused(create, "port_in_use", lab.now_ms)
    lab.pump()


def due(lab: World, key: str) -> None:
    lab.now_ms = [o.at_ms for o in lab.outputs if isinstance(o, SetTimer) and o.key == key][-1]
    lab.timer(key)


def notices(lab: World) -> list[str]:
    return [notice["code"] for notice in lab.house.ctx.notices.of(SEAT_1)]


def test_a_plain_phone_without_its_port_is_said_and_tried_again_until_it_has_sound() -> None:
    lab, create = without_sound()
    assert not media_up(lab)
    assert notices(lab) == ["seat-without-sound"], "those who talk with others are heard: nobody else is told"
    for _ in range(2):
        due(lab, f"leg/{LEG}")
        assert lab.commands(rpc.CreateRtp)[-1] == create, "the phone knows this port, and no other"
        refused(lab, create)
        lab.timer(f"seat/{SEAT_1}")
        assert not media_up(lab)
    due(lab, f"leg/{LEG}")
    assert not media_up(lab), "not before a refusal would have come"
    due(lab, f"seat/{SEAT_1}")
    assert media_up(lab)
    assert notices(lab) == []
    (note,) = [o for o in lab.outputs if isinstance(o, Note) and o.name == "seat_without_sound"]
    assert (note.level, note.fields) == ("warning", {"position": SEAT_1, "port": create.port})


@pytest.mark.parametrize("then", ["stands up", "another phone", "browser"])
def test_a_plain_phone_that_is_given_up_is_not_tried_again(then: str) -> None:
    lab, _ = without_sound()
    if then == "stands up":
        lab.house.stand(KARI)
    elif then == "browser":
        lab.house.seats.expect_browser(SEAT_1)
    else:
        lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_002)
    lab.pump()
    assert notices(lab) == []
    assert CancelTimer(f"leg/{LEG}") in lab.outputs
    before = len(lab.commands(rpc.CreateRtp))
    lab.timer(f"leg/{LEG}")
    lab.timer(f"seat/{SEAT_1}")
    assert len(lab.commands(rpc.CreateRtp)) == before
    if then == "browser":
        assert not media_up(lab), "it has not connected yet"


def test_a_new_worker_that_has_the_port_gives_a_plain_phone_its_sound() -> None:
    lab, create = without_sound()
    lab.house.worker_lost("killed", lab.now_ms)
    lab.house.worker_attached(rpc.Census(), "boot-2", lab.now_ms)
    lab.pump()
    assert lab.commands(rpc.CreateRtp)[-1].port == create.port
    due(lab, f"seat/{SEAT_1}")
    assert media_up(lab)


def test_where_a_phone_really_is_outlives_its_worker() -> None:
    lab = lab_world()
    sit(lab)
    lab.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 40_000)
    lab.media(rpc.LegLearned(LEG, "127.0.0.5", 41_234))
    lab.outputs.clear()
    lab.house.worker_attached(rpc.Census(), "boot-2", lab.now_ms)
    lab.pump()
    (create,) = lab.commands(rpc.CreateRtp)
    assert (create.peer_host, create.peer_port, create.learned) == ("127.0.0.5", 41_234, True)


def test_a_known_workers_word_on_a_seat_counts(w: World) -> None:
    w.sit()
    w.house.worker_attached(rpc.Census((rpc.LegCensus(LEG, "operator", "down"),)), "boot-1", w.now_ms)
    w.pump()
    assert not media_up(w)
    assert not [o for o in w.outputs if isinstance(o, Tell) and o.name == "media.reset"]
    w.house.worker_attached(rpc.Census((rpc.LegCensus(LEG, "operator", "up"),)), "boot-1", w.now_ms)
    w.pump()
    assert media_up(w)


def test_a_seat_whose_leg_the_worker_does_not_have_builds_it_anew(w: World) -> None:
    w.sit()
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.pump()
    assert not media_up(w)
    assert w.told("media.reset") == [{"reason": "media-worker-restarted"}]


def test_a_word_that_waited_of_a_leg_the_worker_no_longer_has_gives_no_sound(w: World) -> None:
    """Its events wait for control, legs do not: who is offered a call on the word of a dead one hears nobody."""
    w.sit()
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.media(rpc.LegMedia(LEG, "up"))
    assert not media_up(w)
    assert w.house.seats.expect_browser(SEAT_1)
    w.media(rpc.LegMedia(LEG, "up"))
    assert media_up(w)


def test_a_word_older_than_the_census_gives_no_sound_to_the_leg_that_took_its_place(w: World) -> None:
    """Control died before it had acknowledged "up": it is heard again, of a leg that has been replaced meanwhile."""
    w.sit()
    w.house.worker_attached(rpc.Census((rpc.LegCensus(LEG, "operator", "new"),)), "boot-1", w.now_ms)
    w.house.media_event(rpc.LegMedia(LEG, "up"), w.now_ms, late=True)
    w.pump()
    assert not media_up(w)
    w.media(rpc.LegMedia(LEG, "up"))
    assert media_up(w)


def test_events_of_other_legs_are_not_the_seats(w: World) -> None:
    w.sit()
    w.media(rpc.LegLearned(LEG, "127.0.0.5", 1))
    w.media(rpc.LegMedia(LegId("seat-elsewhere"), "up"))
    assert w.house.seats.seats[SEAT_1].rtp is None


def test_a_plain_rtp_seat_whose_port_is_taken_has_no_sound() -> None:
    w = lab_world()
    assert sit(w) == ""
    made = w.house.seats.plain_rtp(SEAT_1, "127.0.0.1", 45_000)
    assert made is not None
    w.pump()
    assert media_up(w)
    w.house.leg_refused(made, "port_in_use", w.now_ms)
    w.pump()
    assert not media_up(w), "an operator without sound is offered no calls"
