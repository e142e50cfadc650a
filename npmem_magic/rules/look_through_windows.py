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

from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, expressions, find
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView
from ..rewriting.windows import read_only, stacked, used_windows

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


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Weighted sums of windows; windows stacked from slices, or selected by an index of two ranges."""
    for statement in cell.statements:
        for pattern, template in _SUMS:
            for match in find(statement, pattern, when=_are_windows):
                yield from exchange(match, template, WHY, keeps=CLOSE)
        for match in find(statement, "sliding_window_view(_x, _n)", "sliding_window_view(_x, window_shape=_n)"):
            yield from used_windows(match, WHY)
        for node in expressions(statement):
            if isinstance(node, ast.Call) and node.args:
                found = stacked(statement, node)
                if found is not None and may_share(statement, node, node):
                    line = splice(statement, [(node, found)])
                    yield Suggestion(statement, statement, (line,), WHY, ASK, read_only(statement))
        for index in _INDICES:
            for match in find(statement, f"_x[{index}]", when=_is_line):
                if may_share(statement, match.node, match.parts["_x"]):
                    template = "{np}.lib.stride_tricks.sliding_window_view({x}, {k})[:{n}]"
                    yield from exchange(match, template, WHY, keeps=ASK, caveat=read_only(statement))


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
