"""Torture: random NumPy programs under the ledger, with everything at random that may come at a bad moment.

``python tests/torture.py SECONDS [FIRST_SEED]`` runs it by hand and prints a summary; a failure names its seed, and
``python tests/torture.py 0 SEED`` runs that one again. The pytest form is in test_torture.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import linecache
import os
import random
import signal
import sys
import threading
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from oracle import Count, handler_pointers
from tape import Tape, recording
from torture_programs import STYLES, program

import npmem_magic
from npmem_magic.cell import Cell
from npmem_magic.host import HAS_MONITORING
from npmem_magic.language import PlainPython
from npmem_magic.record import ledger, record, switch
from npmem_magic.record.dtypes import looking
from npmem_magic.trace import Trace

CAN_FORK = hasattr(os, "fork")
BREAKABLE = ("alone", "threads", "left alone", "numexpr")  # the others' libraries hold locks when they are interrupted


# On 3.11 an exception thrown into a thread that ends before it is raised leaves the interpreter's flag set for ever,
# and a thread with any trace function then goes round and round at the start of its next function.
TAKES_BACK = sys.version_info >= (3, 12)
TRIM = getattr(ctypes.pythonapi, "malloc_trim", None)  # the symbols of the process: glibc's
HOUSEKEEPING = 4000  # bytes of small buffers that NumPy's own caches keep after a first use, in the whole process


class Blow(BaseException):
    """What is thrown into threads."""


THROWN = (Blow, KeyboardInterrupt, MemoryError)


@dataclass
class Tally:
    """What was run; `drift` is the largest difference found, in bytes, between the ledger and the tape."""

    programs: int = 0
    traces: int = 0
    interrupted: int = 0
    cut: int = 0
    buffers: int = 0
    drift: int = 0
    resident: list[int] = field(default_factory=list)
    styles: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        first, last = (self.resident or [0])[0], (self.resident or [0])[-1]
        return (
            f"{self.programs} programs, {self.traces} traces judged ({self.interrupted} of runs that an interrupt "
            f"ended), {self.cut} cut off in the watchers, {self.buffers} buffers, largest drift {self.drift} bytes, "
            f"resident set {first >> 10} -> {last >> 10} KiB, at most {max(self.resident or [0]) >> 10}, "
            f"{dict(self.styles)}"
        )


class Tormentor:
    """Throws exceptions and signals into this thread, and into those it starts, at random moments."""

    def __init__(self, rng: random.Random, target: int) -> None:
        self._rng, self._target = rng, target
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def _work(self) -> None:
        for _ in range(self._rng.choice([1, 1, 2, 5])):
            if self._end.wait(self._rng.choice([0.002, 0.02, 0.05, 0.2]) * self._rng.random()):
                return
            blow = self._rng.randrange(3)
            if blow == 0 and hasattr(signal, "pthread_kill"):
                signal.pthread_kill(self._target, signal.SIGINT)
            elif blow == 1:
                throw(self._target, self._rng.choice([Blow, KeyboardInterrupt, MemoryError]))
            elif TAKES_BACK:
                others = [ident for ident in sys._current_frames() if ident != threading.get_ident()]
                throw(self._rng.choice(others), Blow)

    def end(self) -> None:
        self._end.set()
        self._thread.join()
        for _ in range(100):  # what was thrown last hits here
            pass


def throw(ident: int, what: type[BaseException]) -> None:
    """Raise `what` in a thread at its next instruction."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(what))


def insist(action: Callable[[], object], tries: int = 20) -> None:
    """Do it, whatever is thrown meanwhile: what is thrown between two tries meets the outer one."""
    try:
        action()
    except THROWN:
        if not tries:
            raise
        try:
            insist(action, tries - 1)
        except THROWN:
            insist(action, tries - 1)


