"""Calls by what they call: ``np.sum(x, 0)``, ``x.sum(axis=0)`` and ``from numpy import sum`` all are ``sum``."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..standins import Array, Known
from .view import Statement

_SPACES = ("linalg", "fft", "random", "lib.stride_tricks", "ma")
# Functions written in C, which do not tell their arguments in every NumPy.
_SIGNATURES = {
    name: tuple(text.split())
    for name, text in {
        "where": "condition x y", "concatenate": "arrays axis", "dot": "a b out", "vdot": "a b", "inner": "a b",
        "array": "object dtype", "gradient": "f step",
        "astype": "a dtype copy device", "asarray": "a dtype order", "asanyarray": "a dtype order",
        "ascontiguousarray": "a dtype", "asfortranarray": "a dtype", "arange": "start stop step dtype",
        "zeros": "shape dtype order", "empty": "shape dtype order", "ones": "shape dtype order",
        "empty_like": "a dtype order", "fromiter": "iter dtype count", "fromfile": "file dtype count sep offset",
        "frombuffer": "buffer dtype count offset", "bincount": "x weights minlength", "copyto": "dst src casting where",
        "putmask": "a mask values", "lexsort": "keys axis", "einsum": "subscripts operands", "unwrap": "p discont axis",
    }.items()
}  # fmt: skip
_METHODS = {
    "astype": ("dtype", "order", "casting", "subok", "copy"), "reshape": ("shape",), "view": ("dtype", "type"),
    "flatten": ("order",), "ravel": ("order",), "copy": ("order",), "transpose": ("axes",), "tolist": (),
    "sort": ("axis", "kind", "order"), "item": (), "fill": ("value",), "dot": ("b", "out"), "conj": (),
    "conjugate": (), "nonzero": (), "tobytes": (), "clip": ("min", "max", "out"), "round": ("decimals", "out"),
}  # fmt: skip
_ALIASES = {  # other names of the same function, in one NumPy or another
    "amax": "max", "amin": "min", "round_": "round", "product": "prod", "cumproduct": "cumprod", "sometrue": "any",
    "alltrue": "all", "concat": "concatenate", "permute_dims": "transpose", "trapz": "trapezoid",
    "row_stack": "vstack",
}  # fmt: skip
# Functions that always give an array, though how long it is depends on the values.
_GIVE_ARRAYS = frozenset(
    {
        "argwhere",
        "flatnonzero",
        "unique",
        "compress",
        "extract",
        "union1d",
        "intersect1d",
        "setdiff1d",
        "bincount",
        "repeat",
    }
)
_OWN_METHODS = frozenset({"sort", "flatten", "view", "tolist", "item", "fill", "tobytes", "partition", "put", "resize"})


@dataclass(frozen=True, eq=False)
class Call:
    """A call whose target is known.

    `name` is NumPy's own (``sum``, ``linalg.norm``, ``absolute`` for `np.abs`), ``ndarray.sort`` for methods that no
    function does, ``builtins.sum`` for Python's, else module and name. `arguments` are by name, the array a method is
    called on first; `node` is the call.
    """

    name: str
    arguments: Mapping[str, ast.expr]
    node: ast.Call
    is_method: bool
    is_ufunc: bool = False

    def has_only(self, *names: str) -> bool:
        """Whether no other arguments than these were given."""
        return set(self.arguments) <= set(names)


def call_of(node: ast.AST, statement: Statement) -> Call | None:
    """What `node` calls; None where it is no call, or the target is not known, or arguments are unpacked."""
    if not isinstance(node, ast.Call):
        return None
    if node not in statement.calls:
        statement.calls[node] = _read(node, statement)
    found: Call | None = statement.calls[node]
    return found


def _read(node: ast.Call, statement: Statement) -> Call | None:
    if any(isinstance(each, ast.Starred) for each in node.args):
        return None
    if any(each.arg is None for each in node.keywords):
        return None
    if isinstance(node.func, ast.Attribute) and _is_array(node.func.value, statement):
        return _method(node, node.func)
    target = _target(node.func, statement)
    if target is None:
        return None
    name = name_of(target.value)
    names = _names(target.value, name)
    if len(node.args) > len(names):
        return None
    given = dict(zip(names, node.args, strict=False)) | {str(each.arg): each.value for each in node.keywords}
    return Call(name, given, node, is_method=False, is_ufunc=isinstance(target.value, np.ufunc))


def _is_array(node: ast.expr, statement: Statement) -> bool:
    inner = call_of(node, statement)
    return isinstance(statement.value(node), Array) or (inner is not None and inner.name in _GIVE_ARRAYS)


def _target(func: ast.expr, statement: Statement) -> Known | None:
    found = statement.value(func)
    if isinstance(found, Known):
        return found
    if isinstance(func, ast.Name) and hasattr(builtins, func.id) and func.id not in statement.cell.noted.taken:
        return Known(getattr(builtins, func.id))
    return None


def _method(node: ast.Call, func: ast.Attribute) -> Call | None:
    name = {"conjugate": "conj"}.get(func.attr, func.attr)
    function = getattr(np, name, None)
    own = func.attr in _OWN_METHODS or (function is None and name not in _SIGNATURES)
    known = _names(function, name) if function is not None else _SIGNATURES.get(name, ())
    first = known[0] if known else "a"
    rest = _METHODS.get(name, known[1:])
    if name == "reshape" and len(node.args) > 1:  # x.reshape(2, 3) is x.reshape((2, 3))
        return None
    if len(node.args) > len(rest):
        return None
    given = {first: func.value} | dict(zip(rest, node.args, strict=False))
    given |= {str(each.arg): each.value for each in node.keywords}
    canonical = f"ndarray.{func.attr}" if own else name if function is None else name_of(function)
    return Call(canonical, given, node, is_method=True, is_ufunc=isinstance(function, np.ufunc))


def name_of(target: Any) -> str:
    """The name by which a function is known here; see `Call`."""
    known = _catalogue().get(id(target))
    if known is not None:
        return known
    return f"{getattr(target, '__module__', '')}.{getattr(target, '__qualname__', getattr(target, '__name__', ''))}"


@functools.cache
def _catalogue() -> dict[int, str]:
    """The names of NumPy's functions and Python's own, by the identity of the function."""
    found: dict[int, str] = {}
    for name in dir(builtins):
        found[id(getattr(builtins, name))] = f"builtins.{name}"
    for space in reversed(_SPACES):
        module = functools.reduce(getattr, space.split("."), np)
        prefix = "" if space == "lib.stride_tricks" else f"{space}."
        for name in getattr(module, "__all__", ("sliding_window_view", "as_strided")):
            found[id(getattr(module, name, None))] = prefix + name
    for name in (*np.__all__, "max", "min", "round"):  # the last three are left out of it by NumPy 1.26
        target = vars(np).get(name)  # asked for by name, whole packages would be imported
        if callable(target) and not isinstance(target, type):
            found[id(target)] = target.__name__ if isinstance(target, np.ufunc) else _ALIASES.get(name, name)
    return found


@functools.cache
def positional_names(name: str) -> tuple[str, ...]:
    """The names of a function's positional arguments, by the function's own name here; see `Call`."""
    if name.startswith("ndarray."):
        method = name.partition(".")[2]
        function = getattr(np, method, None)
        known = _names(function, method) if function is not None else ()
        return (known[0] if known else "a", *_METHODS.get(method, known[1:]))
    for space in (builtins,) if name.startswith("builtins.") else (np, np.lib.stride_tricks):
        try:
            target = functools.reduce(getattr, name.removeprefix("builtins.").split("."), space)
        except AttributeError:
            continue
        return _names(target, name)
    return ()


def _names(target: Any, name: str) -> tuple[str, ...]:
    if isinstance(target, np.ufunc):
        return ("x",) if target.nin == 1 else tuple(f"x{number}" for number in range(1, target.nin + 1))
    return _SIGNATURES.get(name) or _positional(target)


@functools.lru_cache(1024)
def _positional(target: Any) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return tuple(f"argument{number}" for number in range(1, 9))
    return tuple(each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD))
