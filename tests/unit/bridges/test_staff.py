"""Shift leads and their people in the house: what is told to whom, refused, audited, and kept over a restart."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges import reconfiguring, recovery
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Audit, Tell, Unseat
from kak_server.bridges.reconfiguring import reconfigure, tables_of
from kak_server.bridges.staff import PersonInfo
from kak_server.model.ids import CallId, OperatorId, PositionId, RoomId
from kak_server.routing.api import (
    ConfigChanged,
    Configured,
    ContactConnected,
    ContactState,
    OperatorState,
    PeopleConfig,
    ReasonConfig,
)
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallConfirmed, CallEnded, CallView, IncomingCall
from tests.unit.bridges.world import (
    KARI,
    OFFER,
    OLA,
    SEAT_1,
    SEAT_2,
    START_MS,
    CountingIds,
    World,
    routing_config,
    settings,
)

SOFIE, LARS = OperatorId("sofie"), OperatorId("lars")
LEAD_SEAT, BERGEN_1 = PositionId("oslo-2"), PositionId("bergen-1")
PEOPLE = {
    KARI: PersonInfo("Kari Nordmann"),
    OLA: PersonInfo("Ola Nordmann"),
    SOFIE: PersonInfo("Sofie Haugen", (RoomId("oslo"),)),
}
REASONS = (ReasonConfig("meal", "Måltid", "Meal"), ReasonConfig("training", "Opplæring", "Training", working=True))


def staffed(known: Mapping[OperatorId, PersonInfo] = PEOPLE, **people: Any) -> World:
    house = House(replace(settings(), people=known), RoutingCore(), CountingIds())
    made = World(house)
    house.at(made.now_ms)
    config = replace(routing_config(), people=PeopleConfig(reasons=REASONS, **people))
    house.ctx.route(Configured(START_MS, config))
    made.pump()
    return made


def told(world: World, position: PositionId, name: str) -> list[Any]:
    return [o.data for o in world.outputs if isinstance(o, Tell) and o.name == name and o.position == position]


def audited(world: World) -> list[tuple[str, str, str]]:
    return [(str(o.operator), o.action, o.subject) for o in world.outputs if isinstance(o, Audit)]


def sees(world: World, operator: OperatorId, position: PositionId) -> Any:
    return world.house.views.snapshot(operator, position)


def later(world: World, ms: int) -> None:
    """Time passes, each of the core's timers at its own time."""
    until_ms = world.now_ms + ms
    while due := min(((at, key) for key, at in world.house.ctx.core.timers().items() if at <= until_ms), default=None):
        world.now_ms = max(world.now_ms, due[0])
        world.timer(f"routing/{due[1]}")
    world.now_ms = until_ms


# --- reasons and paper work -------------------------------------------------------------------------------------------


def test_a_break_has_a_reason_of_the_list_and_a_note_of_ones_own() -> None:
    world = staffed()
    world.sit()
    args = {"activity": "break", "reason": "meal", "note": "tilbake 12:30"}
    assert world.do("activity.set", args).code == ""
    me = sees(world, KARI, SEAT_1)["me"]
    assert (me["reason"], me["note"]) == ("meal", "tilbake 12:30")
    assert world.do("activity.set", {"activity": "break", "reason": "yachting"}).code == "unknown-reason"
    assert world.do("activity.set", {"activity": "break", "reason": "x" * 201}).code == "bad-request"
    chosen = [(row["reason"], row["working_time"]) for row in sees(world, KARI, SEAT_1)["reasons"] if row["chosen"]]
    assert chosen == [("meal", False), ("training", True)]


def test_more_time_for_the_paper_work_is_shown_and_bounded() -> None:
    world = staffed(wrap_up_extension_ms=40_000)
    contact = world.talking()
    world.do("contact.hangup", {"contact": contact})
    assert world.do("wrapup.extend", {"seconds": 30}).code == ""
    me = told(world, SEAT_1, "me")[-1]
    assert (me["wrap_up_extensions"], me["wrap_up_extension_left_ms"]) == (1, 10_000)
    assert me["wrap_up_until_ms"] == world.now_ms + 40_000
    assert world.do("wrapup.extend", {"seconds": 30}).code == ""
    assert world.do("wrapup.extend", {"seconds": 1}).code == "limit"


# --- offers that ring out ---------------------------------------------------------------------------------------------


