"""Snapshots of older forms of the state, brought up to today's (`model/forms.py` says when a form needs a step)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kak_server.model.codec import from_json
from kak_server.model.forms import FormStep
from kak_server.routing.api import QueueConfig
from kak_server.routing.state import Queue

FORMAT = 2


def _before_workflows(data: dict[str, Any]) -> dict[str, Any]:
    """Form 1 began before queues had workflows and versions of their rules. Contacts of then follow their queue's only
    rules, and say only whether everybody is asked (`wide`): by a queue without a workflow that is all of its steps, or
    else the first. Operators say since when they are what they are, and not since when they said so."""
    queues = list(_queues(data))
    rules = {(queue.config.queue, queue.rules): queue for queue in queues}
    present = {queue.config.queue: queue for queue in reversed(queues)}
    contacts = [_contact(row, rules, present) for row in data["contacts"]]
    return {**data, "contacts": contacts, "operators": [_operator(row) for row in data["operators"]]}


def _queues(data: dict[str, Any]) -> Iterator[Queue]:
    """Those of today's rules first."""
    for row in (*data["config"]["queues"], *data["retired"], *data.get("older", ())):
        yield Queue(from_json(QueueConfig, row))


def _contact(row: dict[str, Any], rules: Mapping[Any, Queue], present: Mapping[Any, Queue]) -> dict[str, Any]:
    name = row["queue"]
    queue = rules.get((name, row["rules"])) if row.get("rules") else present.get(name)
    if queue is None:
        return row  # whoever reads it says what is wrong
    made = {**row, "rules": queue.rules}
    if not queue.config.workflow and not row.get("fired"):
        made["fired"] = (1 << len(queue.steps)) - 1 if row.get("wide") else 1
    return made


def _operator(row: dict[str, Any]) -> dict[str, Any]:
    return row if "duty" in row else {**row, "duty": {"activity_since_ms": row["since_ms"]}}


UPGRADERS: Mapping[int, FormStep] = {1: _before_workflows}
