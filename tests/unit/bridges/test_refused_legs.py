"""RTP legs that the worker could not make: another port, or the same again after a while; the pool loses nothing."""

import pytest

from kak_server.bridges.names import caller_leg, group_leg
from kak_server.bridges.outputs import ToMedia, ToRadio, ToSip
from kak_server.bridges.refused_legs import AGAIN_AFTER_MS, MOVES_MAX, SAID_FOR_MS
from kak_server.media import rpc
from kak_server.model.ids import LegId
from kak_server.sip.api import CallEnded, CallMediaChanged
from tests.unit.bridges.world import GROUP, OFFER, World, world


@pytest.fixture
def w() -> World:
    return world()


def refused(w: World, leg: LegId, code: str) -> rpc.CreateRtp:
    """The worker's answer to the newest order of this leg."""
    create = next(c for c in reversed(w.commands(rpc.CreateRtp)) if c.leg == leg)
    w.house.leg_refused(create, code, w.now_ms)
    w.pump()
    return create


def orders(w: World, leg: LegId) -> list[int]:
    return [c.port for c in w.commands(rpc.CreateRtp) if c.leg == leg]


def notices(w: World) -> list[str]:
    return [notice["code"] for notice in w.house.ctx.notices.everybody()]


def test_a_talkgroup_whose_port_is_somebody_elses_is_heard_on_another(w: World) -> None:
    """Operators would have pressed the key of a group that nobody heard, either way, until the next restart."""
    w.sit()
    w.radio_up()
    leg = group_leg(GROUP)
    in_use = w.house.ctx.ports.in_use
    w.outputs.clear()
    lost = w.house.groups.groups[GROUP].leg
    assert lost is not None
    w.house.leg_refused(lost, "port_in_use", w.now_ms)
    w.pump()
    (port,) = orders(w, leg)
    assert port != lost.port
    (told,) = [o for o in w.outputs if isinstance(o, ToRadio) and o.action == "open_leg"]
    assert (told.gssi, told.port) == (GROUP, port)
    assert w.records[f"group/{GROUP}"]["port"] == port
    assert w.house.ctx.ports.in_use == in_use
    w.house.leg_refused(lost, "port_in_use", w.now_ms)
    w.pump()
    assert orders(w, leg) == [port], "it has another already"


def test_a_worker_that_can_make_no_leg_takes_no_ports_away(w: World) -> None:
    """Without file descriptors left it refuses each port in turn: in a moment there were none for anybody."""
    w.sit()
    contact = w.ring()
    w.answer(contact)
    leg = caller_leg(contact)
    in_use, before = w.house.ctx.ports.in_use, orders(w, leg)
    w.outputs.clear()
    create = w.house.calls.lines[contact].leg
    w.house.leg_refused(create, "internal", w.now_ms)
    w.pump()
    assert orders(w, leg) == []
    assert not [o for o in w.outputs if isinstance(o, ToSip)], "the peer is asked nothing"
    assert notices(w) == ["sound-failed"]
    for _ in range(3):
        w.pass_ms(AGAIN_AFTER_MS)
        w.timer(f"leg/{leg}")
        assert refused(w, leg, "internal").port == before[-1]
    assert w.house.ctx.ports.in_use == in_use
    w.pass_ms(AGAIN_AFTER_MS)
    w.timer(f"leg/{leg}")
    assert orders(w, leg) == [before[-1]] * 4
    assert not w.house.ctx.refused_legs.waiting
    w.pass_ms(SAID_FOR_MS)
    w.timer("notice/sound-failed")
    assert notices(w) == []


def test_ports_that_are_all_somebody_elses_are_not_tried_for_ever_at_once(w: World) -> None:
    contact = w.talking()
    leg, in_use = caller_leg(contact), w.house.ctx.ports.in_use
    for _ in range(MOVES_MAX):
        refused(w, leg, "port_in_use")
    tried = orders(w, leg)
    assert len(set(tried)) == len(tried) == MOVES_MAX + 1
    refused(w, leg, "port_in_use")
    assert orders(w, leg) == tried
    assert w.house.ctx.ports.in_use == in_use
    w.pass_ms(11_000)
    w.timer(f"leg/{leg}")
    refused(w, leg, "port_in_use")
    assert len(orders(w, leg)) == len(tried) + 2, "once again, and then another port"


def test_without_a_port_left_the_callers_leg_is_ordered_again(w: World) -> None:
    """It would have been answered with nobody hearing anybody."""
    contact = w.talking()
    leg = caller_leg(contact)
    taken = []
    while (port := w.house.ctx.ports.take()) is not None:
        taken.append(port)
    create = refused(w, leg, "port_in_use")
    assert orders(w, leg) == [create.port]
    w.house.ctx.ports.free(taken[0])
    w.timer(f"leg/{leg}")
    refused(w, leg, "port_in_use")
    assert orders(w, leg)[-1] == taken[0]


def test_who_has_left_meanwhile_is_ordered_no_leg(w: World) -> None:
    contact = w.talking()
    leg = caller_leg(contact)
    create = refused(w, leg, "internal")
    w.event(CallEnded(w.house.calls.lines[contact].call, "bye"))
    assert not w.house.ctx.refused_legs.waiting
    w.timer(f"leg/{leg}")
    w.house.leg_refused(create, "internal", w.now_ms)
    w.pump()
    w.timer(f"leg/{leg}")
    assert orders(w, leg) == [create.port]
    assert not w.house.ctx.refused_legs.waiting


def test_a_census_says_what_is_missing_and_nothing_is_made_anew_beside_it(w: World) -> None:
    """The same order, with the peer it has learned meanwhile, would replace a leg that is there: a gap in the sound."""
    contact = w.talking()
    leg = caller_leg(contact)
    refused(w, leg, "internal")
    w.house.worker_attached(rpc.Census(), "boot-1", w.now_ms)
    w.pump()
    before = len(orders(w, leg))
    w.timer(f"leg/{leg}")
    assert len(orders(w, leg)) == before
    assert not w.house.ctx.refused_legs.waiting


@pytest.mark.parametrize("code", ["port_in_use", "internal"])
def test_a_peer_that_wants_nothing_gets_nothing_by_a_leg_made_anew(w: World, code: str) -> None:
    contact = w.talking()
    leg = caller_leg(contact)
    w.event(CallMediaChanged(w.house.calls.lines[contact].call, OFFER + "a=inactive\r\n"))
    w.outputs.clear()
    w.house.leg_refused(w.house.calls.lines[contact].leg, code, w.now_ms)
    w.pump()
    if code == "internal":
        w.timer(f"leg/{leg}")
    told = [c for c in w.commands(rpc.ModifyRtp) + w.commands(rpc.CreateRtp) if c.leg == leg]
    assert [getattr(c, "send", None) for c in told] == [False, None]
    order = [type(o.command) for o in w.outputs if isinstance(o, ToMedia) and getattr(o.command, "leg", "") == leg]
    assert order[-2:] == [rpc.CreateRtp, rpc.ModifyRtp]
