"""Work that can be watched: a cell of source text, or a call of a function. The only file that runs user code.

A cell runs as its language would run it: every top-level statement is a code object of its own, the last
expression is the cell's value, and what the user raised comes back with the frames of the user's code only.
"""

from __future__ import annotations

import ast
import functools
import inspect
import io
import tokenize
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, TracebackType
from typing import Any, Protocol

from .follow import files_of_own_functions, function_of, nested_codes
from .language import AWAITS, Frontend, Mode, Outcome, PlainPython, run_to_end

__all__ = ["Call", "Cell", "Frontend", "Outcome", "PlainPython", "Work", "ends_with_semicolon"]


Between = Callable[[], None]  # called before each statement


def _nothing() -> None: ...


class Work(Protocol):
    """What `record` can watch: `Cell` and `Call`.

    `source` is the text shown, its first line numbered `first_line`; `raw` the text as written; `filename` the
    `co_filename` of its code. Functions in `followed_files` and the code objects `followed_codes` are followed too.
    """

    @property
    def source(self) -> str: ...
    @property
    def raw(self) -> str: ...
    @property
    def first_line(self) -> int: ...
    @property
    def filename(self) -> str: ...
    @property
    def followed_files(self) -> frozenset[str]: ...
    @property
    def followed_codes(self) -> tuple[CodeType, ...]: ...
    @property
    def is_async(self) -> bool: ...
    def run(self, between: Between = ...) -> Outcome: ...
    async def run_async(self, between: Between = ...) -> Outcome: ...


@dataclass(frozen=True, eq=False)
class Cell:
    """Source text, ready to run in `namespace`. Make it with `from_source`."""

    source: str
    raw: str
    first_line: int
    filename: str
    followed_files: frozenset[str]
    followed_codes: tuple[CodeType, ...]
    is_async: bool
    frontend: Frontend
    namespace: dict[str, Any]
    steps: tuple[tuple[ast.AST, Mode], ...]

    @classmethod
    def from_source(
        cls,
        source: str,
        frontend: Frontend,
        namespace: dict[str, Any],
        first_line: int = 1,
        follow: Iterable[FunctionType] = (),
    ) -> Cell:
        """`source` as a cell whose first line has the number `first_line`; SyntaxError as `frontend` raises it."""
        text = frontend.transform(source)
        above = "\n" * (first_line - 1)
        filename = frontend.register(above + text, above + source)
        tree = frontend.parse(above + text, filename)
        return cls(
            source=text,
            raw=source,
            first_line=first_line,
            filename=filename,
            followed_files=frontend.earlier_files(namespace) - {filename},
            followed_codes=tuple(code for function in follow for code in nested_codes(function.__code__)),
            is_async=frontend.awaits and _has_await(tree, text),
            frontend=frontend,
            namespace=namespace,
            steps=tuple(_steps(tree.body, frontend.interactivity, ends_with_semicolon(text))),
        )

    def run(self, between: Between = _nothing) -> Outcome:
        """Run to the end; whatever is raised, an interrupt included, is in the outcome."""
        if self.is_async:
            return self.frontend.drive(self.run_async(between))
        return _finish_now(self.run_async(between))

    async def run_async(self, between: Between = _nothing) -> Outcome:
        """The same inside of an event loop."""
        # The stack shown by a debugger in the cell begins below this frame, as it does in IPython.
        __tracebackhide__ = "__ipython_bottom__"
        value = None
        try:
            names = self.frontend.globals_of(self.namespace)
            for tree, mode in self.steps:
                between()
                # Compiled one by one, since a statement may be wrong after others have run, and may change the flags.
                code = self.frontend.compile(tree, self.filename, mode)
                value = eval(code, names, self.namespace)
                if code.co_flags & inspect.CO_COROUTINE:
                    value = await value
        except BaseException as error:
            return Outcome(None, _from_user_frame(error, self.filename))
        return Outcome(value)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a function, as a text of one line: ``work(*args)``. Make it with `from_callable`."""

    source: str
    raw: str
    first_line: int
    filename: str
    followed_files: frozenset[str]
    followed_codes: tuple[CodeType, ...]
    is_async: bool
    code: CodeType
    namespace: dict[str, Any]

    @classmethod
    def from_callable(
        cls,
        func: Callable[..., object],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
        follow: Iterable[FunctionType] = (),
    ) -> Call:
        """The call ``func(*args, **kwargs)``.

        The Python function behind it is followed; of a script or a notebook the user's other functions are too.
        """
        function = function_of(func)
        is_async = inspect.iscoroutinefunction(function)
        named = func
        while isinstance(named, functools.partial):
            named = named.func
        name = getattr(function or named, "__name__", type(named).__name__)
        name = name if name.isidentifier() else "function"
        given = ", ".join(stars for stars, values in (("*args", args), ("**kwargs", kwargs)) if values)
        text = f"{'await ' * is_async}{name}({given})\n"
        language = PlainPython()
        filename = language.register(text, text)
        code = language.compile(ast.parse(text.strip(), filename, "eval"), filename, "eval")
        followed = [*([function] if function else []), *follow]
        own = function is not None and function.__globals__.get("__name__") == "__main__"
        return cls(
            source=text,
            raw=text,
            first_line=1,
            filename=filename,
            followed_files=files_of_own_functions(function.__globals__) if own and function else frozenset(),
            followed_codes=(code, *(each for one in followed for each in nested_codes(one.__code__))),
            is_async=is_async,
            code=code,
            namespace={name: func, "args": args, "kwargs": kwargs},
        )

    def run(self, between: Between = _nothing) -> Outcome:
        """Call and return; whatever is raised, an interrupt included, is in the outcome."""
        run = self.run_async(between)
        return run_to_end(run) if self.is_async else _finish_now(run)

    async def run_async(self, between: Between = _nothing) -> Outcome:
        """The same inside of an event loop."""
        try:
            between()
            value = eval(self.code, self.namespace)
            if self.is_async:
                value = await value
        except BaseException as error:
            return Outcome(None, _from_user_frame(error, self.filename))
        return Outcome(value)


def _finish_now(run: Coroutine[Any, Any, Outcome]) -> Outcome:
    """The outcome of a coroutine that awaits nothing."""
    try:
        run.send(None)
    except StopIteration as done:
        outcome: Outcome = done.value
        return outcome
    run.close()
    raise AssertionError("a cell that awaits was run as one that does not")


def _from_user_frame(error: BaseException, filename: str) -> BaseException:
    """`error` with a traceback that begins in the user's code; none when no user code ran (it did not compile)."""
    frame: TracebackType | None = error.__traceback__
    while frame and frame.tb_frame.f_code.co_filename != filename:
        frame = frame.tb_next
    return error.with_traceback(frame)


