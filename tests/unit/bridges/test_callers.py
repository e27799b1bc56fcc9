"""Callers who ring again, come in numbers, or are on the list: what the house makes of it, and keeps over a kill."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges import recovery
from kak_server.bridges.commands import By
from kak_server.bridges.context import HouseSettings
from kak_server.bridges.handling import Blocked, Handling
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Audit, CancelTimer, Note, Put, SetTimer, ToSip
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId, OperatorId
from kak_server.routing.api import Configured
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallView, Location
from tests.unit.bridges.world import KARI, SEAT_1, SEAT_2, CountingIds, World, routing_config, settings

MINUTE_MS = 60_000
PATIENT, OTHER = "+4791000001", "+4791000002"
HOME = Location(59.91, 10.75, 50.0, "cell")


def house(**handling: Any) -> World:
    """A world whose queues handle callers as said."""
    rules = settings()
    queues = tuple(replace(queue, handling=replace(Handling(), **handling)) for queue in rules.queues)
    return of_settings(replace(rules, queues=queues))


def of_settings(rules: HouseSettings) -> World:
    made = World(House(rules, RoutingCore(), CountingIds()))
    made.house.at(made.now_ms)
    made.house.ctx.route(Configured(made.now_ms, routing_config()))
    made.house.worker_attached(rpc.Census(), "boot-1", made.now_ms)
    made.pump()
    return made


def killed(w: World, held: rpc.Census | None = None) -> World:
    """The process dies; another reads the journal. Nothing that is not written survives. `held`: by the worker."""
    core = RoutingCore()
    for event in w.events:
        core.step(event)
    again = World(House(w.house.ctx.settings, core, CountingIds(10_000)), w.now_ms, records=dict(w.records))
    again.events = list(w.events)
    recovery.restore(again.house, w.records)
    calls = {
        line.call: CallView(line.call, "confirmed" if line.answered else "pending", None)
        for line in w.house.calls.lines.values()
    }
    recovery.resume(again.house, calls, again.now_ms)
    seats = [rpc.LegCensus(LegId(f"seat-{seat}"), "operator", "up") for seat in w.house.seats.seats]
    again.house.worker_attached(held or rpc.Census(legs=tuple(seats)), "boot-1", again.now_ms)
    again.pump()
    return again


def gives_up(w: World, call: str, number: str = "113", caller: str = PATIENT) -> ContactId:
    contact = w.ring(call, number, caller=caller)
    w.pass_ms(5_000)
    w.ends(CallId(call))
    return contact


def listed(w: World) -> list[Any]:
    rows: list[Any] = w.house.views_out.abandoned_list(w.house.views.room_of(SEAT_1))
    return rows


# --- redials ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [False, True])
def test_a_redial_joins_its_case_with_the_first_arrival_and_closes_the_list_s_entry(kill: bool) -> None:
    w = house()
    first_ms = w.now_ms
    first = gives_up(w, "a")
    assert [row["contact"] for row in listed(w)] == [first]
    other = w.ring("b", caller=OTHER)
    w = killed(w) if kill else w
    w.pass_ms(MINUTE_MS)
    again = w.ring("c", caller=PATIENT)
    assert listed(w) == []
    view = w.house.ctx.core.contact(again)
    assert view is not None
    assert view.first_arrived_at_ms == first_ms
    assert [row.contact for row in w.house.ctx.core.waiting(view.queue)] == [again, other]
    w.sit()
    assert w.house.views.snapshot(KARI, SEAT_1)["offer"]["repeat"] == {
        "case": first,
        "calls": 2,
        "first_arrived_at_ms": first_ms,
        "answered": False,
    }


def test_a_redial_given_up_too_is_one_entry_that_counts_both() -> None:
    w = house()
    first_ms = w.now_ms
    gives_up(w, "a")
    last = gives_up(w, "b")
    row = listed(w)[0]
    assert (len(listed(w)), row["contact"], row["calls"], row["arrived_at_ms"]) == (1, last, 2, first_ms)


def test_attempts_to_call_back_are_not_forgotten_by_a_redial() -> None:
    w = house()
    w.sit(available=False)
    first = gives_up(w, "a")
    w.do("contact.callback", {"contact": first})
    w.ends(w.dials()[-1].call, "no-answer")
    gives_up(w, "b")
    assert listed(w)[0]["attempts"] == 1


def test_who_rings_while_being_called_back_is_helped_once() -> None:
    """Both cross: the entry stays with who calls back, and goes when either call gets through."""
    w = house()
    w.sit(available=False)
    first = gives_up(w, "a")
    w.do("contact.callback", {"contact": first})
    again = w.ring("b", caller=PATIENT)
    assert [row["claimed_by"] for row in listed(w)] == [KARI]
    ola = OperatorId("ola")
    w.sit(ola, SEAT_2)
    assert w.answer(again, ola, SEAT_2).code == ""
    w.ends(w.dials()[-1].call, "busy")
    assert listed(w) == []


@pytest.mark.parametrize(
    ("handling", "wait_ms", "number", "caller"),
    [
        ({}, 11 * MINUTE_MS, "113", PATIENT),
        ({"redial_ms": 0}, 1_000, "113", PATIENT),
        ({}, 1_000, "116117", PATIENT),
        ({}, 1_000, "113", OTHER),
        ({}, 1_000, "113", ""),
    ],
    ids=["too late", "off", "another class", "another number", "no number"],
)
def test_another_call_is_another_case(handling: dict[str, Any], wait_ms: int, number: str, caller: str) -> None:
    w = house(**handling)
    gives_up(w, "a")
    w.pass_ms(wait_ms)
    again = w.ring("b", number, caller=caller)
    assert w.house.calls.lines[again].repeat is None
    assert len(listed(w)) == 1


def test_who_was_answered_has_had_a_turn() -> None:
    w = house()
    w.sit()
    first = w.ring("a", caller=PATIENT)
    w.answer(first)
    w.ends(CallId("a"))
    w.do("wrapup.done", {})
    again = w.ring("b", caller=PATIENT)
    repeat = w.house.calls.lines[again].repeat
    assert repeat is not None
    assert (repeat.case, repeat.answered, repeat.since_ms) == (first, True, 0)
    view = w.house.ctx.core.contact(again)
    assert view is not None
    assert view.first_arrived_at_ms == 0


def test_a_second_call_while_the_first_still_rings_is_the_same_case() -> None:
    """A phone that lost its network says no good-bye."""
    w = house()
    first = w.ring("a", caller=PATIENT)
    w.pass_ms(3_000)
    again = w.ring("b", caller=PATIENT)
    repeat = w.house.calls.lines[again].repeat
    assert repeat is not None
    assert repeat.case == first


def test_what_is_over_is_forgotten_in_time() -> None:
    w = house()
    for number in range(5):
        gives_up(w, f"a{number}", "116117", f"+479200000{number}")
    assert sum(key.startswith("past/") for key in w.records) == 5
    w.pass_ms(30 * MINUTE_MS)
    gives_up(w, "late", "116117", OTHER)
    assert sum(key.startswith("past/") for key in w.records) == 1


@pytest.mark.parametrize("kill", [False, True])
def test_of_two_who_call_back_one_has_it(kill: bool) -> None:
    w = house()
    ola = OperatorId("ola")
    w.sit(available=False)
    w.sit(ola, SEAT_2, available=False)
    contact = gives_up(w, "a")
    assert w.do("contact.callback", {"contact": contact}).code == ""
    w = killed(w) if kill else w
    if kill:  # the call died with the claim's call unknown to SIP: it is given back, and again one has it
        assert [row["claimed_by"] for row in listed(w)] in ([None], [KARI])
    if listed(w)[0]["claimed_by"] is None:
        assert w.do("contact.callback", {"contact": contact}).code == ""
    assert w.do("contact.callback", {"contact": contact}, ola, SEAT_2).code == "claimed"


# --- incidents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [False, True])
def test_many_from_one_spot_are_shown_as_one_incident_and_each_is_answered(kill: bool) -> None:
    w = house(surge_calls=3)
    contacts = [w.ring(f"a{n}", caller=f"+479200000{n}", locations=(HOME,)) for n in range(2)]
    gives_up(w, "gone", "113", "+4792000009")
    w = killed(w) if kill else w
    contacts.append(w.ring("a2", caller="+4792000002", locations=(HOME,)))
    lines = [w.house.calls.lines[contact] for contact in contacts]
    assert len({line.cluster for line in lines}) == 1
    assert lines[0].cluster
    w.sit()
    shown = w.house.views.snapshot(KARI, SEAT_1)
    assert [(row["incident"], row["calls"]) for row in shown["surges"]] == [(lines[0].cluster, 3)]
    assert shown["offer"]["incident"]["calls"] == 3
    assert [queue["incidents"] for queue in shown["queues"] if queue["queue"] == "113-oslo"] == [[lines[0].cluster]]
    assert [row["incident"] for row in shown["waiting"]] == [lines[0].cluster] * 3
    for contact in contacts:
        assert w.answer(contact).code == ""
        w.do("contact.hangup", {"contact": contact})
        w.do("wrapup.done", {})


def test_an_incident_ends_by_itself_and_leaves_nothing() -> None:
    w = house(surge_calls=2)
    for n in range(2):
        w.ring(f"a{n}", caller=f"+479200000{n}", locations=(HOME,))
    cluster = next(iter(w.house.callers.surge.clusters))
    timer = [o for o in w.outputs if isinstance(o, SetTimer) and o.key == f"surge/{cluster}"][-1]
    w.now_ms = timer.at_ms
    w.timer(timer.key)
    assert w.house.callers.surge.clusters == {}
    assert not any(key.startswith("surge/") for key in w.records)


# --- numbers on the list ----------------------------------------------------------------------------------------------


def flag(w: World, mode: str, number: str = "91000001") -> Any:
    by = By(KARI, SEAT_1, frozenset({"operator", "supervisor"}))
    out = w.house.command(by, "number.flag", {"number": number, "mode": mode, "reason": "tuller", "hours": 2}, w.now_ms)
    w.pump()
    return out


def test_a_flag_is_shown_and_keeps_nobody_out() -> None:
    w = house(blocked="decline")
    w.sit()
    assert flag(w, "flagged").result["number"] == PATIENT
    contact = w.ring("a", "116117", caller=PATIENT)
    assert w.house.views.snapshot(KARI, SEAT_1)["offer"]["flag"]["reason"] == "tuller"
    w.answer(contact)
    assert w.call_card()["flag"]["by_name"] == "Kari"
    assert w.do("number.unflag", {"number": PATIENT}).code == ""
    assert w.told("call")[-1]["flag"] is None


@pytest.mark.parametrize(("how", "status"), [("busy", 486), ("decline", 603)])
def test_a_blocked_number_is_turned_away_from_a_normal_queue(how: Blocked, status: int) -> None:
    w = house(blocked=how)
    w.sit()
    flag(w, "blocked")
    assert w.ring("a", "116117", caller=PATIENT) == ""
    rejected = [o for o in w.outputs if isinstance(o, ToSip) and o.action == "reject"]
    assert [o.status for o in rejected] == [status]


def test_an_emergency_is_never_blocked() -> None:
    w = house(blocked="decline")
    w.sit()
    flag(w, "blocked")
    assert w.ring("a", "113", caller=PATIENT)
    assert w.ring("b", "116117", caller=PATIENT, emergency=True)
    assert w.house.views.snapshot(KARI, SEAT_1)["offer"]["flag"]["mode"] == "blocked"


def test_a_blocked_caller_may_hear_why_and_is_hung_up() -> None:
    w = house(blocked="announce")
    w.sit()
    flag(w, "blocked")
    ports = w.house.ctx.ports.in_use
    assert w.ring("a", "116117", caller=PATIENT) == ""
    assert w.sip()[-1] == ("answer", "a")
    assert w.commands(rpc.StartPlay)[-1].source == "prompt:not-taken"
    w.timer("turned/a")
    assert w.sip()[-1] == ("hangup", "a")
    assert w.house.ctx.ports.in_use == ports
    w.ring("b", "116117", caller=PATIENT)
    w.ends(CallId("b"))
    assert w.house.ctx.ports.in_use == ports
    assert w.commands(rpc.CloseLeg)[-1].leg == "turned-b"


@pytest.mark.parametrize("code", ["port_in_use", "internal", "limit"])
def test_a_blocked_caller_who_can_be_told_nothing_is_hung_up_at_once(code: str) -> None:
    """They would hear nothing at all, for as long as the announcement is."""
    w = house(blocked="announce")
    w.sit()
    flag(w, "blocked")
    ports = w.house.ctx.ports.in_use
    w.ring("a", "116117", caller=PATIENT)
    leg = w.commands(rpc.CreateRtp)[-1]
    w.house.leg_refused(leg, code, w.now_ms)
    w.pump()
    (told,) = [o for o in w.outputs if isinstance(o, ToSip) and o.action == "hangup"]
    assert (told.call, told.reason) == ("a", "not taken, and no announcement")
    assert w.house.ctx.ports.in_use == ports
    assert not w.house.ctx.refused_legs.waiting
    assert "turned/a" not in w.house.ctx.desk.plans
    assert CancelTimer("turned/a") in w.outputs
    note = next(o for o in w.outputs if isinstance(o, Note) and o.name == "announcement_failed")
    assert (note.level, note.fields) == ("warning", {"call": "a", "code": code})
    assert not w.house.ctx.notices.everybody(), "nobody who talks is without sound"
    before = len(w.outputs)
    w.house.leg_refused(leg, code, w.now_ms)
    assert len(w.outputs) == before, "the caller is gone"


def test_a_blocked_caller_is_not_answered_while_no_worker_could_say_it() -> None:
    w = house(blocked="announce")
    w.sit()
    flag(w, "blocked")
    w.house.worker_lost("killed", w.now_ms)
    assert w.ring("a", "116117", caller=PATIENT) == ""
    rejected = [o for o in w.outputs if isinstance(o, ToSip)]
    assert [(o.action, o.status) for o in rejected] == [("reject", 486)]


def test_only_supervisors_block_and_unblock() -> None:
    w = house()
    w.sit()
    args = {"number": PATIENT, "mode": "blocked", "reason": "x", "hours": 1}
    assert w.do("number.flag", args).code == "not-allowed"
    flag(w, "blocked")
    assert w.do("number.unflag", {"number": PATIENT}).code == "not-allowed"
    assert w.do("number.flag", {**args, "mode": "flagged"}).code == "not-allowed"
    assert w.do("number.unflag", {"number": OTHER}).code == "unknown-number"


def test_a_flag_ends_by_itself_and_outlives_a_kill_until_then() -> None:
    w = house(blocked="busy")
    w.sit()
    flag(w, "blocked")
    w = killed(w)
    assert w.ring("a", "116117", caller=PATIENT) == ""
    timer = [o for o in w.outputs if isinstance(o, SetTimer) and o.key.startswith("flag/")][-1]
    assert timer.at_ms == w.now_ms + 2 * 3_600_000
    w.timer(timer.key)
    assert w.ring("b", "116117", caller=PATIENT)
    assert not any(key.startswith("flag/") for key in w.records)


# --- silence ----------------------------------------------------------------------------------------------------------


def silent_world() -> tuple[World, ContactId]:
    w = house(silent_hint_ms=10_000, silent_procedure_nb="Lytt.")
    w.sit()
    contact = w.ring("a", caller=PATIENT)
    w.answer(contact)
    return w, contact


def talk(contact: ContactId) -> rpc.LegTalk:
    return rpc.LegTalk(LegId(f"caller-{contact}"), True, -20.0, last=True)


def test_a_caller_without_a_word_is_pointed_out_and_the_first_word_takes_it_back() -> None:
    w, contact = silent_world()
    assert w.commands(rpc.WatchTalk)[-1] == rpc.WatchTalk(LegId(f"caller-{contact}"), True, once=True)
    w.pass_ms(10_000)
    w.timer(f"mute/{contact}")
    assert w.call_card()["silence"] == "hint"
    assert w.call_card()["silent_procedure"]["nb"] == "Lytt."
    assert [notice["code"] for notice in w.house.views.snapshot(KARI, SEAT_1)["notices"]] == ["silent-call"]
    w.media(talk(contact))
    assert w.call_card()["silence"] == "spoke"
    assert w.house.views.snapshot(KARI, SEAT_1)["notices"] == []
    assert len(w.commands(rpc.WatchTalk)) == 1, "it ended with the word"


@pytest.mark.parametrize(("procedure", "told"), [("Lytt.", True), ("", False)])
def test_the_notice_names_a_procedure_only_where_the_card_shows_one(procedure: str, told: bool) -> None:
    w = house(silent_hint_ms=10_000, silent_procedure_nb=procedure, silent_procedure_en=procedure)
    w.sit()
    contact = w.ring("a", caller=PATIENT)
    w.answer(contact)
    w.pass_ms(10_000)
    w.timer(f"mute/{contact}")
    (notice,) = w.house.views.snapshot(KARI, SEAT_1)["notices"]
    assert ("prosedyren" in notice["text_nb"]) is told
    assert ("procedure" in notice["text_en"]) is told


def test_listening_is_part_of_the_record_that_the_answer_waits_for() -> None:
    w, contact = silent_world()
    answer = next(n for n, o in enumerate(w.outputs) if isinstance(o, ToSip) and o.action == "answer")
    line = w.house.calls.lines[contact]
    records = [n for n, o in enumerate(w.outputs) if isinstance(o, Put) and o.key == line.key() and o.value == line]
    assert line.silence == "listening"
    assert records
    assert max(records) < answer, "nothing is written anew once the 200 has left"


def test_who_speaks_at_once_is_never_pointed_out() -> None:
    w, contact = silent_world()
    before = len(w.outputs)
    w.media(talk(contact))
    assert w.outputs[before:] == [CancelTimer(f"mute/{contact}")], "no record, no command, no card: all is as expected"
    w.timer(f"mute/{contact}")
    assert w.call_card()["silence"] == "spoke"


def held_by_the_worker(w: World, contact: ContactId, *, listening: bool) -> rpc.Census:
    desired = w.house.ctx.desk.desired()
    legs = [rpc.LegCensus(leg, "rtp", "learned", create.port, ssrc=create.ssrc) for leg, create in desired.legs.items()]
    legs += [rpc.LegCensus(leg, "operator", "up") for leg in sorted(desired.browser_legs)]
    watched = (LegId(f"caller-{contact}"),) if listening else ()
    return rpc.Census(tuple(legs), desired.mixes, (), tuple(desired.recordings), (), watched, watched)


def hints(w: World, contact: ContactId) -> bool:
    """Whether a hint comes in the time that it is given."""
    w.pass_ms(10_000)
    if any(isinstance(o, SetTimer) and o.key == f"mute/{contact}" for o in w.outputs):
        w.timer(f"mute/{contact}")
    return bool(w.call_card()["silence"] == "hint")


@pytest.mark.parametrize("listening", [True, False])
def test_after_a_kill_the_worker_knows_whether_the_caller_has_spoken(listening: bool) -> None:
    w, contact = silent_world()
    if not listening:
        w.media(talk(contact))
    again = killed(w, held_by_the_worker(w, contact, listening=listening))
    assert not again.commands(rpc.WatchTalk)
    assert hints(again, contact) is listening


@pytest.mark.parametrize(("age_ms", "hint"), [(3_000, True), (15_000, False)])
def test_where_nobody_knows_only_a_young_call_is_listened_to_anew(age_ms: int, hint: bool) -> None:
    w, contact = silent_world()
    w.media(talk(contact))
    w.pass_ms(age_ms)
    again = killed(w)
    assert (rpc.WatchTalk(LegId(f"caller-{contact}"), True, once=True) in again.commands(rpc.WatchTalk)) is hint
    assert hints(again, contact) is hint


def test_an_operator_marks_a_silent_call() -> None:
    w, contact = silent_world()
    assert w.do("contact.silent", {"contact": contact, "on": True}).code == ""
    w.media(talk(contact))
    assert w.told("call")[-1]["silence"] == "marked", "the operator has said so"
    assert w.do("contact.silent", {"contact": contact, "on": False}).code == ""
    assert w.told("call")[-1]["silence"] == "spoke"
    rows = [(o.operator, o.action, o.subject, dict(o.detail)) for o in w.outputs if isinstance(o, Audit)]
    assert rows == [(KARI, "call.silent", contact, {"on": on}) for on in (True, False)], "what is left of it afterwards"


def test_listening_goes_on_after_a_kill() -> None:
    w, contact = silent_world()
    again = killed(w)
    assert any(isinstance(o, SetTimer) and o.key == f"mute/{contact}" for o in again.outputs)
    again.timer(f"mute/{contact}")
    assert again.call_card()["silence"] == "hint"


def test_the_hint_goes_with_the_call() -> None:
    w, contact = silent_world()
    w.timer(f"mute/{contact}")
    w.ends(CallId("a"))
    assert w.house.views.snapshot(KARI, SEAT_1)["notices"] == []
