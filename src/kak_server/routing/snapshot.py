"""The core's state as plain JSON and back, and its digest.

Only what cannot be derived is written: rules, rows, timers. Equal states give equal bytes, whatever order dictionaries
were filled in, so a replay can be checked by comparing digests.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kak_server.model import forms
from kak_server.model.codec import CodecError, dumps, from_json, to_json
from kak_server.model.ids import OperatorId
from kak_server.routing.api import QueueConfig, RoutingConfig
from kak_server.routing.duty import HandOver, Loan
from kak_server.routing.rooms_rows import Room
from kak_server.routing.rules import rebuild_indexes
from kak_server.routing.snapshot_forms import FORMAT, UPGRADERS
from kak_server.routing.state import Contact, LastTalk, Operator, Queue, State, Timer


def encode(state: State) -> dict[str, Any]:
    """Plain JSON values. Retired queues keep their old rules here, since the configuration has forgotten them."""
    return {
        "format": FORMAT,
        "now_ms": state.now_ms,
        "next_serial": state.next_serial,
        "version": state.version,
        "config": to_json(replace(state.config, queues=tuple(_present(state)))),
        "retired": [to_json(queue.config) for _, queue in sorted(state.queues.items()) if queue.retired],
        "older": [
            to_json(former.config) for _, rules in sorted(state.older.items()) for _, former in sorted(rules.items())
        ],
        "contacts": [to_json(contact) for _, contact in sorted(state.contacts.items())],
        "operators": [to_json(operator) for _, operator in sorted(state.operators.items())],
        "loans": [to_json(row) for _, row in sorted(state.people.loans.items())],
        "hand_overs": [to_json(row) for _, row in sorted(state.people.hand_overs.items())],
        "rooms": [to_json(room) for _, room in sorted(state.rooms.items())],
        "callers": [[caller, last.operator, last.at_ms] for caller, last in state.callers.items()],
        "offers_made": state.offers_made,
        "help_clock": state.help_clock,
        "timers": {key: to_json(timer) for key, timer in state.timers.items()},
    }


def decode(data: Any) -> State:
    """The state again, indexes rebuilt. Raises CodecError if the data is not a snapshot, or of a form that cannot be
    read (any more, or yet)."""
    data = forms.upgraded(data, FORMAT, UPGRADERS, "routing snapshot")
    state = State()
    state.now_ms = from_json(int, data.get("now_ms"), "$.now_ms")
    state.next_serial = from_json(int, data.get("next_serial"), "$.next_serial")
    state.version = from_json(int, data.get("version", 0), "$.version")
    config = from_json(RoutingConfig, data.get("config"), "$.config")
    state.config = replace(config, queues=())
    state.queues = {rules.queue: state.adopt(Queue(rules)) for rules in config.queues}
    for rules in from_json(list[QueueConfig], data.get("retired"), "$.retired"):
        state.queues[rules.queue] = state.adopt(Queue(rules, retired=True))
    for rules in from_json(list[QueueConfig], data.get("older", []), "$.older"):
        former = state.adopt(Queue(rules, retired=True))
        state.older.setdefault(rules.queue, {})[former.rules] = former
    state.contacts = {row.contact: row for row in from_json(list[Contact], data.get("contacts"), "$.contacts")}
    state.operators = {row.operator: row for row in from_json(list[Operator], data.get("operators"), "$.operators")}
    for loan in from_json(list[Loan], data.get("loans", []), "$.loans"):
        state.people.keep(loan)
    for row in from_json(list[HandOver], data.get("hand_overs", []), "$.hand_overs"):
        state.people.begin(row)
    state.rooms = {row.room: row for row in from_json(list[Room], data.get("rooms", []), "$.rooms")}
    callers = from_json(list[tuple[str, OperatorId, int]], data.get("callers", []), "$.callers")
    state.callers = {caller: LastTalk(operator, at_ms) for caller, operator, at_ms in callers}
    state.offers_made = from_json(int, data.get("offers_made", 0), "$.offers_made")
    state.help_clock = from_json(int, data.get("help_clock", 0), "$.help_clock")
    state.timers = from_json(dict[str, Timer], data.get("timers"), "$.timers")
    _all_bound(state)
    rebuild_indexes(state)
    return state


def _present(state: State) -> Iterator[QueueConfig]:
    return (queue.config for _, queue in sorted(state.queues.items()) if not queue.retired)


def _all_bound(state: State) -> None:
    """Raises CodecError for a contact whose rules are not there."""
    for contact in state.contacts.values():
        if not any(queue.rules == contact.rules for queue in state.versions_of(contact.queue)):
            raise CodecError(
                f"$.contacts: unknown queue or rules of {contact.contact}: {contact.queue} {contact.rules}"
            )


def digest(state: State) -> str:
    """SHA-256 (hex) of the canonical snapshot."""
    return hashlib.sha256(dumps(encode(state))).hexdigest()
