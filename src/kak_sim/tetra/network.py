"""The simulated TETRA network's switch: talkgroups, group calls and who has the floor. No sockets, no clock.

A party (a radio, or a control room's console) asks for the floor of a talkgroup. The switch grants, queues, denies or
pre-empts, and says so in events that the owner drains and hands on. Rules (TETRA, simplified):

- a group call starts with the first grant and is released `hang_ms` after the last talker has stopped;
- TX demand priority 0 low, 1 high, 2 pre-emptive, 3 emergency: 2 and 3 interrupt a talker of lower priority;
- a busy floor queues others by priority, then arrival; a talk-burst lasts at most `max_ms`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from kak_server.model.light import frozen

QUEUE_MAX = 8
PRE_EMPTIVE = 2
EMERGENCY = 3
CALL_NUMBERS = 0x3FFF  # 14 bits


@frozen
class Party:
    """Who can talk. `name` is the room of a console, the ISSI as text of a radio."""

    kind: Literal["radio", "console"]
    name: str
    issi: int
    alias: str


@frozen
class Policy:
    """How the switch answers. `grant`: what happens to a request that could be granted; it applies to `scope`, and
    never to emergency priority. `busy`: what happens while another talks. `interrupt_after_ms`: take the floor from
    every talker in `scope` after so long (0: never)."""

    grant: Literal["grant", "deny", "queue"] = "grant"
    busy: Literal["queue", "deny"] = "queue"
    scope: Literal["consoles", "radios", "all"] = "consoles"
    interrupt_after_ms: int = 0
    max_ms: int = 60_000
    hang_ms: int = 3_000

    def concerns(self, party: Party) -> bool:
        """Whether `grant` and `interrupt_after_ms` are meant for this party."""
        return self.scope == "all" or (self.scope == "consoles") == (party.kind == "console")


@frozen
class Granted:
    gssi: int
    party: Party
    token: str
    call: int
    max_ms: int


@frozen
class Denied:
    gssi: int
    party: Party
    token: str
    cause: str


@frozen
class Queued:
    gssi: int
    party: Party
    token: str
    position: int


@frozen
class Interrupted:
    gssi: int
    party: Party
    token: str
    by: str
    cause: str


@frozen
class Taken:
    """Told to everybody in the group but the talker."""

    gssi: int
    call: int
    party: Party
    priority: int


@frozen
class Idle:
    gssi: int
    call: int


@frozen
class CallStarted:
    gssi: int
    call: int
    priority: int


@frozen
class CallReleased:
    gssi: int
    call: int
    cause: str


NetworkEvent = Granted | Denied | Queued | Interrupted | Taken | Idle | CallStarted | CallReleased


@frozen
class Request:
    """A wish for the floor. `token` is the asker's name for it and comes back with every answer."""

    party: Party
    token: str
    priority: int


@dataclass(slots=True)
class Group:
    """One talkgroup's call and floor."""

    gssi: int
    name: str
    call: int | None = None
    call_priority: int = 0
    talker: Request | None = None
    granted_at_ms: int = 0
    queue: list[Request] = field(default_factory=list)
    hang_until_ms: int = 0


