"""The core's state as plain JSON and back, and its digest.

Only what cannot be derived is written: rules, rows, timers. Equal states give equal bytes, whatever order dictionaries
were filled in, so a replay can be checked by comparing digests.
"""

import hashlib
from typing import Any

from kak_server.model.codec import CodecError, dumps, from_json, to_json
from kak_server.routing.api import QueueConfig, RoutingConfig
from kak_server.routing.rules import rebuild_indexes
from kak_server.routing.state import Contact, Operator, Queue, State, Timer

FORMAT = 1


def encode(state: State) -> dict[str, Any]:
    """Plain JSON values. Retired queues keep their old rules here, since the configuration has forgotten them."""
    return {
        "format": FORMAT,
        "now_ms": state.now_ms,
        "next_serial": state.next_serial,
        "config": to_json(state.config),
        "retired": [to_json(queue.config) for _, queue in sorted(state.queues.items()) if queue.retired],
        "contacts": [to_json(contact) for _, contact in sorted(state.contacts.items())],
        "operators": [to_json(operator) for _, operator in sorted(state.operators.items())],
        "timers": {key: to_json(timer) for key, timer in state.timers.items()},
    }


def decode(data: Any) -> State:
    """The state again, indexes rebuilt. Raises CodecError if the data is not a snapshot of this format."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CodecError("not a routing snapshot of a known format")
    state = State()
    state.now_ms = from_json(int, data.get("now_ms"), "$.now_ms")
    state.next_serial = from_json(int, data.get("next_serial"), "$.next_serial")
    state.config = from_json(RoutingConfig, data.get("config"), "$.config")
    for config in state.config.queues:
        state.queues[config.queue] = Queue(config)
    for config in from_json(list[QueueConfig], data.get("retired"), "$.retired"):
        state.queues[config.queue] = Queue(config, retired=True)
    state.contacts = {row.contact: row for row in from_json(list[Contact], data.get("contacts"), "$.contacts")}
    state.operators = {row.operator: row for row in from_json(list[Operator], data.get("operators"), "$.operators")}
    state.timers = from_json(dict[str, Timer], data.get("timers"), "$.timers")
    unknown = {contact.queue for contact in state.contacts.values()} - state.queues.keys()
    if unknown:
        raise CodecError(f"$.contacts: unknown queues {sorted(unknown)}")
    rebuild_indexes(state)
    return state


def digest(state: State) -> str:
    """SHA-256 (hex) of the canonical snapshot."""
    return hashlib.sha256(dumps(encode(state))).hexdigest()
