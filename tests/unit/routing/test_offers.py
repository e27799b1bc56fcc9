"""Offers: one claim wins, whatever is late is refused, the next one is asked."""

from kak_server.model.ids import ContactId, OperatorId, PositionId
from kak_server.routing.api import (
    Activity,
    CancelTimer,
    Connect,
    ContactState,
    Offer,
    OperatorState,
    ReleaseOperator,
    SetTimer,
    StartWaiting,
    TimerFired,
    WithdrawOffer,
)
from tests.unit.routing.desk import Desk, offers_in, only, queue, refused


def test_a_call_is_offered_accepted_and_connected() -> None:
    desk = Desk(queue("113", offer_timeout_ms=15_000))
    desk.sit("kari")
    rang = desk.ring("c1")
    assert only(rang, StartWaiting)[0].reason == "arrived"
    offer = Offer(ContactId("c1"), OperatorId("kari"), PositionId("oslo-kari"), 1, desk.now_ms + 15_000)
    assert only(rang, Offer) == [offer]
    assert only(rang, SetTimer) == [SetTimer("offer:c1", desk.now_ms + 15_000)]
    accepted = desk.accept("kari", "c1")
    assert only(accepted, WithdrawOffer)[0].reason == "accepted"
    assert only(accepted, CancelTimer) == [CancelTimer("offer:c1")]
    assert only(accepted, Connect) == [Connect(offer.contact, offer.operator, offer.position, 1)]
    assert only(accepted, SetTimer) == [SetTimer("connect:c1", desk.now_ms + 10_000)]
    assert (desk.contact("c1").state, desk.operator("kari").state) == (ContactState.CONNECTING, OperatorState.BUSY)
    desk.joined("c1")
    assert desk.contact("c1").state is ContactState.CONNECTED
    assert desk.contact("c1").position == "oslo-kari"
    assert desk.core.timers() == {}


def test_a_late_accept_loses_against_the_new_holder() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.sit("ola")
    desk.ring("c1")
    assert desk.offered_to("c1") == "kari"
    desk.wait(15_000)
    assert desk.offered_to("c1") == "ola"
    late = desk.accept("kari", "c1", epoch=1)
    assert refused(late) == ["offer-gone"]
    assert only(late, Connect) == []
    assert only(desk.accept("ola", "c1", epoch=2), Connect)[0].operator == "ola"


def test_two_accepts_of_one_offer_connect_once() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    desk.accept("kari", "c1", epoch=1)
    assert refused(desk.accept("kari", "c1", epoch=1)) == ["offer-gone"]
    assert len(only(desk.effects, Connect)) == 1


def test_accepting_or_rejecting_what_is_not_there_is_refused() -> None:
    desk = Desk()
    desk.sit("kari")
    assert refused(desk.accept("kari", "c9", epoch=1)) == ["offer-gone"]
    assert refused(desk.reject("nobody", "c9", epoch=1)) == ["offer-gone"]
    desk.ring("c1")
    assert refused(desk.accept("ola", "c1", epoch=1)) == ["offer-gone"]


def test_an_expired_offer_goes_to_the_next_and_is_counted() -> None:
    desk = Desk(queue("113", offer_timeout_ms=5_000))
    desk.sit("kari")
    desk.wait(10)
    desk.sit("ola")
    desk.ring("c1")
    effects = desk.wait(5_000)
    assert only(effects, WithdrawOffer)[0].reason == "expired"
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert desk.operator("kari").missed == 1
    assert desk.operator("kari").state is OperatorState.IDLE


def test_all_others_are_asked_before_the_same_one_again() -> None:
    desk = Desk()
    for who in ("ann", "ben", "cyr"):
        desk.sit(who)
    desk.ring("c1")
    asked = []
    for _ in range(7):
        who = str(desk.offered_to("c1"))
        asked.append(who)
        desk.reject(who, "c1")
    assert asked == ["ann", "ben", "cyr", "ann", "ben", "cyr", "ann"]
    assert desk.operator("ann").rejected == 3


def test_alone_in_the_room_the_same_operator_is_asked_again_at_once() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    assert offers_in(desk.reject("kari", "c1")) == [("c1", "kari", 2)]


