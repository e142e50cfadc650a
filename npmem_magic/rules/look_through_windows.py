"""Look at moving windows without making them.

Why
---
``sliding_window_view(x, n)`` shows all windows of `x` and copies nothing, but ``windows * weights`` is an array of all
of them: `n` times as large as `x`. A matrix product goes through the windows without that. A list of slices, or an
index made of two ranges, copies every window.

Given
-----
    x = np.linspace(0, 1, 100_000)
    w = np.ones(50) / 50
    from numpy.lib.stride_tricks import sliding_window_view

Instead of
----------
    m = (sliding_window_view(x, 50) * w).sum(axis=1)

Write
-----
    m = sliding_window_view(x, 50) @ w

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, expressions, find
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import fill, module_name, splice, tight
from ..rewriting.view import CellView, Statement

WHY = "An array of all windows was made, each element of the data once for every window that it stands in."
_SUMS = (
    *((f"sum({product}, axis={axis})", f"{{v}} @ {w}") for axis in ("1", "-1")
      for product, w in (("_v * _w", "{w}"), ("_v * _w[None]", "{w}"), ("_v * _w[None, :]", "{w}"))),
    *((f"mean(_v * _w, axis={axis})", "{v} @ {w} / {v}.shape[-1]") for axis in ("1", "-1")),
    *((f"average(_v, axis={axis}, weights=_w)", "{v} @ {w} / {w}.sum()") for axis in ("1", "-1")),
    *((f"sum(_v ** 2, axis={axis})", "{np}.einsum('ij,ij->i', {v}, {v})") for axis in ("1", "-1")),
    ("_v.copy() @ _w", "{v} @ {w}"),
)  # fmt: skip
_INDICES = ("arange(_n)[:, None] + arange(_k)", "arange(_n).reshape(-1, 1) + arange(_k)",
            "add.outer(arange(_n), arange(_k))",
            "arange(_n)[:, None] + arange(_k)[None, :]", "arange(_n)[:, None] + arange(_k)[None]")  # fmt: skip


_STACKS = frozenset({"array", "stack", "vstack", "asarray", "column_stack"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Weighted sums of windows; windows stacked from slices, or selected by an index of two ranges."""
    for statement in cell.statements:
        for pattern, template in _SUMS:
            for match in find(statement, pattern, when=_are_windows):
                yield from exchange(match, template, WHY, keeps=CLOSE)
        for match in find(statement, "sliding_window_view(_x, _n)", "sliding_window_view(_x, window_shape=_n)"):
            yield from _used(match)
        for node in expressions(statement):
            if isinstance(node, ast.Call) and node.args:
                found = _stacked(statement, node)
                if found is not None and may_share(statement, node, node):
                    line = splice(statement, [(node, found)])
                    yield Suggestion(statement, statement, (line,), WHY, ASK, _read_only(statement))
        for index in _INDICES:
            for match in find(statement, f"_x[{index}]", when=_is_line):
                if may_share(statement, match.node, match.parts["_x"]):
                    template = "{np}.lib.stride_tricks.sliding_window_view({x}, {k})[:{n}]"
                    yield from exchange(match, template, WHY, keeps=ASK, caveat=_read_only(statement))


def _used(match: Match) -> Iterator[Suggestion]:
    """A product with weights that is added up at once; a copy."""
    statement, view = match.statement, match.node
    parents = statement.cell.parents
    product = parents.get(view)
    copy = parents.get(product) if isinstance(product, ast.Attribute) and product.attr == "copy" else None
    if isinstance(copy, ast.Call) and not copy.args and may_share(statement, copy, match.parts["_x"]):
        line = splice(statement, [(copy, statement.source(view))])
        yield Suggestion(statement, statement, (line,), WHY, ASK, _read_only(statement))
    method = parents.get(product) if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult) else None
    call = parents.get(method) if isinstance(method, ast.Attribute) and method.attr in ("sum", "mean") else method
    if not isinstance(call, ast.Call) or not isinstance(product, ast.BinOp):
        return
    given = [ast.unparse(each) for each in (*call.args, *(each.value for each in call.keywords))][-1:]
    weights = product.left if product.right is view else product.right
    array = statement.array(weights)
    if given in (["1"], ["-1"]) and array is not None and len(array.shape) == 1:
        text = f"{statement.source(view)} @ {tight(statement, weights)}"
        is_mean = ast.unparse(call.func).endswith("mean")
        line = splice(statement, [(call, f"{text} / {tight(statement, match.parts['_n'])}" if is_mean else text)])
        yield Suggestion(statement, statement, (line,), WHY, CLOSE)


def _read_only(statement: Statement) -> str:
    match statement.node:
        case ast.Assign(targets=[target]):
            return f"`{statement.source(target)}` can then only be read, or is a view where it was an array of its own"
    return "the windows are a view, which can only be read"


def _are_windows(match: Match) -> bool:
    """Whether the second part is one row of weights, and the first one windows, or anything of two dimensions."""
    weights = match.array("_w") if "_w" in match.parts else None
    windows = match.array("_v")
    if weights is not None and len(weights.shape) != 1:
        return False
    return windows is None or (len(windows.shape) == 2 and windows.dtype.kind in "fc")


def _is_line(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 1


def _stacked(statement: Statement, node: ast.Call) -> str | None:
    """``np.array([x[i : i + w] for i in range(n)])`` and its like as a view."""
    call = call_of(node, statement)
    if call is None or call.name not in _STACKS or len(call.arguments) > 2:
        return None
    numpy, axis = module_name(statement), call.arguments.get("axis")
    match node.args[0]:
        case ast.ListComp(
            elt=ast.Subscript(value=source, slice=ast.Slice(lower=low, upper=high, step=None)),
            generators=[ast.comprehension(target=ast.Name(id=name), ifs=[], iter=ast.Call(
                func=ast.Name(id="range"), args=[number]))],
        ) if numpy is not None and statement.array(source) is not None:  # fmt: skip
            parts = {"x": source, "n": number}
            is_turned = call.name == "column_stack" or (axis is not None and ast.unparse(axis) in ("1", "-1"))
            if not isinstance(high, ast.BinOp) or not isinstance(high.op, ast.Add) or ast.unparse(low or high) != name:
                return None
            width = high.right if ast.unparse(high.left) == name else high.left
            if width is high.left and isinstance(width, ast.BinOp):  # x[i : n - w + i] for i in range(w)
                is_turned, windows = not is_turned, "{x}, {n})"
            else:
                windows = "{x}, {w})[:{n}]"
            made = fill(statement, windows, {**parts, "w": width})
            return f"{numpy}.lib.stride_tricks.sliding_window_view({made}{'.T' if is_turned else ''}"
    return None
