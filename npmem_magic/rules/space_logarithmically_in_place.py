"""Raise evenly spaced exponents where they lie.

Why
---
``np.logspace`` makes the exponents and then, beside them, their powers. Made with ``linspace`` and raised with
``out=``, there is one array.

Instead of
----------
    r = np.logspace(0, 3, 1_000_000)

Write
-----
    r = np.linspace(0, 3, 1_000_000)
    np.power(10.0, r, out=r)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name
from ..rewriting.view import CellView

WHY = "The exponents were kept in an array of their own while their powers were computed into another."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``name = np.logspace(start, stop, count)``, with ``endpoint=`` and ``base=``."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                call, numpy = call_of(value, statement), module_name(statement)
                if call is None or call.name != "logspace" or numpy is None or statement.peak < 1 << 20:
                    continue
                if not call.has_only("start", "stop", "num", "endpoint", "base"):
                    continue
                given = [f"{key}={statement.source(node)}" if key == "endpoint" else statement.source(node)
                         for key, node in call.arguments.items() if key != "base"]  # fmt: skip
                base = statement.source(call.arguments["base"]) if "base" in call.arguments else "10.0"
                lines = (f"{name} = {numpy}.linspace({', '.join(given)})", f"{numpy}.power({base}, {name}, out={name})")
                yield Suggestion(statement, statement, lines, WHY, CLOSE, effort=1)
