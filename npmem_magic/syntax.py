"""What the text of a cell says about its lines: statements, functions, and the names a statement binds.

A leaf: it reads source text only, never runs it. Lines are numbered from `first_line` on.
"""

from __future__ import annotations

import ast
import warnings
from array import array
from dataclasses import dataclass, field

CELL = "<cell>"  # the function of lines that belong to none

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(source: str) -> ast.Module:
    """The tree of `source`, without its warnings, which were shown when it was compiled; SyntaxError or ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


@dataclass(frozen=True)
class Span:
    """A function's place: its name, the line its text begins on (decorators included) and the line it ends on."""

    name: str
    first: int
    body: int
    last: int


@dataclass(frozen=True)
class Text:
    """The source of one file or cell and what its tree says.

    Attributes
    ----------
    lines : tuple of str
        The source, without line ends; ``lines[0]`` is line `first_line`.
    spans : tuple of Span
        Every function, outer before inner.
    statements : mapping of int to ast.stmt
        For each line, the innermost statement that the line belongs to (its head, for compound statements).
    starting : mapping of int to list of ast.stmt
        For each line, the statements that begin on it, from left to right.
    """

    lines: tuple[str, ...]
    first_line: int
    spans: tuple[Span, ...] = ()
    statements: dict[int, ast.stmt] = field(default_factory=dict)
    starting: dict[int, list[ast.stmt]] = field(default_factory=dict)

    @classmethod
    def read(cls, source: str, first_line: int = 1) -> Text:
        """The text of `source`; without a tree when it does not parse."""
        lines = tuple(source.splitlines())
        try:
            tree = parsed(source)
        except (SyntaxError, ValueError):
            return cls(lines, first_line)
        if first_line != 1:
            ast.increment_lineno(tree, first_line - 1)
        spans: list[Span] = []
        _find_functions(tree, "", spans)
        statements: dict[int, ast.stmt] = {}
        _find_statements(tree, statements)
        starting: dict[int, list[ast.stmt]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt):
                starting.setdefault(node.lineno, []).append(node)
        for found in starting.values():
            found.sort(key=lambda statement: statement.col_offset)
        return cls(lines, first_line, tuple(spans), statements, starting)

    def line(self, number: int) -> str:
        """The text of line `number`, empty when there is none."""
        at = number - self.first_line
        return self.lines[at] if 0 <= at < len(self.lines) else ""

    def span_of(self, number: int, with_head: bool = False) -> Span | None:
        """The innermost function whose body (or head, when that counts) holds line `number`; None at the top level."""
        found = [span for span in self.spans if (span.first if with_head else span.body) <= number <= span.last]
        return found[-1] if found else None

    def expression(self, line: int, col: int, end_line: int, end_col: int) -> str:
        """The text between two positions, line ends included; columns are UTF-8 byte offsets."""
        if not line:
            return ""
        parts = [self.line(number) for number in range(line, end_line + 1)]
        if not parts:
            return ""
        parts[-1] = _cut(parts[-1], 0, end_col)
        parts[0] = _cut(parts[0], col, None)
        return "\n".join(parts)

    def statement_table(self) -> bytes:
        """Native ints, one a line from line 0 on: twice the first line of the line's statement, plus 1 for ``with``."""
        last = self.first_line + len(self.lines)
        table = array("i", (2 * number for number in range(last + 1)))
        for number, statement in self.statements.items():
            if number <= last:
                table[number] = 2 * statement.lineno + isinstance(statement, (ast.With, ast.AsyncWith))
        return table.tobytes()

    def bound_by(self, line: int, col: int) -> str | None:
        """The text of what the statement at a place binds its value to, such as ``x`` or ``d["k"]``; else None."""
        here = [each for each in self.starting.get(line, ()) if each.col_offset <= col]
        match here[-1] if here else self.statements.get(line):
            case ast.Assign(targets=targets):
                return " = ".join(ast.unparse(target) for target in targets)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                return ast.unparse(target)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=receiver))):
                return ast.unparse(receiver)
            case ast.With(items=[ast.withitem(optional_vars=ast.expr() as name)]):
                return ast.unparse(name)
        return None


def _cut(text: str, start: int, end: int | None) -> str:
    return text.encode()[start:end].decode(errors="replace")


def _find_functions(node: ast.AST, prefix: str, spans: list[Span]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            body = max(child.body[0].lineno, child.lineno + 1)
            spans.append(Span(prefix + child.name, first, body, child.end_lineno or child.lineno))
            _find_functions(child, f"{prefix}{child.name}.", spans)
        elif isinstance(child, ast.ClassDef):
            _find_functions(child, f"{prefix}{child.name}.", spans)
        else:
            _find_functions(child, prefix, spans)


def _find_statements(node: ast.AST, found: dict[int, ast.stmt]) -> None:
    """Outer statements first, so that the innermost one keeps a line; of several on a line the first keeps it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            body = getattr(child, "body", None)
            last = (body[0].lineno - 1 if isinstance(body, list) and body else child.end_lineno) or child.lineno
            for number in range(child.lineno, max(last, child.lineno) + 1):
                known = found.get(number)
                if known is None or known.lineno < child.lineno:
                    found[number] = child
        _find_statements(child, found)
