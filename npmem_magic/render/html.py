"""A Page as HTML: one piece with inline style only, no script, nothing fetched; everything from outside escaped.

Colours are the frontend's own (`inherit`, opacity) or mid tones, so the same text is right in light and dark themes.
Without any style (GitHub's preview) tables, code, underlines and the picture remain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape

from ..sizes import human, human_seconds
from .advice import as_html
from .chart import BLUE, RED
from .page import AliveRow, Curves, Page, Scale
from .rows import Row, Section
from .sheet import Table
from .text import listing
from .widths import beside, one_line, printable

GREEN = "#1f8a45"
_BLUE_BAR, _RED_BAR = "rgba(42, 122, 208, .36)", "rgba(226, 59, 63, .42)"
_GREEN_BAR, _GREY_BAR = "rgba(31, 138, 69, .36)", "rgba(128, 128, 128, .28)"
_TEAL_BAR = "rgba(23, 136, 143, .36)"
_FONTS = "var(--jp-code-font-family,ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace)"
_MONO = f"font-family:{_FONTS};font-size:12.5px"
_TABLE = (
    "border-collapse:collapse;table-layout:auto;margin:0;width:auto;max-width:100%;border:none;"
    "font-size:12.5px;color:inherit"
)
_CELL = (
    "border:none;background-color:rgba(0, 0, 0, 0);padding:2px 5px;line-height:1.35;vertical-align:top;"
    "font-weight:normal"
)
_PRE = (
    f"margin:0;padding:0;border:none;background:none;color:inherit;{_MONO};line-height:1.35;"
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)
_CODE_CELL = "text-align:left;min-width:150px"
_RULE = "rgba(128,128,128,.45)"
_DIM = "opacity:.72"


def draw(page: Page, picture: Callable[[Curves], str], table: Callable[[Table], str]) -> str:
    """The report as HTML; `picture` turns curves into the address of an image, `table` draws one."""
    parts = [
        _headline(page),
        _error(page),
        _picture(page, picture),
        *(_section(section, page) for section in page.sections),
        _alive(page),
        *map(table, page.tables),
        as_html(page.advice, page.tempting),
        _notes(page.notes),
    ]
    style = "max-width:900px;margin:4px 0 8px;text-align:left;line-height:1.4;font-size:13px;color:inherit"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _headline(page: Page) -> str:
    head = page.headline
    code = f": {_code(head.code, RED)}" if head.code else ""
    where = f" {escape(head.where)}" if head.where else ""
    rest = "".join(f"; {escape(beside(words))}" for words in head.rest)
    first = f"<strong>{escape(beside(head.amount))}</strong>{where}{code}{rest}"
    facts = " · ".join(escape(beside(fact)) for fact in page.facts)
    return f'<div style="font-size:15px;line-height:1.5">{first}</div><div style="{_DIM}">{facts}</div>'


def _code(words: str, underline: str = "") -> str:
    line = f";{_underline(underline)}" if underline else ""
    style = f"{_MONO};font-size:inherit;background:none;padding:0;color:inherit;white-space:pre-wrap{line}"
    return f'<code style="{style}">{_breakable(words)}</code>'


def _underline(color: str) -> str:
    return f"text-decoration:none;border-bottom:2px solid {color}"


def _error(page: Page) -> str:
    if not page.error:
        return ""
    return f'<div style="margin:6px 0 0;padding:1px 8px;border-left:3px solid {RED}">{escape(page.error)}</div>'


def _picture(page: Page, picture: Callable[[Curves], str]) -> str:
    if page.curves is None:
        return ""
    style = "display:block;width:100%;max-width:860px;height:auto;margin:8px 0 10px;background:none"
    return f'<img src="{picture(page.curves)}" alt="{escape(page.alt)}" style="{style}">'


def _section(section: Section, page: Page) -> str:
    title = f"{_title('in ' + one_line(section.title))}" if section.title else ""
    shown = _table(section.rows, page.scale)
    if not section.whole:
        return title + shown
    lines = escape("\n".join(listing(section.whole, page.scale, 120)))
    whole = f'<pre style="{_PRE};white-space:pre;max-height:420px;overflow:auto;margin:4px 0 0">{lines}</pre>'
    return title + shown + _fold(f"all {len(section.whole)} lines", whole)


def _title(words: str, more: str = "") -> str:
    behind = f' <span style="{_DIM}">{escape(more)}</span>' if more else ""
    return f'<div style="margin:12px 0 3px"><strong>{escape(words)}</strong>{behind}</div>'


def _fold(summary: str, inner: str) -> str:
    return (
        '<details style="margin:6px 0 0">'
        f'<summary style="cursor:pointer;{_DIM}">{escape(summary)}</summary>{inner}</details>'
    )


def _table(rows: Iterable[Row], scale: Scale) -> str:
    rows = tuple(rows)
    numbers = ["hits", "time", f"peak {scale.unit}", f"net {scale.unit}"]
    if any(row.python is not None for row in rows):
        numbers += ["Python peak", "Python net"]
    head = _head("line", "right") + _head("", "left") + "".join(_head(words, "right") for words in numbers)
    body = "".join(_row(row, scale) for row in rows)
    return _whole_table(head, body)


def _whole_table(head: str, body: str) -> str:
    return f'<table style="{_TABLE}"><thead style="border:none"><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _head(words: str, align: str) -> str:
    style = f"{_CELL};text-align:{align};border-bottom:1px solid {_RULE};white-space:nowrap;{_DIM}"
    return f'<th style="{style}">{words}</th>'


def _row(row: Row, scale: Scale) -> str:
    red = any(span.peak for span in row.spans)
    net_color = _GREEN_BAR if row.net < 0 else _BLUE_BAR
    clock = human_seconds(row.seconds) if row.seconds else ""
    cells = (
        _number(_line_text(row), dim=True),
        f'<td style="{_CELL};{_CODE_CELL}"><pre style="{_PRE}{_quiet(row)}">{_source(row)}</pre></td>',
        _number(f"×{row.hits}" if row.hits else "", dim=True),
        _number(clock, row.seconds / (scale.full_seconds or 1), _GREY_BAR, dim=True),
        _number(_peak_text(row.peak, row, scale), row.peak / (scale.full_bytes or 1), _RED_BAR if red else _BLUE_BAR),
        _number(scale.number(row.net, signed=True), abs(row.net) / (scale.full_bytes or 1), net_color),
        *_python(row, scale),
    )
    return f'<tr style="background:none">{"".join(cells)}</tr>'


def _python(row: Row, scale: Scale) -> tuple[str, ...]:
    """The two cells of Python objects; none where they were not counted."""
    if row.python is None:
        return ()
    peak, net = row.python
    full, color = scale.full_bytes or 1, _GREEN_BAR if net < 0 else _TEAL_BAR
    return (
        _number(_peak_text(peak, row, scale), peak / full, _TEAL_BAR),
        _number(scale.number(net, signed=True), abs(net) / full, color),
    )


def _line_text(row: Row) -> str:
    return "" if not row.line else f"{row.line}" if row.line == row.last else f"{row.line}–{row.last}"


def _peak_text(peak: int, row: Row, scale: Scale) -> str:
    words = scale.number(peak)
    return f"≤ {words}" if words and row.kind == "fold" else words


def _quiet(row: Row) -> str:
    """Hang wrapped lines under their own beginning; dim what never ran, slant what is no source."""
    if row.kind in ("fold", "other"):
        return f";font-style:italic;{_DIM}"
    hang = len(row.source) - len(row.source.lstrip()) + 2
    return f";padding-left:{hang}ch;text-indent:-{hang}ch{';' + _DIM if row.kind == 'idle' and not row.spans else ''}"


def _source(row: Row) -> str:
    pieces, at = [], 0
    for span in row.spans:
        style = _underline(RED if span.peak else BLUE)
        marked = _breakable(row.source[span.start : span.end])
        pieces += [_breakable(row.source[at : span.start]), f'<u style="{style}">{marked}</u>']
        at = span.end
    return "".join(pieces) + _breakable(row.source[at:])


def _breakable(source: str) -> str:
    """Source escaped, with places where a narrow page may break a line (they are not copied with the text)."""
    return re.sub(r"([(\[,.])(?=[^\s<])", r"\1<wbr>", escape(printable(source.expandtabs(4))))


def _number(words: str, share: float = 0.0, color: str = "", dim: bool = False) -> str:
    """A cell with a number and, behind it, a bar that is `share` of the cell's width."""
    words = f'<span style="{_DIM}">{words}</span>' if dim and words else words
    style = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
    if not color or share < 0.004:
        return f'<td style="{style}">{words}</td>'
    percent = max(2, round(100 * min(1.0, share)))
    bar = f"linear-gradient(to right, {color} {percent}%, rgba(0, 0, 0, 0) {percent}%)"
    size = "background-size:95% 17px;background-position:0 2px;background-repeat:no-repeat"
    return f'<td style="{style};min-width:54px;background-image:{bar};{size}">{words}</td>'


