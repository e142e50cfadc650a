"""Reductions of expressions that broadcasting made far larger than what they are made of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..standins import Array, Known
from .calls import Call, call_of
from .operations import operation
from .patterns import expressions
from .stretching import Axes, Stretched, stretched
from .suggestion import CLOSE, SAME
from .text import module_name, new_name, tight
from .view import Statement

_BY_ROW = frozenset({"sum", "mean", "prod", "max", "min", "any", "all", "argmin", "argmax", "count_nonzero",
                     "linalg.norm", "median", "std", "var"})  # fmt: skip
_JOINED = {"sum": "sum({})", "max": "max({})", "min": "min({})", "count_nonzero": "sum({})"}
_MANY = 4  # times that the result is larger than what it is made of
_ROWS = 100_000  # more rows are too slow for a loop


@dataclass(frozen=True, eq=False)
class Blowup:
    """A reduction `node` (``call`` of `inner`) of a `result` that is much larger than the arrays it is made of."""

    statement: Statement
    node: ast.expr
    call: Call
    inner: ast.expr
    result: Array
    axis: int | None

    @staticmethod
    def pair(statement: Statement, difference: ast.expr) -> tuple[Stretched, Stretched] | None:
        """The two arrays of rows of ``X[:, None, :] - Y[None, :, :]``; None of anything else."""
        op = operation(difference, statement)
        if op is None or op.function != "subtract":
            return None
        left, right = (stretched(each, statement, 3) for each in op.operands)
        if left is None or right is None or {left.axes, right.axes} != {(0, None, 1), (None, 0, 1)}:
            return None
        return left, right

    def rewrites(self) -> Iterator[tuple[str, str]]:
        """(text, promise): other ways to write the reduction."""
        yield from self._special()
        along = 1 if self.axis in (0, -len(self.result.shape)) else 0
        if along and len(self.result.shape) != 2:
            return
        rows = _Rows(self.statement, along, len(self.result.shape))
        text = rows.of(self.inner)
        numpy = module_name(self.statement)
        if text is None or numpy is None or len(rows.bases) != 1 or self.result.shape[along] > _ROWS:
            return
        (base,) = rows.bases
        each = self._reduced(text)
        loop = f"for {rows.name} in {base}"
        if each is None:
            return
        if self.axis is not None:
            yield f"{numpy}.array([{each} {loop}])", CLOSE
        elif self.call.name in _JOINED:
            yield _JOINED[self.call.name].format(f"{each} {loop}"), CLOSE
        elif self.call.name == "mean":
            rest = self.result.size // self.result.shape[along]
            yield f"sum({each.replace('.mean(', '.sum(')} {loop}) / (len({base}) * {rest})", CLOSE

    def _special(self) -> Iterator[tuple[str, str]]:
        op, ndim = operation(self.inner, self.statement), len(self.result.shape)
        numpy = module_name(self.statement)
        parts = [stretched(each, self.statement, ndim) for each in op.operands] if op is not None else []
        if op is None or numpy is None or len(parts) != 2 or None in parts:
            return
        one, two = (each for each in parts if each is not None)
        texts = [self.statement.source(one.base), self.statement.source(two.base)]
        if op.function == "equal" and self.call.name == "any" and ndim == 2 and self.axis is not None:
            rows, columns = (texts[0], texts[1]) if one.axes == (0, None) else (texts[1], texts[0])
            if {one.axes, two.axes} == {(0, None), (None, 0)}:
                yield f"{numpy}.isin({', '.join((rows, columns) if self.axis in (1, -1) else (columns, rows))})", SAME
        if op.function == "multiply" and self.call.name == "sum" and self.result.dtype.kind in "fc":
            letters = "ijklmn"[:ndim]
            names = ["".join(letters[place] for place, axis in enumerate(each.axes) if axis is not None)
                     for each in (one, two)]  # fmt: skip
            left = "" if self.axis is None else letters.replace(letters[self.axis], "")
            if all(_in_order(each.axes) for each in (one, two)):
                yield f"{numpy}.einsum('{','.join(names)}->{left}', {', '.join(texts)})", CLOSE

    def _reduced(self, text: str) -> str | None:
        """The reduction of one row."""
        left = len(self.result.shape) - 1
        axis = self.axis if self.axis is None or self.axis < 0 or left == 1 else self.axis - 1
        given = f"axis={axis}" if axis is not None and left > 1 else ""
        if self.call.name in ("linalg.norm", "count_nonzero", "median"):
            numpy = module_name(self.statement)
            return f"{numpy}.{self.call.name}({', '.join(filter(None, (text, given)))})"
        return f"({text}).{self.call.name}({given})"


def _in_order(axes: Axes) -> bool:
    kept = [axis for axis in axes if axis is not None]
    return kept == sorted(kept)


def blowups(statement: Statement) -> Iterator[Blowup]:
    """The reductions of a statement whose argument is much larger than the arrays it is made of."""
    for node in expressions(statement):
        call = call_of(node, statement) if isinstance(node, ast.Call) else None
        if call is None or call.name not in _BY_ROW or not call.has_only("a", "x", "axis"):
            continue
        inner = next(iter(call.arguments.values()))
        result, value = statement.array(inner), Known(None)
        if "axis" in call.arguments:
            found = statement.value(call.arguments["axis"])
            if not isinstance(found, Known) or type(found.value) is not int:
                continue
            value = found
        if result is None or len(result.shape) < 2 or operation(inner, statement) is None:
            continue
        made_of = sum(array.nbytes for leaf in leaves(statement, inner) if (array := statement.array(leaf)) is not None)
        if result.size * 8 > _MANY * made_of and result.nbytes >= 1 << 20:
            yield Blowup(statement, node, call, inner, result, value.value)


def leaves(statement: Statement, node: ast.expr) -> Iterator[ast.expr]:
    """The operands of an element-wise expression that are no such expression themselves."""
    op = operation(node, statement)
    if op is None:
        yield node
    else:
        for each in op.operands:
            yield from leaves(statement, each)


class _Rows:
    """Writes an element-wise expression for one place along an axis of its result.

    `bases` are the texts of what is gone through; `name` stands for one item of it.
    """

    def __init__(self, statement: Statement, along: int, ndim: int) -> None:
        self._at, self._along, self._ndim = statement, along, ndim
        self.name = new_name(statement, "row" if ndim > 2 else "each")
        self.bases: set[str] = set()

    def of(self, root: ast.expr) -> str | None:
        """The text of `root` for one row; None where that cannot be written."""
        changes: list[tuple[ast.expr, str]] = []
        for leaf in leaves(self._at, root):
            if self._at.array(leaf) is None:
                value = self._at.value(leaf)
                if isinstance(value, Known) or (isinstance(value, Array) and not value.shape):
                    continue
                return None
            text = self._leaf(leaf)
            if text is None:
                return None
            changes.append((leaf, text))
        return replaced(self._at, root, changes)

    def _leaf(self, leaf: ast.expr) -> str | None:
        found = stretched(leaf, self._at, self._ndim)
        if found is None:
            return None
        rest = [axis for place, axis in enumerate(found.axes) if place != self._along]
        while rest and rest[0] is None:
            rest.pop(0)
        if found.axes[self._along] is None:
            return tight(self._at, found.base) if rest == list(range(len(rest))) else None
        if found.axes[self._along] != 0 or rest != list(range(1, len(rest) + 1)):
            return None
        self.bases.add(tight(self._at, found.base))
        return self.name


def replaced(statement: Statement, root: ast.expr, changes: list[tuple[ast.expr, str]]) -> str:
    """The text of `root` with the text of some of its parts replaced."""
    text = statement.source(root).encode()
    lines = text.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        row = line - root.lineno
        return starts[row] + column - (root.col_offset if row == 0 else 0)

    for node, new in sorted(changes, key=lambda each: (-each[0].lineno, -each[0].col_offset)):
        begin, end = offset(node.lineno, node.col_offset), offset(node.end_lineno or 0, node.end_col_offset or 0)
        text = text[:begin] + new.encode() + text[end:]
    return text.decode()
