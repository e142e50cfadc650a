"""What a copy shares with the original because it cannot change, and what no copy can be made of."""

from __future__ import annotations

import functools
import re
import sys
import types
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from . import reach
from .layouts import CannotCopy

_NOTHING = object()
_LONG = 4096  # characters: longer texts are shared, shorter ones travel in the stream
_TAKEN_APART = (int, float, complex, bool, type(None), tuple, list, dict, set)
_TYPES = (
    ModuleType, CodeType, bytes, np.ufunc, np.dtype, re.Pattern, range, type(np.sum), type(list.append),
    type(list.__add__), type(Ellipsis), type(NotImplemented), types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip
# Packages whose objects stand for code, for a machine, or for data that never changes.
_PACKAGES = frozenset({"IPython", "ipykernel", "traitlets", "numba", "jaxlib", "pyarrow", "typing", "npmem_magic"})
_OUTSIDE = {
    "matplotlib": "drawing into a copy would open a picture of its own",
    "torch": "the memory of a tensor may be shared with arrays, and a copy would not know",
}


def is_shared(value: Any, home: Mapping[str, Any]) -> bool:
    """Whether a copy refers to `value` itself; `home` is the namespace that is copied.

    Raises
    ------
    CannotCopy
        When it can neither be shared nor copied.
    """
    kind = type(value)
    if kind in _TAKEN_APART:
        return False
    if kind is str:
        return len(value) > _LONG
    if isinstance(value, type):
        _check_class(value, home)
        return True
    if isinstance(value, FunctionType):
        return not _must_be_remade(value, home, set())
    if isinstance(value, BuiltinFunctionType):
        owner: Any = value.__self__
        return owner is None or isinstance(owner, ModuleType | type) or owner is _global_random_state()
    if value is _global_random_state() or getattr(value, "__self__", None) is _global_random_state():
        return True  # its state is put back before every run
    if isinstance(value, np.generic):
        if isinstance(value, np.void) and value.dtype.names:
            raise CannotCopy("a row of a structured array may look into the array, and a copy would not")
        return True
    package = (kind.__module__ or "").partition(".")[0]
    if package in _OUTSIDE:
        raise CannotCopy(_OUTSIDE[package])
    return isinstance(value, _TYPES) or value is np.ma.masked or package in _PACKAGES


def _global_random_state() -> object:
    """What `np.random.rand` and the like draw from."""
    return getattr(np.random.random, "__self__", _NOTHING)


def is_at_home(function: FunctionType, home: Mapping[str, Any]) -> bool:
    """Whether the global names of `function` are those that are copied: the notebook's, or the script's."""
    return function.__globals__ is home or function.__globals__.get("__name__") == "__main__"


def _must_be_remade(function: FunctionType, home: Mapping[str, Any], seen: set[int]) -> bool:
    """Whether it reads names of the home, or holds such a function or an array of its own."""
    if is_at_home(function, home):
        return True
    seen.add(id(function))
    held: list[Any] = [cell.cell_contents for cell in function.__closure__ or () if is_filled(cell)]
    held += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return any(
        isinstance(each, np.ndarray)
        or (isinstance(each, FunctionType) and id(each) not in seen and _must_be_remade(each, home, seen))
        for each in held
    )


def _check_class(kind: type, home: Mapping[str, Any]) -> None:
    if kind.__module__ != home.get("__name__", "__main__"):
        return
    name = reach.changeable_global(kind, home)
    if name is not None:
        raise CannotCopy(f"methods of the class {kind.__name__} read `{name}`, and would read the original")


def is_filled(cell: CellType) -> bool:
    """Whether a closure's cell holds a value."""
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def is_cached(value: Any) -> bool:
    """Whether `value` is a function that remembers its results."""
    return isinstance(value, functools._lru_cache_wrapper)


def cached_anew(function: Callable[..., Any], how: dict[str, Any]) -> Any:
    """`function` with an empty cache."""
    return functools.wraps(function)(functools.lru_cache(**how)(function))


def copies_on_write(value: Any) -> bool:
    """Whether `value` is a pandas object whose writes no other object sees."""
    if not hasattr(type(value), "_mgr") and "_mgr" not in getattr(value, "__dict__", ()):
        return False
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or not isinstance(value, pandas.core.generic.NDFrame):
        return False
    return int(pandas.__version__.partition(".")[0]) >= 3 or bool(pandas.get_option("mode.copy_on_write") is True)
