"""Those who are called into a call: who hears whom, and what is left when somebody goes."""

from kak_server.bridges.outputs import ToSip
from kak_server.bridges.parties import MAX_LIVE
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId
from kak_server.sip.api import CallMediaChanged
from tests.unit.bridges.world import KARI, OFFER, OLA, SEAT_1, SEAT_2, World, world

SEAT = "seat-oslo-1"
HEADSET = f"{SEAT}/headset"


def add(w: World, contact: ContactId, number: str = "110", *, private: bool = False) -> tuple[str, CallId]:
    """A party that is being dialled: its leg and its call."""
    outcome = w.do("party.add", {"contact": contact, "number": number, "private": private, "label": "Brann"})
    assert outcome.code == ""
    return f"party-{outcome.result['party']}", w.dials()[-1].call


def both(*pairs: tuple[str, str]) -> set[tuple[str, str]]:
    """Edges both ways; the seat hears at its headset."""
    return {(one, HEADSET if other == SEAT else other) for a, b in pairs for one, other in ((a, b), (b, a))}


def playing(w: World) -> set[tuple[str, str]]:
    return {(play.source, play.sink) for play in w.house.ctx.desk.desired().plays.values()}


def test_a_party_rings_at_the_headset_then_everybody_hears_everybody() -> None:
    w = world()
    contact = w.talking()
    caller, owner = f"caller-{contact}", f"contact/{contact}"
    leg, call = add(w, contact)
    assert w.edges(owner) == both((caller, SEAT))
    w.rings(call)
    assert playing(w) == {("tone:ringback", HEADSET)}
    w.rings(call, OFFER)
    assert playing(w) == set()
    assert w.edges(owner) == both((caller, SEAT)) | {(leg, HEADSET)}, "early media is the operator's alone"
    w.picks_up(call)
    assert w.edges(owner) == both((caller, SEAT), (caller, leg), (leg, SEAT))
    (party,) = w.call_card()["parties"]
    assert (party["state"], party["label"], party["number"]) == ("answered", "Brann", "110")
    tracks = {(r.label, r.source) for r in w.house.ctx.desk.desired().recordings.values()}
    assert ("party", leg) in tracks
    w.ends(call)
    assert w.edges(owner) == both((caller, SEAT))
    (party,) = w.call_card()["parties"]
    assert (party["state"], party["cause"], party["text_nb"]) == ("ended", "bye", "La på")
    assert w.house.ctx.ports.in_use == 1


def test_busy_and_no_answer_tell_the_operator_and_the_call_goes_on() -> None:
    w = world()
    contact = w.talking()
    _, first = add(w, contact)
    _, second = add(w, contact, "112")
    w.ends(first, "busy", 486)
    w.ends(second, "no-answer", 480)
    card = w.call_card()
    assert [(p["state"], p["text_en"]) for p in card["parties"]] == [("ended", "Busy"), ("ended", "No answer")]
    assert card["state"] == "connected"
    assert not w.told("call.ended")


def test_a_private_party_hears_the_operator_alone_and_the_caller_hears_music() -> None:
    w = world()
    contact = w.talking()
    caller, owner = f"caller-{contact}", f"contact/{contact}"
    leg, call = add(w, contact, private=True)
    w.rings(call)
    assert w.edges(owner) == both((caller, SEAT)), "until somebody is there the operator stays with the caller"
    w.picks_up(call)
    assert w.edges(owner) == both((leg, SEAT))
    assert playing(w) == {("tone:hold", caller)}
    party = w.call_card()["parties"][0]["party"]
    assert w.do("party.private", {"contact": contact, "party": party, "on": False}).code == ""
    assert w.edges(owner) == both((caller, SEAT), (caller, leg), (leg, SEAT))
    w.do("contact.hold", {"contact": contact, "on": True})
    assert w.edges(owner) == set()
    assert playing(w) == {("tone:hold", caller), ("tone:hold", leg)}
    w.do("party.private", {"contact": contact, "party": party, "on": True})
    assert w.edges(owner) == both((leg, SEAT))
    assert playing(w) == {("tone:hold", caller)}


