"""The lane of lines and the curves: loops fold, labels never collide, thinning keeps every extreme."""

from __future__ import annotations

from itertools import pairwise

import make_traces
import numpy as np
import odd_traces
import pytest
from tracing import run

from npmem_magic.render import curves, lane
from npmem_magic.trace import Trace


@pytest.fixture(params=odd_traces.ALL)
def trace(request: pytest.FixtureRequest) -> Trace:
    return odd_traces.made(request.param)


# The lane


def test_a_loop_folds_into_one_bracket() -> None:
    segments = lane.fold(make_traces.spikes())
    assert [segment.label for segment in segments] == ["2", "3", "4", "5", "6", "7–9 ×6", "10", "11"]
    assert [segment.peak for segment in segments].index(True) == 5
    assert segments[0].start == 0 and segments[-1].end == 1_690_000_000
    assert len(segments[5].starts) == 6


def test_loops_in_a_with_block_and_statements_of_several_lines() -> None:
    source = "with a:\n    for x in y:\n        f(\n            x)\nz = f(\n    1)"
    costs = tuple(make_traces.cost(n, "", hits=4) for n in (2, 3, 4))
    events = make_traces.curve(*((n, line) for n, line in enumerate((1, 2, 3, 4, 3, 2, 3, 4, 3, 2, 1, 5, 6, 5))))
    made = make_traces.trace(source, seconds=0.02, lines=costs, lane=events)
    assert [segment.label for segment in lane.fold(made)] == ["1", "2–4 ×4", "1", "5–6"]


def test_text_that_is_not_python_is_a_line_each() -> None:
    made = make_traces.trace("?? no\n!! python", seconds=0.01, lane=make_traces.curve((0, 1), (4, 2)))
    assert [segment.label for segment in lane.fold(made)] == ["1", "2"]


@pytest.mark.parametrize("width", [20.0, 70.0, 300.0, 714.0])
def test_labels_never_collide(trace: Trace, width: float) -> None:
    labels = lane.place(lane.fold(trace), int(trace.seconds * 1e9), width, lambda words: 8.0 * len(words))
    for leader in (True, False):
        row = sorted((label for label in labels if label.leader == leader), key=lambda label: label.left)
        assert all(first.right <= second.left + 1e-6 for first, second in pairwise(row))
        assert all(label.left >= -1e-6 and label.right <= width + 1e-6 for label in row)


def test_a_narrow_line_gets_a_leader() -> None:
    made = make_traces.spikes()
    labels = lane.place(lane.fold(made), int(made.seconds * 1e9), 714, lambda words: 9.0 * len(words))
    assert [label.text for label in labels if label.leader] == ["6", "10,11"]


# Curves


def test_thinning_keeps_extremes_and_ends() -> None:
    rng = np.random.default_rng(1)
    times = np.sort(rng.integers(0, 10**9, 100_000))
    values = rng.integers(0, 10**6, 100_000)
    values[777] = 10**9
    thin_times, thin_values = curves.thin(times, values, 10**9)
    assert len(thin_times) <= 2000
    assert thin_values.max() == 10**9 and thin_values.min() == values.min()
    assert (thin_times[0], thin_times[-1]) == (times[0], times[-1])


def test_column_peaks_miss_no_spike() -> None:
    times, values = make_traces.curve((0, 1), (5, 100), (5.001, 2))
    assert curves.column_peaks(times, values, 10_000_000, 4) == [1, 1, 100, 2]


@pytest.mark.parametrize(
    ("low", "high", "unit", "size", "words"),
    [
        (0, 5 * 2**20, "MiB", 2**20, ["0", "1", "2", "3", "4", "5"]),
        (-3, 2, "bytes", 1, ["−3", "−2", "−1", "0", "1", "2"]),
        (0, 2**19, "MiB", 2**20, ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        (0, 1, "bytes", 1, ["0", "1"]),
    ],
)
def test_ticks_are_round_numbers(low: int, high: int, unit: str, size: int, words: list[str]) -> None:
    ticks = curves.axis(low, high, unit, size, 5, whole=size == 1).ticks
    assert [text for _, text in ticks] == words


def test_the_peak_is_marked_where_its_expression_took_the_bytes() -> None:
    """Line 2 adds a scalar's 8 bytes on top: the peak is reached there, and named after line 1."""
    trace = run("""
        y = x * 2
        y += 3
        y *= x
        """, x=np.ones(1_000_000))  # fmt: skip
    segments = lane.fold(trace)
    assert (trace.peak_line, [segment.first for segment in segments if segment.peak]) == (1, [1])


def test_where_a_peak_is_marked() -> None:
    times, values = np.array([0, 10, 20, 30, 40]), np.array([100_000, 5, 99_500, 99_400, 100_000])
    assert curves.shown_peak(times, values, 40, 100_000) == 20
    assert curves.shown_peak(times, values, 0, 100_000) == 0
    assert curves.shown_peak(times, np.array([1, 2, 3, 4, 100]), 40, 100) == 40
    assert curves.shown_peak(times[:0], values[:0], 7, 0) == 7
