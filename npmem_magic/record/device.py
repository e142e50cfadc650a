"""Device memory by the array libraries' own books, kept once the user has imported such a library."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..cell import Work
from ..folds import Run
from ..trace import Advice, Curve, DeviceCost

_LIBRARIES = ("cupy", "torch")


class DeviceWatch:
    """Watches one run. `between` belongs before each statement: a library may be imported in mid-cell."""

    def __init__(self, work: Work, mode: str) -> None:
        self._work, self._mode = work, mode
        self._passed = 0
        self._books: Any = None

    def between(self) -> None:
        """Before a statement: take up a library that is there by now."""
        if self._mode == "off":
            return
        if self._books is None and any(name in sys.modules for name in _LIBRARIES):
            self._books = _room().Books(self._work, self._mode == "exact", self._passed)
        self._passed += 1
        if self._books is not None:
            self._books.between()

    def stop(self) -> None:
        """Leave every hook; to be called whatever happened."""
        if self._books is not None:
            self._books.stop()

    def advice(self, namespace: Mapping[str, object], run: Run) -> tuple[Advice, ...]:
        """Where float64 was sent to a device that float32 would take half of."""
        found: tuple[Advice, ...] = self._books.advice(namespace, run) if self._books is not None else ()
        return found

    def costs(self, run: Run, started: int) -> tuple[tuple[DeviceCost, ...], tuple[Curve, Curve], tuple[str, ...]]:
        """What was taken by place, largest peak first; the step curve of all libraries; and what is to be said."""
        if self._books is None:
            return (), (np.zeros(0, np.int64), np.zeros(0, np.int64)), ()
        found: tuple[tuple[DeviceCost, ...], tuple[Curve, Curve], tuple[str, ...]] = self._books.costs(run, started)
        return found


def _room() -> Any:
    """Where the books are kept, imported for the first library: most kernels never need it."""
    from . import books

    return books
