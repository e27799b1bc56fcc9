"""A property that is worked out once, when first asked for, and kept: as `functools.cached_property`, without its lock.

The room is one thread's; the lock was the larger part of what a header cost to read.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazily(Generic[T]):  # noqa: N801  used as a decorator
    """`@lazily def name(self)`: what it gives is kept under its name; what it raises is not."""

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self._name = work_out.__name__
        self.__doc__ = work_out.__doc__

    @overload
    def __get__(self, owner: None, kind: type[Any]) -> "lazily[T]": ...

    @overload
    def __get__(self, owner: object, kind: type[Any]) -> T: ...

    def __get__(self, owner: object | None, kind: type[Any]) -> "lazily[T] | T":
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._work_out(owner)  # from now on found before this descriptor
        return value
