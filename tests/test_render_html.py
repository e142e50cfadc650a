"""The report as HTML and as a picture: nothing gets through, nothing is fetched, nobody's settings are touched."""

from __future__ import annotations

import gc
import io
import re
import warnings
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import make_traces
import matplotlib as mpl
import odd_traces
import pytest
from PIL import Image

from npmem_magic import render
from npmem_magic.render import chart, page, panel
from npmem_magic.trace import Advice, Trace


@pytest.fixture(params=odd_traces.ALL)
def trace(request: pytest.FixtureRequest) -> Trace:
    return odd_traces.made(request.param)


@cache
def html_of(trace: Trace) -> str:
    return render.bundle(trace)[0]["text/html"]


class Tags(HTMLParser):
    """Every start tag with its attributes, and all visible text, of a piece of HTML; fails on tags out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("img", "wbr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self.words += "\n" if tag in ("td", "th", "div") else ""

    def handle_data(self, data: str) -> None:
        self.words += data


def tags(trace: Trace) -> Tags:
    return Tags(html_of(trace))


# What must be left alone


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    render.bundle(make_traces.spikes())
    assert dict(mpl.rcParams) == before


def test_the_users_matplotlib_settings_do_not_reach_the_picture() -> None:
    drawn = page.describe(make_traces.spikes()).curves
    assert drawn is not None
    plain = chart.png(chart.draw(drawn))
    loud = {"text.usetex": True, "path.sketch": (1, 100, 2), "font.family": "cursive", "lines.dashed_pattern": (1, 1)}
    with mpl.rc_context(loud | {"lines.linestyle": "--", "savefig.dpi": 20, "figure.dpi": 30, "axes.grid": True}):
        assert chart.png(chart.draw(drawn)) == plain


def test_no_warning_for_text_the_font_lacks() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = replace(odd_traces.hostile(), peak_source="名 + $x_1$ + 'é\x00\u202e'", peak_function="函数")
        render.bundle(made)
        assert render.figure(made) is not None


def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    render.bundle(make_traces.spikes())
    assert not list(tmp_path.iterdir())


# HTML


def test_html_lets_nothing_through() -> None:
    data = html_of(odd_traces.made("hostile"))
    for harmful in ("<script", "<i>", "<b>", "<u>名", "\x1b"):
        assert harmful not in data
    words = Tags(data).words
    assert "<script>alert(1)</script>" in words and "名<u>" in words and "<script>note</script>" in words


def test_html_needs_nothing_from_outside(trace: Trace) -> None:
    data = html_of(trace)
    allowed = {"div", "span", "strong", "em", "code", "pre", "u", "wbr", "img", "li", "ul", "details", "summary"}
    allowed |= {"table", "thead", "tbody", "tr", "th", "td"}
    found = Tags(data).found
    assert {tag for tag, _ in found} <= allowed
    assert {name for _, attributes in found for name in attributes} <= {"style", "src", "alt", "colspan"}
    assert all(str(attributes["src"]).startswith("data:image/png;base64,") for tag, attributes in found if tag == "img")
    assert "url(" not in data and "http" not in data


def test_the_picture_has_an_alt_text_with_the_facts() -> None:
    (alt,) = [attributes["alt"] for tag, attributes in tags(odd_traces.made("spikes")).found if tag == "img"]
    for fact in ("1.69 s", "Peak 469.2 MiB", "line 8", "np.where(mask, z, 0)", "196.6 MiB", "1.28 s", "472.1 MiB"):
        assert fact in str(alt)


def test_notes_are_folded_and_errors_are_not() -> None:
    data = html_of(odd_traces.made("hostile"))
    assert data.index("Stopped by ValueError") < data.index("<img") < data.index("<details")
    assert "second line; the numbers" in data


def test_source_survives_as_it_was_typed() -> None:
    made = odd_traces.made("functions")
    words = tags(made).words
    assert all(line in words for line in made.source.split("\n"))
    assert all(line in words for line in odd_traces.SMOOTH.split("\n"))


def test_a_long_cell_stays_small() -> None:
    assert len(html_of(odd_traces.made("long"))) < 200_000


def test_advice_is_shown_only_where_there_is_some() -> None:
    advice = Advice("add-in-place", 4, "y = y + 1", "y += 1", 2**20, "same bits", "proven", "y is <not> seen elsewhere")
    made = replace(make_traces.short(), advice=(advice,))
    assert "Advice" not in tags(odd_traces.made("short")).words
    assert "−1.0 MiB at the peak" in tags(made).words and "y is <not> seen elsewhere" in tags(made).words
    assert "  - y = y + 1\n  + y += 1" in render.text(made)


def test_the_html_table_adds_up(trace: Trace) -> None:
    words = tags(trace).words.partition("Alive at the peak")[2]
    numbers = [int(text.replace(",", "").replace("−", "-")) for text in re.findall(r"−?\d{1,3}(?:,\d{3})+", words)]
    listed = [n for n in numbers if n != trace.peak]
    assert not trace.peak or trace.peak in numbers
    if len(listed) == len(page.describe(trace).alive) > 1:
        assert sum(listed) == trace.peak


# The bundle and the picture


def test_the_bundle_marks_itself_and_the_trace_shows_itself() -> None:
    made = make_traces.short()
    data, metadata = made._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}
    assert metadata["npmem_magic"]["kind"] == "memtrace" and metadata["npmem_magic"]["version"]
    assert data["text/plain"] == render.text(made)


def test_no_figure_is_left_for_the_collector() -> None:
    """Its buffers would be freed in the next cell, and charged to it."""
    render.bundle(make_traces.spikes())
    gc.collect()
    gc.disable()
    try:
        render.warm_up()
        render.bundle(make_traces.spikes())
        assert not gc.isenabled()  # it stays off where it was off
        assert gc.collect() < 100
    finally:
        gc.enable()
    render.bundle(make_traces.short())
    assert gc.isenabled()


def contrast(color: str, ground: str) -> float:
    def luminance(text: str) -> float:
        parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(color), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_colours_stand_on_light_and_dark(ground: str) -> None:
    assert all(contrast(color, ground) >= 4.2 for color in (chart.INK, chart.RED))  # 4.35 is the most there can be
    assert all(contrast(color, ground) >= 3 for color in (chart.BLUE, chart.ORANGE, *panel.VIOLETS))


def test_the_picture_is_transparent_and_sharp() -> None:
    drawn = page.describe(make_traces.spikes()).curves
    assert drawn is not None
    picture = Image.open(io.BytesIO(chart.png(chart.draw(drawn)))).convert("RGBA")
    assert picture.size[0] == 2 * chart.WIDTH
    assert picture.getchannel("A").getpixel((2, 2)) == 0


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 3e-6, 1e5])
def test_odd_durations(seconds: float) -> None:
    made = replace(make_traces.short(), seconds=seconds)
    assert "Peak 23.4\u00a0KiB" in render.bundle(made)[0]["text/html"]
    assert "Peak 23.4 KiB" in render.text(made)