class Stage:
    """One run in random surroundings: collector, thread switches, other people's tools; as they were afterwards."""

    def __init__(self, rng: random.Random, tape: Tape | None, tormented: bool) -> None:
        self.error: BaseException | None = None
        self._rng, self._tape, self._begun = rng, tape, False
        self._undo: list[Callable[[], object]] = []
        self._tormentor = Tormentor(rng, threading.get_ident()) if tormented else None

    def run(self, work: Callable[[], object]) -> None:
        """Run `work`; called again, go on with what was interrupted of the cleaning up."""
        if not self._begun:
            self._begun = True
            self._set_up()
            try:
                if self._tormentor:
                    self._tormentor.begin()
                work()
            except BaseException as error:
                self.error = error
        if self._tormentor:
            self._tormentor.end()
        while self._undo:
            self._undo[-1]()
            self._undo.pop()

    def _set_up(self) -> None:
        rng, threshold, interval = self._rng, gc.get_threshold(), sys.getswitchinterval()
        self._undo = [lambda: gc.set_threshold(*threshold), lambda: sys.setswitchinterval(interval), gc.enable]
        gc.set_threshold(*rng.choice([(1, 1, 1), (7, 3, 2), (700, 10, 10), (700, 10, 10), (100_000, 10, 10)]))
        sys.setswitchinterval(rng.choice([1e-6, 1e-4, 0.005, 0.005]))
        if rng.random() < 0.1 and not tracemalloc.is_tracing():
            self._undo.append(tracemalloc.stop)
            tracemalloc.start(rng.choice([1, 5]))
        if self._tape is not None and rng.random() < 0.1:
            self._undo.append(self._tape.set_other_handler())
        if rng.random() < 0.05:
            gc.disable()


def plainly(source: str, names: dict[str, Any]) -> None:
    npmem_magic.trace(source, namespace=names, sampler="off", verify=False)


def with_python(source: str, names: dict[str, Any]) -> None:
    npmem_magic.trace(source, namespace=names, sampler="off", python=True, verify=False)


def with_facts(source: str, names: dict[str, Any]) -> None:
    """As the magics about dtypes do: names are looked at when a line first runs."""
    recording = record(Cell.from_source(source, PlainPython(), names), names, looking("off"))
    npmem_magic.last = recording.trace
    if recording.outcome.error is not None:
        raise recording.outcome.error


def state() -> dict[str, Any]:
    """What a trace has to put back."""
    found: dict[str, Any] = {
        "handler": handler_pointers(),
        "trace functions": (sys.gettrace(), threading.gettrace(), sys.getprofile()),
        "counting": ledger.running(),
        "tracemalloc": tracemalloc.is_tracing(),
        "NumPy's errors": (np.geterr(), np.geterrcall()),
    }
    if HAS_MONITORING:
        tools = [(tool, sys.monitoring.get_tool(tool)) for tool in range(6)]
        found["monitoring"] = [(tool, name, name and sys.monitoring.get_events(tool)) for tool, name in tools]
    return found


def run_one(seed: int, tape: Tape | None, tally: Tally) -> None:
    """One program: run it, and hold everything that must be true afterwards."""
    rng = random.Random(seed)
    style = rng.choice([style for style in STYLES if style != "fork" or CAN_FORK])
    source = program(seed, style)
    names: dict[str, Any] = {"np": np, "ne": _numexpr(), "seed": seed, "old": _older(rng)}
    if tape is not None:
        tape.read()
    before, last = state(), npmem_magic.last
    tormented = style in BREAKABLE and rng.random() < 0.4
    stage, watch = Stage(rng, tape, tormented), rng.choice([plainly, plainly, plainly, with_python, with_facts])
    insist(lambda: stage.run(lambda: watch(source, names)))
    error = stage.error
    if error is not None and not tormented:
        raise error
    _end_strays(names)
    gc.collect()
    after = state()
    assert after == before, {what: (before[what], found) for what, found in after.items() if found != before[what]}
    count = tape.read() if tape is not None else None
    tally.programs += 1
    tally.styles[style] += 1
    tally.interrupted += isinstance(error, THROWN)
    trace = npmem_magic.last
    if trace is None or trace is last:
        assert tormented
        tally.cut += 1
        return
    tally.traces += 1
    if tape is not None and count is not None:
        _judge(trace, tape, count, tally)
    if trace.engine == "native":
        _is_consistent(trace)
    if tape is not None and not tormented and style != "left alone":
        _holds_what_lives(tape, names)


def _end_strays(names: dict[str, Any]) -> None:
    """Threads that the program left running are asked to end, and waited for, and so is what waits for them."""
    names.get("stop", []).append(1)
    for thread in [*names.get("threads", ()), *names.get("strays", ())]:
        if thread.ident:
            thread.join()
    switch.settle()


