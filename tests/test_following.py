"""Whose bytes are whose: functions of the notebook, followed functions, loops, generators, recursion."""

from __future__ import annotations

import functools
import linecache
import sys
from pathlib import Path

import numpy as np
import pytest
from oracle import consistent
from tracing import K, large, line, names, run, sites, size

import npmem_magic
from npmem_magic.host import HAS_MONITORING

pytestmark = pytest.mark.usefixtures("ledger")

DOUBLE = """
def double(v):
    w = v + v
    return w + w

a = double(np.zeros(N))
b = double(a)
"""


def test_lines_of_a_function_are_shown_under_its_name() -> None:
    trace = run(DOUBLE)
    assert sites(trace) == {
        ("<cell>", 5, "np.zeros(N)"): K,
        ("double", 2, "v + v"): 2 * K,
        ("double", 3, "w + w"): 2 * K,
    }
    assert (line(trace, 2, "double").hits, line(trace, 2, "double").gross) == (2, 2 * K)
    assert (line(trace, 3, "double").hits, line(trace, 3, "double").gross) == (2, 2 * K)
    consistent(trace)


def test_the_calling_line_includes_what_it_called() -> None:
    trace = run(DOUBLE)
    first, second = line(trace, 5), line(trace, 6)
    assert (first.peak, first.net, first.gross) == (3 * K, K, 3 * K)
    assert (second.peak, second.net, second.gross) == (2 * K, K, 2 * K)
    assert (trace.peak, trace.net, trace.gross) == (3 * K, 2 * K, 5 * K)
    assert trace.peak_source in ("w + w", "double(np.zeros(N))")
    assert (trace.peak_function, trace.peak_line) in (("double", 3), ("<cell>", 5))


def test_a_function_of_an_earlier_cell_is_followed() -> None:
    here = names()
    npmem_magic.trace("def make(n):\n    return np.zeros(n)", namespace=here, sampler="off")
    trace = npmem_magic.trace("a = make(N)", namespace=here, sampler="off")
    assert sites(trace) == {("make", 2, "np.zeros(n)"): K}
    assert line(trace, 1).gross == K
    assert "np.zeros(n)" in trace.functions["make"][1]
    here.clear()


def test_a_function_of_a_registered_cell_is_followed() -> None:
    """As a notebook does it: a cell's file exists in `linecache` only."""
    source = "x = 1\ndef make(n):\n    return np.zeros(n)\n"
    filename = "<ipython-input-7-feedbeef>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    here = names()
    exec(compile(source, filename, "exec"), here)
    trace = npmem_magic.trace("a = make(N)", namespace=here, sampler="off")
    assert sites(trace) == {("make", 3, "np.zeros(n)"): K}
    assert trace.functions["make"][0] == 2
    del linecache.cache[filename]
    here.clear()


LIBRARY = """
import numpy as np

def grow(n):
    part = np.zeros(n)
    return np.concatenate([part, part])
"""


def test_library_code_is_charged_to_the_line_that_called_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "growing_a.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    trace = run("import growing_a\na = growing_a.grow(N)")
    assert sites(trace) == {("<cell>", 2, "growing_a.grow(N)"): 3 * K}


def test_a_library_function_is_followed_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "growing_b.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    here = names()
    exec("import growing_b", here)
    trace = npmem_magic.trace("a = growing_b.grow(N)", namespace=here, sampler="off", follow=("growing_b.grow",))
    assert sites(trace) == {("grow", 5, "np.zeros(n)"): K, ("grow", 6, "np.concatenate([part, part])"): 2 * K}
    assert (line(trace, 1).peak, line(trace, 1).net) == (3 * K, 2 * K)
    assert "grow" in trace.functions