def test_while_the_operator_is_apart_with_one_the_others_talk_on() -> None:
    w = world()
    contact = w.talking()
    caller, owner = f"caller-{contact}", f"contact/{contact}"
    fire, first = add(w, contact)
    police, second = add(w, contact, "112", private=True)
    w.picks_up(first)
    w.picks_up(second, 41_002)
    assert w.edges(owner) == both((caller, fire), (police, SEAT))
    assert playing(w) == set()


def test_three_services_in_one_action_each_for_itself() -> None:
    w = world()
    contact = w.talking()
    outcome = w.do("contact.conference", {"contact": contact, "services": ["110", "nobody", "112"]})
    rows = outcome.result["parties"]
    assert [(row["service"], row["code"]) for row in rows] == [("110", ""), ("nobody", "unknown-service"), ("112", "")]
    assert [dial.target for dial in w.dials()] == ["110", "112"]
    w.ends(w.dials()[0].call, "busy", 486)
    w.picks_up(w.dials()[1].call)
    again = w.do("contact.conference", {"contact": contact, "services": ["110", "112"]}).result["parties"]
    assert [row["code"] for row in again] == ["", "in-call"], "whoever is there is not called twice"
    w.do("party.drop", {"contact": contact, "party": again[0]["party"]})
    states = [(p["label"], p["state"]) for p in w.call_card()["parties"]][:2]
    assert states == [("110 Brann", "ended"), ("112 Politi", "answered")]


def test_at_most_so_many_and_not_before_the_call_is_up() -> None:
    w = world()
    w.sit()
    w.do("contact.dial", {"number": "110"})
    ringing = next(iter(w.house.calls.lines))
    assert w.do("party.add", {"contact": ringing, "number": "112"}).code == "not-connected"
    w.picks_up(w.dials()[-1].call)
    for _ in range(MAX_LIVE):
        add(w, ringing)
    assert w.do("party.add", {"contact": ringing, "number": "110"}).code == "too-many-parties"
    assert w.do("party.add", {"contact": "else", "number": "110"}).code == "not-yours"


def test_the_operator_drops_a_party_and_the_end_takes_all() -> None:
    w = world()
    contact = w.talking()
    _, first = add(w, contact)
    _, second = add(w, contact, "112")
    w.picks_up(second)
    party = w.call_card()["parties"][0]["party"]
    w.do("party.drop", {"contact": contact, "party": party})
    assert ("hangup", first) in w.sip()
    assert w.do("party.drop", {"contact": contact, "party": party}).code == "unknown-party"
    w.do("contact.hangup", {"contact": contact})
    assert ("hangup", second) in w.sip()
    assert w.house.ctx.ports.in_use == 0
    assert not w.house.parties.by_call
    w.ends(second, "hangup")  # what the room says after our own order


def test_the_caller_leaves_and_the_services_go_on_with_the_operator() -> None:
    w = world()
    contact = w.talking()
    fire, first = add(w, contact)
    w.picks_up(first)
    w.ends(CallId("call-113"))
    assert w.call_card()["far_end"] == "gone"
    assert w.edges(f"contact/{contact}") == both((fire, SEAT))
    assert w.house.ctx.ports.in_use == 1
    on_air = {"contact": contact, "gssi": 24201, "confirmed": True, "owner_ok": True}
    assert w.do("contact.patch", on_air).code == "gone", "there is nobody to put on the air"
    w.media(rpc.LegSilent(LegId(f"caller-{contact}"), 10_000))
    assert ("probe", CallId("call-113")) not in w.sip(), "nobody is asked whether a call lives that is over"
    w.ends(first)
    assert w.told("call.ended")
    assert not w.house.calls.lines
    assert w.sip().count(("hangup", CallId("call-113"))) == 0


