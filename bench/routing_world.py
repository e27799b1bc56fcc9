"""The country as the routing core sees it, and its people: rules of 190 rooms and 400 queues, and a driver that calls,
answers, talks, hangs up and goes on breaks by a seeded die, in virtual time."""

import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from time import thread_time_ns

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing import api
from kak_server.routing.api import ContactClass, Reach, RoomConfig, RoomsConfig, Step, Strategy
from kak_server.routing.step import RoutingCore

ROOMS = 190
QUEUES = 400
REGIONS = 16
OPERATORS = 1_500
WAITING = 10_000
EVENT_MS = 8  # virtual time between two events that people cause
SKILLS = ("113", "legevakt", "mottak", "psyk", "barn")


def rooms(count: int = ROOMS) -> tuple[RoomConfig, ...]:
    """Rooms in a ring, each with two neighbours; the first of each region keeps one operator for its emergencies."""
    return tuple(
        RoomConfig(
            RoomId(f"room-{number}"),
            (RoomId(f"room-{(number - 1) % count}"), RoomId(f"room-{(number + 1) % count}")),
            f"region-{number % REGIONS}",
            reserve=1 if number < REGIONS else 0,
        )
        for number in range(count)
    )


def widening(*, emergency: bool) -> tuple[Step, ...]:
    """Own room, neighbours, region, country; emergencies faster and in the end out of the reserves as well."""
    times = (2_000, 5_000, 10_000) if emergency else (20_000, 60_000, 120_000)
    return (
        Step(reach=Reach.OWN, strategy=Strategy.LONGEST_IDLE),
        Step(after_ms=times[0], reach=Reach.NEIGHBOURS),
        Step(after_ms=times[1], reach=Reach.REGION, relax=1, strategy=Strategy.MOST_SKILLED),
        Step(after_ms=times[2], reach=Reach.COUNTRY, use_reserves=emergency, strategy=Strategy.LONGEST_IDLE),
    )


def queues(count: int = QUEUES, room_count: int = ROOMS) -> tuple[api.QueueConfig, ...]:
    """Queues by turns to the rooms; every fifth is of emergencies."""
    made = []
    for number in range(count):
        klass = (ContactClass.EMERGENCY, ContactClass.URGENT, *([ContactClass.NORMAL] * 3))[number % 5]
        made.append(
            api.QueueConfig(
                QueueId(f"queue-{number}"),
                f"Queue {number}",
                (RoomId(f"room-{number % room_count}"),),
                klass,
                skills={SKILLS[number % 3]: 1 + number % 4},
                preferred={SKILLS[3 + number % 2]: 3} if number % 7 == 0 else {},
                workflow=widening(emergency=klass is ContactClass.EMERGENCY),
            )
        )
    return tuple(made)


def kind_of(event: api.Event) -> str:
    """The event's name; of a timer also which."""
    name = type(event).__name__
    return f"{name} {event.key.partition(':')[0]}" if type(event) is api.TimerFired else name


