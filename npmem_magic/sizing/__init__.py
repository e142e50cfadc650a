"""Arithmetic before allocation: how many bytes a shape or an expression takes, whether they fit, and how to chunk."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..host import NpmemError
from ..limits import Memory, memory
from ..sizes import human, parse_size
from ..standins import Array, Evaluation, Known, Unknown, Value
from .chunks import Chunks, plan, snippet
from .reading import as_dtype, checked, read

__all__ = ["COMMON", "Chunks", "MemSize", "Part", "memsize"]

COMMON = (
    ("bool, int8, uint8", 1),
    ("int16, uint16, float16", 2),
    ("int32, uint32, float32", 4),
    ("int64, float64, complex64", 8),
    ("complex128, longdouble", 16),
)
_MOST = 2**63 - 1  # bytes that NumPy can address
_BUDGET_SHARE = 8  # without a budget a chunk takes this part of the free memory


@dataclass(frozen=True)
class Part:
    """An expression inside of what was asked for, with the array it gives; `is_new` unless it is a name or a view."""

    source: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    is_new: bool = True


@dataclass(frozen=True, eq=False)
class MemSize:
    """What an array would take.

    Attributes
    ----------
    asked : str
        What was asked for.
    shape, dtype, nbytes
        Of the array; `nbytes` are exact.
    parts : tuple of Part
        For an expression: the arrays it reads and makes, in the order they are evaluated, the result last.
    memory : Memory
        What there is for this process.
    devices : tuple of (str, int, int)
        GPUs: name, bytes in all, bytes free.
    chunks : Chunks or None
        How to work in pieces: where it does not fit, or a budget was given.
    snippet : str
        A program that runs as it stands: a file that holds the array, and a loop over its chunks.
    notes : tuple of str
        What is an upper bound only.
    """

    asked: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    parts: tuple[Part, ...] = ()
    memory: Memory = field(default_factory=memory)
    devices: tuple[tuple[str, int, int], ...] = ()
    chunks: Chunks | None = None
    snippet: str = ""
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def fits(self) -> bool:
        """Whether it, and all that it is made of, fits into the memory that is free now."""
        return self.nbytes + self.new_bytes <= self.memory.free

    @property
    def new_bytes(self) -> int:
        """Bytes of the largest array that is made on the way, the result left out."""
        return max((part.nbytes for part in self.parts[:-1] if part.is_new), default=0)

    @property
    def by_dtype(self) -> tuple[tuple[str, int], ...]:
        """The bytes of the same shape in other dtypes."""
        return tuple((names, self.size * itemsize) for names, itemsize in COMMON)

    def __repr__(self) -> str:
        return f"<MemSize {self.shape} {self.dtype}: {self.nbytes:,} bytes = {human(self.nbytes, 2)}>"


def memsize(
    what: str | int | Iterable[int],
    dtype: Any = None,
    *,
    budget: int | str | None = None,
    namespace: Mapping[str, object] | None = None,
    devices: tuple[tuple[str, int, int], ...] = (),
) -> MemSize:
    """How many bytes an array takes, before it is made.

    Parameters
    ----------
    what : str, int or iterable of int
        A shape (``(3075200, 512)`` or ``"3075200x512 float32"``), or an expression over the names of `namespace`, such
        as ``"np.zeros((1000, 256, 256), np.uint16)"`` or ``"a[:, None] - b[None, :]"``. Nothing of it is evaluated.
    dtype : optional
        As NumPy takes it; float64 by default, and for an expression the dtype it gives.
    budget : int or str, optional
        Bytes to work in; by default an eighth of the free memory where the array does not fit.
    namespace : mapping, optional
        Names that an expression may use; ``np`` is there without it.

    Raises
    ------
    NpmemError
        When the text means no array, or one that no machine can hold.
    """
    asked, evaluation = _asked(what, {"np": np, **(namespace or {})})
    array, named = _array(asked, evaluation, dtype)
    if array.nbytes > _MOST:
        raise NpmemError(
            f"{asked} would have {array.size:.3g} elements and take {array.nbytes:.3g} bytes; an array can have "
            f"{_MOST:.3g} at most. Is there a factor too many in the shape?"
        )
    room = memory()
    given = None if budget is None else parse_size(str(budget))
    found = MemSize(
        asked=asked, shape=array.shape, dtype=array.dtype, nbytes=array.nbytes, parts=named, memory=room,
        devices=devices, notes=tuple(evaluation.bounds),
    )  # fmt: skip
    if found.fits and (given is None or array.nbytes <= given):
        return found
    chunks = plan(array, given or max(1 << 20, room.free // _BUDGET_SHARE))
    return MemSize(**{**vars(found), "chunks": chunks, "snippet": snippet(array, chunks)})


def _asked(what: str | int | Iterable[int], names: Mapping[str, object]) -> tuple[str, Evaluation]:
    if isinstance(what, str):
        return what.strip(), read(what.strip(), names)
    shape = (what,) if isinstance(what, (int, np.integer)) else tuple(what)
    if not all(isinstance(side, (int, np.integer)) for side in shape):
        raise NpmemError(f"The shape {shape!r} has a side that is no whole number.")
    return "x".join(map(str, shape)) or "()", Evaluation(Array(checked(shape), np.dtype(float)))


def _array(asked: str, evaluation: Evaluation, dtype: Any) -> tuple[Array, tuple[Part, ...]]:
    value: Value = evaluation.value
    arrays = [value] if isinstance(value, Array) else []
    if isinstance(value, Known) and type(value.value) in (tuple, list):  # np.meshgrid: several arrays at once
        arrays = [each for each in value.value if isinstance(each, Array)]
    if isinstance(value, Known) and isinstance(value.value, np.generic):
        arrays = [Array((), value.value.dtype)]
    if not arrays:
        why = value.why if isinstance(value, Unknown) else "it gives no array"
        raise NpmemError(f"The size of {asked!r} cannot be worked out: {why}.")
    array = arrays[0] if len(arrays) == 1 else _together(arrays)
    if dtype is not None:
        array = Array(array.shape, as_dtype(dtype))
    seen: dict[str, Part] = {}
    for node, part in evaluation.parts.items():
        if isinstance(part, Array) and not part.is_scalar:
            source = ast.unparse(node)
            seen.setdefault(source, Part(source, part.shape, part.dtype, part.nbytes, _is_new(node)))
    return array, tuple(seen.values())


def _is_new(node: ast.expr) -> bool:
    """Whether evaluating the node makes an array, rather than naming one or looking into one."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name not in ("reshape", "transpose", "swapaxes", "squeeze", "broadcast_to", "view", "ravel")
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return False
    return True


def _together(arrays: list[Array]) -> Array:
    """Several arrays of one shape as one more dimension; else as plain bytes."""
    if len({(array.shape, array.dtype) for array in arrays}) == 1:
        return Array((len(arrays), *arrays[0].shape), arrays[0].dtype)
    return Array((sum(array.nbytes for array in arrays),), np.dtype(np.uint8))
