"""Arrays compared: bit by bit first, and where bits differ by how much. Block by block, so that it takes no memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .equality import CLOSE, DIFFERS, DTYPE, SAME, Equality
from .spans import Block, blocks

_FIRST = 3  # differing items that are told
_NUMBERS = "biufc"


def compare_arrays(one: np.ndarray, other: np.ndarray, where: str) -> Equality:
    """How two arrays of any dtype without Python objects compare; their types and layouts are not looked at."""
    if one.shape != other.shape:
        return Equality(DIFFERS, where, f"shape {one.shape} / {other.shape}")
    if one.dtype != other.dtype:
        return _other_dtype(one, other, where)
    if one.dtype.names is not None:
        return _compare_fields(one, other, where)
    differing = [block for block in blocks(one.shape) if not _same_bits(one[block], other[block])]
    if not differing:
        return Equality(SAME)
    if one.dtype.kind not in "fc":
        return _unequal(one, other, where, differing)
    return _compare_floats(one, other, where, differing)


def is_same_array(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays without Python objects are the same to the bit; stops at the first block that is not."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.names is not None:
        return all(is_same_array(one[name], other[name]) for name in one.dtype.names)
    return all(_same_bits(one[block], other[block]) for block in blocks(one.shape))


def _other_dtype(one: np.ndarray, other: np.ndarray, where: str) -> Equality:
    why = f"{one.dtype} / {other.dtype}"
    if one.dtype.kind not in _NUMBERS or other.dtype.kind not in _NUMBERS:
        return Equality(DTYPE, where, why)
    values = _compare_floats(one, other, where, list(blocks(one.shape)))
    if values.verdict == DIFFERS:
        return Equality(DIFFERS, where, why, values.largest_absolute, values.largest_relative, values.first)
    return Equality(DTYPE, where, why, values.largest_absolute, values.largest_relative)


def _compare_fields(one: np.ndarray, other: np.ndarray, where: str) -> Equality:
    """Field by field: what lies between the fields means nothing."""
    for name in one.dtype.names or ():
        found = compare_arrays(one[name], other[name], f"{where}[{name!r}]")
        if found.verdict != SAME:
            return found
    return Equality(SAME)


def _same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    kind, size = one.dtype.kind, one.dtype.itemsize
    if kind == "c" and size <= 16:
        return _same_bits(one.real, other.real) and _same_bits(one.imag, other.imag)
    if kind in "biufmM" and size in (1, 2, 4, 8):
        words = np.dtype(f"u{size}")
        return bool((one.view(words) == other.view(words)).all())
    if kind == "V":
        return one.tobytes() == other.tobytes()
    if kind in "fc":  # longer than 8 bytes, some of them padding that means nothing
        return bool(np.all(_same_long(one.real, other.real) & _same_long(one.imag, other.imag)))
    return bool((one == other).all())


def _same_long(one: np.ndarray, other: np.ndarray) -> Any:
    signs = np.signbit(one) == np.signbit(other)
    return signs & ((one == other) | (np.isnan(one) & np.isnan(other)))


def _unequal(one: np.ndarray, other: np.ndarray, where: str, differing: list[Block]) -> Equality:
    largest = 0.0
    if one.dtype.kind in "iu":
        for block in differing:
            apart = np.abs(one[block].astype(np.longdouble) - other[block].astype(np.longdouble))
            largest = max(largest, float(apart.max()))
    first = _first(one, other, where, differing, lambda a, b: np.asarray(a != b))
    return Equality(DIFFERS, where, "" if first else "bits", largest, 0.0, first)


def _compare_floats(one: np.ndarray, other: np.ndarray, where: str, differing: list[Block]) -> Equality:
    """Close when every item is, up to the square root of the coarser dtype's precision, or up to what rounding of the
    largest item leaves in the smallest."""
    precision = max(_precision(one.dtype), _precision(other.dtype))
    largest = max((_largest(one[block]) for block in blocks(one.shape)), default=0.0)
    absolute = relative = 0.0
    is_close = True
    for block in differing:
        apart, size, is_apart = _apart(one[block], other[block])
        absolute = max(absolute, float(apart.max(initial=0)))
        with np.errstate(all="ignore"):
            relative = max(relative, float(np.where(apart > 0, apart / size, 0).max(initial=0)))
        within = apart <= math.sqrt(precision) * size + 64 * precision * largest
        is_close = is_close and bool(within.all()) and not bool(is_apart.any())
    if is_close and (precision or not absolute):
        why = "" if absolute else "only signs of zero or kinds of NaN"
        return Equality(CLOSE, where, why, absolute, relative)
    first = _first(one, other, where, differing, _is_other)
    return Equality(DIFFERS, where, "", absolute, relative, first)


def _precision(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0


def _wide(block: np.ndarray) -> Any:
    if block.dtype.kind == "c":
        return block.astype(np.clongdouble if block.dtype.itemsize > 16 else np.complex128)
    return block.astype(np.longdouble if block.dtype.itemsize > 8 or block.dtype.kind in "iu" else np.float64)


def _largest(block: np.ndarray) -> float:
    sizes = np.abs(_wide(block))
    sizes = sizes[np.isfinite(sizes)]
    return float(sizes.max(initial=0))


def _apart(one: np.ndarray, other: np.ndarray) -> tuple[Any, Any, Any]:
    """For each item: how far apart, how large the first, and whether no distance tells it (NaN or infinity in one)."""
    a, b = _wide(one), _wide(other)
    with np.errstate(all="ignore"):
        alike = (a == b) | (np.isnan(a) & np.isnan(b))
        apart = np.where(alike, 0, np.abs(a - b))
    is_apart = ~np.isfinite(apart)
    size = np.abs(a)
    return np.where(is_apart, 0, apart), np.where(np.isfinite(size), size, 0), is_apart


def _is_other(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(~((a == b) | ((a != a) & (b != b))))


def _first(one: np.ndarray, other: np.ndarray, where: str, differing: list[Block], test: Any) -> Any:
    found = []
    for place in _places(one, other, differing, test):
        at = f"{where}[{', '.join(map(str, place))}]" if place else where
        found.append((at, str(one[place]), str(other[place])))
        if len(found) == _FIRST:
            break
    return tuple(found)


def _places(one: np.ndarray, other: np.ndarray, differing: list[Block], test: Any) -> Iterator[tuple[int, ...]]:
    for block in differing:
        begin = [part.start or 0 for part in block if isinstance(part, slice)]
        for place in np.argwhere(test(one[block], other[block])):
            yield tuple(int(start + step) for start, step in zip(begin, place, strict=True))
