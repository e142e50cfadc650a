"""The picture: memory over time with the lane of lines, drawn on a `canvas`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..trace import Curve
from . import panel
from .canvas import (
    BAND,
    BLUE,
    HEIGHT,
    INK,
    LABELS,
    LEADERS,
    LEFT,
    ORANGE,
    PLOT_HEIGHT,
    PLOT_TOP,
    RED,
    RIGHT,
    TEAL,
    WIDTH,
    Sheet,
    address,
    drawable,
    measure,
    png,
    warm_up,
)  # fmt: skip
from .curves import Axis
from .lane import Label, Segment, place
from .page import Curves

__all__ = ["BLUE", "HEIGHT", "INK", "ORANGE", "RED", "WIDTH", "Sheet", "data_uri", "draw", "png", "warm_up"]


def draw(curves: Curves) -> Sheet:
    """`curves` on a new sheet, 800 pixels wide."""
    labels, cut = lane_of(curves)
    sheet = Sheet(cut, _more(curves))
    paint(sheet, curves, labels)
    draw_legend(sheet, curves)
    return sheet


def _more(curves: Curves) -> int:
    """Pixels that the panel of the GPU takes."""
    return panel.HEIGHT if curves.panel else 0


def lane_of(curves: Curves) -> tuple[tuple[Label, ...], int]:
    """The lane's labels, and how many pixels at the top are left free by them."""
    labels = place(curves.segments, curves.time.high, WIDTH - LEFT - RIGHT, _lane_width)
    return labels, 0 if any(label.leader for label in labels) else 20 if labels else 56


def paint(sheet: Sheet, curves: Curves, labels: tuple[Label, ...]) -> None:
    """Draw everything but the legend."""
    inner, total = WIDTH - LEFT - RIGHT, curves.time.high
    headroom = 34 if curves.peak else 8
    span = max(1, curves.bytes_.high - curves.bytes_.low)
    per_byte = (PLOT_HEIGHT - headroom) / span

    def x(time_ns: Any) -> Any:
        return LEFT + np.asarray(time_ns, float) / total * inner

    def y(nbytes: Any) -> Any:
        return PLOT_TOP + PLOT_HEIGHT - (np.asarray(nbytes, float) - curves.bytes_.low) * per_byte

    _draw_lane(sheet, curves.segments, labels, x)
    _draw_axes(sheet, curves, x, y)
    _draw_curves(sheet, curves, x, y)
    if curves.panel:
        panel.draw(sheet, curves.panel, x, PLOT_TOP + PLOT_HEIGHT, LEFT, WIDTH - RIGHT, INK)
    if curves.peak:
        _draw_peak(sheet, curves, float(x(curves.peak[0])), float(y(curves.peak[1])))


def _draw_axes(sheet: Sheet, curves: Curves, x: Any, y: Any) -> None:
    for position, words in _with_unit(curves.bytes_):
        height = float(y(position))
        strong = position == 0
        sheet.line([LEFT, WIDTH - RIGHT], [height, height], INK, 1, 0.9 if strong else 0.28)
        sheet.text(LEFT - 8, height, words, "right")
    bottom = PLOT_TOP + PLOT_HEIGHT + _more(curves)
    ticks = _with_unit(curves.time)
    for position, words in ticks:
        place_ = float(x(position))
        sheet.line([place_, place_], [bottom, bottom + 4], INK, 1)
        half = measure(words) / 2
        sheet.text(min(place_, WIDTH - 2 - half), bottom + 15, words, "center")


def _with_unit(axis: Axis) -> list[tuple[float, str]]:
    """The ticks, the last one with the axis's unit."""
    *front, (position, words) = axis.ticks
    return [*front, (position, f"{words} {axis.unit}")]


def _draw_curves(sheet: Sheet, curves: Curves, x: Any, y: Any) -> None:
    times, values = _steps(*curves.allocated)
    xs, ys = x(times), y(values)
    base = float(y(0))
    sheet.area([xs[0], *xs, xs[-1]], [base, *ys, base], BLUE, 0.24)
    busy = len(curves.allocated[0]) > WIDTH  # a step a pixel: lines as wide as others would merge into a wall
    sheet.line(xs, ys, BLUE, 1.0 if busy else 2.2, 0.5 if busy else 1.0)
    if len(curves.family[0]):  # what child processes hold, stacked upon the resident curve
        when, what = curves.family
        below = np.interp(when, *curves.resident)
        sheet.area([*x(when), *x(when[::-1])], [*y(what), *y(below[::-1])], ORANGE, 0.3)
    for (when, what), color in ((curves.resident, ORANGE), (curves.python, TEAL)):
        if len(when):
            sheet.line(x(when), y(what), color, 1.7, solid_joinstyle="round")


