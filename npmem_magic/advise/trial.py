"""A stand-in for `compare.prove` until that is here: run both texts from copies of the same names, compare, count."""

from __future__ import annotations

import ast
import copy
import gc
import warnings
from collections.abc import Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..buffers import owner_of
from ..cell import Cell, PlainPython
from ..record import Options, record
from .proof import DIFFERS, NO_GAIN, NOT_RUN, PROVEN, Proof

_FINE = {
    "numpy",
    "numexpr",
    "scipy",
    "pandas",
    "math",
    "gc",
    "itertools",
    "functools",
    "operator",
    "copy",
    "tempfile",
    "os",
}
_OUTSIDE = {"open", "print", "input", "exec", "eval", "get_ipython", "display", "globals", "locals", "__import__"}


def prove(before: str, after: str, namespace: Mapping[str, Any], ignore: Iterable[str] = ()) -> Proof:
    """Run `before` and `after`, each on copies of `namespace`, and compare every name (but `ignore`)."""
    why = _effects(before, namespace) or _effects(after, namespace)
    if why:
        return Proof(NOT_RUN, why)
    mentioned = {
        node.id for text in (before, after) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)
    }
    namespace = {name: value for name, value in namespace.items() if name in mentioned or name in ("__name__",)}
    try:
        one, peak_before = _run(before, namespace)
        two, peak_after = _run(after, namespace)
    except Exception as error:
        return Proof(DIFFERS, f"it raises {type(error).__name__}: {error}")
    names = set(one) - set(ignore)
    largest = absolute = 0.0
    for name in sorted(names):
        if name not in two:
            return Proof(DIFFERS, f"{name} is gone", peak_before, peak_after)
        same, relative, most = _compare(one[name], two[name])
        if not same:
            return Proof(DIFFERS, f"{name} differs", peak_before, peak_after)
        largest, absolute = max(largest, relative), max(absolute, most)
    verdict = PROVEN if peak_before - peak_after >= max(1 << 20, peak_before // 20) else NO_GAIN
    return Proof(verdict, "", peak_before, peak_after, largest, absolute)


def _effects(source: str, namespace: Mapping[str, Any]) -> str:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in _OUTSIDE:
            return f"it calls {node.id}"
        value = namespace.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] not in _FINE:
            return f"it uses the module {value.__name__}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if any((name or "").partition(".")[0] not in _FINE for name in names):
                return "it imports"
    return ""


def copies(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The same names with copies of their values; what shares memory shares the copy's."""
    memo: dict[int, Any] = {}
    roots: dict[int, np.ndarray] = {}
    found: dict[str, Any] = {}
    for name, value in namespace.items():
        if isinstance(value, ModuleType | FunctionType | type) or name.startswith("__"):
            found[name] = value
        elif type(value) is np.ndarray and isinstance(value.base, np.ndarray):
            owner = owner_of(value)
            if id(owner) not in roots:
                roots[id(owner)] = memo.setdefault(id(owner), owner.copy(order="K"))
            root = roots[id(owner)]
            offset = value.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
            view = np.ndarray(value.shape, value.dtype, root.view(), offset, value.strides)
            view.flags.writeable = value.flags.writeable
            found[name] = view
        else:
            found[name] = copy.deepcopy(value, memo)
    return found


def _run(source: str, namespace: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    names = copies(namespace)
    gc.collect()
    work = Cell.from_source(source, PlainPython(), names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recording = record(work, names, Options(sampler="off"))
    if recording.outcome.error is not None:
        raise recording.outcome.error
    return {name: value for name, value in names.items() if not name.startswith("__")}, recording.trace.peak


def _compare(one: Any, two: Any) -> tuple[bool, float, float]:
    """(same or close, largest relative difference, largest absolute one)."""
    if one is two:
        return True, 0.0, 0.0
    if type(one) is not type(two):
        return False, 0.0, 0.0
    if isinstance(one, np.ndarray | np.generic | float | complex):
        a, b = np.asarray(one), np.asarray(two)
        if a.dtype != b.dtype or a.shape != b.shape:
            return False, 0.0, 0.0
        if isinstance(one, np.ma.MaskedArray) and not np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(two)):
            return False, 0.0, 0.0
        if a.dtype.kind not in "fc":
            return bool(np.array_equal(a, b)), 0.0, 0.0
        return _close(a, b)
    if type(one) in (list, tuple):
        parts = [_compare(*pair) for pair in zip(one, two, strict=False)]
        return len(one) == len(two) and all(p[0] for p in parts), max((p[1] for p in parts), default=0.0), 0.0
    if type(one) is dict:
        parts = [_compare(one[key], two.get(key)) for key in one]
        return one.keys() == two.keys() and all(p[0] for p in parts), max((p[1] for p in parts), default=0.0), 0.0
    if hasattr(one, "equals"):
        return bool(one.equals(two)), 0.0, 0.0
    if isinstance(one, int | str | bytes | bool | type(None)):
        return one == two, 0.0, 0.0
    return True, 0.0, 0.0


def _close(a: np.ndarray, b: np.ndarray) -> tuple[bool, float, float]:
    if np.array_equal(a, b, equal_nan=True):
        return True, 0.0, 0.0
    limit = 1e-4 if a.dtype.itemsize <= 4 else 1e-8
    with np.errstate(all="ignore"):
        difference = np.abs(a - b)
        scale = np.maximum(np.abs(a), np.abs(b))
        relative = float(np.nanmax(np.where(scale > 0, difference / scale, 0.0)))
        absolute = float(np.nanmax(difference))
    is_same_nan = bool(np.array_equal(np.isnan(a), np.isnan(b)))
    return is_same_nan and (relative <= limit or absolute <= limit * float(np.nanmax(scale))), relative, absolute
