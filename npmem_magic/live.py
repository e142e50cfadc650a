"""The live display of a shell: put up before a run, changed while it runs, given to the report at the end."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from .door import in_terminal
from .record import Now, Options
from .render import live as ink

Shell = Any  # an IPython InteractiveShell; only `magics` may import its type


class Display(Protocol):
    """Where a run is shown: `tell` a moment, `end` with the report in its place, or `clear` it away."""

    def tell(self, now: Now) -> None: ...
    def end(self, data: Mapping[str, str], metadata: Mapping[str, Any]) -> None: ...
    def clear(self) -> None: ...


class NotebookDisplay:
    """One output under the cell, known by one display id: shown once, then changed in place."""

    def __init__(self, shell: Shell) -> None:
        self._publisher = shell.display_pub  # the one of this moment: a cell may set up another to capture with
        self._transient = {"display_id": uuid.uuid4().hex}
        self._is_up = False

    def tell(self, now: Now) -> None:
        """Show the moment; called from the ticker's thread."""
        self._publish({"text/plain": ink.line(now, 120), "text/html": ink.html(now)}, {"npmem_magic": {"kind": "live"}})

    def end(self, data: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
        """Put the report in the place of the display."""
        self._publish(dict(data), dict(metadata))

    def clear(self) -> None:
        """Leave nothing to be seen."""
        if self._is_up:
            self._publish({"text/plain": "", "text/html": ""}, {"npmem_magic": {"kind": "live"}})

    def _publish(self, data: dict[str, str], metadata: dict[str, Any]) -> None:
        self._publisher.publish(data=data, metadata=metadata, transient=self._transient, update=self._is_up)
        self._is_up = True


class TerminalDisplay:
    """One line on the terminal's error stream, written over; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty()

    def tell(self, now: Now) -> None:
        """Show the moment; called from the ticker's thread."""
        if self._is_shown:
            self._write(ink.line(now, shutil.get_terminal_size().columns - 1))

    def end(self, data: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
        """The report follows on the next lines."""
        self.clear()

    def clear(self) -> None:
        """Empty the line."""
        if self._is_shown:
            self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r{text}\x1b[K")
        self._stream.flush()


@contextmanager
def display_of(shell: Shell, wanted: bool) -> Iterator[Display | None]:
    """The display of one run, None where it is not `wanted`; nothing of it stays when the run could not begin."""
    display: Display | None = None
    if wanted:
        display = TerminalDisplay() if in_terminal(shell) else NotebookDisplay(shell)
    try:
        yield display
    except BaseException:
        if display is not None:
            display.clear()
        raise


def present(shell: Shell, ink_of: Callable[[], Any], result: object, display: Display | None) -> None:
    """Show the report of a result, drawn by what `ink_of` gives, in the place of `display` where there is one."""
    try:
        if in_terminal(shell):
            if display is not None:
                display.clear()
            print(ink_of().text(result))
        else:
            data, metadata = ink_of().bundle(result)
            publish = shell.display_pub.publish if display is None else display.end
            publish(data=data, metadata=metadata)
    except Exception as error:  # whatever a report dies of, the cell's value or error must still arrive
        print(
            f"The report could not be drawn ({type(error).__name__}: {error}). The numbers are in "
            "npmem_magic.last; please report this.",
            file=sys.stderr,
        )


def telling(options: Options, display: Display | None) -> Options:
    """`options`, with `display` told of how far the run is."""
    return options if display is None else replace(options, tell=display.tell)
