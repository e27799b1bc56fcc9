"""Who is taken for absent after offers that rang out, and who is not because a queue would be left with nobody.

Said from the rows alone, after the step: whoever was made not ready leaves somebody behind for each queue of the room
that they served; whoever was not is the only one for one of them.
"""

from collections.abc import Iterable

from kak_server.routing import api
from kak_server.routing.state import Operator, State
from kak_sim.step_oracle import serves, staff


def findings(effects: Iterable[api.Effect], state: State) -> list[str]:
    """What is wrong with what was decided of absent people. Loans that end in the same step change who is there."""
    effects = tuple(effects)
    if any(isinstance(effect, api.LoanChanged) for effect in effects):
        return []
    found = []
    for effect in effects:
        if not isinstance(effect, api.MadeNotReady | api.MissesTolerated):
            continue
        operator = state.operators.get(effect.operator)
        if operator is None:
            continue
        left = [staff(state, config, but=operator) for config in _own(state, operator)]
        if isinstance(effect, api.MadeNotReady) and 0 in left:
            found.append(f"{effect.operator} was made not ready, and {left} are left for the room's queues")
        if isinstance(effect, api.MissesTolerated) and 0 not in left:
            found.append(f"{effect.operator} is asked on after misses, and {left} are left for the room's queues")
    return found


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
