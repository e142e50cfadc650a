"""Give a function the whole array instead of each number.

Why
---
``np.vectorize`` calls a Python function for each number, and keeps an object for each result.

Given
-----
    x = np.linspace(0, 1, 200_000)

Instead of
----------
    y = np.vectorize(lambda v: v * 2 + 1)(x)

Write
-----
    y = x * 2 + 1

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.frames import is_series
from ..rewriting.inlining import inlined
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, splice, tight
from ..rewriting.view import CellView, Statement

WHY = "Each number became a Python object, given to a function one by one; the array can be given as a whole."
_TAKERS = frozenset({"array", "asarray", "fromiter", "builtins.sum"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``np.vectorize(f)(x)``, `f` a lambda or a function; ``np.array([... for v in x])`` of an array."""
    for statement in cell.statements:
        for node in expressions(statement):
            for text in filter(None, _texts(statement, node)):
                yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), WHY, CLOSE)


def _texts(statement: Statement, node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Call() as maker, args=args, keywords=[]) if args:
            made = call_of(maker, statement)
            if made is not None and made.name.endswith("vectorize") and maker.args:
                yield from _called(statement, maker.args[0], args)
        case ast.Call(func=ast.Attribute(value=owner, attr="apply" | "map"), args=[function], keywords=[]):
            yield from _called(statement, function, [owner]) if is_series(statement, owner) else ()
        case ast.Call():
            call = call_of(node, statement)
            match node.args[0] if call is not None and call.name in _TAKERS and node.args else None:
                case ast.ListComp(elt=elt, generators=[loop]) | ast.GeneratorExp(elt=elt, generators=[loop]):
                    if isinstance(loop.target, ast.Name) and not loop.ifs and statement.array(loop.iter) is not None:
                        text = inlined(statement, elt, {loop.target.id: tight(statement, loop.iter)})
                        yield f"({text}).sum()" if text and call and call.name == "builtins.sum" else text or ""


def _called(statement: Statement, function: ast.expr, args: list[ast.expr]) -> Iterator[str]:
    given = [tight(statement, each) for each in args]
    if isinstance(function, ast.Lambda):
        yield (
            inlined(
                statement,
                function.body,
                {each.arg: text for each, text in zip(function.args.args, given, strict=False)},
            )
            or ""
        )
    elif isinstance(function, ast.Name | ast.Attribute):
        text = re.sub(r"^math\.", f"{module_name(statement)}.", statement.source(function))
        yield f"{text}({', '.join(statement.source(each) for each in args)})"
