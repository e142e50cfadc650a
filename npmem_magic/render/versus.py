"""A comparing report drawn: as HTML, as text, as one picture with the plots below each other."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ..compare.comparison import Comparison
from ..compare.equality import CLOSE, SAME, UNKNOWN
from . import canvas, chart
from .blocks import plot
from .headline import Headline
from .html import CELL, DIM, GREEN, RULE, error_part, head, notes, section_part, whole_table
from .page import Curves, Page
from .sides import HEADS, Figure, Side, Sides, describe_sides, ended
from .text import listing
from .widths import beside, clip, columns, fit, one_line, printable, wrap

WIDTH = 80
_TITLE = 26  # pixels above each plot


def bundle(comparison: Comparison) -> dict[str, str]:
    """The report as text and as HTML."""
    sides = describe_sides(comparison)
    return {"text/plain": draw_text(sides), "text/html": draw_html(sides)}


def text(comparison: Comparison) -> str:
    """The report as plain text of at most 80 columns."""
    return draw_text(describe_sides(comparison))


def figure(comparison: Comparison) -> Any:
    """The plots as a new matplotlib Figure; None when there is nothing to draw."""
    plots = _plots(describe_sides(comparison))
    return stack(plots).figure if plots else None


def _plots(sides: Sides) -> list[tuple[str, Curves]]:
    return [(side.label, side.curves) for side in sides.sides if side.curves is not None]


def stack(plots: Sequence[tuple[str, Curves]]) -> canvas.Sheet:
    """Several curves below each other, each under its title, on the axes that they bring; one legend for all."""
    lanes = [chart.lane_of(curves) for _, curves in plots]
    legend = 26
    heights = [_TITLE + canvas.HEIGHT - cut - legend for _, cut in lanes]
    paper = canvas.Sheet(canvas.HEIGHT - sum(heights) - legend)
    top = 0
    for (label, curves), (labels, cut), height in zip(plots, lanes, heights, strict=True):
        # What is drawn `cut` pixels from the top of a picture of its own comes below the title of this one.
        paper.floor = paper.height - top - _TITLE + cut
        title = canvas.drawable(clip(label, 60), "-Bold")
        paper.text(canvas.LEFT, cut - _TITLE / 2, title, "left", canvas.INK, "-Bold")
        chart.paint(paper, curves, labels)
        top += height
    paper.floor = canvas.HEIGHT
    chart.draw_legend(paper, max((curves for _, curves in plots), key=lambda each: len(each.resident[0]) > 0))
    return paper


# HTML


def draw_html(sides: Sides) -> str:
    """The report as HTML, in the manner of `html`."""
    parts = [_headline(sides), _table(sides), _warnings(sides), _verdicts(sides), _picture(sides), _sources(sides)]
    parts.append(notes(sides.notes))
    style = "max-width:1280px;margin:4px 0 8px;text-align:left;line-height:1.4;font-size:13px;color:inherit"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _headline(sides: Sides) -> str:
    rest = "".join(f"; {escape(beside(words))}" for words in sides.rest)
    words = f"<strong>{escape(beside(printable(sides.lead)))}</strong>{rest}"
    return f'<div style="font-size:15px;line-height:1.5;margin:0 0 4px">{words}</div>'


def _table(sides: Sides) -> str:
    heads = [head("variant", "left"), *(head(words, "right") for words in HEADS)]
    rows = "".join(_row(side, _has_results(sides)) for side in sides.sides)
    return f'<div style="overflow-x:auto">{whole_table("".join(heads), rows)}</div>'


def _has_results(sides: Sides) -> bool:
    return any(side.verdict for side in sides.sides)


def _row(side: Side, has_results: bool) -> str:
    """The verdict stands under the name: a column of its own would not fit a narrow page."""
    style = f"{CELL};text-align:left;min-width:60px;overflow-wrap:break-word"
    name = f"<strong>{escape(side.label)}</strong>{_result(side) if has_results else ''}"
    return f'<tr style="background:none"><td style="{style}">{name}</td>{"".join(map(_figure, side.figures))}</tr>'


def _figure(figure: Figure) -> str:
    behind = [f'<div style="{DIM}">{escape(beside(words))}</div>' for words in (figure.ratio, figure.spread) if words]
    words = "".join([escape(beside(figure.words)), *behind])
    style = f"{CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
    return f'<td style="{style}">{words}</td>'


def _result(side: Side) -> str:
    if side.verdict in ("", UNKNOWN):
        return f'<div style="{DIM}">{escape(side.verdict) or "the first"}</div>'
    color = GREEN if side.verdict == SAME else canvas.ORANGE if side.verdict == CLOSE else canvas.RED
    return f'<div><span style="border-bottom:2px solid {color}">{escape(side.verdict)}</span></div>'


def _warnings(sides: Sides) -> str:
    style = f"margin:6px 0 0;padding:1px 8px;border-left:3px solid {canvas.ORANGE}"
    return "".join(f'<div style="{style}">{escape(beside(printable(words)))}</div>' for words in sides.warnings)


def _verdicts(sides: Sides) -> str:
    lines = [sides.compared] if sides.compared else []
    for side in sides.sides:
        lines += [f"{side.label}: {side.details}"] if side.details else []
        lines += [f"{side.label}: {words}" for words in side.remarks]
    if not lines:
        return ""
    inner = "".join(f"<div>{escape(beside(printable(line)))}</div>" for line in lines)
    return f'<div style="margin:4px 0 0;{DIM}">{inner}</div>'


def _picture(sides: Sides) -> str:
    plots = _plots(sides)
    if not plots:
        return ""
    style = "display:block;width:100%;max-width:860px;height:auto;margin:10px 0;background:none"
    return f'<img src="{canvas.address(stack(plots))}" alt="{escape(sides.alt)}" style="{style}">'


def _sources(sides: Sides) -> str:
    """Side by side where there is room for 440 pixels each, else below each other."""
    if not any(side.sections or side.error for side in sides.sides):
        return ""
    cells = "".join(_source(side, sides) for side in sides.sides)
    return f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start;gap:12px 28px">{cells}</div>'


def _source(side: Side, sides: Sides) -> str:
    style = f"flex:1 1 440px;min-width:0;max-width:860px;border-top:2px solid {RULE};padding-top:4px"
    page = _as_page(side, sides)
    parts = "".join(section_part(section, page) for section in side.sections)
    return f'<div style="{style}"><strong>{escape(side.label)}</strong>{error_part(page)}{parts}</div>'


def _as_page(side: Side, sides: Sides) -> Page:
    """What the parts of a single report ask of a page."""
    return Page(Headline("", "", "", ()), (), side.error, None, "", sides.scale, side.sections, (), 0, (), ())


# Text


def draw_text(sides: Sides, width: int = WIDTH) -> str:
    """The report as text, no line wider than `width` columns."""
    parts = [wrap(printable(sides.sentence), width), _text_table(sides, width)]
    lines = [*sides.warnings, *([sides.compared] if sides.compared else [])]
    for side in sides.sides:
        lines += [f"{side.label}: {words}" for words in (side.details, *side.remarks) if words]
    if lines:
        parts.append([line for each in lines for line in wrap(printable(each), width, "  ")])
    for side in sides.sides:
        if side.curves is not None:
            parts.append([clip(side.label, width), *plot(ended(side.curves), width, sides.top)])
    for side in sides.sides:
        parts += _text_source(side, sides, width)
    if sides.notes:
        parts.append([line for note in sides.notes for line in wrap(f"note: {printable(note)}", width, "      ")])
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts)


def _text_table(sides: Sides, width: int) -> list[str]:
    """Two lines a variant: the numbers, and below them what they are to the first one's."""
    cells = [[figure.words for figure in side.figures] for side in sides.sides]
    ratios = [[figure.ratio for figure in side.figures] for side in sides.sides]
    sizes = [max(columns(row[at]) for row in [list(HEADS), *cells, *ratios]) for at in range(len(HEADS))]
    results = [side.verdict for side in sides.sides]
    result = max(columns(words) for words in [*results, "result"]) if _has_results(sides) else 0
    room = width - sum(sizes) - result - 2 * len(sizes) - 2
    name = max(7, min(max(columns(side.label) for side in sides.sides), room))
    lines = [_text_row("variant", list(HEADS), "result" if _has_results(sides) else "", name, sizes).rstrip()]
    lines.append("─" * min(width, columns(lines[0])))
    for side, words, ratio in zip(sides.sides, cells, ratios, strict=True):
        lines.append(_text_row(side.label, words, side.verdict, name, sizes))
        if any(ratio):
            lines.append(_text_row("", ratio, "", name, sizes))
    spreads = [
        f"{side.label}: {head} {figure.spread}"
        for side in sides.sides
        for head, figure in zip(HEADS, side.figures, strict=True)
        if figure.spread
    ]
    return [clip(line.rstrip(), width) for line in [*lines, *spreads]]


def _text_row(name: str, words: list[str], result: str, size: int, sizes: list[int]) -> str:
    numbers = [fit(each, room, ">") for each, room in zip(words, sizes, strict=True)]
    cells = [fit(one_line(name), size), *numbers, result]
    return "  ".join(cells)


def _text_source(side: Side, sides: Sides, width: int) -> list[list[str]]:
    found = []
    for section in side.sections:
        title = f"{side.label}, in {one_line(section.title)}" if section.title else side.label
        found.append([clip(title, width), *listing(section.rows, sides.scale, width)])
    if side.error:
        found.append(wrap(f"{side.label}: {side.error}", width))
    return found
