"""The rules. Each file is one rule: its docstring is its documentation, its `suggest` finds where it applies.

A rule is a module of this package with a docstring of a first sentence and the sections *Why*, *Given* (what the
snippets start from), *Instead of*, *Write* and *Keeps*, and one function
``suggest(cell: CellView) -> Iterator[Suggestion]``. It may also have ``warn(cell: CellView) -> Iterator[Tempting]``:
rewrites that are tempting and wrong. Nothing else has to be told of it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.view import CellView

_SECTIONS = ("Why", "Given", "Instead of", "Write", "Keeps")
_HEADING = re.compile(rf"^({'|'.join(_SECTIONS)})\n-+\n", re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """One rule, named after its file.

    `pages` holds the sections of its documentation by heading; `instead_of` and `write` are code that runs.
    """

    name: str
    summary: str
    pages: dict[str, str]
    suggest: Callable[[CellView], Iterator[Suggestion]]
    warn: Callable[[CellView], Iterator[Tempting]]

    @property
    def given(self) -> str:
        """The code that the other snippets start from; it may be empty."""
        return self.pages.get("Given", "")

    @property
    def instead_of(self) -> str:
        """The code that is to be replaced, runnable where ``np`` is NumPy."""
        return self.pages["Instead of"]

    @property
    def write(self) -> str:
        """The code to write."""
        return self.pages["Write"]


@functools.cache
def rules() -> dict[str, Rule]:
    """Every rule by its name, such as ``add-in-place``."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    read = [_read(importlib.import_module(f"{__name__}.{name}")) for name in names]
    return {rule.name: rule for rule in read}


def _nothing(cell: CellView) -> Iterator[Tempting]:
    return iter(())


def _read(module: ModuleType) -> Rule:
    summary, *pieces = _HEADING.split(inspect.cleandoc(module.__doc__ or ""))
    pages = {name: _unindented(text) for name, text in zip(pieces[::2], pieces[1::2], strict=True)}
    return Rule(
        name=module.__name__.rpartition(".")[2].replace("_", "-"),
        summary=summary.strip(),
        pages=pages,
        suggest=module.suggest,
        warn=getattr(module, "warn", _nothing),
    )


def _unindented(text: str) -> str:
    return inspect.cleandoc("\n" + text.strip("\n")).strip()
