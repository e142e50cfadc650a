"""Show a Trace or a Comparison: as a bundle of text and HTML, as text alone, as a matplotlib Figure.

Importing this package makes every result show itself; matplotlib is imported at the first picture, or by `warm_up`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..compare.comparison import Comparison
from ..trace import Trace
from . import chart, checkup, html, sheet_html, sheets, versus
from . import text as plain
from .page import Page, describe

__all__ = ["Page", "bundle", "checkup", "describe", "figure", "sheets", "text", "warm_up"]


def bundle(result: Trace | Comparison) -> tuple[dict[str, str], dict[str, Any]]:
    """The report in every form a frontend may choose from, and the metadata that marks it as ours."""
    with _swept():
        if isinstance(result, Comparison):
            return versus.bundle(result), {"npmem_magic": {"kind": "memcompare", "version": _version()}}
        page = describe(result)
        data = {"text/plain": plain.draw(page), "text/html": html.draw(page, chart.data_uri, sheet_html.piece)}
    return data, {"npmem_magic": {"kind": "memtrace", "version": _version()}}


def text(result: Trace | Comparison) -> str:
    """The report as plain text of at most 80 columns."""
    return versus.text(result) if isinstance(result, Comparison) else plain.draw(describe(result))


def figure(result: Trace | Comparison) -> Any:
    """Memory over time as a new matplotlib Figure; None when there is nothing to draw."""
    if isinstance(result, Comparison):
        return versus.figure(result)
    curves = describe(result).curves
    return None if curves is None else chart.draw(curves).figure


def warm_up() -> None:
    """Import matplotlib and load its fonts now, so that the report after the run is quick."""
    with _swept():
        chart.warm_up()


@contextmanager
def _swept() -> Iterator[None]:
    """Leave no garbage: a figure's reference cycles hold NumPy buffers, whose end the next cell would be charged with.

    Collection waits meanwhile, so that all that is made here is still young at the end, and quickly swept up.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if was_on:
            gc.enable()


def _version() -> str:
    package = sys.modules[__name__.partition(".")[0]]  # it imports this room before it has a version
    return str(vars(package)["__version__"])
