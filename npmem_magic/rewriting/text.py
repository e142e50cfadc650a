"""New source text made of the user's own pieces: comments and layout of everything else stay as they are."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence

from .view import Statement

_ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.Dict, ast.Set, ast.ListComp)
_PLACE = re.compile(r"\{(\w+)\}")


def is_atom(node: ast.expr) -> bool:
    """Whether an expression needs no parentheses wherever it is put."""
    return isinstance(node, _ATOMS) and not (isinstance(node, ast.Constant) and isinstance(node.value, int | float))


def tight(statement: Statement, node: ast.expr) -> str:
    """The text of `node`, in parentheses unless it needs none anywhere. Over several lines it has them too."""
    text = statement.source(node)
    return text if isinstance(node, _ATOMS) else f"({text})"


def whole(text: str) -> str:
    """An expression's text as the right side of a statement: in parentheses when it goes over several lines."""
    return f"({text})" if "\n" in text else text


def fill(statement: Statement, template: str, parts: Mapping[str, ast.expr | str]) -> str:
    """`template` with ``{name}`` replaced by the user's text for it, in parentheses where it needs them."""

    def put(found: re.Match[str], bare: bool) -> str:
        part = parts[found[1]]
        if isinstance(part, str):
            return part
        return statement.source(part) if bare else tight(statement, part)

    safe = _PLACE.sub(lambda found: put(found, bare=False), template)
    short = _PLACE.sub(lambda found: put(found, bare=True), template)
    return short if "\n" not in short and _means_the_same(short, safe) else safe


def _means_the_same(one: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


def splice(statement: Statement, changes: Sequence[tuple[ast.expr, str]]) -> str:
    """The text of the statement with the text of some of its expressions replaced; they must not overlap."""
    text = statement.source(statement.node).encode()
    lines = text.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        row = line - statement.node.lineno
        return starts[row] + column - (statement.node.col_offset if row == 0 else 0)

    for node, new in sorted(changes, key=lambda each: (-each[0].lineno, -each[0].col_offset)):
        begin = offset(node.lineno, node.col_offset)
        end = offset(node.end_lineno or 0, node.end_col_offset or 0)
        is_enclosed = text[begin - 1 : begin] == b"(" and text[end : end + 1] == b")"
        text = text[:begin] + (new if is_enclosed else _in_place_of(statement, node, new)).encode() + text[end:]
    return text.decode()


def _in_place_of(statement: Statement, node: ast.expr, new: str) -> str:
    """`new`, in parentheses where an operator around `node` would tear it apart."""
    parent = statement.cell.parents.get(node)
    made = ast.parse(f"({new}\n)", mode="eval").body
    is_free = isinstance(parent, ast.stmt | ast.keyword | ast.Call) and getattr(parent, "func", None) is not node
    return new if is_free or isinstance(made, (*_ATOMS, ast.GeneratorExp)) else f"({new})"


def new_name(statement: Statement, wish: str, also: Iterable[str] = ()) -> str:
    """A name that nothing in the cell or the namespace uses: `wish`, or `wish` with a number."""
    used = {*dir(builtins), *also}
    names = (f"{wish}{number}" if number > 1 else wish for number in range(1, 1000))
    return next(name for name in names if name not in used and name not in statement.cell.identifiers)


def module_name(statement: Statement, module: str = "numpy") -> str | None:
    """The name under which the statement can reach a module, such as ``np``; None where it has none."""
    noted = statement.cell.noted
    before = [name for name, known in noted.modules_before.items() if known == module and name in noted.modules_after]
    if before:
        return before[0]
    after = [name for name, known in noted.modules_after.items() if known == module]
    for node in statement.cell.tree.body[: statement.top]:
        if isinstance(node, ast.Import):
            names = {alias.asname or alias.name for alias in node.names}
            if found := [name for name in after if name in names]:
                return found[0]
    return None


def with_body(loop: Statement, statement: Statement, lines: Sequence[str]) -> str | None:
    """The text of a compound statement with one statement of its body exchanged for others.

    None where there is no room for several lines. The text is as a suggestion wants it: not indented.
    """
    cell, node = loop.cell, statement.node
    rows = cell.trace.source.split("\n")
    indent = rows[node.lineno - cell.trace.first_line][: node.col_offset]
    outer = rows[loop.node.lineno - cell.trace.first_line][: loop.node.col_offset]
    text, old = cell.source_of(loop.node), cell.source_of(node)
    if indent.strip() or outer.strip() or loop.node.lineno == node.lineno or text.count(old) != 1:
        return None
    joined = text.replace(old, ("\n" + indent).join(lines))
    return joined.replace("\n" + outer, "\n") if outer else joined
