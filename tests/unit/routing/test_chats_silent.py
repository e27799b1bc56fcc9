"""Chats in which nobody writes any more end, if they may."""

import pytest

from kak_server.model.ids import ContactId, QueueId
from kak_server.routing import api
from kak_server.routing.api import ContactClass, ContactState
from tests.unit.routing.desk import Desk, only, queue, refused
from tests.unit.routing.test_chats_moved import chats_of, sit

NORMAL = ContactClass.NORMAL


def taken(kind: api.ContactKind = api.ContactKind.CHAT, klass: ContactClass = NORMAL) -> Desk:
    made = Desk(queue("chats", klass=klass), queue("calls", klass=NORMAL))
    sit(made, "ada", chats=1)
    made.send(api.ContactArrived(made.now_ms, ContactId("t1"), QueueId("chats"), kind=kind))
    made.accept("ada", "t1")
    made.joined("t1")
    return made


def test_it_ends_and_its_place_is_free_for_the_next() -> None:
    made = taken()
    made.send(api.ContactArrived(made.now_ms, ContactId("t2"), QueueId("chats"), kind=api.ContactKind.CHAT))
    assert made.offered_to("t2") is None, "one at a time"
    effects = made.falls_silent("t1")
    assert [(release.operator, release.cause) for release in only(effects, api.ReleaseOperator)] == [("ada", "idle")]
    assert [end.cause for end in only(effects, api.EndContact)] == ["idle"]
    assert made.offered_to("t2") == "ada"
    assert chats_of(made, "ada") == []
    made.crash_and_replay()


def test_it_leaves_a_call_beside_it_alone() -> None:
    made = taken()
    made.ring("c1", "calls")
    made.talk("ada", "c1")
    made.falls_silent("t1")
    assert (made.operator("ada").contact, made.operator("ada").state) == ("c1", api.OperatorState.BUSY)


@pytest.mark.parametrize(
    ("kind", "klass", "code"),
    [
        (api.ContactKind.VOICE, NORMAL, "not-a-chat"),
        (api.ContactKind.ALARM, NORMAL, "not-a-chat"),
        (api.ContactKind.CHAT, ContactClass.EMERGENCY, "emergency"),
    ],
)
def test_nothing_else_ends_by_itself(kind: api.ContactKind, klass: ContactClass, code: str) -> None:
    made = taken(kind, klass)
    assert refused(made.falls_silent("t1")) == [code]
    view = made.core.contact(ContactId("t1"))
    assert view is not None
    assert view.state is ContactState.CONNECTED


def test_who_waits_for_somebody_is_not_silent() -> None:
    made = Desk(queue("chats", klass=NORMAL))
    made.send(api.ContactArrived(made.now_ms, ContactId("t1"), QueueId("chats"), kind=api.ContactKind.CHAT))
    assert refused(made.falls_silent("t1")) == ["busy"]
    sit(made, "ada")
    assert refused(made.falls_silent("t1")) == ["busy"], "on offer"


def test_one_that_is_over_is_over() -> None:
    made = taken()
    made.gone("t1")
    assert made.falls_silent("t1") == ()
