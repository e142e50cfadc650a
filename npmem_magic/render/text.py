"""A Page as plain text for a terminal, 80 columns unless told otherwise; no escape codes, wide characters respected."""

from __future__ import annotations

from ..sizes import human, human_seconds
from . import sheet_text
from .advice import as_text
from .blocks import plot
from .page import AliveRow, Page, Scale
from .rows import Row, Section
from .widths import WIDTH, clip, columns, fit, one_line, printable, wrap

_BAR = 6
_PARTS = " ▏▎▍▌▋▊▉█"
_PYTHON = ("Python", "its net")


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
    parts += [sheet_text.piece(table, width) for table in page.tables]
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
    python = _PYTHON if _has_python(listed) else ()
    head = _cells(sizes, "line", "", "hits", "time", *([] if python else [""]), *_bytes_heads(scale), *python)
    marked = next((row.line for row in listed if any(span.peak for span in row.spans)), None)
    rows = [line for row in listed for line in _row(row, scale, sizes, row.line == marked)]
    return [head.rstrip(), "─" * columns(head), *(row.rstrip() for row in rows)]


def _sizes(listed: tuple[Row, ...], scale: Scale, width: int) -> tuple[int, ...]:
    """The widths of the columns; the source takes what the numbers leave, no more than it needs.

    Seven columns; eight with Python objects, whose two take the place of the bar.
    """
    line = max([4, *(len(_line_text(row)) for row in listed)])
    hits = max([4, *(len(row.hits) + 1 for row in listed)])
    heads = [*_bytes_heads(scale), *(_PYTHON if _has_python(listed) else ())]
    numbers = zip(heads, *(_bytes_cells(row, scale, len(heads)) for row in listed), strict=True)
    fixed = (hits, 7, *(() if len(heads) > 2 else (_BAR,)), *(max(map(len, column)) for column in numbers))
    longest = max([12, *(columns(printable(row.source.expandtabs(4))) for row in listed)])
    return line, min(longest, width - line - sum(fixed) - len(fixed) - 1), *fixed


def _has_python(listed: tuple[Row, ...]) -> bool:
    return any(row.python is not None for row in listed)


def _bytes_heads(scale: Scale) -> tuple[str, str]:
    return f"peak {scale.unit}", f"net {scale.unit}"


def _bytes_cells(row: Row, scale: Scale, count: int) -> list[str]:
    """Peak and net; with a `count` of four, those of Python objects, too."""
    peak, net = row.python or (0, 0)
    cells = [_peak_text(row.peak, row, scale), scale.number(row.net, signed=True)]
    return [*cells, _peak_text(peak, row, scale), scale.number(net, signed=True)][:count]


def _cells(sizes: tuple[int, ...], *words: str) -> str:
    aligned = zip(words, sizes, "><>><>>" if len(sizes) == 7 else "><>>>>>>", strict=True)
    return " ".join(fit(word, size, align) for word, size, align in aligned)


def _row(row: Row, scale: Scale, sizes: tuple[int, ...], marked: bool) -> list[str]:
    source = printable(row.source.expandtabs(4))
    clock = human_seconds(row.seconds) if row.seconds else ""
    has_bar = len(sizes) == 7
    bar = _bar(row.peak / (scale.full_bytes or 1)) if row.kind != "fold" else ""
    numbers = _bytes_cells(row, scale, 2 if has_bar else 4)
    hits = f"×{row.hits}" if row.hits else ""
    first = _cells(sizes, _line_text(row), source, hits, clock, *([bar] if has_bar else []), *numbers)
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


def _peak_text(peak: int, row: Row, scale: Scale) -> str:
    words = scale.number(peak)
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
