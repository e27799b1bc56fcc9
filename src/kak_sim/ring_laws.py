"""Ringing at several at once: only as the steps that are done ask for it by now, and never at more than they say.

Trusts the rows (which steps are done, who rings) and the rules.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from kak_server.model.ids import ContactId
from kak_server.routing import api
from kak_server.routing.state import Contact, State
from kak_sim import routing_oracle as oracle


def asks_now(state: State, contact: Contact) -> api.Step:
    """The step that says how operators are asked: of those done the last that says so."""
    steps = oracle.steps_of(state.queue_of(contact).config)
    done = [step for number, step in enumerate(steps) if contact.fired & (1 << number)]
    return next((step for step in reversed(done) if step.strategy is not None), api.Step())


def broken(effects: Iterable[api.Effect], rang: Mapping[ContactId, int], state: State) -> Iterator[str]:
    """What the step broke. `rang`: the epoch by which a contact rang before it."""
    asked = Counter((effect.contact, effect.epoch) for effect in effects if isinstance(effect, api.Offer))
    for (name, epoch), count in asked.items():
        contact = state.contacts.get(name)
        if contact is None or contact.epoch != epoch or contact.state is not api.ContactState.OFFERED:
            continue
        step = asks_now(state, contact)
        several = step.strategy is api.Strategy.RING_ALL and not contact.moves.by_name
        again = rang.get(name) == epoch
        if again and not several:
            yield f"{name} rings at {count} more, and its steps ask one at a time by now"
        elif count > (step.ring_first if several else 1):
            yield f"{name} rings at {count} more at once"
        elif again and 1 + len(contact.ringing) > step.ring_max:
            yield f"{name} rings at {1 + len(contact.ringing)}, and {step.ring_max} are the most"
