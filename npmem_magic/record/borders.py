"""Line borders for books that are kept in Python: where `sys.monitoring` exists, every line of followed code.

Apart from the line clock, which is C where the ledger is. Before Python 3.12 there are only the borders between the
cell's statements, which `device` knows of by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Protocol

LIMIT = 1000  # a line that has run so often is left alone: reading statistics costs some 20 us


class Books(Protocol):
    """Who is told of a line that begins in a frame, and of a frame that ends."""

    def begin(self, frame: int, where: tuple[str, int]) -> None: ...
    def end(self, frame: int) -> None: ...


class NoBorders:
    """Where nothing tells of lines."""

    left_alone = 0

    def start(self) -> bool:
        """False: the caller has to make do."""
        return False

    def stop(self) -> None:
        """Nothing to do."""


if sys.version_info >= (3, 12):
    from threading import get_ident

    _monitoring = sys.monitoring
    _events = _monitoring.events

    class MonitoredBorders:
        """Line events of the thread that starts it, under a tool id of its own."""

        def __init__(self, books: Books, followed: Callable[[CodeType], bool]) -> None:
            self._books, self._followed = books, followed
            self._tool: int | None = None
            self._codes: dict[int, CodeType] = {}
            self._hits: dict[tuple[int, int], int] = {}
            self.left_alone = 0

        def start(self) -> bool:
            """Listen; False when every tool id is taken."""
            self._tool = next((tool for tool in (4, 3, 2, 1, 0, 5) if _monitoring.get_tool(tool) is None), None)
            if self._tool is None:
                return False
            self._thread = get_ident()
            _monitoring.use_tool_id(self._tool, "npmem_magic devices")
            _monitoring.register_callback(self._tool, _events.PY_START, self._on_start)
            _monitoring.register_callback(self._tool, _events.LINE, self._on_line)
            _monitoring.register_callback(self._tool, _events.PY_RETURN, self._on_return)
            _monitoring.restart_events()  # what an earlier run switched off counts again
            _monitoring.set_events(self._tool, _events.PY_START)
            return True

        def stop(self) -> None:
            """Listen to nothing, and give the tool id back."""
            tool, self._tool = self._tool, None
            if tool is None:
                return
            _monitoring.set_events(tool, 0)
            for code in self._codes.values():
                _monitoring.set_local_events(tool, code, 0)
            for event in (_events.PY_START, _events.LINE, _events.PY_RETURN):
                _monitoring.register_callback(tool, event, None)
            _monitoring.free_tool_id(tool)
            self._codes.clear()

        def _on_start(self, code: CodeType, offset: int) -> object:
            if self._tool is not None and self._followed(code) and id(code) not in self._codes:
                self._codes[id(code)] = code
                _monitoring.set_local_events(self._tool, code, _events.LINE | _events.PY_RETURN)
            return _monitoring.DISABLE

        def _on_line(self, code: CodeType, line: int) -> object:
            if get_ident() != self._thread:
                return None
            key = id(code), line
            self._hits[key] = self._hits.get(key, 0) + 1
            if self._hits[key] > LIMIT:
                self.left_alone += 1
                return _monitoring.DISABLE
            self._books.begin(id(sys._getframe(1)), (code.co_filename, line))
            return None

        def _on_return(self, code: CodeType, offset: int, value: object) -> object:
            if get_ident() == self._thread:
                self._books.end(id(sys._getframe(1)))
            return None

    def make(books: Books, followed: Callable[[CodeType], bool]) -> MonitoredBorders | NoBorders:
        """The borders of this interpreter."""
        return MonitoredBorders(books, followed)

else:

    def make(books: Books, followed: Callable[[CodeType], bool]) -> NoBorders:
        """The borders of this interpreter: none."""
        return NoBorders()
