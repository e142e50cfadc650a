"""What names stand for inside of a cell's blocks, where nothing was noted: worked out from what was noted around."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType

from ..standins import Array, Known, Unknown, Value, work_out
from .facts import Names, Noted

BODIES = ("body", "orelse", "finalbody")


class Flow:
    """Follows the statements of a cell once, in their order, without running anything."""

    def __init__(self, tree: ast.Module, noted: Noted) -> None:
        self._tree, self._noted = tree, noted
        self._bound: dict[ast.stmt, dict[str, Value]] = {}

    def _facts(self, top: int) -> Names:
        return self._noted.statements[top] if top < len(self._noted.statements) else {}

    def names_at(self, node: ast.stmt, top: int, is_inside: bool) -> Mapping[str, Value]:
        """The values of names when a statement first runs: as noted at the top level, worked out inside of blocks."""
        if node in self._bound:
            return self._bound[node]
        names = {path: fact.value for path, fact in self._facts(top).items()}
        if is_inside:
            self._follow(self._tree.body[top], names)
        return self._bound.setdefault(node, names)

    def _follow(self, node: ast.stmt, names: dict[str, Value]) -> None:
        """Work through a compound statement once, noting what names were at each statement in it."""
        self._bound.setdefault(node, dict(names))
        match node:
            case ast.Assign(targets=[target], value=value):
                self._bind(target, work_out(value, names.get).value, names)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, work_out(value, names.get).value, names)
            case ast.For(target=target, iter=iterable):
                self._bind(target, self._item(iterable, names), names)
            case ast.FunctionDef():
                names = {**self._modules(), **self._arguments(node)}
            case ast.AsyncFunctionDef() | ast.ClassDef():
                names = self._modules()
        for name in BODIES:
            for child in getattr(node, name, None) or ():
                if isinstance(child, ast.stmt):
                    self._follow(child, names)

    def _modules(self) -> dict[str, Value]:
        """What does not change while the cell runs: modules and functions."""
        lasting = (ModuleType, FunctionType, BuiltinFunctionType)
        return {
            path: fact.value
            for names in (self._noted.ended, *self._noted.statements[:1])
            for path, fact in names.items()
            if isinstance(fact.value, Known) and isinstance(fact.value.value, lasting)
        }

    def _arguments(self, function: ast.FunctionDef) -> dict[str, Value]:
        """What the arguments of a function of the cell are where the cell first calls it from its top level."""
        for top, statement in enumerate(self._tree.body):
            if statement is function or not isinstance(statement, ast.Assign | ast.Expr | ast.AugAssign | ast.For):
                continue
            for node in ast.walk(statement):
                match node:
                    case ast.Call(func=ast.Name(id=name)) if name == function.name:
                        names = {path: fact.value for path, fact in self._facts(top).items()}
                        return self._given(function.args, node, names)
        return {}

    def _given(self, wanted: ast.arguments, call: ast.Call, names: Mapping[str, Value]) -> dict[str, Value]:
        places = [each.arg for each in (*wanted.posonlyargs, *wanted.args)]
        given = dict(zip(places, call.args, strict=False))
        given |= {each.arg: each.value for each in call.keywords if each.arg is not None}
        defaults = dict(zip(reversed(places), reversed(wanted.defaults), strict=False))
        defaults |= {arg.arg: value for arg, value in zip(wanted.kwonlyargs, wanted.kw_defaults, strict=True) if value}
        return {name: work_out(value, names.get).value for name, value in {**defaults, **given}.items()}

    def _item(self, iterable: ast.expr, names: Mapping[str, Value]) -> Value:
        """What the first item of an iterable stands for."""
        match iterable:
            case ast.Call(func=ast.Name(id="range")):
                return Known(1, is_example=True)
        whole = work_out(iterable, names.get).value
        if isinstance(whole, Array) and whole.shape:
            return Array(whole.shape[1:], whole.dtype, is_scalar=len(whole.shape) == 1)
        if isinstance(whole, Known) and type(whole.value) in (list, tuple) and whole.value:
            first = whole.value[0]
            return first if isinstance(first, Array | Known | Unknown) else Known(first, is_example=True)
        return Unknown("what is looped over is not followed")

    def _bind(self, target: ast.expr, value: Value, names: dict[str, Value]) -> None:
        if isinstance(value, Unknown) and isinstance(target, ast.Name) and target.id in self._noted.ended:
            value = self._noted.ended[target.id].value  # better than nothing: what it was in the end
        if isinstance(target, ast.Name | ast.Subscript | ast.Attribute):
            names[ast.unparse(target)] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._bind(each, Unknown("it is unpacked"), names)
