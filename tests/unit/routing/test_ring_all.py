"""Ringing several at once: whichever way the last offer goes, no further stage is waited for."""

from typing import Any

import pytest

from kak_server.model.ids import ContactId
from kak_server.routing import api
from kak_server.routing.api import Step, Strategy
from tests.unit.routing.desk import Desk, queue

RING = Step(strategy=Strategy.RING_ALL, ring_first=2, ring_max=4, ring_stage_ms=1_000)


def _gone(made: Desk) -> None:
    made.gone("c1")


def _rejected(made: Desk) -> None:
    for _ in range(2):
        made.says(made.offered_to("c1") or "", api.Activity.BREAK)


def _signed_out(made: Desk) -> None:
    for _ in range(2):
        made.leave(made.offered_to("c1") or "")


def _silent(made: Desk) -> None:
    for _ in range(2):
        made.media(f"oslo-{made.offered_to('c1')}", up=False)


def _accepted(made: Desk) -> None:
    made.talk(made.offered_to("c1") or "", "c1")


def _second_accepts(made: Desk) -> None:
    made.talk(made.core.state.contacts[ContactId("c1")].ringing[0], "c1")


def _forced_out(made: Desk) -> None:
    for _ in range(2):
        made.force(made.offered_to("c1") or "", api.ForcedTo.SIGNED_OUT)


@pytest.mark.parametrize(
    "last_offer_goes", [_gone, _rejected, _signed_out, _silent, _accepted, _second_accepts, _forced_out]
)
def test_the_next_stage_is_not_waited_for_once_the_last_offer_is_gone(last_offer_goes: Any) -> None:
    made = Desk(queue("113", workflow=(RING,), offer_timeout_ms=15_000))
    for who in ("ada", "bob"):
        made.sit(who)
    made.ring("c1")
    assert "stage:c1" in made.core.timers()
    last_offer_goes(made)
    assert "stage:c1" not in made.core.timers()
    made.wait(20_000)


def test_the_next_stage_is_not_waited_for_once_nobody_answered_in_time() -> None:
    made = Desk(queue("113", workflow=(RING,), offer_timeout_ms=500))
    made.sit("ada")
    made.ring("c1")
    made.says("ada", api.Activity.BREAK)
    assert "stage:c1" not in made.core.timers()
    made.says("ada", api.Activity.AVAILABLE)
    assert "stage:c1" in made.core.timers()
    made.wait(500)
    made.gone("c1")
    assert "stage:c1" not in made.core.timers()


def test_readers_hear_who_stands_by_also_where_nobody_else_rings() -> None:
    made = Desk(queue("113", workflow=(RING,)))
    for who in ("ada", "bob"):
        made.sit(who)
    made.ring("c1")
    made.accept("ada", "c1")
    told = made.accept("bob", "c1")
    assert made.contact("c1").standby == "bob"
    assert api.ContactChanged(ContactId("c1")) in told


def test_whoever_answers_second_has_given_a_sign_of_life() -> None:
    made = Desk(queue("113", workflow=(RING,), offer_timeout_ms=15_000))
    for who in ("ada", "bob"):
        made.sit(who)
    made.ring("c0")
    made.wait(15_000)
    missed = {who: made.operator(who).duty.misses_in_row for who in ("ada", "bob")}
    assert missed == {"ada": 1, "bob": 1}
    made.wait(1_000)  # the first stage is two at once, and again
    assert made.contact("c0").state is api.ContactState.OFFERED
    made.accept("ada", "c0")
    made.accept("bob", "c0")
    assert made.operator("bob").duty.misses_in_row == 0
