"""Which steps of a workflow are due and whose conditions hold, said once more in the plainest way.

Shares no code with the core's conditions. It trusts the rows (who is where, since when) and the rules.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from kak_server.model.ids import ContactId, QueueId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State
from kak_sim import ring_laws
from kak_sim.routing_oracle import steps_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(state: State) -> datetime:
    """The local wall clock, by the configuration's table."""
    local = state.config.national.local
    ahead_ms = local.ahead_ms[0]
    for from_ms, row_ms in zip(local.from_ms, local.ahead_ms, strict=True):
        if state.now_ms >= from_ms:
            ahead_ms = row_ms
    return _EPOCH + timedelta(milliseconds=state.now_ms + ahead_ms)


def _in_time(state: State, condition: api.Condition) -> bool:
    local = local_time(state)
    days = state.config.national.calendars.get(condition.calendar, ())
    if condition.weekdays and local.weekday() not in condition.weekdays:
        return False
    if condition.calendar and ((local - _EPOCH).days in days) is not condition.in_calendar:
        return False
    minute = local.hour * 60 + local.minute
    begin, end = condition.from_min or 0, 24 * 60 if condition.until_min is None else condition.until_min
    return begin <= minute < end if begin <= end else not end <= minute < begin


def staff(state: State, config: api.QueueConfig, but: Operator | None = None) -> int:
    """People who are there for the queue's own room and could be asked for it, now or later; one apart."""
    return sum(
        serves(row, config)
        and row.media_up
        and row.activity is api.Activity.AVAILABLE
        and not row.duty.leaving
        and not _evacuated(state, row)
        and row is not but
        and all(row.skills.get(skill, 0) >= level for skill, level in config.skills.items())
        for row in state.operators.values()
    )


def serves(row: Operator, config: api.QueueConfig) -> bool:
    """Sits in the own room; or is lent there, for this queue too; or is lent away, and emergencies were kept."""
    loan, own = row.duty.loan, config.rooms[0]
    if loan is None:
        return row.room == own
    if row.room == own and loan.own_emergencies and config.klass is api.ContactClass.EMERGENCY:
        return True
    return loan.room == own and (not loan.queues or config.queue in loan.queues)


def _evacuated(state: State, row: Operator) -> bool:
    room = state.rooms.get(row.room)
    return room is not None and room.state is api.RoomState.EVACUATED


def holds(
    state: State, contact: Contact, config: api.QueueConfig, condition: api.Condition | None, waiting: int
) -> bool:
    """All that the condition says is true, with so many in the queue's line."""
    if condition is None:
        return True
    room = state.rooms.get(config.rooms[0])
    there = staff(state, config)
    said = (
        (condition.classes, contact.klass),
        (condition.kinds, contact.kind),
        (condition.areas, contact.area),
        (condition.languages, contact.language),
        (condition.room_states, api.RoomState.OPEN if room is None else room.state),
    )
    return (
        all(not wanted or value in wanted for wanted, value in said)
        and (condition.staff_below is None or there < condition.staff_below)
        and (condition.staff_from is None or there >= condition.staff_from)
        and (condition.waiting_below is None or waiting < condition.waiting_below)
        and (condition.waiting_from is None or waiting >= condition.waiting_from)
        and _in_time(state, condition)
    )


@frozen
class Seen:
    """A contact as the last step left it."""

    queue: QueueId
    steps: tuple[api.Step, ...]
    entered_at_ms: int
    fired: int
    waited: bool
    rang: bool
    epoch: int
    by_name: bool  # it rang at one operator alone