def _steps(body: list[ast.stmt], interactivity: str, quiet: bool) -> Iterator[tuple[ast.AST, Mode]]:
    """Every statement with the mode it is compiled in, so that the last expression's value comes back."""
    if interactivity == "last_expr_or_assign":
        body = body + _assigned_name(body)
    shown = _number_shown(body, interactivity) if body and not quiet else 0
    for place, node in enumerate(body):
        if place < len(body) - shown:
            yield ast.Module([node], []), "exec"
        elif place == len(body) - 1 and isinstance(node, ast.Expr):
            yield ast.Expression(node.value), "eval"
        else:
            yield ast.Interactive([node]), "single"


def _number_shown(body: list[ast.stmt], interactivity: str) -> int:
    match interactivity:
        case "none":
            return 0
        case "all":
            return len(body)
        case "last":
            return 1
        case "last_expr" | "last_expr_or_assign":
            return int(isinstance(body[-1], ast.Expr))
    raise ValueError(f"Interactivity was {interactivity!r}")


def _assigned_name(body: list[ast.stmt]) -> list[ast.stmt]:
    """An expression that reads the name which the last statement assigned, or nothing."""
    match body[-1:]:
        case [ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name))]:
            pass
        case [ast.AnnAssign(target=ast.Name(id=name))]:
            pass
        case _:
            return []
    return [ast.fix_missing_locations(ast.Expr(ast.Name(name, ast.Load())))]


def ends_with_semicolon(text: str) -> bool:
    """True when the last token is ``;``, which asks for no display; a comment may follow it."""
    silent = (tokenize.ENDMARKER, tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)
    if ";" not in text:
        return False
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in silent]
    return bool(tokens) and tokens[-1].string == ";"


def _has_await(tree: ast.Module, text: str) -> bool:
    """True when a statement awaits outside of a function; one that does not compile counts as not awaiting."""
    if "await" not in text and "async" not in text:
        return False
    return any(_awaits_outside(node) for node in tree.body)


def _awaits_outside(node: ast.stmt) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = compile(ast.Module([node], []), "<await>", "exec", AWAITS, dont_inherit=True)
        except (SyntaxError, ValueError):
            return False  # it says so itself when it runs
    return bool(code.co_flags & inspect.CO_COROUTINE)
