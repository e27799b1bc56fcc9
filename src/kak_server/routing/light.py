"""Effects are made by the ten thousand: frozen for those who read them, cheap to make.

A frozen dataclass writes each field by way of `object.__setattr__`, which takes three times as long as a plain one. So
the type checker holds effects to be frozen, and nothing is paid for it while running. Equality and hash are by value.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def effect(cls: type[T]) -> type[T]:
    """A dataclass with slots whose instances nobody may change."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
