"""Two values compared: arrays bit by bit, containers item by item, objects by what they are made of."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .arraywise import compare_arrays, is_same_array
from .equality import CLOSE, DIFFERS, DTYPE, SAME, UNKNOWN, Equality, worst

_PLAIN = frozenset({int, bool, str, bytes, complex, float, type(None)})
CODE = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, type)  # what a cell defines, and no result
_SAME = Equality(SAME)


def compare_values(one: Any, other: Any, where: str) -> Equality:
    """How two values compare; `where` is what they are called."""
    return _Comparison().compare(one, other, where)


def compare_narrowed(one: Any, other: Any, where: str) -> Equality:
    """The same, where another dtype is no difference as long as the values are close in it."""
    if isinstance(one, np.generic | float) and isinstance(other, np.generic | float):
        one, other = np.asarray(one), np.asarray(other)
    found = compare_values(one, other, where)
    return replace(found, verdict=CLOSE) if found.verdict == DTYPE else found


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same to the bit, the memory order of arrays included."""
    if type(one) is np.ndarray and type(other) is np.ndarray and not one.dtype.hasobject and not other.dtype.hasobject:
        return is_same_array(one, other) and not any(_layout(one, other, ""))
    found = compare_values(one, other, "value")
    return found.verdict == SAME and not found.remarks


class _Comparison:
    """One walk through two values; pairs that were met before are not walked again, as a value may hold itself."""

    def __init__(self) -> None:
        self._met: set[tuple[int, int]] = set()
        self._held: list[object] = []  # what was made on the way: ids must not be given out twice

    def compare(self, one: Any, other: Any, where: str) -> Equality:
        if one is other or (id(one), id(other)) in self._met:
            return _SAME
        if type(one) is not type(other):
            return _other_type(one, other, where)
        if type(one) in _PLAIN or isinstance(one, np.dtype):
            return self._compare_plain(one, other, where)
        self._met.add((id(one), id(other)))
        self._held += [one, other]
        if isinstance(one, np.ndarray):
            return self._compare_array(one, other, where)
        if isinstance(one, np.generic):
            return compare_arrays(np.asarray(one), np.asarray(other), where)
        return self._compare_object(one, other, where)

    def _compare_plain(self, one: Any, other: Any, where: str) -> Equality:
        if isinstance(one, float | complex):
            return compare_arrays(np.asarray(one), np.asarray(other), where)
        return _SAME if one == other else Equality(DIFFERS, where, f"{_short(one)} / {_short(other)}")

    def _compare_array(self, one: np.ndarray, other: np.ndarray, where: str) -> Equality:
        if one.dtype.kind == "O" and other.dtype.kind == "O" and one.shape == other.shape:
            found = self._compare_items(list(one.flat), list(other.flat), where)
        elif one.dtype.hasobject and one.dtype.names:
            return Equality(UNKNOWN, where, f"dtype {one.dtype} holds Python objects")
        else:
            found = compare_arrays(np.ndarray.view(one, np.ndarray), np.ndarray.view(other, np.ndarray), where)
        parts = [found]
        if type(one) is not np.ndarray and not isinstance(one, np.memmap):
            parts.append(self.compare(vars(one), vars(other), f"{where}.__dict__"))
        if found.verdict in (SAME, CLOSE):
            parts.append(Equality(SAME, remarks=tuple(_layout(one, other, where))))
        return worst(parts)

    def _compare_object(self, one: Any, other: Any, where: str) -> Equality:
        if isinstance(one, list | tuple) and type(one).__iter__ in (list.__iter__, tuple.__iter__):
            return self._compare_items(list(one), list(other), where)
        if type(one) is dict:
            return self._compare_mapping(one, other, where)
        if isinstance(one, Set):
            return _SAME if one == other else Equality(DIFFERS, where, f"{_short(one)} / {_short(other)}")
        if hasattr(one, "_mgr") and type(one).__module__.partition(".")[0] == "pandas":
            return self._compare_pandas(one, other, where)
        if isinstance(one, CODE):
            return Equality(UNKNOWN, where, f"a {type(one).__name__}")
        return self._compare_made(one, other, where)

    def _compare_items(self, one: list[Any], other: list[Any], where: str) -> Equality:
        if len(one) != len(other):
            return Equality(DIFFERS, where, f"length {len(one)} / {len(other)}")
        found = (self.compare(a, b, f"{where}[{at}]") for at, (a, b) in enumerate(zip(one, other, strict=True)))
        return worst(each for each in found if each is not _SAME)

    def _compare_mapping(self, one: Mapping[Any, Any], other: Mapping[Any, Any], where: str) -> Equality:
        if list(one) != list(other):
            if one.keys() == other.keys():
                return Equality(DIFFERS, where, "the order of keys")
            return Equality(DIFFERS, where, f"keys {_short([*one])} / {_short([*other])}")
        return worst(self.compare(one[key], other[key], f"{where}[{key!r}]") for key in one)

    def _compare_pandas(self, one: Any, other: Any, where: str) -> Equality:
        if one.shape != other.shape:
            return Equality(DIFFERS, where, f"shape {one.shape} / {other.shape}")
        parts = [self._compare_index(a, b, f"{where}.axes[{at}]") for at, (a, b) in enumerate(_axes(one, other))]
        if one.ndim == 1:
            parts.append(self._compare_index(one, other, where))
            parts.append(self.compare(one.name, other.name, f"{where}.name"))
        else:
            columns = ((one.iloc[:, at], other.iloc[:, at], str(one.columns[at])) for at in range(one.shape[1]))
            parts += [self._compare_index(a, b, f"{where}[{name!r}]") for a, b, name in columns]
        return worst([*parts, self.compare(one.attrs, other.attrs, f"{where}.attrs")])

    def _compare_index(self, one: Any, other: Any, where: str) -> Equality:
        """Columns and indexes: by their dtype, then by their items."""
        if type(one) is not type(other):
            return _other_type(one, other, where)
        if one.dtype != other.dtype:
            if isinstance(one.dtype, np.dtype) and isinstance(other.dtype, np.dtype):
                return compare_arrays(one.to_numpy(), other.to_numpy(), where)
            return Equality(DTYPE, where, f"{one.dtype} / {other.dtype}")
        if isinstance(one.dtype, np.dtype):
            return self.compare(np.ascontiguousarray(one.to_numpy()), np.ascontiguousarray(other.to_numpy()), where)
        return _SAME if one.equals(other) else Equality(DIFFERS, where)

    def _compare_made(self, one: Any, other: Any, where: str) -> Equality:
        """Other objects: by what a pickler would take them apart into."""
        try:
            parts = [_parts(each) for each in (one, other)]
        except Exception as error:  # objects may raise anything when they are taken apart
            return Equality(UNKNOWN, where, f"{type(one).__name__}: {str(error) or type(error).__name__}")
        self._held += parts
        return self.compare(parts[0], parts[1], where)