def test_who_lets_them_ring_out_is_told_and_so_is_the_lead_and_one_press_is_enough() -> None:
    world = staffed(misses=2)
    world.sit()
    world.sit(SOFIE, LEAD_SEAT)
    world.do("activity.set", {"activity": "break"})
    world.answer(world.ring(), SOFIE, LEAD_SEAT)  # the colleague is at work, and ready
    world.do("activity.set", {"activity": "available"})
    world.ring("call2")
    later(world, 30_000)
    (own,) = told(world, SEAT_1, "notice")
    assert own["code"] == "made-not-ready"
    assert "Trykk Klar" in own["text_nb"]
    assert [notice["code"] for notice in told(world, LEAD_SEAT, "notice")] == ["operator-made-not-ready"]
    assert sees(world, KARI, SEAT_1)["me"]["reason"] == "missed-offers"
    assert [n["id"] for n in sees(world, SOFIE, LEAD_SEAT)["notices"]] == ["made-not-ready-kari"]
    world.do("activity.set", {"activity": "available"})
    assert {"id": "made-not-ready"} in told(world, SEAT_1, "notice.cleared")
    assert told(world, LEAD_SEAT, "notice.cleared") == [{"id": "made-not-ready-kari"}]
    assert sees(world, SOFIE, LEAD_SEAT)["notices"] == []


def test_the_last_one_stays_ready_and_an_alarm_says_so_until_there_is_a_sign_of_life() -> None:
    world = staffed(misses=2)
    world.sit()
    world.sit(SOFIE, LEAD_SEAT, available=False)
    world.ring()
    later(world, 30_000)
    (alarm,) = told(world, LEAD_SEAT, "notice")
    assert (alarm["code"], alarm["level"]) == ("last-one-misses", "alarm")
    assert told(world, SEAT_1, "notice") == []
    assert world.house.ctx.core.operator(KARI).state is OperatorState.OFFERED  # type: ignore[union-attr]
    world.do("activity.set", {"activity": "break", "reason": "meal"})
    assert told(world, LEAD_SEAT, "notice.cleared") == [{"id": alarm["id"]}]


def test_without_a_lead_everybody_in_the_room_is_told() -> None:
    world = staffed(misses=1)
    world.sit()
    world.sit(OLA, SEAT_2, available=False)
    world.sit(LARS, BERGEN_1)
    world.ring()
    later(world, 15_000)
    assert [n["code"] for n in told(world, SEAT_2, "notice")] == ["last-one-misses"]
    assert told(world, BERGEN_1, "notice") == []
    assert [n["code"] for n in sees(world, OLA, SEAT_2)["notices"]] == ["last-one-misses"]


def test_what_holds_is_told_again_after_a_restart() -> None:
    world = staffed(misses=1)
    world.sit()
    world.sit(SOFIE, LEAD_SEAT, available=False)
    world.ring()
    later(world, 15_000)
    core = RoutingCore()
    for event in world.events:
        core.step(event)
    house = House(replace(settings(), people=PEOPLE), core, CountingIds(1_000))
    recovery.restore(house, world.records)
    recovery.resume(house, {}, world.now_ms)
    codes = [notice["code"] for notice in house.views.snapshot(SOFIE, LEAD_SEAT)["notices"]]
    assert codes == ["last-one-misses"]


# --- a shift lead's word ----------------------------------------------------------------------------------------------


def test_only_the_rooms_own_lead_may_force() -> None:
    world = staffed()
    world.sit()
    world.sit(SOFIE, LEAD_SEAT)
    world.sit(LARS, BERGEN_1)
    force = {"operator": "kari", "to": "not-ready", "reason": "training"}
    assert world.do("staff.force", force).code == "not-lead"
    assert world.do("staff.force", {**force, "operator": "lars"}, SOFIE, LEAD_SEAT).code == "not-lead"
    assert world.do("staff.force", {**force, "operator": "nobody"}, SOFIE, LEAD_SEAT).code == "unknown-operator"
    assert world.do("staff.force", {**force, "to": "dance"}, SOFIE, LEAD_SEAT).code == "bad-request"
    assert world.do("staff.force", {**force, "reason": "yachting"}, SOFIE, LEAD_SEAT).code == "unknown-reason"
    assert audited(world) == []
    assert world.do("staff.force", {**force, "note": "øvelse kl. 10"}, SOFIE, LEAD_SEAT).code == ""
    assert audited(world) == [("sofie", "operator.forced", "kari")]
    (notice,) = told(world, SEAT_1, "notice")
    assert notice["text_nb"] == "Sofie satte deg til ikke klar: øvelse kl. 10"
    me = sees(world, KARI, SEAT_1)["me"]
    assert (me["activity"], me["reason"], me["forced"]["by_name"]) == ("break", "training", "Sofie")
    world.do("activity.set", {"activity": "available"})
    assert told(world, SEAT_1, "notice.cleared") == [{"id": "forced"}]
    assert sees(world, KARI, SEAT_1)["me"]["forced"] is None


