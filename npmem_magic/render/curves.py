"""Curves made light enough to draw, and axes that read well. Pure arithmetic, no ink."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..trace import Curve

BUCKETS = 500  # four points each: first, lowest, highest, last


@dataclass(frozen=True)
class Axis:
    """One axis: `ticks` are ``(position, text)`` in the data's own unit (bytes or ns), from `low` to `high`."""

    low: int
    high: int
    unit: str
    ticks: tuple[tuple[float, str], ...]


def thin(time_ns: Curve, value: Curve, total_ns: int) -> tuple[Curve, Curve]:
    """At most about 2,000 points of a curve: first, lowest, highest and last of each of 500 slices of time."""
    if len(time_ns) <= 4 * BUCKETS:
        return time_ns, value
    edges = np.searchsorted(time_ns, np.linspace(0, total_ns, BUCKETS + 1)[1:-1])
    bounds = np.concatenate(([0], edges, [len(time_ns)]))
    keep: set[int] = set()
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if high > low:
            part = value[low:high]
            keep.update((low, high - 1, low + int(part.argmin()), low + int(part.argmax())))
    chosen = np.array(sorted(keep), np.int64)
    return time_ns[chosen], value[chosen]


def shown_peak(time_ns: Curve, value: Curve, peak_ns: int, peak: int) -> int:
    """When a peak's expression took its bytes, in ns: from then on, until `peak_ns`, the total stays within 1 %.

    A peak is named after that expression, not after the last few bytes on top of it, which may be another line's.
    """
    until = int(np.searchsorted(time_ns, peak_ns, side="right"))
    far = np.flatnonzero(np.abs(value[:until] - peak) > peak // 100)
    first = int(far[-1]) + 1 if len(far) else 0
    return int(time_ns[first]) if first < until else peak_ns


def closed(time_ns: Curve, value: Curve, total_ns: int) -> tuple[Curve, Curve]:
    """A step curve that starts at ``(0, 0)`` and lasts until `total_ns`."""
    inside = (time_ns >= 0) & (time_ns <= total_ns)
    time_ns, value = time_ns[inside], value[inside]
    last = value[-1:] if len(value) else np.zeros(1, np.int64)
    return (
        np.concatenate(([0], time_ns, [total_ns])).astype(np.int64),
        np.concatenate(([0], value, last)).astype(np.int64),
    )


def column_peaks(time_ns: Curve, value: Curve, total_ns: int, columns: int) -> list[int]:
    """The highest value of a step curve within each of `columns` equal slices of time."""
    edges = np.linspace(0, total_ns, columns + 1)
    bounds = np.searchsorted(time_ns, edges, side="left")
    peaks = []
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        carried = int(value[low - 1]) if low else 0
        peaks.append(max(carried, int(value[low:high].max())) if high > low else carried)
    return peaks


def nice_step(span: float, want: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts `span` into at most about `want` parts."""
    rough = max(span, 1e-300) / max(want, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def axis(low: int, high: int, unit: str, scale: float, want: int, whole: bool = False) -> Axis:
    """An axis from `low` to `high`, its ticks round numbers of `unit` (`scale` of the data's unit each)."""
    step = nice_step((high - low) / scale, want)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / scale / step - 1e-9), math.floor(high / scale / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    places = [(k * step * scale, f"{k * step:,.{digits}f}" if k else "0") for k in range(first, last + 1)]
    return Axis(low, high, unit, tuple((place, words.replace("-", "−")) for place, words in places))


def time_unit(total_ns: int) -> tuple[str, int]:
    """The unit that suits a run of `total_ns`, and its size in nanoseconds: ``("ms", 1000000)``."""
    for unit, scale in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if total_ns >= 2 * scale or (unit == "µs" and total_ns >= scale):
            return unit, scale
    return "ns", 1
