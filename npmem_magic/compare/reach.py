"""Which names a piece of code can reach: those it reads, those its functions read, and those its texts speak of.

Rather too many than too few: a name that is reached for nothing costs a copy, one that is missed would be missing.
"""

from __future__ import annotations

import ast
import dis
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from .. import buffers, follow

_WORD = re.compile(r"[^\W\d]\w*")
_TEXT_LIMIT = 10_000  # characters of a text that are searched for names
_READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "DELETE_GLOBAL"})
# Whoever calls one of these can reach any name.
_ANYTHING = frozenset({"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython"})
_HISTORY = frozenset({"In", "Out", "_ih", "_oh", "_dh"})  # IPython's; each value of `Out` has a name such as `_5` too
_FIXED = (ModuleType, BuiltinFunctionType, type, str, int, float, complex, bool, bytes, type(None))


def names_read(tree: ast.AST, home: Mapping[str, Any]) -> list[str]:
    """The names of `home` that `tree` can reach by itself, in alphabetical order."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load() | ast.Del()):
                found.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.update(names_in_text(text, home))
            case ast.Global(names=names):
                found.update(names)
    if found & _ANYTHING:
        found.update(name for name in home if not name.startswith("_") and name not in ("In", "Out"))
    return sorted(found & home.keys())


def names_in_text(text: str, home: Mapping[str, Any]) -> list[str]:
    """Words of a text that are names of `home`: ``numexpr.evaluate("2*a")`` reads `a`."""
    return [word for word in _WORD.findall(text) if word in home] if len(text) <= _TEXT_LIMIT else []


def names_bound(tree: ast.AST) -> set[str]:
    """The names that `tree` binds at its top level, by whatever statement."""
    return set(_bound(tree))


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            return
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        case ast.ExceptHandler(name=None) | ast.MatchAs(name=None) | ast.MatchStar(name=None):
            pass
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.Lambda():
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            inner = (each for each in ast.walk(node) if isinstance(each, ast.NamedExpr))
            yield from (each.target.id for each in inner)
            return
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)


def global_names(code: CodeType) -> list[str]:
    """The global names that a function's code reads or binds, and the words of its texts."""
    found: dict[str, None] = {}
    for each in follow.nested_codes(code):
        found.update(dict.fromkeys(str(step.argval) for step in dis.get_instructions(each) if step.opname in _READS))
        texts = [constant for constant in each.co_consts if isinstance(constant, str)]
        found.update(dict.fromkeys(word for text in texts if len(text) <= _TEXT_LIMIT for word in _WORD.findall(text)))
    return list(found)


def changeable_global(kind: type, home: Mapping[str, Any]) -> str | None:
    """A name of `home` that a method of the class reads and whose value can change; None when there is none."""
    methods = [each for value in vars(kind).values() for each in _functions_of(value)]
    return _changeable([each for each in methods if each.__globals__ is home], home, set())


def _functions_of(value: object) -> list[FunctionType]:
    parts = [value.fget, value.fset, value.fdel] if isinstance(value, property) else [value]
    plain = [follow.function_of(getattr(part, "__func__", part)) for part in parts if part is not None]
    return [each for each in plain if each is not None]


def _changeable(functions: Iterable[FunctionType], home: Mapping[str, Any], seen: set[int]) -> str | None:
    for function in functions:
        for name in global_names(function.__code__):
            value = home.get(name)
            if name not in home or id(value) in seen or isinstance(value, _FIXED):
                continue
            seen.add(id(value))
            if not isinstance(value, FunctionType):
                return name
            deeper = _changeable([value], home, seen) if value.__globals__ is home else None
            if deeper:
                return deeper
    return None


def onlookers(home: Mapping[str, Any], masters: Mapping[str, Any], sees: Callable[[np.ndarray], bool]) -> list[str]:
    """Names of `home` outside of `masters` that are one of these values, or hold an array for which `sees` is true.

    Looked at: arrays, pandas objects, and what lists, tuples, dicts and attributes hold, one level down.
    """
    values = {id(value) for value in masters.values() if not isinstance(value, _FIXED)}
    return [
        name
        for name, value in list(home.items())
        if name not in masters
        and name not in _HISTORY
        and not isinstance(value, (*_FIXED, FunctionType))
        and (id(value) in values or any(id(each) in values or _is_seen(each, sees) for each in _within(value)))
    ]


def _is_seen(value: object, sees: Callable[[np.ndarray], bool]) -> bool:
    return isinstance(value, np.ndarray) and sees(value)


def _within(value: Any) -> list[object]:
    """`value`, or what it holds. Exact types only: a subclass may run code of its own when it is looked through."""
    if isinstance(value, np.ndarray):
        return [value]
    if type(value) in (list, tuple, set):
        return list(value)
    if type(value) is dict:
        return list(value.values())
    manager = buffers.attributes(value).get("_mgr")
    return list(getattr(manager, "arrays", ())) or list(buffers.attributes(value).values())
