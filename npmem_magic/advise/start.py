"""The start of a run, so that it can be had again: copies of what the cell is about to change, within a budget."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..compare.copies import Plan
from ..host import NpmemError
from ..limits import memory
from ..rewriting.view import CellView
from ..standins.values import words

FREELY = 1 << 28  # bytes copied without being asked
_CHANGING = frozenset({"sort", "fill", "partition", "put", "resize", "shuffle", "byteswap", "setfield", "setflags"})
_PURE = frozenset({"numpy", "scipy", "numexpr", "math", "pandas"})
_CHANGES_FIRST = words(
    "copyto putmask place put put_along_axis fill_diagonal at shuffle nan_to_num median percentile quantile"
)


class Start:
    """What the names were before the run. Names that the cell only reads are not copied: they are there afterwards.

    `missing` says why the start cannot be had again; it is empty where it can.
    """

    def __init__(self, tree: ast.Module, namespace: dict[str, Any], limit: int = FREELY) -> None:
        self._namespace = namespace
        self._mentioned = _names(tree).intersection(namespace)
        self._copies: dict[str, Any] = {}
        self.missing = ""
        changed = _changed(tree, namespace).intersection(namespace)
        try:
            plan = Plan(namespace, sorted(changed))
            plan.add_onlookers()
            if plan.nbytes > min(limit, memory().free // 4):
                self.missing = "what the cell changes was too large to be copied beforehand"
            else:
                self._copies = {name: value for name, value in plan.make().items() if name in plan.masters}
        except (NpmemError, MemoryError) as error:
            self.missing = f"no copy could be made of what the cell changes: {error}"
        self._originals = {name: id(plan.masters[name]) for name in self._copies}
        self._identity = {name: id(value) for name, value in namespace.items() if name not in self._copies}

    def names(self) -> Mapping[str, Any] | None:
        """The namespace as it was; None where it cannot be had again. Names that nothing mentions may have changed."""
        if self.missing:
            return None
        kept = self._mentioned & self._identity.keys()
        if any(id(self._namespace.get(name)) != self._identity[name] for name in kept):
            return None
        unchanged = {name: self._namespace[name] for name in self._identity if name in self._namespace}
        return unchanged | self._copies

    def names_at(self, view: CellView, top: int) -> Mapping[str, Any] | None:
        """The names as they were when a top-level statement began, as far as they can be had; None where they cannot.

        A name can be had when it held what it held at the start, or holds now what it held then, and nothing wrote into
        it meanwhile.
        """
        if self.missing or top >= len(view.noted.statements):
            return None
        above = ast.Module(view.tree.body[:top], [])
        below = ast.Module(view.tree.body[top:], [])
        found: dict[str, Any] = {
            name: value
            for name, value in self._namespace.items()
            if isinstance(value, ModuleType | FunctionType | type)
        }
        for name in _names(view.tree.body[top]) & view.noted.statements[top].keys():
            identity = view.noted.statements[top][name].identity
            if self._originals.get(name) == identity and name not in _changed(above, self._namespace):
                found[name] = self._copies[name]
            elif id(self._namespace.get(name)) == identity and name not in _changed(below, self._namespace):
                found[name] = self._namespace[name]
            elif name not in found:
                return None
        return found


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _changed(tree: ast.Module, namespace: Mapping[str, Any]) -> set[str]:
    """Names that the cell binds or may write into; rather too many than too few."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                found |= _names(node.value)
            case ast.keyword(arg="out" | "overwrite_input" | "overwrite_a" | "overwrite_x", value=value):
                found |= _names(value)
            case ast.Call(func=func, args=args):
                found |= _changed_by_call(func, args, namespace)
    # Another name of an array that is written into, made in the cell, is followed back to where it came from.
    written = _written(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(_names(each) & written for each in node.targets):
            found |= _names(node.value)
    return found


def _written(tree: ast.Module) -> set[str]:
    """Names whose value is written into, rather than bound anew."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.AugAssign(target=target):
                found |= _names(target)
            case ast.Subscript(ctx=ast.Store() | ast.Del(), value=value):
                found |= _names(value)
            case ast.keyword(arg="out", value=value):
                found |= _names(value)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _CHANGING:
                found |= _names(value)
    return found


def _changed_by_call(func: ast.expr, args: list[ast.expr], namespace: Mapping[str, Any]) -> set[str]:
    owner = _owner(func)
    value = namespace.get(owner)
    given = set().union(*(_names(each) for each in args)) if args else set()
    if isinstance(func, ast.Attribute) and isinstance(value, np.ndarray):
        return {owner} if func.attr in _CHANGING else set()
    if str(getattr(value, "__name__", "")).partition(".")[0] in _PURE:
        return given if isinstance(func, ast.Attribute) and func.attr in _CHANGES_FIRST else set()
    if not owner or (owner not in namespace and hasattr(builtins, owner)):
        return set()
    return {owner} | given


def _owner(func: ast.expr) -> str:
    while isinstance(func, ast.Attribute | ast.Subscript | ast.Call):
        func = func.func if isinstance(func, ast.Call) else func.value
    return func.id if isinstance(func, ast.Name) else ""
