"""Seats and tabs: one holder, epochs never used twice, everybody who loses is named."""

from kak_server.console.seats import Claimed, Lost, Refused, Seat, Seats
from kak_server.model.ids import OperatorId, PositionId, SessionId

KARI, OLA = OperatorId("kari"), OperatorId("ola")
ONE, TWO = PositionId("oslo-1"), PositionId("oslo-2")
S1, S2, S3 = SessionId("s1"), SessionId("s2"), SessionId("s3")


def claimed(outcome: Claimed | Refused) -> Claimed:
    assert isinstance(outcome, Claimed)
    return outcome


def test_sitting_down_and_re_attaching() -> None:
    seats = Seats()
    first = claimed(seats.claim(S1, KARI, ONE, now_ms=5))
    assert first.seat == Seat(ONE, 1, S1, KARI, 5)
    assert (first.changed, first.lost, first.reattached) == ((first.seat,), (), False)
    again = claimed(seats.claim(S1, KARI, ONE, seat_epoch=1))
    assert (again.seat, again.changed, again.reattached) == (first.seat, (), True)
    assert seats.is_held(S1, ONE, 1)
    assert not seats.is_held(S1, ONE, None)
    assert not seats.is_held(S2, ONE, 1)


def test_another_tab_of_the_same_session_wins_and_the_first_is_told() -> None:
    seats = Seats()
    seats.claim(S1, KARI, ONE)
    second = claimed(seats.claim(S1, KARI, ONE))
    assert second.seat.epoch == 2
    assert second.lost == (Lost(ONE, S1, KARI, 1, "another-tab"),)
    assert seats.claim(S1, KARI, ONE, seat_epoch=1) == Refused("not-your-seat")


def test_ones_own_seat_from_a_new_sign_in_needs_no_take_over() -> None:
    seats = Seats()
    seats.claim(S1, KARI, ONE)
    second = claimed(seats.claim(S2, KARI, ONE))
    assert second.lost == (Lost(ONE, S1, KARI, 1, "another-tab"),)
    assert seats.held_by(S1) is None
    assert seats.held_by(S2) == second.seat


def test_a_colleagues_seat_needs_take_over() -> None:
    seats = Seats()
    seats.claim(S1, KARI, ONE)
    assert seats.claim(S2, OLA, ONE) == Refused("taken", KARI)
    taken = claimed(seats.claim(S2, OLA, ONE, take_over=True))
    assert taken.lost == (Lost(ONE, S1, KARI, 1, "taken-over"),)
    assert seats.claim(S1, KARI, ONE, seat_epoch=1) == Refused("not-your-seat")
    assert seats.held_by(S1) is None


def test_a_person_sits_at_one_seat_only() -> None:
    seats = Seats()
    seats.claim(S1, KARI, ONE)
    seats.claim(S2, OLA, TWO)
    moved = claimed(seats.claim(S3, KARI, TWO, take_over=True, now_ms=9))
    assert moved.changed == (Seat(ONE, 1, since_ms=9), Seat(TWO, 2, S3, KARI, 9))
    assert moved.lost == (Lost(ONE, S1, KARI, 1, "moved"), Lost(TWO, S2, OLA, 1, "taken-over"))
    assert seats.at(ONE) == Seat(ONE, 1, since_ms=9)


def test_an_epoch_is_never_used_twice_also_after_the_seat_stood_empty() -> None:
    seats = Seats()
    seats.claim(S1, KARI, ONE)
    assert seats.leave(S1, 7) == Seat(ONE, 1, since_ms=7)
    assert seats.leave(S1, 8) is None
    assert claimed(seats.claim(S2, OLA, ONE)).seat.epoch == 2


def test_an_epoch_of_a_seat_nobody_sat_at_is_refused() -> None:
    assert Seats().claim(S1, KARI, ONE, seat_epoch=1) == Refused("not-your-seat")


def test_the_journal_gives_the_same_book_back_by_records_and_as_a_whole() -> None:
    seats, replayed = Seats(), Seats()
    for outcome in (
        seats.claim(S1, KARI, ONE),
        seats.claim(S2, OLA, TWO),
        seats.claim(S3, KARI, TWO, take_over=True),
        seats.claim(S2, OLA, ONE),
    ):
        for seat in claimed(outcome).changed:
            replayed.put(seat)
    whole = Seats.restore(seats.to_json())
    for book in (replayed, whole):
        assert book.to_json() == seats.to_json()
        assert book.held_by(S3) == seats.held_by(S3)
        assert book.held_by(S1) is None
