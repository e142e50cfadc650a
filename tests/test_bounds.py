"""A run of any length takes a bounded ledger: its tables stay small, the peak and what was alive at it exact.

``NPMEM_BOUNDS=long`` takes the counts of the promise: 10**7 buffers, a million of them alive at one time, 10**8 lines.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from tracing import run

from npmem_magic.host import HAS_MONITORING
from npmem_magic.record import ledger
from npmem_magic.trace import Trace

if ledger.choose()[0].name != "native":
    pytest.skip("the bounds are the native ledger's", allow_module_level=True)

from npmem_magic.record import _ledger

LONG = os.environ.get("NPMEM_BOUNDS") == "long"
MOST = 64 * 2**20  # bytes of the ledger's tables
ALIVE = 1_000_000 if LONG else 70_000  # buffers alive at one time; the ledger tells 60,000 one by one
POINTS, EVENTS = 2**17, 2**18  # what a curve and a lane have room for


def weighed(code: str, **names: Any) -> tuple[Trace, int]:
    """The trace, and the bytes of the ledger's tables when its cell ends."""
    weights: list[int] = []
    trace = run(f"{code}\nweigh()", weigh=lambda: weights.append(_ledger.tables()), **names)
    return trace, weights[0]


def told(trace: Trace) -> dict[tuple[str | None, str], int]:
    found: dict[tuple[str | None, str], int] = {}
    for holding in trace.at_peak:
        key = holding.name, holding.source
        found[key] = found.get(key, 0) + holding.nbytes
    return found


@pytest.mark.parametrize("nbytes", [32, 4096])
def test_many_buffers_alive_at_one_time(nbytes: int) -> None:
    code = f"rows = []\nfor k in range({ALIVE}): rows.append(np.empty({nbytes}, 'u1'))\nx = np.empty(1000)"
    trace, weight = weighed(code)
    assert (trace.peak, trace.net, trace.gross) == (ALIVE * nbytes + 8000,) * 3
    rows = [holding for holding in trace.at_peak if holding.source == f"np.empty({nbytes}, 'u1')"]
    assert sum(holding.nbytes for holding in rows) == ALIVE * nbytes
    assert sum(int(holding.note.split()[-2]) for holding in rows) == ALIVE  # "N buffers"
    assert weight < MOST and max(trace.timeline[1]) == trace.peak


def test_many_that_die_after_the_peak() -> None:
    code = f"rows = [np.empty(k % 700 + 1, 'u1') for k in range({ALIVE})]\nbig = np.empty(10**6)\ndel rows[::2]"
    code += "\nmore = [np.empty(20, 'u1') for k in range(1000)]\ndel big\nrows[:] = []"
    trace, weight = weighed(code)
    rows = sum(k % 700 + 1 for k in range(ALIVE))
    assert (trace.peak, trace.net) == (rows + 8 * 10**6, 20_000)
    assert sum(told(trace).values()) == trace.peak and told(trace)[None, "np.empty(10**6)"] == 8 * 10**6
    assert weight < MOST


def test_large_buffers_keep_their_names_among_many() -> None:
    trace, _ = weighed(f"rows = [np.empty(600) for k in range({ALIVE})]\nbig = np.empty(10**6)\nlast = np.empty(10**6)")
    assert told(trace)["big", "np.empty(10**6)"] == 8 * 10**6


def test_a_resize_of_one_of_many_counts_its_old_size() -> None:
    code = f"rows = [np.empty(k % 9 + 600) for k in range({ALIVE})]\nrows[-1].resize(5000, refcheck=False)"
    trace, _ = weighed(code)
    before = sum(8 * (k % 9 + 600) for k in range(ALIVE))
    assert trace.net == before - 8 * ((ALIVE - 1) % 9 + 600) + 40_000
    assert trace.gross == before + 40_000


