"""Frozen dataclasses to plain JSON values and back.

The journal, the worker RPC and the console all carry dataclasses as JSON; this is the one place that does it.
Encoding is canonical: keys sorted, no spaces, sets in order, so that equal values give equal bytes.
"""

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import orjson

from kak_server.model.decoding import MisfitError, decoder_of

T = TypeVar("T")

_PLAIN = frozenset({str, int, float, bool, type(None)})

Json = Any  # a JSON value: None, bool, int, float, str, list, dict with str keys


class CodecError(ValueError):
    """The JSON value does not fit the type it should become. The text names the path."""


def to_json(value: Any) -> Json:
    """A dataclass (or a value inside one) as plain JSON values. Fields keep their names.

    Raises TypeError for a value no field of ours should hold (a float NaN, an object of another kind).
    """
    kind: type[Any] = type(value)
    if kind in _PLAIN:  # the journal's hot path: exact types first
        return value
    names = _field_names(kind)
    if names is not None:
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(to_json(item) for item in value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def dumps(value: Any) -> bytes:
    """Canonical JSON bytes of a dataclass or plain value. Raises TypeError for an object of another kind, ValueError
    for text that is no UTF-8."""
    try:
        return orjson.dumps(value, _shallow, _CANONICAL)
    except TypeError:  # numbers as keys, or of more than 64 bits: seldom, and the library's own encoder knows them
        return _PATIENT.encode(value).encode()


def loads(data: bytes | bytearray | str) -> Json:
    """JSON as plain values, strictly (RFC 8259: no NaN, no comments, UTF-8). Raises ValueError."""
    return orjson.loads(data)


def _shallow(value: Any) -> Json:
    """One level of what the encoder does not know; it comes back for what is inside."""
    names = _field_names(type(value))
    if names is not None:
        return {name: getattr(value, name) for name in names}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def from_json(cls: type[T], data: Json, path: str = "$") -> T:
    """Build a dataclass (or any annotated type) from plain JSON values.

    Unknown keys are ignored (a newer writer); missing keys need a default. Raises CodecError naming the path.
    """
    try:
        return cast(T, decoder_of(cls)(data))
    except MisfitError as misfit:
        raise CodecError(f"{path}{misfit.path}: {misfit.text}") from None


_PATIENT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_shallow)
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
_NAMES: dict[type[Any], tuple[str, ...] | None] = {}


def _field_names(cls: type[Any]) -> tuple[str, ...] | None:
    """A dataclass's fields; None for any other type. Remembered by type."""
    try:
        return _NAMES[cls]
    except KeyError:
        is_dataclass = dataclasses.is_dataclass(cls)
        names = _NAMES[cls] = tuple(field.name for field in dataclasses.fields(cls)) if is_dataclass else None
        return names
