"""Synthetic Traces of unusual cells: long, hostile, freeing, calling; and all the builders by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from make_traces import MS, cost, curve, empty, lagging, short, site, spikes, trace

from npmem_magic.trace import CELL, ExpressionCost, Holding, Trace


def long(count: int = 300) -> Trace:
    """`count` lines, most without cost, with comments and blank lines between."""
    texts, lines, sites, lane, points, held = [], [], [], [], [], []
    total, clock = 0, 0.0
    for number in range(1, count + 1):
        name = f"a{number}"
        if number % 7 == 0:
            texts.append("" if number % 2 else f"# step {number}")
            continue
        lane.append((clock, number))
        if number % 11 == 0:
            nbytes = 1_000_000 * (1 + number * 37 % 17)
            texts.append(f"{name} = np.zeros({nbytes // 8}) + 1")
            total += nbytes
            points.append((clock + 1, total))
            lines.append(cost(number, texts[-1], 2 + number % 13, nbytes, nbytes))
            sites.append(site(texts[-1], number, f"np.zeros({nbytes // 8}) + 1", nbytes, net=nbytes))
            held.append(Holding(name, sites[-1].source, number, nbytes))
            clock += 2 + number % 13
        else:
            texts.append(f"{name} = len(names) + {number}")
            lines.append(cost(number, texts[-1], 0.3))
            clock += 0.3
    last = sites[-1]
    return trace(
        "\n".join(texts),
        seconds=(clock + 1) / 1e3,
        peak=total,
        net=total,
        gross=total,
        peak_ns=int(points[-1][0] * MS),
        peak_line=last.line,
        peak_source=last.source,
        lines=tuple(lines),
        expressions=tuple(sites),
        at_peak=tuple(held),
        timeline=curve(*points),
        lane=curve(*lane),
    )


SMOOTH = """\
def smooth(x, width):
    kernel = np.ones(width) / width
    padded = np.pad(x, ((0, 0), (width, width)), mode="reflect")
    return np.apply_along_axis(
        lambda row: np.convolve(row, kernel, "same"),
        1,
        padded,
    )[:, width:-width]"""


def functions() -> Trace:
    """A cell that calls a function of another cell, which makes the peak; another thread allocates, a GPU is read."""
    texts = ["movie = load(path)", "for plane in range(1000):", "    movie = smooth(movie, 9)"]
    inner = SMOOTH.split("\n")
    wide = 8 * 1024 * 1_210
    def_ = {"function": "smooth"}
    lines = (
        cost(2, texts[0], 30, 40_000_000, 40_000_000),
        cost(3, texts[1], 1, hits=1000, hot=True),
        cost(4, texts[2], 2900, 3 * wide + 40_000_000, 0, hits=1000, hot=True),
        cost(5, inner[1], 4, 144, 0, hits=1000, hot=True, **def_),
        cost(6, inner[2], 400, wide, wide, hits=1000, hot=True, **def_),
        cost(7, inner[3], 2400, 2 * wide + 40_000_000, wide, hits=1000, hot=True, **def_),
    )
    call = "\n".join(inner[3:])
    sites = (
        ExpressionCost("smooth", 7, 11, 11, 5, call.removeprefix("    return "), 1000, 2 * wide + 40_000_000, 0, 10**9),
        site(inner[2], 6, inner[2].removeprefix("    padded = "), wide, "smooth", hits=1000, gross=10**9),
        site(texts[0], 2, "load(path)", 40_000_000, net=40_000_000),
        ExpressionCost(CELL, 0, 0, 0, 0, "another thread", 3, 6_000_000, 6_000_000, 6_000_000),
    )
    peak = 86_000_000 + 3 * wide
    rounds = [(60 + 2.9 * k, 86_000_000 + (3 * wide if k % 2 else wide)) for k in range(1000)]
    timeline = curve((3, 40_000_000), (20, 46_000_000), *rounds, (2990, 46_000_000))
    times, resident = lagging(timeline, 3000)
    return trace(
        "\n".join(texts),
        label="before",
        seconds=3.0,
        peak=peak,
        net=46_000_000,
        gross=2 * 10**9,
        peak_ns=int(62.9 * MS),
        peak_line=7,
        peak_function="smooth",
        peak_source=sites[0].source,
        resident_peak=peak + 90_000_000,
        lines=lines,
        expressions=sites,
        at_peak=(
            Holding("movie", "load(path)", 2, 40_000_000),
            Holding(None, sites[0].source, 7, peak - 46_000_000 - wide, "being made"),
            Holding("padded", sites[1].source, 6, wide),
            Holding(None, "another thread", 0, 6_000_000),
        ),
        timeline=timeline,
        samples=(times, resident + 30_000_000, np.minimum(times // 40, 60_000_000)),
        lane=curve((0, 2), (31, 3), *((31 + k, 3 + k % 2) for k in range(1, 900))),
        first_line=2,
        functions={"smooth": (4, SMOOTH)},
        engine="pure",
        notes=("Bytes: tracemalloc counted NumPy and Python, for the native ledger is not installed.",),
    )


def hostile() -> Trace:
    """Text that tries to be markup, mathematics or a terminal's escape code, and wide characters; the cell failed."""
    texts = ["# 注释 <script>alert(1)</script>", '名 = np.ones(5_000_000) # $x_1$ & "<b>"']
    texts.append("raise ValueError('<i>\x1b[31m')")
    made = site(texts[1], 3, "np.ones(5_000_000)", 40_000_000, net=40_000_000)
    return trace(
        "\n".join(texts),
        label="<b>&",
        error="ValueError('<i>\\x1b[31m')\nsecond line",
        seconds=0.05,
        peak=40_000_000,
        net=40_000_000,
        gross=40_000_000,
        peak_ns=2 * MS,
        peak_line=3,
        peak_source=made.source,
        lines=(cost(3, texts[1], 40, 40_000_000, 40_000_000), cost(4, texts[2], 1)),
        expressions=(made,),
        at_peak=(Holding("名<u>", made.source, 3, 40_000_000),),
        timeline=curve((2, 40_000_000)),
        lane=curve((0, 3), (40, 4)),
        first_line=2,
        notes=("<script>note</script>",),
    )


