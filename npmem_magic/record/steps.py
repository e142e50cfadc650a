"""A step curve that never grows beyond a limit: when it is full, its extremes stay."""

from __future__ import annotations

from array import array

import numpy as np

from ..trace import Curve
from ._helper import keep

MOST = 16_384  # points


class Steps:
    """Times (ns, monotonic clock) and the level reached at each; `peak` is exact whatever was thinned out."""

    def __init__(self) -> None:
        self.level = self.peak = 0
        self._times, self._levels = array("q"), array("q")

    def change(self, now: int, delta: int) -> None:
        """The level rises or falls by `delta` bytes."""
        self.level += delta
        self.peak = max(self.peak, self.level)
        if len(self._times) >= MOST:
            kept = keep([self._levels])
            self._times = array("q", [self._times[at] for at in kept])
            self._levels = array("q", [self._levels[at] for at in kept])
        self._times.append(now)
        self._levels.append(self.level)

    def curve(self, started: int) -> tuple[Curve, Curve]:
        """Times since `started`, and levels."""
        times = np.maximum(np.array(self._times, np.int64) - started, 0)
        return times, np.array(self._levels, np.int64)


def merged(curves: list[tuple[Curve, Curve]]) -> tuple[Curve, Curve]:
    """The sum of step curves that each begin at zero."""
    curves = [curve for curve in curves if len(curve[0])]
    if len(curves) < 2:
        return curves[0] if curves else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    times = np.unique(np.concatenate([time for time, _ in curves]))
    total = np.zeros(len(times), np.int64)
    for time, level in curves:
        at = np.searchsorted(time, times, side="right")
        total += np.concatenate((np.zeros(1, np.int64), level))[at]
    return times, total
