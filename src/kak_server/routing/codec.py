"""Routing events to JSON values and back, by the name of their type: what the journal writes."""

from typing import Any, get_args

from kak_server.model.codec import from_json
from kak_server.routing.api import Event
from kak_server.routing.upgrades import VERSIONS, NewerEventError, upgraded

_TYPES: dict[str, type[Any]] = {cls.__name__: cls for cls in get_args(Event)}


def encode_event(event: Event) -> tuple[str, Event]:
    """Type name and data: what `model.codec.dumps` takes, not yet JSON values, since the journal only wants bytes."""
    return type(event).__name__, event


def event_version(name: str) -> int:
    """The version in which events of this type are written today."""
    return VERSIONS.get(name, 1)


def decode_event(name: str, data: Any, version: int = 1) -> Event:
    """The event again, upgraded from the version it was written in.

    Raises NewerEventError for a name or version that a newer program wrote, CodecError for data that does not fit.
    """
    cls = _TYPES.get(name)
    if cls is None:
        raise NewerEventError(f"unknown routing event {name!r}")
    event: Event = from_json(cls, upgraded(name, version, data), name)
    return event
