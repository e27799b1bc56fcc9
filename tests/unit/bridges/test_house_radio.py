"""Radio in the house: no grant, no microphone; a lease that lapses; a call in a talkgroup."""

import pytest

from kak_server.bridges.contact_plan import caller_leg, group_leg, seat_leg
from kak_server.bridges.outputs import ToRadio
from kak_server.media import rpc
from kak_server.model.ids import ContactId, Issi
from kak_server.tetra_gw import api as radio
from tests.unit.bridges.world import GROUP, KARI, OLA, SEAT_1, SEAT_2, World, world

FLOOR = radio.FloorState


@pytest.fixture
def w() -> World:
    made = world()
    made.radio_up()
    made.sit()
    made.do("talkgroup.monitor", {"gssi": GROUP, "on": True})
    return made


def ptt(w: World, on: bool = True) -> str:
    return w.do("ptt", {"gssi": GROUP, "on": on}).code


def grant(w: World) -> None:
    w.radio(radio.FloorChanged(GROUP, FLOOR.TALKING, KARI, max_ms=60_000))


def patched(w: World) -> ContactId:
    contact = w.ring()
    w.answer(contact)
    assert w.do("contact.patch", {"contact": contact, "gssi": GROUP, "confirmed": True, "owner_ok": True}).code == ""
    line = w.house.calls.lines[contact]
    assert line.patch is not None
    w.radio(radio.PatchChanged(line.patch.patch, GROUP, True))
    return contact


def test_monitoring_brings_the_group_to_the_speaker(w: World) -> None:
    assert w.edges(f"group/{GROUP}") == {(f"tg-{GROUP}", f"seat-{SEAT_1}/speaker")}
    (leg,) = [c for c in w.commands(rpc.CreateRtp) if c.leg == group_leg(GROUP)]
    assert leg.gated
    assert leg.peer_port == 41_000


def test_the_gate_opens_only_with_the_grant_and_shuts_with_the_key(w: World) -> None:
    assert ptt(w) == ""
    assert w.radio_commands()[-1] == "request_tx"
    assert w.commands(rpc.OpenUplink) == []
    grant(w)
    assert [c.leg for c in w.commands(rpc.OpenUplink)] == [group_leg(GROUP)]
    assert (f"seat-{SEAT_1}", f"tg-{GROUP}") in w.edges(f"group/{GROUP}")
    ptt(w, on=False)
    assert [c.leg for c in w.commands(rpc.CloseUplink)] == [group_leg(GROUP)]
    assert w.radio_commands()[-1] == "cease_tx"
    assert w.edges(f"group/{GROUP}") == {(f"tg-{GROUP}", f"seat-{SEAT_1}/speaker")}


def test_a_grant_that_comes_after_the_key_is_up_is_given_back(w: World) -> None:
    ptt(w)
    ptt(w, on=False)
    before = w.radio_commands().count("cease_tx")
    grant(w)
    assert w.commands(rpc.OpenUplink) == []
    assert w.radio_commands().count("cease_tx") == before + 1


def test_a_grant_that_was_given_back_opens_nothing_for_the_next_press(w: World) -> None:
    ptt(w)
    ptt(w, on=False)
    grant(w)
    asked = w.radio_commands().count("request_tx")
    ptt(w)
    assert w.commands(rpc.OpenUplink) == []
    assert w.radio_commands().count("request_tx") == asked + 1


def test_a_key_that_is_not_renewed_counts_as_released(w: World) -> None:
    ptt(w)
    grant(w)
    w.pass_ms(1_001)
    w.timer(f"ptt/{GROUP}/{SEAT_1}")
    assert w.commands(rpc.CloseUplink)
    assert w.radio_commands()[-1] == "cease_tx"


def test_the_lease_is_renewed_only_while_granted_and_keyed(w: World) -> None:
    ptt(w)
    grant(w)
    w.timer(f"uplink/{GROUP}")
    assert len(w.commands(rpc.OpenUplink)) == 2
    ptt(w, on=False)
    w.timer(f"uplink/{GROUP}")
    assert len(w.commands(rpc.OpenUplink)) == 2


def test_an_interrupt_closes_the_microphone_and_a_held_key_never_asks_again(w: World) -> None:
    ptt(w)
    grant(w)
    w.radio(radio.FloorChanged(GROUP, FLOOR.REVOKED, KARI, cause="pre-emption", by="Ambulanse 1"))
    assert w.commands(rpc.CloseUplink)
    asked = w.radio_commands().count("request_tx")
    for _ in range(5):
        w.pass_ms(300)
        ptt(w)  # the browser repeats while the key is down
    assert w.radio_commands().count("request_tx") == asked
    ptt(w, on=False)
    ptt(w)
    assert w.radio_commands().count("request_tx") == asked + 1


