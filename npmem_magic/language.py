"""The language a cell is written in: what `Cell` asks of it, and the answer of plain Python without a shell."""

from __future__ import annotations
import __future__

import ast
import asyncio
import functools
import linecache
import operator
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any, Protocol

from .follow import files_of_own_functions
from .host import NpmemError

AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
FUTURES = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)
Mode = str  # "exec", "eval" or "single", as in compile()


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the value of its last expression, or what it raised (`__traceback__` starts in user code)."""

    value: object = None
    error: BaseException | None = None


class Frontend(Protocol):
    """What a cell needs of the language it is written in: plain Python here, IPython in `magics`."""

    @property
    def interactivity(self) -> str:
        """Which statements show their value, in the words of IPython's `ast_node_interactivity`."""

    @property
    def awaits(self) -> bool:
        """True when `await` may stand outside of a function."""

    def transform(self, text: str) -> str:
        """`text` as Python, with as many lines in front of its first statement."""

    def register(self, text: str, raw: str) -> str:
        """The file name for `text`, under which tracebacks find its lines."""

    def parse(self, text: str, filename: str) -> ast.Module:
        """The tree that shall run; raises SyntaxError."""

    def compile(self, tree: ast.AST, filename: str, mode: Mode) -> CodeType:
        """The code of one statement; `from __future__` holds for those that follow."""

    def globals_of(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """The global names for code that runs in `namespace`."""

    def earlier_files(self, namespace: Mapping[str, Any]) -> frozenset[str]:
        """File names of the user's own code that was defined earlier."""

    def drive(self, run: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Run a coroutine to its end from code that cannot await."""


class PlainPython:
    """Python without a shell: no magics, the last expression is the value."""

    interactivity = "last_expr"
    awaits = True

    def __init__(self) -> None:
        self._futures = 0

    def transform(self, text: str) -> str:
        """`text` itself, its last line ended."""
        return text if text.endswith("\n") else text + "\n"

    def register(self, text: str, raw: str) -> str:
        """A name made of the text, so that tracing the same text again takes no more room."""
        filename = f"<trace {hash(text) & 0xFFFFFFFF:08x}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        return filename

    def parse(self, text: str, filename: str) -> ast.Module:
        """The tree of `text`; raises SyntaxError."""
        tree = compile(text, filename, "exec", ast.PyCF_ONLY_AST | AWAITS | self._futures, dont_inherit=True)
        assert isinstance(tree, ast.Module)
        return tree

    def compile(self, tree: ast.AST, filename: str, mode: Mode) -> CodeType:
        """The code of one statement."""
        code: CodeType = compile(tree, filename, mode, AWAITS | self._futures, dont_inherit=True)  # type: ignore[call-overload]
        self._futures |= code.co_flags & FUTURES
        return code

    def globals_of(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """`namespace`: code at the top level has one namespace."""
        return namespace

    def earlier_files(self, namespace: Mapping[str, Any]) -> frozenset[str]:
        """Files of the functions that were defined in `namespace` or in the script that runs."""
        return files_of_own_functions(namespace)

    def drive(self, run: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Run in an event loop of its own."""
        return run_to_end(run)


def run_to_end(run: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run a coroutine in a new event loop; the outcome is an `NpmemError` where a loop is running already."""
    if loop_is_running():
        run.close()
        return Outcome(
            error=NpmemError(
                "This code awaits, and an event loop is running already, so it cannot be run to its end from here. "
                "Put it into a cell of its own with %%memtrace as the first line."
            )
        )
    return asyncio.run(run)


def loop_is_running() -> bool:
    """True inside of a running event loop, as in a Jupyter kernel."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
