"""The instruction clock of the pure ledger: one event before each instruction of followed code.

`sys.monitoring` delivers it from 3.12 on, location by location, each switched off once it is hot; on 3.11 the trace
function does, and a frame has its instructions traced only while it runs lines that are not hot.
"""

from __future__ import annotations

import opcode
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any, Protocol

from .followed import Followed
from .plans import BATCH, HOT, Plan
from .tally import Tally

# The callbacks take their lock by hand: a `with` makes objects, which tracemalloc counts. An interrupt may be raised
# right behind any call, that of `acquire` included, or instead of it: so it stands within the `try`, and `_let_go`
# releases what this thread holds.
_FREE_IDS = (4, 3, 2, 1, 0, 5)  # those without a fixed use first
_SUSPENDS = frozenset(opcode.opmap[name] for name in ("YIELD_VALUE", "SEND") if name in opcode.opmap)


def _let_go(lock: threading.RLock) -> None:
    """Release what this thread holds of `lock`, which may be nothing."""
    with suppress(RuntimeError):
        lock.release()


class Clock(Protocol):
    """A line clock (see `lines`) that tells a tally of every instruction."""

    disable: object

    @property
    def is_listening(self) -> bool: ...
    def attach(self, followed: Followed, tally: Tally) -> None: ...
    def start(self) -> tuple[str, ...]: ...
    def follow(self, code: CodeType) -> None: ...
    def quiet(self, code: CodeType, line: int) -> object: ...
    def resume(self) -> None: ...
    def stop(self) -> None: ...


if sys.version_info >= (3, 12):
    _monitoring = sys.monitoring
    _names = _monitoring.events
    _LOCAL = _names.PY_START | _names.PY_RESUME | _names.PY_RETURN | _names.PY_YIELD | _names.INSTRUCTION
    _GLOBAL = _names.PY_START | _names.PY_UNWIND

    class InstructionClock:
        """Events by `sys.monitoring` under a tool id of its own, given back afterwards."""

        disable: object = _monitoring.DISABLE

        def __init__(self) -> None:
            self._tool: int | None = None
            self._lock = threading.RLock()
            self._newest: Plan | None = None

        def attach(self, followed: Followed, tally: Tally) -> None:
            """Whom to follow, and whom to tell."""
            self._followed, self._tally = followed, tally
            self._plans, self._newest = followed.plans, None

        def start(self) -> tuple[str, ...]:
            """Take a free tool id and listen; a sentence when there is none."""
            self._tool = next((tool for tool in _FREE_IDS if _monitoring.get_tool(tool) is None), None)
            if self._tool is None:
                return ("Other tools hold every id of sys.monitoring: there are totals, and no lines and no sites.",)
            _monitoring.use_tool_id(self._tool, "npmem_magic")
            for event, callback in self._callbacks().items():
                _monitoring.register_callback(self._tool, event, callback)
            # What an earlier trace switched off in the same functions counts again.
            _monitoring.restart_events()
            _monitoring.set_events(self._tool, _GLOBAL)
            return ()

        def _callbacks(self) -> dict[int, Callable[..., Any]]:
            return {
                _names.PY_START: self._on_start,
                _names.PY_RESUME: self._on_resume,
                _names.PY_RETURN: self._on_return,
                _names.PY_YIELD: self._on_yield,
                _names.PY_UNWIND: self._on_unwind,
                _names.INSTRUCTION: self._on_instruction,
            }

        @property
        def is_listening(self) -> bool:
            """Whether events come."""
            return self._tool is not None

        def follow(self, code: CodeType) -> None:
            """Nothing to do: this clock finds out by itself."""

        def quiet(self, code: CodeType, line: int) -> object:
            """Nothing to do: this clock finds out by itself."""
            return None

        def resume(self) -> None:
            """Nothing to do: events stay on."""

        def stop(self) -> None:
            """Listen to nothing and give the tool id back."""
            if self._tool is None:
                return
            _monitoring.set_events(self._tool, 0)
            for plan in self._plans.values():
                _monitoring.set_local_events(self._tool, plan.code, 0)
            for event in self._callbacks():
                _monitoring.register_callback(self._tool, event, None)
            _monitoring.free_tool_id(self._tool)
            self._tool = None

        def _on_resume(self, code: CodeType, offset: int) -> object:
            return self._on_start(code, offset, True)

        def _on_start(self, code: CodeType, offset: int, is_resumed: bool = False) -> object:
            plan = self._plans.get(id(code))
            is_new = plan is None
            if not self._tally.is_on or self._tool is None:
                return self.disable
            if plan.is_off if plan is not None else not self._followed.wants(code):
                return self.disable
            try:
                self._lock.acquire()
                self._tally.read(offset)
                plan = plan or self._followed.add(code)
                if self._tally.enter(plan, is_resumed):
                    _monitoring.set_local_events(self._tool, code, 0)
                elif is_new:
                    _monitoring.set_local_events(self._tool, code, _LOCAL)
                self._tally.done()
                self._lock.release()
            except BaseException:
                _let_go(self._lock)
                raise
            return self.disable if plan.is_off else None

        def _on_instruction(self, code: CodeType, offset: int) -> object:
            plan = self._newest
            if plan is None or plan.code is not code:
                plan = self._newest = self._plans.get(id(code))
            if plan is None or plan.is_off or not self._tally.is_on or plan.silent[offset >> 1]:
                return self.disable
            try:
                self._lock.acquire()
                is_hot = self._tally.step(plan, offset)
                self._lock.release()
            except BaseException:
                _let_go(self._lock)
                raise
            return self.disable if is_hot else None

        def _on_return(self, code: CodeType, offset: int, value: object) -> None:
            self._on_end(code, offset, True)

        def _on_yield(self, code: CodeType, offset: int, value: object) -> None:
            self._on_end(code, offset, False)

        def _on_unwind(self, code: CodeType, offset: int, error: BaseException) -> None:
            self._on_end(code, offset, True)

        def _on_end(self, code: CodeType, offset: int, is_end: bool) -> None:
            plan = self._plans.get(id(code))
            if plan is not None and not plan.is_off and self._tally.is_on:
                try:
                    self._lock.acquire()
                    self._tally.read(offset)
                    self._tally.leave(plan, is_end)
                    self._tally.done()
                    self._lock.release()
                except BaseException:
                    _let_go(self._lock)
                    raise


