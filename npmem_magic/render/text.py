"""A Page as plain text for a terminal, 80 columns unless told otherwise; no escape codes, wide characters respected."""

from __future__ import annotations

from ..sizes import human, human_seconds
from .advice import as_text
from .blocks import plot
from .page import AliveRow, Page, Scale
from .rows import Row, Section
from .widths import clip, columns, fit, one_line, printable, wrap

WIDTH = 80
_BAR = 6
_PARTS = " ▏▎▍▌▋▊▉█"


def draw(page: Page, width: int = WIDTH) -> str:
    """The report as text, no line wider than `width` columns."""
    parts = [wrap(page.headline.sentence, width) + wrap(" · ".join(page.facts), width)]
    if page.error:
        parts[0] += wrap(page.error, width)
    if page.curves is not None:
        parts.append(plot(page.curves, width))
    parts += [_section(section, page.scale, width) for section in page.sections]
    if page.alive:
        parts.append(_alive(page, width))
    parts += as_text(page.advice, page.tempting, width)
    if page.notes:
        parts.append([line for note in page.notes for line in wrap(f"note: {printable(note)}", width, "      ")])
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts)


def _section(section: Section, scale: Scale, width: int) -> list[str]:
    title = [clip(f"in {one_line(section.title)}", width)] if section.title else []
    return title + listing(section.rows, scale, width)


def listing(listed: tuple[Row, ...], scale: Scale, width: int) -> list[str]:
    """The annotated source as lines of at most `width` columns: a head, a rule, then one line a row."""
    sizes = _sizes(listed, scale, width)
    head = _cells(sizes, "line", "", "hits", "time", "", f"peak {scale.unit}", f"net {scale.unit}")
    marked = next((row.line for row in listed if any(span.peak for span in row.spans)), None)
    rows = [line for row in listed for line in _row(row, scale, sizes, row.line == marked)]
    return [head.rstrip(), "─" * columns(head), *(row.rstrip() for row in rows)]


def _sizes(listed: tuple[Row, ...], scale: Scale, width: int) -> tuple[int, ...]:
    """The widths of the seven columns; the source takes what the numbers leave, no more than it needs."""
    line = max([4, *(len(_line_text(row)) for row in listed)])
    hits = max([4, *(len(row.hits) + 1 for row in listed)])
    peak = max([len(f"peak {scale.unit}"), *(len(_peak_text(row, scale)) for row in listed)])
    net = max([len(f"net {scale.unit}"), *(len(scale.number(row.net, signed=True)) for row in listed)])
    fixed = (hits, 7, _BAR, peak, net)
    longest = max([12, *(columns(printable(row.source.expandtabs(4))) for row in listed)])
    return line, min(longest, width - line - sum(fixed) - 6), *fixed


def _cells(sizes: tuple[int, ...], *words: str) -> str:
    aligned = zip(words, sizes, "><>><>>", strict=True)
    return " ".join(fit(word, size, align) for word, size, align in aligned)


def _row(row: Row, scale: Scale, sizes: tuple[int, ...], marked: bool) -> list[str]:
    source = printable(row.source.expandtabs(4))
    clock = human_seconds(row.seconds) if row.seconds else ""
    bar = _bar(row.peak / (scale.full_bytes or 1)) if row.kind != "fold" else ""
    numbers = (f"×{row.hits}" if row.hits else "", clock, bar, _peak_text(row, scale))
    first = _cells(sizes, _line_text(row), source, *numbers, scale.number(row.net, signed=True))
    marks = [mark for span in row.spans if marked for mark in _marks(row, span.start, span.end, sizes[1])]
    return [first, *(" " * (sizes[0] + 1) + mark for mark in marks)]


def _marks(row: Row, start: int, end: int, width: int) -> list[str]:
    """``^^^^`` under the expression that made the overall peak."""
    before = columns(printable(row.source[:start].expandtabs(4)))
    size = columns(printable(row.source[start:end].expandtabs(4)))
    shown = min(size, width - before)
    return [" " * before + "^" * shown] if shown > 0 else []


def _bar(share: float) -> str:
    eighths = round(min(1.0, share) * _BAR * 8)
    return "█" * (eighths // 8) + (_PARTS[eighths % 8] if eighths % 8 else "")


def _line_text(row: Row) -> str:
    return "" if not row.line else f"{row.line}" if row.line == row.last else f"{row.line}–{row.last}"


def _peak_text(row: Row, scale: Scale) -> str:
    words = scale.number(row.peak)
    return f"≤ {words}" if words and row.kind == "fold" else words


def _alive(page: Page, width: int) -> list[str]:
    numbers = [f"{row.nbytes:,}".replace("-", "−") for row in page.alive]
    total = f"{page.peak:,}"
    size = max(map(len, [*numbers, total]))
    name = min(24, max(columns(row.name) for row in page.alive))
    rows = [
        clip(f"{number:>{size}}  {fit(row.name, name)}  {_made_by(row)}", width)
        for number, row in zip(numbers, page.alive, strict=True)
    ]
    return [f"Alive at the peak, {human(page.peak)}, in bytes", *rows, "─" * size, f"{total:>{size}}  the peak"]


def _made_by(row: AliveRow) -> str:
    where = (f"in {row.function}, " if row.function else "") + f"line {row.line}" if row.line else ""
    return ", ".join(filter(None, (": ".join(filter(None, (where, row.source))), one_line(row.note))))
