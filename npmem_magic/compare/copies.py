"""The same start for everybody: a plan of the values that a piece of code can reach, and copies made from it at will.

The graph of objects is walked by a pickler, which knows how every kind of object is taken apart; arrays are left out
of its stream and made by `layouts`. Two names of one object are two names of one copy; what shares memory shares the
copy's memory. Functions of the notebook are made anew, so that their global names are the copies.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CellType, FunctionType
from typing import Any

import numpy as np

from . import layouts, reach, shared
from .layouts import CannotCopy, Root

_CONTEXT = object()  # stands in the stream for the copy that is being made
_PASSED_ON = ("__name__", "__builtins__")
Names = dict[str, Any]


class Plan:
    """What to copy. Nothing is copied before `make`.

    Parameters
    ----------
    home : mapping
        The namespace whose names the copies have, and whose functions read the copies.
    names : iterable of str
        What to copy of it; the global names that functions among it read are copied too.
    extra : mapping, optional
        Values under names that `home` does not have.

    Raises
    ------
    CannotCopy
        When no copy can be made of a value; the message names it.

    Attributes
    ----------
    masters : dict
        The values themselves, by name.
    remarks : tuple of str
        Where a copy is not quite like the value itself.
    """

    def __init__(self, home: Mapping[str, Any], names: Iterable[str], extra: Mapping[str, Any] | None = None) -> None:
        self.masters: Names = {}
        self._home = home
        self._stream = io.BytesIO()
        self._parts = Parts()
        self._pickler = _Pickler(self._stream, self._parts, home)
        for name, value in (extra or {}).items():
            self._add(name, value)
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        """Copy `names` too."""
        todo = dict.fromkeys(names, self._home)
        while todo:
            for name, home in todo.items():
                if name in home and name not in self.masters:
                    self._add(name, home[name])
            todo, self._pickler.wanted = self._pickler.wanted, {}

    def add_onlookers(self) -> None:
        """Copy also what shares memory with the copied values, or is one of them by another name."""
        self.add(reach.onlookers(self._home, self.masters, self._parts.has))

    @property
    def nbytes(self) -> int:
        """Bytes that one copy takes."""
        return self._parts.nbytes + self._stream.tell()

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(self._parts.remarks)

    def make(self) -> Names:
        """A new namespace: the copies by name, and the home's ``__name__``.

        Raises
        ------
        CannotCopy
            When a value that was taken apart cannot be put together again.
        MemoryError
            When there is no memory for it.
        """
        namespace = {name: self._home[name] for name in _PASSED_ON if name in self._home}
        copy = _Copy(self._parts, namespace)
        unpickler = _Unpickler(io.BytesIO(self._stream.getvalue()), copy)
        for name, value in self.masters.items():
            with _blamed_on(name, value):
                namespace[name] = unpickler.load()
        for array in copy.locked:
            array.flags.writeable = False
        return namespace

    def _add(self, name: str, value: Any) -> None:
        with _blamed_on(name, value):
            self._pickler.dump(value)
        self.masters[name] = value
        if type(value) is str:
            self._pickler.want(reach.names_in_text(value, self._home), self._home)


@contextmanager
def _blamed_on(name: str, value: object) -> Iterator[None]:
    """Turn whatever taking a value apart raises, which may be anything, into a CannotCopy that names the value."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickling iterators, which are read back at once
            yield
    except MemoryError:
        raise
    except Exception as error:
        why = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise CannotCopy(f"No copy can be made of `{name}` ({type(value).__name__}): {why}") from error


class Parts:
    """What is not in the stream: shared objects and arrays, by number."""

    def __init__(self) -> None:
        self.references: list[Any] = []
        self.views: list[tuple[np.ndarray, int]] = []
        self.remarks: dict[str, None] = {}
        self.inner: list[Plan] = []
        self._roots: dict[int, Root] = {}
        self._numbers: dict[int, int] = {}

    def refer(self, value: Any) -> int:
        """The number of a shared object."""
        number = self._numbers.setdefault(id(value), len(self.references))
        if number == len(self.references):
            self.references.append(value)
        return number

    def root(self, array: np.ndarray) -> Root:
        """The root whose last array is `array`."""
        return self._roots.setdefault(id(array), layouts.describe(array))

    def has(self, array: np.ndarray) -> bool:
        """Whether `array` stands on a buffer of one of the roots."""
        return id(layouts.root_of(array)) in self._roots or any(plan._parts.has(array) for plan in self.inner)

    @property
    def nbytes(self) -> int:
        return sum(root.nbytes for root in self._roots.values()) + sum(plan.nbytes for plan in self.inner)


class _Copy:
    """One copy in the making: where it goes, and the arrays to be made read-only when all views are there."""

    def __init__(self, parts: Parts, namespace: Names) -> None:
        self.parts, self.namespace = parts, namespace
        self.locked: list[np.ndarray] = []