def test_many_known_before() -> None:
    """Lists of arrays from before: their deaths and resizes are told from those of the run's own."""
    old = {f"old{k}": [np.empty(600) for _ in range(9_000)] for k in range(12)}
    trace, weight = weighed("del old11[:]\nold10[0].resize(1000, refcheck=False)\nnew = np.empty(600)", **old)
    assert (trace.net, trace.gross) == (-9_000 * 4800 - 4800 + 8000 + 4800, 12_800)
    assert sum(told(trace).values()) == 0 and weight < MOST


def test_buffers_in_turn() -> None:
    count = 10_000_000 if LONG else 200_000
    trace, weight = weighed(f"for k in range({count}): np.empty(600)\na = np.empty(1200)")
    assert (trace.peak, trace.net, trace.gross) == (9600, 9600, count * 4800 + 9600)
    assert weight < MOST // 4


def test_a_long_curve_keeps_its_tops() -> None:
    """Twice as many steps as there is room for, in them some that stand out: each is still there."""
    tops = {5_001 + 10_007 * k: 601 + k for k in range(14)}
    code = "for k in range(150_000):\n    a = np.empty(tops.get(k, 600)); del a\nb = np.empty(10)"
    trace = run(code, tops=tops)
    time, value = trace.timeline
    assert trace.peak == 614 * 8 == value.max() and value.min() == 0 and value[-1] == 80
    assert {8 * size for size in tops.values()} <= set(value.tolist())
    assert len(time) <= POINTS + 3 and bool(np.all(np.diff(time) >= 0))
    assert time[int(value.argmax())] == trace.peak_ns


def many_lines(functions: int) -> str:
    """Functions of 20 lines, each run 1,000 times, and a long line at the end."""
    body = "".join(f"\n    x = {k}" for k in range(20))
    text = "\n".join(f"def f{number}():{body}" for number in range(functions))
    calls = ", ".join(f"f{number}" for number in range(functions))
    turns = 5000 if LONG else 1000
    return f"{text}\nfor k in range({turns}):\n    for f in ({calls}): f()\nlast = sorted(range(10**6))\ny = 1"


def test_many_line_events() -> None:
    functions = 1000 if LONG else 20
    code = many_lines(functions)
    trace, weight = weighed(code)
    hits = {cost.hits for cost in trace.lines if cost.function == "f7" and cost.source.startswith("    x")}
    time, line = trace.lane
    last = len(code.splitlines()) - 1
    # On 3.11 the trace function leaves when the first functions are hot, in the last round.
    assert hits == {1000} if HAS_MONITORING else hits <= {999, 1000}
    assert {last, last + 1} <= set(line.tolist()) and time[0] == 0  # what lasts keeps its place
    assert len(time) <= EVENTS and bool(np.all(np.diff(time) >= 0)) and weight < MOST


def test_line_numbers_that_nobody_wrote() -> None:
    """Code compiled under the cell's own file name, with numbers far out and any number of code objects."""
    code = """import ast, sys
name = sys._getframe().f_code.co_filename
for far in (10**5, 2**20, 2**31 - 10):
    tree = ast.parse("z = np.empty(1000)\\ndel z"); ast.increment_lineno(tree, far)
    exec(compile(tree, name, "exec"))
for k in range(3000): exec(compile(f"z = np.empty({k} % 7 + 1)", name, "exec"))
"""
    trace, weight = weighed(code)
    assert trace.error is None and weight < MOST
    assert trace.gross == 3 * 8000 + sum(8 * (k % 7 + 1) for k in range(3000))


def test_many_threads_at_one_time() -> None:
    code = """import threading
go = threading.Event()
def wait(number):
    go.wait(30)
    kept.append(np.ones(number))
threads = [threading.Thread(target=wait, args=(k + 1,)) for k in range(300)]
for t in threads: t.start()
go.set()
for t in threads: t.join()"""
    trace, weight = weighed(code, kept=[])
    assert trace.net == sum(8 * (k + 1) for k in range(300)) and weight < MOST