def test_denied_stays_denied_until_a_new_press(w: World) -> None:
    ptt(w)
    w.radio(radio.FloorChanged(GROUP, FLOOR.DENIED, KARI, cause="busy"))
    assert w.told("talkgroup")[-1]["floor"] == "denied"
    ptt(w)
    assert w.radio_commands().count("request_tx") == 1


def test_link_loss_closes_every_microphone(w: World) -> None:
    ptt(w)
    grant(w)
    w.radio(radio.LinkChanged("a", False, "heartbeat"))
    assert w.commands(rpc.CloseUplink)
    assert w.house.groups.groups[GROUP].keys == {}
    assert ptt(w) == "no-radio"


def test_no_key_without_sound_or_without_listening(w: World) -> None:
    w.do("talkgroup.monitor", {"gssi": GROUP, "on": False})
    assert ptt(w) == "not-monitored"
    w.do("talkgroup.monitor", {"gssi": GROUP, "on": True})
    w.media(rpc.LegMedia(seat_leg(SEAT_1), "down"))
    assert ptt(w) == "no-media"


def test_the_caller_does_not_hear_a_microphone_keyed_to_the_radio(w: World) -> None:
    contact = w.ring()
    w.answer(contact)
    ptt(w)
    assert (f"seat-{SEAT_1}", f"caller-{contact}") not in w.edges(f"contact/{contact}")
    ptt(w, on=False)
    assert (f"seat-{SEAT_1}", f"caller-{contact}") in w.edges(f"contact/{contact}")


def test_a_patch_needs_both_confirmations(w: World) -> None:
    contact = w.ring()
    w.answer(contact)
    for args in ({}, {"confirmed": True}, {"confirmed": True, "owner_ok": "yes"}):
        assert w.do("contact.patch", {"contact": contact, "gssi": GROUP, **args}).code == "not-confirmed"
    assert "create_patch" not in w.radio_commands()


def test_a_patch_joins_the_group_when_the_gateway_says_so(w: World) -> None:
    contact = patched(w)
    edges = w.edges(f"contact/{contact}")
    assert (f"tg-{GROUP}", f"caller-{contact}") in edges
    assert (f"caller-{contact}", f"tg-{GROUP}") in edges
    assert (f"tg-{GROUP}", f"seat-{SEAT_1}/headset") in edges
    assert caller_leg(contact) in [c.leg for c in w.commands(rpc.WatchTalk) if c.on]
    assert "radio" in {r.label for r in w.commands(rpc.StartRecord)}
    assert w.commands(rpc.OpenUplink) == []


def test_the_callers_voice_asks_for_the_floor_and_silence_gives_it_back(w: World) -> None:
    contact = patched(w)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0))
    assert w.radio_commands()[-1] == "request_tx"
    grant(w)
    assert len(w.commands(rpc.OpenUplink)) == 1
    w.media(rpc.LegTalk(caller_leg(contact), False, -70.0))
    w.timer(f"hang/{contact}")
    assert w.commands(rpc.CloseUplink)
    assert w.radio_commands()[-1] == "cease_tx"


def test_a_caller_who_is_not_heard_gets_a_tone(w: World) -> None:
    contact = patched(w)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0))
    w.timer(f"unheard/{contact}")
    assert w.commands(rpc.StartPlay)[-1].source == "tone:beep"


def test_hang_up_removes_the_patch_and_the_radio_leg_survives(w: World) -> None:
    contact = patched(w)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0))
    grant(w)
    w.do("contact.hangup", {"contact": contact})
    assert "remove_patch" in w.radio_commands()
    assert w.commands(rpc.CloseUplink)
    assert group_leg(GROUP) in w.house.ctx.desk.desired().legs
    assert (f"tg-{GROUP}", f"seat-{SEAT_1}/speaker") in w.edges(f"group/{GROUP}")


def test_a_refused_patch_is_shown_and_joins_nothing(w: World) -> None:
    contact = w.ring()
    w.answer(contact)
    w.do("contact.patch", {"contact": contact, "gssi": GROUP, "confirmed": True, "owner_ok": True})
    line = w.house.calls.lines[contact]
    assert line.patch is not None
    w.radio(radio.PatchChanged(line.patch.patch, GROUP, False, "not allowed"))
    assert w.told("call")[-1]["patch"]["state"] == "refused"
    assert len(w.edges(f"contact/{contact}")) == 2
    again = w.do("contact.patch", {"contact": contact, "gssi": GROUP, "confirmed": True, "owner_ok": True})
    assert again.code == ""


def test_a_group_of_another_room_is_not_there(w: World) -> None:
    bergen = w.house.ctx.settings.positions[2].position
    w.sit(OLA, bergen)
    assert w.do("talkgroup.monitor", {"gssi": GROUP, "on": True}, OLA, bergen).code == "unknown-talkgroup"


def test_leaving_the_seat_releases_its_key(w: World) -> None:
    ptt(w)
    grant(w)
    w.house.at(w.now_ms)
    w.house.groups.release_all(SEAT_1)
    w.pump()
    assert w.commands(rpc.CloseUplink)
    assert w.house.groups.groups[GROUP].monitors == set()


