"""Calls that are parked, shared, consulted about, listened to and taken over: who hears whom, who is told what, what is
recorded, and what a kill leaves of it."""

from typing import Any

import pytest

from kak_server.bridges.commands import By
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId, OperatorId, PositionId
from kak_server.routing.api import ContactState
from tests.unit.bridges.test_callers import killed
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World, world

KARI_SEAT, OLA_SEAT, BERGEN_SEAT = "seat-oslo-1", "seat-oslo-2", "seat-bergen-1"
BERGEN_1 = PositionId("bergen-1")
PER = OperatorId("per")


def talking() -> tuple[World, ContactId]:
    """Kari talks with a citizen; Ola is there, on a break."""
    w = world()
    w.sit()
    w.sit(OLA, SEAT_2, available=False)
    return w, w.talking()


def accepts(w: World, contact: ContactId, operator: OperatorId = OLA, position: PositionId = SEAT_2) -> str:
    offer = w.house.views.snapshot(operator, position)["offer"]
    args = {"contact": contact, "epoch": offer["epoch"] if offer else 0}
    return w.do("contact.accept", args, operator, position).code


def invited(purpose: str = "consult") -> tuple[World, ContactId]:
    w, contact = talking()
    assert w.do("colleague.invite", {"contact": contact, "operator": OLA, "purpose": purpose}).code == ""
    return w, contact


def consulting() -> tuple[World, ContactId]:
    w, contact = invited()
    assert accepts(w, contact) == ""
    return w, contact


def conference() -> tuple[World, ContactId]:
    w, contact = invited("conference")
    assert accepts(w, contact) == ""
    return w, contact


def hears(w: World, contact: ContactId, sink: str) -> set[str]:
    """The sources in the mix of one end."""
    return {source for source, to in w.edges(f"contact/{contact}") if to in (sink, f"{sink}/headset")}


def plays_to(w: World, contact: ContactId, sink: str) -> list[str]:
    plan = w.house.ctx.desk.plans[f"contact/{contact}"]
    return [play.source for play in plan.plays.values() if play.sink in (sink, f"{sink}/headset")]


def recorded(w: World, contact: ContactId) -> set[str]:
    return {record.source for record in w.house.ctx.desk.plans[f"contact/{contact}"].recordings.values()}


def lead(w: World, name: str, contact: ContactId, *, operator: OperatorId = OLA, **args: Any) -> str:
    """A command of a shift lead at the second seat."""
    by = By(operator, SEAT_2, frozenset({"operator", "supervisor"}))
    outcome = w.house.command(by, name, {"contact": contact, **args}, w.now_ms)
    w.pump()
    return outcome.code


def card(w: World, operator: OperatorId = OLA, position: PositionId = SEAT_2) -> Any:
    return w.house.views.snapshot(operator, position)["call"]


# --- parked -----------------------------------------------------------------------------------------------------------


def test_a_parked_caller_hears_that_it_goes_on_and_everybody_in_the_room_sees_the_slot() -> None:
    w, contact = talking()
    assert w.do("contact.park", {"contact": contact}).result == {"slot": 1}
    caller = f"caller-{contact}"
    assert plays_to(w, contact, caller) == ["prompt:parked"]
    assert hears(w, contact, caller) == set()
    row = w.house.views.snapshot(OLA, SEAT_2)["parked"][0]
    assert (row["contact"], row["slot"], row["by_name"]) == (contact, 1, "Kari")
    assert w.told("call.ended")[-1]["cause"] == "parked"
    assert w.house.colleagues.parked_list(w.house.views.room_of(BERGEN_1)) == []


def test_another_one_takes_it_and_is_heard() -> None:
    w, contact = talking()
    w.do("contact.park", {"contact": contact})
    assert w.do("contact.unpark", {"contact": contact}, OLA, SEAT_2).code == ""
    assert w.do("contact.unpark", {"contact": contact}).code == "offer-gone"
    assert hears(w, contact, f"caller-{contact}") == {OLA_SEAT}
    assert card(w)["contact"] == contact


