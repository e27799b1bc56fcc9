"""Control dies between two outputs: the journal has the first, nobody did the second. What was under way is made sure
of after the restart, and no caller is worse off."""

from collections.abc import Callable

import pytest

from kak_server.bridges import recovery
from kak_server.bridges.house import House
from kak_server.bridges.outputs import JournalEvent, Output, Put, ToSip
from kak_server.media import rpc
from kak_server.model.codec import to_json
from kak_server.model.ids import CallId
from kak_server.routing.api import ContactState
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallerIdentity, CallView, IncomingCall
from tests.unit.bridges.world import GROUP, OFFER, SEAT_1, SEAT_2, CountingIds, World, settings, world


def died_after(w: World, last: Callable[[Output], bool], calls: dict[str, str]) -> World:
    """Replay the journal up to the first output `last` accepts; `calls` are what the SIP room has, and how far."""
    core, records = RoutingCore(), {}
    for output in w.outputs:
        if isinstance(output, JournalEvent):
            core.step(output.event)
        elif isinstance(output, Put):
            records[output.key] = to_json(output.value)
        if last(output):
            break
    else:
        raise AssertionError("no such output")
    house = House(settings(), core, CountingIds(1_000))
    recovery.restore(house, records)
    new = World(house, w.now_ms, records=records)
    views = {
        CallId(call): CallView(
            CallId(call),
            state,  # type: ignore[arg-type]
            IncomingCall(CallId(call), "lab", "113", CallerIdentity("+4799999999"), OFFER),
        )
        for call, state in calls.items()
    }
    recovery.resume(house, views, new.now_ms)
    new.pump()
    return new


def event(name: str) -> Callable[[Output], bool]:
    return lambda output: isinstance(output, JournalEvent) and type(output.event).__name__ == name


def line_put(output: Output) -> bool:
    return isinstance(output, Put) and output.key.startswith("line/")


@pytest.fixture
def w() -> World:
    return world()


def state_of(w: World) -> ContactState:
    (view,) = w.house.ctx.core.contacts()
    return view.state


def test_noted_but_not_queued(w: World) -> None:
    w.ring()
    new = died_after(w, line_put, {"call1": "pending"})
    assert state_of(new) is ContactState.WAITING
    assert new.sip() == [("ring", "call1")]


def test_queued_but_not_rung(w: World) -> None:
    w.ring()
    new = died_after(w, event("ContactArrived"), {"call1": "pending"})
    assert new.sip() == [("ring", "call1")]


def test_queued_but_not_answered_early(w: World) -> None:
    w.ring(number="116117")
    new = died_after(w, event("ContactArrived"), {"call1": "pending"})
    assert new.sip()[-1] == ("answer", "call1")
    (line,) = new.house.calls.lines.values()
    assert line.answered
    assert [play.source for play in new.house.ctx.desk.desired().plays.values()] == ["prompt:queue-welcome"]


def test_accepted_but_not_answered(w: World) -> None:
    """The operator pressed the key; the caller must get through all the same."""
    w.sit()
    contact = w.ring()
    w.answer(contact)
    new = died_after(w, event("OfferAccepted"), {"call1": "pending"})
    assert ("answer", "call1") in new.sip()
    assert state_of(new) is ContactState.CONNECTED
    assert len(new.edges(f"contact/{contact}")) == 2


def test_hung_up_but_not_told(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.do("contact.hangup", {"contact": contact})
    new = died_after(w, event("HangUp"), {"call1": "confirmed"})
    assert new.sip() == [("hangup", "call1")]
    assert new.house.calls.lines == {}
    assert new.house.ctx.ports.in_use == 0


def test_transferred_but_the_patch_was_not_taken_back(w: World) -> None:
    w.radio_up()
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.do("contact.patch", {"contact": contact, "gssi": GROUP, "confirmed": True, "owner_ok": True})
    w.do("contact.transfer", {"contact": contact, "queue": "113-bergen"})
    new = died_after(w, event("TransferToQueue"), {"call1": "confirmed"})
    assert "remove_patch" in new.radio_commands()
    (line,) = new.house.calls.lines.values()
    assert line.patch is None
    assert [play.source for play in new.house.ctx.desk.desired().plays.values()] == ["prompt:please-hold"]


def test_transferred_but_the_viewer_was_not_closed(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    w.do("video.invite", {"contact": contact})
    w.house.videos.watch(SEAT_1, contact)
    w.pump()
    w.do("contact.transfer", {"contact": contact, "queue": "113-bergen"})
    new = died_after(w, event("TransferToQueue"), {"call1": "confirmed"})
    assert new.house.videos.viewers == {}
    assert f"view-{SEAT_1}" not in new.house.ctx.desk.desired().browser_legs


def test_seated_but_not_noted(w: World) -> None:
    w.sit(available=False)
    new = died_after(w, event("OperatorSignedIn"), {})
    assert new.house.seats.seats[SEAT_1].media == "none"
    assert new.house.seats.expect_browser(SEAT_1)


def test_moved_but_the_old_seat_was_not_left(w: World) -> None:
    w.sit()
    contact = w.ring()
    w.answer(contact)
    start = len(w.outputs)
    w.house.seats.sit(next(iter(w.house.ctx.core.operators())).operator, "Kari", SEAT_2, {})
    w.pump()
    moved = w.outputs[start]
    assert event("OperatorSignedIn")(moved)
    new = died_after(w, lambda output: output is moved, {"call1": "confirmed"})
    assert set(new.house.seats.seats) == {SEAT_2}
    sources = {record.source for record in new.house.ctx.desk.desired().recordings.values()}
    assert sources == {f"caller-{contact}", f"seat-{SEAT_2}"}
    assert not {str(r) for r in new.house.ctx.desk.desired().recordings} & {
        c.recording for c in w.commands(rpc.StartRecord) if c.source == f"seat-{SEAT_1}"
    }


def test_a_call_that_is_gone_is_not_answered_again(w: World) -> None:
    w.ring(number="116117")
    new = died_after(w, lambda output: isinstance(output, ToSip), {})
    assert new.sip() == [("hangup", "call1")]
    assert new.house.calls.lines == {}
