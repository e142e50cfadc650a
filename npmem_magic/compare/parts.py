"""What is not in a copy's stream: shared objects and arrays by number, and the makers that put a copy together."""

from __future__ import annotations

from collections import Counter
from types import CellType, FunctionType
from typing import Any

import numpy as np

from . import layouts
from .layouts import Root

Names = dict[str, Any]


class Parts:
    """What is not in the stream: shared objects and arrays, by number."""

    def __init__(self) -> None:
        self.references: list[Any] = []
        self.met: Counter[int] = Counter()
        self.views: list[tuple[np.ndarray, int]] = []
        self.remarks: dict[str, None] = {}
        self.inner: list[Any] = []  # plans of values that share memory with no other
        self._roots: dict[int, Root] = {}
        self._numbers: dict[int, int] = {}

    def refer(self, value: Any) -> int:
        """The number of a shared object."""
        number: int = self._numbers.setdefault(id(value), len(self.references))
        if number == len(self.references):
            self.references.append(value)
        return number

    def root(self, array: np.ndarray) -> Root:
        """The root whose last array is `array`."""
        return self._roots.setdefault(id(array), layouts.describe(array))

    def own_references(self) -> Counter[int]:
        """By id of an array, how often it is held here beside `references`."""
        return Counter([*self._roots, *(id(array) for array, _ in self.views)])

    def originals(self) -> dict[int, np.ndarray]:
        """The arrays of the roots, by id."""
        return {key: root.array for key, root in self._roots.items()}

    def has(self, array: np.ndarray) -> bool:
        """Whether `array` stands on a buffer of one of the roots."""
        return id(layouts.root_of(array)) in self._roots or any(plan._parts.has(array) for plan in self.inner)

    @property
    def nbytes(self) -> int:
        """Bytes that NumPy allocates for the copies."""
        inner: int = sum(plan.nbytes for plan in self.inner)
        return inner + sum(root.nbytes for root in self._roots.values())


class Copy:
    """One copy in the making: where it goes, and the arrays to be made read-only when all views are there."""

    def __init__(self, parts: Parts, namespace: Names, watched: dict[int, np.ndarray] | None) -> None:
        self.parts, self.namespace, self.watched = parts, namespace, watched
        self.locked: list[np.ndarray] = []


def make_root(copy: Copy, number: int, under: Any) -> np.ndarray:
    """The copy of the root with this number; `under` is the copy of what it stands on."""
    root = copy.parts.references[number]
    array = layouts.copy_root(root, under)
    if copy.watched is not None:
        copy.watched[id(root.array)] = array
    return array


def make_view(copy: Copy, number: int, root: np.ndarray) -> np.ndarray:
    """The copy of the view with this number, on the copy of its root."""
    return layouts.copy_view(*copy.parts.views[number], root)


def finish_array(array: np.ndarray, state: tuple[Names | None, list[Any] | None, bool, Copy]) -> None:
    """Put attributes and elements into an array that was made; note it when it is to be read-only."""
    attributes, elements, is_writeable, copy = state
    if attributes is not None:
        vars(array).clear()
        vars(array).update(attributes)
    if elements is not None:
        layouts.fill(array, elements)
    if not is_writeable:
        copy.locked.append(array)


def make_apart(copy: Copy, number: int) -> Any:
    """The copy of a value that shares memory with no other."""
    return copy.parts.inner[number].make()["value"]


def make_function(copy: Copy, code: Any, names: int | None, name: str, closure: Any) -> FunctionType:
    """A function with the copies as its global names, or with the names that have this number."""
    where = copy.namespace if names is None else copy.parts.references[names]
    return FunctionType(code, where, name, None, closure)


def finish_function(function: FunctionType, state: tuple[Any, Any, Names, str]) -> None:
    """Put defaults and attributes into a function that was made."""
    function.__defaults__, function.__kwdefaults__, attributes, function.__qualname__ = state
    vars(function).update(attributes)


def fill_cell(cell: CellType, state: tuple[Any]) -> None:
    """Put its content into a closure's cell."""
    (cell.cell_contents,) = state