def test_a_parked_call_comes_back_after_a_kill_too() -> None:
    w, contact = talking()
    w.do("contact.park", {"contact": contact})
    w = killed(w)
    assert [row["contact"] for row in w.house.views.snapshot(OLA, SEAT_2)["parked"]] == [contact]
    assert plays_to(w, contact, f"caller-{contact}") == ["prompt:parked"]
    w.do("wrapup.done", {})
    w.pass_ms(60_000)
    w.timer(f"routing/park:{contact}")
    offer = w.house.views.snapshot(KARI, SEAT_1)["offer"]
    assert offer is not None
    assert offer["contact"] == contact
    assert offer["talked_with"] == "Kari"
    assert plays_to(w, contact, f"caller-{contact}") == ["prompt:please-hold"]


def test_the_slot_is_gone_with_the_caller() -> None:
    w, contact = talking()
    w.do("contact.park", {"contact": contact})
    w.ends(CallId("call-113"))
    assert w.house.views.snapshot(OLA, SEAT_2)["parked"] == []


# --- by name and by room ----------------------------------------------------------------------------------------------


def test_handed_to_a_colleague_and_back_when_they_will_not() -> None:
    w, contact = talking()
    assert w.do("contact.transfer_operator", {"contact": contact, "operator": OLA, "back": True}).code == ""
    offer = w.house.views.snapshot(OLA, SEAT_2)["offer"]
    assert (offer["contact"], offer["purpose"]) == (contact, "")
    assert offer["talked_with"] == "Kari", "the caller is not asked everything anew"
    w.do("contact.reject", {"contact": contact, "epoch": offer["epoch"]}, OLA, SEAT_2)
    assert w.house.views.snapshot(KARI, SEAT_1)["offer"]["contact"] == contact


def test_a_call_that_was_passed_on_shows_who_may_take_it_back() -> None:
    w, contact = talking()
    w.do("contact.transfer", {"contact": contact, "queue": "116117"})
    assert [row["transferred_by"] for row in w.house.views.snapshot(KARI, SEAT_1)["waiting"]] == [KARI]
    assert w.do("contact.pull_back", {"contact": contact}).code == ""
    assert hears(w, contact, f"caller-{contact}") == {KARI_SEAT}


def test_a_card_tells_the_first_answer_from_this_one_and_a_first_offer_of_nobody() -> None:
    w = world()
    w.sit()
    contact = w.ring("113")
    assert w.house.views.snapshot(KARI, SEAT_1)["offer"]["talked_with"] is None
    w.answer(contact)
    first_ms = w.call_card()["first_answered_at_ms"]
    assert first_ms == w.call_card()["answered_at_ms"]
    w.pass_ms(5_000)
    w.do("contact.park", {"contact": contact})
    w.pass_ms(5_000)
    assert w.do("contact.unpark", {"contact": contact}).code == ""
    assert w.call_card()["first_answered_at_ms"] == first_ms
    assert w.call_card()["answered_at_ms"] == first_ms + 10_000


def test_to_a_room_is_to_its_queue_of_the_same_class() -> None:
    w, contact = talking()
    assert w.do("contact.transfer_room", {"contact": contact, "room": "bergen"}).result == {"queue": "113-bergen"}
    w, contact = talking()
    assert w.do("contact.transfer_room", {"contact": contact, "room": "nowhere"}).code == "unknown-room"


# --- consulted --------------------------------------------------------------------------------------------------------


def test_the_caller_hears_nothing_of_an_invitation() -> None:
    w, contact = invited()
    offer = w.house.views.snapshot(OLA, SEAT_2)["offer"]
    assert (offer["purpose"], offer["invited_by_name"], offer["contact"]) == ("consult", "Kari", contact)
    assert w.told("offer")[-1] == offer
    assert hears(w, contact, f"caller-{contact}") == {KARI_SEAT}
    assert w.call_card()["colleagues"][0]["state"] == "invited"