class Network:
    """All talkgroups. Every call may leave events to `drain`."""

    def __init__(self, groups: Iterable[tuple[int, str]], policy: Policy | None = None) -> None:
        self.groups = {gssi: Group(gssi, name) for gssi, name in groups}
        self.policy = policy or Policy()
        self._events: list[NetworkEvent] = []
        self._last_call = 0

    def drain(self) -> list[NetworkEvent]:
        """Hand over what has happened, in order."""
        events, self._events = self._events, []
        return events

    def request(self, gssi: int, party: Party, token: str, priority: int, now_ms: int) -> None:
        """A party wants to talk."""
        group = self.groups.get(gssi)
        wish = Request(party, token, priority)
        if group is None:
            self._events.append(Denied(gssi, party, token, "unknown_group"))
        elif group.talker is not None and group.talker.party == party:
            group.talker = wish  # asked again while talking: the newer request is the one that is in force
            self._events.append(Granted(gssi, party, token, group.call or 0, self.policy.max_ms))
        elif any(other.party == party for other in group.queue):
            group.queue = [wish if other.party == party else other for other in group.queue]
            self._tell_positions(group)
        else:
            self._arbitrate(group, wish, now_ms)

    def cease(self, gssi: int, party: Party, now_ms: int) -> None:
        """A party stops talking, or waiting. Always allowed."""
        group = self.groups.get(gssi)
        if group is None:
            return
        waiting = [other for other in group.queue if other.party != party]
        if len(waiting) != len(group.queue):
            group.queue = waiting
            self._tell_positions(group)
        if group.talker is not None and group.talker.party == party:
            group.talker = None
            self._next(group, now_ms)

    def leave(self, party: Party, now_ms: int) -> None:
        """A party is gone: it talks and waits nowhere."""
        for gssi in self.groups:
            self.cease(gssi, party, now_ms)

    def interrupt(self, gssi: int, by: str, cause: str, now_ms: int) -> bool:
        """Take the floor from whoever talks. False: nobody did."""
        group = self.groups.get(gssi)
        if group is None or group.talker is None:
            return False
        self._interrupt(group, by, cause)
        self._next(group, now_ms)
        return True

    def set_policy(self, policy: Policy, now_ms: int) -> None:
        """Answer by other rules from now on; those who wait are served if they may be."""
        self.policy = policy
        for group in self.groups.values():
            if group.talker is None and group.queue:
                self._next(group, now_ms)

    def timer(self, now_ms: int) -> None:
        """Time has passed: talk-bursts that are too long, calls nobody talks in."""
        for group in self.groups.values():
            if group.talker is not None:
                elapsed_ms = now_ms - group.granted_at_ms
                limit_ms = self.policy.interrupt_after_ms
                if limit_ms and elapsed_ms >= limit_ms and self.policy.concerns(group.talker.party):
                    self.interrupt(group.gssi, "dispatcher", "interrupted", now_ms)
                elif elapsed_ms >= self.policy.max_ms:
                    self.interrupt(group.gssi, "", "timer", now_ms)
            elif group.call is not None and not group.queue and now_ms >= group.hang_until_ms:
                self._events.append(CallReleased(group.gssi, group.call, "hang_time"))
                group.call = None

    # --- arbitration ---

    def _arbitrate(self, group: Group, wish: Request, now_ms: int) -> None:
        ordinary = wish.priority < EMERGENCY and self.policy.concerns(wish.party)
        if ordinary and self.policy.grant == "deny":
            self._events.append(Denied(group.gssi, wish.party, wish.token, "denied"))
        elif ordinary and self.policy.grant == "queue":
            self._enqueue(group, wish)
        elif group.talker is None:
            self._grant(group, wish, now_ms)
        elif wish.priority >= PRE_EMPTIVE and wish.priority > group.talker.priority:
            self._interrupt(group, wish.party.alias, "emergency" if wish.priority >= EMERGENCY else "preempted")
            self._grant(group, wish, now_ms)
        elif self.policy.busy == "deny":
            self._events.append(Denied(group.gssi, wish.party, wish.token, "busy"))
        else:
            self._enqueue(group, wish)

    def _enqueue(self, group: Group, wish: Request) -> None:
        if len(group.queue) >= QUEUE_MAX:
            self._events.append(Denied(group.gssi, wish.party, wish.token, "queue_full"))
            return
        group.queue.append(wish)
        group.queue.sort(key=lambda other: -other.priority)  # stable: arrival within a priority
        self._tell_positions(group)

    def _tell_positions(self, group: Group) -> None:
        for position, wish in enumerate(group.queue, 1):
            self._events.append(Queued(group.gssi, wish.party, wish.token, position))

    def _interrupt(self, group: Group, by: str, cause: str) -> None:
        if group.talker is not None:
            self._events.append(Interrupted(group.gssi, group.talker.party, group.talker.token, by, cause))
            group.talker = None

    def _grant(self, group: Group, wish: Request, now_ms: int) -> None:
        if group.call is None:
            self._last_call = self._last_call % CALL_NUMBERS + 1
            group.call = self._last_call
            group.call_priority = 15 if wish.priority >= EMERGENCY else 0
            self._events.append(CallStarted(group.gssi, group.call, group.call_priority))
        group.talker = wish
        group.granted_at_ms = now_ms
        self._events.append(Granted(group.gssi, wish.party, wish.token, group.call, self.policy.max_ms))
        self._events.append(Taken(group.gssi, group.call, wish.party, wish.priority))

    def _next(self, group: Group, now_ms: int) -> None:
        held_back = self.policy.grant == "queue"
        for wish in group.queue:
            if held_back and self.policy.concerns(wish.party) and wish.priority < EMERGENCY:
                continue
            group.queue = [other for other in group.queue if other is not wish]
            self._grant(group, wish, now_ms)
            self._tell_positions(group)
            return
        if group.call is not None:
            self._events.append(Idle(group.gssi, group.call))
            group.hang_until_ms = now_ms + self.policy.hang_ms

    def with_policy(self, **changes: object) -> Policy:
        """The present policy with some fields changed. Raises TypeError for a field there is not."""
        return replace(self.policy, **changes)  # type: ignore[arg-type]
