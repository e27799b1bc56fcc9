"""Somebody of a queue or a room asked for: what the asker and those who are asked are shown."""

from typing import Any

from kak_server.model.ids import ContactId
from kak_server.routing.api import ContactState
from tests.unit.bridges.test_callers import killed
from tests.unit.bridges.test_moves import accepts, card, hears
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World, world


def talking() -> tuple[World, ContactId]:
    """Kari talks with a citizen; Ola is free."""
    w = world()
    w.sit()
    contact = w.talking()
    w.sit(OLA, SEAT_2)
    return w, contact


def seek(w: World, contact: ContactId, **where: str) -> str:
    name = "contact.consult_queue" if "queue" in where else "contact.consult_room"
    return w.do(name, {"contact": contact, **where}).code


def mine(w: World) -> Any:
    return card(w, KARI, SEAT_1)


def test_the_card_says_of_which_queue_and_who_rings_and_the_one_who_comes_is_consulted() -> None:
    w, contact = talking()
    assert seek(w, contact, queue="113-oslo") == ""
    search = mine(w)["search"]
    assert (search["queue"], search["queue_name"], search["room"], search["asked"]) == ("113-oslo", "113 Oslo", None, 1)
    assert [(row["operator"], row["state"]) for row in mine(w)["colleagues"]] == [(OLA, "invited")]
    offer = w.house.views.snapshot(OLA, SEAT_2)["offer"]
    assert (offer["purpose"], offer["invited_by_name"]) == ("consult", "Kari")
    assert accepts(w, contact) == ""
    assert (mine(w)["search"], mine(w)["state"]) == (None, "held")
    assert hears(w, contact, "seat-oslo-1") == {"seat-oslo-2"}
    assert w.do("consult.complete", {"contact": contact}).code == ""
    assert hears(w, contact, f"caller-{contact}") == {"seat-oslo-2"}


def test_when_nobody_is_left_the_asker_hears_it_and_talks_on() -> None:
    w, contact = talking()
    assert seek(w, contact, room="oslo") == ""
    offer = w.house.views.snapshot(OLA, SEAT_2)["offer"]
    assert w.do("contact.reject", {"contact": contact, "epoch": offer["epoch"]}, OLA, SEAT_2).code == ""
    (told,) = w.told("consult.nobody")
    assert told == {
        "contact": contact,
        "reason": "nobody",
        "asked": 1,
        "queue": None,
        "queue_name": None,
        "room": "oslo",
    }
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.state, view.operator) == (ContactState.CONNECTED, KARI)
    assert mine(w)["search"] is None


def test_what_is_refused_and_taken_back() -> None:
    w, contact = talking()
    assert seek(w, contact, queue="nobody's") == "unknown-queue"
    assert seek(w, contact, room="nowhere") == "unknown-room"
    assert seek(w, ContactId("other"), room="oslo") == "not-yours"
    assert seek(w, contact, queue="113-bergen") == "nobody-free"
    assert seek(w, contact, room="oslo") == ""
    assert seek(w, contact, room="oslo") == "busy"
    assert w.do("colleague.drop", {"contact": contact, "operator": OLA}).code == ""
    assert (mine(w)["search"], mine(w)["colleagues"], w.told("consult.nobody")) == (None, [], [])


def test_it_goes_on_after_a_kill() -> None:
    w, contact = talking()
    seek(w, contact, queue="113-oslo")
    w = killed(w)
    assert mine(w)["search"]["queue"] == "113-oslo"
    assert accepts(w, contact) == ""
    assert mine(w)["search"] is None
