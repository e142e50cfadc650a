"""What has to be so, besides the text, where an array is only made to be reduced."""

from __future__ import annotations

import numpy as np

from .patterns import Match


def is_masked(match: Match) -> bool:
    """Numbers ``_x`` with a mask ``_m`` of their own shape."""
    array, mask = match.array("_x"), match.array("_m")
    is_wide = array is not None and array.dtype.kind in "fiuc" and array.dtype.itemsize >= 4
    return is_wide and mask is not None and mask.dtype == bool and match.same_shape("_x", "_m")


def is_masked_line(match: Match) -> bool:
    """The same with one axis."""
    array = match.array("_x")
    return array is not None and len(array.shape) == 1 and is_masked(match)


def is_counted(match: Match) -> bool:
    """A mask ``_m`` that is cast to the integers it is added up in anyway."""
    mask = match.array("_m")
    return mask is not None and mask.dtype == bool and match.constant("_d") in (int, np.int64)


def is_largest_norm(match: Match) -> bool:
    """A line of floats ``_x`` with the order ``inf``."""
    array = match.array("_x")
    is_line = array is not None and array.dtype.kind == "f" and len(array.shape) == 1
    return is_line and match.constant("_o") == float("inf")
