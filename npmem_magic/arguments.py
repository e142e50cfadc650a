"""The options of runs that are long or dangerous: how they are given behind the magic, and what they become."""

# mypy: disable-error-code="no-untyped-call"
# IPython's argument decorators carry no types.

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeVar

from IPython.core.magic_arguments import argument

from . import budgets
from .host import NpmemError
from .record import Options

Magic = TypeVar("Magic", bound=Callable[..., Any])


def size(text: str) -> str:
    """A size as `budgets.resolve` reads it: bytes, or a multiple of what the code reads."""
    try:
        return budgets.check(text)
    except NpmemError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def limit(text: str) -> str:
    """A size, or ``auto``."""
    return "auto" if text.lower() == "auto" else size(text)


def of_long_runs(magic: Magic) -> Magic:
    """Give a magic the options; stands among its other ``@argument`` lines."""
    for option in reversed(_OPTIONS):
        magic = option(magic)
    return magic


def options_of(chosen: argparse.Namespace) -> Options:
    """How to watch, by what was chosen of all options."""
    long = {"limit": chosen.limit or "", "max_peak": chosen.max_peak or "", "children": chosen.children}
    return Options(chosen.sampler, chosen.interval, chosen.label, chosen.python, gpu=chosen.gpu, **long)


_OPTIONS = (
    argument(
        "--live",
        action="store_true",
        help="Show how far the run is, and its memory, while it runs; the report takes the place of that.",
    ),
    argument(
        "--limit",
        metavar="SIZE",
        type=limit,
        help="Raise MemoryError rather than take more than SIZE above the start: 500MB, 2GiB, 1.5e9, 3x (times the "
        "bytes of the arrays that the cell reads), or auto (leave a tenth of the machine's memory).",
    ),
    argument(
        "--max-peak",
        metavar="SIZE",
        type=size,
        help="Fail after the run when its peak is above SIZE, and say which line went beyond it.",
    ),
    argument(
        "--children",
        action="store_true",
        help="Also read the memory of processes that the code starts, such as joblib's.",
    ),
)