def test_a_sign_out_in_a_call_cuts_nothing_and_then_the_seat_is_empty() -> None:
    world = staffed()
    contact = world.talking()
    world.sit(SOFIE, LEAD_SEAT, available=False)
    assert world.do("staff.force", {"operator": "kari", "to": "signed-out"}, SOFIE, LEAD_SEAT).code == ""
    assert world.call_card()["contact"] == contact
    assert told(world, SEAT_1, "call.ended") == []
    (row,) = [row for row in sees(world, SOFIE, LEAD_SEAT)["staff"] if row["operator"] == "kari"]
    assert (row["leaving"], row["forced"]["waits"]) == (True, True)
    world.do("contact.hangup", {"contact": contact})
    world.do("wrapup.done", {})
    assert told(world, SEAT_1, "seat.lost") == [{"reason": "forced"}]
    assert [o for o in world.outputs if isinstance(o, Unseat)] == [Unseat(SEAT_1, KARI, "forced")]
    assert SEAT_1 not in world.house.seats.seats
    assert "seat/oslo-1" not in world.records


def test_the_leads_list_says_who_is_on_since_when_and_nobody_else_gets_it() -> None:
    world = staffed()
    world.sit()
    world.pass_ms(60_000)
    world.sit(SOFIE, LEAD_SEAT, available=False)
    world.sit(LARS, BERGEN_1)
    rows = {row["operator"]: row for row in sees(world, SOFIE, LEAD_SEAT)["staff"]}
    assert set(rows) == {"kari", "sofie"}
    assert (rows["kari"]["on_since_ms"], rows["sofie"]["on_since_ms"]) == (START_MS, START_MS + 60_000)
    assert sees(world, KARI, SEAT_1)["staff"] == []
    assert sees(world, SOFIE, LEAD_SEAT)["me"]["leads"] == ["oslo"]


# --- the change of shifts ---------------------------------------------------------------------------------------------


def test_the_next_shift_stands_by_and_has_the_seat_when_the_call_is_over() -> None:
    world = staffed()
    contact = world.talking()
    staff = world.house.staff
    assert staff.stand_by(OLA, "Ola", SEAT_1, RoomId("oslo"), {}) is None
    world.pump()
    assert world.house.staff_views.status(OLA)["state"] == "waiting"
    assert told(world, SEAT_1, "me")[-1]["hand_over"]["incoming_name"] == "Ola"
    world.do("contact.hangup", {"contact": contact})
    world.do("wrapup.done", {})
    assert told(world, SEAT_1, "seat.lost") == [{"reason": "handed-over"}]
    assert world.house.staff_views.status(OLA) == {"state": "ready", "position": SEAT_1, "hand_over": None}
    assert world.house.seats.seats[SEAT_1].operator == OLA
    assert world.records["seat/oslo-1"]["operator"] == "ola"
    assert audited(world) == [("ola", "position.hand-over", "oslo-1")] * 2
    world.sit(OLA, SEAT_1)
    world.ring("next")
    assert world.house.ctx.core.operator(OLA).state is OperatorState.OFFERED  # type: ignore[union-attr]


def test_who_goes_home_in_the_middle_of_paper_work_leaves_the_seat_to_the_next_shift() -> None:
    world = staffed()
    contact = world.talking()
    assert world.house.staff.stand_by(OLA, "Ola", SEAT_1, RoomId("oslo"), {}) is None
    world.do("contact.hangup", {"contact": contact})
    assert world.house.stand(KARI) == ""
    world.pump()
    assert world.house.staff_views.status(OLA) == {"state": "ready", "position": SEAT_1, "hand_over": None}
    assert world.house.seats.seats[SEAT_1].operator == OLA
    assert world.records["seat/oslo-1"]["operator"] == "ola"


