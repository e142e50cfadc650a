"""Transform real data with the transform for real data.

Why
---
The spectrum of real numbers is symmetric: the second half mirrors the first. ``rfft`` computes one half, in half the
memory, and does not make the input complex first.

Given
-----
    x = np.linspace(0, 1, 1 << 18)

Instead of
----------
    Z = np.abs(np.fft.fft(x))[:1000]

Write
-----
    Z = np.abs(np.fft.rfft(x))[:1000]

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.dependents import bound_by
from ..rewriting.patterns import expressions, find
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import fill, module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The data are real, so the second half of the spectrum mirrors the first; `rfft` computes only one."
_REAL = {"fft.fft": "rfft", "fft.fft2": "rfft2", "fft.fftn": "rfftn", "scipy.fft._basic.fft": "rfft"}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``fft`` of real arrays: cut to its first half later on, or kept; filters that go there and back."""
    for statement in cell.statements:
        for match in find(
            statement, "fft.ifft(fft.fft(_a) * fft.fft(_b)).real", "real(fft.ifft(fft.fft(_a) * fft.fft(_b)))"
        ):
            numpy = module_name(statement)
            if match.is_real("_a", "_b") and numpy is not None:
                text = "{np}.fft.irfft({np}.fft.rfft({a}) * {np}.fft.rfft({b}), {a}.shape[-1])"
                new = fill(statement, text, {"np": numpy, "a": match.parts["_a"], "b": match.parts["_b"]})
                yield Suggestion(statement, statement, (splice(statement, [(match.node, new)]),), WHY, CLOSE)
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is not None and call.name in _REAL and isinstance(call.node.func, ast.Attribute):
                yield from _halved(statement, call.node, next(iter(call.arguments.values())), _REAL[call.name])


def _halved(statement: Statement, node: ast.Call, data: ast.expr, name: str) -> Iterator[Suggestion]:
    inner = _uncomplex(statement, data)
    array = statement.array(inner)
    if array is None or array.dtype.kind not in "fiu" or not isinstance(node.func, ast.Attribute):
        return
    function = f"{statement.source(node.func.value)}.{name}"
    rest = statement.source(node)[len(statement.source(node.func)) :].replace(
        statement.source(data), statement.source(inner), 1
    )
    line = splice(statement, [(node, function + rest)])
    match statement.node:
        case ast.Assign(targets=[ast.Name()], value=value) if value is node:
            names = bound_by(statement)
            words = ", ".join(f"`{each}`" for each in names)
            caveat = f"{words} holds only the frequencies from zero upwards: one half and one"
            yield Suggestion(statement, statement, (line,), WHY, ASK, caveat, gives_up=names)
        case _:
            yield Suggestion(statement, statement, (line,), WHY, CLOSE)


def _uncomplex(statement: Statement, data: ast.expr) -> ast.expr:
    """What was real before it was cast to complex numbers."""
    call = call_of(data, statement)
    array = statement.array(data)
    if call is not None and call.name == "astype" and array is not None and array.dtype.kind == "c":
        return call.arguments["a"]
    return data