def test_the_two_talk_while_the_caller_hears_music() -> None:
    w, contact = consulting()
    assert hears(w, contact, f"caller-{contact}") == set()
    assert plays_to(w, contact, f"caller-{contact}") == ["tone:hold"]
    assert hears(w, contact, KARI_SEAT) == {OLA_SEAT}
    assert hears(w, contact, OLA_SEAT) == {KARI_SEAT}
    assert recorded(w, contact) == {f"caller-{contact}", KARI_SEAT, OLA_SEAT}
    assert (card(w)["part"], card(w)["holder_name"], card(w)["consulting"]) == ("consult", "Kari", True)


def test_swapped_the_colleague_hears_music() -> None:
    w, contact = consulting()
    assert w.do("consult.swap", {"contact": contact}).code == ""
    assert hears(w, contact, KARI_SEAT) == {f"caller-{contact}"}
    assert hears(w, contact, OLA_SEAT) == set()
    assert plays_to(w, contact, OLA_SEAT) == ["tone:hold"]
    w.do("consult.swap", {"contact": contact})
    assert hears(w, contact, KARI_SEAT) == {OLA_SEAT}


def test_completed_the_caller_is_the_colleague_s() -> None:
    w, contact = consulting()
    assert w.do("consult.complete", {"contact": contact}).code == ""
    assert hears(w, contact, f"caller-{contact}") == {OLA_SEAT}
    assert hears(w, contact, OLA_SEAT) == {f"caller-{contact}"}
    assert hears(w, contact, KARI_SEAT) == set()
    assert w.told("call.ended")[-1]["text_en"] == "Left to a colleague"
    assert w.house.calls.lines[contact].last_operator == OLA
    assert (card(w)["part"], card(w)["state"]) == ("holder", "connected")
    assert w.do("contact.hangup", {"contact": contact}, OLA, SEAT_2).code == ""


def test_merged_all_three_talk() -> None:
    w, contact = consulting()
    assert w.do("consult.merge", {"contact": contact}).code == ""
    caller = f"caller-{contact}"
    assert hears(w, contact, caller) == {KARI_SEAT, OLA_SEAT}
    assert hears(w, contact, KARI_SEAT) == {caller, OLA_SEAT}
    assert hears(w, contact, OLA_SEAT) == {caller, KARI_SEAT}


@pytest.mark.parametrize("how", ["drop", "hangup", "leave", "caller", "sound"])
def test_however_it_ends_nobody_stays_with_nobody(how: str) -> None:
    w, contact = consulting()
    if how == "drop":
        w.do("colleague.drop", {"contact": contact, "operator": OLA})
    elif how in ("hangup", "leave"):
        w.do(f"contact.{how}", {"contact": contact}, OLA, SEAT_2)
    elif how == "caller":
        w.ends(CallId("call-113"))
        assert contact not in w.house.calls.lines
        return
    else:
        w.media(rpc.LegMedia(LegId(OLA_SEAT), "down"))
        w.pass_ms(5_000)
        w.timer("routing/media:ola")
    assert hears(w, contact, f"caller-{contact}") == {KARI_SEAT}
    assert card(w) is None
    assert "ola" not in str(w.call_card()["colleagues"])


# --- several together -------------------------------------------------------------------------------------------------


def test_two_operators_and_a_caller_are_three_tracks_and_hear_each_other() -> None:
    w, contact = conference()
    assert hears(w, contact, f"caller-{contact}") == {KARI_SEAT, OLA_SEAT}
    assert recorded(w, contact) == {f"caller-{contact}", KARI_SEAT, OLA_SEAT}
    assert card(w)["part"] == "member"


def test_on_hold_the_operators_confer() -> None:
    w, contact = conference()
    w.do("contact.hold", {"contact": contact, "on": True})
    assert hears(w, contact, f"caller-{contact}") == set()
    assert hears(w, contact, OLA_SEAT) == {KARI_SEAT}


