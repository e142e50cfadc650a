"""The ledger's life: it comes with a trace, goes with it, and nothing that it saw depends on it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import tracemalloc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from oracle import handler_pointers
from tracing import K, names, near, run, run_failing, size

import npmem_magic
from npmem_magic.host import HAS_STATM, NpmemError
from npmem_magic.trace import Trace

ROOT = Path(npmem_magic.__file__).resolve().parent.parent  # the package under test, installed or not
pytestmark = pytest.mark.usefixtures("ledger")
CAN_FORK = "fork" in multiprocessing.get_all_start_methods()


def run_script(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter that finds the package."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "error::ResourceWarning"}
    command = [sys.executable, *options, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def assert_clean(code: str, *options: str) -> str:
    """Run `code`, hold that it ends well and says nothing on stderr, and return its output."""
    done = run_script(code, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_arrays_outlive_the_trace() -> None:
    here = names()
    code = "a = np.zeros(100_000)\nsmall = [np.ones(k + 1) for k in range(100)]"
    npmem_magic.trace(code, namespace=here, sampler="off")
    here["a"] += 1
    assert here["a"].sum() == 100_000
    here["a"].resize(200_000, refcheck=False)
    assert here["a"][:100_000].sum() == 100_000
    assert [part.size for part in here["small"]] == list(range(1, 101))
    here.clear()
    assert np.ones(100_000).sum() == 100_000


def watchers() -> tuple[object, ...]:
    """What either ledger looks through: NumPy's default handler, or tracemalloc."""
    return *handler_pointers(), tracemalloc.is_tracing()


def test_the_ledger_is_gone_after_a_trace() -> None:
    before = watchers()
    seen: list[tuple[object, ...]] = []
    run("seen.append(watchers())", seen=seen, watchers=watchers)
    assert watchers() == before
    assert seen[0] != before


RAISED = {
    "1 / 0": "ZeroDivisionError('division by zero')",
    "raise KeyboardInterrupt": "KeyboardInterrupt()",
    "raise SystemExit(3)": "SystemExit(3)",
    "raise MemoryError": "MemoryError()",
}


@pytest.mark.parametrize("code", RAISED)
def test_the_ledger_is_gone_after_an_error(code: str) -> None:
    before = watchers()
    with pytest.raises((ZeroDivisionError, KeyboardInterrupt, SystemExit, MemoryError)):
        run(f"a = np.zeros(N)\n{code}\nb = np.zeros(N)")
    trace = npmem_magic.last
    assert trace is not None
    assert watchers() == before
    assert trace.error == RAISED[code]
    assert (trace.net, trace.gross) == (K, K)
    assert run("a = np.zeros(N)").gross == K


