"""Builders of synthetic Traces: known numbers for the tests of everything that reads a Trace."""

from __future__ import annotations

from typing import Any

import numpy as np

from npmem_magic.trace import CELL, ExpressionCost, Holding, LineCost, Trace

MS = 1_000_000
BLOCK = 96_000_000  # 200 x 60,000 float64
MASK = 12_000_000

SPIKES = """\
signal = rng.normal(size=(200, 60_000))
baseline = np.median(signal, axis=1, keepdims=True)
dff = (signal - baseline) / (baseline + 1)
z = (dff - dff.mean()) / dff.std()
mask = z > 2
for k in range(6):
    spikes = np.where(mask, z, 0)
    counts = spikes.sum(axis=1)
events = z[mask]
del dff, spikes"""


def curve(*points: tuple[float, int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """``(milliseconds, value)`` points as the two integer arrays of a timeline or a lane."""
    return (
        np.array([round(ms * MS) for ms, _ in points], np.int64),
        np.array([value for _, value in points], np.int64),
    )


def cost(line: int, source: str, ms: float = 0.0, peak: int = 0, net: int = 0, hits: int = 1, **more: Any) -> LineCost:
    """A LineCost of the cell's top level, its gross equal to its peak unless given."""
    more = {"gross": peak, "function": CELL} | more
    return LineCost(line=line, source=source, hits=hits, seconds=ms / 1e3, peak=peak, net=net, **more)


def site(source: str, line: int, expression: str, peak: int, function: str = CELL, **more: Any) -> ExpressionCost:
    """An ExpressionCost of `expression`, looked up in the one line `source` (columns count UTF-8 bytes)."""
    col = len(source[: source.index(expression)].encode())
    known = {"hits": 1, "net": 0, "gross": peak, "end_line": line, "end_col": col + len(expression.encode())} | more
    return ExpressionCost(function=function, line=line, col=col, source=expression, peak=peak, **known)


def trace(source: str = "x = 1", **more: Any) -> Trace:
    """A Trace of `source` in which nothing was allocated, `more` laid over it."""
    known: dict[str, Any] = {
        "label": None,
        "error": None,
        "seconds": 0.0012,
        "peak": 0,
        "net": 0,
        "gross": 0,
        "peak_ns": 0,
        "peak_line": 0,
        "peak_function": CELL,
        "peak_source": "",
        "resident_peak": None,
        "lines": (),
        "expressions": (),
        "at_peak": (),
    }
    return Trace(source=source, **(known | more))


def empty() -> Trace:
    """A cell that allocated nothing."""
    return trace("# only a comment\nx = 1", lines=(cost(2, "x = 1", 0.01),), notes=("exact: native ledger",))


def lagging(timeline: Any, total_ms: float) -> Any:
    """A resident curve that lags behind the allocated one, as pages are touched one after the other."""
    times = np.arange(0, total_ms * MS, MS, dtype=np.int64)
    goal = timeline[1][np.searchsorted(timeline[0], times, side="right") - 1]
    level, out = 0.0, []
    for value in goal.tolist():
        level = min(level + 0.7e6, value) if value >= level else value
        out.append(level)
    return times, np.array(out).astype(np.int64)


def spikes() -> Trace:
    """The ten-line cell of a neuroscientist: medians, a loop of six rounds, a peak of five blocks and a mask."""
    texts = SPIKES.split("\n")
    rounds = [(1220 + 62 * k, 1240 + 62 * k) for k in range(6)]
    base = 3 * BLOCK + MASK
    points = [(2, BLOCK), (192, BLOCK + 320_000), (196, 2 * BLOCK), (479, BLOCK + 1600)]
    points += [(484, 2 * BLOCK), (488, 3 * BLOCK), (764, 2 * BLOCK), (772, 3 * BLOCK), (786, 4 * BLOCK)]
    points += [(1140, 3 * BLOCK), (1156, base)]
    for k, (born, freed) in enumerate(rounds):
        points += [(born, base + BLOCK * (2 if k else 1)), (freed, base + BLOCK)]
    points += [(1671, base + BLOCK + 2_200_000), (1687, base - BLOCK + 2_200_000)]
    timeline = curve(*points)
    lane = [(0, 2), (192, 3), (480, 4), (764, 5), (1150, 6), (1156, 7)]
    for born, freed in rounds:
        lane += [(born - 20, 8), (freed, 9), (freed + 8, 7)]
    lane += [(1668, 10), (1685, 11)]
    lines = (
        cost(2, texts[0], 192, BLOCK, BLOCK),
        cost(3, texts[1], 288, BLOCK, 1600),
        cost(4, texts[2], 284, 2 * BLOCK, BLOCK),
        cost(5, texts[3], 385, 2 * BLOCK, BLOCK),
        cost(6, texts[4], 6, MASK, MASK),
        cost(7, texts[5], 0.02, hits=7),
        cost(8, texts[6], 477, BLOCK, BLOCK, hits=6, gross=6 * BLOCK),
        cost(9, texts[7], 38, 1600, 1600, hits=6),
        cost(10, texts[8], 16, 2_200_000, 2_200_000),
        cost(11, texts[9], 1, 0, -2 * BLOCK),
    )
    where = site(texts[6], 8, "np.where(mask, z, 0)", 2 * BLOCK, hits=6, gross=6 * BLOCK)
    sites = (
        where,
        site(texts[3], 5, "(dff - dff.mean()) / dff.std()", BLOCK, net=BLOCK),
        site(texts[3], 5, "dff.std()", BLOCK - 1600),
        site(texts[2], 4, "signal - baseline", BLOCK),
        site(texts[2], 4, "(signal - baseline) / (baseline + 1)", BLOCK + 1, net=BLOCK),
        site(texts[0], 2, "rng.normal(size=(200, 60_000))", BLOCK, net=BLOCK),
        site(texts[1], 3, "np.median(signal, axis=1, keepdims=True)", BLOCK),
        site(texts[4], 6, "z > 2", MASK, net=MASK),
        site(texts[8], 10, "z[mask]", 2_200_000, net=2_200_000),
        site(texts[7], 9, "spikes.sum(axis=1)", 1600, net=1600),
    )
    held = (
        Holding("z", "(dff - dff.mean()) / dff.std()", 5, BLOCK),
        Holding("signal", "rng.normal(size=(200, 60_000))", 2, BLOCK),
        Holding("dff", "(signal - baseline) / (baseline + 1)", 4, BLOCK),
        Holding("spikes", "np.where(mask, z, 0)", 8, BLOCK, "the previous round"),
        Holding(None, "np.where(mask, z, 0)", 8, BLOCK, "being made"),
        Holding("mask", "z > 2", 6, MASK),
    )
    return trace(
        SPIKES,
        seconds=1.69,
        peak=5 * BLOCK + MASK,
        net=2 * BLOCK + MASK + 2_200_000,
        gross=13 * BLOCK + MASK,
        peak_ns=1282 * MS,
        peak_line=8,
        peak_source="np.where(mask, z, 0)",
        resident_peak=495_000_000,
        lines=lines,
        expressions=sites,
        at_peak=held,
        timeline=timeline,
        samples=lagging(timeline, 1690),
        lane=curve(*lane),
        first_line=2,
        notes=("Bytes: native ledger, every NumPy buffer counted.", "GPU: no NVIDIA driver was found."),
    )


def short() -> Trace:
    """Three lines, one of them the whole cost."""
    texts = ["x = np.ones(1000)", "w = (x + y) / (x - y + 1)", "del x"]
    return trace(
        "\n".join(texts),
        seconds=0.000242,
        peak=24_000,
        net=8_000,
        gross=24_000,
        peak_ns=120_000,
        peak_line=2,
        peak_source="x - y",
        lines=(
            cost(1, texts[0], 0.08, 8_000, 8_000),
            cost(2, texts[1], 0.12, 16_000, 8_000),
            cost(3, texts[2], 0.04, 0, -8_000),
        ),
        expressions=(
            site(texts[1], 2, "x + y", 8_000, net=8_000),
            site(texts[1], 2, "x - y", 8_000),
            site(texts[0], 1, "np.ones(1000)", 8_000),
        ),
        at_peak=(
            Holding("x", "np.ones(1000)", 1, 8_000),
            Holding(None, "x + y", 2, 8_000),
            Holding(None, "x - y", 2, 8_000, "being made"),
        ),
        timeline=curve((0.01, 8_000), (0.09, 16_000), (0.12, 24_000), (0.2, 16_000), (0.22, 8_000)),
        lane=curve((0, 1), (0.082, 2), (0.205, 3)),
    )
