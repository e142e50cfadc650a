"""Which smaller dtype would hold the values, and what it would lose: a look at the values in chunks, without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .roots import plain

CHUNK = 1 << 15  # floats looked at together: they and the work space stay in a core's cache
_PIECE = 1 << 20  # bytes of integers looked at together
WHOLE = 1 << 30  # bytes up to which every value is looked at
SAMPLE = 1 << 26  # bytes looked at beyond that
_HALF_SAMPLE = 1 << 20  # elements whose cast to float16, which most machines do in software, is tried
_SIGNED = (np.int8, np.int16, np.int32, np.int64)
_UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)


@dataclass(frozen=True)
class Fit:
    """One smaller dtype: `saved` bytes, and what it loses on these values.

    Errors are the largest over all values looked at; 0.0 both where every value stays exactly as it is. `overflow` says
    that some value does not fit at all; `subnormal` counts values below the normal range, which lose digits;
    `integers_lost` that whole numbers stop being exact.
    """

    dtype: np.dtype[Any]
    saved: int
    absolute: float = 0.0
    relative: float = 0.0
    overflow: bool = False
    subnormal: int = 0
    integers_lost: bool = False
    part: float = 1.0

    @property
    def is_exact(self) -> bool:
        """Whether every value looked at stays as it is."""
        return not (self.overflow or self.absolute or self.subnormal)


@dataclass(frozen=True)
class Fits:
    """What would hold an array: `exact` the smallest dtype that holds every value, and all that was looked at.

    `part` is the share of the elements that were looked at; below 1 it was a sample.
    """

    exact: np.dtype[Any] | None
    tried: tuple[Fit, ...]
    part: float


class Budget:
    """Bytes that may be looked at, over all arrays of one report."""

    def __init__(self, nbytes: int = WHOLE) -> None:
        self.left = nbytes

    def take(self, nbytes: int) -> int:
        """The bytes of an array of `nbytes` that are looked at: all, or a sample; never none."""
        granted = nbytes if nbytes <= self.left else min(nbytes, SAMPLE, max(self.left, 1 << 20))
        self.left = max(0, self.left - granted)
        return granted


def fits(array: np.ndarray, budget: Budget | None = None) -> Fits:
    """Smaller dtypes for an array of bools, integers, floats or complex numbers; nothing tried for others."""
    bare = plain(array)
    if bare.dtype.kind not in "iufc" or not bare.size:
        return Fits(None, (), 1.0)
    # What a stride of 0 shows many times is looked at once.
    once = bare[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in bare.strides)]
    look = {"f": _floats, "c": _complexes}.get(bare.dtype.kind, _integers)
    return look(once, budget or Budget())


def chunks(array: np.ndarray, granted: int, count: int = CHUNK) -> Iterator[np.ndarray]:
    """One-dimensional pieces of at most `count` elements: views, or small copies; about `granted` bytes in all.

    Of a larger array evenly spaced pieces come, so that a change of the values along it is seen.
    """
    step = max(1, round(array.nbytes / granted)) if array.nbytes else 1
    flat = _flat(array)
    if flat is not None:
        yield from (flat[start : start + count] for start in range(0, flat.size, count * step))
    elif array[0].size > count:
        each = max(1, granted * len(array) // array.nbytes) if step > 1 else len(array)
        for part in array[:: max(1, len(array) // each)]:
            yield from chunks(part, max(1, granted // each), count)
    else:
        rows = max(1, count // max(1, array[0].size))
        yield from (array[start : start + rows].reshape(-1) for start in range(0, len(array), rows * step))


def _flat(array: np.ndarray) -> np.ndarray | None:
    """The elements in the order they lie in, as one view; None where there is none."""
    if array.flags.c_contiguous:
        return array.reshape(-1)
    if array.flags.f_contiguous:
        return array.T.reshape(-1)
    return array if array.ndim == 1 else None


def _integers(array: np.ndarray, budget: Budget) -> Fits:
    granted = budget.take(array.nbytes)
    low, high = None, None
    for piece in chunks(array, granted, _PIECE // array.itemsize):
        smallest, largest = int(piece.min()), int(piece.max())
        low = smallest if low is None else min(low, smallest)
        high = largest if high is None else max(high, largest)
    part = granted / array.nbytes
    if low is None or high is None:
        return Fits(None, (), part)
    holding = smallest_integer(low, high, array.dtype)
    tried = []
    if low >= 0 and high <= 1:
        tried.append(_fit(array, np.dtype(bool), part))
    if holding.itemsize < array.dtype.itemsize:
        tried.append(_fit(array, holding, part))
    tried = [each for each in tried if each.saved > 0 or each.dtype.kind == "b"]
    return Fits(tried[0].dtype if tried and tried[0].saved else None, tuple(tried), part)


def smallest_integer(low: int, high: int, like: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest integer dtype for the range, of the same sign as `like` where both would do."""
    kinds = (_UNSIGNED, _SIGNED) if like.kind == "u" else (_SIGNED, _UNSIGNED)
    holding = [
        np.dtype(each) for kind in kinds for each in kind if np.iinfo(each).min <= low and high <= np.iinfo(each).max
    ]
    return min(holding, key=lambda each: each.itemsize) if holding else like


def _fit(array: np.ndarray, dtype: np.dtype[Any], part: float, **lost: Any) -> Fit:
    return Fit(dtype, array.size * (array.dtype.itemsize - dtype.itemsize), part=part, **lost)


