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

from . import holders, layouts, reach, shared
from .layouts import CannotCopy
from .parts import (
    Copy,
    Names,
    Parts,
    fill_cell,
    finish_array,
    finish_function,
    make_apart,
    make_function,
    make_root,
    make_view,
)

_CONTEXT = object()  # stands in the stream for the copy that is being made
_PASSED_ON = ("__name__", "__builtins__")


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
        todo = {**self._pickler.wanted, **dict.fromkeys(names, self._home)}
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

    def held_elsewhere(self, also: int = 0) -> set[int]:
        """Ids of the last arrays under what somebody holds who is not among the values; nothing can be added then.

        `also` is how many references the caller has to each value, beside those of the home.
        """
        del self._pickler  # it holds everything it met
        ours = holders.counted(self.masters) + self._parts.own_references()
        return holders.held_elsewhere(
            self._parts.references, self._parts.met, ours, holders.counted(self.masters, also)
        )

    def name_on(self, root: int) -> str:
        """A name whose array stands on the root with this id."""
        arrays = ((name, value) for name, value in self.masters.items() if isinstance(value, np.ndarray))
        return next((name for name, value in arrays if id(layouts.root_of(value)) == root), "a value")

    def originals(self) -> dict[int, np.ndarray]:
        """The last arrays of all chains, by id."""
        return self._parts.originals()

    def make(self, watched: dict[int, np.ndarray] | None = None) -> Names:
        """A new namespace: the copies by name, and the home's ``__name__``.

        `watched` gets the copies of the last arrays by the ids of the originals, and holds them.

        Raises
        ------
        CannotCopy
            When a value that was taken apart cannot be put together again.
        MemoryError
            When there is no memory for it.
        """
        namespace = {name: self._home[name] for name in _PASSED_ON if name in self._home}
        copy = Copy(self._parts, namespace, watched)
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
        if isinstance(value, np.ndarray):
            self._parts.met[id(value)] += 1
        return self._parts.refer(value) if shared.is_shared(value, self._home) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self._reduce_array(value)
        if isinstance(value, FunctionType):
            return self._reduce_function(value)
        if isinstance(value, CellType):
            state = (value.cell_contents,) if shared.is_filled(value) else None
            return CellType, (), state, None, None, fill_cell
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
        self._parts.met[id(array)] -= 1  # the pickler meets it once more, when it says whose state follows
        if end is not array:
            self._parts.views.append((array, layouts.offset_of(array, end)))
            place = (_CONTEXT, len(self._parts.views) - 1, end)
            return make_view, place, (attributes, None, array.flags.writeable, _CONTEXT), None, None, finish_array
        elements = layouts.elements(array) if root.kind == "object" else None
        under = root.under if root.kind == "under" else None
        args = (_CONTEXT, self._parts.refer(root), under)
        return make_root, args, (attributes, elements, array.flags.writeable, _CONTEXT), None, None, finish_array

    def _reduce_function(self, function: FunctionType) -> Any:
        is_home = shared.is_at_home(function, self._home)
        if is_home:
            self.want(reach.global_names(function.__code__), function.__globals__)
        names = None if is_home else self._parts.refer(function.__globals__)
        state = (function.__defaults__, function.__kwdefaults__, vars(function), function.__qualname__)
        args = (_CONTEXT, function.__code__, names, function.__name__, function.__closure__)
        return make_function, args, state, None, None, finish_function

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
        return make_apart, (_CONTEXT, len(self._parts.inner) - 1)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, copy: Copy) -> None:
        super().__init__(stream)
        self._copy = copy

    def persistent_load(self, number: int) -> Any:
        return self._copy if number == -1 else self._copy.parts.references[number]
