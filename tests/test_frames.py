"""How frames are read, and what is left of the line clock once a function is hot."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from oracle import run_plain, sites_agree
from tracing import line, run

from npmem_magic.host import HAS_MONITORING
from npmem_magic.record import ledger
from npmem_magic.trace import Trace

native = pytest.importorskip("npmem_magic.record._ledger", reason="no native ledger here")

PROGRAM = """
from functools import reduce

def inner(v):
    return (v + v) * 2

def middle(v, deep):
    return middle(v, deep - 1) if deep else inner(v) - inner(v)

def numbers():
    for k in range(5):
        yield np.full(1000, k)

class Holder:
    def __enter__(self):
        self.kept = np.zeros(500)
        return self
    def __exit__(self, *details):
        del self.kept

a = middle(np.ones(1000), 6)
b = reduce(lambda x, y: x + y, numbers())
c = [inner(v) for v in numbers()]
d = sorted(range(20), key=lambda k: inner(np.ones(600))[0] * k)
with Holder():
    e = np.array([k for k in range(3000)])
"""


@pytest.fixture(params=["read in place", "frame objects"])
def frames(request: pytest.FixtureRequest) -> Iterator[str]:
    ledger.choose()  # learns how to read them
    if request.param == "frame objects":
        native.frames_forget()
    yield request.param
    ledger.learn_frames()


def test_the_layout_of_frames_is_learnt_here() -> None:
    assert ledger.learn_frames()


def test_too_few_probes_teach_nothing() -> None:
    native.frames_probe()
    assert not native.frames_learn()
    ledger.learn_frames()


def test_both_ways_agree_with_the_independent_count(frames: str) -> None:
    namespace = {"np": np}
    sites_agree(run(PROGRAM, **namespace), run_plain(PROGRAM.strip("\n"), dict(namespace)))


def costs(trace: Trace) -> list[tuple[object, ...]]:
    return [(cost.function, cost.line, cost.peak, cost.net, cost.gross) for cost in trace.lines]


def test_both_ways_charge_the_same_lines() -> None:
    read = costs(run(PROGRAM))
    native.frames_forget()
    assert costs(run(PROGRAM)) == read
    ledger.learn_frames()


RECURSIVE = (
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\nt = fib(17)\nx = np.ones(1000)\ny = x + fib(2)"
)


def test_a_hot_function_of_one_line_is_counted_to_1000() -> None:
    assert line(run(RECURSIVE), 2, "fib").hits == 1000


def ours() -> list[int]:
    """The tool ids under which we listen."""
    return [tool for tool in range(6) if sys.monitoring.get_tool(tool) == "npmem_magic"]


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring came with 3.12")
def test_a_hot_function_has_no_line_events_left() -> None:
    events = sys.monitoring.events
    namespace = {"seen": [], "sys": sys, "tools": ours}
    look = "\nseen.append(sum(sys.monitoring.get_local_events(k, fib.__code__) for k in tools()))"
    run(RECURSIVE.replace("t = fib(17)", "t = fib(3)" + look + "\nt = fib(17)" + look), **namespace)
    before, after = namespace["seen"]
    assert before & events.LINE
    assert not after & events.LINE
    assert after & events.PY_RETURN


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring came with 3.12")
def test_a_line_that_has_not_run_yet_keeps_its_event() -> None:
    trace = run(
        "def f(k):\n    if k < 1500:\n        return 0\n    return np.zeros(1000)\n\nfor k in range(1501):\n    f(k)"
    )
    late = line(trace, 4, "f")
    assert (late.hits, late.gross) == (1, 8000)
