"""Whether anybody was offered out of turn, from the journal of a run alone, by looking at everybody who waits."""

from dataclasses import dataclass, field
from pathlib import Path

from kak_server.routing import matching, queues
from kak_server.routing.state import Contact, Operator, State
from kak_server.runtime.replaying import Replayer


@dataclass(slots=True)
class Order:
    """`late`: offers of a contact while another one stood before it that the operator takes as well."""

    offers: int = 0
    late: list[str] = field(default_factory=list)
    waiting_most: int = 0

    def watch(self, state: State, contact: Contact, operator: Operator) -> None:
        """An offer is about to be made."""
        self.offers += 1
        key = queues.wait_key(contact, state.queue_of(contact).config)
        waiting = 0
        for other in state.contacts.values():
            if other.key is None:
                continue
            waiting += 1
            if other.key < key and other is not contact and matching.takes(other, operator):
                self.late.append(f"{contact.contact} to {operator.operator} before {other.contact}")
        self.waiting_most = max(self.waiting_most, waiting)


def read(folder: Path) -> Order:
    """Replay the journal of a folder. Raises ValueError where records and snapshots disagree."""
    order, replayer = Order(), Replayer(folder)
    for seen in replayer.walk():
        replayer.core.state.watcher = order.watch
        if seen.event is not None:
            replayer.core.step(seen.event)
    if replayer.problems:
        raise ValueError("; ".join(replayer.problems[:5]))
    return order
