"""Traces one after another leave nothing behind: not in the resident set, not among Python's objects, not in counts.

``NPMEM_LEAK_TRACES=1000`` is the promise; the short form measures the same growth on fewer.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from oracle import handler_pointers
from tracing import HOME, run, run_failing

import npmem_magic
from npmem_magic.host import HAS_MONITORING, HAS_STATM

TRACES = int(os.environ.get("NPMEM_LEAK_TRACES", "120"))
WARM_UP = 40
PACKAGE = str(Path(npmem_magic.__file__).parent / "*")

CODE = """
    def work(n):
        part = np.zeros(n)
        return [part[k:] + 1 for k in range(10)]

    def rows(n):
        for k in range(n):
            yield np.ones(k + 600)

    class Node: pass
    n = Node(); n.me = n; n.data = np.zeros(1000)
    for k in range(10):
        kept = work(2000)
    words = [str(k) for k in range(200)] + list(rows(20))
    from threading import Thread
    t = Thread(target=work, args=(500,)); t.start(); t.join()
    missing
    """


def one_trace() -> None:
    run_failing(NameError, CODE)


@pytest.fixture(autouse=True)
def last_is_dropped() -> Iterator[None]:
    yield
    npmem_magic.last = None


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def counts() -> dict[str, int]:
    """What would grow with every trace that leaked one of these."""
    code = one_trace.__code__
    found = {"objects": len(gc.get_objects()), "blocks": sys.getallocatedblocks()}
    found |= {"np": sys.getrefcount(np), "filename": sys.getrefcount(code.co_filename), "float": sys.getrefcount(float)}
    if HAS_MONITORING:
        found["disable"] = sys.getrefcount(sys.monitoring.DISABLE)
    return found


def growth(measure: Callable[[], dict[str, int]], traces: int) -> dict[str, float]:
    """How much each number grows for one trace."""
    for _ in range(WARM_UP):
        one_trace()
    gc.collect()
    before = measure()
    for _ in range(traces):
        one_trace()
    gc.collect()
    after = measure()
    return {name: (after[name] - before[name]) / traces for name in before}


@pytest.mark.skipif(not HAS_STATM, reason="the resident set is read from /proc")
def test_the_resident_set_stays(ledger: str) -> None:
    """4 KiB a trace would be 4 MiB for the thousand; the heap's own moods are below 2 MiB in all."""
    traces = TRACES if ledger == "native" else TRACES // 3
    grown = growth(lambda: {"resident": resident()}, traces)["resident"]
    assert grown * traces < 2 * 2**20 + 1024 * traces


def test_objects_and_references_stay(ledger: str) -> None:
    traces = TRACES if ledger == "native" else TRACES // 3
    grown = growth(counts, traces)
    assert all(each < 0.5 for name, each in grown.items() if name != "blocks"), grown
    assert grown["blocks"] < 3, grown


def test_the_packages_own_memory_stays(ledger: str) -> None:
    """By tracemalloc, which the pure ledger uses itself: there from outside."""
    tracemalloc.start()
    try:

        def own() -> dict[str, int]:
            shot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, PACKAGE)])
            return {"bytes": sum(part.size for part in shot.traces)}

        traces = TRACES // 3
        grown = growth(own, traces)["bytes"] * traces
    finally:
        tracemalloc.stop()
    assert grown < 20_000


@pytest.mark.parametrize("moment", ["folds.assemble", "record.gauges.high_water", "record._Watch.text"])
def test_a_run_that_is_cut_off_keeps_no_tables(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt among the watchers: the run is lost, and with it all that was kept."""
    native = pytest.importorskip("npmem_magic.record._ledger")
    run("a = 1")
    idle, pointers = native.tables(), handler_pointers()

    def interrupt(*ignored: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"npmem_magic.{moment}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run("def f(): return np.zeros(1000)\nrows = [np.empty(4) for _ in range(70_000)]\nf()")
    assert (native.tables(), native.counting(), handler_pointers()) == (idle, False, pointers)
    monkeypatch.undo()
    assert run("a = np.zeros(1000)").gross == 8000


def test_the_first_trace_lets_go_of_its_namespace() -> None:
    """What is kept from the first time on (whether there is a GPU, say) holds no frame of the user's."""
    code = """
        import gc, weakref, numpy as np, npmem_magic
        class Node: pass
        def first():
            node = Node()
            npmem_magic.trace("x = np.ones(1000)", namespace={"np": np, "node": node})
            return weakref.ref(node)
        alive = first()
        npmem_magic.last = None
        gc.collect()
        assert alive() is None, gc.get_referrers(alive())
        """
    environment = {**os.environ, "PYTHONPATH": HOME}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
