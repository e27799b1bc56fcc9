"""A contact with a class of its own: above its queue's, and never below an emergency queue's."""

import pytest

from kak_server.routing import api
from kak_server.routing.api import ContactClass
from tests.unit.routing.desk import Desk, queue
from tests.unit.routing.test_workflows import come

EMERGENCY, URGENT, NORMAL = ContactClass.EMERGENCY, ContactClass.URGENT, ContactClass.NORMAL


def desk(**settings: int) -> Desk:
    return Desk(queue("113", klass=EMERGENCY), queue("q", klass=NORMAL), **settings)


@pytest.mark.parametrize("own", [NORMAL, URGENT, None])
def test_whoever_comes_to_an_emergency_queue_is_an_emergency(own: ContactClass | None) -> None:
    made = desk()
    come(made, to="113", klass=own)
    assert made.contact("c1").klass is EMERGENCY


def test_a_class_of_its_own_comes_before_the_queue_it_waits_in() -> None:
    made = desk()
    come(made)
    come(made, "c2", klass=EMERGENCY)
    assert made.line("q") == ["c2", "c1"]


def test_it_goes_along_to_another_queue_but_not_below_an_emergency_ones() -> None:
    made = desk()
    made.sit("anna")
    come(made, klass=URGENT)
    made.talk("anna", "c1")
    made.transfer("anna", "c1", "113")
    assert made.contact("c1").klass is EMERGENCY
    made.done("anna")
    made.talk("anna", "c1")
    made.transfer("anna", "c1", "q")
    assert made.contact("c1").klass is URGENT


def test_an_emergency_for_a_normal_queue_is_taken_when_all_is_full() -> None:
    made = desk(max_contacts=1)
    come(made)
    assert [effect.code for effect in come(made, "c2") if isinstance(effect, api.Refused)] == ["limit"]
    come(made, "c3", klass=EMERGENCY)
    assert made.contact("c3").klass is EMERGENCY


def test_rules_that_make_a_queue_an_emergency_one_hold_for_all_who_wait_there() -> None:
    made = desk()
    come(made, klass=URGENT)
    made.publish(queue("q", klass=EMERGENCY), apply="all")
    assert made.contact("c1").klass is EMERGENCY
