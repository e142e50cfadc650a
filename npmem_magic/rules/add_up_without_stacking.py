"""Combine a few arrays with each other, not in a stack of them.

Why
---
``np.sum([a, b, c], axis=0)`` first copies all of them into one array, to add it up. ``a + b + c`` needs room for the
result alone. The same goes for products, means, the largest and the smallest.

Given
-----
    a, b, c = np.ones((3, 1_000_000))

Instead of
----------
    m = np.sum([a, b, c], axis=0)

Write
-----
    m = a + b + c

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, splice, tight
from ..rewriting.view import CellView, Statement
from ..standins import Known

WHY = "The arrays were all copied into one, only to be reduced again."
_SIGNS = {"sum": " + ", "nansum": "", "prod": " * ", "any": " | ", "all": " & ", "mean": " + ", "average": " + "}
_PAIRS = {"max": "maximum", "min": "minimum", "amax": "maximum", "amin": "minimum", "nanmax": "fmax", "nanmin": "fmin",
          "ptp": ""}  # fmt: skip
_UFUNCS = {"add": " + ", "multiply": " * ", "logical_or": " | ", "logical_and": " & ", "bitwise_or": " | ",
           "bitwise_and": " & "}  # fmt: skip
_STACKS = frozenset({"array", "stack", "vstack", "asarray", "concatenate"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Reductions over the first axis of a list of arrays, or of what `array`, `stack` or `vstack` makes of it."""
    for statement in cell.statements:
        for node in expressions(statement):
            found = _reduction(statement, node) if isinstance(node, ast.Call) else None
            parts = _listed(statement, found[1]) if found is not None else None
            if found is not None and parts is not None:
                for text in _texts(statement, found[0], parts):
                    line = splice(statement, [(node, text)])
                    array = statement.array(node)
                    saving = array.nbytes if array is not None else 0
                    yield Suggestion(statement, statement, (line,), WHY, CLOSE, saving=saving)
                if found[0].endswith(".reduce"):
                    yield from _into_one(statement, node, parts)


def _reduction(statement: Statement, node: ast.Call) -> tuple[str, ast.expr] | None:
    """(what is done, the list) where `node` reduces over the first axis."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=ufunc), attr="reduce"), args=[listed, *rest]):
            is_first = not node.keywords and (not rest or ast.unparse(rest[0]) == "0")
            return (f"{ufunc}.reduce", listed) if is_first or ast.unparse(node.keywords[0]) == "axis=0" else None
    call = call_of(node, statement)
    if call is None or len(call.arguments) != 2 or call.name not in {*_SIGNS, *_PAIRS}:
        return None
    listed, axis = call.arguments.values()
    return (call.name, listed) if "axis" in call.arguments and ast.unparse(axis) == "0" else None


def _listed(statement: Statement, node: ast.expr) -> list[str] | None:
    """The texts of the arrays of a list (up to eight)."""
    call = call_of(node, statement)
    if call is not None and call.name in _STACKS and len(call.arguments) == 1:
        node = next(iter(call.arguments.values()))
    if isinstance(node, ast.List | ast.Tuple):
        arrays = [statement.array(each) for each in node.elts]
        texts = [tight(statement, each) for each in node.elts]
    else:
        value = statement.value(node)
        if not isinstance(value, Known) or not isinstance(value.value, list | tuple) or not isinstance(node, ast.Name):
            return None
        arrays = list(value.value)
        texts = [f"{node.id}[{at}]" for at in range(len(arrays))]
    same = {(getattr(each, "shape", ()), getattr(each, "dtype", None)) for each in arrays}
    return texts if len(same) == 1 and 1 < len(texts) <= 8 and next(iter(same))[0] else None


def _texts(statement: Statement, name: str, parts: list[str]) -> Iterator[str]:
    numpy, ufunc = module_name(statement), name.removesuffix(".reduce") if name.endswith(".reduce") else ""
    sign = _UFUNCS.get(ufunc, "") if ufunc else _SIGNS.get(name, "")
    pair = ufunc if ufunc in ("maximum", "minimum", "fmax", "fmin") else _PAIRS.get(name, "")
    if sign:
        text = sign.join(parts)
        yield f"({text}) / {len(parts)}" if name in ("mean", "average") else text
    elif pair and numpy is not None:
        text = parts[0]
        for part in parts[1:]:
            text = f"{numpy}.{pair}({text}, {part})"
        yield text


def _into_one(statement: Statement, node: ast.expr, parts: list[str]) -> Iterator[Suggestion]:
    """``np.maximum.reduce([a, b, c])`` bound to a name: every comparison into the same array."""
    numpy = module_name(statement)
    match statement.node, node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value), ast.Call(func=ast.Attribute(value=pair)):
            if value is node and numpy is not None and len(parts) > 2 and not any(name in part for part in parts):
                call = statement.source(pair)
                lines = [f"{name} = {call}({parts[0]}, {parts[1]})"]
                lines += [f"{call}({name}, {part}, out={name})" for part in parts[2:]]
                yield Suggestion(statement, statement, tuple(lines), WHY, CLOSE, effort=1)
