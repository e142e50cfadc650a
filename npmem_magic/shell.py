"""IPython as seen from a cell: its language and its tracebacks. Works on the shell given, imports nothing of it."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Coroutine, Mapping
from types import CodeType, TracebackType
from typing import Any, NoReturn

from .language import AWAITS, Mode, Outcome, loop_is_running, run_to_end

Shell = Any  # an IPython InteractiveShell; only `magics` may import its type


class IPythonFrontend:
    """IPython as a cell's language: magics, `!` lines, AST transformers, `In[n]` in tracebacks."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    @property
    def interactivity(self) -> str:
        """As the user configured it."""
        return str(self._shell.ast_node_interactivity)

    @property
    def awaits(self) -> bool:
        """False after ``%autoawait off``."""
        return bool(self._shell.autoawait)

    def transform(self, text: str) -> str:
        """`text` as Python; the blank lines that IPython drops at the top are kept, for the numbers' sake."""
        lines = text.splitlines(keepends=True)
        blank = next((place for place, line in enumerate(lines) if not line.isspace()), 0)
        return "\n" * blank + str(self._shell.transform_cell(text))

    def register(self, text: str, raw: str) -> str:
        """A name under which tracebacks show ``Cell In[n]`` and the lines of `text`."""
        return str(self._shell.compile.cache(text, self._number(), raw_code=raw))

    def _number(self) -> int:
        # The shell counts up before the cell runs; the result that it fills in knows the cell's own number.
        running = getattr(self._shell.displayhook, "exec_result", None)
        number = getattr(running, "execution_count", None)
        return int(self._shell.execution_count if number is None else number)

    def check(self, text: str, filename: str) -> None:
        """Raise the SyntaxError of `text`, if it has one."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are shown when the cell runs
            self._shell.compile.ast_parse(text, filename=filename)

    def parse(self, text: str, filename: str) -> ast.Module:
        """The tree of `text`, AST transformers applied."""
        tree: ast.Module = self._shell.transform_ast(self._shell.compile.ast_parse(text, filename=filename))
        return tree

    def compile(self, tree: ast.AST, filename: str, mode: Mode) -> CodeType:
        """The code of one statement; `from __future__` holds for the cells that follow, as in IPython."""
        with self._shell.compile.extra_flags(AWAITS if self.awaits else 0):
            code: CodeType = self._shell.compile(tree, filename, mode)
        return code

    def globals_of(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """The user's global names."""
        names: dict[str, Any] = self._shell.user_global_ns
        return names

    def earlier_files(self, namespace: Mapping[str, Any]) -> frozenset[str]:
        """The file names of all cells so far."""
        return frozenset(self._shell.compile._filename_map)

    def drive(self, run: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Run in IPython's own loop; the outcome is an error where that loop is running already."""
        if loop_is_running():
            return run_to_end(run)
        outcome: Outcome = self._shell.loop_runner(run)
        return outcome


class IsolatedFrontend(IPythonFrontend):
    """The same language for code that runs in a namespace of its own, and whose last expression is its result."""

    interactivity = "last_expr"

    def globals_of(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """`namespace` itself, not the user's global names."""
        return namespace


def raise_as_it_was(error: BaseException) -> NoReturn:
    """Raise the user's error again. `PlainTraceback` knows this frame: below it the user's frames begin."""
    raise error


class PlainTraceback:
    """Makes `shell` show an error of a measured cell as it shows that of a plain one.

    An exception collects every frame that it passes, the magic's and IPython's own included; they can only be taken out
    once it has arrived. So `showtraceback` does that before it shows one. Nothing is kept between calls.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._show = shell.showtraceback
        self.before: list[Callable[[BaseException], None]] = []  # who wants to add to an error before it is shown

    def install(self) -> None:
        """Stand in front of the shell's `showtraceback`."""
        self._shell.showtraceback = self.show

    def remove(self) -> None:
        """Step back, unless somebody else stands in front by now (then `show` goes on, and changes nothing)."""
        if vars(self._shell).get("showtraceback") == self.show:
            del self._shell.showtraceback

    def show(self, *args: Any, **kwargs: Any) -> None:
        """What the shell shows, without the frames of the magic."""
        error = sys.exc_info()[1]
        if error is not None:
            for each in self.before:
                each(error)
        if error is not None and _take_out_magic(error) and error.__traceback__ is None:
            kwargs["running_compiled_code"] = False  # IPython's way to say that nothing ran: it did not compile
        self._show(*args, **kwargs)


def _take_out_magic(error: BaseException) -> bool:
    """Join the frames above the magic to those of the user's code; False when `error` did not come through it."""
    links = _links(error.__traceback__)
    codes = [link.tb_frame.f_code for link in links]
    if raise_as_it_was.__code__ not in codes:
        return False
    bottom = codes.index(raise_as_it_was.__code__) + 1
    top = _first_of_magic(codes[:bottom])
    below = links[bottom] if bottom < len(links) else None
    if top == 0 or below is None:
        error.__traceback__ = below
    else:
        links[top - 1].tb_next = below
    return True


def _links(link: TracebackType | None) -> list[TracebackType]:
    found = []
    while link is not None:
        found.append(link)
        link = link.tb_next
    return found


def _first_of_magic(codes: list[CodeType]) -> int:
    """Where the magic's frames begin: with the line IPython made of a whole cell; a `%line` magic's own line stays."""
    names = [code.co_name for code in codes]
    if "run_awaiting" in names:
        return names.index("run_awaiting") - 1
    for door, cell_lines in (("run_cell_magic", 1), ("run_line_magic", 0)):
        if door in names:
            return len(names) - 1 - names[::-1].index(door) - cell_lines
    return 0
