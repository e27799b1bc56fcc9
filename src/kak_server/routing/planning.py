"""From a contact's queue, the steps that are done and its own wishes to what it needs; each distinct need once."""

from kak_server.model.ids import ContactId, RoomId
from kak_server.routing import lanes
from kak_server.routing.api import RoomState, Strategy
from kak_server.routing.needs import Bench, Need, skills_of
from kak_server.routing.state import Contact, Queue, State
from kak_server.routing.workflow import Stage, stage_of

NOWHERE = RoomId("")
_LIKE_LONGEST_IDLE = frozenset({Strategy.RING_ALL, Strategy.STICKY, Strategy.NAMED})


def need_of(state: State, contact: Contact, queue: Queue) -> Need:
    """What the contact needs now. O(1) but for needs that nobody had before."""
    key = (contact.fired, state.rooms_epoch, contact.klass, contact.kind, contact.wish)
    found = queue.needs.get(key)
    if found is None:
        if len(queue.needs) >= NEEDS_MAX:
            queue.needs.clear()
        found = queue.needs[key] = _make(state, contact, queue)
    return found


NEEDS_MAX = 1_000
"""Needs remembered of one queue; then it begins anew."""


def prepare(state: State, queue: Queue) -> None:
    """A queue is new: what its contacts will need at each step is worked out before the first comes."""
    state.index.profile(skills_of(queue.config.skills), state.operators.values())
    sample = Contact(ContactId(""), queue.config.queue, queue.config.klass, "", {}, 0, 0, 0, 0)
    for done in range(1, len(queue.steps) + 1):
        sample.fired = (1 << done) - 1
        need_of(state, sample, queue)


def is_open(state: State, room: RoomId) -> bool:
    """Contacts may wait for its operators."""
    row = state.rooms.get(room)
    return row is None or row.state is RoomState.OPEN


def stage_now(state: State, contact: Contact, queue: Queue) -> Stage:
    """What the contact's steps come to."""
    return stage_of(queue.config, queue.steps, contact.fired, state.config.national, lambda room: is_open(state, room))


def _make(state: State, contact: Contact, queue: Queue) -> Need:
    config, index = queue.config, state.index
    stage = stage_now(state, contact, queue)
    lane = lanes.lane_of(contact, config, use_reserves=stage.use_reserves)
    wanted = {f"lang-{contact.language}": 1} if contact.language else {}
    profile = index.profile(stage.needed(skills_of(config.skills, contact.skills)), state.operators.values())
    preferred = skills_of(config.preferred, contact.preferred, wanted)
    strategy = Strategy.LONGEST_IDLE if stage.strategy in _LIKE_LONGEST_IDLE else stage.strategy
    own = config.rooms[0] if config.rooms else NOWHERE
    benches: list[tuple[Bench, int]] = []
    for rooms in stage.tiers:
        wanted_lane = lanes.OWN if lane == lanes.EMERGENCY and rooms == {own} else lane
        bench = index.bench(index.room_set(rooms), profile, preferred, strategy, lanes.bench_of(wanted_lane))
        benches.append((bench, wanted_lane))
    sharing = state.room(own) if state.config.national.fair else None
    for room in stage.passed:
        index.passed.setdefault(room, {})[queue] = None
    line = index.line(index.room_set(stage.tiers[-1]), profile, lane, own, sharing)
    return Need(line, tuple(benches), stage.strategy, stage.step, wide=stage.tiers[-1] > {own})
