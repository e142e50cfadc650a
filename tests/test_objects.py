"""Python objects under ``--python``: known sizes, told apart from NumPy's; and tracemalloc left as it was found.

`SLACK` is what a cell takes besides: a loop's number, names in the interpreter's tables, what its free lists keep, and
on CPython 3.11 the frame object that tracing makes for every open call.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import textwrap
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from tracing import line

import npmem_magic
from npmem_magic.host import HAS_MONITORING
from npmem_magic.record import ledger, objects
from npmem_magic.trace import Trace

SLACK = 1500
HEAD = sys.getsizeof(b"")  # bytes of a bytes object beyond its contents
KB, MB = 1000, 1_000_000
pytestmark = pytest.mark.skipif(bool(ledger._native_obstacle()), reason="the native ledger is not built here")


@pytest.fixture(autouse=True)
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ledger.VARIABLE, "native")


def run(code: str, names: dict[str, Any] | None = None, **options: Any) -> Trace:
    """The trace of `code`; what it raises is in the trace. `names` keeps what it leaves."""
    names = {} if names is None else names
    names.setdefault("np", np)
    gc.collect()
    try:
        options = {"python": True} | options
        return npmem_magic.trace(textwrap.dedent(code).strip("\n"), namespace=names, sampler="off", **options)
    except (ZeroDivisionError, KeyboardInterrupt, SystemExit):
        assert npmem_magic.last is not None
        return npmem_magic.last


def report(trace: Trace) -> str:
    """The report as text, on one line."""
    return " ".join(trace._repr_mimebundle_()[0]["text/plain"].split())


def figures(trace: Trace, number: int, function: str = "<cell>") -> tuple[int, int]:
    """Peak and net of Python objects on a line."""
    found = line(trace, number, function)
    assert found.python_peak is not None and found.python_net is not None
    return found.python_peak, found.python_net


def near(found: int | None, true: int, slack: int = SLACK) -> bool:
    return found is not None and abs(found - true) <= slack


@pytest.fixture
def already_tracing() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


# What must be left alone


@pytest.mark.parametrize("code", ["", "# nothing", "pass", "pass\npass\npass", "x = 1\ndel x", "x = None\n" * 300])
def test_an_empty_cell_costs_nothing(code: str) -> None:
    trace = run(code)
    assert (trace.python_peak, trace.python_net) == (0, 0)
    assert not trace.python_timeline[1].any() and not any(figures(trace, each.line) != (0, 0) for each in trace.lines)


def test_without_the_option_nothing_is_traced() -> None:
    names: dict[str, Any] = {}
    trace = run("import tracemalloc\nis_on = tracemalloc.is_tracing()\nx = [0] * 1000", names, python=False)
    assert names["is_on"] is False
    assert (trace.python_peak, trace.python_net, len(trace.python_timeline[0])) == (None, None, 0)
    assert {(each.python_peak, each.python_net) for each in trace.lines} == {(None, None)}
    assert "Python" not in report(trace)


@pytest.mark.parametrize(
    "code", ["x = bytes(9)", "1 / 0", "def f(): 1 / 0\nf()", "raise KeyboardInterrupt", "raise SystemExit", "stop()"]
)
@pytest.mark.parametrize("engine", ["native", "pure"])
def test_tracemalloc_is_left_off(code: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ledger.VARIABLE, engine)
    run(code, {"stop": tracemalloc.stop})
    assert not tracemalloc.is_tracing() and not objects._running


@pytest.mark.parametrize("code", ["x = bytes(9)", "1 / 0", "raise KeyboardInterrupt"])
def test_tracemalloc_is_left_on(code: str, already_tracing: None) -> None:
    mine = bytes(5 * KB)
    trace = run(code)
    assert tracemalloc.is_tracing() and tracemalloc.get_object_traceback(mine) is not None
    assert objects.RUNNING in trace.notes


def test_a_cell_that_does_not_start_leaves_tracemalloc_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "named_buffers", fail)
    with pytest.raises(KeyboardInterrupt):
        npmem_magic.trace("x = 1", namespace={}, python=True, sampler="off")
    assert not tracemalloc.is_tracing() and not objects._running


# Known sizes


def test_bytes_are_counted_to_the_byte() -> None:
    trace = run("x = bytes(10**6)\ny = bytes(5000)\ndel x")
    assert [figures(trace, number) for number in (1, 2, 3)] == [
        (MB + HEAD, MB + HEAD), (5 * KB + HEAD, 5 * KB + HEAD), (0, -MB - HEAD)
    ]  # fmt: skip
    assert (trace.python_peak, trace.python_net) == (MB + 5 * KB + 2 * HEAD, 5 * KB + HEAD)
    assert (trace.peak, trace.net, trace.gross) == (0, 0, 0)


@pytest.mark.parametrize(("code", "one"), [
    ("[str(k) for k in range(10**6, 2 * 10**6)]", 0),
    ("list(range(10**6, 2 * 10**6))", 32),  # what an int takes; `sys.getsizeof` leaves the padding out
    ("[k * 0.5 for k in range(10**6)]", 0),
])  # fmt: skip
def test_a_million_objects(code: str, one: int) -> None:
    names: dict[str, Any] = {}
    trace = run(f"x = {code}", names)
    true = sys.getsizeof(names["x"]) + sum(one or sys.getsizeof(each) for each in names["x"])
    assert near(trace.python_net, true) and near(figures(trace, 1)[1], true)
    assert trace.python_peak is not None and trace.python_net is not None and trace.python_peak >= trace.python_net


def test_a_dict_that_grows_holds_two_tables_for_a_moment() -> None:
    names: dict[str, Any] = {"keys": [str(k) for k in range(100_000)]}
    trace = run("d = {}\nfor key in keys: d[key] = None", names)
    assert near(trace.python_net, sys.getsizeof(names["d"]))
    assert trace.python_peak is not None and trace.python_peak > 1.3 * sys.getsizeof(names["d"])


def test_what_is_dropped_on_its_own_line_has_a_peak() -> None:
    names: dict[str, Any] = {}
    trace = run("n = len([str(k) for k in range(10**5, 2 * 10**5)])", names)
    assert near(trace.python_peak, 100_000 * sys.getsizeof("100000") + sys.getsizeof([*range(10**5)]), 120_000)
    assert near(trace.python_net, 0)


# Told apart from NumPy's


@pytest.mark.parametrize("code", [
    "x = np.ones(10**6)", "x = np.ones(10**6) + 1", "x = np.zeros((1000, 1000))\nx = x + x\nx *= 2", "x = old * 2",
    "x = np.arange(10**6)\nx.resize(3 * 10**6, refcheck=False)\nx.resize(10**5, refcheck=False)\ny = x[::2].copy()",
    "old.resize(3 * 10**6, refcheck=False)", "del old", "for k in range(500): x = np.ones(k)", "x = np.median(old)",
    "x = np.sort(old)[old > 2]", "x = np.concatenate([old, old])", "deep.clear()", "x = np.array(['a' * 50] * 10**4)",
])  # fmt: skip
@pytest.mark.parametrize("is_running", [False, True])
def test_arrays_are_no_python_objects(code: str, is_running: bool) -> None:
    # Once before: what is imported and cached, and what listening takes the first time that a function runs.
    run(code, {"old": np.ones(10**6), "deep": [[np.ones(10**5)]]})
    tracemalloc.start() if is_running else None
    names = {"old": np.ones(10**6), "deep": [[np.ones(10**5)]]}
    trace = run(code, names)
    names.clear()
    tracemalloc.stop()
    room = 500 * KB if "10**4)" in code else 8 * KB  # a list of 10,000 pointers; headers of a few arrays, and frames
    assert trace.python_peak is not None and trace.python_peak < room and near(trace.python_net, 0)
    assert objects.STOPPED not in trace.notes
    assert trace.python_timeline[1].min() > -KB  # a buffer that goes takes nothing of Python's with it
    assert max(trace.peak, -trace.net) > 100 * KB or "range" in code or "deep" in code


def test_headers_of_arrays_are_python_objects() -> None:
    names: dict[str, Any] = {}
    trace = run("x = [np.empty(1000) for k in range(3000)]", names)
    one = sys.getsizeof(names["x"][0]) - 8000
    true = sys.getsizeof(names["x"]) + 3000 * one
    assert trace.net == 24 * MB and trace.python_net is not None and near(trace.python_net, true, 3000 * 24 + SLACK)


def test_a_line_that_makes_both() -> None:
    words = "[str(k) for k in range(10**5, 2 * 10**5)]"
    alone = run(f"n = len({words})")
    both = run(f"x = np.ones(10**6) + len({words})")
    assert (both.peak, both.net) == (2 * 8 * MB + 8, 8 * MB) or (both.peak, both.net) == (8 * MB + 16, 8 * MB)
    assert alone.python_peak is not None and near(both.python_peak, alone.python_peak)


def test_more_small_arrays_than_are_remembered() -> None:
    trace = run("x = [np.ones(10) for k in range(70_000)]\ndel x")
    assert (trace.net, near(trace.python_net, 0)) == (0, True)


# Where


def test_lines_of_functions_and_hot_loops_are_exact() -> None:
    trace = run("""
        def make(n):
            kept = []
            for k in range(n):
                kept.append(bytes(1000))
            return kept

        a = make(3000)
        b = make(10)
        """)
    made = 3010 * (KB + HEAD)
    assert near(figures(trace, 4, "make")[1], made + 8 * 3010, 8 * 3010)
    assert near(figures(trace, 7)[1] + figures(trace, 8)[1], made + 8 * 3010, 8 * 3010)
    assert (line(trace, 4, "make").hits, line(trace, 4, "make").hot) == (3010, False)


def test_lines_add_up_to_the_whole() -> None:
    trace = run("x = [0] * 1000\ny = [x[:] for k in range(50)]\ndel x\nz = {k: str(k) for k in range(99)}\ny.clear()")
    assert sum(figures(trace, each.line)[1] for each in trace.lines) == trace.python_net


def test_a_worker_is_charged_to_its_line_and_to_the_one_that_waits() -> None:
    trace = run("""
        from threading import Thread
        def work():
            global a
            a = bytes(10**6)
            b = bytes(10**6)
        t = Thread(target=work)
        t.start(); t.join()
        """)
    assert near(figures(trace, 4, "work")[1], MB) and near(figures(trace, 5, "work")[0], MB)
    assert near(figures(trace, 7)[1], MB, 10 * KB) and near(figures(trace, 7)[0], 2 * MB, 10 * KB)
    assert near(trace.python_net, MB, 10 * KB) and near(trace.python_peak, 2 * MB, 12 * KB)


def test_texts_that_are_read_first_in_a_thread_are_not_charged() -> None:
    code = "ts = [Thread(target=work) for k in range(4)]\nfor t in ts: t.start()\nfor t in ts: t.join()\ndel t, ts"
    source = (
        "def work():\n    for k in range(2000): pass\ndef other():\n" + "    a = (1 + 2 * 3, [], 'four')[0]\n" * 1000
    )
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that others run while it is read
    for _ in range(3):
        names: dict[str, Any] = {"Thread": Thread}
        npmem_magic.trace(source, namespace=names, sampler="off")
        assert near(run(code, names).python_net, 0, 20 * KB)
    sys.setswitchinterval(before)


def test_generators_and_coroutines() -> None:
    trace = run("""
        import asyncio
        def rows(n):
            for k in range(n):
                yield bytes(10**5)
        async def fetch():
            part = bytes(10**6)
            await asyncio.sleep(0)
            return part
        x = list(rows(3))
        y = await fetch()
        z = bytes(10**4)
        """)
    assert near(figures(trace, 4, "rows")[1], 300 * KB) and near(figures(trace, 9)[1], 300 * KB)
    assert near(figures(trace, 6, "fetch")[1], MB) and near(figures(trace, 11)[0], 10 * KB)
    assert near(trace.python_net, MB + 310 * KB, 12 * KB)


def test_an_error_keeps_what_its_traceback_holds() -> None:
    trace = run("def f():\n    part = bytes(10**6)\n    return 1 / 0\nf()")
    assert near(figures(trace, 2, "f")[1], MB) and near(trace.python_net, MB, 4 * KB)


def test_the_curve_has_the_peak() -> None:
    trace = run("x = bytes(10**6)\ny = bytes(10**6)\ndel x, y\nz = bytes(5000)")
    times, values = trace.python_timeline
    assert values.max() == trace.python_peak and values[-1] == trace.python_net and values[0] == 0
    assert bool((np.diff(times) >= 0).all()) and times[-1] <= trace.seconds * 1e9 + 1


# What cannot be known


def test_what_was_there_before_counts_only_where_tracemalloc_knew_it() -> None:
    assert near(run("del old", {"old": [bytes(KB) for _ in range(1000)]}).python_net, 0)
    tracemalloc.start()
    names = {"old": [bytes(KB) for _ in range(1000)]}
    trace = run("del old", names)
    tracemalloc.stop()
    assert near(trace.python_net, -1000 * (KB + HEAD) - 8000, 2 * KB)


@pytest.mark.parametrize("call", ["stop", "clear_traces"])
def test_a_cell_that_stops_tracemalloc(call: str) -> None:
    trace = run(
        f"x = bytes(10**6)\nz = np.ones(10**6)\ntracemalloc.{call}()\ny = bytes(10**6)", {"tracemalloc": tracemalloc}
    )
    assert objects.STOPPED in trace.notes and near(trace.python_net, MB)


@pytest.mark.skipif(not HAS_MONITORING, reason="the trace function has no ids")
def test_without_lines_nothing_is_guessed() -> None:
    free = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None]
    for tool in free:
        sys.monitoring.use_tool_id(tool, "another tool")
    trace = run("x = bytes(10**6)")
    for tool in free:
        sys.monitoring.free_tool_id(tool)
    assert (trace.python_peak, trace.python_net) == (None, None) and objects.NO_LINES in trace.notes


def test_the_pure_ledger_tells_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ledger.VARIABLE, "pure")
    trace = run("x = np.ones(10**6)\ny = bytes(10**6)\nold *= 2\nold = None", {"old": np.ones(10**5)})
    assert near(trace.python_net, MB, 3 * KB) and trace.python_peak is None
    assert objects.TOGETHER in trace.notes and any("--python took" in note for note in trace.notes)
    assert "Python objects kept 97" in report(trace)
    assert run("pass").python_net == 0


# The report and the door


def test_the_slow_down_is_measured_and_said() -> None:
    trace = run("x = [str(k) for k in range(1000)]")
    (said,) = (note for note in trace.notes if note.startswith("--python slows the run down"))
    found = re.search(r"takes ([\d,]+) ns to make and drop instead of ([\d,]+) \(x([\d.]+), measured", said)
    assert found and int(found[1].replace(",", "")) > 0 and int(found[2].replace(",", "")) > 0
    assert re.search(r"\d readings took [\d.]+ [µmn]?s of the ", said)


def test_the_magic_takes_the_option(ip: InteractiveShell) -> None:
    ip.run_cell("%%memtrace --python -q -o t\nx = bytes(10**6)")
    assert ip.user_ns["t"].python_peak == MB + HEAD
    ip.run_cell("%memtrace --python -q -o t y = bytes(10**5)")
    assert near(ip.user_ns["t"].python_net, MB // 10, 8 * KB)  # the shell's own table of names may grow
    ip.run_cell("%%memtrace -q -o t\nx = bytes(10**6)")
    assert ip.user_ns["t"].python_peak is None


def test_an_older_file_has_no_python_objects(tmp_path: Path) -> None:
    path = run("x = bytes(10**6)").save(tmp_path / "t.json")
    assert npmem_magic.load(path).python_peak == MB + HEAD
    document = json.loads(path.read_text())
    for part in (document["trace"], *document["trace"]["lines"]):
        for name in [name for name in part if name.startswith("python")]:
            del part[name]
    path.write_text(json.dumps(document))
    assert npmem_magic.load(path).python_peak is None and npmem_magic.load(path).lines[0].python_net is None


def test_the_report_shows_them() -> None:
    trace = run("x = bytes(3 * 2**20)\ny = np.ones(10**6)\ndel x")
    assert "Python objects up to 3.0 MiB, " in report(trace) and "net MiB Python its net" in report(trace)
    assert ">Python peak</th>" in trace._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("limit", ["100MB", ""])
def test_a_request_that_fails_takes_nothing(limit: str) -> None:
    trace = run("try:\n    np.ones(10**15)\nexcept MemoryError:\n    pass\nkept = [0] * 1000", limit=limit)
    assert figures(trace, 2)[0] < SLACK
    assert 8000 <= figures(trace, 5)[1] < 8000 + SLACK
