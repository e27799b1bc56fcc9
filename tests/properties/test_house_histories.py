"""Days of the house that once ended badly, each as short as it can be told, against all laws of the house machine."""

from kak_server.bridges.contact_plan import seat_leg
from tests.properties.house_lab import SEATS
from tests.properties.test_house_machine import HouseMachine
from tests.properties.test_phone_machine import PhoneMachine
from tests.unit.bridges.world import KARI, OLA


class Day(HouseMachine):
    """One history; `laws` are looked at after every step of it."""

    def laws(self) -> None:
        """All that the machine holds true."""
        for law in self.invariants:
            law.function(self)


def day(ready: int, link: bool) -> Day:
    """The house opens."""
    made = Day()
    made.open_up(ready, link)
    made.laws()
    return made


def test_a_word_told_before_control_died_ends_no_later_watch() -> None:
    """The caller speaks while control is away; control asks again, dies, and only its successor hears of the word."""
    house = day(0, False)
    house.takes_a_call(OLA, SEATS[0], "116117")
    house.laws()
    house.socket_breaks(False)
    house.laws()
    house.control_dies_at_work(KARI, "move", "patched", 11, True)
    house.laws()
    house.worker_attaches()
    house.laws()


def test_early_media_of_one_who_is_called_in_is_no_news_after_a_restart() -> None:
    house = day(2, True)
    house.takes_a_call(KARI, SEATS[0], "113")
    house.works_with_others(KARI, "contact.conference", "110", False, 0, False)
    house.far_end(0, "early")
    house.laws()
    house.control_restarts_unnoticed()
    house.laws()


def test_a_word_of_a_browser_long_gone_gives_no_seat_its_sound() -> None:
    """It waits at the worker while control is away, and somebody else sits there by the time it is heard."""
    house = day(1, False)
    house.connects_sound(SEATS[0])
    house.sits_down(OLA, SEATS[0], False)
    house.control_restarts(0, False, False)
    house.laws()
    house.is_offered_a_call(KARI, SEATS[0], "113")
    house.laws()
    house.control_restarts(0, False, True)
    house.laws()
    house.control_restarts_unnoticed()
    house.laws()


def test_an_old_word_of_sound_is_not_that_of_the_leg_that_took_its_place() -> None:
    """Control dies before it has acknowledged that the first leg is up; its successor's census knows the second one."""
    house = day(0, False)
    house.sits_down(KARI, SEATS[0], False)
    house.connects_sound(SEATS[0])
    assert house.lab.worker is not None
    house.lab.worker.browser(seat_leg(SEATS[0]), "operator", packets=False)
    house.control_restarts(0, False, True)
    house.laws()
    assert house.lab.house.seats.seats[SEATS[0]].media != "up"


class PhoneDay(PhoneMachine, Day):
    """One with telephones."""


def test_a_restart_rings_no_phone_for_an_alarm() -> None:
    """Nobody could have answered it there: it is a card."""
    house = PhoneDay()
    house.open_up(0, True)
    house.integrator_brings(4, "radio", "116117", "")
    house.laws()
    house.control_restarts_unnoticed()
    assert not house.phones_calls("pending")
    house.laws()


def test_a_browser_in_place_of_a_plain_phone_has_no_sound_before_its_own() -> None:
    """The phone's word stood for the browser's: a caller would have been joined with somebody who hears nothing."""
    house = day(1, False)
    house.takes_a_plain_phone(SEATS[0], 45_000)
    house.laws()
    house.connects_sound(SEATS[0], packets=False)
    house.laws()
    assert house.lab.house.seats.seats[SEATS[0]].media != "up"


def test_who_leaves_after_the_call_is_told_so_once() -> None:
    """By the configuration: each restart in the middle of the call was another word of it, with another time."""
    house = day(0, False)
    house.takes_a_call(OLA, SEATS[0], "113")
    house.laws()
    house.a_version_is_published("no ola", "all", 1)
    house.laws()
    house.time_passes(1_100)
    house.control_restarts_unnoticed()
    house.laws()


def test_no_shift_lead_keeps_somebody_the_configuration_does_not_know() -> None:
    house = day(0, False)
    house.takes_a_call(KARI, SEATS[1], "113")
    house.a_version_is_published("no oslo-2", "all", 1)
    house.laws()
    house.a_lead_forces(KARI, KARI, "not-ready")
    house.laws()
    house.a_version_is_published("", "all", 1)
    house.a_lead_forces(KARI, KARI, "not-ready")
    view = house.lab.house.ctx.core.operator(KARI)
    assert view is not None
    assert not view.duty.leaving, "it is there again"


def test_who_picked_up_as_control_died_is_joined_with_the_caller() -> None:
    """The phone's record said that it talks, the core that it rings: the caller rang on, and was offered to others."""
    house = PhoneDay()
    house.open_up(0, False)
    house.laws()
    house.control_dies_at_work(OLA, "far answers", "", 2, True)
    house.laws()
    house.goes_home(KARI)
    house.laws()


def test_a_silent_call_is_pointed_out_though_its_queue_is_no_more() -> None:
    """A restart asked the queue after how long, and there was none: nobody would have been told of the caller."""
    house = day(0, False)
    house.takes_a_call(OLA, SEATS[0], "116117")
    house.laws()
    house.a_version_is_published("no 116117", "all", 1)
    house.laws()
    house.control_restarts(0, False, True)
    house.laws()
