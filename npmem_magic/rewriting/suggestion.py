"""What a rule hands over: statements of the cell, the text that shall stand in their place, and what that promises."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..trace import Tempting
from .view import CellView, Statement

__all__ = ["ASK", "CLOSE", "SAME", "Suggestion", "Tempting", "edit_of", "text_before"]

SAME, CLOSE, ASK = "same bits", "close", "ask"


@dataclass(frozen=True, eq=False)
class Suggestion:
    """One rewrite.

    Attributes
    ----------
    first, last : Statement
        The statements replaced: from `first` to `last` of one block (often the same one).
    lines : tuple of str
        The new statements, one a string, without indentation in front; none of them takes the first ones away.
    why : str
        One or two sentences for the user: what took the memory, and what the rewrite does instead.
    keeps : str
        The promise: `SAME`, `CLOSE`, or `ASK` where only the user can know; `caveat` then says what, in a few words.
    caveat : str
        What the user has to know: names that are gone, another dtype. With `SAME` and `CLOSE` it stays empty.
    overwrites : tuple of str
        Names or paths whose buffer is written into, though the cell as written left it alone. The engine drops the
        suggestion where anything else looks at that buffer.
    gives_up : tuple of str
        Names of the cell as written that are not there afterwards, or hold something else. Only with `ASK`.
    narrower : tuple of str
        Names that hold the same values in another dtype, as far as it can; the proof compares those. Only with `ASK`.
    saving : int
        Bytes by which the peak of these lines falls, deduced from the ledger; 0 where only a proof can tell.
    is_sure : bool
        Whether the promise holds by what is known of the operands, so that it may be shown without a proof.
    effort : int
        How much harder to read than before: 0 hardly, 1 more lines, 2 a loop or another library. Breaks ties.
    changes : tuple
        Which expressions of `first` are exchanged for which texts, where that is all; several such suggestions for one
        statement are tried together as well.
    """

    first: Statement
    last: Statement
    lines: tuple[str, ...]
    why: str
    keeps: str = SAME
    caveat: str = ""
    overwrites: tuple[str, ...] = ()
    gives_up: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()
    saving: int = 0
    is_sure: bool = False
    effort: int = 0
    changes: tuple[tuple[ast.expr, str], ...] = ()


def text_before(cell: CellView, node: ast.stmt) -> str:
    """What stands on the line of a statement before it: its indentation, unless another statement is there too."""
    return cell.trace.source.split("\n")[node.lineno - cell.trace.first_line].encode()[: node.col_offset].decode()


def edit_of(suggestion: Suggestion) -> tuple[int, str, str] | None:
    """(line, text before, text after) of a suggestion; None where the new lines cannot stand there."""
    first, last = suggestion.first.node, suggestion.last.node
    cell = suggestion.first.cell
    whole = ast.copy_location(ast.Pass(), first)
    whole.end_lineno, whole.end_col_offset = last.end_lineno, last.end_col_offset
    before = cell.source_of(whole)
    above = text_before(cell, first)
    if len(suggestion.lines) == 1 and "\n" not in suggestion.lines[0]:
        return first.lineno, before, suggestion.lines[0]
    if not above.strip() and not _goes_on(cell.trace.source, last, cell.trace.first_line):
        return first.lineno, before, ("\n" + above).join("\n".join(suggestion.lines).split("\n"))
    if any("\n" in line or line.rstrip().endswith(":") for line in suggestion.lines):
        return None
    return first.lineno, before, "; ".join(suggestion.lines)


def _goes_on(source: str, last: ast.stmt, first_line: int) -> bool:
    """Whether another statement follows on the line that `last` ends on."""
    line = source.split("\n")[(last.end_lineno or 0) - first_line].encode()
    return line[last.end_col_offset :].lstrip().startswith(b";") and bool(
        line[last.end_col_offset :].strip().strip(b";").strip()
        and not line[last.end_col_offset :].strip().strip(b";").strip().startswith(b"#")
    )