class World:
    """A core and its people. `times_ns`: CPU time of each step (the thread alone: others use this machine as well);
    `kinds`: what each was."""

    def __init__(
        self,
        seed: int,
        operators: int = OPERATORS,
        *,
        room_count: int = ROOMS,
        queue_count: int = QUEUES,
        core: RoutingCore | None = None,
    ) -> None:
        self.die = random.Random(seed)
        self.core = core or RoutingCore()
        self.now_ms = 1_750_000_000_000
        self.times_ns: list[int] = []
        self.kinds: list[str] = []
        self.events = 0
        self.names: list[str] = []
        self.queue_names = [QueueId(f"queue-{number}") for number in range(queue_count)]
        self._timers: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}
        self._offers: list[api.Offer] = []
        self._talking: list[tuple[OperatorId, ContactId]] = []
        self._next = 0
        self._effects: list[api.Effect] = []
        config = api.RoutingConfig(
            queues(queue_count, room_count), max_contacts=10**7, national=RoomsConfig(rooms(room_count))
        )
        self.step(api.Configured(self.now_ms, config))
        for number in range(operators):
            skills = {skill: self.die.randrange(1, 6) for skill in self.die.sample(SKILLS, 3)}
            self.step(
                api.OperatorSignedIn(
                    self.now_ms,
                    OperatorId(f"op-{number}"),
                    f"Operator {number}",
                    PositionId(f"seat-{number}"),
                    RoomId(f"room-{number % room_count}"),
                    skills,
                    api.Activity.AVAILABLE,
                    media_up=True,
                )
            )

    def step(self, event: api.Event) -> None:
        """One event, timed; the driver notes what its effects ask of people."""
        begin_ns = thread_time_ns()
        effects = self.core.step(event)
        self.times_ns.append(thread_time_ns() - begin_ns)
        self.kinds.append(kind_of(event))
        self.events += 1
        for effect in effects:
            kind = type(effect)
            if kind is api.Offer:
                self._offers.append(effect)  # type: ignore[arg-type]
            elif kind is api.SetTimer:
                self._due[effect.key] = effect.at_ms  # type: ignore[union-attr]
                heappush(self._timers, (effect.at_ms, effect.key))  # type: ignore[union-attr]
            elif kind is api.CancelTimer:
                self._due.pop(effect.key, None)  # type: ignore[union-attr]

    def fire(self) -> None:
        """All timers that are due."""
        while self._timers and self._timers[0][0] <= self.now_ms:
            at_ms, key = heappop(self._timers)
            if self._due.get(key) == at_ms:
                del self._due[key]
                self.step(api.TimerFired(self.now_ms, key))

    def arrive(self) -> None:
        """Somebody calls; some have a language or a need of their own."""
        die = self.die
        self._next += 1
        self.step(
            api.ContactArrived(
                self.now_ms,
                ContactId(f"c-{self._next}"),
                die.choice(self.queue_names),
                f"+47{die.randrange(10**8):08d}",
                language="se" if die.random() < 0.02 else "",
                skills={"psyk": 2} if die.random() < 0.02 else {},
            )
        )

    def answer(self) -> bool:
        """An operator accepts, or one in fifty says no. False: nobody is asked."""
        while self._offers:
            at = self.die.randrange(len(self._offers))
            self._offers[at], self._offers[-1] = self._offers[-1], self._offers[at]
            offer = self._offers.pop()
            view = self.core.state.contacts.get(offer.contact)
            if view is None or view.epoch != offer.epoch or view.state is not api.ContactState.OFFERED:
                continue
            if self.die.random() < 0.02:
                self.step(api.OfferRejected(self.now_ms, offer.operator, offer.contact, offer.epoch))
                return True
            self.step(api.OfferAccepted(self.now_ms, offer.operator, offer.contact, offer.epoch))
            self.step(api.ContactConnected(self.now_ms, offer.contact, offer.epoch))
            self._talking.append((offer.operator, offer.contact))
            return True
        return False

    def hang_up(self) -> bool:
        """A call ends, and its paper work. False: nobody talks."""
        if not self._talking:
            return False
        at = self.die.randrange(len(self._talking))
        self._talking[at], self._talking[-1] = self._talking[-1], self._talking[at]
        operator, contact = self._talking.pop()
        if self.die.random() < 0.5:
            self.step(api.HangUp(self.now_ms, operator, contact))
        else:
            self.step(api.ContactGone(self.now_ms, contact, "bye"))
        self.step(api.WrapUpDone(self.now_ms, operator))
        return True

    def rounds(self, waiting: int) -> Iterator[None]:
        """People go on for ever: as many arrive as keep `waiting` in the queues."""
        state = self.core.state
        while True:
            self.now_ms += EVENT_MS * 4
            self.fire()
            if len(state.contacts) - len(self._talking) - len(self._offers) < waiting:
                self.arrive()
            self.answer()
            self.hang_up()
            if self.die.random() < 0.01:
                self._somebody_takes_a_break()
            yield

    def _somebody_takes_a_break(self) -> None:
        name = OperatorId(f"op-{self.die.randrange(len(self.core.state.operators))}")
        for activity in (api.Activity.BREAK, api.Activity.AVAILABLE):
            self.step(api.ActivitySet(self.now_ms, name, activity))

    def fill(self, waiting: int, *, busy: bool = True) -> None:
        """Until so many wait. `busy`: first everybody is in a call."""
        while self.answer() or (busy and self._any_idle()):
            pass
        while len(self.core.state.contacts) - len(self._talking) < waiting:
            self.arrive()
            self.answer()
            self.now_ms += 1

    def _any_idle(self) -> bool:
        """Callers for everybody."""
        before = len(self._talking)
        for _ in range(200):
            self.arrive()
            self.answer()
        return len(self._talking) > before


def run(world: World, waiting: int, events: int, *, check: Callable[[], None] | None = None) -> list[int]:
    """So many events at least, from a full house on. How long each took (ns)."""
    world.times_ns, world.kinds = [], []
    for _ in world.rounds(waiting):
        if check is not None:
            check()
        if len(world.times_ns) >= events:
            return world.times_ns
    raise AssertionError("rounds end never")
