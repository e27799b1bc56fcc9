"""Steps of workflows at the house: what the caller hears, who is called for the caller, and what becomes of it."""

from dataclasses import replace

from kak_server.bridges.outputs import SetTimer, Tell, ToMedia, ToSip
from kak_server.bridges.unheard import HEARD_MS
from kak_server.bridges.workflows import LABEL
from kak_server.media import rpc
from kak_server.media.places import PLACES_MAX
from kak_server.model.ids import CallId, ContactId, RoomId
from kak_server.routing.api import (
    Condition,
    Configured,
    ContactState,
    OfferAccepted,
    Reach,
    RoomState,
    RoomStateSet,
    Step,
    Strategy,
)
from kak_server.sip.api import CallEnded
from tests.unit.bridges.test_recovery import after_restart, resume, sip_calls
from tests.unit.bridges.world import KARI, OLA, SEAT_1, SEAT_2, World, routing_config, world


def with_workflow(*steps: Step) -> World:
    """A house whose 113 has these steps after its own room."""
    w = world()
    config = routing_config()
    queues = tuple(replace(queue, workflow=(Step(reach=Reach.OWN), *steps)) for queue in config.queues)
    w.house.at(w.now_ms)
    w.house.ctx.route(Configured(w.now_ms, replace(config, queues=queues)))
    w.pump()
    return w


def later(w: World, contact: ContactId, ms: int) -> None:
    """The contact's step is due."""
    w.pass_ms(ms)
    w.house.timer(f"routing/step:{contact}", w.now_ms)
    w.pump()


def state_of(w: World, contact: ContactId) -> ContactState:
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    return view.state


def heard(w: World) -> set[str]:
    return {play.source for play in w.house.ctx.desk.desired().plays.values()}


def test_an_announcement_answers_the_call_and_is_heard() -> None:
    w = with_workflow(Step(after_ms=5_000, announce="please-hold"))
    contact = w.ring()
    assert any(isinstance(output, SetTimer) and "step" in output.key for output in w.outputs)
    assert not w.house.calls.lines[contact].answered
    later(w, contact, 5_000)
    assert w.house.calls.lines[contact].answered
    assert heard(w) == {"prompt:please-hold"}


def test_a_number_outside_is_called_and_the_caller_hears_it_ring() -> None:
    w = with_workflow(Step(after_ms=5_000, overflow_number="+4722000001"))
    contact = w.ring()
    later(w, contact, 5_000)
    assert state_of(w, contact) is ContactState.HANDED_OVER
    assert [dial.target for dial in w.dials()] == ["+4722000001"]
    assert heard(w) == {"tone:ringback"}
    (party,) = w.house.calls.lines[contact].parties
    assert party.label == LABEL
    w.picks_up(party.call)
    assert w.house.calls.lines[contact].parties[0].state == "answered"
    w.pass_ms(HEARD_MS)
    w.ends(party.call)
    assert w.house.ctx.core.contact(contact) is None or state_of(w, contact) is ContactState.ENDED


def test_where_nobody_answers_the_caller_comes_back_to_the_head() -> None:
    w = with_workflow(Step(after_ms=5_000, overflow_number="+4722000001"))
    contact = w.ring()
    later(w, contact, 5_000)
    (party,) = w.house.calls.lines[contact].parties
    w.ends(party.call, "no-answer", 480)
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.state, view.requeued) == (ContactState.WAITING, True)


def test_a_number_that_no_trunk_leads_to_keeps_nobody_from_waiting() -> None:
    w = with_workflow(Step(after_ms=5_000, overflow_number="+82900000"))
    contact = w.ring()
    later(w, contact, 5_000)
    assert w.dials() == []
    assert state_of(w, contact) is ContactState.WAITING


def test_after_a_restart_nobody_is_left_with_a_number_that_was_never_called() -> None:
    w = with_workflow(Step(after_ms=5_000, overflow_number="+4722000001"))
    contact = w.ring()
    later(w, contact, 5_000)
    line = w.house.calls.lines[contact]
    w.house.calls.lines[contact] = replace(line, parties=())
    w.house.workflows.recover()
    w.pump()
    assert state_of(w, contact) is ContactState.WAITING


def test_a_room_that_closes_is_told_to_the_log_and_widens_at_once() -> None:
    closed = Condition(room_states=(RoomState.CLOSED,))
    w = with_workflow(Step(after_ms=600_000, reach=Reach.COUNTRY, when=closed))
    contact = w.ring()
    w.house.ctx.route(RoomStateSet(w.now_ms, RoomId("oslo"), RoomState.CLOSED, None, "night"))
    w.pump()
    assert state_of(w, contact) is ContactState.WAITING
    assert not any(isinstance(output, ToSip) and output.action == "hangup" for output in w.outputs)


