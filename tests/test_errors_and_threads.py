"""Errors, deaths and threads: nothing is lost, and every byte has its line."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from oracle import consistent
from tracing import K, large, line, names, run, run_failing, sites, size

import npmem_magic
from npmem_magic.host import NpmemError

pytestmark = pytest.mark.usefixtures("ledger")


def test_an_error_leaves_the_trace_complete() -> None:
    trace = run_failing(
        IndexError,
        """
        a = np.zeros(N)
        b = a + np.zeros(N)[:0][5]
        c = np.zeros(5 * N)
        """,
    )
    assert trace.error is not None and trace.error.startswith("IndexError")
    assert (trace.peak, trace.net, trace.gross) == (2 * K, K, 2 * K)
    assert (line(trace, 2).hits, line(trace, 2).gross, line(trace, 3).hits, line(trace, 3).gross) == (1, K, 0, 0)
    consistent(trace)


def test_an_error_in_a_function_keeps_its_arrays() -> None:
    """The traceback holds the frame, the frame holds the array: so it is, and so the report says."""
    trace = run_failing(
        ValueError,
        """
        def fail():
            part = np.zeros(N)
            raise ValueError("on purpose")

        fail()
        """,
    )
    assert trace.error == "ValueError('on purpose')"
    assert (trace.peak, trace.net, line(trace, 5).gross) == (K, K, K)


def test_an_error_caught_in_the_cell() -> None:
    trace = run("""
        try:
            a = np.zeros(N) + np.zeros(N - 1)
        except ValueError:
            a = np.zeros(3 * N)
        """)
    assert trace.error is None
    assert (line(trace, 2).gross, line(trace, 2).net, line(trace, 4).net) == (2 * K - 8, 0 * K, 3 * K)
    assert (trace.net, trace.gross) == (3 * K, 5 * K - 8)


def test_del_is_negative() -> None:
    here = names(old=np.zeros(3 * size()))
    trace = npmem_magic.trace("a = np.zeros(N)\nb = np.zeros(2 * N)\ndel a, old", namespace=here, sampler="off")
    assert (line(trace, 3).net, line(trace, 3).gross, line(trace, 3).peak) == (-4 * K, 0 * K, 0 * K)
    assert (trace.peak, trace.net, trace.gross) == (3 * K, -K, 3 * K)
    consistent(trace)


def test_the_collector_frees_on_the_line_that_ran_it() -> None:
    gc.collect()  # what other tests left
    trace = run("""
        import gc; gc.disable()
        class Node: pass
        n = Node(); n.me = n; n.data = np.zeros(N)
        del n
        gc.collect(); gc.enable()
        """)
    assert (line(trace, 3).net, line(trace, 4).net, line(trace, 5).net) == (K, 0 * K, -K)


def test_a_worker_in_a_function_of_the_notebook() -> None:
    trace = run("""
        from threading import Thread
        def work():
            part = np.zeros(N)
            kept.append(part + part)

        t = Thread(target=work)
        t.start(); t.join()
        """, kept=[])  # fmt: skip
    assert sites(trace) == {("work", 3, "np.zeros(N)"): K, ("work", 4, "part + part"): K}
    assert (trace.peak, trace.net, trace.gross) == (2 * K, K, 2 * K)


def test_a_worker_in_library_code_is_not_lost() -> None:
    trace = run("""
        from threading import Thread
        kept = []
        t = Thread(target=lambda make, n: kept.append(make(n)), args=(np.zeros, N))
        t.start(); t.join()
        s = Thread(target=np.zeros, args=(2 * N,))
        s.start(); s.join()
        """)
    assert (trace.net, trace.gross) == (K, 3 * K)
    lost = [e for e in large(trace) if e.gross == 2 * K]
    assert len(lost) == 1 and lost[0].line in (0, 6)
    assert lost[0].source in ("s.start()", "s.join()") or lost[0].line == 0


def test_a_thread_that_outlives_the_cell_is_left_alone() -> None:
    go, kept = threading.Event(), []

    def later() -> None:
        go.wait(20)
        kept.append(np.zeros(size()))

    worker = threading.Thread(target=later)
    trace = run("worker.start()", worker=worker)
    go.set()
    worker.join()
    assert (trace.gross, len(kept), kept[0].sum()) == (0 * K, 1, 0.0)


def test_a_nested_trace_is_refused_clearly() -> None:
    seen: list[Exception] = []
    trace = run("""
        a = np.zeros(N)
        try:
            npmem_magic.trace("pass", sampler="off")
        except Exception as error:
            seen.append(error)
        b = np.zeros(N)
        """, npmem_magic=npmem_magic, seen=seen)  # fmt: skip
    assert trace.error is None
    assert len(seen) == 1 and isinstance(seen[0], NpmemError)
    assert "trace" in str(seen[0])
    assert (trace.net, trace.gross) == (2 * K, 2 * K)
    assert run("a = np.zeros(N)").peak == K
