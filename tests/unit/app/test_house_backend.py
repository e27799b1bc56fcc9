"""The house as the console's shell asks for it: sessions, seats, commands, over a real journal."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from kak_server.console.models import SnapshotFields
from kak_server.console.ports import Caller, Result
from kak_server.model.ids import OperatorId, PositionId, RoomId, SessionId
from tests.unit.app.desk import Desk, Stream

AMK_1, AMK_2, LVS_1 = PositionId("amk-1"), PositionId("amk-2"), PositionId("lvs-1")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def take(
    desk: Desk, caller: Caller, position: PositionId, take_over: bool = False, epoch: int | None = None
) -> tuple[str, int]:
    result = desk.backend.take_position(caller.session, position, take_over, epoch, desk.now_ms)
    return result.code, int(result.result.get("seat_epoch", 0))


async def test_sitting_down_needs_a_session_a_seat_and_the_room(desk: Desk) -> None:
    kari = desk.sign_in("kari", "s1")
    assert take(desk, kari, LVS_1) == ("not-allowed", 0)
    assert take(desk, kari, PositionId("nowhere")) == ("unknown-position", 0)
    assert take(desk, Caller(SessionId("stranger"), OperatorId("kari"), None, None), AMK_1)[0] == "unknown-position"
    assert desk.backend.seat_of(kari.session) is None
    assert take(desk, kari, AMK_1) == ("", 1)
    assert desk.backend.seat_of(kari.session) == (AMK_1, 1)
    assert {row["position"]: row["taken_by"] for row in desk.backend.positions()} == {
        AMK_1: "Kari Nordmann",
        AMK_2: None,
        LVS_1: None,
    }


async def test_a_taken_seat_is_taken_over_only_on_purpose_and_never_from_a_call(desk: Desk) -> None:
    kari = desk.sit("kari")
    stream = Stream()
    desk.backend.subscribe(kari, stream)
    ola = desk.sign_in("ola", "s-ola")
    assert take(desk, ola, AMK_1)[0] == "taken"
    desk.ring()
    await desk.answer(kari)
    assert take(desk, ola, AMK_1, take_over=True)[0] == "taken"
    (contact,) = desk.house.calls.lines
    desk.backend.execute(kari, "contact.hangup", {"contact": contact}, desk.now_ms)
    assert take(desk, ola, AMK_1, take_over=True)[0] == ""
    assert "seat.lost" in stream.names()
    assert desk.house.seats.seats[AMK_1].operator == ola.operator


async def test_of_two_tabs_the_newer_has_the_seat_and_the_older_epoch_is_refused(desk: Desk) -> None:
    first = desk.sit("kari", session="s1")
    stream = Stream()
    desk.backend.subscribe(first, stream)
    assert take(desk, first, AMK_1) == ("", 2)
    assert stream.events[-1] == ("seat.lost", {"reason": "another-tab"})
    assert take(desk, first, AMK_1, epoch=1)[0] == "not-your-seat"
    assert take(desk, first, AMK_1, epoch=2) == ("", 2)  # a reload: nothing changes


async def test_signing_out_waits_for_the_end_of_the_call(desk: Desk) -> None:
    kari = desk.sit("kari")
    contact = desk.ring()
    await desk.answer(kari)
    assert desk.backend.session_closed(kari.session, desk.now_ms).code == "busy"
    desk.backend.execute(kari, "contact.hangup", {"contact": contact}, desk.now_ms)
    assert desk.backend.session_closed(kari.session, desk.now_ms).ok
    assert desk.house.seats.seats == {}
    assert desk.backend.seat_of(kari.session) is None


async def test_standing_up_empties_the_seat(desk: Desk) -> None:
    kari = desk.sit("kari")
    assert desk.backend.leave_position(kari, desk.now_ms).ok
    assert desk.backend.seat_of(kari.session) is None
    assert desk.house.ctx.core.operator(kari.operator) is None


async def test_commands_need_a_seat_and_come_back_with_their_code(desk: Desk) -> None:
    kari = desk.sign_in("kari", "s1")
    assert desk.backend.execute(kari, "activity.set", {"activity": "available"}, 0).code == "not-your-seat"
    seated = desk.sit("kari")
    assert desk.backend.execute(seated, "activity.set", {"activity": "asleep"}, 0).code == "bad-request"
    assert desk.backend.execute(seated, "no.such", {}, 0).code == "unknown-command"
    assert desk.backend.execute(seated, "activity.set", {"activity": "available"}, 0).ok
    assert b'kak_commands_total{code="bad-request",name="activity.set"} 1.0' in desk.backend.metrics_text()


async def test_an_offer_lasts_from_now_however_long_it_was_quiet_before(desk: Desk) -> None:
    """Inputs of the console are handled at their own time, not at that of the input before."""
    kari = desk.sit("kari")
    desk.backend.execute(kari, "activity.set", {"activity": "available"}, desk.now_ms)
    contact = desk.ring()
    desk.backend.leave_position(kari, desk.now_ms)
    desk.now_ms += 3_600_000
    desk.sit("kari")
    desk.backend.execute(kari, "activity.set", {"activity": "available"}, desk.now_ms)
    view = desk.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.offer_expires_at_ms or 0) > desk.now_ms
    assert (view.since_ms, view.arrived_at_ms) == (desk.now_ms, desk.now_ms - 3_600_000)


async def test_the_snapshot_fits_the_model(desk: Desk) -> None:
    kari = desk.sit("kari")
    desk.ring()
    await desk.answer(kari)
    server = {"name": "kak", "version": "0", "lab": True}
    shown = {**desk.backend.snapshot(kari, desk.now_ms), "now_ms": desk.now_ms, "server": server}
    told = SnapshotFields.model_validate(shown)
    assert told.call is not None
    assert told.me.name == "Kari Nordmann"


async def test_media_without_a_worker_is_refused_and_not_waited_for(desk: Desk) -> None:
    kari = desk.sit("kari")
    assert (await desk.backend.position_media(kari, {"sdp": "v=0"})).code == "media-unavailable"
    unseated = Caller(kari.session, kari.operator, None, None)
    assert (await desk.backend.position_media(unseated, {"sdp": "v=0"})).code == "not-your-seat"


async def test_a_plain_phone_in_the_lab_gets_our_address(desk: Desk) -> None:
    kari = desk.sit("kari")
    result = await desk.backend.position_media(kari, {"rtp": {"host": "127.0.0.1", "port": 40_000}})
    assert result.ok == desk.house.ctx.settings.plain_rtp_seats
    if result.ok:
        assert result.result["rtp"]["port"] == desk.house.seats.seats[AMK_1].rtp.port  # type: ignore[union-attr]


async def test_video_is_for_who_has_the_call_and_for_who_has_the_link(desk: Desk) -> None:
    kari, ola = desk.sit("kari"), desk.sit("ola", "amk-2")
    desk.ring()
    contact = await desk.answer(kari)
    url = desk.backend.execute(kari, "video.invite", {"contact": contact}, desk.now_ms).result["url"]
    token = str(url).rsplit("/", 1)[1]
    assert desk.backend.citizen_state(token, desk.now_ms).ok
    assert desk.backend.citizen_state("guess", desk.now_ms).code == "expired"
    assert (await desk.backend.citizen_media("guess", "v=0", desk.now_ms)).code == "expired"
    assert (await desk.backend.view_video(ola, contact, "v=0")).code == "not-yours"
    assert (await desk.backend.view_video(kari, contact, "v=0")).code == "media-unavailable"


async def test_readiness_says_what_is_missing(desk: Desk) -> None:
    ready, reasons = desk.backend.ready()
    assert not ready
    assert list(reasons) == ["SIP is not listening", "no media worker is attached"]
    desk.readiness.sip_listening = desk.readiness.draining = True
    assert "draining" in desk.backend.ready()[1]


async def test_sessions_and_seats_outlive_a_restart(tmp_path: Path) -> None:
    first = Desk(tmp_path)
    kari = first.sit("kari")
    gone = first.sign_in("ola", "s-ola")
    first.backend.put_session(gone.session, None)
    first.close()
    again = Desk(tmp_path)
    assert dict(again.backend.restored_sessions()) == {kari.session: {"operator": "kari"}}
    assert again.backend.seat_of(kari.session) == (AMK_1, 1)
    assert take(again, kari, AMK_1, epoch=1) == ("", 1)
    assert again.house.seats.seats[AMK_1].operator == "kari"
    again.close()


async def test_an_explanation_is_limited_to_rooms_as_statistics_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shift lead of one room may not read why another room's calls went where they went."""
    user = desk.backend.user_by_name("kari")
    assert user is not None
    caller = desk.sign_in("kari", "s1")

    async def explain(contact: str) -> Result:
        rooms = {"c-here": ["oslo"], "c-helped": ["bergen", "oslo"], "c-there": ["bergen"], "c-lost": []}[contact]
        return Result(True, {"contact": contact, "complete": True, "over": True, "steps": [], "rooms": rooms})

    monkeypatch.setattr(desk.backend._explainer, "explain", explain)
    desk.backend._by_operator[user.operator] = dataclasses.replace(
        user, rooms=(RoomId("oslo"),), roles=frozenset({"supervisor"})
    )
    assert [(await desk.backend.explanation(caller, one)).ok for one in ("c-here", "c-helped", "c-lost")] == [True] * 3
    assert (await desk.backend.explanation(caller, "c-there")).code == "forbidden"
    assert await desk.backend.explain(caller, "c-there") is None
    assert await desk.backend.explain(caller, "c-here") == []
    for role, rooms in (("supervisor", ()), ("technician", (RoomId("oslo"),)), ("admin", (RoomId("oslo"),))):
        desk.backend._by_operator[user.operator] = dataclasses.replace(user, rooms=rooms, roles=frozenset({role}))
        assert (await desk.backend.explanation(caller, "c-there")).ok


