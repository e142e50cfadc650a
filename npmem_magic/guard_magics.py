"""``%npmem guard``: every following cell runs under a guard, measured or not."""

# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# IPython's decorators carry no types.

from __future__ import annotations

import argparse
import linecache
from types import CodeType
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from . import arguments, budgets, places
from .cell import Cell
from .host import NpmemError
from .language import PlainPython
from .record import guard
from .shell import PlainTraceback
from .sizes import human
from .syntax import Text

_FORMS = "Write %npmem guard SIZE (500MB, 2GiB, 3x), %npmem guard auto, or %npmem guard off."


@magics_class
class GuardMagics(Magics):
    """The guard of one shell: up before each cell, down after it, whatever happens in between."""

    shell: Any

    def __init__(self, shell: Any, tracebacks: PlainTraceback) -> None:
        super().__init__(shell)
        self.size = ""
        self._tracebacks = tracebacks
        self._guard: guard.Guard | None = None

    @line_magic
    def npmem(self, line: str) -> None:
        """Guard every following cell: ``%npmem guard SIZE``, ``%npmem guard auto`` or ``%npmem guard off``.

        A cell that would take more than SIZE above its start gets a MemoryError that says what was asked for and by
        which expression; the kernel and all variables live on. ``auto`` leaves a tenth of the machine's memory (or its
        container's) free. ``%npmem guard`` alone says what is set.
        """
        verb, *words = line.split() or [""]
        if verb != "guard" or len(words) > 1:
            raise UsageError(f"%npmem {line}: that is not known. {_FORMS}")
        if words:
            self._set(words[0])
        print(self._state())

    def _set(self, word: str) -> None:
        try:
            self.size = "" if word.lower() == "off" else arguments.limit(word)
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{error} {_FORMS}") from None

    def _state(self) -> str:
        if not self.size:
            return "No guard: a cell may take all the memory there is."
        now = f" (now {human(guard.auto_limit())})" if self.size == "auto" else ""
        return f"From the next cell on, none may take more than {self.size}{now} above its start. {guard.why()}"

    def before_cell(self, info: Any) -> None:
        """Put the guard up; a cell whose limit cannot be told runs without one, and says so."""
        self.after_cell()
        if not self.size:
            return
        try:
            self._guard = guard.Guard(self._limit(str(info.raw_cell)))
        except NpmemError as error:
            print(f"No guard for this cell: {error}")
            return
        self._guard.start()

    def _limit(self, source: str) -> int:
        if self.size == "auto":
            return guard.auto_limit()
        return budgets.resolve(self.size, lambda: budgets.read_bytes(self._cell(source), self.shell.user_ns))

    def _cell(self, source: str) -> Cell:
        text = self.shell.transform_cell(source)
        try:
            return Cell.from_source(text, PlainPython(), self.shell.user_ns)
        except SyntaxError:
            raise NpmemError("its text is no Python, so the arrays it reads are not known.") from None

    def after_cell(self, result: object = None) -> None:
        """Take the guard down."""
        if self._guard is not None:
            self._guard.stop()
            self._guard = None

    def explain(self, error: BaseException) -> None:
        """Before an error is shown: lift the limits, for showing takes memory, and say what was refused."""
        if self._guard is None:
            return
        self._guard.ballast.clear()
        self._guard.stop(error)
        where = places.of_error(error, self._is_users, _text) if isinstance(error, MemoryError) else ""
        guard.explain(error, self._guard.sentence(where))
        self._guard = None

    def _is_users(self, code: CodeType) -> bool:
        return code.co_filename in self.shell.compile._filename_map


def _text(filename: str) -> Text:
    return Text.read("".join(linecache.getlines(filename)))


def install(shell: Any, tracebacks: PlainTraceback) -> None:
    """Give `shell` the magic; the guard is off."""
    magics = GuardMagics(shell, tracebacks)
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.before_cell)
    shell.events.register("post_run_cell", magics.after_cell)
    tracebacks.before.append(magics.explain)


def uninstall(shell: Any) -> None:
    """Take it out again, and with it the guard; nothing happens where there is none."""
    magics = shell.magics_manager.registry.pop(GuardMagics.__name__, None)
    if magics is None:
        return
    magics.after_cell()
    shell.magics_manager.magics["line"].pop("npmem", None)
    shell.events.unregister("pre_run_cell", magics.before_cell)
    shell.events.unregister("post_run_cell", magics.after_cell)
    magics._tracebacks.before.remove(magics.explain)
