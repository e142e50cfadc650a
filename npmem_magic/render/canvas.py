"""What pictures are drawn on. The only file that imports matplotlib, and only on first use.

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

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

INK, BLUE, ORANGE, RED, TEAL = "#797979", "#2a7ad0", "#c4700c", "#e23b3f", "#17888f"
WIDTH, PLOT_TOP, PLOT_HEIGHT, LEFT, RIGHT = 800, 64, 220, 76, 10  # pixels of a 1x screen; the lane is above PLOT_TOP
HEIGHT = PLOT_TOP + PLOT_HEIGHT + 62
BAND, LABELS, LEADERS = 50, 37, 15  # height of the band's top and of the texts' middles, from the picture's top
TEXT = 15.0  # pixels
_DPI = 200  # two dots for each pixel of a 1x screen
Align = Literal["left", "center", "right"]
_advances: dict[str, float] = {}


class Sheet:
    """A figure addressed in pixels from the top left, that sets every property of what it draws.

    The topmost `cut` pixels are left away: room for what this picture does not need; `more` are added at the foot.
    `floor` is the height that lies on the bottom edge: another one moves what is drawn next.
    """

    def __init__(self, cut: int = 0, more: int = 0) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.floor = HEIGHT + more
        self.height = self.floor - cut
        size = (WIDTH / 100, self.height / 100)
        self.figure: Figure = Figure(size, _DPI, facecolor="none", edgecolor="none", frameon=False)
        self.canvas = FigureCanvasAgg(self.figure)

    def _up(self, ys: Any) -> Any:
        return (self.floor - np.asarray(ys, float)) / self.height

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


def png(sheet: Sheet) -> bytes:
    """The picture as a transparent PNG of 256 colours: a third of the bytes that full colour takes."""
    from PIL import Image

    canvas: Any = sheet.canvas  # its methods are untyped
    canvas.draw()
    dots = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    buffer = io.BytesIO()
    dots.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "png", compress_level=6)
    return buffer.getvalue()


def address(sheet: Sheet) -> str:
    """What is drawn on a sheet as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(png(sheet)).decode("ascii")


def warm_up() -> None:
    """Import matplotlib and load the three fonts, so that the first picture is as quick as the second."""
    sheet = Sheet()
    for font in ("", "-Bold", "Mono-Bold"):
        sheet.text(10, 10, "0123456789", "left", font=font)
    png(sheet)
