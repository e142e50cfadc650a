"""Who else holds the memory that a text works on: closures, defaults, views of views, whatever is no name.

The walk through the values meets every reference among them. An array with more references than that is held by
somebody whom the walk did not meet, and who would see a change that is made in place.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping

import numpy as np

from .layouts import root_of

_held = [np.empty(4)]
_ALONE = sys.getrefcount(_held[0])  # what is counted for an array that one list holds, on this version of Python


def held_elsewhere(
    arrays: list[object], met: Mapping[int, int], ours: Mapping[int, int], also: Mapping[int, int]
) -> set[int]:
    """Ids of the roots under the arrays that have more references than are known.

    `arrays` is the list that holds each once; by id of the array: `met` counts the references that the walk met, `ours`
    those of our own beside the list, `also` those of the caller.
    """
    found = set()
    for at in range(len(arrays)):
        if not isinstance(arrays[at], np.ndarray):
            continue
        key = id(arrays[at])
        # The array must have no name here: that would be one reference more.
        if sys.getrefcount(arrays[at]) > _ALONE + met.get(key, 0) + ours.get(key, 0) + also.get(key, 0):
            array = arrays[at]
            assert isinstance(array, np.ndarray)
            found.add(id(root_of(array)))
            del array
    return found


def counted(values: Mapping[str, object], times: int = 1) -> Counter[int]:
    """How often each object is one of `values`, times `times`."""
    return Counter({key: count * times for key, count in Counter(map(id, values.values())).items()})