def test_who_let_an_offer_pass_is_asked_last_for_the_next_call_too() -> None:
    desk = Desk()
    desk.sit("away")
    desk.wait(10)
    desk.sit("here")
    desk.ring("c1")
    desk.wait(15_000)
    desk.gone("c1")
    desk.ring("c2")
    assert desk.offered_to("c2") == "here"


def test_a_rejecting_operator_gets_what_is_more_urgent_first() -> None:
    from kak_server.routing.api import ContactClass

    desk = Desk(queue("113"), queue("116117", klass=ContactClass.NORMAL))
    desk.sit("kari")
    desk.ring("cold", "116117")
    desk.ring("heart", "113")
    assert desk.offered_to("cold") == "kari"
    assert offers_in(desk.reject("kari", "cold")) == [("heart", "kari", 1)]


def test_a_break_gives_the_offer_to_the_next_at_once() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.sit("ola")
    desk.ring("c1")
    effects = desk.says("kari", Activity.BREAK, "lunch")
    assert only(effects, WithdrawOffer)[0].reason == "activity"
    assert offers_in(effects) == [("c1", "ola", 2)]
    assert desk.operator("kari").missed == 0


def test_an_expiry_timer_of_an_earlier_offer_is_stale() -> None:
    desk = Desk(queue("113", offer_timeout_ms=5_000))
    desk.sit("kari")
    desk.sit("ola")
    desk.ring("c1")
    desk.wait(3_000)
    desk.reject("kari", "c1")
    early = desk.send(TimerFired(desk.now_ms + 2_000, "offer:c1"))
    assert early == (SetTimer("offer:c1", desk.now_ms + 5_000),)
    assert desk.offered_to("c1") == "ola"


def test_a_join_that_fails_puts_the_contact_at_the_head() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    desk.ring("c2")
    desk.accept("kari", "c1")
    effects = desk.join_failed("c1")
    assert only(effects, ReleaseOperator)[0].cause == "connect-failed"
    assert only(effects, StartWaiting)[0].reason == "requeued"
    assert offers_in(effects) == [("c1", "kari", 2)]
    assert desk.contact("c1").requeued


def test_a_join_that_never_ends_times_out() -> None:
    desk = Desk(connect_timeout_ms=4_000)
    desk.sit("kari")
    desk.ring("c1")
    desk.accept("kari", "c1")
    assert only(desk.wait(3_999), ReleaseOperator) == []
    assert only(desk.wait(1), ReleaseOperator)[0].cause == "connect-failed"


def test_reports_of_an_old_epoch_are_refused() -> None:
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    desk.accept("kari", "c1")
    desk.join_failed("c1")
    desk.accept("kari", "c1", epoch=2)
    assert refused(desk.joined("c1", epoch=1)) == ["offer-gone"]
    assert refused(desk.join_failed("c1", epoch=1)) == ["offer-gone"]
    assert desk.contact("c1").state is ContactState.CONNECTING
    desk.joined("c1", epoch=2)
    assert desk.joined("c1", epoch=2) == ()
    assert refused(desk.joined("c9", epoch=1)) == ["offer-gone"]


def test_an_operator_who_lost_a_call_is_asked_last_for_it() -> None:
    desk = Desk(queue("113"))
    desk.sit("kari")
    desk.ring("c1")
    desk.accept("kari", "c1")
    desk.wait(10)
    desk.sit("ola")
    assert offers_in(desk.join_failed("c1")) == [("c1", "ola", 2)]


def test_the_same_operators_accept_of_its_own_earlier_offer_is_late_too() -> None:
    """Alone in the room, asked again: the old button must not answer the new offer."""
    desk = Desk()
    desk.sit("kari")
    desk.ring("c1")
    desk.wait(15_000)
    assert (desk.offered_to("c1"), desk.contact("c1").epoch) == ("kari", 2)
    assert refused(desk.accept("kari", "c1", epoch=1)) == ["offer-gone"]
    assert refused(desk.reject("kari", "c1", epoch=1)) == ["offer-gone"]
    assert desk.offered_to("c1") == "kari"
