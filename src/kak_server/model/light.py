"""Values are made by the ten thousand: frozen for those who read them, cheap to make.

A frozen dataclass writes each field by way of `object.__setattr__`, which takes three times as long as a plain one, and
more where the processor has not seen the code for a while. So the type checker holds these classes to be frozen, and
nothing is paid for it while running.
"""

from dataclasses import dataclass, field, fields
from functools import cache
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """A dataclass with slots whose instances nobody may change; equality and hash are by value."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


@cache
def names(cls: type) -> tuple[str, ...]:
    """Its fields' names, in their order. Raises TypeError when it is no dataclass."""
    return tuple(one.name for one in fields(cls))
