"""The laws of misses, of idle times and of who is waited for alone notice a core that does otherwise."""

from collections.abc import Callable

import pytest

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api, misses
from kak_server.routing.api import PeopleConfig
from kak_server.routing.state import Operator, Turn
from kak_sim.alone_laws import AloneLaws
from kak_sim.mirror import Mirror
from kak_sim.miss_laws import MissLaws
from tests.unit.routing.desk import Desk, queue
from tests.unit.routing.test_chats_moved import come, sit

RING_MS = 15_000
After = Callable[["JudgedDesk"], None]


class JudgedDesk(Desk):
    """`found`: what the laws say. `after` the next step, before they look, the state is made another."""

    def __init__(self, *queues: api.QueueConfig, **settings: object) -> None:
        self.mirror, self.misses, self.alone = Mirror(), MissLaws(), AloneLaws()
        self.found: list[str] = []
        self.after: After | None = None
        super().__init__(*queues, **settings)

    def send(self, event: api.Event) -> tuple[api.Effect, ...]:
        effects = super().send(event)
        after, self.after = self.after, None
        if after is not None:
            after(self)
        contacts, people = self.mirror.contacts, self.mirror.operators
        self.found += self.misses.observe(effects, contacts, people, self.core)
        self.found += self.alone.observe(event, effects, self.core.state)
        self.mirror.follow(effects, self.core)
        return effects

    def row(self, who: str) -> Operator:
        return self.core.state.operators[OperatorId(who)]


def ringing(*, beside: str = "", most: int = 1) -> JudgedDesk:
    """A chat rings at Ada, beside a call or during its end; Bob is in a call of his own, and takes no chats."""
    made = JudgedDesk(queue("calls", wrap_up_ms=0), queue("chats"), people=PeopleConfig(misses=most))
    made.sit("bob", at="oslo-bob")
    made.dial("bob", "b1", "calls")
    made.joined("b1")
    sit(made, "ada")
    if beside:
        made.dial("ada", "w1", "calls")
        made.joined("w1")
    made.wait(1_000)
    come(made)
    made.wait(1_000)
    if beside == "a call that ends":
        made.hang_up("ada", "w1")
    assert made.found == []
    return made


@pytest.mark.parametrize("beside", ["", "a call", "a call that ends"])
def test_what_the_core_does_is_what_should_be(beside: str) -> None:
    made = ringing(beside=beside)
    made.wait(RING_MS)
    made.says("ada", api.Activity.AVAILABLE)
    made.wait(RING_MS * 4)
    assert made.found == []


@pytest.mark.parametrize("beside", ["a call", "a call that ends"])
def test_a_core_that_counts_chats_beside_work_is_noticed(beside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misses, "_beside_work", lambda operator, since_ms: False)
    made = ringing(beside=beside)
    made.wait(RING_MS)
    assert "ada has missed 1 in a row, and 0 rang out at somebody who was free" in made.found
    assert "ada is said to be absent after 1 of 1" in made.found


def test_a_core_that_counts_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misses, "_beside_work", lambda operator, since_ms: True)
    made = ringing()
    made.wait(RING_MS)
    assert "ada has missed 0 in a row, and 1 rang out at somebody who was free" in made.found


@pytest.mark.parametrize("beside", ["", "a call"])
def test_an_offer_that_is_not_counted_as_missed_is_noticed(beside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missed(turn: Turn, operator: Operator, since_ms: int) -> bool:
        return False

    monkeypatch.setattr(misses, "missed", missed)
    made = ringing(beside=beside)
    made.wait(RING_MS)
    assert "ada let 1 ring out and has missed 0, 0 before" in made.found


def test_who_is_taken_for_absent_too_early_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ringing(most=2)
    missed = misses.missed

    def hasty(turn: Turn, operator: Operator, since_ms: int) -> bool:
        turn.emit(api.MissesTolerated(operator.operator, operator.position, 1))
        return missed(turn, operator, since_ms)

    monkeypatch.setattr(misses, "missed", hasty)
    made.wait(RING_MS)
    assert "ada is said to be absent after 1 of 2" in made.found


def test_of_who_misses_enough_something_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is done, and where the one who is asked on is not told of."""
    told = "ada let 1 ring out in a row, 1 are the most, and nothing comes of it"
    for is_last in (True, False):
        made = ringing()
        with monkeypatch.context() as patch:
            patch.setattr(
                "kak_server.routing.misses.staff.is_last_ready", lambda state, operator, is_last=is_last: is_last
            )
            patch.setattr(Turn, "emit", _without_a_word)
            made.wait(RING_MS)
        assert told in made.found


def _without_a_word(turn: Turn, effect: api.Effect) -> None:
    if not isinstance(effect, api.MadeNotReady | api.MissesTolerated):
        turn.effects.append(effect)


@pytest.mark.parametrize("shift_ms", [-1, 1])
def test_whoever_is_said_to_be_idle_for_another_time_is_noticed(shift_ms: int) -> None:
    made = ringing(beside="a call")

    def shifted(desk: JudgedDesk) -> None:
        desk.row("ada").idle_since_ms += shift_ms

    made.after = shifted
    made.hang_up("ada", "w1")
    assert made.found == [f"ada is idle since {made.now_ms + shift_ms}, and not since {made.now_ms}"]


def test_who_is_let_go_by_a_no_to_something_else_is_noticed() -> None:
    """A caller waits through Ada's talk for her alone; she takes no chat from Bob meanwhile."""
    steps = (api.Step(strategy=api.Strategy.STICKY),)
    found = []
    for lets_go in (False, True):
        made = JudgedDesk(queue("mine", klass=api.ContactClass.NORMAL, workflow=steps), queue("chats"))
        sit(made, "bob", chats=1)
        come(made)
        made.talk("bob", "t1")
        made.says("bob", api.Activity.BREAK)
        sit(made, "ada", chats=1)
        made.ring("c1", "mine", "+47900")
        made.talk("ada", "c1")
        made.ring("c2", "mine", "+47900")
        waits = made.core.state.contacts[ContactId("c2")]
        assert waits.named == "ada"
        made.hand_to("bob", "t1", "ada")

        def let_go(desk: JudgedDesk) -> None:
            desk.core.state.contacts[ContactId("c2")].named = None

        made.after = let_go if lets_go else None
        made.reject("ada", "t1", api.INVITES + 1)
        found.append(made.found)
    assert found == [[], ["c2 waits no longer for ada, who did not take t1"]]