class OpcodeClock:
    """Events by the trace function; the one found is put back, for this thread and for new ones."""

    disable: object = None

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.RLock()

    def attach(self, followed: Followed, tally: Tally) -> None:
        """Whom to follow, and whom to tell."""
        self._followed, self._tally = followed, tally
        self._plans = followed.plans
        tally.by_line = True

    def start(self) -> tuple[str, ...]:
        """Set the trace function of this thread and of those that start from now on."""
        self._found, self._found_for_threads = sys.gettrace(), threading.gettrace()
        self._is_set = True
        threading.settrace(self._on_call)
        sys.settrace(self._on_call)
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
        """Nothing to do: this clock finds out by itself."""
        return None

    def resume(self) -> None:
        """Nothing to do: the trace function stays."""

    def stop(self) -> None:
        """Put back what was found."""
        if self._is_set:
            self._is_set = False
            sys.settrace(self._found)
            threading.settrace(self._found_for_threads)

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        plan = self._plans.get(id(code))
        if not self._tally.is_on or (plan.is_off if plan is not None else not self._followed.wants(code)):
            return None
        try:
            self._lock.acquire()
            self._tally.read(0)
            plan = plan or self._followed.add(code)
            is_off = self._tally.enter(plan, plan.bytecode[frame.f_lasti + 1] & 3 > 0)
            if not is_off:
                frame.f_trace_opcodes, frame.f_trace_lines = True, False
            self._tally.done()
            self._lock.release()
        except BaseException:
            _let_go(self._lock)
            raise
        return None if is_off else self._on_event

    def _on_event(self, frame: FrameType, event: str, argument: object) -> Any:
        plan = self._plans[id(frame.f_code)]
        if plan.is_off or not self._tally.is_on:
            frame.f_trace_opcodes = frame.f_trace_lines = False
            return None
        if event == "line":
            self._on_line(frame, plan)
        elif event == "opcode":
            offset = frame.f_lasti
            if plan.silent[offset >> 1]:
                return self._on_event
            try:
                self._lock.acquire()
                if self._tally.step(plan, offset):
                    frame.f_trace_opcodes, frame.f_trace_lines = False, True
                self._lock.release()
            except BaseException:
                _let_go(self._lock)
                raise
        elif event == "return":
            self._on_return(frame, plan)
        return self._on_event

    def _on_line(self, frame: FrameType, plan: Plan) -> None:
        """While hot lines run there are line events only; the first line that is not hot ends that."""
        line = plan.line_of[frame.f_lasti // 2]
        if plan.counts[frame.f_lasti // 2] * BATCH < HOT or self._tally.lines.of(plan, line).is_loud:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False

    def _on_return(self, frame: FrameType, plan: Plan) -> None:
        is_end = plan.bytecode[frame.f_lasti] not in _SUSPENDS
        try:
            self._lock.acquire()
            self._tally.read(0)
            self._tally.leave(plan, is_end)
            self._tally.done()
            self._lock.release()
        except BaseException:
            _let_go(self._lock)
            raise


def make() -> Clock:
    """The instruction clock of this interpreter."""
    if sys.version_info >= (3, 12):  # written so that mypy, too, sees which class exists
        return InstructionClock()
    else:
        return OpcodeClock()
