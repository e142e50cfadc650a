"""Every living array of a namespace: who owns its bytes, who looks at them, who holds them, what would fit."""

from __future__ import annotations

from .find import UNNAMED, ArrayInfo, distinct_bytes, find_arrays
from .fits import Budget, Fit, Fits, fits
from .holders import Holder, InPlace, Reach, holders_of, in_place

__all__ = [
    "UNNAMED",
    "ArrayInfo",
    "Budget",
    "Fit",
    "Fits",
    "Holder",
    "InPlace",
    "Reach",
    "distinct_bytes",
    "find_arrays",
    "fits",
    "holders_of",
    "in_place",
]
