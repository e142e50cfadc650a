"""Which followed frames and lines are open in each thread, for the books of the pure ledger (see `tally`)."""

from __future__ import annotations

from collections.abc import Callable
from threading import local

from .lumps import Lumps
from .plans import Entry, LineEvents, LineRecord, Lines, Plan, Thread


class _Here(local):
    """Which thread this is: found without making an object, as a thread's number would be."""

    thread: Thread | None = None


class Frames:
    """The threads, their open frames and lines; times are seconds on the monotonic clock."""

    def __init__(self, describe: Callable[[str], bytes]) -> None:
        self.lumps = Lumps()
        self.lines = Lines(describe)
        self.events = LineEvents()
        self.switched_off = 0
        self.is_between = True  # no statement runs, so what is taken is not the user's
        self._time = self._executions = 0.0
        self._main = Thread(0)
        self._threads = [self._main]
        self._here = _Here()
        self._here.thread = self._main

    def _thread(self) -> Thread:
        found = self._here.thread
        if found is None:
            found = self._here.thread = Thread(len(self._threads))
            self._threads.append(found)
        return found

    def _found(self, thread: Thread, plan: Plan) -> Entry:
        """The frame of an event that is not the innermost one: others ended silently, or it went on after a yield."""
        at = thread.place_of(plan)
        if at >= 0:
            self._close_down_to(thread, at + 1)
        else:
            thread.stack.append(Entry(plan, thread.net))
            self.is_between = self.is_between and thread is not self._main
        return thread.stack[-1]

    def _begin_line(self, thread: Thread, entry: Entry, index: int, number: int) -> None:
        """As the native ledger decides: a further line of a statement, or the end of a `with`, is no new run."""
        statement = entry.plan.statements[index]
        goes_on = entry.statement == statement and entry.entry != index
        self._close_line(thread, entry)
        if not goes_on:
            self._executions += 1.0
            entry.statement, entry.entry, entry.execution = statement, index, self._executions
            entry.hands.temporaries.clear()
        line = entry.line = self._record(entry.plan, index, number)
        entry.line_number = number
        entry.net = entry.top = thread.net
        entry.gross = thread.gross
        if line.first < 0:
            line.first = index
        is_leaving = bool(statement & 1) and index != line.first
        if not line.open:
            line.opened = self._time
        line.open += 1
        thread.open[line.number] = thread.open.get(line.number, 0) + 1
        is_part = entry.plan.is_inner and len(thread.stack) > 1 and thread.stack[-2].line is line
        is_new = line.execution != entry.execution and not (is_leaving or is_part or entry.is_resumed)
        line.execution = entry.execution
        entry.is_resumed = False
        if is_new:
            line.hits += 1
            self.events.add(self._time, line.number, thread.number, len(thread.stack) - 1)

    def _record(self, plan: Plan, index: int, number: int) -> LineRecord:
        found = plan.records.get(number)
        if found is None:
            found = plan.records[number] = self.lines.of(plan, number)
        return found

    def _close_line(self, thread: Thread, entry: Entry) -> None:
        line = entry.line
        if line is None:
            return
        entry.line = None
        line.peak = max(line.peak, entry.top - entry.net)
        line.open -= 1
        if not line.open:
            line.seconds += self._time - line.opened
        thread.open[line.number] -= 1
        if not thread.open[line.number]:  # a recursive run is part of the run outside of it
            if thread.net != entry.net:
                line.net += thread.net - entry.net
            if thread.gross != entry.gross:
                line.gross += thread.gross - entry.gross
        if entry is not thread.stack[0]:
            outer = thread.stack[thread.stack.index(entry) - 1]
            outer.top = max(outer.top, entry.top)

    def _close_down_to(self, thread: Thread, keep: int, is_end: bool = True) -> None:
        while len(thread.stack) > keep:
            ended = thread.stack[-1]
            self._close_line(thread, ended)
            thread.stack.pop()
            outer = thread.stack[-1].hands if thread.stack else thread.hands
            outer.take_over(ended.hands, is_end)

    def _forget(self, plan: Plan) -> None:
        """The code is left alone: what it takes is its callers' from now on."""
        plan.is_off = True
        self.switched_off += 1
        for thread in self._threads:
            for entry in [entry for entry in thread.stack if entry.plan is plan]:
                self._close_line(thread, entry)
                thread.stack.remove(entry)
