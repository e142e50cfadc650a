"""How an array lies in memory: order, flags, padding of structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .roots import file_of, plain


def order_of(array: np.ndarray) -> str:
    """``"C"``, ``"F"``, ``"C and F"``, or the strides where the elements lie neither way without gaps."""
    flags = array.flags
    if flags.c_contiguous and flags.f_contiguous:
        return "C and F" if array.ndim > 1 else "C"
    if flags.c_contiguous or flags.f_contiguous:
        return "C" if flags.c_contiguous else "F"
    return f"strides {', '.join(map(str, array.strides))}"


def flags_of(array: np.ndarray) -> tuple[str, ...]:
    """What is unusual about an array, in words."""
    bare, found = plain(array), []
    if not bare.flags.writeable:
        found.append("read-only")
    if not bare.flags.aligned:
        found.append("unaligned")
    if not bare.dtype.isnative:
        found.append("byte-swapped: every operation converts it first")
    if any(stride == 0 and size > 1 for stride, size in zip(bare.strides, bare.shape, strict=True)):
        found.append("elements share their bytes (a stride of 0)")
    if file := file_of(array):
        found.append(f"memory-mapped: {file}")
    return tuple(found)


def seen_bytes(array: np.ndarray) -> int:
    """Bytes of memory that an array looks at: those that a stride of 0 shows many times count once."""
    sides = (size for size, stride in zip(array.shape, array.strides, strict=True) if stride)
    count = 1
    for size in sides:
        count *= size
    return count * array.dtype.itemsize if array.size else 0


@dataclass(frozen=True)
class Structure:
    """A structured dtype, bytes per record: now, unused of them, and without any gap or with the fields reordered."""

    itemsize: int
    padding: int
    packed: int
    reordered: int

    def sentence(self, count: int) -> str:
        """What is lost in `count` records, and how it is got back."""
        if not self.padding:
            return ""
        best = "align=True with the widest fields first" if self.reordered < self.itemsize else "packing"
        left = self.reordered if self.reordered < self.itemsize else self.packed
        return f"{self.padding} of {self.itemsize} bytes a record are padding; {best} needs {left}"


def structure_of(dtype: np.dtype[Any]) -> Structure | None:
    """The padding of a structured dtype; None for a plain one."""
    if dtype.names is None or dtype.fields is None:
        return None
    fields = [(name, dtype.fields[name][0]) for name in dtype.names]
    used = np.zeros(dtype.itemsize, bool)
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]
        used[offset : offset + field.itemsize] = True
    widest = sorted(fields, key=lambda pair: -pair[1].alignment)
    return Structure(
        itemsize=dtype.itemsize,
        padding=int(dtype.itemsize - used.sum()),
        packed=np.dtype(fields).itemsize,
        reordered=np.dtype(widest, align=True).itemsize,
    )
