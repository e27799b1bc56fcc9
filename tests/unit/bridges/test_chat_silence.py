"""Chats in which nobody writes: pointed out, ended where that may be, and never where somebody waits for us."""

from dataclasses import replace

import pytest

from kak_server.bridges.brought_types import Asked, Brought
from kak_server.bridges.chat_silence import warned_ms
from kak_server.bridges.context import directory_of
from kak_server.bridges.handling import Handling
from kak_server.bridges.outputs import CancelTimer, SetTimer, StoreCall
from kak_server.model.ids import OperatorId
from kak_server.routing.api import ContactState
from tests.unit.bridges.test_brought import CHAT, accept, bring, info, says, w
from tests.unit.bridges.test_brought_moves import view_of
from tests.unit.bridges.test_recovery import after_restart, resume
from tests.unit.bridges.world import KARI, SEAT_1, World

__all__ = ["w"]  # the fixture

MINUTE = 60_000
LIMIT = 15 * MINUTE
WARNED = LIMIT - 2 * MINUTE


def timers(w: World) -> dict[str, int]:
    """Those of silence, as the shell would have them now."""
    armed: dict[str, int] = {}
    for output in w.outputs:
        if isinstance(output, SetTimer) and output.key.startswith("chat-idle/"):
            armed[output.key] = output.at_ms
        elif isinstance(output, CancelTimer):
            armed.pop(output.key, None)
    return armed


def passes(w: World, ms: int) -> None:
    """Time passes, and the timers of silence fire when they are due."""
    until_ms = w.now_ms + ms
    while True:
        due = {key: at_ms for key, at_ms in timers(w).items() if at_ms <= until_ms}
        if not due:
            break
        key = min(due, key=lambda one: due[one])
        w.now_ms = max(w.now_ms, due[key])
        w.outputs.append(CancelTimer(key))  # it has fired
        w.timer(key)
    w.now_ms = until_ms


def taken(w: World, asked: Asked = CHAT) -> Brought:
    w.sit()
    one = bring(w, asked)
    accept(w, one)
    return one


def answer(w: World, one: Brought, text: str = "Hvor lenge?") -> None:
    assert w.do("contact.say", {"contact": one.contact, "text": text}).code == ""


def card(w: World) -> tuple[int | None, int | None]:
    (shown,) = w.house.views.snapshot(KARI, SEAT_1)["cards"]
    return shown["silent_since_ms"], shown["ends_at_ms"]


def chats(w: World, operator: OperatorId = KARI) -> int:
    view = w.house.ctx.core.operator(operator)
    assert view is not None
    return len(view.chats)


def test_a_chat_without_an_answer_to_ours_is_pointed_out_and_ends(w: World) -> None:
    one = taken(w)
    answer(w, one)
    said_ms = w.now_ms
    passes(w, WARNED - 1)
    assert (card(w), info(w, one)["ends_at_ms"]) == ((None, None), None)
    passes(w, 1)
    assert card(w) == (said_ms, said_ms + LIMIT)
    assert w.told("card")[-1]["ends_at_ms"] == said_ms + LIMIT
    assert info(w, one)["ends_at_ms"] == said_ms + LIMIT, "the citizen can be told"
    passes(w, 2 * MINUTE - 1)
    assert view_of(w, one.contact).state is ContactState.CONNECTED
    passes(w, 1)
    assert (info(w, one)["state"], info(w, one)["cause"]) == ("ended", "idle")
    ended = w.told("card.ended")[-1]
    assert (ended["cause"], ended["text_en"]) == ("idle", "Nobody wrote any more")
    assert [o.values["cause"] for o in w.outputs if isinstance(o, StoreCall)] == ["idle"]
    assert (chats(w), timers(w)) == (0, {})


