"""What an expression can stand for: an array by shape and dtype, a value that is known, or nothing known and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), slice, range)
_LONG = 1000  # items of a list that are looked at one by one


@dataclass(frozen=True)
class Array:
    """An array of `shape` and `dtype`; `is_scalar` marks what NumPy hands out as a scalar (``x.sum()``)."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_scalar: bool = False

    @property
    def size(self) -> int:
        """Number of elements, of any size."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Known:
    """A value that can be used as it is: a number, a text, a dtype, a module or function of NumPy, a tuple of values.

    `is_example` marks a number of which only the type is known; `value` is then one such number.
    """

    value: Any
    is_example: bool = False


@dataclass(frozen=True)
class Unknown:
    """Nothing is known; `why` says so in words that complete "... is not known: "."""

    why: str


Value = Array | Known | Unknown


def words(text: str) -> frozenset[str]:
    """The words of `text`: a long set, written in few lines."""
    return frozenset(text.split())


def from_object(value: object) -> Value:
    """What stands for an object of the user's. Decided by exact types, so that no code of the object runs."""
    if type(value) in _PLAIN:
        return Known(value)
    if isinstance(value, np.generic):
        return Known(value)
    if isinstance(value, np.ndarray):
        return _from_array(value)
    if isinstance(value, np.dtype):
        return Known(value)
    if type(value) in (list, tuple):
        return _from_sequence(value)  # type: ignore[arg-type]
    if type(value) is ModuleType and value.__name__.partition(".")[0] == "numpy":
        return Known(value)
    if isinstance(value, (np.ufunc, np.random.Generator)) or type(value) is type:
        return Known(value)
    if callable(value) and str(getattr(type(value), "__module__", "")) == "numpy":
        return Known(value)  # np.sum, imported by name
    return Unknown(f"it is of type {type(value).__name__}, and only arrays and numbers are looked at")


def _from_array(array: np.ndarray) -> Value:
    if type(array) not in (np.ndarray, np.memmap, np.recarray):
        return Unknown(f"it is of type {type(array).__name__}, which has rules of its own")
    return Array(array.shape, array.dtype)


def _from_sequence(items: list[Any] | tuple[Any, ...]) -> Value:
    if len(items) > _LONG or not all(type(item) in (bool, int, float, complex) for item in items):
        return Unknown(f"it is a {type(items).__name__} whose items are not looked at")
    return Known(type(items)(items))
