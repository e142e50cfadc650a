"""Values whose code has no effect outside of them: data of NumPy, pandas, SciPy and Python, and their functions."""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from . import allowed

_ITEMS = 20_000  # items of containers that are looked at, in all


class Unknown(Exception):
    """The reason, in a sentence."""


class Values:
    """Looks at the values that a text starts from; a function of the user's is handed to `read_function`."""

    def __init__(self, read_function: Callable[[FunctionType], None]) -> None:
        self._read_function = read_function
        self._left = _ITEMS

    def check_member(self, value: Any, name: str) -> None:
        """Pass what a known module holds under a name that is not denied: code and constants, not what can change."""
        is_code = callable(value) or isinstance(value, ModuleType | np.ufunc | np.generic)
        if not is_code and type(value) not in allowed.SCALARS:
            raise Unknown(f"{name} belongs to its module, and could be changed for others")
        self.check(value, name, is_member=True)

    def check(self, value: Any, name: str, is_member: bool = False) -> None:
        """Pass a value that is known; `is_member` when `check_member` found it."""
        kind = type(value)
        if kind in allowed.SCALARS or isinstance(value, np.dtype):
            return
        if isinstance(value, ModuleType):
            if not allowed.is_known_module(value.__name__):
                raise Unknown(f"the module `{value.__name__}` is not known to have no effects")
        elif isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | np.ufunc) or callable(value):
            self._check_callable(value, name, is_member)
        elif isinstance(value, allowed.CONTAINERS):
            self._check_items(list(value.items() if isinstance(value, dict) else value), name)
        else:
            self._check_data(value, name)

    def _check_data(self, value: Any, name: str) -> None:
        package = (type(value).__module__ or "").partition(".")[0]
        if package not in allowed.DATA_PACKAGES and not isinstance(value, allowed.MUTABLE_DATA):
            raise Unknown(f"{name} is of the type {type(value).__qualname__}, whose code is not known")
        if isinstance(value, np.ndarray) and value.dtype.kind == "O":
            self._check_items(list(value.flat), name)
        for column in _object_columns(value):
            self._check_items(column, name)

    def _check_items(self, items: list[Any], name: str) -> None:
        if set(map(type, items)) <= allowed.SCALARS:
            return
        self._left -= len(items)
        if self._left < 0:
            raise Unknown(f"{name} holds too many objects to look at each")
        for item in items:
            if self.is_plain_object(item) or (callable(item) and not isinstance(item, type)):
                raise Unknown(f"{name} holds a {type(item).__qualname__}, whose code is not known")
            self.check(item, name)

    def _check_callable(self, value: Any, name: str, is_member: bool) -> None:
        if isinstance(value, FunctionType) and not allowed.is_known_module(value.__module__ or ""):
            self._read_function(value)
            return
        if isinstance(value, np.vectorize):
            self.check(value.pyfunc, name)
            return
        if type(value).__name__ == "partial" and type(value).__module__ == "functools":
            for part in (value.func, *value.args, *value.keywords.values()):
                self.check(part, name)
            return
        if isinstance(value, np.ufunc):
            known = is_member or getattr(np, value.__name__, None) is value
        elif isinstance(value, BuiltinFunctionType | MethodType) and not isinstance(value.__self__, ModuleType | None):
            self.check(value.__self__, name)
            known = not allowed.is_denied(value.__name__)
        else:
            known = self._is_known_by_name(value, is_member)
        if not known:
            raise Unknown(f"{name} is called or passed on, and what it does is not known")

    def _is_known_by_name(self, value: Any, is_member: bool) -> bool:
        module = getattr(value, "__module__", None) or type(value).__module__ or ""
        called = getattr(value, "__name__", "")
        if module == "builtins":
            return called in allowed.BUILTINS or (isinstance(value, type) and issubclass(value, BaseException))
        return (is_member or allowed.is_known_module(module)) and not allowed.is_denied(called)

    def is_plain_object(self, value: Any) -> bool:
        """An instance of a class of the user's, which holds its attributes itself."""
        kind = type(value)
        top = (kind.__module__ or "").partition(".")[0]
        is_known = top in ("builtins", *allowed.DATA_PACKAGES) or allowed.is_known_module(kind.__module__ or "")
        # Functions of Cython have no type in common, but they have this.
        is_code = isinstance(value, type) or hasattr(value, "__qualname__")
        return not is_known and not is_code and isinstance(getattr(value, "__dict__", None), dict)


def _object_columns(value: Any) -> list[list[Any]]:
    manager = getattr(value, "_mgr", None)
    arrays = getattr(manager, "arrays", ())
    return [list(each.flat) for each in arrays if isinstance(each, np.ndarray) and each.dtype.kind == "O"]