class _Pickler(pickle.Pickler):
    """Takes objects apart; `wanted` collects the global names that functions read, each with where it stands."""

    def __init__(self, stream: io.BytesIO, parts: Parts, home: Mapping[str, Any]) -> None:
        super().__init__(stream, protocol=5)
        self._parts, self._home = parts, home
        self._apart: object = None
        self.wanted: dict[str, Mapping[str, Any]] = {}

    def want(self, names: Iterable[str], home: Mapping[str, Any]) -> None:
        self.wanted.update((name, home) for name in names)

    def persistent_id(self, value: Any) -> int | None:
        if value is _CONTEXT:
            return -1
        return self._parts.refer(value) if shared.is_shared(value, self._home) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self._reduce_array(value)
        if isinstance(value, FunctionType):
            return self._reduce_function(value)
        if isinstance(value, CellType):
            state = (value.cell_contents,) if shared.is_filled(value) else None
            return CellType, (), state, None, None, _fill_cell
        if shared.is_cached(value):
            self._parts.remarks[f"`{value.__name__}` starts with an empty cache"] = None
            return shared.cached_anew, (value.__wrapped__, value.cache_parameters())
        if shared.copies_on_write(value) and value is not self._apart:
            return self._reduce_apart(value)
        return NotImplemented

    def _reduce_array(self, array: np.ndarray) -> Any:
        end = layouts.root_of(array)
        root = self._parts.root(end)
        attributes = vars(array) if hasattr(array, "__dict__") and not isinstance(array, np.memmap) else None
        if root.kind == "foreign":
            kind = type(root.under).__name__
            self._parts.remarks[f"memory of {kind} is copied for an array that looks into it"] = None
        self._parts.refer(array)  # its id is a name here: nobody may get it before the plan goes
        if end is not array:
            self._parts.views.append((array, layouts.offset_of(array, end)))
            place = (_CONTEXT, len(self._parts.views) - 1, end)
            return _make_view, place, (attributes, None, array.flags.writeable, _CONTEXT), None, None, _finish_array
        elements = layouts.elements(array) if root.kind == "object" else None
        under = root.under if root.kind == "under" else None
        args = (_CONTEXT, self._parts.refer(root), under)
        return _make_root, args, (attributes, elements, array.flags.writeable, _CONTEXT), None, None, _finish_array

    def _reduce_function(self, function: FunctionType) -> Any:
        is_home = shared.is_at_home(function, self._home)
        if is_home:
            self.want(reach.global_names(function.__code__), function.__globals__)
        names = None if is_home else self._parts.refer(function.__globals__)
        state = (function.__defaults__, function.__kwdefaults__, vars(function), function.__qualname__)
        args = (_CONTEXT, function.__code__, names, function.__name__, function.__closure__)
        return _make_function, args, state, None, None, _finish_function

    def _reduce_apart(self, value: Any) -> Any:
        """A pandas object whose writes are seen by nobody else: it shares memory with none of the others."""
        plan = Plan.__new__(Plan)
        plan.masters, plan._home, plan._stream, plan._parts = {}, {}, io.BytesIO(), Parts()
        plan._pickler = _Pickler(plan._stream, plan._parts, self._home)
        plan._pickler._apart = value
        plan._add("value", value)
        self.wanted.update(plan._pickler.wanted)
        self._parts.remarks.update(plan._parts.remarks)
        self._parts.inner.append(plan)
        return _make_apart, (_CONTEXT, len(self._parts.inner) - 1)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, copy: _Copy) -> None:
        super().__init__(stream)
        self._copy = copy

    def persistent_load(self, number: int) -> Any:
        return self._copy if number == -1 else self._copy.parts.references[number]


def _make_root(copy: _Copy, number: int, under: Any) -> np.ndarray:
    return layouts.copy_root(copy.parts.references[number], under)


def _make_view(copy: _Copy, number: int, root: np.ndarray) -> np.ndarray:
    return layouts.copy_view(*copy.parts.views[number], root)


def _finish_array(array: np.ndarray, state: tuple[Names | None, list[Any] | None, bool, _Copy]) -> None:
    attributes, elements, is_writeable, copy = state
    if attributes is not None:
        vars(array).clear()
        vars(array).update(attributes)
    if elements is not None:
        layouts.fill(array, elements)
    if not is_writeable:
        copy.locked.append(array)


def _make_apart(copy: _Copy, number: int) -> Any:
    return copy.parts.inner[number].make()["value"]


def _make_function(copy: _Copy, code: Any, names: int | None, name: str, closure: Any) -> FunctionType:
    where = copy.namespace if names is None else copy.parts.references[names]
    return FunctionType(code, where, name, None, closure)


def _finish_function(function: FunctionType, state: tuple[Any, Any, Names, str]) -> None:
    function.__defaults__, function.__kwdefaults__, attributes, function.__qualname__ = state
    vars(function).update(attributes)


def _fill_cell(cell: CellType, state: tuple[Any]) -> None:
    (cell.cell_contents,) = state
