"""A traced cell as a rule reads it: its statements, what they cost, and what their expressions were."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..standins import Array, Value, work_out
from ..syntax import CELL
from ..trace import LineCost, Trace
from .facts import NameFact, Names, Noted
from .flow import BODIES, Flow

_NOT_ALWAYS = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp, ast.BoolOp)


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement of the cell.

    Attributes
    ----------
    node : ast.stmt
    cell : CellView
    block : list of ast.stmt
        The statements it stands among; it is ``block[place]``.
    parents : tuple of ast.AST
        The compound statements around it, outermost first.
    top : int
        Number of the top-level statement that it is, or stands in.
    """

    node: ast.stmt
    cell: CellView
    block: Sequence[ast.stmt]
    place: int
    parents: tuple[ast.stmt, ...]
    top: int

    @property
    def in_function(self) -> bool:
        """Whether it stands in a function (or class) that the cell defines."""
        return any(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for each in self.parents)

    @property
    def loops(self) -> tuple[ast.For | ast.While, ...]:
        """The loops around it, outermost first."""
        return tuple(each for each in self.parents if isinstance(each, ast.For | ast.While))

    @cached_property
    def peak(self) -> int:
        """Bytes: the most by which one of its lines (the head only, of a compound statement) rose above its start."""
        return max((cost.peak for cost in self.costs), default=0)

    @cached_property
    def costs(self) -> tuple[LineCost, ...]:
        """The costs of its lines; those of the body of a compound statement are left out."""
        inner = [getattr(self.node, name) for name in BODIES if getattr(self.node, name, None)]
        last = min([body[0].lineno - 1 for body in inner], default=self.node.end_lineno or self.node.lineno)
        return tuple(
            self.cell.lines[number]
            for number in range(self.node.lineno, max(last, self.node.lineno) + 1)
            if number in self.cell.lines
        )

    def value(self, expression: ast.expr) -> Value:
        """What an expression of this statement stands for when the statement first runs."""
        return self.cell.evaluate(self, expression)

    def array(self, expression: ast.expr) -> Array | None:
        """The same where it is an array with dimensions, else None."""
        found = self.value(expression)
        return found if isinstance(found, Array) and found.shape and not found.is_scalar else None

    def fact(self, path: str) -> NameFact | None:
        """What was noted of a name or path when the top-level statement began; None where nothing was."""
        return self.cell.facts_of(self.top).get(path)

    def source(self, node: ast.AST) -> str:
        """The text of one of its nodes as the user wrote it."""
        return self.cell.source_of(node)

    @cached_property
    def expressions(self) -> tuple[ast.expr, ...]:
        """Its expressions, outer before inner; those of statements inside of it are left out."""
        found: list[ast.expr] = []
        todo: list[ast.AST] = [self.node]
        for node in todo:
            if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
                found.append(node)
            if not isinstance(node, ast.Lambda):
                todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
        return tuple(found)

    @cached_property
    def by_kind(self) -> dict[str, list[ast.expr]]:
        """Room for `patterns` to sort the expressions in."""
        return {}

    @cached_property
    def calls(self) -> dict[ast.Call, Any]:
        """Room for `calls` to keep what each call was found to be."""
        return {}

    def walk(self) -> Iterator[ast.expr]:
        """The expressions that are evaluated exactly once whenever the statement is, outer before inner.

        What stands in a lambda, a comprehension, a conditional expression or behind ``and`` is left out.
        """
        return iter(self._always)

    @cached_property
    def _always(self) -> tuple[ast.expr, ...]:
        found: list[ast.expr] = []
        todo: list[ast.AST] = [self.node]
        for node in todo:
            if isinstance(node, ast.expr):
                found.append(node)
            if not isinstance(node, _NOT_ALWAYS):
                todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
        return tuple(found)

    def is_read_later(self, name: str) -> bool:
        """Whether the cell reads `name` after this statement, or in another round of a loop around it."""
        return self.cell.reads_after(self, name)


