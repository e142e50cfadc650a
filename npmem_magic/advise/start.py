"""The start of a run, so that it can be had again: copies of what the cell is about to change, within a budget."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays.roots import root_of
from ..limits import memory
from . import trial

FREELY = 1 << 28  # bytes copied without being asked
_CHANGING = frozenset({"sort", "fill", "partition", "put", "resize", "shuffle", "append", "extend", "pop", "update"})


class Start:
    """What the names were before the run. Names that the cell only reads are not copied: they are there afterwards.

    `missing` says why the start cannot be had again; it is empty where it can.
    """

    def __init__(self, tree: ast.Module, namespace: dict[str, Any], limit: int = FREELY) -> None:
        self._namespace = namespace
        self.mentioned = _mentioned(tree) & namespace.keys()
        changed = _with_onlookers(_changed(tree, namespace) & namespace.keys(), namespace)
        arrays = {id(root): root for name in changed if (root := _root(namespace[name])) is not None}
        nbytes = sum(root.nbytes for root in arrays.values())
        arrays.clear()
        self.missing = ""
        self._copies: dict[str, Any] = {}
        if nbytes > min(limit, memory().free // 4):
            self.missing = "what the cell changes was too large to be copied beforehand"
            return
        try:
            self._copies = trial.copies({name: namespace[name] for name in changed})
        except Exception as error:  # a copy runs code of the object's own, which may raise anything
            self.missing = f"no copy could be made of what the cell changes ({type(error).__name__})"
        self._identity = {name: id(namespace[name]) for name in namespace if name not in changed}

    def names(self) -> Mapping[str, Any] | None:
        """The namespace as it was; None where it cannot be had again. Names that nothing mentions may have changed."""
        if self.missing:
            return None
        if any(
            id(self._namespace.get(name)) != self._identity[name] for name in self.mentioned & self._identity.keys()
        ):
            return None
        unchanged = {name: self._namespace[name] for name in self._identity if name in self._namespace}
        return unchanged | self._copies


def _mentioned(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _root(value: object) -> np.ndarray | None:
    root = root_of(value) if isinstance(value, np.ndarray) else None
    return root if isinstance(root, np.ndarray) else None


def _with_onlookers(changed: set[str], namespace: Mapping[str, Any]) -> set[str]:
    """Also the names of what shares memory with them."""
    roots = {id(root) for name in changed if (root := _root(namespace[name])) is not None}
    same = {id(namespace[name]) for name in changed}
    return changed | {
        name
        for name, value in namespace.items()
        if (id(value) in same and not name.startswith("__"))
        or (isinstance(value, np.ndarray) and id(_root(value)) in roots)
    }


def _changed(tree: ast.Module, namespace: Mapping[str, Any]) -> set[str]:
    """Names that the cell binds or may write into; rather too many than too few."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case (
                ast.Subscript(ctx=ast.Store() | ast.Del(), value=inner)
                | ast.Attribute(ctx=ast.Store() | ast.Del(), value=inner)
            ):
                found |= _mentioned(ast.Module([ast.Expr(inner)], []))
            case ast.keyword(arg="out", value=value):
                found |= _mentioned(ast.Module([ast.Expr(value)], []))
            case ast.Call(func=func, args=args):
                found |= _changed_by_call(func, args, namespace)
    return found


def _changed_by_call(func: ast.expr, args: list[ast.expr], namespace: Mapping[str, Any]) -> set[str]:
    owner = _owner_name(func)
    value = namespace.get(owner)
    if isinstance(func, ast.Attribute) and isinstance(value, np.ndarray) and func.attr not in _CHANGING:
        return set()
    module = str(getattr(value, "__name__", "")).partition(".")[0]
    if module in ("numpy", "scipy", "numexpr", "math", "pandas"):
        return set()
    if not owner or owner in dir(__builtins__):
        return set()
    given = {node.id for each in args for node in ast.walk(each) if isinstance(node, ast.Name)}
    return {owner} | given


def _owner_name(func: ast.expr) -> str:
    while isinstance(func, ast.Attribute | ast.Subscript | ast.Call):
        func = func.func if isinstance(func, ast.Call) else func.value
    return func.id if isinstance(func, ast.Name) else ""
