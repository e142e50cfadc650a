"""Who else looks at this buffer? Names every way to it, and says exactly whether a name may be written through.

The reference count is the exact test: whatever looks into an array's buffer holds a reference to the array or to the
one that owns the bytes. The walk through the namespace then gives the holders their names.
"""

from __future__ import annotations

import bisect
import gc
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..buffers import address_of
from .roots import chain_of, root_of
from .walk import Reached, reach

_UNNAMED = "something that no name reaches"


@dataclass(frozen=True)
class Holder:
    """A way to a buffer: `path` in words (``y``, ``Out[3]``, ``x in the closure of f``), its kind, and whether what it
    leads to is the same array or another view of the buffer."""

    path: str
    kind: str
    is_same: bool


@dataclass(frozen=True)
class InPlace:
    """Whether the buffer behind a name may be overwritten unseen.

    `why` says why not, in words that follow "because"; `holders` names who would see it. Both are empty where safe.
    """

    is_safe: bool
    why: str = ""
    holders: tuple[Holder, ...] = ()


class Reach:
    """Every way from a namespace to a buffer, looked up by the buffer. Holds references while it lives: let it go."""

    def __init__(self, namespace: Mapping[str, object]) -> None:
        self._ways: dict[int, list[tuple[Reached, np.ndarray]]] = defaultdict(list)
        self._spans: list[tuple[int, int, int]] = []  # where each owner's bytes begin and end, and its id
        arrays = [way for way in reach(namespace) if isinstance(way.value, np.ndarray)]
        owners = {id(root): root for root in (root_of(way.value) for way in arrays) if _owns(root)}
        for key, owner in owners.items():
            begin = address_of(owner)  # type: ignore[arg-type]
            self._spans.append((begin, begin + owner.nbytes, key))  # type: ignore[attr-defined]
        self._spans.sort()
        for way in arrays:
            self._ways[self._key(way.value)].append((way, way.value))

    def _key(self, array: np.ndarray) -> int:
        """The same for all arrays that look at the same bytes.

        Where the chain ends at an object that does not say whose the bytes are (a dlpack capsule), the address does.
        """
        root = root_of(array)
        if not _owns(root) and array.size:
            address = address_of(array)
            at = bisect.bisect(self._spans, (address, sys.maxsize, 0)) - 1
            if at >= 0 and self._spans[at][0] <= address < self._spans[at][1]:
                return self._spans[at][2]
        return id(root)

    def holders(self, array: np.ndarray, but: str = "") -> tuple[Holder, ...]:
        """Every way to the buffer of `array`, the path `but` left out."""
        found = {
            way.path: Holder(way.path, way.kind, value is array)
            for way, value in self._ways.get(self._key(array), ())
            if way.path != but
        }
        return tuple(sorted(found.values(), key=lambda each: (_RANK.get(each.kind, 9), each.path)))

    def buffer(self, array: np.ndarray) -> tuple[str, int]:
        """What is the same for all arrays that look at the same bytes."""
        return "address", self._key(array)

    def unnamed(self) -> Iterator[tuple[str, np.ndarray]]:
        """Arrays that live on without a name, an item or an output leading to their bytes, with what leads there."""
        for ways in self._ways.values():
            if not any(way.kind in ("name", "item", "attribute", "output") for way, _ in ways):
                way, array = min(ways, key=lambda pair: _RANK.get(pair[0].kind, 9))
                yield way.path, array

    def owner_path(self, array: np.ndarray) -> str:
        """The first name of the array that owns the bytes; empty where none reaches it."""
        key = self._key(array)
        ways = [way for way, value in self._ways.get(key, ()) if id(value) == key]
        return min(ways, key=lambda way: (_RANK.get(way.kind, 9), len(way.path))).path if ways else ""


def _owns(root: object) -> bool:
    return isinstance(root, np.ndarray) and bool(root.flags.owndata)


_RANK = {"name": 0, "item": 1, "attribute": 2, "output": 3, "closure": 4, "default": 5, "method": 6, "buffer": 7}


def holders_of(namespace: Mapping[str, object], name: str) -> tuple[Holder, ...]:
    """Everything else that a namespace reaches and that looks at the buffer of the array called `name`."""
    array = namespace[name]
    if not isinstance(array, np.ndarray):
        return ()
    return Reach(namespace).holders(array, but=name)


def _references(namespace: Mapping[str, object], name: str) -> int:
    return sys.getrefcount(namespace[name])


def _owner_references(namespace: Mapping[str, object], name: str) -> int:
    return sys.getrefcount(namespace[name].base)  # type: ignore[attr-defined]


# Counted along the same path as above, so that what the path itself holds cancels out (it differs between versions).
_ONE_NAME = _references({"x": np.empty(4)}, "x")
_ONE_VIEW = _owner_references({"x": np.arange(12.0).reshape(3, 4)}, "x")


def in_place(namespace: Mapping[str, object], name: str) -> InPlace:
    """Whether ``name[...] = ...`` or ``name += ...`` can be seen through nothing but `name`.

    Exact for what Python counts; a raw pointer in foreign code and another process on shared memory are not seen.
    The caller must hold no reference to the array: give the namespace, not a copy of it.
    """
    why = _unfit(namespace, name)
    if why:
        return InPlace(False, why)
    if _is_alone(namespace, name):
        return InPlace(True)
    held = holders_of(namespace, name) or _explained(namespace, name)
    return InPlace(False, f"{', '.join(each.path for each in held[:3])} would change with it", held)


def _unfit(namespace: Mapping[str, object], name: str) -> str:
    array = namespace.get(name)
    if type(array) is not np.ndarray:
        return f"{name} is no plain array but of type {type(array).__name__}"
    if array.dtype.kind not in "biufc":
        return f"the elements of {name} are no numbers"
    if array.ndim == 0:
        return f"{name} has no dimension: arithmetic gives a scalar, writing does not"
    if not array.flags.writeable:
        return f"{name} is read-only"
    if any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)):
        return f"elements of {name} share their bytes"
    if not (array.flags.owndata or isinstance(array.base, np.ndarray)):
        return f"the bytes of {name} belong to a {type(root_of(array)).__name__}"
    return ""


def _is_alone(namespace: Mapping[str, object], name: str) -> bool:
    if _references(namespace, name) != _ONE_NAME:
        return False
    array = namespace[name]
    assert isinstance(array, np.ndarray)
    is_owner, is_one_step = bool(array.flags.owndata), len(chain_of(array)) == 1
    del array
    return is_owner or (is_one_step and _owner_references(namespace, name) == _ONE_VIEW)


def _explained(namespace: Mapping[str, object], name: str) -> tuple[Holder, ...]:
    """What the collector knows of those that refer to the array, where the walk found none."""
    array = namespace[name]
    own = {id(namespace), id(sys._getframe())}
    kinds = sorted({type(each).__name__ for each in gc.get_referrers(array) if id(each) not in own} - {"frame"})
    path = f"an object of type {kinds[0]}" if kinds else _UNNAMED
    return (Holder(path, "other", True),)


def obstacle(namespace: dict[str, object], name: str) -> str:
    """`in_place` without the search for holders: why not, in words that follow "because", or nothing. Microseconds."""
    return _unfit(namespace, name) or ("" if _is_alone(namespace, name) else SEEN)


def is_only_reference(namespace: Mapping[str, object], name: str) -> bool:
    """Whether nothing but the name refers to the object itself; views of an array refer to it, too."""
    return _references(namespace, name) == _ONE_NAME


SEEN = "something else looks at its bytes"