def test_a_syntax_error_starts_nothing() -> None:
    before = watchers()
    with pytest.raises(SyntaxError):
        run("a = = 1")
    assert watchers() == before
    assert run("a = np.zeros(N)").gross == K


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background and it would be ignored."""
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, found)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_in_mid_cell() -> None:
    trace = run_failing(
        KeyboardInterrupt,
        """
        import signal
        a = np.zeros(N)
        signal.raise_signal(signal.SIGINT)
        b = np.zeros(N)
        """,
    )
    assert trace.error == "KeyboardInterrupt()"
    assert trace.gross == K


def test_buffers_born_before_and_freed_in_the_trace() -> None:
    here = names(a=np.zeros(size()), b=[np.zeros(10) for _ in range(50)])
    trace = npmem_magic.trace("del a\nb.clear()\nc = np.zeros(N // 2)", namespace=here, sampler="off")
    assert (trace.peak, trace.net, trace.gross) == (0 * K, -0.5 * K - 50 * 80, 0.5 * K)
    assert trace.timeline[1].tolist()[-1] == trace.net
    assert sum(holding.nbytes for holding in trace.at_peak) == 0 * K


def test_a_buffer_born_in_one_trace_dies_in_another() -> None:
    here = names()
    nets = [npmem_magic.trace(code, namespace=here, sampler="off").net for code in ("a = np.zeros(N)", "del a")]
    assert nets == [K, -K]


def test_a_buffer_that_died_between_two_traces() -> None:
    """Its address may come again: the second trace must not take the new buffer for the old."""
    here = names()
    npmem_magic.trace("a = [np.zeros(N) for _ in range(100)]", namespace=here, sampler="off")
    here.pop("a")
    trace = npmem_magic.trace("b = [np.zeros(N) for _ in range(100)]\nb.clear()", namespace=here, sampler="off")
    assert (trace.peak, trace.net, trace.gross) == (100 * K, 0 * K, 100 * K)


def test_a_trace_holds_no_array_and_no_namespace() -> None:
    here = names()
    trace = npmem_magic.trace("a = np.zeros(N)\ndef f(): return a\nb = f()", namespace=here, sampler="off")
    array, function = weakref.ref(here["a"]), weakref.ref(here["f"])
    here.clear()
    gc.collect()
    assert (array(), function(), trace.net) == (None, None, K)


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not HAS_STATM, reason="the resident set is read from /proc")
def test_many_traces_leak_nothing(ledger: str) -> None:
    code = """
        def work(n):
            part = np.zeros(n)
            return [part[k:] + 1 for k in range(20)]

        for k in range(20):
            kept = work(2000)
        words = [str(k) for k in range(1000)]
        missing
        """
    first, count = (30, 200) if ledger == "native" else (5, 25)  # where each takes twenty times as long
    for _ in range(first):
        run_failing(NameError, code)
    gc.collect()
    before = resident()
    for _ in range(count):
        run_failing(NameError, code)
    gc.collect()
    assert resident() - before < 4 * 2**20


def test_a_trace_in_a_worker_thread() -> None:
    traces: list[Trace] = []
    worker = threading.Thread(target=lambda: traces.append(run("a = np.zeros(N)")))
    worker.start()
    worker.join()
    assert (traces[0].gross, traces[0].expressions[0].source) == (K, "np.zeros(N)")


def test_two_traces_at_a_time_are_refused() -> None:
    errors: list[BaseException] = []

    def second() -> None:
        try:
            run("pass")
        except NpmemError as error:
            errors.append(error)

    trace = run("from threading import Thread\nt = Thread(target=second)\nt.start()\nt.join()", second=second)
    assert trace.error is None
    assert len(errors) == 1


# Forks


@pytest.mark.skipif(not CAN_FORK, reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_harmless() -> None:
    trace = run("""
        import os
        a = np.zeros(N)
        child = os.fork()
        if child == 0:
            b = [np.ones(5000) + k for k in range(100)]
            a = None
            os._exit(0 if b[7].sum() == 40_000 else 1)
        status = os.waitpid(child, 0)[1]
        """)
    assert (trace.error, trace.net, trace.gross) == (None, K, K)


@pytest.mark.skipif(not CAN_FORK, reason="this system does not fork")
def test_a_forked_child_that_lives_to_the_end_of_the_interpreter(ledger: str) -> None:
    output = assert_clean("""
        import os, sys, warnings
        import numpy as np
        import npmem_magic
        warnings.simplefilter("ignore", DeprecationWarning)
        names = {"np": np, "os": os}
        trace = npmem_magic.trace("a = np.zeros(100_000)\\nchild = os.fork()", namespace=names, sampler="off")
        b = np.ones(100_000) + names["a"][0]
        if names["child"] == 0:
            sys.exit(0 if b.sum() == 100_000 else 5)
        print(os.waitpid(names["child"], 0)[1], trace.gross)
        """)
    status, gross = map(int, output.split())
    assert status == 0
    assert gross == 800_000 or (ledger == "pure" and near(gross, 800_000))


@pytest.mark.skipif(not CAN_FORK, reason="this system does not fork")
def test_a_pool_of_forked_workers(ledger: str) -> None:
    output = assert_clean("""
        import multiprocessing, warnings
        import numpy as np
        import npmem_magic
        warnings.simplefilter("ignore", DeprecationWarning)

        def work(n):
            return float((np.ones(n) * 2).sum())

        code = "with context.Pool(2) as pool: sums = pool.map(work, [10**6, 2 * 10**6])"
        names = {"np": np, "work": work, "context": multiprocessing.get_context("fork")}
        trace = npmem_magic.trace(code, namespace=names, sampler="off")
        print(names["sums"], trace.error, trace.gross)
        """)
    sums, error, gross = output.rsplit(maxsplit=2)
    assert (sums, error) == ("[2000000.0, 4000000.0]", "None")
    assert int(gross) == 0 or (ledger == "pure" and int(gross) < 4 * 2**20), "Python's modules only, no child's array"


# Ends


@pytest.mark.parametrize("options", [(), ("-X", "dev")], ids=["plain", "dev mode"])
def test_the_interpreter_ends_well_with_arrays_alive(options: tuple[str, ...]) -> None:
    output = assert_clean(
        """
        import sys, threading, time
        import numpy as np
        import npmem_magic

        code = "a = [np.zeros(k) for k in range(1, 9000, 7)]\\nb = np.zeros(10**6)\\n"
        code += "class C: pass\\nc = C(); c.me = c; c.d = b"
        names = {"np": np}
        trace = npmem_magic.trace(code, namespace=names, sampler="off")
        sys.kept = names["a"]
        sys.modules["kept"] = names
        print(trace.error)
        """,
        *options,
    )
    assert output.strip() == "None"


def test_a_cell_that_ends_the_process() -> None:
    assert_clean("""
        import os
        import numpy as np
        import npmem_magic
        npmem_magic.trace("a = np.zeros(10**6)\\nos._exit(0)", namespace={"np": np, "os": os}, sampler="off")
        """)


def test_a_thread_that_allocates_while_the_interpreter_ends() -> None:
    assert_clean("""
        import threading
        import numpy as np
        import npmem_magic

        def forever():
            while True:
                np.ones(10_000).sum()

        worker = threading.Thread(target=forever, daemon=True)
        npmem_magic.trace("worker.start()\\na = np.zeros(1000)", namespace={"np": np, "worker": worker}, sampler="off")
        """)


SHELL = """
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def do(cell):
    result = shell.run_cell(cell)
    result.raise_error()
do("import numpy as np")
do("%load_ext npmem_magic")
do("%%memtrace -q --sampler off -o first\\na = np.zeros(1000)\\nb = [np.ones(k) for k in range(1, 2000)]")
assert shell.user_ns["first"].expressions, shell.user_ns["first"]
"""


@pytest.mark.parametrize(
    "then",
    [
        "do('%unload_ext npmem_magic')",
        "do('%reload_ext npmem_magic')\n"
        "do('%%memtrace -q --sampler off -o second\\nc = np.zeros(1000)\\ndel a')\n"
        "counted = shell.user_ns['second']\n"
        "assert abs(counted.net) + abs(counted.gross - 8000) <= (1000 if counted.engine == 'pure' else 0), counted",
        "do('%load_ext npmem_magic')",
        "do('%unload_ext npmem_magic')\ndo('%load_ext npmem_magic')\n"
        "do('%%memtrace -q --sampler off\\nd = np.zeros(9)')",
    ],
    ids=["unload", "reload", "load twice", "unload and load"],
)
def test_arrays_outlive_the_extension(then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    ending = "\nfor part in shell.user_ns['b']: part += 1\nassert np.ones(1000).sum() == 1000\nprint('well')"
    done = run_script(SHELL + then + ending)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith("well")
