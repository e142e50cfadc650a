"""Calls of NumPy's random generators."""

from __future__ import annotations

import ast

import numpy as np

from ..standins import Known
from .calls import call_of
from .view import Statement

FLOATS = frozenset({"random", "standard_normal", "standard_exponential", "standard_gamma"})


def generator_method(node: ast.expr, statement: Statement) -> str | None:
    """The method of a ``Generator`` that a node calls, such as ``random``; None where it calls something else."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = node.func.value
    value, made = statement.value(owner), call_of(owner, statement)
    is_known = isinstance(value, Known) and isinstance(value.value, np.random.Generator)
    if is_known or (made is not None and made.name == "random.default_rng"):
        return node.func.attr
    return None


def with_argument(statement: Statement, node: ast.Call, argument: str) -> str:
    """The text of a call with one more argument."""
    text = statement.source(node)[:-1].rstrip().rstrip(",")
    return f"{text}{argument})" if text.endswith("(") else f"{text}, {argument})"