def _alive(page: Page) -> str:
    if not page.alive:
        return ""
    right, left = ("bytes", page.scale.unit), ("held by", "made by")
    words = (*right, left[0], "line", left[1])
    head = "".join(_head(word, "left" if word in left else "right") for word in words)
    body = "".join(_alive_row(row, page.scale) for row in page.alive)
    edge = f"{_CELL};border-top:1px solid {_RULE};text-align:right;font-variant-numeric:tabular-nums"
    total = (
        f'<tr style="background:none"><td style="{edge}"><strong>{page.peak:,}</strong></td>'
        f'<td style="{edge}"><strong>{page.scale.number(page.peak)}</strong></td>'
        f'<td colspan="3" style="{edge};text-align:left">the peak</td></tr>'
    )
    return _title("Alive at the peak", human(page.peak)) + _whole_table(head, body + total)


def _alive_row(row: AliveRow, scale: Scale) -> str:
    quiet = f"{_DIM};white-space:nowrap"
    name = f'<em style="{quiet}">{escape(row.name)}</em>' if row.temporary else f"<strong>{escape(row.name)}</strong>"
    where = f'<span style="{_DIM}">in {escape(row.function)}:</span> ' if row.function else ""
    source = where + _code(row.source) if row.source else where
    note = f' <span style="{_DIM}">{"— " if source else ""}{escape(one_line(row.note))}</span>' if row.note else ""
    number = f"{row.nbytes:,}".replace("-", "−")
    return (
        '<tr style="background:none">'
        + _number(number)
        + _number(scale.number(row.nbytes), dim=True)
        + f'<td style="{_CELL};text-align:left">{name}</td>'
        + _number(str(row.line) if row.line else "", dim=True)
        + f'<td style="{_CELL};text-align:left;font-size:12.5px;overflow-wrap:anywhere">{source}{note}</td></tr>'
    )


def printable_lines(text: str) -> list[str]:
    """The lines of `text`, control characters shown; none for an empty text."""
    return [printable(line.expandtabs(4)) for line in text.rstrip().splitlines()]


def _notes(notes: tuple[str, ...]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{escape(printable(note))}</li>" for note in notes)
    return _fold("Notes: how this was measured", f'<ul style="margin:4px 0 0;padding-left:22px;{_DIM}">{items}</ul>')


# What the other reports are drawn with, too.
CELL, PRE, RULE, DIM, BLUE_BAR = _CELL, _PRE, _RULE, _DIM, _BLUE_BAR
title, head, number, notes, whole_table, breakable = _title, _head, _number, _notes, _whole_table, _breakable
section_part, error_part = _section, _error
