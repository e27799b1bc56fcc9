"""Frozen dataclasses to plain JSON values and back.

The journal, the worker RPC and the console all carry dataclasses as JSON; this is the one place that does it.
Encoding is canonical: keys sorted, no spaces, sets in order, so that equal values give equal bytes.
"""

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

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
    """Canonical JSON bytes of a dataclass or plain value."""
    return _ENCODER.encode(value).encode()


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
    return typing.cast(T, _decode(cls, data, path))


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_shallow)
_NAMES: dict[type[Any], tuple[str, ...] | None] = {}
_HINTS: dict[type[Any], tuple[tuple[str, Any, bool], ...]] = {}


def _field_names(cls: type[Any]) -> tuple[str, ...] | None:
    """A dataclass's fields; None for any other type. Remembered by type."""
    try:
        return _NAMES[cls]
    except KeyError:
        is_dataclass = dataclasses.is_dataclass(cls)
        names = _NAMES[cls] = tuple(field.name for field in dataclasses.fields(cls)) if is_dataclass else None
        return names


def _hints(cls: type[Any]) -> tuple[tuple[str, Any, bool], ...]:
    """A dataclass's fields with their types, and whether each is required. Remembered by type."""
    try:
        return _HINTS[cls]
    except KeyError:
        types_of = typing.get_type_hints(cls)
        hints = _HINTS[cls] = tuple(
            (
                field.name,
                types_of[field.name],
                field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            )
            for field in dataclasses.fields(cls)
        )
        return hints


def _decode_dataclass(cls: type[Any], data: Json, path: str) -> Any:
    if not isinstance(data, Mapping):
        raise CodecError(f"{path}: expected an object for {cls.__name__}")
    values = {}
    for name, hint, required in _hints(cls):
        if name in data:
            values[name] = _decode(hint, data[name], f"{path}.{name}")
        elif required:
            raise CodecError(f"{path}.{name}: missing")
    return cls(**values)


def _decode_union(args: tuple[Any, ...], data: Json, path: str) -> Any:
    if data is None and type(None) in args:
        return None
    problems = []
    for option in args:
        if option is type(None):
            continue
        try:
            return _decode(option, data, path)
        except CodecError as problem:
            problems.append(str(problem))
    raise CodecError(problems[0] if len(problems) == 1 else f"{path}: fits none of the allowed types")


def _decode_container(origin: Any, args: tuple[Any, ...], data: Json, path: str) -> Any:
    if issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise CodecError(f"{path}: expected an object")
        key_type, item_type = args if args else (str, Any)
        key_of = int if _plain(key_type) is int else str
        return {key_of(key): _decode(item_type, item, f"{path}.{key}") for key, item in data.items()}
    if not isinstance(data, list | tuple):
        raise CodecError(f"{path}: expected a list")
    if origin is tuple and args and args[-1] is not Ellipsis:
        if len(args) != len(data):
            raise CodecError(f"{path}: expected {len(args)} items")
        return tuple(
            _decode(item_type, item, f"{path}[{n}]") for n, (item_type, item) in enumerate(zip(args, data, strict=True))
        )
    item_type = args[0] if args else Any
    return origin(_decode(item_type, item, f"{path}[{n}]") for n, item in enumerate(data))


def _plain(hint: Any) -> Any:
    """The type behind a NewType."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return hint


def _decode(hint: Any, data: Json, path: str) -> Any:
    hint = _plain(hint)
    if hint is Any:
        return data
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(hint), data, path)
    if origin is typing.Literal:
        if data not in get_args(hint):
            raise CodecError(f"{path}: {data!r} is not one of {get_args(hint)}")
        return data
    if origin is not None:
        return _decode_container(origin, get_args(hint), data, path)
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(typing.cast(type[Any], hint), data, path)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(data)
        except ValueError as problem:
            raise CodecError(f"{path}: {problem}") from None
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(hint, type):
        if isinstance(data, hint) and not (hint is int and isinstance(data, bool)):
            return data
        raise CodecError(f"{path}: expected {hint.__name__}, got {type(data).__name__}")
    raise CodecError(f"{path}: cannot decode {hint!r}")
