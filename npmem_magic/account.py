"""The account of a run: the plain record that any ledger hands over, before anything is made of it. A leaf.

Its classes are made by the thousand and never compared: without `eq` and `repr` they import in half the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Buffer:
    """One buffer alive at the peak: address, bytes, birth on the monotonic clock, its site's number, alive still."""

    address: int
    nbytes: int
    born: int
    site: int
    alive: bool


@dataclass(frozen=True, eq=False, repr=False)
class Many:
    """Buffers of one site alive at the peak beyond those told one by one: their bytes in all and their number."""

    site: int
    nbytes: int
    buffers: int


@dataclass(frozen=True, eq=False, repr=False)
class SiteTotal:
    """Bytes asked for by one expression; `line` indexes `Account.lines`, `live` is what is alive at the end.

    `place` is (line, column, end line, end column), columns as UTF-8 byte offsets.
    """

    code: CodeType | None
    place: tuple[int, int, int, int]
    line: int
    hits: int
    gross: int
    live: int
    peak: int


@dataclass(frozen=True, eq=False, repr=False)
class LineTotal:
    """One line of a followed file, what it calls included. Times in ns; `gap` is time after its clock went off."""

    filename: str | None
    line: int
    code: CodeType | None
    hits: int
    hot: bool
    nanoseconds: int
    gap: int
    gross: int
    net: int
    peak: int
    python_net: int = 0
    python_peak: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class PythonBytes:
    """Bytes of Python's own, NumPy's not among them; `peak` is None where only what was kept could be told.

    `timeline` has the readings, its times count from the start of the run.
    """

    net: int
    peak: int | None = None
    timeline: tuple[Curve, Curve] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Account:
    """What a ledger counted in one run. Number 0 of `sites` and `lines` is "no followed line".

    `started`, `stopped` and `peak_time` are on the monotonic clock; `timeline` and `event_time` count from `started`.
    An event says that a line began: in which thread (0 is the cell's), and how many followed frames lay around it.
    """

    started: int
    stopped: int
    net: int
    peak: int
    gross: int
    births: int
    peak_time: int
    peak_site: int
    small_at_peak: int
    sites: tuple[SiteTotal, ...]
    lines: tuple[LineTotal, ...]
    at_peak: tuple[Buffer, ...]
    timeline: tuple[Curve, Curve]
    event_time: Curve
    event_line: Curve
    event_thread: Curve
    event_depth: Curve
    many_at_peak: tuple[Many, ...] = ()
    notes: tuple[str, ...] = ()
    engine: str = "native"
    python: PythonBytes | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Resident:
    """What was sampled: absolute times and bytes, and the kernel's high-water mark with the bytes at its reset."""

    time_ns: Curve
    values: tuple[Curve, ...]
    high_water: int | None
    started_at: int | None
    notes: tuple[str, ...] = ()
