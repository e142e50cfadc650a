"""A Sheet as HTML, in the style of the other reports: inline style only, everything from outside escaped."""

from __future__ import annotations

from html import escape

from . import html
from .chart import INK, ORANGE, RED
from .sheet import Case, Change, Entry, Listing, Piece, Sheet, Snippet, Table
from .widths import beside, printable

_COLORS = {"trap": RED, "caution": ORANGE}
_HEAD = "font-size:15px;line-height:1.5"
_PAGE = "max-width:900px;margin:4px 0 8px;text-align:left;line-height:1.4;font-size:13px;color:inherit"


def draw(sheet: Sheet) -> str:
    """The report as HTML."""
    facts = " · ".join(_words(fact) for fact in sheet.facts)
    parts = [
        f'<div style="{_HEAD}"><strong>{_words(sheet.amount)}</strong>{_words(sheet.rest)}</div>',
        f'<div style="{html.DIM}">{facts}</div>' if facts else "",
        _error(sheet.error),
        *map(piece, sheet.pieces),
        html.notes(sheet.notes),
    ]
    return f'<div style="{_PAGE}">{"".join(parts)}</div>'


def _words(text: str) -> str:
    return escape(beside(printable(text)))


def _error(error: str) -> str:
    return (
        f'<div style="margin:6px 0 0;padding:1px 8px;border-left:3px solid {RED}">{_words(error)}</div>'
        if error
        else ""
    )


def piece(part: Piece) -> str:
    """One piece, as a block."""
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Listing):
        return _listing(part)
    if isinstance(part, Case):
        return _case(part)
    if isinstance(part, Snippet):
        source = f'<pre style="{html.PRE};margin:4px 0 0;padding:4px 8px">{escape(printable_source(part.source))}</pre>'
        return html.title(printable(part.title)) + source
    return _change(part)


def printable_source(source: str) -> str:
    """Source with its line ends, control characters shown."""
    return "\n".join(printable(line.expandtabs(4)) for line in source.splitlines())


def _change(change: Change) -> str:
    old = "".join(f"− {line}\n" for line in html.printable_lines(change.before))
    new = "".join(f"+ {line}\n" for line in html.printable_lines(change.after))
    diff = (
        f'<pre style="{html.PRE};padding:3px 0"><span style="color:{RED}">{escape(old)}</span>'
        f'<span style="color:{html.GREEN}">{escape(new)}</span></pre>'
    )
    return (
        f'<div style="margin:6px 0;padding:4px 10px;border:1px solid {html.RULE};border-radius:6px">'
        f"{_words(change.headline)}{diff if old or new else ''}"
        f'<div style="{html.DIM}">{_words(change.why)}</div></div>'
    )


def _case(case: Case) -> str:
    color = _COLORS.get(case.weight, INK)
    why = f'<div style="{html.DIM}">{_words(case.matters)}.</div>' if case.matters else ""
    do = f"<div><strong>What to do:</strong> {_words(case.do)}.</div>" if case.do else ""
    return (
        f'<div style="margin:8px 0;padding:2px 10px;border-left:3px solid {color};overflow-wrap:anywhere">'
        f'<div><strong style="color:{color}">{_words(case.weight.capitalize())}</strong> {_words(case.seen)}.</div>'
        f"{why}{do}</div>"
    )


def _listing(listing: Listing) -> str:
    rows = "".join(
        f'<tr style="background:none"><td style="{html.CELL};text-align:left;{html.DIM}">{_words(name)}</td>'
        f'<td style="{html.CELL};text-align:left;white-space:normal;overflow-wrap:anywhere">{_words(words)}</td></tr>'
        for name, words in listing.rows
    )
    return html.title(listing.title) + html.whole_table("", rows)


def _table(table: Table) -> str:
    head = "".join(
        html.head(_words(column.head), "right" if column.align == ">" else "left") for column in table.columns
    )
    body = "".join(_entry(table, entry) for entry in table.entries)
    title = (
        html.title(printable(table.title), printable(table.more))
        if table.title
        else '<div style="margin:10px 0 0"></div>'
    )
    remark = f'<div style="margin:2px 0 0;{html.DIM}">{_words(table.remark)}</div>' if table.remark else ""
    return title + html.whole_table(head, body + _total(table)) + remark


def _entry(table: Table, entry: Entry) -> str:
    cells = "".join(_cell(table, entry, at) for at in range(len(table.columns)))
    row = f'<tr style="background:none">{cells}</tr>'
    if not entry.details:
        return row
    details = "<br>".join(_words(detail) for detail in entry.details)
    inner = (
        f'<td colspan="{len(table.columns)}" style="{html.CELL};padding:0 5px 5px 18px;text-align:left;'
        f'white-space:normal;overflow-wrap:anywhere;{html.DIM}">{details}</td>'
    )
    return f'{row}<tr style="background:none">{inner}</tr>'


def _cell(table: Table, entry: Entry, at: int) -> str:
    column, text = table.columns[at], entry.cells[at]
    if column.is_code:
        shown = f"<strong>{html.breakable(text)}</strong>" if entry.is_strong else html.breakable(text)
        dim = f";{html.DIM}" if entry.is_quiet else ""
        return f'<td style="{html.CELL};text-align:left"><pre style="{html.PRE}{dim}">{shown}</pre></td>'
    if column.align == ">":
        share = entry.share if at == table.bar_at else 0.0
        return html.number(_words(text), share, html.BLUE_BAR, dim=at != table.bar_at)
    style = f"{html.CELL};text-align:left;overflow-wrap:break-word{';' + html.DIM if entry.is_quiet else ''}"
    return f'<td style="{style}">{_words(text).replace("×", "×<wbr>")}</td>'


def _total(table: Table) -> str:
    if not table.total:
        return ""
    cells = [
        f'<td style="{html.CELL};border-top:1px solid {html.RULE};text-align:{"right" if c.align == ">" else "left"};'
        f'white-space:nowrap;font-variant-numeric:tabular-nums"><strong>{_words(words)}</strong></td>'
        for words, c in zip(table.total, table.columns, strict=True)
    ]
    return f'<tr style="background:none">{"".join(cells)}</tr>'
