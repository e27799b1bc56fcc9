"""Who is taken for absent after offers that rang out, and who is not because a queue would be left with nobody.

What counts is told from what readers knew: an offer that nobody took in time counts as missed; it counts towards
absence too, but for a chat's at somebody who was in a call, an alarm or the like, or not ready, at any time since it
began to ring. Who stands in for whom is said from the rows alone, after the step: whoever was made not ready leaves
somebody behind for each queue of the room that they served; whoever was not is the only one for one of them. Where
enough have rung out one of the two comes of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.state import Operator, State
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView
from kak_sim.idle_laws import IdleLaws
from kak_sim.step_oracle import serves, staff


class MissLaws:
    """Feed it every step, with contacts and people as readers knew them before it."""

    def __init__(self) -> None:
        self._rings: dict[ContactId, dict[int, int]] = {}  # by epoch, since when
        self._idle = IdleLaws()

    def observe(
        self,
        effects: tuple[api.Effect, ...],
        contacts: Mapping[ContactId, ContactView],
        people: Mapping[OperatorId, OperatorView],
        core: RoutingCore,
    ) -> Iterator[str]:
        """What the step broke."""
        silent: Counter[OperatorId] = Counter()
        absent: Counter[OperatorId] = Counter()
        for effect in effects:
            if isinstance(effect, api.WithdrawOffer) and effect.reason == "expired":
                silent[effect.operator] += 1
                absent[effect.operator] += not self._beside_work(effect, contacts, people)
        for effect in effects:
            if isinstance(effect, api.OperatorChanged):
                yield from self._counted(effect.operator, silent, absent, people, core)
            elif isinstance(effect, api.MadeNotReady | api.MissesTolerated):
                yield from _reached(effect, absent, core)
        self._remember(effects, core)
        yield from self._idle.observe(effects, contacts, people, core)
        yield from _stand_in(effects, core.state)
        yield from _overdue(effects, absent, people, core)

    def _beside_work(
        self,
        silence: api.WithdrawOffer,
        contacts: Mapping[ContactId, ContactView],
        people: Mapping[OperatorId, OperatorView],
    ) -> bool:
        chat, who = contacts.get(silence.contact), people.get(silence.operator)
        if chat is None or chat.kind is not api.ContactKind.CHAT or who is None:
            return False
        since_ms = self._rings[silence.contact][silence.epoch]
        return who.state is api.OperatorState.BUSY or self._idle.since[who.operator] > since_ms

    def _counted(
        self,
        name: OperatorId,
        silent: Mapping[OperatorId, int],
        absent: Mapping[OperatorId, int],
        people: Mapping[OperatorId, OperatorView],
        core: RoutingCore,
    ) -> Iterator[str]:
        """Each once; nothing but that lets the counts grow."""
        before, after = people.get(name), core.operator(name)
        if before is None or after is None or before.duty.on_since_ms != after.duty.on_since_ms:
            return
        if after.missed != before.missed + silent.get(name, 0):
            yield f"{name} let {silent.get(name, 0)} ring out and has missed {after.missed}, {before.missed} before"
        wanted = before.duty.misses_in_row + absent.get(name, 0)
        said = after.duty.misses_in_row
        if said != wanted and (said or silent.get(name, 0)):
            yield f"{name} has missed {said} in a row, and {wanted} rang out at somebody who was free"

    def _remember(self, effects: tuple[api.Effect, ...], core: RoutingCore) -> None:
        for effect in effects:
            if isinstance(effect, api.Offer):
                self._rings.setdefault(effect.contact, {}).setdefault(effect.epoch, core.now_ms)
            elif isinstance(effect, api.EndContact):
                self._rings.pop(effect.contact, None)


def _reached(
    effect: api.MadeNotReady | api.MissesTolerated, absent: Mapping[OperatorId, int], core: RoutingCore
) -> Iterator[str]:
    """Said of somebody at whom one more rang out that counts, and only where that makes enough."""
    most = core.people_config.misses
    if not absent.get(effect.operator) or not most or effect.misses < most:
        yield f"{effect.operator} is said to be absent after {effect.misses} of {most}"


def _stand_in(effects: tuple[api.Effect, ...], state: State) -> Iterator[str]:
    """Loans that end in the same step change who is there."""
    if any(isinstance(effect, api.LoanChanged) for effect in effects):
        return
    for effect in effects:
        if not isinstance(effect, api.MadeNotReady | api.MissesTolerated):
            continue
        operator = state.operators.get(effect.operator)
        if operator is None:
            continue
        left = _left(state, operator)
        if isinstance(effect, api.MadeNotReady) and 0 in left:
            yield f"{effect.operator} was made not ready, and {left} are left for the room's queues"
        if isinstance(effect, api.MissesTolerated) and 0 not in left:
            yield f"{effect.operator} is asked on after misses, and {left} are left for the room's queues"


def _overdue(
    effects: tuple[api.Effect, ...],
    absent: Mapping[OperatorId, int],
    people: Mapping[OperatorId, OperatorView],
    core: RoutingCore,
) -> Iterator[str]:
    """Whoever lets enough ring out in a row is made not ready. Who is tolerated is so in silence until as many more
    have rung out."""
    most = core.people_config.misses
    if not most or any(isinstance(effect, api.LoanChanged) for effect in effects):
        return
    told = {effect.operator for effect in effects if isinstance(effect, api.MadeNotReady | api.MissesTolerated)}
    for name, count in absent.items():
        before, row = people.get(name), core.state.operators.get(name)
        if not count or name in told or before is None or row is None or before.activity is not api.Activity.AVAILABLE:
            continue
        misses = row.duty.misses_in_row
        if misses >= most and (misses % most == 0 or 0 not in _left(core.state, row)):
            yield f"{name} let {misses} ring out in a row, {most} are the most, and nothing comes of it"


def _left(state: State, operator: Operator) -> list[int]:
    """How many there are beside the operator for each queue of the room that they serve."""
    return [staff(state, config, but=operator) for config in _own(state, operator)]


def _own(state: State, operator: Operator) -> list[api.QueueConfig]:
    """Queues of the room that the operator serves, and could be asked for."""
    loan = operator.duty.loan
    room = operator.room if loan is None else loan.room
    configs = [queue.config for queue in state.all_queues() if queue.config.rooms[:1] == (room,)]
    return [
        config
        for config in configs
        if serves(operator, config)
        and all(operator.skills.get(skill, 0) >= level for skill, level in config.skills.items())
    ]
