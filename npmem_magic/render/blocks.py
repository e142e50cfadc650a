"""The plot of a terminal: block characters, an axis of bytes, the lane of lines."""

from __future__ import annotations

from ..sizes import unit_for
from .curves import Axis, axis, column_peaks
from .lane import Label, Segment, place
from .page import Curves, Scale
from .panel import Panel
from .widths import clip, columns, fit

ROWS, PANEL_ROWS = 9, 4
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def plot(curves: Curves, width: int, top: int = 0) -> list[str]:
    """A curve as lines of at most `width` columns, each column as high as its highest moment.

    It is the allocated one; that of Python objects, under a title, where NumPy allocated nothing. The axis reaches up
    to `top` bytes at least.
    """
    is_python = len(curves.python[0]) > 0 and not curves.allocated[1].any()
    shown = curves.python if is_python else curves.allocated
    base = min(0, int(shown[1].min())) if curves.bytes_.low else 0
    span = max(1, top - base, int(shown[1].max()) - base)
    unit, size = unit_for(span)
    named = _named_rows(axis(base, base + span, unit, size, 5, whole=size == 1), span)
    foot = "0" if not base else Scale(unit, size, 1, 0, 0).number(base)
    second = _named_rows(curves.panel.bytes_, _span(curves.panel), PANEL_ROWS) if curves.panel else {}
    margin = max(map(len, [*named.values(), *second.values(), foot, "line"])) + 1
    inner = width - margin - 1
    return [
        *(["Python objects"] if is_python else []),
        *_lane(curves.segments, curves.time.high, inner, margin),
        *_peak(curves, margin, inner, width),
        *_body(column_peaks(*shown, curves.time.high, inner), base, span, named, margin, ROWS),
        f"{foot:>{margin - 1}} └{_time_axis(curves, inner)}",
        *(_panel(curves, curves.panel, second, margin, inner) if curves.panel else ()),
        " " * margin + _time_words(curves, inner),
    ]


def _body(heights: list[int], base: int, span: int, named: dict[int, str], margin: int, rows: int) -> list[str]:
    levels = [_level(height - base, span, rows) for height in heights]
    body = []
    for row in reversed(range(rows)):
        cells = "".join(_EIGHTHS[max(0, min(8, level - 8 * row))] for level in levels)
        body.append(f"{named.get(row, ''):>{margin - 1}} {'┤' if row in named else '│'}{cells.rstrip()}")
    return body


def _panel(curves: Curves, second: Panel, named: dict[int, str], margin: int, inner: int) -> list[str]:
    """GPU memory below, each column as high as its highest moment: the libraries' books, else all devices together."""
    whose = f"arrays of {second.libraries}" if len(second.books[0]) else ", ".join(second.names)
    heights = column_peaks(*second.together, curves.time.high, inner)
    base = second.bytes_.low
    foot = Scale(*unit_for(max(second.bytes_.high, -base)), 1, 0, 0).number(base) or "0"
    words = clip(f"{second.words}: {whose}", inner)
    return [
        " " * (margin + 1) + words,
        *_body(heights, base, _span(second), named, margin, PANEL_ROWS),
        f"{foot:>{margin - 1}} └{_time_axis(curves, inner)}",
    ]


def _span(second: Panel) -> int:
    return max(1, second.bytes_.high - second.bytes_.low, int(second.together[1].max()) - second.bytes_.low)


def _level(height: int, span: int, rows: int) -> int:
    """Eighths of a row; anything above nothing is seen."""
    return 0 if height <= 0 else max(1, round(height / span * rows * 8))


def _named_rows(scale: Axis, span: int, rows: int = ROWS) -> dict[int, str]:
    """For each row that an axis value falls into, that value; the topmost one with the unit."""
    found = {}
    for position, words in scale.ticks:
        row = round((position - scale.low) / span * rows) - 1
        if scale.low < position and 0 <= row < rows:
            found[row] = words
    last = max(found, default=-1)
    return {row: f"{words} {scale.unit}" if row == last else words for row, words in found.items()}


def _peak(curves: Curves, margin: int, inner: int, width: int) -> list[str]:
    if curves.peak is None:
        return []
    column = min(inner - 1, int(curves.peak[0] / curves.time.high * inner))
    words = curves.peak_words + (f": {curves.peak_code}" if curves.peak_code else "")
    words = clip(words, min(inner - 2, 64))
    size = columns(words)
    if column + 2 + size <= inner:
        return [" " * (margin + 1 + column) + "▼ " + words]
    if column - 1 - size >= 0:
        return [" " * (margin + column - size) + words + " ▼"]
    return [" " * (margin + 1) + fit(words, inner, "^").rstrip(), " " * (margin + 1 + column) + "▼"]


def _lane(segments: tuple[Segment, ...], total: int, inner: int, margin: int) -> list[str]:
    if not segments:
        return []
    labels = place(segments, total, inner, lambda words: len(words) + 1)
    ruler = [" "] * inner
    for segment in segments:
        ruler[min(inner - 1, round(segment.start / max(total, 1) * inner))] = "│"
    leaders = [label for label in labels if label.leader]
    above = _write([" "] * inner, leaders)
    inside = _write(ruler, [label for label in labels if not label.leader])
    rows = [f"{'':{margin}} {above}".rstrip()] if leaders else []
    return [*rows, f"{'line':>{margin - 1}}  {inside}"[: margin + 1 + inner].rstrip()]


def _write(cells: list[str], labels: list[Label]) -> str:
    for label in labels:
        start = max(0, min(len(cells) - len(label.text), round((label.left + label.right - len(label.text)) / 2)))
        cells[start : start + len(label.text)] = label.text
    return "".join(cells)


def _time_axis(curves: Curves, inner: int) -> str:
    cells = ["─"] * inner
    for position, _ in curves.time.ticks:
        cells[min(inner - 1, round(position / curves.time.high * inner))] = "┬"
    return "".join(cells)


def _time_words(curves: Curves, inner: int) -> str:
    cells = [" "] * (inner + 1)
    edge = 0
    ticks = curves.time.ticks
    for index, (position, words) in enumerate(ticks):
        words = f"{words} {curves.time.unit}" if index == len(ticks) - 1 else words
        column = 1 + round(position / curves.time.high * inner)
        start = min(max(0, column - len(words) // 2), inner + 1 - len(words))
        if start >= edge:
            cells[start : start + len(words)] = words
            edge = start + len(words) + 1
    return "".join(cells).rstrip()
