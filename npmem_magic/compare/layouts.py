"""Copies of arrays that share memory as the arrays they were made from: one new buffer for each old one.

An array is either an owner, or it looks into one (or into memory that is not NumPy's). What looks into an owner is made
anew on the owner's copy, at the same offset with the same strides.
"""

from __future__ import annotations

import mmap
from array import array as plain_array
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..buffers import address_of
from ..host import NpmemError


class CannotCopy(NpmemError):
    """A value of which no copy can be made; says which one, and why."""


@dataclass(frozen=True, eq=False)
class Root:
    """Where a chain of views ends: an array, and what it stands on when it is no owner.

    `kind`: ``own`` is copied; ``object`` too, its elements by the pickler; ``file`` is mapped again, copy-on-write;
    ``fixed`` cannot be written, so it is shared; ``under`` stands on a mutable Python buffer, copied by the pickler;
    ``foreign`` stands on memory of somebody else, and its copy owns its bytes.
    """

    array: np.ndarray
    kind: str
    under: Any = None

    @property
    def nbytes(self) -> int:
        """Bytes that NumPy allocates for a copy."""
        return int(self.array.nbytes) if self.kind in ("own", "object", "foreign") else 0


def root_of(array: np.ndarray) -> np.ndarray:
    """The last array of the chain of bases; looks through memoryviews and what `as_strided` puts in between."""
    while True:
        base: Any = array.base
        if isinstance(base, memoryview):
            base = base.obj
        if not isinstance(base, np.ndarray) and type(base).__name__ == "DummyArray":
            base = base.base
        if not isinstance(base, np.ndarray):
            return array
        array = base


def describe(array: np.ndarray) -> Root:
    """What `array`, the end of a chain, stands on.

    Raises
    ------
    CannotCopy
        When its items hold references among other fields, which cannot be copied one by one.
    """
    if array.dtype.hasobject:
        if array.dtype.kind not in "OT" or not array.flags.owndata:
            raise CannotCopy(f"an array of dtype {array.dtype} holds Python objects inside of its items")
        return Root(array, "object" if array.dtype.kind == "O" else "own")
    if array.flags.owndata:
        return Root(array, "own")
    under: Any = array.base.obj if isinstance(array.base, memoryview) else array.base
    if isinstance(array, np.memmap) and isinstance(under, mmap.mmap) and array.filename is not None:
        return Root(array, "file", under)
    if isinstance(under, bytes | str):
        return Root(array, "fixed", under)
    if type(under) in (bytearray, plain_array):
        return Root(array, "under", under)
    return Root(array, "foreign", under)


def copy_root(root: Root, under: Any = None) -> np.ndarray:
    """A new array like the root's, with the same strides and flags; `under` is the copy of what it stands on."""
    old = root.array
    match root.kind:
        case "file":
            new = _map_again(old)
        case "fixed":
            new = _on(root.under, old)
        case "under":
            new = _on(under, old)
        case "object":
            new = np.ndarray.copy(old, order="K")
            new.fill(None)  # `fill` follows, with copies of the elements
        case _:
            new = np.ndarray.copy(old, order="K")
    if not _same_strides(old, new):
        raise CannotCopy(f"an array of shape {old.shape} has strides {old.strides}, which no new array gets")
    return new


def copy_view(view: np.ndarray, offset: int, root: np.ndarray) -> np.ndarray:
    """What `view` is to the root that `root` was copied from: the same bytes, `offset` from the first, of `root`."""
    if not view.size or not root.size:
        return np.ndarray.copy(view, order="K")
    if view.dtype.hasobject:
        return _object_view(view, offset, root)
    buffer = _in_memory_order(root)
    new: np.ndarray = np.ndarray.__new__(type(view), view.shape, view.dtype, buffer, offset, view.strides)
    if isinstance(view, np.memmap) and isinstance(root, np.memmap):
        for name in ("_mmap", "filename", "offset", "mode"):
            setattr(new, name, getattr(root, name))
    return new


def elements(array: np.ndarray) -> list[Any]:
    """The objects in an array of dtype object, in the order of memory."""
    items: list[Any] = _in_memory_order(array).reshape(-1).tolist()
    return items


def fill(array: np.ndarray, objects: list[Any]) -> None:
    """Put `objects` into an array of dtype object, in the order of memory."""
    flat = _in_memory_order(array).reshape(-1)
    for place, item in enumerate(objects):
        flat[place] = item


def offset_of(view: np.ndarray, root: np.ndarray) -> int:
    """Bytes between the first item of `root` and the first of `view`."""
    return address_of(view) - address_of(root)


def _object_view(view: np.ndarray, offset: int, root: np.ndarray) -> np.ndarray:
    """NumPy makes no object array on a buffer, but takes its parts by indexing: the flat items, from `offset` on."""
    if type(view) is not np.ndarray or view.dtype != root.dtype or offset % root.itemsize:
        raise CannotCopy(f"a view of shape {view.shape} into an array of Python objects")
    flat = _in_memory_order(root).reshape(-1)
    start = flat[offset // root.itemsize :]
    return np.lib.stride_tricks.as_strided(start, view.shape, view.strides)


def _in_memory_order(array: np.ndarray) -> np.ndarray:
    """`array` as a C-contiguous view, its axes in the order of its strides."""
    axes = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
    return np.ndarray.view(array, np.ndarray).transpose(axes)


def _same_strides(old: np.ndarray, new: np.ndarray) -> bool:
    pairs = zip(old.shape, old.strides, new.strides, strict=True)
    return not old.size or all(before == after for size, before, after in pairs if size > 1)


def _on(buffer: Any, old: np.ndarray) -> np.ndarray:
    """An array like `old` on another buffer, as far from its beginning as `old` is from that of its own."""
    own: Any = old.base.obj if isinstance(old.base, memoryview) else old.base
    if isinstance(own, str):
        raise CannotCopy("an array that stands on a text")
    begin = address_of(np.frombuffer(own, np.uint8)) if len(own) else address_of(old)
    new: np.ndarray = np.ndarray.__new__(type(old), old.shape, old.dtype, buffer, address_of(old) - begin, old.strides)
    return new


def _map_again(old: Any) -> np.ndarray:
    """The file mapped once more, such that writing changes no file; what `old` wrote for itself only is taken over."""
    mode: Any = "r" if old.mode == "r" else "c"
    order: Any = "F" if old.flags.f_contiguous else "C"
    try:
        new: np.ndarray = np.memmap(old.filename, old.dtype, mode, old.offset, old.shape, order)
    except (OSError, ValueError) as error:
        raise CannotCopy(f"a memory-mapped file that cannot be opened again ({error})") from error
    if old.mode == "c":
        new[...] = old
    return new