def _parts(value: Any) -> list[Any]:
    reduce = copyreg.dispatch_table.get(type(value))
    made = reduce(value) if reduce else value.__reduce_ex__(4)
    if isinstance(made, str):
        raise TypeError(f"{made} is known by its name only")
    function, arguments, *rest = made
    items = [list(each) if isinstance(each, Iterator) else each for each in rest]
    return [getattr(function, "__qualname__", ""), list(arguments), *items]


def _axes(one: Any, other: Any) -> list[tuple[Any, Any]]:
    return list(zip(one.axes, other.axes, strict=True))


def _other_type(one: Any, other: Any, where: str) -> Equality:
    """Numbers of two kinds are two dtypes; anything else of two types differs."""
    why = f"{type(one).__name__} / {type(other).__name__}"
    scalars = (int, float, complex, np.generic)
    if isinstance(one, scalars) and isinstance(other, scalars):
        values = compare_arrays(np.asarray(one), np.asarray(other), where)
        if values.verdict == DIFFERS:
            return Equality(DIFFERS, where, why, values.largest_absolute, values.largest_relative, values.first)
        return Equality(DTYPE, where, why, values.largest_absolute, values.largest_relative)
    return Equality(DIFFERS, where, why)


def _layout(one: np.ndarray, other: np.ndarray, where: str) -> Iterator[str]:
    orders = [_order(each) for each in (one, other)]
    if orders[0] != orders[1]:
        yield f"{where}: the same values in another memory order ({orders[0]} / {orders[1]})"
    if one.flags.writeable != other.flags.writeable:
        yield (
            f"{where}: can be written / is read-only"
            if one.flags.writeable
            else f"{where}: is read-only / can be written"
        )


def _order(array: np.ndarray) -> str:
    if array.flags.c_contiguous:
        return "C" if not array.flags.f_contiguous or array.ndim < 2 else "C and F"
    return "F" if array.flags.f_contiguous else "strided"


def _short(value: object) -> str:
    words = repr(value)
    return words if len(words) <= 40 else words[:39] + "…"