def test_either_may_take_it_back() -> None:
    world = staffed()
    world.talking()
    staff = world.house.staff
    staff.stand_by(OLA, "Ola", SEAT_1, RoomId("oslo"), {})
    assert world.do("handover.cancel", {}).code == ""
    assert world.do("handover.cancel", {}).code == "unknown-position"
    staff.stand_by(OLA, "Ola", SEAT_1, RoomId("oslo"), {})
    staff.stop_waiting(OLA)
    assert world.house.staff_views.status(OLA)["state"] == "none"
    refused = staff.stand_by(OLA, "Ola", SEAT_2, RoomId("oslo"), {})
    assert refused is not None
    assert refused.code == "empty"


# --- loans ------------------------------------------------------------------------------------------------------------

BENT_LEAD = OperatorId("bente")
LEADS = {**PEOPLE, BENT_LEAD: PersonInfo("Bente Berg", (RoomId("bergen"),))}


def two_rooms(**people: Any) -> World:
    """Oslo with its lead Sofie and with Kari; Bergen with its lead Bente."""
    world = staffed(LEADS, **people)
    world.sit()
    world.sit(SOFIE, LEAD_SEAT, available=False)
    world.sit(BENT_LEAD, BERGEN_1, available=False)
    return world


def asks(world: World, **args: Any) -> Any:
    wanted = {"room": "bergen", "lender": "oslo", "count": 1, "minutes": 60, "note": "storm", **args}
    return world.do("loan.ask", wanted, BENT_LEAD, BERGEN_1)


def test_a_loan_from_question_to_return() -> None:
    world = two_rooms()
    loan = asks(world).result["loan"]
    (notice,) = told(world, LEAD_SEAT, "notice")
    assert notice["code"] == "loan-asked"
    assert notice["text_nb"] == "Bente (AMK Bergen) ber om å låne 1 operatør(er): storm"
    (row,) = sees(world, SOFIE, LEAD_SEAT)["loans"]
    assert (row["state"], row["room"], row["asked_by_name"]) == ("asked", "bergen", "Bente")
    assert sees(world, KARI, SEAT_1)["loans"] == []

    agree = {"loan": loan, "operators": ["kari"], "own_emergencies": True}
    assert world.do("loan.agree", agree, SOFIE, LEAD_SEAT).code == ""
    assert told(world, LEAD_SEAT, "notice.cleared") == [{"id": notice["id"]}]
    assert told(world, SEAT_1, "notice")[-1]["code"] == "loan-lent"
    me = sees(world, KARI, SEAT_1)["me"]
    assert (me["room"], me["loan"]["room"], me["loan"]["asked"]) == ("oslo", "bergen", False)
    assert "kari" in {row["operator"] for row in sees(world, BENT_LEAD, BERGEN_1)["staff"]}
    contact = world.ring("call-bergen", "1131")
    assert world.house.ctx.core.contact(contact).operator == KARI  # type: ignore[union-attr]
    world.do("contact.reject", {"contact": contact, "epoch": 1})
    world.event(CallEnded(CallId("call-bergen"), "bye"))

    later(world, 3_600_000)
    assert sees(world, SOFIE, LEAD_SEAT)["loans"] == []
    assert told(world, SEAT_1, "notice")[-1]["code"] == "loan-returned"
    assert {told(world, seat, "notice")[-1]["code"] for seat in (LEAD_SEAT, BERGEN_1)} == {"loan-over"}
    actions = [action for _, action, subject in audited(world) if subject == loan]
    assert actions == ["loan.asked", "loan.agreed", "loan.lent", "loan.returned", "loan.over"]


def test_only_the_leads_of_the_two_rooms_have_a_say() -> None:
    world = two_rooms()
    ask = {"room": "bergen", "lender": "oslo", "count": 1, "minutes": 60}
    assert world.do("loan.ask", ask).code == "not-lead"
    assert world.do("loan.ask", ask, SOFIE, LEAD_SEAT).code == "not-lead"
    assert asks(world, lender="nowhere").code == "unknown-room"
    assert asks(world, minutes=100_000).code == "bad-time"
    loan = asks(world).result["loan"]
    agree = {"loan": loan, "operators": ["kari"], "own_emergencies": True}
    assert world.do("loan.agree", agree, BENT_LEAD, BERGEN_1).code == "not-lead"
    assert world.do("loan.end", {"loan": loan}).code == "not-lead"
    assert world.do("loan.end", {"loan": "loan9"}, SOFIE, LEAD_SEAT).code == "unknown-loan"
    assert world.do("loan.end", {"loan": loan}, SOFIE, LEAD_SEAT).code == ""
    assert sees(world, BENT_LEAD, BERGEN_1)["loans"] == []


