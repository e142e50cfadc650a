"""The line clock: one event for each line that begins in followed code.

Two ways to get it: `sys.monitoring` from 3.12 on, where events of hot lines are switched off one by one; the trace
function on 3.11, set from C, which leaves while only hot lines run. Both write into the native ledger's tables.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from types import CodeType
from typing import Protocol

_FREE_IDS = (4, 3, 2, 1, 0, 5)  # those without a fixed use first
_NAME = "npmem_magic"  # of the tool
_CODES = 20_000  # code objects listened to; a cell that makes code without end has no line events for the rest


class Events(Protocol):
    """The callbacks that the native ledger offers."""

    def on_start(self, code: CodeType, offset: int) -> object: ...
    def on_line(self, code: CodeType, line: int) -> object: ...
    def on_return(self, code: CodeType, offset: int, value: object) -> object: ...
    def on_yield(self, code: CodeType, offset: int, value: object) -> object: ...
    def trace_here(self, wanted: bool) -> None: ...
    def trace_thread(self, frame: object, event: str, arg: object) -> None: ...


class Clock(Protocol):
    """Switched on right before the user's code, and off right after it."""

    disable: object

    @property
    def is_listening(self) -> bool: ...
    def start(self) -> tuple[str, ...]: ...
    def follow(self, code: CodeType) -> None: ...
    def quiet(self, code: CodeType, line: int) -> object: ...
    def resume(self) -> None: ...
    def stop(self) -> None: ...


if sys.version_info >= (3, 12):
    _monitoring = sys.monitoring

    class MonitoringClock:
        """Line events by `sys.monitoring` under a tool id of its own, given back afterwards."""

        disable: object = _monitoring.DISABLE

        def __init__(self, events: Events) -> None:
            self._events = events
            self._tool: int | None = None
            self._codes: dict[int, CodeType] = {}  # by id: a code object's own hash reads all of it
            self._loud: dict[int, set[int]] = {}  # the lines that are not hot yet
            self._is_on = False

        def start(self) -> tuple[str, ...]:
            """Take a free tool id and listen; a sentence when there is none."""
            names = _monitoring.events
            self._tool = next((tool for tool in _FREE_IDS if _monitoring.get_tool(tool) is None), None)
            if self._tool is None:
                return ("Other tools hold every id of sys.monitoring: lines have no hits and no times.",)
            _monitoring.use_tool_id(self._tool, _NAME)
            _monitoring.register_callback(self._tool, names.PY_START, self._events.on_start)
            _monitoring.register_callback(self._tool, names.LINE, self._events.on_line)
            _monitoring.register_callback(self._tool, names.PY_RETURN, self._events.on_return)
            _monitoring.register_callback(self._tool, names.PY_YIELD, self._events.on_yield)
            # What an earlier trace switched off in the same functions counts again.
            _monitoring.restart_events()
            self._is_on = True
            _monitoring.set_events(self._tool, names.PY_START)
            return ()

        @property
        def is_listening(self) -> bool:
            """Whether events come."""
            return self._tool is not None

        def follow(self, code: CodeType) -> None:
            """Listen to the lines of `code`; called by the ledger when the code first starts."""
            if len(self._codes) == _CODES:
                return
            names = _monitoring.events
            self._codes[id(code)], self._loud[id(code)] = code, _lines_of(code)
            self._listen(code, names.LINE | names.PY_RETURN | names.PY_YIELD)

        def quiet(self, code: CodeType, line: int) -> object:
            """A line is hot: switch its event off, and with the last line of a code object all that is left of them.

            Where a line can be jumped to from within itself, the interpreter would go on looking for an event: a fifth
            of the time of a short recursive function.
            """
            loud = self._loud.get(id(code), {line})
            loud.discard(line)
            if loud:
                return self.disable
            names = _monitoring.events
            self._listen(code, names.PY_RETURN | names.PY_YIELD)
            return None

        def _listen(self, code: CodeType, events: int) -> None:
            """A thread that outlives the run may come here while `stop` is at work, or later: it listens to nothing."""
            tool = self._tool
            if tool is None:
                return
            with suppress(ValueError):  # the tool id has been given back in this moment
                _monitoring.set_local_events(tool, code, events if self._is_on else 0)
                if not self._is_on:  # the run has ended in between
                    _monitoring.set_local_events(tool, code, 0)

        def resume(self) -> None:
            """Nothing to do: hot lines are off one by one, all others are on."""

        def stop(self) -> None:
            """Listen to nothing and give the tool id back."""
            if self._tool is None or _monitoring.get_tool(self._tool) != _NAME:  # an interrupt came before it was taken
                return
            names = _monitoring.events
            self._is_on = False
            _monitoring.set_events(self._tool, 0)
            for code in list(self._codes.values()):  # a copy: threads that outlive the run may still add to it
                _monitoring.set_local_events(self._tool, code, 0)
            for event in (names.PY_START, names.LINE, names.PY_RETURN, names.PY_YIELD):
                _monitoring.register_callback(self._tool, event, None)
            _monitoring.free_tool_id(self._tool)
            self._codes.clear()
            self._tool = None


def _lines_of(code: CodeType) -> set[int]:
    """The lines that can begin; the line of a `def` alone, where the arguments are taken, cannot."""
    lines = [line for _, _, line in code.co_lines() if line]
    return set(lines[1:] if lines and lines[0] == code.co_firstlineno else lines)


class TraceFunctionClock:
    """Line events by the trace function; the one found is put back, for this thread and for new ones."""

    disable: object = None

    def __init__(self, events: Events) -> None:
        self._events = events
        self._is_set = False

    def start(self) -> tuple[str, ...]:
        """Set the trace function of this thread and of those that start from now on."""
        self._found, self._found_for_threads = sys.gettrace(), threading.gettrace()
        threading.settrace(self._events.trace_thread)
        self._is_set = True
        self._events.trace_here(True)
        if self._found is None:
            return ()
        return ("A trace function (a debugger's or a coverage tool's) was set aside during the run and is back again.",)

    @property
    def is_listening(self) -> bool:
        """Whether events come."""
        return self._is_set

    def follow(self, code: CodeType) -> None:
        """Nothing to do: the trace function sees every frame."""

    def quiet(self, code: CodeType, line: int) -> object:
        """Nothing to do: it is the trace function that leaves."""
        return None

    def resume(self) -> None:
        """Before a statement: the trace function may have left while the one before it ran hot."""
        self._events.trace_here(True)

    def stop(self) -> None:
        """Put back what was found."""
        if not self._is_set:
            return
        self._is_set = False
        self._events.trace_here(False)
        sys.settrace(self._found)
        threading.settrace(self._found_for_threads)


def make(events: Events) -> Clock:
    """The clock of this interpreter."""
    if sys.version_info >= (3, 12):  # written so that mypy, too, sees which class exists
        return MonitoringClock(events)
    else:
        return TraceFunctionClock(events)