@dataclass(frozen=True, eq=False)
class CellView:
    """A cell that ran: its tree, its trace, and what its names were.

    `noted` holds what its names were before each top-level statement, and in the end.
    """

    trace: Trace
    tree: ast.Module
    noted: Noted = field(default_factory=Noted)

    @classmethod
    def read(cls, trace: Trace, noted: Noted) -> CellView:
        """The view of a trace; raises SyntaxError when its source is no Python."""
        tree = ast.parse(trace.source)
        ast.increment_lineno(tree, trace.first_line - 1)
        return cls(trace, tree, noted)

    @cached_property
    def lines(self) -> dict[int, LineCost]:
        """The costs of the cell's own lines, by number."""
        outside = set(self.trace.functions)
        return {cost.line: cost for cost in self.trace.lines if cost.function == CELL or cost.function not in outside}

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, outer ones before those inside of them."""
        return tuple(
            each for top, node in enumerate(self.tree.body) for each in self._walk(self.tree.body, top, (), top)
        )

    def _walk(
        self, block: Sequence[ast.stmt], place: int, parents: tuple[ast.stmt, ...], top: int
    ) -> Iterator[Statement]:
        node = block[place]
        yield Statement(node, self, block, place, parents, top)
        for name in BODIES:
            inner = getattr(node, name, None)
            if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                for at in range(len(inner)):
                    yield from self._walk(inner, at, (*parents, node), top)

    @cached_property
    def _texts(self) -> list[bytes]:
        return [line.encode() for line in self.trace.source.split("\n")]

    def source_of(self, node: ast.AST) -> str:
        """The text of a node, exactly as written."""
        first, last = node.lineno - self.trace.first_line, node.end_lineno - self.trace.first_line  # type: ignore[attr-defined]
        parts = self._texts[first : last + 1]
        parts[-1] = parts[-1][: node.end_col_offset]  # type: ignore[attr-defined]
        parts[0] = parts[0][node.col_offset :]  # type: ignore[attr-defined]
        return b"\n".join(parts).decode()

    def facts_of(self, top: int) -> Names:
        """What was noted when a top-level statement began."""
        return self.noted.statements[top] if top < len(self.noted.statements) else {}

    def evaluate(self, statement: Statement, expression: ast.expr) -> Value:
        """What `expression` stands for in `statement`."""
        known = self._values.get(expression)
        if known is None:
            names = self._flow.names_at(statement.node, statement.top, bool(statement.parents))
            found = work_out(expression, names.get)
            self._values.update(found.parts)
            known = self._values[expression] = found.value
        return known

    @cached_property
    def _values(self) -> dict[ast.expr, Value]:
        return {}

    @cached_property
    def _flow(self) -> Flow:
        return Flow(self.tree, self.noted)

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every name that the cell mentions, or that the namespace has."""
        return frozenset(self.names) | self.noted.taken

    @cached_property
    def nodes(self) -> tuple[ast.expr | ast.stmt | ast.keyword, ...]:
        """Everything in the cell that has a place in its text."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, ast.expr | ast.stmt | ast.keyword))

    @cached_property
    def names(self) -> dict[str, list[ast.Name]]:
        """Every mention of each name, in the order of the text."""
        found: dict[str, list[ast.Name]] = {}
        nodes = [node for node in self.nodes if isinstance(node, ast.Name)]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            found.setdefault(node.id, []).append(node)
        return found

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """For each node of the tree the node that it is a direct part of."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def costs_of(self) -> dict[tuple[int, int, int, int], int]:
        """Peak bytes allocated by the expression at (line, column, end line, end column)."""
        outside = set(self.trace.functions)
        return {
            (cost.line, cost.col, cost.end_line, cost.end_col): cost.peak
            for cost in self.trace.expressions
            if cost.function not in outside
        }

    def peak_of(self, node: ast.expr) -> int:
        """Bytes allocated by exactly this expression, not its parts, and alive at one time."""
        return self.costs_of.get((node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0), 0)

    def reads_after(self, statement: Statement, name: str) -> bool:
        """Whether `name` is read after a statement, or in another round of a loop around it."""
        end = (statement.node.end_lineno, statement.node.end_col_offset)
        around = set(statement.loops)
        for node in self.names.get(name, ()):
            if isinstance(node.ctx, ast.Load | ast.Del):
                if (node.lineno, node.col_offset) >= end:
                    return True
                if any(loop.lineno <= node.lineno <= (loop.end_lineno or 0) for loop in around):
                    return True
        return False
