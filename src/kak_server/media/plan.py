"""What the media worker should hold, and the commands that take it there from what it holds.

Each owner in the house (a contact, a talkgroup, a seat) states a `Plan`: its share of the worker's state, whole. The
`Desk` keeps the plans, and turns a changed plan, a fresh census or a worker started anew into the same few idempotent
commands. So a crash of either side needs no protocol of its own: desired minus actual, again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from kak_server.media import rpc
from kak_server.model.ids import LegId, MixId, RecordingId
from kak_server.model.light import frozen


@frozen
class Plan:
    """One owner's share of the worker. Names are unique in the house; WebRTC legs are not planned, because only
    a browser's offer can make one: they are listed in `browser_legs` so that they are not closed as strangers."""

    legs: Mapping[LegId, rpc.CreateRtp] = field(default_factory=dict)
    browser_legs: frozenset[LegId] = frozenset()
    mixes: Mapping[MixId, tuple[rpc.Edge, ...]] = field(default_factory=dict)
    plays: Mapping[str, rpc.StartPlay] = field(default_factory=dict)
    recordings: Mapping[RecordingId, rpc.StartRecord] = field(default_factory=dict)
    watched: frozenset[LegId] = frozenset()
    awaited: frozenset[LegId] = frozenset()  # watched for their first word; none that is `watched`


EMPTY = Plan()


def changes(old: Plan, new: Plan) -> list[rpc.Command]:
    """The commands from `old` to `new`: legs first, then what hangs on them; closing comes last, but for legs whose
    port or name is needed again.

    A leg that stays is not commanded again, whatever its record says by now (its peer was learned meanwhile); only one
    on another port, with another stream of ours, or of another kind under the same name, is made anew.
    """
    same = {leg for leg, create in new.legs.items() if leg in old.legs and _is_same(old.legs[leg], create)}
    commands: list[rpc.Command] = [create for leg, create in new.legs.items() if leg not in same]
    commands += [rpc.StopPlay(play) for play in old.plays if new.plays.get(play) != old.plays[play]]
    commands += _mix_changes(old.mixes, new.mixes)
    anew = {leg for leg in new.legs if leg in old.legs} - same  # closing one ends what is played into it
    commands += [start for play, start in new.plays.items() if old.plays.get(play) != start or _leg_of(start) in anew]
    commands += [start for name, start in new.recordings.items() if name not in old.recordings]
    commands += [rpc.StopRecord(name) for name in old.recordings if name not in new.recordings]
    commands += [rpc.WatchTalk(leg, True) for leg in sorted(new.watched - old.watched)]
    commands += [rpc.WatchTalk(leg, True, once=True) for leg in sorted(new.awaited - old.awaited)]
    over = (old.watched | old.awaited) - new.watched - new.awaited
    commands += [rpc.WatchTalk(leg, False) for leg in sorted(over)]
    ports = {create.port for leg, create in new.legs.items() if leg not in same}
    gone = [leg for leg in old.legs if leg not in same] + sorted(old.browser_legs - new.browser_legs)
    in_the_way = [
        leg
        for leg in gone
        if leg in new.legs or leg in new.browser_legs or (leg in old.legs and old.legs[leg].port in ports)
    ]
    first: list[rpc.Command] = [rpc.CloseLeg(leg) for leg in in_the_way]
    return first + commands + [rpc.CloseLeg(leg) for leg in gone if leg not in in_the_way]


def _is_same(one: rpc.CreateRtp, other: rpc.CreateRtp) -> bool:
    return (one.port, one.ssrc) == (other.port, other.ssrc)


def _holds(held: rpc.LegCensus, want: rpc.CreateRtp) -> bool:
    return held.port == want.port and held.ssrc in (0, want.ssrc)


def _mix_changes(
    old: Mapping[MixId, tuple[rpc.Edge, ...]], new: Mapping[MixId, tuple[rpc.Edge, ...]]
) -> list[rpc.Command]:
    commands: list[rpc.Command] = []
    commands += [rpc.SetMix(mix) for mix in old if not new.get(mix) and old[mix]]
    for mix, edges in new.items():
        if edges and set(old.get(mix, ())) != set(edges):  # the order of edges says nothing
            commands.append(rpc.SetMix(mix, edges))
    return commands


