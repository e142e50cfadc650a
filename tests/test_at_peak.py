"""What was alive at the peak: names, temporaries, what was being made."""

from __future__ import annotations

import numpy as np
import pytest
from tracing import K, run, size

from npmem_magic.trace import Trace

pytestmark = pytest.mark.usefixtures("ledger")


def alive(trace: Trace) -> list[tuple[str | None, int, str]]:
    return sorted(((h.name, h.nbytes, h.note) for h in trace.at_peak if h.line), key=lambda row: (row[0] or "", row[1]))


def test_what_was_alive_has_names() -> None:
    trace = run("""
        a = np.zeros(2 * N)
        b = np.zeros(N)
        view = a[5:]
        w = np.concatenate([a, a])
        del w, a, view
        """)
    assert alive(trace) == [(None, 4 * K, "being made"), ("a", 2 * K, ""), ("b", K, "")]
    made = next(h for h in trace.at_peak if h.name is None)
    assert (made.source, made.line) == ("np.concatenate([a, a])", 4)
    assert (trace.peak_line, trace.peak_source) == (4, "np.concatenate([a, a])")


def test_a_temporary_has_no_name() -> None:
    trace = run("a = np.zeros(N)\nb = (a + 1.0) ** 3.5")
    named = {h.source: (h.name, h.note) for h in trace.at_peak if h.nbytes == K}
    assert named["np.zeros(N)"] == ("a", "")
    assert named["a + 1.0"][0] is None
    assert named["a + 1.0"][1] != "being made"  # it is made, and waits for the power to read it
    assert named["(a + 1.0) ** 3.5"] == (None, "being made")


def test_a_buffer_held_by_a_view_is_named_after_the_view() -> None:
    trace = run("a = np.zeros(N)\nview = a[5:]\ndel a\nb = np.zeros(N)")
    assert alive(trace) == [(None, K, "being made"), ("view", K, "")]


def test_rebinding_shows_the_previous_round() -> None:
    trace = run("for k in range(3):\n    z = np.zeros(N)")
    assert {(h.name, h.note) for h in trace.at_peak if h.line} == {(None, "being made"), ("z", "the previous round")}
    assert sum(h.nbytes for h in trace.at_peak) == 2 * K


def test_older_arrays_are_not_in_the_table() -> None:
    """`at_peak` tells what the cell allocated; what it found there is not the cell's."""
    trace = run("a = old + old", old=np.zeros(size()))
    assert alive(trace) == [(None, K, "being made")]
