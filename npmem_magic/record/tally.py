"""The books of the pure ledger: between two instructions memory rose and fell, and the one that ran is charged.

`step`, `enter` and `leave` are called before an instruction of followed code runs, and at the ends of its frames,
whichever way that is found out. Each reads tracemalloc first and resets its peak last, so that what the books take
for themselves lies outside of every interval. Nothing else may run in between: all of it happens under the GIL.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from time import monotonic
from tracemalloc import get_traced_memory, reset_peak
from types import CodeType

import numpy as np

from .frames import Frames
from .lumps import LARGE
from .plans import BATCH, CALLS, HOT, QUIET, Entry, Plan, Sites, Steps, Thread

FOREIGN = 1 << 18  # bytes; a change of that size between statements, or within our own code, is another thread's
LITTLE = 256  # bytes; until so much has come together within a line, the books are left alone
_INT = sys.getsizeof(1000)  # an instruction's offset is an object of its own from 257 on

# Part of Python's C interface since 3.12, and there under the same name before.
_untrack = ctypes.pythonapi.PyTraceMalloc_Untrack
_untrack.argtypes = [ctypes.c_uint, ctypes.c_size_t]
_DOMAIN = np.lib.tracemalloc_domain


def _forget_failed() -> int:
    """Bytes of a request that failed: up to 2.4 NumPy tells tracemalloc of it, too, as a buffer at address 0."""
    before = get_traced_memory()[0]
    _untrack(_DOMAIN, 0)
    lost = before - get_traced_memory()[0]
    reset_peak()
    return lost if lost >= LARGE else 0


class Tally(Frames):
    """Everything counted in one run; times are seconds on the monotonic clock.

    Every object that is made in here costs a microsecond, as tracemalloc counts it. So the way that most events take,
    `_is_little`, makes none but what the reading brings; floats come out of a stock.
    """

    def __init__(self, describe: Callable[[str], bytes]) -> None:
        super().__init__(describe)
        self.is_on = False
        self.sites = Sites(self.lumps)
        self.steps = Steps()
        self.level = self.peak = self.gross = self.peak_site = 0
        self.peak_time = self.started = 0.0
        # The time of the last event, an object of its own: what is made while the books are closed has to go meanwhile.
        self._last = 0.0
        self._marked = self._named_at_peak = 0
        self.bias = self.peak_bias = 0  # what a pair of readings sees of itself
        self.by_line = False  # whole lines are left alone, not single instructions
        self._base = self._seen = self._extra = 0
        self._plans = 0
        self._is_first = False  # code was followed anew at the last event
        self._is_heavy = False  # our own code takes much memory right now
        self._running = self._main

    def plan(self, code: CodeType, is_whole: bool) -> Plan:
        """A code object that will be followed."""
        self._is_heavy = True
        self._plans += 1
        self.lines.read(code.co_filename)
        plan = Plan(code, self._plans, is_whole)
        plan.statements = [self.lines.statement(code.co_filename, line) for line in plan.line_of]
        return plan

    def begin(self) -> None:
        """Count from here on."""
        self.started = self._time = self._last = monotonic()
        self.steps.add(self._time, 0)
        self.is_on = True
        reset_peak()
        self._base = get_traced_memory()[0]

    def end(self) -> float:
        """Count no further; the time of the end."""
        if self.is_on:
            self.read(0)
            self.is_on = False
        for thread in self._threads:
            self._close_down_to(thread, 0)
        self.steps.add(self._time, self.level)
        return self._time

    # What the clocks call: read, say what runs now, done

    def read(self, offset: int) -> None:
        """Charge what happened since the last event to the instruction that ran."""
        current, peak = get_traced_memory()
        reset_peak()
        extra = _INT if offset > 256 else 0
        change = self._extra - extra
        delta = current - self._base - self.bias + change
        excess = peak - self._base - self.peak_bias + change
        if delta >= LARGE:
            failed = _forget_failed()
            current, delta, excess = current - failed, delta - failed, excess - failed
        self._seen, self._extra = current, extra
        now = monotonic()
        self._time = self._last + 0.0
        if delta or excess > 0:
            self._change(delta, excess, now)
        self._time, self._last, self._is_first = now, now + 0.0, False

    def done(self) -> None:
        """The books are closed until the next event."""
        self._base, peak = get_traced_memory()
        reset_peak()
        if not self._is_heavy:
            moved, excess = self._base - self._seen, peak - self._seen
            if excess > FOREIGN or (len(self._threads) > 1 and not -LARGE < moved < LARGE):
                self._charge(self._other(), moved, excess, self._time)
        self._is_heavy = False

    def _other(self) -> Thread:
        """Who took memory while the books were written: a thread that waits for them now, most likely."""
        waiting = [thread for thread in self._threads if thread.stack and thread is not self._running]
        return waiting[-1] if waiting else self._running

    def enter(self, plan: Plan, is_resumed: bool = False) -> bool:
        """A followed frame starts or goes on; True when its code should be left alone from now on."""
        thread = self._thread()
        plan.calls += 1
        if plan.calls > (QUIET if plan.is_loud else CALLS):
            self._forget(plan)
            return True
        self._running = thread
        self.is_between = self.is_between and thread is not self._main
        self._is_first = plan.calls == 1
        thread.stack.append(Entry(plan, thread.net, is_resumed))
        return False

    def leave(self, plan: Plan, is_end: bool) -> None:
        """A followed frame returns, yields or is unwound."""
        thread = self._thread()
        self._running = thread
        at = thread.place_of(plan)
        if at >= 0:
            self._close_down_to(thread, at, is_end)
        if is_end and plan.is_root and not thread.stack and thread is self._main:
            self.is_between = True

    def step(self, plan: Plan, offset: int) -> bool:
        """An instruction runs next; True when its location should be left alone from now on."""
        index = plan.numbers[offset >> 1]  # an object that is there: one made here would be kept by the entry
        if self._is_little(plan, index):
            reset_peak()
            return False
        self.read(offset)
        is_over = self._step(plan, index)
        self.done()
        return is_over

    def _is_little(self, plan: Plan, index: int) -> bool:
        """Whether little has happened since the books were closed, and the line goes on: they stay closed then."""
        current, peak = get_traced_memory()
        thread = self._running
        if not -LITTLE < current - self._base < LITTLE or peak - self._base > LITTLE:
            return False
        if self._here.thread is not thread or not thread.stack:
            return False
        entry = thread.stack[-1]
        few = plan.few[index] + 1
        if entry.plan is not plan or plan.line_of[index] != entry.line_number or plan.starts[index] or few == BATCH:
            return False
        if index in plan.names and (entry.hands.temporaries or entry.hands.bound):
            return False  # a name is bound to something large
        plan.few[index] = few
        entry.index = index
        self._last = monotonic()
        return True

    def _step(self, plan: Plan, index: int) -> bool:
        thread = self._running = self._thread()
        stack = thread.stack
        entry = stack[-1] if stack and stack[-1].plan is plan else self._found(thread, plan)
        line = plan.line_of[index]
        if line and (line != entry.line_number or (index <= entry.index and plan.starts[index])):
            self._begin_line(thread, entry, index, line)
        entry.index = index
        if index in plan.names:
            self.lumps.bind(plan.names[index][0], entry.hands, plan.names[index][1])
        plan.few[index] += 1
        if plan.few[index] < BATCH:
            return False
        plan.few[index] = 0
        plan.counts[index] += 1
        return plan.counts[index] * BATCH >= HOT and self._is_over(plan, index, entry)

    # Charging

    def _change(self, delta: int, excess: int, now: float) -> None:
        if self._is_first and max(abs(delta), excess) < LARGE:
            return  # the interpreter's own tables for the events of code that is followed from now on
        if self.is_between:
            if max(abs(delta), excess) >= FOREIGN and len(self._threads) > 1:
                self._charge(Thread(0), delta, excess, now)
            return
        thread = self._running
        if thread is self._main:
            # Two instructions were on their way: of the cell's, which waits more often than not, and of a worker's.
            arrived = self._thread()
            thread = self._running = arrived if arrived.stack else thread
        self._charge(thread if thread.stack else self._main, delta, excess, now)

    def _charge(self, thread: Thread, delta: int, excess: int, now: float) -> None:
        """Memory rose to `excess` above the last reading, and is `delta` above it now."""
        rise = max(excess, delta, 0)
        fall = rise - delta
        entry = thread.stack[-1] if thread.stack else None
        site = self._site(entry)
        thread.take(delta, rise)
        if entry is None:
            nowhere = self.lines.records[0]
            nowhere.gross += rise
            nowhere.net += delta
        self.gross += rise
        if rise:
            self.sites.gross[site] += rise
            self.sites.hits[site] += 1
        hands = entry.hands if entry and self._running.stack else self._running.hands
        fresh = self.lumps.add(rise, site, self._time, hands) if rise >= LARGE else None
        if abs(delta) < LARGE:
            self.sites.small[site] += delta
        if thread is not self._main:  # the line of the cell that waits for a worker is charged, too
            self._main.take(delta, rise)
        self.level += rise
        if self.level > self.peak:
            self.peak = self.level
            # A few bytes more, of Python's objects, do not make another moment of it.
            if fresh is not None or self.level - self._marked >= LARGE or self._marked < LARGE:
                self._mark_peak(site)
        if fresh is not None:
            self.steps.add(self._time, self.level)
        self.level -= fall
        if fall >= LARGE:
            named = entry.plan.names.get(entry.index) if entry else None
            self.lumps.fall(fall, fresh, hands, named[0] if named else None)
        over = self.lumps.total - self.level - self.lumps.freed_before
        if over > 0:
            self.lumps.shrink(over)
        if abs(self.level - self.steps.last) >= LARGE:
            self.steps.add(now, self.level)
        if entry is not None and (rise >= LARGE or fall >= LARGE):
            entry.grow_loud()

    def _site(self, entry: Entry | None) -> int:
        if entry is None:
            return 0
        found = entry.plan.sites.get(entry.index)
        if found is None:
            line = self.lines.of(entry.plan, entry.plan.place(entry.index)[0] or entry.line_number)
            found = self.sites.of(entry.plan, entry.index, line.number)
        return found

    def _mark_peak(self, site: int) -> None:
        self._marked, self.peak_time, self.peak_site = self.level, self._time, site
        self.lumps.mark_peak()
        self._named_at_peak = self.lumps.total - self.lumps.freed_before

    @property
    def small_at_peak(self) -> int:
        """Bytes of the peak that belong to no lump."""
        return max(0, self.peak - self._named_at_peak)

    def _is_over(self, plan: Plan, index: int, entry: Entry) -> bool:
        """Whether a location that has run often may go: it takes little, and no line that takes much begins there."""
        is_line = plan.starts[index] or self.by_line
        keeps = plan.loud[index] or (is_line and entry.line is not None and entry.line.is_loud)
        if keeps and plan.counts[index] * BATCH < QUIET:
            if not self.by_line:  # it has to take much again within the next BATCH times: a dict grows ever more seldom
                plan.loud[index] = 0
                if is_line and entry.line is not None:
                    entry.line.is_loud = False
            return False
        self.switched_off += 1
        if plan.starts[index] and entry.line is not None:
            entry.line.is_off = True
        return True