async def test_flags_of_numbers_are_in_the_audit_log_under_the_number_as_calls_bring_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks up what was done about a caller looks for one number, however it was typed; a flag that is taken
    off is on no list any more, so the row says what it was."""
    rows: list[tuple[object, ...]] = []
    monkeypatch.setattr(desk.store, "audit", lambda *row: rows.append(row))
    kari = desk.sit("kari")
    rows.clear()
    args = {"number": "91 00 00 01", "mode": "flagged", "reason": "truer", "hours": 2}
    desk.backend.execute(kari, "number.flag", args, desk.now_ms)
    desk.backend.execute(kari, "number.unflag", {"number": "004791000001"}, desk.now_ms)
    desk.backend.execute(kari, "number.unflag", {"number": "91000001"}, desk.now_ms)
    until_ms = desk.now_ms + 2 * 3_600_000
    flagged = {"number": "+4791000001", "mode": "flagged", "reason": "truer"}
    assert rows == [
        ("kari", "number.flag", "+4791000001", {**flagged, "hours": 2, "until_ms": until_ms, "code": ""}),
        ("kari", "number.unflag", "+4791000001", {**flagged, "by": "kari", "code": ""}),
        ("kari", "number.unflag", "+4791000001", {"number": "91000001", "code": "unknown-number"}),
    ]


async def test_a_silent_call_is_in_the_audit_log_with_who_marked_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[tuple[object, ...]] = []
    kari, contact = desk.sit("kari"), desk.ring()
    await desk.answer(kari)
    monkeypatch.setattr(desk.store, "audit", lambda *row: rows.append(row))
    for on in (True, False):
        desk.backend.execute(kari, "contact.silent", {"contact": contact, "on": on}, desk.now_ms)
    done = [row for row in rows if row[1] == "call.silent"]
    assert done == [("kari", "call.silent", contact, {"on": on}) for on in (True, False)]
