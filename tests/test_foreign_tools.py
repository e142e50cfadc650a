"""Other people's tools find themselves as they were, and keep working while a cell is traced."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from types import FrameType
from typing import Any

import numpy as np
import pytest
from oracle import counting
from tracing import K, names, near, run, run_failing, size

import npmem_magic
from npmem_magic.folds import UNPLACED
from npmem_magic.host import HAS_MONITORING

pytestmark = pytest.mark.usefixtures("ledger")


def test_a_foreign_trace_function_is_put_back() -> None:
    def watch(frame: FrameType, event: str, argument: Any) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        trace = run("a = np.zeros(N)")
        found = sys.gettrace()
    finally:
        sys.settrace(before)
    assert found is watch
    assert trace.net == K


def test_the_trace_function_of_new_threads_is_put_back() -> None:
    before = threading.gettrace()
    run("a = 1")
    assert threading.gettrace() is before


def test_a_foreign_profile_function_is_left_in_place() -> None:
    calls: list[str] = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    try:
        found = sys.getprofile()
        run("a = np.zeros(N)")
        after = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert after is found
    assert calls


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring came with 3.12")
def test_a_foreign_monitoring_tool_keeps_working() -> None:
    monitoring = sys.monitoring
    tool, lines = monitoring.COVERAGE_ID, []
    monitoring.use_tool_id(tool, "another")
    try:
        monitoring.register_callback(tool, monitoring.events.LINE, lambda code, line: lines.append((code, line)))
        monitoring.set_events(tool, monitoring.events.LINE)
        trace = run("def f():\n    return np.zeros(N)\na = f()\nb = f()")
        assert (monitoring.get_tool(tool), monitoring.get_events(tool)) == ("another", monitoring.events.LINE)
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    assert [line for code, line in lines if code.co_name == "f"] == [2, 2]
    assert trace.gross == 2 * K


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring came with 3.12")
def test_no_monitoring_tool_is_left() -> None:
    before = [sys.monitoring.get_tool(number) for number in range(6)]
    run("a = np.zeros(N)")
    run_failing(ZeroDivisionError, "1 / 0")
    assert [sys.monitoring.get_tool(number) for number in range(6)] == before


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring came with 3.12")
def test_every_monitoring_tool_taken(ledger: str) -> None:
    """Then there is no clock: the totals are right all the same, and the native ledger's sites, which need none."""
    taken = [number for number in range(6) if sys.monitoring.get_tool(number) is None]
    for number in taken:
        sys.monitoring.use_tool_id(number, "another")
    try:
        trace = run("a = np.zeros(N)")
    finally:
        for number in taken:
            sys.monitoring.free_tool_id(number)
    assert trace.gross == K
    assert trace.expressions[0].source == ("np.zeros(N)" if ledger == "native" else UNPLACED)
    assert any("sys.monitoring" in note for note in trace.notes)
    assert run("a = np.zeros(N)").gross == K


@pytest.mark.parametrize("depth", [1, 7])
def test_a_running_tracemalloc_goes_on(depth: int) -> None:
    here = names()
    tracemalloc.start(depth)
    try:
        trace = npmem_magic.trace("a = np.zeros(100 * N)", namespace=here, sampler="off")
        assert tracemalloc.is_tracing() and tracemalloc.get_traceback_limit() == depth
        arrays = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
        sizes = [part.size for part in tracemalloc.take_snapshot().filter_traces([arrays]).traces]
    finally:
        tracemalloc.stop()
    assert trace.gross == 100 * K and 100 * K in sizes


def test_tracemalloc_is_not_started() -> None:
    run("a = np.zeros(N)")
    assert not tracemalloc.is_tracing()


def test_another_watcher_of_the_handler_sees_the_same(ledger: str) -> None:
    here = names()
    with counting({}) as log:
        trace = npmem_magic.trace("a = np.zeros(N)\na = np.sqrt(a) * 2", namespace=here, sampler="off", verify=False)
    births = [each for each, _, _ in log.events if each == 8 * size()]
    assert len(births) in (2, 3)  # the product may be written into the square root
    seen = sum(births)
    assert near(trace.gross, seen) if ledger == "pure" else 0 <= trace.gross - seen < 100  # scalars are buffers, too
    assert here["a"].sum() == 0


def test_hooks_that_stay_above_ours_are_neither_removed_nor_run_in_circles() -> None:
    other = counting({})
    try:
        run("log = other.__enter__()", other=other)  # from here on it calls us, and we call NumPy
        trace = run("a = np.zeros(N)\nb = np.zeros(2 * N)")
        assert (trace.gross, trace.net) == (3 * K, 3 * K)
    finally:
        other.__exit__(None, None, None)  # puts back what it found: our hooks, which only pass through
    assert run("a = np.zeros(N)").gross == K
    assert np.zeros(1000).sum() == 0


def test_the_collector_is_left_as_it_was() -> None:
    before = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
    run("a = np.zeros(N)")
    assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == before