def test_a_callable_is_traced_with_its_arguments() -> None:
    def work(count: int, *, twice: bool) -> int:
        part = np.zeros(count)
        return part.size + (part + part).size * twice

    trace = npmem_magic.trace(functools.partial(work, twice=True), size(), sampler="off")
    assert (trace.error, trace.peak, trace.net, trace.gross) == (None, 2 * K, 0 * K, 2 * K)
    assert {e.source: e.gross for e in large(trace)} == {"np.zeros(count)": K, "part + part": K}


def test_a_loop_counts_its_rounds() -> None:
    trace = run("for k in range(5):\n    z = np.zeros(N)\n    z += 1")
    body = line(trace, 2)
    assert (body.hits, body.gross, body.net, body.hot) == (5, 5 * K, K, False)
    (site,) = large(trace)
    assert (site.hits, site.peak, site.net, site.gross) == (5, 2 * K, K, 5 * K)


def test_a_hot_line_loses_no_byte(ledger: str) -> None:
    trace = run("""
        kept = []
        for k in range(5000):
            v = np.zeros(N)
            kept.append(v[:10].copy())
        """)
    body = line(trace, 3)
    if ledger == "native":
        assert body.hot
        assert 1000 <= body.hits <= (1000 if HAS_MONITORING else 1100)  # a trace function leaves a little later
    else:
        assert (body.hot, body.hits) == (False, 5000)  # a line that takes much is looked at for longer
    assert (line(trace, 1).hits, line(trace, 1).hot) == (1, False)
    few = 80 if ledger == "native" else 80 + sys.getsizeof(np.zeros(1)[:0]) + 8  # the array object and its item
    if ledger == "native":
        assert (line(trace, 3).gross, line(trace, 4).gross) == (5000 * K, 5000 * 80)
    else:  # once line 4 is left alone, what it takes is counted with the instruction before
        assert line(trace, 3).gross + line(trace, 4).gross == 5000 * K + 5000 * few
    assert (trace.net, trace.gross) == (K + 5000 * few, 5000 * K + 5000 * 80)
    assert trace.peak == 2 * K + 4999 * few
    (site,) = (e for e in trace.expressions if e.source == "np.zeros(N)")
    assert (site.hits, site.gross) == (5000, 5000 * K)
    assert site.peak == 2 * K or (ledger == "pure" and site.peak == 2 * K + 4000 * few)
    consistent(trace)


def test_what_follows_a_hot_loop_has_its_own_line() -> None:
    """Where a trace function is the clock, the loop ends without telling: it was left alone by then."""
    trace = run("t = 0\nfor k in range(5000):\n    t = t % 7\na = np.zeros(N)\nb = a + a\nc = b * b")
    assert [line(trace, number).gross for number in range(1, 7)] == [0 * K, 0 * K, 0 * K, K, K, K]
    assert sites(trace) == {("<cell>", 4, "np.zeros(N)"): K, ("<cell>", 5, "a + a"): K, ("<cell>", 6, "b * b"): K}
    assert trace.lane[1].tolist()[-3:] == [4, 5, 6]
    assert line(trace, 2).seconds + line(trace, 4).seconds <= trace.seconds
    consistent(trace)


def test_a_generator() -> None:
    trace = run("""
        def rows(n):
            for k in range(n):
                yield np.zeros(N)

        total = sum(row.size for row in rows(4))
        """)
    assert sites(trace) == {("rows", 3, "np.zeros(N)"): 4 * K}
    assert (line(trace, 5).gross, line(trace, 5).net, trace.peak) == (4 * K, 0 * K, 2 * K)
    assert line(trace, 3, "rows").hits == 4


def test_a_generator_resumed_by_another_line() -> None:
    trace = run("""
        def rows():
            yield np.zeros(N)
            yield np.zeros(2 * N)

        r = rows()
        a = next(r)
        b = next(r)
        """)
    assert (line(trace, 5).gross, line(trace, 6).gross, line(trace, 7).gross) == (0 * K, K, 2 * K)
    consistent(trace)


