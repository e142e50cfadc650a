"""A Sheet as plain text for a terminal; no escape codes, no line wider than asked."""

from __future__ import annotations

from .sheet import Case, Change, Entry, Listing, Piece, Sheet, Snippet, Table
from .widths import WIDTH, clip, columns, fit, printable, wrap

_GAP = "  "
_NAMES = 22  # columns of a listing's names, at most
_LEAST = 8  # columns that a column which gives way keeps


def draw(sheet: Sheet, width: int = WIDTH) -> str:
    """The report as text."""
    parts = [wrap(printable(f"{sheet.amount}{sheet.rest}"), width) + wrap(printable(" · ".join(sheet.facts)), width)]
    if sheet.error:
        parts[0] += wrap(printable(sheet.error), width)
    parts += [piece(part, width) for part in sheet.pieces]
    if sheet.notes:
        parts.append([line for note in sheet.notes for line in wrap(f"note: {printable(note)}", width, "      ")])
    return "\n\n".join("\n".join(line.rstrip() for line in part if line.strip()) for part in parts)


def piece(part: Piece, width: int) -> list[str]:
    """One piece, as lines."""
    if isinstance(part, Table):
        return _table(part, width)
    if isinstance(part, Listing):
        return [part.title, *(line for row in part.rows for line in _row(row, _names(part), width))]
    if isinstance(part, Case):
        return _case(part, width)
    if isinstance(part, Snippet):
        return [clip(printable(part.title), width), *(f"    {printable(line)}" for line in part.source.splitlines())]
    return _change(part, width)


def _change(change: Change, width: int) -> list[str]:
    old = [f"  - {printable(line)}" for line in change.before.splitlines()]
    new = [f"  + {printable(line)}" for line in change.after.splitlines()]
    return [
        *wrap(printable(change.headline), width), *(clip(line, width) for line in old + new),
        *(f"  {line}" for line in (wrap(printable(change.why), width - 2) if change.why else [])),
    ]  # fmt: skip


def _case(case: Case, width: int) -> list[str]:
    lines = wrap(printable(f"{case.weight.capitalize()}: {case.seen}."), width, "  ")
    for lead, words in (("Why it matters", case.matters), ("What to do", case.do)):
        if words:
            lines += [f"  {line}" for line in wrap(printable(f"{lead}: {words}."), width - 2, "  ")]
    return lines


def _names(listing: Listing) -> int:
    return min(_NAMES, max((columns(printable(name)) for name, _ in listing.rows), default=0))


def _row(row: tuple[str, str], size: int, width: int) -> list[str]:
    name, words = map(printable, row)
    lead = f"  {name}{' ' * max(0, size - columns(name))}  "
    first, *rest = wrap(words, width - 4 - size)
    if columns(lead) > 4 + size:
        return [lead.rstrip(), *(" " * (4 + size) + line for line in (first, *rest))]
    return [lead + first, *(" " * (4 + size) + line for line in rest)]


def _table(table: Table, width: int) -> list[str]:
    sizes = _sizes(table, width)
    head = _cells(table, tuple(column.head for column in table.columns), sizes)
    lines = [clip(printable(" ".join(filter(None, (table.title, table.more)))), width)] if table.title else []
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