def test_the_operator_is_asked_where_the_settings_want_it() -> None:
    world = two_rooms(loan_consent=True)
    loan = asks(world).result["loan"]
    world.do("loan.agree", {"loan": loan, "operators": ["kari"], "own_emergencies": False}, SOFIE, LEAD_SEAT)
    assert told(world, SEAT_1, "notice")[-1]["code"] == "loan-consent"
    assert sees(world, KARI, SEAT_1)["me"]["loan"]["asked"]
    assert world.do("loan.answer", {"loan": loan, "yes": True}).code == ""
    assert {"id": f"loan-{loan}"} in told(world, SEAT_1, "notice.cleared")
    assert not sees(world, KARI, SEAT_1)["me"]["loan"]["asked"]
    assert world.do("loan.answer", {"loan": loan, "yes": False}).code == "not-asked"


def test_a_borrowed_operators_lead_may_force_them_too() -> None:
    world = two_rooms()
    force = {"operator": "kari", "to": "not-ready", "reason": "training"}
    assert world.do("staff.force", force, BENT_LEAD, BERGEN_1).code == "not-lead"
    loan = asks(world).result["loan"]
    world.do("loan.agree", {"loan": loan, "operators": ["kari"], "own_emergencies": True}, SOFIE, LEAD_SEAT)
    assert world.do("staff.force", force, BENT_LEAD, BERGEN_1).code == ""


# --- leaving at once, and another version -----------------------------------------------------------------------------


def test_a_call_on_hold_is_parked_for_the_next_shift() -> None:
    world = staffed()
    contact = world.talking()
    assert world.do("handover.now", {}).code == "unknown-position"
    world.house.staff.stand_by(OLA, "Ola", SEAT_1, RoomId("oslo"), {})
    assert world.do("handover.now", {}).code == "busy"
    world.event(CallConfirmed(CallId("call-113")))
    world.house.ctx.route(ContactConnected(world.now_ms, contact, 1))
    world.do("contact.hold", {"contact": contact, "on": True})
    assert world.do("handover.now", {}).code == ""
    view = world.house.ctx.core.contact(contact)
    assert view is not None
    assert view.slot is not None
    assert (view.state, view.slot.by) == (ContactState.PARKED, OLA)
    assert world.house.staff_views.status(OLA)["state"] == "ready"


def test_a_published_version_says_who_leads() -> None:
    world = staffed()
    world.sit()
    world.sit(SOFIE, LEAD_SEAT, available=False)
    people = {KARI: PersonInfo("Kari", (RoomId("oslo"),)), SOFIE: PersonInfo("Sofie")}
    tables = tables_of(replace(world.house.ctx.settings, people=people))
    reconfigure(world.house, tables, frozenset(people), ConfigChanged(world.now_ms, 2), world.now_ms)
    world.pump()
    force = {"operator": "kari", "to": "not-ready"}
    assert world.do("staff.force", force, SOFIE, LEAD_SEAT).code == "not-lead"
    assert world.do("staff.force", {**force, "operator": "sofie"}).code == ""
    assert world.house.staff.audience(RoomId("oslo")) == [SEAT_1]


def test_who_is_no_more_in_the_version_after_a_restart_is_signed_out() -> None:
    """Their console may not come back, and each call would have rung there in vain first."""
    world = staffed()
    world.sit()
    world.sit(LARS, BERGEN_1)
    contact = world.talking()
    holder = world.house.ctx.core.contact(contact)
    assert holder is not None
    core = RoutingCore()
    for event in world.events:
        core.step(event)
    house = House(replace(settings(), people={SOFIE: PEOPLE[SOFIE]}), core, CountingIds(1_000))
    recovery.restore(house, world.records)
    line = house.calls.lines[contact]
    call = CallView(line.call, "confirmed", IncomingCall(line.call, "lab", "113", line.caller, OFFER))
    recovery.resume(house, {line.call: call}, world.now_ms)
    reconfiguring.started(house)
    (left,) = house.ctx.core.operators()
    assert left.operator == holder.operator
    assert left.duty.leaving
    assert list(house.seats.seats) == [left.position]
    forced = house.views.snapshot(left.operator, left.position)["notices"]
    assert "Konfigurasjonen logger deg ut når samtalen og etterarbeidet er ferdig." in [
        row["text_nb"] for row in forced
    ]
