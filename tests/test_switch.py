"""tracemalloc beside threads that a cell leaves working: stopped when they wait or have ended, never under them."""

from __future__ import annotations

import ctypes
import textwrap
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

import npmem_magic
from npmem_magic.record import switch

WORKING = """
    import threading
    stop, begun = [], threading.Event()
    def sort():
        while not stop:
            begun.set()
            np.sort(np.ones(200_000).reshape(2, -1)[:, ::2], axis=0)
    thread = threading.Thread(target=sort, daemon=True)
    thread.start()
    begun.wait()
    """
RESTING = """
    from concurrent.futures import ThreadPoolExecutor
    pool = ThreadPoolExecutor(2)
    y = pool.submit(np.ones, 100_000).result()
    """


@pytest.fixture
def names() -> Iterator[dict[str, object]]:
    found: dict[str, object] = {"np": np, "stop": []}
    yield found
    stop, thread = found["stop"], found.get("thread")
    assert isinstance(stop, list)
    stop.append(1)
    if thread is not None:
        thread.join()  # type: ignore[attr-defined]
    switch.settle()


def traced(code: str, names: dict[str, object]) -> npmem_magic.Trace:
    return npmem_magic.trace(textwrap.dedent(code), namespace=names, sampler="off", python=True)


def test_tracemalloc_stays_while_a_thread_works(names: dict[str, object]) -> None:
    trace = traced(WORKING, names)
    assert switch.LEFT_ON in trace.notes
    assert tracemalloc.is_tracing()


def test_it_is_stopped_when_the_thread_has_ended(names: dict[str, object]) -> None:
    traced(WORKING, names)
    names["stop"].append(1)  # type: ignore[attr-defined]
    switch.settle()
    assert not tracemalloc.is_tracing()


def test_a_later_run_is_not_stopped_in_its_middle(names: dict[str, object]) -> None:
    traced(WORKING, names)
    code = "stop.append(1)\nthread.join()\nimport time\ntime.sleep(0.3)\nkept = ['%d' % k for k in range(9999)]"
    later = traced(code, names)
    assert later.python_net is not None and later.python_net > 9999 * 50
    assert not any("stopped or cleared" in note for note in later.notes)
    switch.settle()
    assert not tracemalloc.is_tracing()


def test_threads_that_wait_keep_nothing_on(names: dict[str, object]) -> None:
    trace = traced(RESTING, names)
    assert not tracemalloc.is_tracing() and switch.LEFT_ON not in trace.notes


def test_it_was_on_before_and_stays(names: dict[str, object]) -> None:
    tracemalloc.start()
    try:
        traced(WORKING, names)
        assert tracemalloc.is_tracing() and not switch._waiters
    finally:
        names["stop"].append(1)  # type: ignore[attr-defined]
        names["thread"].join()  # type: ignore[attr-defined]
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exception_thrown_into_the_waiting_thread(names: dict[str, object]) -> None:
    traced(WORKING, names)
    (waiter,) = switch._waiters
    raised = ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(waiter.ident or 0), ctypes.py_object(SystemExit))
    assert raised == 1
    waiter.join()
    assert tracemalloc.is_tracing()
    switch.settle()
    assert not tracemalloc.is_tracing()