def test_comprehensions_and_lambdas() -> None:
    trace = run("""
        parts = [np.zeros(N) for k in range(3)]
        table = {k: np.zeros(k) for k in (N, 2 * N)}
        make = lambda n: np.empty(n, bool)
        flags = make(8 * N)
        """)
    assert {e.source: e.gross for e in large(trace)} == {
        "np.zeros(N)": 3 * K,
        "np.zeros(k)": 3 * K,
        "np.empty(n, bool)": K,
    }
    assert (line(trace, 1).gross, line(trace, 2).gross, line(trace, 1).net) == (3 * K, 3 * K, 3 * K)
    assert line(trace, 4).gross == K  # line 3, which holds the function, has these bytes too


def test_recursion_counts_every_byte_once() -> None:
    trace = run("""
        def fall(n):
            part = np.zeros(n)
            if n > N: fall(n // 2)
            return part.size

        t = fall(4 * N)
        """)
    assert (trace.peak, trace.net, trace.gross) == (7 * K, 0 * K, 7 * K)
    assert (line(trace, 2, "fall").hits, line(trace, 2, "fall").gross) == (3, 7 * K)
    assert line(trace, 3, "fall").gross == 3 * K  # the round inside is part of the round outside
    assert (line(trace, 6).peak, line(trace, 6).gross) == (7 * K, 7 * K)


def test_methods_and_closures() -> None:
    trace = run("""
        class Box:
            def __init__(self, n):
                self.data = np.zeros(n)

        def maker(n):
            def inner():
                return np.zeros(n)
            return inner

        box = Box(N)
        data = maker(2 * N)()
        """)
    assert {(e.function.split(".")[-1], e.source): e.gross for e in large(trace)} == {
        ("__init__", "np.zeros(n)"): K,
        ("inner", "np.zeros(n)"): 2 * K,
    }
    assert (line(trace, 10).net, line(trace, 11).net) == (K, 2 * K)


def test_a_coroutine() -> None:
    trace = run("""
        import asyncio

        async def fetch(n):
            part = np.zeros(n)
            await asyncio.sleep(0)
            return part.size

        async def both():
            return await asyncio.gather(fetch(N), fetch(2 * N))

        def main():
            return asyncio.run(both())

        from threading import Thread
        t = Thread(target=main); t.start(); t.join()
        """)
    assert sites(trace) == {("fetch", 4, "np.zeros(n)"): 3 * K}
    assert (trace.peak, trace.net) == (3 * K, 0 * K)


def test_code_of_exec_is_charged_to_the_caller() -> None:
    trace = run("exec('q = np.zeros(N)')")
    assert sites(trace) == {("<cell>", 1, "exec('q = np.zeros(N)')"): K}


def test_two_statements_on_a_line() -> None:
    trace = run("a = np.zeros(N); b = np.zeros(N)\nc = 1")
    assert line(trace, 1).gross == 2 * K  # each statement is begun: hits are 2 here, 1 inside of a function
    assert [e.col for e in sorted(large(trace), key=lambda e: e.col)] == [4, 21]


def test_lines_that_never_ran_are_listed() -> None:
    trace = run("flag = 0\nif flag:\n    a = np.zeros(N)\nb = 1")
    assert [(cost.line, cost.hits) for cost in trace.lines] == [(1, 1), (2, 1), (3, 0), (4, 1)]
    assert line(trace, 3).source == "    a = np.zeros(N)"


def test_the_lane_follows_the_top_level() -> None:
    trace = run("def f():\n    return np.zeros(N)\na = f()\nb = f()")
    assert trace.lane[1].tolist() == [1, 3, 4]
    assert trace.lane[0].tolist() == sorted(trace.lane[0].tolist())


def test_time_includes_the_functions_called() -> None:
    trace = run("import time\ndef nap():\n    time.sleep(0.02)\nnap()\nnap()")
    assert line(trace, 3, "nap").seconds >= 0.04
    assert 0.02 <= line(trace, 4).seconds <= trace.seconds
    assert sum(cost.seconds for cost in trace.lines if cost.function == "<cell>") <= trace.seconds
