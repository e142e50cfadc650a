"""Cases and listings of a Sheet, as text and as HTML."""

from __future__ import annotations

from html import escape

from . import html
from .chart import INK, ORANGE, RED
from .sheet import Case, Listing
from .widths import beside, columns, printable, wrap

_COLORS = {"trap": RED, "caution": ORANGE}
_NAMES = 16  # columns of a listing's names, at most


def as_text(piece: Case | Listing, width: int) -> list[str]:
    """Lines of at most `width` columns."""
    if isinstance(piece, Listing):
        return [piece.title, *(line for row in piece.rows for line in _row(row, _names(piece), width))]
    parts = [f"{piece.weight.capitalize()}: {piece.seen}."]
    lines = wrap(printable(parts[0]), width, "  ")
    for lead, words in (("Why it matters", piece.matters), ("What to do", piece.do)):
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


def as_html(piece: Case | Listing) -> str:
    """A block of its own."""
    return _listing(piece) if isinstance(piece, Listing) else _case(piece)


def _words(text: str) -> str:
    return escape(beside(printable(text)))


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
