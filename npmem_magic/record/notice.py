"""When a line of followed code first runs, its facts are noted, read from a frame that is left as it was."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import CodeType, FrameType
from typing import Protocol

from ..syntax import Text
from .facts import Fact, Noted, facts_at, names_written, paths_bound, paths_read

_FREE_IDS = (4, 3, 2, 1, 0, 5)  # those without a fixed use first
_NAME = "npmem_magic facts"  # of the tool
_PATHS = 64  # names noted for one statement
_LINES = 20_000  # lines noted in one run
_OPTIMIZED = 1  # CO_OPTIMIZED: a function's code, whose locals are no dict
_LOCALS_READ = frozenset({"locals", "vars", "dir", "eval", "exec"})

if sys.version_info >= (3, 13):

    def _local(frame: FrameType, name: str) -> object:
        """A local variable of a function's frame; NameError where it is not bound."""
        names = frame.f_locals  # a view of the frame, no copy
        if name not in names:
            raise NameError(name)
        return names[name]

    def _forget(frame: FrameType) -> None: ...

elif sys.version_info >= (3, 12):
    _variable = ctypes.pythonapi.PyFrame_GetVar  # new in 3.12: one local variable, without a copy of all
    _variable.restype = ctypes.py_object
    _variable.argtypes = [ctypes.py_object, ctypes.py_object]

    def _local(frame: FrameType, name: str) -> object:
        return _variable(frame, name)

    def _forget(frame: FrameType) -> None: ...

else:

    def _local(frame: FrameType, name: str) -> object:
        if _LOCALS_READ & set(frame.f_code.co_names):  # it may hold the very dict that `_forget` would empty
            raise NameError(name)
        names = frame.f_locals
        if name not in names:
            raise NameError(name)
        return names[name]

    def _forget(frame: FrameType) -> None:
        """Empty the copy that the frame keeps: it would hold every array until the function returns."""
        if not _LOCALS_READ & set(frame.f_code.co_names):
            frame.f_locals.clear()


class Watcher(Protocol):
    """Notes facts while code runs."""

    def start(self) -> tuple[str, ...]: ...
    def stop(self, namespace: Mapping[str, object]) -> tuple[Noted, ...]: ...
    def trouble(self) -> str: ...


