"""Whose lines are followed: from a function, or its name, to the code objects and files that belong to it."""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from .host import NpmemError


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """`code` and the code of every function, class and comprehension written inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_codes(constant)


def function_of(func: object) -> FunctionType | None:
    """The Python function behind `func` (a partial, bound method, decorated function, callable object) or None."""
    match func:
        case functools.partial():
            return function_of(func.func)
        case types.MethodType():
            return function_of(func.__func__)
        case FunctionType():
            plain = inspect.unwrap(func)
            return plain if isinstance(plain, FunctionType) else func
        case type():
            return None
    if hasattr(func, "__wrapped__"):
        return function_of(func.__wrapped__)
    method = inspect.getattr_static(type(func), "__call__", None)
    return method if isinstance(method, FunctionType) else None


def files_of_own_functions(namespace: Mapping[str, Any]) -> frozenset[str]:
    """Files of the functions and methods in `namespace` that were defined in it, or in the script that runs."""
    values = list(namespace.values())
    methods = [each for value in values if isinstance(value, type) for each in vars(value).values()]
    functions = [each for each in values + methods if isinstance(each, FunctionType)]
    return frozenset(
        each.__code__.co_filename
        for each in functions
        if each.__globals__ is namespace or each.__module__ == "__main__"
    )


def find_function(name: str, namespace: Mapping[str, Any]) -> FunctionType:
    """The Python function that `name` (dotted, from `namespace` or from a module) means.

    Raises
    ------
    NpmemError
        When there is nothing of that name, or it has no Python code to follow.
    """
    head, *rest = name.split(".")
    found = _walk(namespace[head], rest) if head in namespace else _walk_modules(name)
    if found is None:
        raise NpmemError(f"{name!r} was not found: neither a name that is defined here nor one that a module has.")
    function = function_of(found)
    if function is None:
        kind = "a class" if isinstance(found, type) else f"of type {type(found).__name__}"
        raise NpmemError(f"{name!r} is {kind}, not a function written in Python, so it has no lines to follow.")
    return function


def _walk(value: Any, names: list[str]) -> Any:
    for name in names:
        value = getattr(value, name, None)
    return value


def _walk_modules(name: str) -> Any:
    """What a dotted name means when its first parts are a module that can be imported; None if nothing."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        return _walk(module, parts[cut:])
    return None
