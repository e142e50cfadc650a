"""A Sheet as plain text for a terminal; no escape codes, no line wider than asked."""

from __future__ import annotations

from .sheet import Change, Entry, Piece, Sheet, Snippet, Table
from .text import WIDTH
from .widths import clip, columns, fit, printable, wrap

_GAP = "  "
_LEAST = 8  # columns that a column which gives way keeps


def draw(sheet: Sheet, width: int = WIDTH) -> str:
    """The report as text."""
    parts = [wrap(printable(f"{sheet.amount}{sheet.rest}"), width) + wrap(printable(" · ".join(sheet.facts)), width)]
    if sheet.error:
        parts[0] += wrap(printable(sheet.error), width)
    parts += [_piece(piece, width) for piece in sheet.pieces]
    if sheet.notes:
        parts.append([line for note in sheet.notes for line in wrap(f"note: {printable(note)}", width, "      ")])
    return "\n\n".join("\n".join(line.rstrip() for line in part if line.strip()) for part in parts)


def _piece(piece: Piece, width: int) -> list[str]:
    if isinstance(piece, Table):
        return _table(piece, width)
    if isinstance(piece, Snippet):
        return [clip(piece.title, width), *(f"    {printable(line)}" for line in piece.source.splitlines())]
    return _change(piece, width)


def _change(change: Change, width: int) -> list[str]:
    old = [f"  - {printable(line)}" for line in change.before.splitlines()]
    new = [f"  + {printable(line)}" for line in change.after.splitlines()]
    return [
        *wrap(printable(change.headline), width), *(clip(line, width) for line in old + new),
        *(f"  {line}" for line in (wrap(printable(change.why), width - 2) if change.why else [])),
    ]  # fmt: skip


def _table(table: Table, width: int) -> list[str]:
    sizes = _sizes(table, width)
    head = _cells(table, tuple(column.head for column in table.columns), sizes)
    lines = [clip(" ".join(filter(None, (table.title, table.more))), width)] if table.title else []
    lines += [head, "─" * min(width, columns(head.rstrip()) if not table.total else sum(sizes) + 2 * (len(sizes) - 1))]
    for entry in table.entries:
        lines += _entry(table, entry, sizes, width)
    if table.total:
        lines += ["─" * (sum(sizes) + len(_GAP) * (len(sizes) - 1)), _cells(table, table.total, sizes)]
    return lines + (wrap(printable(table.remark), width) if table.remark else [])


def _entry(table: Table, entry: Entry, sizes: tuple[int, ...], width: int) -> list[str]:
    details = [f"    {line}" for detail in entry.details for line in wrap(printable(detail), width - 4, "  ")]
    return [_cells(table, entry.cells, sizes), *details]


def _cells(table: Table, cells: tuple[str, ...], sizes: tuple[int, ...]) -> str:
    columns_ = zip(cells, sizes, table.columns, strict=True)
    return _GAP.join(fit(printable(cell), size, column.align) for cell, size, column in columns_)


def _sizes(table: Table, width: int) -> tuple[int, ...]:
    """Each column as wide as it needs; those that give way share what is left."""
    rows = [tuple(column.head for column in table.columns), *(entry.cells for entry in table.entries)]
    rows += [table.total] if table.total else []
    needs = [max(columns(printable(row[at])) for row in rows) for at in range(len(table.columns))]
    excess = sum(needs) + len(_GAP) * (len(needs) - 1) - width
    giving = [at for at, column in enumerate(table.columns) if column.gives]
    while excess > 0 and any(needs[at] > _LEAST for at in giving):
        widest = max(giving, key=lambda at: needs[at])
        needs[widest] -= 1
        excess -= 1
    return tuple(needs)
