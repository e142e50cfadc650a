"""Trace: what one run of a cell cost, as plain immutable data.

Left of `Trace` stand only producers (`record`), right of it only readers (`render`, `advise`). Bytes are
`int`, times are `int` nanoseconds since the start of the run, lines are numbered as in the editor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from . import export
from .devices import Device as Device
from .devices import DeviceCost as DeviceCost

if TYPE_CHECKING:
    import pandas as pd

Curve = npt.NDArray[np.int64]
CELL = "<cell>"  # LineCost.function of lines that belong to no function


@dataclass(frozen=True)
class LineCost:
    """What one line cost, the functions it called included.

    Attributes
    ----------
    function : str
        Name of the function the line belongs to; ``"<cell>"`` at the top level of the cell.
    line : int
        As the editor numbers it in the cell (or file) that holds it.
    source : str
        The line as written, without its line end.
    hits : int
        Times the line was begun; 0 when it never ran.
    seconds : float
        Wall time, the functions it called included.
    peak : int
        Bytes: the highest the allocated total rose above the line's start, over all its runs.
    net : int
        Bytes allocated minus bytes freed by the line, over all its runs.
    gross : int
        Bytes allocated by the line, freed or not, over all its runs.
    hot : bool
        True when the line clock was switched off after `hits` runs (shown as ``1000+``): bytes stay exact,
        the time beyond is shared out in proportion.
    python_peak, python_net : int or None
        Bytes of Python objects: the same two figures; None where they were not asked for or could not be told.
    """

    function: str
    line: int
    source: str
    hits: int
    seconds: float
    peak: int
    net: int
    gross: int
    hot: bool = False
    python_peak: int | None = None
    python_net: int | None = None


@dataclass(frozen=True)
class ExpressionCost:
    """What was allocated at one site: the expression whose evaluation asked for the bytes.

    Columns are 0-based UTF-8 byte offsets as in `ast`; `peak` is the most bytes allocated at this site and
    alive at one time; `net` the bytes allocated here and still alive at the end; `hits` counts buffers.
    `line` is 0 for buffers that no followed line asked for; `source` then says whose they are.
    """

    function: str
    line: int
    col: int
    end_line: int
    end_col: int
    source: str
    hits: int
    peak: int
    net: int
    gross: int


@dataclass(frozen=True)
class Holding:
    """A buffer (or several of one site) alive at the moment of the peak.

    `name` is the name that held it, None for a temporary; `source` and `line` its site; `nbytes` its size.
    `note` says more where there is more to say ("being made", "the previous round").
    """

    name: str | None
    source: str
    line: int
    nbytes: int
    note: str = ""


@dataclass(frozen=True)
class Advice:
    """One rewrite: `saving` in bytes of the peak, `keeps` the promise, `verdict` how it was shown."""

    rule: str
    line: int
    before: str
    after: str
    saving: int
    keeps: str
    verdict: str
    why: str


@dataclass(frozen=True)
class Tempting:
    """A rewrite that is likely to be tried and would be wrong: the rule, the line, its text, and why (a sentence)."""

    rule: str
    line: int
    source: str
    why: str


class Renderer(Protocol):
    """What `render` registers here, so that a result can show itself without knowing any ink."""

    def bundle(self, result: Any) -> tuple[dict[str, str], dict[str, Any]]: ...
    def text(self, result: Any) -> str: ...
    def figure(self, result: Any) -> Any: ...


_find_renderer: list[Callable[[], Renderer]] = []


def show_with(find: Callable[[], Renderer]) -> None:
    """Make what `find` answers draw every Trace from now on; it is asked when there is something to draw."""
    _find_renderer[:] = [find]


def renderer() -> Renderer:
    """What draws."""
    return _find_renderer[0]()


def _no_curve() -> tuple[Curve, Curve]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """What one run cost, to the byte.

    Attributes
    ----------
    source : str
        The text that ran (IPython syntax already transformed), its first line numbered `first_line`.
    label, error : str or None
        The label given with ``-l``; the exception's repr when the run raised.
    seconds : float
        Wall time of the run.
    peak, net, gross : int
        Bytes of NumPy data: highest total above the start, end minus start, sum of everything allocated.
    peak_ns : int
        When the peak was reached. `peak_line` (0 when unknown), `peak_function` and `peak_source` say where.
    resident_peak : int or None
        Bytes the resident set rose above the start; None when nothing could measure it.
    lines, expressions, at_peak, advice, tempting : tuple
        See `LineCost`, `ExpressionCost`, `Holding`, `Advice`, `Tempting`. `lines` holds every line of the cell and of
        each followed function that ran; `expressions` come largest peak first; `at_peak` sums to the bytes allocated in
        the cell and alive at the peak.
    timeline : (int64 array, int64 array), each of shape (n,)
        The exact step curve: at `time_ns[i]` the allocated total became `allocated[i]`.
    samples : (int64 array, int64 array[, int64 array]), each of shape (m,)
        `time_ns`, resident bytes above the start, and device bytes above the start where a GPU was read.
    lane : (int64 array, int64 array), each of shape (k,)
        Line events of the top level: at `time_ns[i]` line `line[i]` began.
    devices : tuple of Device
        The GPUs that were read; `gpu` is ``(time_ns, bytes above the start of each)``, int64 arrays of shape (m,).
    device_costs : tuple of DeviceCost
        What CuPy and torch took there, by place, largest peak first; `device_timeline` is their step curve.
    notes : tuple of str
        Which engine measured and why; what was unavailable and why.
    engine : str
        ``"native"`` counts NumPy's buffers; ``"pure"`` counts NumPy and Python.
    functions : mapping of str to (int, str)
        For each followed function that ran and is not part of `source`: its first line and its source text.
    error_line, error_function : int, str
        The innermost followed line that the exception passed; 0 when there was none.
    python_peak, python_net : int or None
        Bytes of Python objects made in the run: the highest total, and what was left of them at the end. None where
        they were not asked for; the pure ledger tells `python_net` only.
    python_timeline : (int64 array, int64 array), each of shape (p,)
        Times and bytes of Python objects as they were read, at lines and at NumPy's buffers; empty where not asked for.
    limit, budget : int or None
        Bytes above the start: what the guard allowed, and the peak that was not to be passed; None where none was set.
    children : (int64 array, int64 array), each of shape (m,)
        `time_ns`, and the bytes above the start that only processes started from here hold; empty when not asked for.
    """

    source: str
    label: str | None
    error: str | None
    seconds: float
    peak: int
    net: int
    gross: int
    peak_ns: int
    peak_line: int
    peak_function: str
    peak_source: str
    resident_peak: int | None
    lines: tuple[LineCost, ...]
    expressions: tuple[ExpressionCost, ...]
    at_peak: tuple[Holding, ...]
    timeline: tuple[Curve, Curve] = field(default_factory=_no_curve)
    samples: tuple[Curve, ...] = field(default_factory=_no_curve)
    lane: tuple[Curve, Curve] = field(default_factory=_no_curve)
    devices: tuple[Device, ...] = ()
    gpu: tuple[Curve, ...] = field(default_factory=_no_curve)
    device_costs: tuple[DeviceCost, ...] = ()
    device_timeline: tuple[Curve, Curve] = field(default_factory=_no_curve)
    advice: tuple[Advice, ...] = ()
    tempting: tuple[Tempting, ...] = ()
    notes: tuple[str, ...] = ()
    engine: str = "native"
    first_line: int = 1
    functions: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    error_line: int = 0
    error_function: str = ""
    python_peak: int | None = None
    python_net: int | None = None
    python_timeline: tuple[Curve, Curve] = field(default_factory=_no_curve)
    limit: int | None = None
    budget: int | None = None
    children: tuple[Curve, Curve] = field(default_factory=_no_curve)

    def save(self, path: str | Path) -> Path:
        """Write the trace as JSON (format in `export`) and return the path written."""
        return export.write_json(export.to_document(self), path)

    def to_pandas(self, table: str = "lines") -> pd.DataFrame:
        """A table as a DataFrame: ``lines``, ``expressions``, ``at_peak``, ``timeline``, ``samples``, ``advice``,
        ``devices``, ``device_costs``, ``device_timeline``, ``python_timeline`` or ``children``; ``lines`` has columns
        for Python objects where they were counted."""
        return export.to_pandas(self, table)

    def to_perfetto(self, path: str | Path) -> Path:
        """Write a trace that ui.perfetto.dev opens: counters for the curves, slices for the lines."""
        return export.to_perfetto(self, path)

    def to_mprof(self, path: str | Path) -> Path:
        """Write the resident (or, without samples, the allocated) curve as ``mprof plot`` reads it."""
        return export.to_mprof(self, path)

    def plot(self) -> Any:
        """A matplotlib Figure of memory over time."""
        return renderer().figure(self)

    def apply(self, *advice: Advice) -> str:
        """The cell's source with `advice` taken over; by default all of it that does not change the same text twice."""
        chosen = advice or export.apart(self.source, self.first_line, self.advice)
        return export.apply_advice(self.source, self.first_line, chosen)

    def __repr__(self) -> str:
        return f"<Trace peak={self.peak} net={self.net} gross={self.gross} bytes, {self.seconds:.3g} s>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        return renderer().bundle(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        is_inside = len(getattr(printer, "stack", ())) > 1  # of a list, say: one line is enough there
        printer.text(repr(self) if cycle or is_inside else renderer().text(self))


def load(path: str | Path) -> Trace:
    """The Trace that `Trace.save` wrote.

    Raises
    ------
    NpmemError
        When the file is missing, damaged, or of another kind or a newer version; the message says which.
    """
    parts = {
        "lines": LineCost, "expressions": ExpressionCost, "at_peak": Holding, "advice": Advice,
        "tempting": Tempting,        "devices": Device, "device_costs": DeviceCost,
    }  # fmt: skip
    return export.from_document(export.read_json(path), Trace, parts)