def test_a_lost_operator_leaves_the_others_together() -> None:
    w = world()
    contact = w.talking()
    caller = f"caller-{contact}"
    fire, first = add(w, contact)
    police, second = add(w, contact, "112", private=True)
    w.picks_up(first)
    w.picks_up(second, 41_002)
    w.media(rpc.LegMedia(LegId(SEAT), "down"))
    w.pass_ms(5_000)
    w.timer(f"routing/media:{KARI}")
    assert w.edges(f"contact/{contact}") == both((caller, fire))
    assert playing(w) == {("tone:hold", police)}
    w.sit(OLA, SEAT_2)
    w.answer(contact, OLA, SEAT_2)
    assert ("seat-oslo-2", police) in w.edges(f"contact/{contact}")


def test_a_partys_media_is_learned_moved_and_missed() -> None:
    w = world()
    contact = w.talking()
    leg, call = add(w, contact)
    w.picks_up(call)
    w.media(rpc.LegLearned(LegId(leg), "127.0.0.9", 45_000))
    kept = w.house.calls.lines[contact].parties[0].leg
    assert (kept.peer_host, kept.peer_port, kept.learned) == ("127.0.0.9", 45_000, True)
    w.media(rpc.LegSilent(LegId(leg), 10_000))
    assert ("probe", call) in w.sip()
    ours = w.house.calls.lines[contact].parties[0].offer_sdp
    w.event(CallMediaChanged(call, OFFER.replace("40000", "46000"), ours))
    assert w.commands(rpc.ModifyRtp)[-1].peer_port == 46_000
    lost = w.house.calls.lines[contact].parties[0].leg
    w.house.leg_refused(lost, "port_in_use", w.now_ms)
    w.pump()
    moved = w.house.calls.lines[contact].parties[0]
    (order,) = [o for o in w.outputs if isinstance(o, ToSip) and o.action == "reoffer"]
    assert moved.leg.port != lost.port
    assert (order.call, order.paced, order.sdp) == (call, True, moved.offer_sdp)
    assert f"m=audio {moved.leg.port} " in order.sdp
    assert not w.commands(rpc.StopRecord), "the others' files go on, and its own"


def test_a_party_whose_port_is_lost_before_it_answers_is_given_up() -> None:
    w = world()
    contact = w.talking()
    _, call = add(w, contact)
    w.house.leg_refused(w.house.calls.lines[contact].parties[0].leg, "port_in_use", w.now_ms)
    w.pump()
    assert w.call_card()["parties"][0]["cause"] == "no-media"
    assert ("hangup", call) in w.sip()


def test_digits_go_to_one_end() -> None:
    w = world()
    contact = w.talking()
    leg, call = add(w, contact)
    party = w.call_card()["parties"][0]["party"]
    args = {"contact": contact, "party": party, "digits": "12#"}
    assert w.do("contact.dtmf", args).code == "not-connected"
    w.picks_up(call)
    assert w.do("contact.dtmf", args).code == ""
    assert w.do("contact.dtmf", {"contact": contact, "digits": "0"}).code == ""
    sent = [(order.leg, order.digits) for order in w.commands(rpc.SendDtmf)]
    assert sent == [(leg, "12#"), (f"caller-{contact}", "0")]
    w.event(CallMediaChanged(CallId("call-113"), OFFER.replace("8 101", "8")))
    assert w.do("contact.dtmf", {"contact": contact, "digits": "0"}).code == "no-dtmf"


def test_no_sound_of_a_seat_keyed_to_the_radio_reaches_a_party() -> None:
    w = world()
    contact = w.talking()
    leg, call = add(w, contact)
    w.picks_up(call)
    w.house.calls.keyed_seats.add(SEAT_1)
    w.house.calls.refresh(contact)
    w.house.calls.settle_plans()
    assert not [edge for edge in w.edges(f"contact/{contact}") if edge[0] == SEAT]
    assert (leg, HEADSET) in w.edges(f"contact/{contact}")
    assert SEAT_2 not in w.house.calls.keyed_seats