def freeing() -> Trace:
    """Buffers of before the start are freed first, so the living sum to more than the peak."""
    return trace(
        "del old\nnew = np.ones(3_000_000)",
        seconds=0.02,
        peak=8_000_000,
        net=8_000_000,
        gross=24_000_000,
        peak_ns=5 * MS,
        peak_line=2,
        peak_source="np.ones(3_000_000)",
        lines=(cost(1, "del old", 1, 0, -16_000_000), cost(2, "new = np.ones(3_000_000)", 10, 24_000_000, 24_000_000)),
        expressions=(site("new = np.ones(3_000_000)", 2, "np.ones(3_000_000)", 24_000_000, net=24_000_000),),
        at_peak=(Holding("new", "np.ones(3_000_000)", 2, 24_000_000),),
        timeline=curve((1, -16_000_000), (5, 8_000_000)),
        lane=curve((0, 1), (2, 2)),
    )


def many_held(count: int = 100) -> Trace:
    """A peak made of `count` buffers of rising size."""
    sizes = [4096 + 8 * k for k in range(count)]
    held = tuple(Holding(f"b{k}", "np.empty(n)", 1, size) for k, size in enumerate(sizes))
    base = trace("held = [np.empty(n) for n in sizes]", seconds=0.001)
    return replace(
        base,
        peak=sum(sizes),
        net=sum(sizes),
        gross=sum(sizes),
        peak_ns=round(0.01 * (count - 1) * MS),
        peak_line=1,
        peak_source="np.empty(n)",
        at_peak=held,
        timeline=curve(*((0.01 * k, sum(sizes[: k + 1])) for k in range(count))),
    )


def objects() -> Trace:
    """As ``--python`` gives it: the short cell, with words in a list."""
    plain = short()
    figures = [(120, 120), (16_900, 16_500), (0, -16_620)]
    return replace(
        plain,
        lines=tuple(
            replace(line, python_peak=peak, python_net=net)
            for line, (peak, net) in zip(plain.lines, figures, strict=True)
        ),
        python_peak=17_020,
        python_net=0,
        python_timeline=curve((0, 0), (0.08, 120), (0.15, 17_020), (0.2, 16_620), (0.242, 0)),
        notes=("Python objects: read at every line.",),
    )


ALL: dict[str, Callable[[], Trace]] = {
    "spikes": spikes,
    "short": short,
    "long": long,
    "functions": functions,
    "hostile": hostile,
    "freeing": freeing,
    "many_held": many_held,
    "empty": empty,
    "objects": objects,
}


@cache
def made(name: str) -> Trace:
    """The Trace of that name, always the same object."""
    return ALL[name]()