def test_who_talks_is_told_to_the_seats_that_may_see_it(w: World) -> None:
    w.sit(OLA, SEAT_2)
    w.radio(radio.TalkerChanged(GROUP, Issi(1001), "Ambulanse 1", 3))
    assert w.told("talkgroup")[-1]["talker"] == {"issi": 1001, "alias": "Ambulanse 1", "priority": 3}
    assert {o.op for o in w.outputs if isinstance(o, ToRadio) and o.action == "request_tx"} == set()


def test_hold_lets_go_of_the_callers_key(w: World) -> None:
    """Nobody would hear the caller fall silent: the talk watch ends with the hold."""
    contact = patched(w)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0))
    grant(w)
    w.do("contact.hold", {"contact": contact, "on": True})
    assert w.commands(rpc.CloseUplink)
    assert w.radio_commands()[-1] == "cease_tx"
    assert w.do("patch.talk", {"contact": contact, "on": True}).code == ""
    assert w.house.groups.groups[GROUP].keys == {}


def test_the_operators_key_for_the_caller_outlasts_the_callers_pauses(w: World) -> None:
    contact = patched(w)
    w.do("patch.talk", {"contact": contact, "on": True})
    grant(w)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0))
    w.media(rpc.LegTalk(caller_leg(contact), False, -70.0))
    w.timer(f"hang/{contact}")
    assert w.commands(rpc.CloseUplink) == []
    w.do("patch.talk", {"contact": contact, "on": False})
    assert w.commands(rpc.CloseUplink)
    assert w.radio_commands()[-1] == "cease_tx"


def test_a_patch_that_was_refused_needs_a_new_confirmation(w: World) -> None:
    contact = patched(w)
    line = w.house.calls.lines[contact]
    assert line.patch is not None
    w.radio(radio.PatchChanged(line.patch.patch, GROUP, False, "timeout"))
    w.radio(radio.PatchChanged(line.patch.patch, GROUP, True))
    assert len(w.edges(f"contact/{contact}")) == 2
    assert w.radio_commands()[-1] == "remove_patch"


def test_a_gate_a_worker_holds_open_and_we_do_not_is_shut_at_the_census(w: World) -> None:
    ptt(w)
    grant(w)
    w.house.worker_lost("socket", w.now_ms)
    ptt(w, on=False)
    w.outputs.clear()
    w.house.worker_attached(rpc.Census(uplinks=(group_leg(GROUP),)), "boot-1", w.now_ms)
    w.pump()
    assert [c.leg for c in w.commands(rpc.CloseUplink)] == [group_leg(GROUP)]


def test_a_voice_the_dead_worker_watched_lets_go_of_the_floor(w: World) -> None:
    contact = patched(w)
    w.media(rpc.LegTalk(caller_leg(contact), True, -20.0))
    grant(w)
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    assert w.radio_commands()[-1] == "cease_tx"
    assert w.house.groups.groups[GROUP].keys == {}


def test_where_the_gateways_media_comes_from_outlives_the_worker(w: World) -> None:
    w.media(rpc.LegLearned(group_leg(GROUP), "127.0.0.8", 41_500))
    w.outputs.clear()
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    (create,) = [c for c in w.commands(rpc.CreateRtp) if c.leg == group_leg(GROUP)]
    assert (create.peer_host, create.peer_port, create.learned) == ("127.0.0.8", 41_500, True)
    w.radio(radio.LegReady(GROUP, "127.0.0.1", 41_002))
    assert [(c.peer_host, c.peer_port) for c in w.commands(rpc.ModifyRtp)] == [("127.0.0.1", 41_002)]


def test_the_operators_key_for_the_caller_comes_up_when_the_page_is_gone(w: World) -> None:
    contact = patched(w)
    assert w.do("patch.talk", {"contact": contact, "on": True}).code == ""
    grant(w)
    assert w.house.groups.groups[GROUP].keys
    w.media(rpc.LegMedia(seat_leg(SEAT_1), "down"))
    assert w.house.groups.groups[GROUP].keys == {}
    assert w.radio_commands()[-1] == "cease_tx"


def test_the_groups_loudness_is_shown_to_those_who_listen(w: World) -> None:
    assert [c.leg for c in w.commands(rpc.WatchTalk) if c.on] == [group_leg(GROUP)]
    w.media(rpc.LegTalk(group_leg(GROUP), True, -15.0))
    assert w.told("talkgroup")[-1]["level"] == 75
    w.media(rpc.LegTalk(group_leg(GROUP), False, -70.0))
    assert w.told("talkgroup")[-1]["level"] == 0
    w.do("talkgroup.monitor", {"gssi": GROUP, "on": False})
    assert [c.leg for c in w.commands(rpc.WatchTalk) if not c.on] == [group_leg(GROUP)]
