"""A national world for the journal's benchmarks, as routing events: 190 rooms, 1,500 operators, 400 queues, and calls
that come, are answered and end. No dice: the same figures each time."""

from collections import deque
from collections.abc import Iterator

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    Activity,
    Configured,
    ContactArrived,
    ContactClass,
    ContactConnected,
    Effect,
    Event,
    HangUp,
    Offer,
    OfferAccepted,
    OperatorSignedIn,
    QueueConfig,
    Refused,
    RoutingConfig,
    WrapUpDone,
)

ROOMS, OPERATORS, QUEUES, WAITING = 190, 1_500, 400, 10_000
TALKING_MAX = 600  # calls that are up at once
EPOCH_MS = 1_700_000_000_000


def room(number: int) -> RoomId:
    """The nth control room."""
    return RoomId(f"room-{number % ROOMS:03d}")


def rules() -> RoutingConfig:
    """A 113 and a 116117 queue for each room, and some for the whole country; neighbours help after a while."""
    queues = []
    for number in range(QUEUES):
        emergency = number < ROOMS
        rooms = tuple(room(number + step) for step in range(3))
        queues.append(
            QueueConfig(
                queue=QueueId(f"q-{number:03d}"),
                name=f"Queue {number}",
                rooms=rooms,
                klass=ContactClass.EMERGENCY if emergency else ContactClass.NORMAL,
                skills={"emd": 3} if emergency else {},
                own_room_ms=10_000 if emergency else 30_000,
            )
        )
    return RoutingConfig(queues=tuple(queues), max_contacts=20_000)


def staffed(now_ms: int = EPOCH_MS) -> Iterator[Event]:
    """The rules, and everybody signed in and available."""
    yield Configured(now_ms, rules())
    for number in range(OPERATORS):
        yield OperatorSignedIn(
            now_ms,
            OperatorId(f"op-{number:04d}"),
            f"Operator {number}",
            PositionId(f"p-{number:04d}"),
            room(number),
            {"emd": 3 + number % 5},
            Activity.AVAILABLE,
            media_up=True,
        )


def arrival(number: int, now_ms: int) -> ContactArrived:
    """The nth caller of the world."""
    caller = f"+47{90_000_000 + number}"
    return ContactArrived(now_ms, ContactId(f"c-{number:07d}"), QueueId(f"q-{number % QUEUES:03d}"), caller)


class Calls:
    """Every call in five events. Ask for the next event, tell it the effects."""

    def __init__(self, first: int = 0, now_ms: int = EPOCH_MS, step_ms: int = 4) -> None:
        self.number = first
        self.now_ms = now_ms
        self.offers = self.refused = 0
        self._step_ms = step_ms
        self._next: deque[Event] = deque()
        self._talking: deque[tuple[ContactId, OperatorId]] = deque()

    def event(self) -> Event:
        """The next thing that happens: what follows from offers first, then a call's end, then a new call."""
        self.now_ms += self._step_ms
        if self._next:
            return self._next.popleft()
        if len(self._talking) >= TALKING_MAX:
            contact, operator = self._talking.popleft()
            self._next.append(WrapUpDone(self.now_ms, operator))
            return HangUp(self.now_ms, operator, contact)
        self.number += 1
        return arrival(self.number, self.now_ms)

    def took(self, effects: tuple[Effect, ...]) -> None:
        """What the core decided: whoever is asked says yes."""
        for effect in effects:
            if isinstance(effect, Refused):
                self.refused += 1
            elif isinstance(effect, Offer):
                self.offers += 1
                self._next.append(OfferAccepted(self.now_ms, effect.operator, effect.contact, effect.epoch))
                self._next.append(ContactConnected(self.now_ms, effect.contact, effect.epoch))
                self._talking.append((effect.contact, effect.operator))

    def settled(self) -> bool:
        """Nothing follows from an offer that has not been said."""
        return not self._next
