"""Media plans of those who wait: none is made for a caller of whom the worker has nothing, and none is missed."""

import random
from typing import Any

import pytest

from kak_server.bridges import call_plans
from kak_server.bridges.contact_plan import contact_plan
from kak_server.bridges.house import House
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import ToMedia
from kak_server.media.plan import Plan
from kak_server.routing.api import Reach, Step
from kak_server.routing.step import RoutingCore
from tests.unit.bridges.test_room_lists import one_thing
from tests.unit.bridges.test_workflows import later, with_workflow
from tests.unit.bridges.world import CountingIds, World, settings


def test_who_only_rings_goes_through_the_workflow_without_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    w = with_workflow(Step(after_ms=5_000, reach=Reach.COUNTRY), Step(after_ms=9_000, announce="please-hold"))
    contact = w.ring()
    made: list[str] = []

    def counted(line: Line, **how: Any) -> Plan:
        made.append(line.contact)
        return contact_plan(line, **how)

    monkeypatch.setattr(call_plans, "contact_plan", counted)
    later(w, contact, 5_000)
    assert made == []
    assert f"contact/{contact}" not in w.house.ctx.desk.plans
    later(w, contact, 4_000)  # now there is something to hear
    assert set(made) == {contact}
    assert f"contact/{contact}" in w.house.ctx.desk.plans


def test_no_plan_is_missed_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    still = 0
    for seed in range(4):
        die, w = random.Random(seed), World(House(settings(), RoutingCore(), CountingIds()))
        w.configure()
        for number in range(120):
            w.pass_ms(die.choice((1, 200)))
            one_thing(w, die, number)
            core, since = w.house.ctx.core, len(w.outputs)
            still += sum(call_plans.is_still(line, core.contact(at)) for at, line in w.house.calls.lines.items())
            with monkeypatch.context() as patch:
                patch.setattr(call_plans, "is_still", lambda _line, _view: False)
                for contact in list(w.house.calls.lines):
                    w.house.calls.refresh(contact)
                w.house.ctx.settle()
                w.pump()
            assert not [output for output in w.outputs[since:] if isinstance(output, ToMedia)]
    assert still > 100