class _Notes:
    """What has been noted, and how."""

    def __init__(self, files: frozenset[str], codes: frozenset[int], text: Callable[[str], Text]) -> None:
        self.files, self.codes, self._text = files, codes, text
        self.trouble = ""
        self.noted: dict[tuple[str, int, str], Noted] = {}
        self._plans: dict[tuple[str, int], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._open: dict[int, tuple[Noted, tuple[str, ...]]] = {}

    def wants(self, code: CodeType) -> bool:
        """Whether the lines of `code` are to be noted."""
        return code.co_filename in self.files or id(code) in self.codes

    def line(self, frame: FrameType, number: int) -> None:
        """A line begins for the first time. What goes wrong in noting must not reach the cell: it ends the noting."""
        try:
            self._line(frame, number)
        except Exception as error:
            self.files, self.codes = frozenset(), frozenset()
            self.trouble = f"Facts about names were noted up to line {number} only ({type(error).__name__}: {error})."

    def _line(self, frame: FrameType, number: int) -> None:
        code = frame.f_code
        text = self._text(code.co_filename)
        statement = text.statements.get(number)
        if statement is None or len(self.noted) >= _LINES:
            return
        names = _Names(frame)
        before = self._open.pop(id(frame), None)
        if before is not None:
            before[0].after.update(names.facts(before[1]))
        key = code.co_filename, statement.lineno, code.co_name
        if key not in self.noted:
            reads, binds = self._plan(text, code.co_filename, statement.lineno)
            written = tuple(name for each in text.starting.get(statement.lineno, ()) for name in names_written(each))
            noted = Noted(code.co_filename, statement.lineno, code.co_name, names.facts(reads), writes=written)
            self.noted[key] = noted
            if binds:
                self._open[id(frame)] = noted, binds
        names.close()

    def finish(self, namespace: Mapping[str, object]) -> tuple[Noted, ...]:
        """All that was noted, in the order it ran; what the top level bound last is read from `namespace`."""
        for noted, binds in self._open.values():
            if noted.function == "<module>":
                noted.after.update(facts_at(binds, lambda name: (name in namespace, namespace.get(name))))
        self._open.clear()
        return tuple(self.noted.values())

    def _plan(self, text: Text, filename: str, line: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if (filename, line) not in self._plans:
            statements = text.starting.get(line) or []
            reads = dict.fromkeys(path for each in statements for path in paths_read(each))
            binds = dict.fromkeys(path for each in statements for path in paths_bound(each))
            self._plans[filename, line] = tuple(reads)[:_PATHS], tuple(binds)[:_PATHS]
        return self._plans[filename, line]


class _Names:
    """The names of a frame, read without leaving a second reference behind."""

    def __init__(self, frame: FrameType) -> None:
        self._frame, code = frame, frame.f_code
        self._is_function = bool(code.co_flags & _OPTIMIZED)
        self._own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars} if self._is_function else set()

    def facts(self, paths: tuple[str, ...]) -> dict[str, Fact]:
        """The facts about the paths that are bound."""
        return facts_at(paths, self._look)

    def _look(self, name: str) -> tuple[bool, object]:
        if name in self._own:
            return self._local(name)
        for names in ([] if self._is_function else [self._frame.f_locals]) + [self._frame.f_globals]:
            if name in names:
                return True, names[name]
        return False, None

    def _local(self, name: str) -> tuple[bool, object]:
        try:
            return True, _local(self._frame, name)
        except NameError:
            return False, None

    def close(self) -> None:
        """Let go of what was copied."""
        if self._is_function:
            _forget(self._frame)


if sys.version_info >= (3, 12):
    _monitoring = sys.monitoring

    class MonitoringWatcher:
        """Line events by `sys.monitoring`, each line switched off after its first."""

        def __init__(self, notes: _Notes) -> None:
            self._notes = notes
            self._tool: int | None = None
            self._codes: list[CodeType] = []

        def trouble(self) -> str:
            """What ended the noting early; empty where nothing did."""
            return self._notes.trouble

        def start(self) -> tuple[str, ...]:
            """Listen; a sentence where no tool id is free."""
            events = _monitoring.events
            self._tool = next((tool for tool in _FREE_IDS if _monitoring.get_tool(tool) is None), None)
            if self._tool is None:
                return ("Other tools hold every id of sys.monitoring: dtypes inside of expressions were not followed.",)
            _monitoring.use_tool_id(self._tool, _NAME)
            _monitoring.register_callback(self._tool, events.PY_START, self._on_start)
            _monitoring.register_callback(self._tool, events.LINE, self._on_line)
            _monitoring.restart_events()
            _monitoring.set_events(self._tool, events.PY_START)
            return ()

        def stop(self, namespace: Mapping[str, object]) -> tuple[Noted, ...]:
            """Listen no more, give the id back, and tell."""
            if self._tool is not None and _monitoring.get_tool(self._tool) == _NAME:  # else it was not taken yet
                events, tool = _monitoring.events, self._tool
                _monitoring.set_events(tool, 0)
                for code in list(self._codes):
                    _monitoring.set_local_events(tool, code, 0)
                for event in (events.PY_START, events.LINE):
                    _monitoring.register_callback(tool, event, None)
                _monitoring.free_tool_id(tool)
                self._tool = None
            return self._notes.finish(namespace)

        def _on_start(self, code: CodeType, offset: int) -> object:
            tool = self._tool
            if tool is not None and self._notes.wants(code):
                with suppress(ValueError):  # a thread that outlives the run: the tool id has just been given back
                    self._codes.append(code)
                    _monitoring.set_local_events(tool, code, _monitoring.events.LINE)
            return _monitoring.DISABLE

        def _on_line(self, code: CodeType, line: int) -> object:
            frame = sys._getframe(1)
            if frame.f_code is code and self._notes.wants(code):
                self._notes.line(frame, line)
            return _monitoring.DISABLE


class NoticeWatcher:
    """Line events by the native ledger's trace function (CPython 3.11), which tells of each line's first."""

    def __init__(self, notes: _Notes, notice: Callable[[object], None]) -> None:
        self._notes, self._notice = notes, notice

    def trouble(self) -> str:
        """What ended the noting early; empty where nothing did."""
        return self._notes.trouble

    def start(self) -> tuple[str, ...]:
        """Listen."""
        self._notice(self._on_line)
        return ()

    def stop(self, namespace: Mapping[str, object]) -> tuple[Noted, ...]:
        """Listen no more, and tell."""
        self._notice(None)
        return self._notes.finish(namespace)

    def _on_line(self, frame: FrameType) -> None:
        if self._notes.wants(frame.f_code):
            self._notes.line(frame, frame.f_lineno)


class NoWatcher:
    """Where nothing tells of lines."""

    def trouble(self) -> str:
        """Nothing."""
        return ""

    def start(self) -> tuple[str, ...]:
        """Say so."""
        return ("Under the pure ledger on CPython 3.11 dtypes inside of expressions are not followed.",)

    def stop(self, namespace: Mapping[str, object]) -> tuple[Noted, ...]:
        """Nothing."""
        return ()


def make(
    files: frozenset[str],
    codes: tuple[CodeType, ...],
    text: Callable[[str], Text],
    notice: Callable[[object], None] | None,
) -> Watcher:
    """What notes facts in this interpreter: about code of `files` and the code objects `codes`.

    `notice` is the native ledger's way to be told of each line's first run on 3.11; None under the pure one.
    """
    notes = _Notes(files, frozenset(map(id, codes)), text)
    if sys.version_info >= (3, 12):  # written so that mypy, too, sees which class exists
        return MonitoringWatcher(notes)
    else:
        return NoticeWatcher(notes, notice) if notice is not None else NoWatcher()
