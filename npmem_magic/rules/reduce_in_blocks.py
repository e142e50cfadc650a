"""Reduce a large array block by block where NumPy's function copies it whole.

Why
---
``x.var()``, ``np.allclose(a, b)`` and ``np.linalg.norm(x, 1)`` make arrays of the size of their argument before they
add up. A block of 65,536 elements stays in the processor's cache, and each block's temporaries take half a MiB.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    v = x.var()

Write
-----
    mean = x.mean()
    v = sum(np.square(x[i:i + 65536] - mean).sum() for i in range(0, len(x), 65536)) / x.size

Keeps
-----
close
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rewriting.patterns import find
from ..rewriting.slicewise import in_blocks, is_line_of_blocks
from ..rewriting.suggestion import CLOSE, SAME, Suggestion
from ..rewriting.view import CellView

WHY = "The function copies the whole array to reduce it. Blocks of it need no more than half a MiB."
_BLOCKS = "for {i} in range(0, len({x}), {step})"
_MEAN = "{mean} = {x}.mean()"
_SQUARES = "sum({np}.square({x}[{i}:{i} + {step}] - {mean}).sum() " + _BLOCKS + ")"
_BOTH = "{x}[{i}:{i} + {step}], {y}[{i}:{i} + {step}]"
_ABSOLUTE = "sum({np}.abs({x}[{i}:{i} + {step}]).sum() " + _BLOCKS + ")"
_FORMS: tuple[tuple[str, str, str, str], ...] = (
    ("var(_x)", _MEAN, _SQUARES + " / {x}.size", CLOSE),
    ("std(_x)", _MEAN, "{np}.sqrt(" + _SQUARES + " / {x}.size)", CLOSE),
    ("var(_x, ddof=_d)", _MEAN, _SQUARES + " / ({x}.size - {d})", CLOSE),
    ("std(_x, ddof=_d)", _MEAN, "{np}.sqrt(" + _SQUARES + " / ({x}.size - {d}))", CLOSE),
    ("sum((_x - mean(_x)) ** 2)", _MEAN, _SQUARES, CLOSE),
    ("mean((_x - mean(_x)) ** 2)", _MEAN, _SQUARES + " / {x}.size", CLOSE),
    ("allclose(_x, _y)", "", "all({np}.allclose(" + _BOTH + ") " + _BLOCKS + ")", SAME),
    ("all(isclose(_x, _y))", "", "{np}.all([{np}.allclose(" + _BOTH + ") " + _BLOCKS + "])", SAME),
    ("allclose(_x, _y, rtol=_r)", "", "all({np}.allclose(" + _BOTH + ", rtol={r}) " + _BLOCKS + ")", SAME),
    ("allclose(_x, _y, atol=_r)", "", "all({np}.allclose(" + _BOTH + ", atol={r}) " + _BLOCKS + ")", SAME),
    ("linalg.norm(_x, 1)", "", _ABSOLUTE, CLOSE),
    ("sum(absolute(_x))", "", _ABSOLUTE, CLOSE),
    ("mean(absolute(_x))", "", _ABSOLUTE + " / {x}.size", CLOSE),
)


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Variances, deviations, closeness and sums of absolute values of whole arrays."""
    for statement in cell.statements:
        for pattern, before, template, keeps in _FORMS:
            for match in find(statement, pattern, when=is_line_of_blocks):
                yield from in_blocks(match, before, template, WHY, keeps)
