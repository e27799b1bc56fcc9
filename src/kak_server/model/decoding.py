"""Annotated types to functions that build their values from JSON, made once a type.

Every worker command, event and journal record passes here: nothing about a type is looked up twice, and the path of a
misfit is put together only when there is one.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin

Decoder = Callable[[Any], Any]


class MisfitError(Exception):
    """A value does not fit its type: what is wrong, and where below the value that was asked for."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.path = path

    def inside(self, step: str) -> "MisfitError":
        """The same, seen from one level further out."""
        self.path = f"{step}{self.path}"
        return self


_DECODERS: dict[Any, Decoder] = {}
_PLAIN = (str, int, float, bool)


def decoder_of(hint: Any) -> Decoder:
    """The decoder of a type: a dataclass, a container, union, literal, enum or plain type. It raises MisfitError."""
    try:
        return _DECODERS[hint]
    except KeyError:
        made = _DECODERS[hint] = _make(hint)
        return made


def _make(hint: Any) -> Decoder:
    hint = _bare(hint)
    if hint is Any:
        return lambda data: data
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union(get_args(hint))
    if origin is typing.Literal:
        return _literal(get_args(hint))
    if origin is not None:
        return _container(origin, get_args(hint))
    if dataclasses.is_dataclass(hint):
        return _dataclass(typing.cast(type[Any], hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _enum(hint)
    if isinstance(hint, type):
        return _plain(hint)

    def impossible(data: Any) -> Any:
        raise MisfitError(f"cannot decode {hint!r}")

    return impossible


def _bare(hint: Any) -> Any:
    """The type behind a NewType."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return hint


def _plain(kind: type[Any]) -> Decoder:
    def decode(data: Any) -> Any:
        if type(data) is kind:
            return data
        if kind is float and isinstance(data, int) and not isinstance(data, bool):
            return float(data)
        if isinstance(data, kind) and not (kind is int and isinstance(data, bool)):
            return data
        raise MisfitError(f"expected {kind.__name__}, got {type(data).__name__}")

    return decode


def _literal(values: tuple[Any, ...]) -> Decoder:
    def decode(data: Any) -> Any:
        if data not in values:
            raise MisfitError(f"{data!r} is not one of {values}")
        return data

    return decode


def _enum(kind: type[enum.Enum]) -> Decoder:
    members = {member.value: member for member in kind}  # asking the type itself takes ten times as long

    def decode(data: Any) -> Any:
        try:
            return members[data]
        except (KeyError, TypeError):
            pass
        try:
            return kind(data)
        except ValueError as problem:
            raise MisfitError(str(problem)) from None

    return decode


def _dataclass(cls: type[Any]) -> Decoder:
    fields: list[tuple[str, Any, Decoder, bool]] = []  # name, the plain type it is nearly always of, decoder, required

    def look() -> None:  # at the first value: a type may be inside itself
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            bare = _bare(hints[field.name])
            fields.append((field.name, bare if bare in _PLAIN else None, decoder_of(hints[field.name]), required))

    def decode(data: Any) -> Any:
        if type(data) is not dict and not isinstance(data, Mapping):
            raise MisfitError(f"expected an object for {cls.__name__}")
        if not fields:
            look()
        values = {}
        for name, plain, decode_field, required in fields:
            if name in data:
                value = data[name]
                if type(value) is plain:
                    values[name] = value
                    continue
                try:
                    values[name] = decode_field(value)
                except MisfitError as misfit:
                    raise misfit.inside(f".{name}") from None
            elif required:
                raise MisfitError("missing", f".{name}")
        return cls(**values)

    return decode


def _union(options: tuple[Any, ...]) -> Decoder:
    optional = type(None) in options
    decoders = [decoder_of(option) for option in options if option is not type(None)]
    if optional and len(decoders) == 1:
        decode_it = decoders[0]
        return lambda data: None if data is None else decode_it(data)

    def decode(data: Any) -> Any:
        if data is None and optional:
            return None
        for decode_option in decoders:
            try:
                return decode_option(data)
            except MisfitError:
                continue
        raise MisfitError("fits none of the allowed types")

    return decode


def _container(origin: Any, args: tuple[Any, ...]) -> Decoder:
    if issubclass(origin, Mapping):
        return _mapping(args)
    if origin is tuple and args and args[-1] is not Ellipsis:
        return _fixed_tuple(args)
    decode_item = decoder_of(args[0] if args else Any)

    def decode(data: Any) -> Any:
        if type(data) is not list and not isinstance(data, tuple | list):
            raise MisfitError("expected a list")
        items: list[Any] = []
        for item in data:
            try:
                items.append(decode_item(item))
            except MisfitError as misfit:
                raise misfit.inside(f"[{len(items)}]") from None
        return origin(items)

    return decode


def _fixed_tuple(args: tuple[Any, ...]) -> Decoder:
    decoders = [decoder_of(arg) for arg in args]

    def decode(data: Any) -> Any:
        if not isinstance(data, list | tuple):
            raise MisfitError("expected a list")
        if len(data) != len(decoders):
            raise MisfitError(f"expected {len(decoders)} items")
        items = []
        for decode_item, item in zip(decoders, data, strict=True):
            try:
                items.append(decode_item(item))
            except MisfitError as misfit:
                raise misfit.inside(f"[{len(items)}]") from None
        return tuple(items)

    return decode


def _mapping(args: tuple[Any, ...]) -> Decoder:
    key_type, item_type = args if args else (str, Any)
    while hasattr(key_type, "__supertype__"):
        key_type = key_type.__supertype__
    key_of = int if key_type is int else str
    decode_item = decoder_of(item_type)

    def decode(data: Any) -> Any:
        if type(data) is not dict and not isinstance(data, Mapping):
            raise MisfitError("expected an object")
        values: dict[Any, Any] = {}
        for key, item in data.items():
            try:
                values[key_of(key)] = decode_item(item)
            except MisfitError as misfit:
                raise misfit.inside(f".{key}") from None
            except ValueError:
                raise MisfitError("not a number", f".{key}") from None
        return values

    return decode
