"""What is told of the system is in the snapshot while it holds, and is taken back when it is over."""

import pytest

from kak_server.bridges.contact_plan import caller_leg
from kak_server.bridges.journal_notices import LOST_FOR_MS
from kak_server.bridges.notices import RESTARTED_FOR_MS
from kak_server.bridges.outputs import SetTimer, TellAll
from kak_server.console.models import Notice
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, PositionId
from kak_server.sip.api import CallEnded
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World, world


@pytest.fixture
def w() -> World:
    made = world()
    made.sit()
    return made


def shown(w: World, position: PositionId = SEAT_1) -> list[str]:
    operator = KARI if position == SEAT_1 else OLA
    return [Notice.model_validate(row).code for row in w.house.views.snapshot(operator, position)["notices"]]


def silent_call(w: World) -> ContactId:
    contact = w.ring()
    w.answer(contact)
    w.media(rpc.LegSilent(caller_leg(contact), 12_000))
    return contact


def test_a_lost_media_service_is_an_alarm_until_it_answers(w: World) -> None:
    w.house.worker_lost("killed", w.now_ms)
    w.pump()
    assert shown(w) == ["media-lost"]
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.pump()
    assert shown(w) == []
    assert [o.name for o in w.outputs if isinstance(o, TellAll)] == ["notice", "notice.cleared"]


def test_a_restarted_one_is_told_of_for_a_minute(w: World) -> None:
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    assert shown(w) == ["media-restarted"]
    timers = [o for o in w.outputs if isinstance(o, SetTimer) and o.key.startswith("notice/")]
    assert [o.at_ms - w.now_ms for o in timers] == [RESTARTED_FOR_MS]
    w.pass_ms(RESTARTED_FOR_MS)
    w.timer(timers[0].key)
    assert shown(w) == []
    assert w.outputs[-1] == TellAll("notice.cleared", {"id": "media-restarted"})


def test_a_silent_caller_is_shown_where_the_call_is_until_heard_again(w: World) -> None:
    w.sit(OLA, SEAT_2)
    contact = silent_call(w)
    assert shown(w) == ["caller-silent"]
    assert shown(w, SEAT_2) == []
    w.media(rpc.LegActive(caller_leg(contact), 15_000))
    assert shown(w) == []
    assert w.told("notice.cleared") == [{"id": f"silent-{contact}"}]


@pytest.mark.parametrize("end", ["bye", "hangup", "transfer", "move"])
def test_the_notice_goes_with_the_call(w: World, end: str) -> None:
    contact = silent_call(w)
    if end == "bye":
        w.house.sip_event(CallEnded(CallId("call1"), "bye"), w.now_ms)
    elif end == "move":
        w.house.seats.sit(KARI, "Kari", SEAT_2, {})
    else:
        w.do(f"contact.{end}", {"contact": contact, "queue": "113-bergen"})
    w.pump()
    assert w.told("notice.cleared") == [{"id": f"silent-{contact}"}]
    assert w.house.ctx.notices.of(SEAT_1) == []


def test_what_was_never_told_is_not_taken_back(w: World) -> None:
    contact = w.ring()
    w.media(rpc.LegActive(caller_leg(contact), 1))
    w.timer("notice/nothing")
    assert w.told("notice.cleared") == []
    assert not [o for o in w.outputs if isinstance(o, TellAll)]


def test_a_journal_in_trouble_is_said_once_until_it_is_over_and_a_loss_for_a_while(w: World) -> None:
    w.house.ctx.notices.journal("journal-degraded")
    w.house.ctx.notices.journal("journal-degraded")
    w.house.ctx.notices.journal("journal-lost")
    w.pump()
    assert shown(w) == ["journal-degraded", "journal-lost"]
    assert [o.name for o in w.outputs if isinstance(o, TellAll)] == ["notice", "notice"]
    w.house.ctx.notices.clear("journal-degraded")
    w.pump()
    assert shown(w) == ["journal-lost"]
    (timer,) = [o for o in w.outputs if isinstance(o, SetTimer) and o.key.startswith("notice/")]
    w.pass_ms(LOST_FOR_MS)
    w.timer(timer.key)
    assert shown(w) == []