class _Casts:
    """What casting to one smaller float dtype does to the values seen so far."""

    def __init__(self, dtype: type[np.floating[Any]], most: float = float("inf")) -> None:
        self.dtype, self.limits = np.dtype(dtype), np.finfo(dtype)
        self.absolute = self.relative = 0.0
        self.subnormal, self.left = 0, most
        self.room = np.empty(CHUNK, dtype)

    def see(self, values: np.ndarray, sizes: np.ndarray, room: np.ndarray) -> None:
        """Cast finite `values`, whose absolute values are `sizes`; `room` is work space of their dtype."""
        if self.left <= 0 or not len(values):
            return
        self.left -= len(values)
        cast, error = self.room[: len(values)], room[: len(values)]
        np.copyto(cast, values, casting="same_kind")
        np.copyto(error, cast)  # and back by itself: a mixed subtraction takes twice the time
        np.subtract(values, error, out=error)
        np.abs(error, out=error)
        largest = float(error.max())
        if largest:
            self.absolute = max(self.absolute, largest)
            np.divide(error, sizes, out=error)
            worst = float(error.max())  # NaN where 0 was divided by 0, which is no error
            self.relative = max(self.relative, worst if worst == worst else float(np.fmax.reduce(error)))
        if float(sizes.min()) < self.limits.tiny:
            self.subnormal += int(np.count_nonzero(sizes < self.limits.tiny) - np.count_nonzero(sizes == 0))


@dataclass
class _Seen:
    """What has been seen of floats."""

    most: float = 0.0
    low: float = float("inf")
    high: float = -float("inf")
    are_whole: bool = True
    are_finite: bool = True


def _floats(array: np.ndarray, budget: Budget) -> Fits:
    granted = budget.take(array.nbytes)
    casts = [_Casts(np.float32)] if array.dtype.itemsize > 4 else []
    casts += [_Casts(np.float16, _HALF_SAMPLE)] if array.dtype.itemsize > 2 else []
    work = np.result_type(array.dtype.newbyteorder("="), np.float32)
    sizes, room = np.empty(CHUNK, work), np.empty(CHUNK, work)
    seen = _Seen()
    with np.errstate(all="ignore"):
        for piece in chunks(array, granted):
            _see(piece.astype(work, copy=False), seen, casts, sizes, room)
            if not casts and not seen.are_whole:  # nothing left to find
                break
    part = granted / array.nbytes
    tried = [_whole(array, seen, part)] if seen.are_whole and seen.are_finite and seen.high >= seen.low else []
    tried += [_fit_of(array, cast, seen, part) for cast in casts]
    found = tuple(each for each in tried if each is not None and each.saved > 0)
    exact = [each for each in found if each.is_exact]
    return Fits(min(exact, key=lambda each: each.dtype.itemsize).dtype if exact else None, found, part)


def _see(values: np.ndarray, seen: _Seen, casts: list[_Casts], sizes: np.ndarray, room: np.ndarray) -> None:
    size = np.abs(values, out=sizes[: len(values)])
    if not np.isfinite(largest := float(size.max())):
        seen.are_finite = False
        values = values[np.isfinite(size)]
        size = np.abs(values, out=sizes[: len(values)])
        largest = float(size.max()) if len(values) else 0.0
    if not len(values):
        return
    seen.most = max(seen.most, largest)
    if seen.are_whole:
        seen.low, seen.high = min(seen.low, float(values.min())), max(seen.high, float(values.max()))
        whole = np.rint(values, out=room[: len(values)])
        seen.are_whole = bool(np.array_equal(whole, values))
    for cast in casts:
        if seen.most <= float(cast.limits.max):
            cast.see(values, size, room)


def _whole(array: np.ndarray, seen: _Seen, part: float) -> Fit | None:
    """The integer or bool dtype that holds floats which are all whole numbers."""
    if max(abs(seen.low), abs(seen.high)) >= 2**63:
        return None
    low, high = int(seen.low), int(seen.high)
    dtype = np.dtype(bool) if low >= 0 and high <= 1 else smallest_integer(low, high, np.dtype(np.int64))
    return _fit(array, dtype, part)


def _fit_of(array: np.ndarray, cast: _Casts, seen: _Seen, part: float) -> Fit:
    overflow = seen.most > float(cast.limits.max)
    if overflow:
        return _fit(array, cast.dtype, part, overflow=True)
    whole = 2 ** (cast.limits.nmant + 1)  # beyond it not every whole number has a float of its own
    looked = part if cast.left > 0 else min(part, _HALF_SAMPLE / array.size)
    return _fit(
        array, cast.dtype, looked, absolute=cast.absolute, relative=cast.relative, subnormal=cast.subnormal,
        integers_lost=seen.are_whole and seen.most > whole and cast.absolute > 0,
    )  # fmt: skip


def _complexes(array: np.ndarray, budget: Budget) -> Fits:
    """complex64 for complex128, by its two parts; and a plain float where the imaginary part is 0 throughout."""
    if array.dtype.itemsize <= 8:
        return Fits(None, (), 1.0)
    parts = [_floats(side, budget) for side in (array.real, array.imag)]
    sides = [next(each for each in found.tried if each.dtype == np.float32) for found in parts]
    half = _fit(
        array, np.dtype(np.complex64), min(each.part for each in parts),
        absolute=max(each.absolute for each in sides), relative=max(each.relative for each in sides),
        overflow=any(each.overflow for each in sides), subnormal=sum(each.subnormal for each in sides),
        integers_lost=any(each.integers_lost for each in sides),
    )  # fmt: skip
    return Fits(half.dtype if half.is_exact else None, (half,), half.part)
