"""How high the memory stood while some lines of the cell ran, and while all the others did."""

from __future__ import annotations

import numpy as np

from ..trace import Trace


def highest_outside(trace: Trace, lines: range) -> int:
    """Bytes: the highest that the allocated total rose while none of `lines` (top-level lines of the cell) was running.

    The whole peak where the lines ran so often that no time is known of them.
    """
    times, running = trace.lane
    when, allocated = trace.timeline
    if not len(times) or not len(when):
        return trace.peak
    if not any(number in lines for number in running.tolist()):
        return trace.peak
    # Each step of the curve lasts until the next one: its height counts in every line that runs in between.
    at = np.searchsorted(times, when, side="right") - 1
    inside = np.isin(running[np.clip(at, 0, None)], np.array(lines)) & (at >= 0)
    high = int(allocated[~inside].max(initial=0))
    level = np.searchsorted(when, times, side="right") - 1  # what the curve stands at when a line begins
    begins_outside = ~np.isin(running, np.array(lines)) & (level >= 0)
    return max(high, int(allocated[level[begins_outside]].max(initial=0)))


def saving_of(trace: Trace, lines: range, falls: int) -> int:
    """Bytes by which the cell's peak falls when the peak of some lines falls by `falls`."""
    return max(0, trace.peak - max(highest_outside(trace, lines), trace.peak - falls))