def _steps(time_ns: Curve, value: Curve) -> tuple[Curve, Curve]:
    """The corners of a step curve: each value lasts until the next time."""
    return np.repeat(time_ns, 2)[1:], np.repeat(value, 2)[:-1]


def _draw_peak(sheet: Sheet, curves: Curves, x: float, y: float) -> None:
    """A dot, and in the head room above every curve the words, moved inwards where they would stick out."""
    height = PLOT_TOP + 13
    words = drawable(curves.peak_words, "-Bold")
    code = drawable(curves.peak_code, "Mono-Bold")
    room = WIDTH - LEFT - RIGHT - measure(words + ": ", "-Bold")
    letters = int(room / max(measure("m", "Mono-Bold"), 1))
    if code:
        words += ": "
        code = code if len(code) <= min(letters, 60) else code[: min(letters, 60) - 1] + "…"
    front, back = measure(words, "-Bold"), measure(code, "Mono-Bold")
    left = min(max(x - (front + back) / 2, LEFT), WIDTH - RIGHT - front - back)
    sheet.line([x, x], [height + 9, y], RED, 1.2, 0.9)
    sheet.line([x], [y], RED, 0, marker="o", markersize=6.4, markeredgewidth=0, markerfacecolor=RED)
    sheet.text(left, height, words, "left", RED, "-Bold")
    if code:
        sheet.text(left + front, height, code, "left", RED, "Mono-Bold")


def draw_legend(sheet: Sheet, curves: Curves) -> None:
    y = HEIGHT + _more(curves) - 12.0
    x = float(LEFT)
    exact = " (exact)" if curves.counted == "NumPy" else ""
    above = "" if len(curves.family[0]) else " above the start"  # there is room for one of the two
    entries = [(f"{curves.counted}, allocated{above}{exact}", BLUE, 2.2)]
    entries += [("resident (sampled)", ORANGE, 1.7)] if len(curves.resident[0]) else []
    entries += [("with children", ORANGE, 6.0)] if len(curves.family[0]) else []
    entries += [("Python objects", TEAL, 1.7)] if len(curves.python[0]) else []
    for words, color, width in entries:
        if color == BLUE:
            sheet.area([x, x + 26, x + 26, x], [y - 6, y - 6, y + 6, y + 6], color, 0.24)
        level = y - 6 if color == BLUE else y
        sheet.line([x, x + 26], [level, level], color, width, 0.4 if width > 3 else 1.0)
        x += 34 + sheet.text(x + 34, y, words, "left") + 24


def _draw_lane(sheet: Sheet, segments: tuple[Segment, ...], labels: tuple[Label, ...], x: Any) -> None:
    if not segments:
        return
    sheet.text(LEFT - 8, LABELS, "line", "right")
    for index, segment in enumerate(segments):
        _draw_segment(sheet, segment, index, float(x(segment.start)), float(x(segment.end)))
        _draw_rounds(sheet, [float(x(start)) for start in segment.starts], RED if segment.peak else ORANGE)
    for label in labels:
        _draw_label(sheet, label)


def _lane_width(words: str) -> float:
    return measure(words, "-Bold") + 6


def _draw_segment(sheet: Sheet, segment: Segment, index: int, left: float, right: float) -> None:
    color = RED if segment.peak else ORANGE if segment.rounds else INK
    strong = segment.peak or bool(segment.rounds)
    right = max(right - (1.0 if right - left > 3 else 0.0), left + 0.6)
    alpha = 1.0 if strong else (0.85, 0.5)[index % 2]
    sheet.area([left, right, right, left], [BAND, BAND, BAND + 4, BAND + 4], color, alpha)
    if segment.rounds and right - left > 8:
        for edge in (left + 0.75, right - 0.75):
            sheet.line([edge, edge], [BAND - 5, BAND + 4], color, 1.5)


def _draw_rounds(sheet: Sheet, starts: list[float], color: str) -> None:
    """A tick under the band where each round of a loop begins, unless they would run into one."""
    if len(starts) > 1 and (starts[-1] - starts[0]) / (len(starts) - 1) > 5:
        for start in starts:
            sheet.line([start, start], [BAND + 4, BAND + 8], color, 1.5)


def _draw_label(sheet: Sheet, label: Label) -> None:
    color = RED if label.peak else INK
    middle = LEFT + (label.left + label.right) / 2
    font = "-Bold" if label.peak else ""
    if not label.leader:
        sheet.text(middle, LABELS, label.text, "center", color, font)
        return
    spot = LEFT + label.spot
    sheet.text(middle, LEADERS, label.text, "center", color, font)
    sheet.line([middle, spot, spot], [LEADERS + 9, LABELS, BAND - 1], color, 1, 0.8)


def data_uri(curves: Curves) -> str:
    """The picture as a ``data:`` address, to stand in an ``<img>``."""
    return address(draw(curves))
