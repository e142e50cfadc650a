"""The pure ledger: known truth, agreement with the native one on whole arrays, and nothing left behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import near

import npmem_magic
from npmem_magic.host import HAS_MONITORING, NpmemError
from npmem_magic.record import instructions, ledger
from npmem_magic.record.lumps import Hands, Lumps
from npmem_magic.record.plans import POINTS, Steps
from npmem_magic.trace import Trace

ROOT = Path(npmem_magic.__file__).resolve().parent.parent
M = 400_000  # elements of the arrays here
B = 8 * M  # bytes of M float64
KIB = 1024
HAS_NATIVE = not ledger._native_obstacle()
needs_native = pytest.mark.skipif(not HAS_NATIVE, reason="the native ledger is not built here")


def by(engine: str, code: str, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Trace:
    """The trace that the named ledger makes of `code`; what the code raises is in the trace."""
    monkeypatch.setenv(ledger.VARIABLE, engine)
    gc.collect()
    try:
        return npmem_magic.trace(textwrap.dedent(code).strip("\n"), namespace=names, sampler="off")
    except ZeroDivisionError:
        assert npmem_magic.last is not None
        return npmem_magic.last
    finally:
        names.clear()


def pure(code: str, monkeypatch: pytest.MonkeyPatch, **names: Any) -> Trace:
    return by("pure", code, {"np": np, "M": M, **names}, monkeypatch)


class Interrupting:
    """A lock in which an interrupt arrives right behind the `after`-th acquisition."""

    def __init__(self, after: int) -> None:
        self.lock, self.left = threading.RLock(), after

    def acquire(self) -> bool:
        self.lock.acquire()
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return True

    def release(self) -> None:
        self.lock.release()


@pytest.mark.parametrize("after", [1, 2, 5, 30])
def test_an_interrupt_behind_the_acquisition_of_the_lock_leaves_it_free(
    after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ledger.VARIABLE, "pure")
    locks: list[Interrupting] = []

    def make() -> instructions.Clock:
        locks.append(Interrupting(after))
        clock: Any = found()
        clock._lock = locks[-1]
        return clock  # type: ignore[no-any-return]

    found = instructions.make
    monkeypatch.setattr("npmem_magic.record.pure.make", make)
    with pytest.raises(KeyboardInterrupt):
        npmem_magic.trace("def f(k):\n    return k + 1\ny = [f(k) for k in range(20)]", namespace={}, sampler="off")
    got: list[bool] = []
    other = threading.Thread(target=lambda: got.append(locks[0].lock.acquire(timeout=1)))
    other.start()
    other.join()
    assert got == [True]


def test_empty_cells_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("", "# nothing", "pass", "pass\npass\npass"):
        trace = pure(code, monkeypatch)
        assert (trace.engine, trace.expressions, trace.at_peak) == ("pure", (), ()), code
        assert max(trace.peak, abs(trace.net), trace.gross) < 200, code


def test_small_statements_cost_hundreds_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = pure("a = 1\nb = a + 1\ndef f(k):\n    return k\nc = f(b)", monkeypatch)
    assert max(trace.peak, abs(trace.net), trace.gross) < 2000


def test_python_objects_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = pure("t = bytearray(10_000_000)\nw = [None] * 1_000_000\ndel t", monkeypatch)
    assert near(trace.peak, 18_000_000) and near(trace.net, 8_000_000) and near(trace.gross, 18_000_000)
    assert [site.source for site in trace.expressions[:2]] == ["bytearray(10_000_000)", "[None] * 1_000_000"]


def test_what_was_alive_at_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = pure("a = np.zeros(2 * M)\nb = np.ones(M)\nw = np.concatenate([a, a])\ndel w, a", monkeypatch)
    large = [(each.name, each.source, each.note) for each in trace.at_peak if each.nbytes > KIB * 256]
    assert large == [
        (None, "np.concatenate([a, a])", "being made"),
        ("a", "np.zeros(2 * M)", ""),
        ("b", "np.ones(M)", ""),
    ]
    assert sum(each.nbytes for each in trace.at_peak) == trace.peak
    assert near(trace.peak, 7 * B) and near(trace.net, B)
    assert (trace.peak_line, trace.peak_source) == (3, "np.concatenate([a, a])")


def test_a_temporary_between_two_instructions_is_in_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    np.median(np.ones(9))  # it imports on first use
    trace = pure("x = np.ones(M)\nt = np.median(x)\nt = np.median(x)", monkeypatch)
    times, values = trace.timeline
    assert bool(np.all(np.diff(times) >= 0)) and values.max() == trace.peak and values[-1] == trace.net
    assert sum(bool(near(int(value), 2 * B)) for value in values) >= 2  # two copies made and gone inside of a call


PROGRAMS = {
    "functions": """
        def double(v):
            w = v + v
            return w + w

        a = double(np.zeros(M))
        b = double(a)
        """,
    "loop": "for k in range(5):\n    z = np.zeros(M)\n    z += 1",
    "many rounds": "kept = []\nfor k in range(1200):\n    v = np.ones(10_000)\n    kept.append(v[:5000].copy())",
    "hot lines": "t = 0\nfor k in range(5000):\n    t = t % 7 + 1\na = np.ones(M)\nb = a + t",
    "generator": """
        def rows(n):
            for k in range(n):
                yield np.zeros(M)

        total = sum(row.size for row in rows(4))
        r = rows(2)
        a = next(r)
        b = next(r)
        """,
    "del": "a = np.zeros(M)\nb = np.zeros(2 * M)\ndel a, old\nc = np.ones(M)",
    "error": "a = np.zeros(M)\ndef fail():\n    part = np.ones(M)\n    return 1 / 0\nb = a + fail()\nc = np.zeros(M)",
    "caught": "try:\n    a = np.zeros(M) + np.zeros(M - 1)\nexcept ValueError:\n    a = np.zeros(3 * M)",
    "recursion": "def f(n):\n    part = np.zeros(n)\n    if n > M: f(n // 2)\n    return part.size\nt = f(4 * M)",
    "comprehension": "parts = [np.zeros(M) for k in range(3)]\nmake = lambda n: np.empty(n, bool)\nflags = make(8 * M)",
    "with": "class C:\n    def __enter__(self): self.a = np.ones(M)\n    def __exit__(self, *e): del self.a\n"
    "with C() as c:\n    b = np.ones(M)\n    b = b + 1\n",
    "rebinding": "old = old + 1\nold = old * 2 - 1\nold = None",
    "thread": """
        from threading import Thread
        def work():
            part = np.zeros(M)
            kept.append(part + part)

        kept = []
        t = Thread(target=work)
        def both():  # one run of one line, so that it does not matter when the worker begins
            t.start(); t.join()
        both()
        """,
    "coroutine": """
        import asyncio
        async def fetch(n):
            part = np.zeros(n)
            await asyncio.sleep(0)
            return part.size

        async def both():
            return await asyncio.gather(fetch(M), fetch(2 * M))

        total = await both()
        """,
}


def agree(mine: Trace, theirs: Trace) -> None:
    """Hold the pure ledger's trace against the native one of the same code."""
    assert (mine.engine, theirs.engine) == ("pure", "native")
    for name in ("peak", "net"):
        assert near(getattr(mine, name), getattr(theirs, name)), name
    assert mine.gross <= theirs.gross + max(256 * KIB, theirs.gross // 100)
    assert (mine.error, mine.source, mine.functions.keys()) == (theirs.error, theirs.source, theirs.functions.keys())
    alive = [sum(each.nbytes for each in trace.at_peak) for trace in (mine, theirs)]
    assert near(*alive)
    if theirs.expressions and theirs.expressions[0].peak > 256 * KIB:
        top = {each.source for each in theirs.expressions if near(each.peak, theirs.expressions[0].peak)}
        assert mine.expressions[0].source in top
        assert near(mine.expressions[0].peak, theirs.expressions[0].peak)


@needs_native
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_agree_with_the_native_ledger(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = PROGRAMS[program]
    mine, theirs = (
        by(engine, code, {"np": np, "M": M, "old": np.ones(M)}, monkeypatch) for engine in ("pure", "native")
    )  # fmt: skip
    agree(mine, theirs)
    large = {(e.function, e.line, e.source): e for e in theirs.expressions if e.peak > 256 * KIB}
    found = {(e.function, e.line, e.source): e for e in mine.expressions if e.peak > 256 * KIB}
    assert found.keys() == large.keys()
    for key, site in large.items():
        assert (
            near(found[key].peak, site.peak) and near(found[key].net, site.net) and near(found[key].gross, site.gross)
        )
    for one, other in zip(mine.lines, theirs.lines, strict=True):
        assert (one.function, one.line) == (other.function, other.line)
        assert one.hits == other.hits or (other.hot and one.hits >= other.hits), one
        assert near(one.net, other.net) and near(one.peak, other.peak) and near(one.gross, other.gross), (one, other)


# What is left behind, and what was there


def test_tracemalloc_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tracemalloc.is_tracing()
    pure("a = np.ones(M)", monkeypatch)
    assert not tracemalloc.is_tracing()
    tracemalloc.start(3)
    try:
        kept = np.ones(M)
        trace = pure("del kept[:]\na = np.ones(M)", monkeypatch, kept=[kept])
        assert tracemalloc.is_tracing() and tracemalloc.get_traceback_limit() == 3
    finally:
        tracemalloc.stop()
    assert near(trace.peak, B)
    assert any("peak was reset" in note for note in trace.notes)


def test_an_older_array_may_still_be_resized(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy refuses where somebody holds a reference, weak ones included: the ledger must hold none."""
    if not HAS_MONITORING:
        pytest.skip("a trace function adds a reference on 3.11")
    names = {"np": np, "old": np.ones(M)}
    monkeypatch.setenv(ledger.VARIABLE, "pure")
    trace = npmem_magic.trace(f"old.resize({2 * M})", namespace=names, sampler="off")
    assert near(trace.net, B) and names["old"].size == 2 * M


@pytest.mark.skipif(not HAS_MONITORING, reason="sys.monitoring came with 3.12")
def test_totals_without_a_free_tool_id(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [number for number in range(6) if sys.monitoring.get_tool(number) is None]
    for number in taken:
        sys.monitoring.use_tool_id(number, "another")
    try:
        trace = pure("a = np.ones(M)\nb = a + 1\ndel a", monkeypatch)
    finally:
        for number in taken:
            sys.monitoring.free_tool_id(number)
    assert near(trace.peak, 2 * B) and near(trace.net, B)
    assert any("sys.monitoring" in note for note in trace.notes)


def test_a_function_that_is_called_often_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = pure("def f(k):\n    return k + 1\nt = 0\nfor k in range(5000): t = f(t)\na = np.ones(M)", monkeypatch)
    assert any("left alone" in note for note in trace.notes)
    assert near(trace.peak, B) and trace.expressions[0].source == "np.ones(M)"


# The choice


def test_the_choice_can_be_printed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ledger.VARIABLE, "pure")
    name, why = npmem_magic.ledger()
    assert name == "pure" and "NPMEM_LEDGER=pure" in why and "NumPy and Python" in why
    assert why in pure("a = 1", monkeypatch).notes
    monkeypatch.setenv(ledger.VARIABLE, "fast")
    with pytest.raises(NpmemError, match="'native' and 'pure'"):
        npmem_magic.ledger()


@needs_native
def test_native_is_the_first_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ledger.VARIABLE, raising=False)
    assert npmem_magic.ledger()[0] == "native"


WITHOUT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == "npmem_magic.record._ledger":
            raise ImportError("no compiler was here")

sys.meta_path.insert(0, Refuse())
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import numpy as np\\n%load_ext npmem_magic").raise_error()
shell.run_cell("%%memtrace --sampler off -o t\\na = np.ones(400_000)").raise_error()
print(shell.user_ns["t"].engine, shell.user_ns["t"].peak, *shell.user_ns["t"].notes)
"""


def without_native(environment: dict[str, str], folder: Path, code: str = WITHOUT) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "IPYTHONDIR": str(folder), ledger.VARIABLE: "", **environment}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def test_without_the_extension_module(tmp_path: Path) -> None:
    done = without_native({}, tmp_path)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()[-1].split(maxsplit=2)
    assert told[0] == "pure" and near(int(told[1]), B)
    assert "no compiler was here" in told[2] and "NumPy and Python" in told[2]
    assert "NumPy and Python" in done.stdout.rsplit("\npure ", 1)[0], "the report says what was counted"


def test_native_asked_for_and_not_there(tmp_path: Path) -> None:
    done = without_native({ledger.VARIABLE: "native"}, tmp_path)
    assert done.returncode != 0 and "no compiler was here" in done.stdout + done.stderr


# The parts


def test_the_curve_keeps_its_extremes_when_it_is_merged() -> None:
    steps, peak = Steps(), 3 * POINTS // 2
    for number in range(5 * POINTS):
        steps.add(number, 10**9 if number == peak else number % 100 + 1)
    times, values = steps.curve(0)
    assert len(times) <= 2 * POINTS and bool(np.all(np.diff(times) > 0))
    assert (values.max(), times[values.argmax()]) == (10**9, peak * 10**9)


def test_lumps_go_as_code_lets_go() -> None:
    lumps, hands = Lumps(), Hands()
    lumps.add_before(8000, "x")
    first = lumps.add(8000, 1, 0, hands)
    lumps.bind((0, "a"), hands, True)
    second = lumps.add(8000, 2, 0, hands)
    lumps.mark_peak()
    lumps.fall(8000, None, hands, None)
    assert (first.is_alive, second.is_alive) == (True, False), "a temporary goes before what has a name"
    lumps.fall(8000, None, hands, (0, "x"))
    assert (first.is_alive, lumps.freed_before, lumps.total) == (True, 8000, 8000)
    lumps.fall(8000, None, hands, (0, "a"))
    assert (first.is_alive, lumps.total) == (False, 0)
    assert sum(lump.nbytes for lump in lumps.at_peak()) == 16_000
