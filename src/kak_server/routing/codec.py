"""Routing events to JSON values and back, by the name of their type: what the journal writes."""

from typing import Any, get_args

from kak_server.model.codec import CodecError, from_json
from kak_server.routing.api import Event

_TYPES: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Event)}


def encode_event(event: Event) -> tuple[str, Event]:
    """Type name and data: what `model.codec.dumps` takes, not yet JSON values, since the journal only wants bytes."""
    return type(event).__name__, event


def decode_event(name: str, data: Any) -> Event:
    """The event again. Raises CodecError for an unknown name (a newer writer) or data that does not fit."""
    cls = _TYPES.get(name)
    if cls is None:
        raise CodecError(f"unknown routing event {name!r}")
    event: Event = from_json(cls, data, name)
    return event
