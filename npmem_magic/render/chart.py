"""The picture: memory over time with the lane of lines. The only file that imports matplotlib, and only on first use.

Nothing here reads or changes the user's matplotlib settings: no pyplot, no backend, fonts by file, every property said.
The picture is transparent, so its colours stand on white and on near black alike: text has the highest contrast that
one colour can have on both #fff and #111 (4.3 to 1), lines and bands at least 3 to 1.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..trace import Curve
from .curves import Axis
from .lane import Label, Segment, place
from .page import Curves

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

INK, BLUE, ORANGE, RED, VIOLET = "#797979", "#2a7ad0", "#c4700c", "#e23b3f", "#8f62c9"
WIDTH, PLOT_TOP, PLOT_HEIGHT, LEFT, RIGHT = 800, 64, 220, 76, 10  # pixels of a 1x screen; the lane is above PLOT_TOP
HEIGHT = PLOT_TOP + PLOT_HEIGHT + 62
BAND, LABELS, LEADERS = 50, 37, 15  # height of the band's top and of the texts' middles, from the picture's top
TEXT = 15.0  # pixels
_DPI = 200  # two dots for each pixel of a 1x screen
Align = Literal["left", "center", "right"]
_advances: dict[str, float] = {}


class Sheet:
    """A figure addressed in pixels from the top left, that sets every property of what it draws.

    The topmost `cut` pixels are left away: room for what this picture does not need.
    """

    def __init__(self, cut: int = 0) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.height = HEIGHT - cut
        size = (WIDTH / 100, self.height / 100)
        self.figure: Figure = Figure(size, _DPI, facecolor="none", edgecolor="none", frameon=False)
        self.canvas = FigureCanvasAgg(self.figure)

    def _up(self, ys: Any) -> Any:
        return (HEIGHT - np.asarray(ys, float)) / self.height

    def line(self, xs: Any, ys: Any, color: str, width: float, alpha: float = 1.0, **how: Any) -> None:
        from matplotlib.lines import Line2D

        style = {"linestyle": "-", "marker": "None", "solid_joinstyle": "miter", "solid_capstyle": "butt"} | how
        xs, ys = np.asarray(xs, float) / WIDTH, self._up(ys)
        artist = Line2D(xs, ys, color=color, linewidth=width * 0.72, alpha=alpha, antialiased=True, **style)
        self._add(artist)

    def area(self, xs: Any, ys: Any, color: str, alpha: float) -> None:
        from matplotlib.patches import Polygon

        points = np.column_stack((np.asarray(xs, float) / WIDTH, self._up(ys)))
        self._add(Polygon(points, closed=True, facecolor=color, edgecolor="none", linewidth=0, alpha=alpha, hatch=None))

    def text(self, x: float, y: float, words: str, align: Align, color: str = INK, font: str = "") -> float:
        """Write `words` with their middle at height `y`; return their width in pixels."""
        from matplotlib.text import Text

        artist = Text(
            x / WIDTH,
            float(self._up(y)),
            words,
            color=color,
            fontproperties=_font(font),
            horizontalalignment=align,
            verticalalignment="center_baseline",
            usetex=False,
            parse_math=False,
            antialiased=True,
        )
        self._add(artist)
        return measure(words, font)

    def _add(self, artist: Artist) -> None:
        artist.set_sketch_params(None)
        artist.set_path_effects([])
        artist.set_transform(self.figure.transFigure)
        artist.set_clip_on(False)
        self.figure.add_artist(artist)


def _font_file(font: str) -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{font}.ttf"


def _font(font: str) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=str(_font_file(font)), size=TEXT * 0.72)


def measure(words: str, font: str = "") -> float:
    """The width of `words` in pixels."""
    return sum(_advance(char, font) for char in words)


def _advance(char: str, font: str) -> float:
    key = font + char
    if key not in _advances:
        from matplotlib.font_manager import get_font

        face = get_font(str(_font_file(font)))
        face.set_size(TEXT * 0.72, 1000)
        _advances[key] = face.load_char(ord(char)).linearHoriAdvance / 65536 * 0.1
    return _advances[key]


def drawable(words: str, font: str) -> str:
    """`words` with what the font has no glyph for (such as Chinese) as ``□``: matplotlib would warn."""
    from matplotlib.font_manager import get_font

    known = get_font(str(_font_file(font))).get_char_index
    return "".join(char if known(ord(char)) else "□" for char in words)


def draw(curves: Curves) -> Sheet:
    """`curves` on a new sheet, 800 pixels wide."""
    inner, total = WIDTH - LEFT - RIGHT, curves.time.high
    labels = place(curves.segments, total, inner, _lane_width)
    sheet = Sheet(0 if any(label.leader for label in labels) else 20 if labels else 56)
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
    if curves.peak:
        _draw_peak(sheet, curves, float(x(curves.peak[0])), float(y(curves.peak[1])))
    _draw_legend(sheet, curves)
    return sheet


def _draw_axes(sheet: Sheet, curves: Curves, x: Any, y: Any) -> None:
    for position, words in _with_unit(curves.bytes_):
        height = float(y(position))
        strong = position == 0
        sheet.line([LEFT, WIDTH - RIGHT], [height, height], INK, 1, 0.9 if strong else 0.28)
        sheet.text(LEFT - 8, height, words, "right")
    bottom = PLOT_TOP + PLOT_HEIGHT
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
    for (when, what), color in ((curves.resident, ORANGE), (curves.device, VIOLET)):
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


def _draw_legend(sheet: Sheet, curves: Curves) -> None:
    y = HEIGHT - 12.0
    x = float(LEFT)
    above = "" if len(curves.device[0]) or len(curves.family[0]) else " above the start"
    entries = [(f"{curves.counted}, allocated{above} (exact)", BLUE, 2.2)]
    entries += [("resident (sampled)", ORANGE, 1.7)] if len(curves.resident[0]) else []
    entries += [("and child processes", ORANGE, 6.0)] if len(curves.family[0]) else []
    entries += [("GPU (sampled)", VIOLET, 1.7)] if len(curves.device[0]) else []
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


def png(sheet: Sheet) -> bytes:
    """The picture as a transparent PNG of 256 colours: a third of the bytes that full colour takes."""
    from PIL import Image

    canvas: Any = sheet.canvas  # its methods are untyped
    canvas.draw()
    dots = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    buffer = io.BytesIO()
    dots.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "png", compress_level=6)
    return buffer.getvalue()


def data_uri(curves: Curves) -> str:
    """The picture as a ``data:`` address, to stand in an ``<img>``."""
    return "data:image/png;base64," + base64.b64encode(png(draw(curves))).decode("ascii")


def warm_up() -> None:
    """Import matplotlib and load the three fonts, so that the first picture is as quick as the second."""
    sheet = Sheet()
    for font in ("", "-Bold", "Mono-Bold"):
        sheet.text(10, 10, "0123456789", "left", font=font)
    png(sheet)