class StepOracle:
    """Feed it every event with its effects, and the state after it."""

    def __init__(self) -> None:
        self._seen: dict[ContactId, Seen] = {}
        self._waiting: Counter[QueueId] = Counter()
        self._armed: dict[str, int] = {}  # timers of steps, and when they are due

    def observe(self, event: api.Event, effects: Sequence[api.Effect], state: State) -> list[str]:
        """Steps that were done and should not be, or the other way round."""
        if not any(queue.config.workflow for queue in state.all_queues()):
            return []
        before, self._waiting = (
            self._waiting,
            Counter(contact.queue for contact in state.contacts.values() if contact.state is api.ContactState.WAITING),
        )
        timer = event.key if isinstance(event, api.TimerFired) else ""
        early = self._armed.get(timer, 0) > state.now_ms  # the clock was set back: armed again, and nothing looked at
        self._timers(timer, effects)
        rang = {name: seen.epoch for name, seen in self._seen.items() if seen.rang}
        found = list(ring_laws.broken(effects, rang, state))
        for name in self._touched(event, effects, state):
            contact = state.contacts.get(name)
            if contact is None:
                self._seen.pop(name, None)
                self._armed.pop(f"step:{name}", None)
                continue
            last = self._seen.get(name)
            self._seen[name] = Seen(
                contact.queue,
                state.queue_of(contact).steps,
                contact.entered_at_ms,
                contact.fired,
                contact.state is api.ContactState.WAITING,
                contact.state is api.ContactState.OFFERED,
                contact.epoch,
                contact.moves.by_name,
            )
            line = sorted((before[contact.queue], self._waiting[contact.queue]))
            left = any(
                isinstance(effect, api.StartWaiting) and effect.contact == name and effect.reason == "overflow"
                for effect in effects
            )  # and perhaps came back in the same step: then it was not counted in between
            looked = timer == f"step:{name}" and not early
            found += self._judge(event, effects, state, contact, last, range(line[0] - left, line[1] + 1), looked)
            found += self._in_time(contact, state)
            if last is not None and _was_let_pass(event, name):
                found += _asked_anew(state, contact, last)
        return found

    def _timers(self, fired: str, effects: Iterable[api.Effect]) -> None:
        self._armed.pop(fired, None)
        for effect in effects:
            if isinstance(effect, api.SetTimer) and effect.key.startswith("step:"):
                self._armed[effect.key] = effect.at_ms
            elif isinstance(effect, api.CancelTimer):
                self._armed.pop(effect.key, None)

    def _in_time(self, contact: Contact, state: State) -> list[str]:
        """Each step to come has its time, to the millisecond, and one that does not hold is looked at again. What rings
        and has a step before it that leads elsewhere comes to an end of its own first."""
        steps = steps_of(state.queue_of(contact).config)
        to_come = [step for number, step in enumerate(steps) if not contact.fired & (1 << number)]
        if not state.queue_of(contact).config.workflow or not to_come:
            return []
        here = contact.state is api.ContactState.WAITING
        if contact.state is api.ContactState.OFFERED:
            here = not any(
                _leads_away(step) and contact.entered_at_ms + step.after_ms <= state.now_ms for step in to_come
            )
        again_ms = state.now_ms + state.config.national.recheck_ms
        due_ms = [contact.entered_at_ms + step.after_ms for step in to_come]
        latest_ms = min(at_ms if at_ms > state.now_ms else again_ms for at_ms in due_ms)
        armed_ms = self._armed.get(f"step:{contact.contact}")
        if not here or (armed_ms is not None and armed_ms <= latest_ms):
            return []
        return [f"{contact.contact} has steps to come at {latest_ms}, and nothing looks at them before {armed_ms}"]

    @staticmethod
    def _touched(event: api.Event, effects: Iterable[api.Effect], state: State) -> list[ContactId]:
        if isinstance(event, api.Configured | api.ConfigChanged):
            return list(state.contacts)
        named = [effect.contact for effect in effects if isinstance(effect, api.ContactChanged)]
        if isinstance(event, api.TimerFired) and event.key.startswith("step:"):
            named.append(ContactId(event.key.removeprefix("step:")))
        return list(dict.fromkeys(named))

    @staticmethod
    def _judge(
        event: api.Event,
        effects: Sequence[api.Effect],
        state: State,
        contact: Contact,
        last: Seen | None,
        waiting: range,
        looked: bool,
    ) -> list[str]:
        """`waiting`: how many may have stood in line while this step looked. `looked`: by its timer."""
        queue = state.queue_of(contact)
        if not queue.config.workflow:
            return []
        began = (
            last is None
            or (last.queue, last.entered_at_ms) != (contact.queue, contact.entered_at_ms)
            or last.steps != queue.steps
        )
        fired = 0 if began or last is None else last.fired
        went_on = any(
            isinstance(effect, api.StartWaiting) and effect.contact == contact.contact and effect.reason == "overflow"
            for effect in effects
        )
        looked = (
            (looked and last is not None and (last.waited or last.rang) and not began)
            or (isinstance(event, api.ContactArrived) and last is None)
            or (went_on and began)
        )
        rang = last is not None and last.rang
        other_rules = last is not None and last.queue == contact.queue and last.steps != queue.steps
        found = []
        for number, step in enumerate(steps_of(queue.config)):
            bit = 1 << number
            due = contact.entered_at_ms + step.after_ms <= state.now_ms
            might = [holds(state, contact, queue.config, step.when, count) for count in waiting]
            if contact.fired & bit and not fired & bit:
                if not due or not any(might):
                    found.append(f"{contact.contact} did step {number} of {contact.queue}, which does not hold")
                told = any(
                    isinstance(effect, api.Announce)
                    and effect.contact == contact.contact
                    and effect.prompt == step.announce
                    for effect in effects
                )
                if step.announce and not told and not isinstance(event, api.Configured | api.ConfigChanged):
                    found.append(f"{contact.contact} did step {number} of {contact.queue} in silence")
            here = contact.state in (api.ContactState.WAITING, api.ContactState.OFFERED)
            if other_rules and due and step.when is None and not _leads_away(step) and not contact.fired & bit:
                found.append(f"{contact.contact} follows other rules, and step {number} of {contact.queue} is to come")
            if looked and rang and due and _leads_away(step) and any(might):
                break  # what rings goes nowhere before that is over
            if looked and here and due and not contact.fired & bit and all(might):
                found.append(f"{contact.contact} did not do step {number} of {contact.queue}, which holds")
        return found


def _was_let_pass(event: api.Event, contact: ContactId) -> bool:
    """Somebody said no to it, or let it ring out."""
    if isinstance(event, api.OfferRejected):
        return event.contact == contact
    return isinstance(event, api.TimerFired) and event.key == f"offer:{contact}"


def _leads_away(step: api.Step) -> bool:
    return step.overflow_queue is not None or bool(step.overflow_number)


def _asked_anew(state: State, contact: Contact, last: Seen) -> list[str]:
    """The next one is asked by what is due now, not by what was due when it began to ring; and only if no step leads
    elsewhere. Those of the queue come before that if so far somebody was asked by name alone."""
    if contact.state is not api.ContactState.OFFERED or contact.epoch == last.epoch or contact.moves.by_name:
        return []
    config = state.queue_of(contact).config
    found = []
    for number, step in enumerate(steps_of(config) if config.workflow else ()):
        if contact.entered_at_ms + step.after_ms <= state.now_ms and not contact.fired & (1 << number):
            if _leads_away(step) and last.by_name:
                break  # it waits with all that come after it; so it may if it has a condition
            if step.when is not None:
                continue
            found.append(f"{contact.contact} was offered again before step {number} of {contact.queue}, which is due")
    return found
