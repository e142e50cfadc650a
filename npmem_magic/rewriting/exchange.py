"""The commonest rewrite: one expression of a statement exchanged for another, the rest of the text as it is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .facts import path_of
from .patterns import Match, find
from .suggestion import Suggestion
from .text import fill, module_name, splice
from .view import CellView


def exchange(
    match: Match, template: str, why: str, also: dict[str, str] | None = None, **more: Any
) -> Iterator[Suggestion]:
    """The suggestion to write `template` for the expression that was matched; none where a module it needs has no name.

    Parameters
    ----------
    template : str
        New text. ``{a}`` stands for the user's text of the pattern's ``_a``, in parentheses where it needs them;
        ``{np}``, ``{ne}``, ``{pd}`` for the cell's name of numpy, numexpr, pandas.
    also : dict, optional
        Further texts by name.
    more
        What else `Suggestion` takes: `keeps`, `saving`, `is_sure`, `caveat`, `overwrites`, `gives_up`, `effort`.
    """
    parts: dict[str, ast.expr | str] = {name.lstrip("_"): node for name, node in match.parts.items()}
    parts |= also or {}
    for name, module in (("np", "numpy"), ("ne", "numexpr"), ("pd", "pandas")):
        if f"{{{name}}}" in template:
            known = module_name(match.statement, module)
            if known is None:
                return
            parts[name] = known
    for name, part in parts.items():
        if template.count(f"{{{name}}}") > 1 and not isinstance(part, str) and not _is_at_hand(part):
            return  # it would be computed more than once
    new = fill(match.statement, template, parts)
    if not _is_expression(new):
        return  # a part stood in an index, where more may stand than elsewhere
    changes = ((match.node, new),)
    line = splice(match.statement, changes)
    yield Suggestion(match.statement, match.statement, (line,), why, changes=changes, **more)


def _is_expression(text: str) -> bool:
    try:
        ast.parse(f"({text}\n)", mode="eval")
    except SyntaxError:
        return False
    return True


def _is_at_hand(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or path_of(node) is not None


Form = tuple[str, str, str, Callable[[Match], bool] | None]  # pattern, template, promise, condition


def exchanges(cell: CellView, forms: Iterable[Form], why: str, **more: Any) -> Iterator[Suggestion]:
    """`exchange` for every expression of the cell that a form's pattern finds and its condition admits."""
    for statement in cell.statements:
        for pattern, template, keeps, when in forms:
            for match in find(statement, pattern, when=when):
                yield from exchange(match, template, why, keeps=keeps, **more)
