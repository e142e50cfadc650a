"""Compare all with all without an array of all pairs.

Why
---
``X[:, None, :] - X[None, :, :]`` is an array of all pairs, only to be reduced. SciPy's ``cdist`` makes the distances,
``einsum`` adds up products as it goes, and anything else can be done row by row.

Given
-----
    X = np.linspace(0, 1, 200 * 40).reshape(200, 40)

Instead of
----------
    D = ((X[:, None, :] - X[None, :, :]) ** 2).sum(-1)

Write
-----
    from scipy.spatial.distance import cdist
    D = cdist(X, X, 'sqeuclidean')

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.blowups import Blowup, blowups
from ..rewriting.dependents import is_read_elsewhere
from ..rewriting.patterns import Match, find
from ..rewriting.stretching import Stretched
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement

WHY = "All pairs were held in one array of {shape}, which was then reduced; this never makes that array."
IMPORT = "from scipy.spatial.distance import cdist"
_SQUARES = ("sum(_e ** 2, axis=_k)", "sqrt(sum(_e ** 2, axis=_k))", "linalg.norm(_e, axis=_k)")
_METRICS = (*zip(_SQUARES, ("sqeuclidean", "euclidean", "euclidean"), strict=True),
            ("sum(absolute(_e), axis=_k)", "cityblock"), ("max(absolute(_e), axis=_k)", "chebyshev"),
            ("sum(absolute(_e) ** 2, axis=_k)", "sqeuclidean"))  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Reductions of element-wise expressions that broadcasting made much larger than its operands."""
    for statement in cell.statements:
        for pattern, metric in _METRICS:
            for match in find(statement, pattern):
                yield from _distances(match, metric)
        for blowup in blowups(statement):
            why = WHY.format(shape=blowup.result.shape)
            for text, promise in blowup.rewrites():
                line = splice(statement, [(blowup.node, text)])
                yield Suggestion(statement, statement, (line,), why, promise, effort=1 if "for " in text else 0)


def _distances(match: Match, metric: str) -> Iterator[Suggestion]:
    """``cdist`` of two arrays of rows, where all differences of their rows are squared or made absolute, and added."""
    statement = first = match.statement
    difference: ast.expr = match.parts["_e"]
    if isinstance(difference, ast.Name) and statement.place:
        before = next(each for each in statement.cell.statements if each.node is statement.block[statement.place - 1])
        match before.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == difference.id:
                if not is_read_elsewhere(statement, name):
                    first, difference = before, value
    pair, array = Blowup.pair(first, difference), first.array(difference)
    if pair is None or match.constant("_k") not in (2, -1) or array is None or array.dtype.kind != "f":
        return
    known = "cdist" in statement.cell.noted.taken
    lines = [
        *(() if known else (IMPORT,)),
        splice(statement, [(match.node, _cdist(first, *pair, metric, array.dtype))]),
    ]
    why = WHY.format(shape=array.shape)
    given = () if first is statement or first.in_function else tuple(each.id for each in first.node.targets)  # type: ignore[attr-defined]
    caveat = "".join(f"`{name}` is not there afterwards" for name in given)
    yield Suggestion(first, statement, tuple(lines), why, ASK if given else CLOSE, caveat, gives_up=given, effort=0)


def _cdist(statement: Statement, left: Stretched, right: Stretched, metric: str, dtype: object) -> str:
    one, two = (left, right) if left.axes[0] == 0 else (right, left)
    first = tight(statement, one.base)
    narrow = "" if str(dtype) == "float64" else f".astype({first}.dtype)"
    return f"cdist({statement.source(one.base)}, {statement.source(two.base)}, '{metric}'){narrow}"
