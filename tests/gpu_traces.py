"""Synthetic traces of cells that used a GPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from make_traces import MS, cost, curve, site, trace

from npmem_magic.trace import CELL, Curve, Device, DeviceCost, Trace

MIB = 2**20
TEXTS = (
    "x = rng.normal(size=(4000, 5000))",
    "on_gpu = cp.asarray(x)",
    "for k in range(5):",
    "    y = cp.fft.fft(on_gpu, axis=1)",
    "    power = cp.abs(y) ** 2",
    "result = power.mean(axis=0).get()",
)
HOST = 160_000_000
BLOCK = 160_000_000


def books() -> Trace:
    """CuPy's books and one device sampled: what the pool holds lies above what the arrays take."""
    points = [(310, BLOCK)]
    for k in range(5):
        at = 360 + 150 * k
        points += [(at, BLOCK * (3 + 2 * (k > 0))), (at + 80, BLOCK * 4), (at + 100, BLOCK * 6), (at + 120, BLOCK * 4)]
    steps = curve(*points, (1120, BLOCK * 4 + 40_000))
    times = np.arange(0, 1200 * MS, MS, dtype=np.int64)
    pool = np.maximum.accumulate(steps[1])[np.maximum(np.searchsorted(steps[0], times) - 1, 0)]
    held = np.where(times < 300 * MS, 0, pool + 420 * MIB)
    told = ((300, HOST, 1), (60, 0, 1), (0.1, 0, 6), (400, 0, 5), (350, 0, 5), (5, 40_000, 1))
    lines = tuple(
        cost(number, text, ms, taken, taken, hits)
        for number, (text, (ms, taken, hits)) in enumerate(zip(TEXTS, told, strict=True), 2)
    )
    return trace(
        "\n".join(TEXTS),
        seconds=1.2,
        peak=HOST + 40_000,
        net=HOST + 40_000,
        gross=HOST + 40_000,
        peak_ns=1125 * MS,
        peak_line=2,
        peak_source="rng.normal(size=(4000, 5000))",
        lines=lines,
        expressions=(site(TEXTS[0], 2, "rng.normal(size=(4000, 5000))", HOST),),
        timeline=curve((10, HOST), (1125, HOST + 40_000)),
        samples=(times, np.minimum(times // 2, HOST), held),
        lane=curve((0, 2), (300, 3), *[(360 + 75 * k, 5 + k % 2) for k in range(10)], (1110, 7)),
        first_line=2,
        devices=(Device(0, "NVIDIA H200", "GPU-1", 141 * 2**30, 2**30, int(held.max()), True),),
        gpu=(times, held),
        device_costs=(
            DeviceCost("CuPy", 0, CELL, 5, "cp.fft.fft(on_gpu, axis=1)", 10, 4 * BLOCK, 2 * BLOCK, 20 * BLOCK),
            DeviceCost("CuPy", 0, CELL, 6, "cp.abs(y) ** 2", 5, 2 * BLOCK, BLOCK, 5 * BLOCK),
            DeviceCost("CuPy", 0, CELL, 3, "cp.asarray(x)", 1, BLOCK, BLOCK, BLOCK),
            DeviceCost("CuPy", 0, "norm", 31, "power.mean(axis=0)", 1, 40_000, 40_000, 40_000),
        ),
        device_timeline=steps,
    )


def two() -> Trace:
    """Two devices, sampled only, one of them without this process's own figures; torch's lines, one a bound."""
    times = np.arange(0, 1200 * MS, MS, dtype=np.int64)
    first: Curve = np.minimum(times * 2, 1800 * MIB)
    second: Curve = np.where(times > 500 * MS, 700 * MIB, 0)
    return replace(
        books(),
        devices=(
            Device(0, "NVIDIA H200", "GPU-1", 141 * 2**30, 2**30, int(first.max()), True),
            Device(1, "NVIDIA H200", "GPU-2", 141 * 2**30, 2**30, int(second.max()), False),
        ),
        gpu=(times, first, second),
        samples=(*books().samples[:2], first + second),
        device_costs=(
            DeviceCost("torch", 1, CELL, 5, "loss.backward()", 5, 600 * MIB, 0, 900 * MIB, True),
            DeviceCost("torch", 0, CELL, 3, "model = model.to(0)", 1, 300 * MIB, 300 * MIB, 300 * MIB),
            DeviceCost("torch", 0, CELL, 7, "del model", 1, 0, -300 * MIB, 0),
        ),
        device_timeline=(times[:0], times[:0]),
    )


def device_only() -> Trace:
    """A cell that took nothing on the host."""
    quiet = {"peak": 0, "net": 0, "gross": 0, "expressions": (), "timeline": curve(), "resident_peak": None}
    return replace(books(), **quiet)


ALL = {"books": books, "two": two, "device_only": device_only}