def _judge(trace: Trace, tape: Tape, count: Count, tally: Tally) -> None:
    """The ledger against the tape, to the byte."""
    sites = sum(site.net for site in trace.expressions)
    unknown = any("reached by no name" in note for note in trace.notes)
    assert bool(tape.untold) <= unknown
    pairs = {
        "peak": (trace.peak, count.peak),
        "net": (trace.net, count.net),
        "gross": (trace.gross, count.gross),
        "alive at the peak": (sum(held.nbytes for held in trace.at_peak), count.alive_at_peak),
        "alive": (sites, count.net + count.freed_earlier),
    }
    tally.buffers += tape.births
    tally.drift = max(tally.drift, *(abs(ours - theirs) for ours, theirs in pairs.values()))
    assert all(ours == theirs for ours, theirs in pairs.values()), pairs


def _is_consistent(trace: Trace) -> None:
    times, allocated = trace.timeline
    assert bool(np.all(np.diff(times) >= 0))
    assert max([0, *allocated.tolist()]) == trace.peak and allocated[-1] == trace.net
    assert sum(site.gross for site in trace.expressions) == trace.gross
    assert all(0 <= site.net <= site.peak <= site.gross and site.hits >= 1 for site in trace.expressions)
    assert all(max(0, line.net) <= line.gross for line in trace.lines)


def _holds_what_lives(tape: Tape, names: dict[str, Any]) -> None:
    """The buffers that were born in the trace and live are those of the arrays that can be reached."""
    arrays = {array.__array_interface__["data"][0]: array for array in _arrays(names) if array.flags.owndata}
    for address, nbytes in tape.born.items():
        if address in arrays:
            assert nbytes == max(arrays.pop(address).nbytes, 1)
        else:
            tape.lost += nbytes
    assert tape.lost <= HOUSEKEEPING


def _arrays(names: dict[str, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """Every array that the program's pools reach."""
    seen: dict[int, object] = {}
    todo: list[object] = [names["pools"], names["old"], names.get("a"), names.get("b")]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, (type, ModuleType)) or thing is names:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, np.ndarray):
            yield thing
            todo += [thing.base, *(thing.ravel() if thing.dtype == object else ())]
        todo += gc.get_referents(thing)


def _older(rng: random.Random) -> list[np.ndarray[Any, Any]]:
    return [np.ones(rng.randrange(1, 5000)) for _ in range(rng.randrange(12))]


def _numexpr() -> Any:
    try:
        import numexpr
    except ImportError:
        return None
    return numexpr


def resident() -> int:
    """Bytes of this process in memory, less what its allocator could give back; 0 where there is no /proc."""
    if TRIM is not None:
        TRIM(0)
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Interrupts raise, and what they raise in a thread or a `__del__` is not printed."""
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook = sys.unraisablehook = lambda arguments: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        signal.signal(signal.SIGINT, found)


def torture(seconds: float, first: int = 0, patience: int = 0) -> Tally:
    """Run programs for so long, at least one; AssertionError names the seed.

    With `patience`, in seconds, one that takes longer ends the process with the stacks of all threads.
    """
    is_native = npmem_magic.ledger()[0] == "native"  # asked now: the self-test counts too
    assert np.fft and np.linalg and np.ma and np.random  # loaded now: an interrupted import leaves its lock behind
    tally, seed, end = Tally(), first, time.monotonic() + seconds
    with recording() if is_native else contextlib.nullcontext() as tape, quiet():
        while True:
            if patience:
                faulthandler.dump_traceback_later(patience, exit=True)
                if seed % 500 == 0:
                    print(f"seed {seed}: {tally}", flush=True)
            try:
                run_one(seed, tape, tally)
            except BaseException as error:
                raise AssertionError(f"Seed {seed}: {error!r}. Again: python tests/torture.py 0 {seed}") from error
            linecache.clearcache()
            gc.collect()
            tally.resident.append(resident())
            seed += 1
            if time.monotonic() >= end:
                return tally


if __name__ == "__main__":
    faulthandler.enable()
    started = time.monotonic()
    print(torture(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, 300), flush=True)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {time.monotonic() - started:.0f} s")
