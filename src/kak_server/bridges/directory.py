"""Which queue a call is for: by the number called, or for a service of many areas by the caller's municipality."""

from collections.abc import Iterator, Mapping
from dataclasses import field

from kak_server.model.ids import QueueId
from kak_server.model.light import frozen
from kak_server.sip.api import Detail, IncomingCall

_COMMON_WORDS = (" kommune", " commune", " municipality")


@frozen
class Municipality:
    """An area with a code of its own (kommunenummer) and who serves it."""

    code: str
    name: str
    queue: QueueId
    numbers: tuple[str, ...] = ()  # routing numbers by which carriers mean it
    prefixes: tuple[str, ...] = ()  # starts of callers' numbers that belong there


@frozen
class AreaService:
    """One number for the whole country, many queues (116117)."""

    numbers: tuple[str, ...]
    default: QueueId  # where nobody knows, and the overflow
    municipalities: tuple[Municipality, ...] = ()
    trunks: Mapping[str, str] = field(default_factory=dict)  # trunk of one area: its code


@frozen
class Found:
    """The queue, and for a service of areas what was known of the area."""

    queue: QueueId
    area: Detail | None = None


class Directory:
    """Called number or URN to queue. `fallback` serves emergency calls that are for no queue."""

    def __init__(
        self, numbers: Mapping[str, QueueId], services: tuple[AreaService, ...], fallback: QueueId | None
    ) -> None:
        self._numbers = numbers
        self._fallback = fallback
        self._services = {
            number: tables for service in services for tables in (_Service(service),) for number in _called(service)
        }

    def find(self, event: IncomingCall) -> Found | None:
        """None: a number nobody serves, and no emergency call."""
        service = self._services.get(event.called)
        if service is not None:
            return service.find(event)
        queue = self._numbers.get(event.called)
        if queue is None and event.emergency:
            queue = self._fallback
        return Found(queue) if queue is not None else None

    def queue(self, number: str) -> QueueId | None:
        """The queue a number of ours leads to, from wherever one calls."""
        service = self._services.get(number)
        return service.default if service is not None else self._numbers.get(number)


class _Service:
    """An area service with its tables turned about."""

    def __init__(self, service: AreaService) -> None:
        self._service = service
        self.default = service.default
        towns = service.municipalities
        self._by_code = {town.code: town for town in towns}
        self._by_number = {number: town for town in towns for number in town.numbers}
        self._by_name = {plain_name(text): town for town in towns for text in (town.name, town.code) if text}
        self._prefixes = {prefix: town for town in towns for prefix in town.prefixes}
        self._prefix_chars = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

    def find(self, event: IncomingCall) -> Found:
        """The municipality by what is known best: the number the carrier chose, its trunk, the caller's location, the
        caller's number."""
        for how, town in self._evidence(event):
            if town is not None:
                return Found(town.queue, Detail(f"area-{how}", f"{town.code} {town.name}".strip()))
        return Found(self.default, Detail("area-unknown", ""))

    def _evidence(self, event: IncomingCall) -> Iterator[tuple[str, Municipality | None]]:
        yield "number", self._by_number.get(event.called)
        yield "trunk", self._by_code.get(self._service.trunks.get(event.trunk, ""))
        for place in event.locations if event.route_by_location else ():
            for area in place.areas:
                yield "location", self._by_name.get(plain_name(area))
        number = event.caller.number
        for chars in self._prefix_chars:
            yield "caller", self._prefixes.get(number[:chars])


def _called(service: AreaService) -> Iterator[str]:
    yield from service.numbers
    for town in service.municipalities:
        yield from town.numbers


def plain_name(name: str) -> str:
    """A municipality's name as names are compared."""
    plain = " ".join(name.casefold().split())
    for word in _COMMON_WORDS:
        plain = plain.removesuffix(word)
    return plain