class Desk:
    """All plans of the house against one worker."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self._awaited_again: set[LegId] = set()  # an earlier watch may have been heard of meanwhile
        self._players: dict[str, dict[str, None]] = {}  # leg -> owners that play something there

    def state(self, owner: str, plan: Plan) -> list[rpc.Command]:
        """The owner's plan from now on; what to tell the worker. EMPTY takes the owner off the desk."""
        commands = changes(self.plans.get(owner, EMPTY), plan)
        commands += self._played_again(
            owner, {command.leg for command in commands if isinstance(command, rpc.CloseLeg)}
        )
        if before := self.plans.get(owner):
            self._awaited_again |= plan.awaited & before.watched
        self._index(owner, self.plans.get(owner, EMPTY), plan)
        if plan == EMPTY:
            self._awaited_again -= self.plans.pop(owner, EMPTY).awaited
        else:
            self.plans[owner] = plan
        return commands

    def _index(self, owner: str, old: Plan, new: Plan) -> None:
        if not (old.plays or new.plays):
            return
        before, now = _played_into(old), _played_into(new)
        for leg in before:
            if leg not in now:
                del self._players[leg][owner]
                if not self._players[leg]:
                    del self._players[leg]
        for leg in now:
            self._players.setdefault(leg, {})[owner] = None

    def _played_again(self, owner: str, closed: set[LegId]) -> list[rpc.Command]:
        """Closing a leg ends what is played into it: what other owners play there waits for the leg that comes."""
        others = {name: None for leg in sorted(closed) for name in self._players.get(leg, ()) if name != owner}
        plays = (play for name in others for play in self.plans[name].plays.values())
        return [play for play in plays if _leg_of(play) in closed]

    def learned(self, owner: str, create: rpc.CreateRtp) -> None:
        """A leg's record changed (its peer was learned): kept for a worker started anew, no command."""
        plan = self.plans.get(owner)
        if plan is not None and create.leg in plan.legs:
            self.plans[owner] = replace(plan, legs={**plan.legs, create.leg: create})

    def heard(self, owner: str, told: rpc.LegTalk) -> bool:
        """A first word was told; whether its watch is over with it, so that the plan need not be stated anew. Not so
        where another watch was begun while the word was on its way: a plan without it ends that one."""
        plan = self.plans.get(owner)
        over = told.last and told.leg not in self._awaited_again
        if plan is not None and over:
            self.plans[owner] = replace(plan, awaited=plan.awaited - {told.leg})
        self._awaited_again.discard(told.leg)
        return over

    def ended(self, owner: str, play: str) -> None:
        """A play came to its end at the worker: the owner who states it again has it played again."""
        plan = self.plans.get(owner)
        if plan is not None and play in plan.plays:
            now = replace(plan, plays={name: p for name, p in plan.plays.items() if name != play})
            self._index(owner, plan, now)
            self.plans[owner] = now

    def desired(self) -> Plan:
        """Everything together."""
        return merge(self.plans.values())

    def reconcile(self, census: rpc.Census) -> list[rpc.Command]:
        """What a worker with this census must be told to hold what the plans say: what is missing is made, strangers
        are closed. A worker just started has an empty census and so is told everything. A leg that still sends to
        where its peer no longer is, and has heard nobody yet by our books, is pointed anew; one with another codec or
        key than agreed since gets it."""
        desired = self.desired()
        commands = changes(from_census(census, desired), desired)
        self._awaited_again = set(desired.awaited)  # whichever watch the next word is of, it may be an earlier one
        for held in census.legs:
            want = desired.legs.get(held.leg)
            if held.kind != "rtp" or want is None or not _holds(held, want):
                continue
            stale = held.session not in ("", rpc.session_mark(want))  # "": a worker of before there were marks
            if want.learned:
                commands += [rpc.modified(want, "", 0)] if stale else []
                continue
            peer = (want.peer_host, want.peer_port) if want.peer_host and want.peer_port else ("", 0)
            if stale or (held.peer_host, held.peer_port) != peer:
                commands.append(rpc.modified(want, want.peer_host, want.peer_port))
        return commands


def merge(plans: Iterable[Plan]) -> Plan:
    """The union of plans; owners' names never collide."""
    legs: dict[LegId, rpc.CreateRtp] = {}
    browser_legs: set[LegId] = set()
    mixes: dict[MixId, tuple[rpc.Edge, ...]] = {}
    plays: dict[str, rpc.StartPlay] = {}
    recordings: dict[RecordingId, rpc.StartRecord] = {}
    watched: set[LegId] = set()
    awaited: set[LegId] = set()
    for plan in plans:
        legs.update(plan.legs)
        browser_legs |= plan.browser_legs
        mixes.update(plan.mixes)
        plays.update(plan.plays)
        recordings.update(plan.recordings)
        watched |= plan.watched
        awaited |= plan.awaited
    return Plan(legs, frozenset(browser_legs), mixes, plays, recordings, frozenset(watched), frozenset(awaited))


def from_census(census: rpc.Census, desired: Plan) -> Plan:
    """A census as a plan, to be compared with the desired one. Plays and recordings are known by name only, so where
    the name is desired the desired content stands for it."""
    rtp = {held.leg: held for held in census.legs if held.kind == "rtp"}
    unknown = rpc.StartPlay("", "", "")
    no_record = rpc.StartRecord(RecordingId(""), "", "", "")
    legs = {}
    for leg, held in rtp.items():
        want = desired.legs.get(leg)
        ours = want is not None and _holds(held, want)
        legs[leg] = want if want is not None and ours else rpc.CreateRtp(leg, held.port, held.ssrc, 0, 0, 0)
    return Plan(
        legs=legs,
        browser_legs=frozenset(held.leg for held in census.legs if held.kind != "rtp"),
        mixes={mix: tuple(edges) for mix, edges in census.mixes.items()},
        plays={play: desired.plays.get(play, unknown) for play in census.plays},
        recordings={name: desired.recordings.get(name, no_record) for name in census.recordings},
        watched=frozenset(census.watched) - frozenset(census.awaited),
        awaited=frozenset(census.awaited),
    )


def _leg_of(play: rpc.StartPlay) -> str:
    return play.sink.split("/")[0]


def _played_into(plan: Plan) -> dict[str, None]:
    return {_leg_of(play): None for play in plan.plays.values()}
