"""What a rule hands over: statements of the cell, the text that shall stand in their place, and what that promises."""

from __future__ import annotations

import ast
import itertools
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
        remark = _remark(suggestion)
        return first.lineno, before + remark, _joined(suggestion, above, remark)
    if any("\n" in line or line.rstrip().endswith(":") for line in suggestion.lines):
        return None
    return first.lineno, before, "; ".join(suggestion.lines)


def _joined(suggestion: Suggestion, above: str, remark: str) -> str:
    """The new statements under each other, with the comments and empty lines that stood between the old ones."""
    first, last = suggestion.first, suggestion.last
    nodes = first.block[first.place : last.place + 1]
    gaps = [_between(first, one, two) for one, two in itertools.pairwise(nodes)]
    lines = [("\n" + above).join(line.split("\n")) for line in suggestion.lines]
    if remark:
        lines[suggestion.lines.index(first.source(last.node))] += remark
    if any(";" in gap.partition("#")[0] for gap in gaps):
        return ("\n" + above).join(lines)
    old = [first.source(node) for node in nodes[:-1]] + [first.source(last.node) + remark]
    made: list[str] = []
    done = 0  # `done` gaps stand in the new text already
    for place, line in enumerate(lines):
        at = place if len(lines) == len(old) else old.index(line, done) if line in old[done:] else done
        comments = [part.strip() for gap in gaps[done:at] for part in gap.split("\n") if part.strip()]
        is_next = at == done + 1 and made
        made.append(gaps[done] + line if is_next else "".join(f"\n{above}{each}" for each in (*comments, line)))
        done = at
    rest = [part.strip() for gap in gaps[done:] for part in gap.split("\n") if part.strip()]
    return "".join([*(f"\n{above}{each}" for each in rest), *made]).removeprefix(f"\n{above}")


def _remark(suggestion: Suggestion) -> str:
    """The comment behind the last statement, where that one stays and others follow it; empty where there is none."""
    last, lines = suggestion.last, suggestion.lines
    text = last.source(last.node)
    row = last.cell.trace.source.split("\n")[(last.node.end_lineno or 0) - last.cell.trace.first_line]
    behind = row.encode()[last.node.end_col_offset :].decode()
    return behind if behind.lstrip().startswith("#") and text in lines[:-1] else ""


def _between(statement: Statement, one: ast.stmt, two: ast.stmt) -> str:
    """The text between two statements: white space and comments."""
    gap = ast.copy_location(ast.Pass(), one)
    gap.lineno, gap.col_offset = one.end_lineno or one.lineno, one.end_col_offset or 0
    gap.end_lineno, gap.end_col_offset = two.lineno, two.col_offset
    return statement.source(gap)


def _goes_on(source: str, last: ast.stmt, first_line: int) -> bool:
    """Whether another statement follows on the line that `last` ends on."""
    line = source.split("\n")[(last.end_lineno or 0) - first_line].encode()
    return line[last.end_col_offset :].lstrip().startswith(b";") and bool(
        line[last.end_col_offset :].strip().strip(b";").strip()
        and not line[last.end_col_offset :].strip().strip(b";").strip().startswith(b"#")
    )
