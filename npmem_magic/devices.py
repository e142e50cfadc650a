"""What a trace knows of GPUs. A leaf: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A GPU during the run, sampled.

    Attributes
    ----------
    index, name, uuid
        Its number as CUDA counts for this process, what it is called, and who it is.
    total, started, peak : int
        Bytes: what it has (0 when untold), what all processes used at the start, and the most above the start.
    is_own : bool
        True when `peak` is this process's alone; False where the driver tells only what all processes take.
    """

    index: int
    name: str
    uuid: str
    total: int
    started: int
    peak: int
    is_own: bool


@dataclass(frozen=True)
class DeviceCost:
    """What one place took on a GPU, by an array library's own books.

    For CuPy a place is an expression, and the figures mean what they mean in `ExpressionCost`. For torch it is a
    line, and they mean what they mean in `LineCost`; `is_bound` then says that `peak` is no more than an upper bound.
    """

    library: str
    device: int
    function: str
    line: int
    source: str
    hits: int
    peak: int
    net: int
    gross: int
    is_bound: bool = False