TELLS = Step(after_ms=5_000, announce="please-hold", tell_position=True)


def told(w: World, contact: ContactId) -> str:
    """What the worker is to play after the announcement."""
    return w.house.ctx.desk.desired().plays[f"told-{contact}"].then


def test_the_place_follows_the_announcement_and_is_taken_anew_each_time() -> None:
    w = with_workflow(TELLS)
    first, second = w.ring("call1"), w.ring("call2", caller="+4799999998")
    for contact in (first, second):
        later(w, contact, 5_000)
    assert (told(w, first), told(w, second)) == ("prompt:place-1", "prompt:place-2")
    w.event(CallEnded(CallId("call1"), "bye"))
    assert told(w, second) == "prompt:place-2", "what is being said is not cut off"
    before = len(w.commands(rpc.StartPlay))
    w.media(rpc.PlayEnded(f"told-{second}"))
    assert told(w, second) == "prompt:place-1"
    w.media(rpc.PlayEnded(f"told-{second}"))  # nothing has changed, and it is said again
    assert [play.then for play in w.commands(rpc.StartPlay)[before:]] == ["prompt:place-1", "prompt:place-1"]
    w.media(rpc.PlayEnded(f"told-{first}"))  # of one who has left
    assert len(w.commands(rpc.StartPlay)) == before + 2


def test_no_place_is_told_where_no_step_asks_for_it() -> None:
    w = with_workflow(Step(after_ms=5_000, announce="please-hold"))
    contact = w.ring()
    later(w, contact, 5_000)
    plays = list(w.house.ctx.desk.desired().plays.values())
    assert [(play.then, play.loop) for play in plays] == [("", True)]
    w.media(rpc.PlayEnded(plays[0].play))
    assert list(w.house.ctx.desk.desired().plays.values()) == plays


def test_many_ahead_are_not_counted() -> None:
    w = with_workflow(TELLS)
    contacts = [w.ring(f"call{number}", caller=f"+479990{number:04}") for number in range(PLACES_MAX + 1)]
    later(w, contacts[-1], 5_000)
    assert told(w, contacts[-1]) == "prompt:place-more"


def test_whoever_talks_with_an_operator_hears_no_place() -> None:
    w = with_workflow(TELLS)
    contact = w.ring()
    later(w, contact, 5_000)
    w.sit()
    assert w.answer(contact).code == ""
    assert w.house.ctx.desk.desired().plays == {}
    w.media(rpc.PlayEnded(f"told-{contact}"))
    assert w.house.ctx.desk.desired().plays == {}


def test_after_a_restart_the_announcement_goes_on_with_the_place_of_now() -> None:
    w = with_workflow(TELLS)
    first, second = w.ring("call1"), w.ring("call2", caller="+4799999998")
    for contact in (first, second):
        later(w, contact, 5_000)
    new = after_restart(w)
    resume(new, sip_calls(w))
    assert not [
        o for o in new.outputs if isinstance(o, ToMedia) and isinstance(o.command, rpc.StartPlay | rpc.StopPlay)
    ]
    assert (told(new, first), told(new, second)) == ("prompt:place-1", "prompt:place-2")
    new.event(CallEnded(CallId("call1"), "bye"))
    new.media(rpc.PlayEnded(f"told-{second}"))
    assert told(new, second) == "prompt:place-1"


def test_who_answers_second_is_told_and_stands_by() -> None:
    w = with_workflow(Step(strategy=Strategy.RING_ALL))
    for operator, seat in ((KARI, SEAT_1), (OLA, SEAT_2)):
        w.sit(operator, seat)
    contact = w.ring()
    core = w.house.ctx.core
    view = core.contact(contact)
    assert view is not None
    w.house.at(w.now_ms)
    for operator in (KARI, OLA):  # both in one turn: the first is not joined yet
        w.house.ctx.route(OfferAccepted(w.now_ms, operator, contact, view.epoch))
    w.pump()
    offers = [o.data for o in w.outputs if isinstance(o, Tell) and (o.position, o.name) == (SEAT_2, "offer")]
    assert [offer["standby"] for offer in offers] == [False, True]
    withdrawn = [
        o.data for o in w.outputs if isinstance(o, Tell) and (o.position, o.name) == (SEAT_2, "offer.withdrawn")
    ]
    assert [gone["reason"] for gone in withdrawn] == ["answered-elsewhere"]
