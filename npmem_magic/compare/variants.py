"""What is compared: texts and calls, each as something that can be made to run in a namespace of its own."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from string import ascii_lowercase
from types import MethodType
from typing import Any

from ..cell import Call, Cell, Frontend, Work
from ..follow import function_of
from ..host import NpmemError
from ..language import PlainPython

_SEPARATOR = re.compile(r"#\s*variants?\s*:\s*(.*?)\s*$", re.IGNORECASE)
Names = dict[str, Any]
Around = Callable[[Names], AbstractContextManager[object]]
FUNCTION = "<function>"  # the name of a callable variant in its namespace


@dataclass(frozen=True, eq=False)
class Variant:
    """One variant. `work` makes what runs, in a namespace; `tree` is its text, None for a call of `function`.

    `around` is entered while it runs.
    """

    label: str
    work: Callable[[Names], Work]
    tree: ast.Module | None = None
    function: Callable[..., object] | None = None
    around: Around = lambda _: nullcontext()


@dataclass(frozen=True)
class Section:
    """A stretch of a cell: its name (empty for the set-up above the first separator), text and first line's number."""

    name: str
    source: str
    first_line: int


def split(body: str, first_line: int) -> tuple[Section, list[Section]]:
    """The set-up and the variants of a cell's text.

    Raises
    ------
    NpmemError
        When fewer than two variants are marked.
    """
    lines = body.splitlines(keepends=True)
    inside = _inside_strings(body)
    marks = [(at, found[1]) for at, line in enumerate(lines) if at not in inside and (found := _SEPARATOR.match(line))]
    if len(marks) < 2:
        raise NpmemError(
            f"{len(marks) or 'No'} variant{'' if len(marks) == 1 else 's'} found, and two are needed. "
            "Put a line such as `# variant: in place` above each; what stands above the first one runs once, before."
        )
    ends = [*(at for at, _ in marks[1:]), len(lines)]
    setup = Section("", "".join(lines[: marks[0][0]]), first_line)
    parts = zip(marks, ends, strict=True)
    return setup, [Section(name, "".join(lines[at + 1 : end]), first_line + at + 1) for (at, name), end in parts]


def _inside_strings(body: str) -> set[int]:
    """Numbers, from 0, of the lines that begin inside of a string. Text that is no Python has none that are known."""
    found: set[int] = set()
    begun: list[int] = []  # of f-strings, which come in parts from Python 3.12 on
    starts, ends = (getattr(tokenize, name, None) for name in ("FSTRING_START", "FSTRING_END"))
    try:
        for token in tokenize.generate_tokens(io.StringIO(body).readline):
            if token.type == starts:
                begun.append(token.start[0])
            if token.type == tokenize.STRING or token.type == ends:
                first = begun.pop() if token.type == ends else token.start[0]
                found.update(range(first, token.end[0]))
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def of_text(
    label: str,
    source: str,
    first_line: int = 1,
    frontend: Callable[[], Frontend] = PlainPython,
    around: Around | None = None,
) -> Variant:
    """A text as a variant; SyntaxError as its language raises it."""
    language = frontend()
    above = "\n" * (first_line - 1)
    text = language.transform(source)
    tree = language.parse(above + text, language.register(above + text, above + source))

    def work(namespace: Names) -> Work:
        return Cell.from_source(source, frontend(), namespace, first_line)

    return Variant(label, work, tree) if around is None else Variant(label, work, tree, around=around)


def of_callable(label: str, function: Callable[..., object]) -> Variant:
    """A call without further arguments as a variant."""

    def work(namespace: Names) -> Work:
        return Call.from_callable(namespace.get(FUNCTION, function))

    return Variant(label, work, function=function)


def from_any(given: Sequence[str | Callable[..., object]], labels: Iterable[str] | None) -> list[Variant]:
    """Variants of texts and callables, in this order.

    Raises
    ------
    NpmemError
        When there are more or fewer labels than variants, two are alike, or something is neither text nor callable.
    """
    names = unique([_name_of(each, at) for at, each in enumerate(given)]) if labels is None else list(labels)
    check_labels(names, len(given))
    return [
        of_text(name, each) if isinstance(each, str) else of_callable(name, each)
        for name, each in zip(names, given, strict=True)
    ]


def check_labels(labels: Sequence[str], count: int) -> None:
    """Raise NpmemError unless there are `count` labels, no two alike."""
    if len(labels) != count:
        raise NpmemError(f"{len(labels)} names were given for {count} variants: {', '.join(map(repr, labels))}.")
    twice = sorted({label for label in labels if list(labels).count(label) > 1})
    if twice:
        raise NpmemError(f"Two variants have the name {twice[0]!r}, and the results are looked up by name.")


def letters(count: int) -> list[str]:
    """``a``, ``b``, ``c``, …"""
    return [ascii_lowercase[at] if at < 26 else f"v{at + 1}" for at in range(count)]


def _name_of(given: object, at: int) -> str:
    if isinstance(given, str):
        return letters(at + 1)[at]
    if not callable(given):
        raise NpmemError(f"{given!r} is neither source text nor something that can be called.")
    while isinstance(given, functools.partial):
        given = given.func
    name = getattr(function_of(given) or given, "__name__", type(given).__name__)
    return letters(at + 1)[at] if name == "<lambda>" else str(name)


def unique(names: Sequence[str]) -> list[str]:
    """`names`, those that appear twice with a number behind."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def arguments_of(function: object) -> Names:
    """What is bound to a callable: the arguments of a partial, the object of a method."""
    if isinstance(function, MethodType):
        return {"self": function.__self__}
    if not isinstance(function, functools.partial):
        return {}
    inner = arguments_of(function.func)
    found = {f"argument {at}": value for at, value in enumerate(function.args, len(inner) + 1)}
    return inner | found | {f"argument {name}": value for name, value in function.keywords.items()}