@pytest.mark.parametrize("how", ["contact.hangup", "contact.leave"])
def test_the_one_who_stays_has_the_call(how: str) -> None:
    w, contact = conference()
    assert w.do(how, {"contact": contact}).code == ""
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.operator == OLA
    assert hears(w, contact, f"caller-{contact}") == {OLA_SEAT}
    assert w.do("contact.leave", {"contact": contact}, OLA, SEAT_2).code == "nobody-else"


def test_all_of_it_stands_after_a_kill() -> None:
    for make in (consulting, conference):
        w, contact = make()
        before = w.house.ctx.desk.desired()
        again = killed(w)
        assert again.house.ctx.desk.desired() == before
        assert card(again)["contact"] == contact


def test_a_colleague_takes_the_call_along_to_another_seat() -> None:
    w, contact = conference()
    w.house.at(w.now_ms)
    assert w.house.seats.sit(OLA, "Ola", BERGEN_1, {}) == ""
    w.house.seats.expect_browser(BERGEN_1)
    w.media(rpc.LegMedia(LegId(BERGEN_SEAT), "up"))
    assert hears(w, contact, f"caller-{contact}") == {KARI_SEAT, BERGEN_SEAT}
    assert BERGEN_SEAT in recorded(w, contact)
    assert w.house.calls.lines[contact].last_position == SEAT_1


# --- shift leads ------------------------------------------------------------------------------------------------------


def test_a_lead_listens_and_is_heard_by_nobody() -> None:
    w, contact = talking()
    assert lead(w, "contact.listen", contact, whisper=False) == ""
    caller = f"caller-{contact}"
    assert hears(w, contact, OLA_SEAT) == {caller, KARI_SEAT}
    assert hears(w, contact, caller) == {KARI_SEAT}
    assert hears(w, contact, KARI_SEAT) == {caller}
    assert OLA_SEAT not in recorded(w, contact), "who says nothing is not recorded"
    assert w.call_card()["colleagues"][0]["part"] == "listen"


def test_a_whisper_reaches_the_operator_alone_and_is_recorded() -> None:
    w, contact = talking()
    lead(w, "contact.listen", contact, whisper=False)
    assert lead(w, "contact.listen", contact, whisper=True) == ""
    caller = f"caller-{contact}"
    assert hears(w, contact, KARI_SEAT) == {caller, OLA_SEAT}
    assert hears(w, contact, caller) == {KARI_SEAT}
    assert OLA_SEAT in recorded(w, contact)


def test_a_lead_does_not_hear_a_caller_who_waits() -> None:
    w, contact = talking()
    lead(w, "contact.listen", contact, whisper=False)
    w.do("contact.hold", {"contact": contact, "on": True})
    assert hears(w, contact, OLA_SEAT) == {KARI_SEAT}


def test_a_lead_takes_over() -> None:
    w, contact = talking()
    assert lead(w, "contact.take_over", contact) == ""
    assert hears(w, contact, f"caller-{contact}") == {OLA_SEAT}
    assert w.told("call.ended")[-1]["cause"] == "taken-over"
    assert card(w)["part"] == "holder"


def test_others_may_not() -> None:
    w, contact = talking()
    assert w.do("contact.listen", {"contact": contact, "whisper": False}, OLA, SEAT_2).code == "not-allowed"
    assert w.do("contact.take_over", {"contact": contact}, OLA, SEAT_2).code == "not-allowed"
    w.sit(PER, BERGEN_1, available=False)
    by = By(PER, BERGEN_1, frozenset({"supervisor"}))
    assert w.house.command(by, "contact.listen", {"contact": contact, "whisper": False}, w.now_ms).code == "not-yours"
    assert lead(w, "contact.listen", ContactId("none"), whisper=False) == "unknown-contact"


def test_a_keyed_microphone_is_not_heard_in_the_call() -> None:
    w, contact = conference()
    w.house.calls.keyed_seats.add(SEAT_2)
    w.house.calls.refresh(contact)
    w.house.calls.settle_plans()
    assert hears(w, contact, f"caller-{contact}") == {KARI_SEAT}
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert view.state is ContactState.CONNECTED