def test_whoever_writes_begins_the_time_anew(w: World) -> None:
    one = taken(w)
    answer(w, one)
    passes(w, WARNED + 1)
    assert card(w)[1] is not None
    answer(w, one, "Er du der?")
    assert card(w) == (None, None)
    said_ms = w.now_ms
    passes(w, WARNED)
    assert card(w) == (said_ms, said_ms + LIMIT)
    says(w, one, "Ja")
    assert card(w) == (None, None)
    passes(w, LIMIT)
    assert info(w, one)["state"] == "connected"


def test_a_message_in_between_moves_the_time_without_a_new_timer(w: World) -> None:
    one = taken(w)
    answer(w, one)
    before = len([o for o in w.outputs if isinstance(o, SetTimer) and o.key.startswith("chat-idle/")])
    for _ in range(5):
        passes(w, MINUTE)
        answer(w, one, f"{w.now_ms}")
    armed = [o for o in w.outputs if isinstance(o, SetTimer) and o.key.startswith("chat-idle/")]
    assert len(armed) == before
    passes(w, LIMIT - 1)
    assert info(w, one)["state"] == "connected"
    passes(w, 1)
    assert info(w, one)["cause"] == "idle"


def test_who_waits_for_our_answer_is_pointed_out_and_never_sent_away(w: World) -> None:
    one = taken(w)
    answer(w, one)
    says(w, one, "Tre dager")
    passes(w, 10 * LIMIT)
    assert card(w)[0] is not None
    assert card(w)[1] is None
    assert (info(w, one)["state"], timers(w)) == ("connected", {})
    answer(w, one, "Beklager ventetiden")
    passes(w, LIMIT)
    assert info(w, one)["cause"] == "idle"


def test_an_emergency_is_pointed_out_and_never_ended(w: World) -> None:
    one = taken(w, replace(CHAT, queue="113-oslo"))
    answer(w, one)
    passes(w, 10 * LIMIT)
    assert card(w)[0] is not None
    assert card(w)[1] is None
    assert view_of(w, one.contact).state is ContactState.CONNECTED


@pytest.mark.parametrize(("minutes", "ended"), [(0, False), (1, True)])
def test_each_queue_has_its_own_time(w: World, minutes: int, ended: bool) -> None:
    queues = tuple(
        replace(queue, handling=replace(Handling(), chat_idle_ms=minutes * MINUTE))
        for queue in w.house.ctx.settings.queues
    )
    directory, gazetteer = directory_of(w.house.ctx.settings), w.house.calls.gazetteer
    w.house.calls.serve(directory, gazetteer, {queue.queue: queue for queue in queues})
    one = taken(w)
    answer(w, one)
    passes(w, 60 * MINUTE)
    assert (info(w, one)["state"] == "ended") is ended
    assert warned_ms(MINUTE) == MINUTE // 2


def test_a_chat_that_waits_again_or_goes_elsewhere_is_not_silent(w: World) -> None:
    one = taken(w)
    answer(w, one)
    passes(w, WARNED)
    w.do("activity.set", {"activity": "break"})
    assert w.do("contact.transfer", {"contact": one.contact, "queue": "113-oslo"}).code == ""
    assert (timers(w), w.house.chat_silence.silent) == ({}, {})
    passes(w, 2 * LIMIT)
    assert info(w, one)["state"] == "waiting"
    w.do("activity.set", {"activity": "available"})
    accept(w, one)
    assert card(w) == (None, None), "the time begins with the operator who has it now"


def test_after_a_restart_nobody_is_sent_away_for_our_absence(w: World) -> None:
    one = taken(w)
    answer(w, one)
    w.pass_ms(3 * LIMIT)
    again = after_restart(w, w.house.ctx.settings)
    resume(again, {})
    (at_ms,) = timers(again).values()
    assert at_ms == again.now_ms
    passes(again, 0)
    assert card(again)[1] == again.now_ms + 2 * MINUTE
    says(again, one, "Jeg er her")
    passes(again, LIMIT)
    assert info(again, one)["state"] == "connected"
