"""What would fit: arrays whose range, losses and contents are known."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from npmem_magic.arrays import Budget, Fit, fits
from npmem_magic.arrays.fits import CHUNK, chunks, smallest_integer
from npmem_magic.arrays.layout import structure_of
from npmem_magic.arrays.texts import contents_of


def fit(array: np.ndarray, dtype: Any) -> Fit:
    """What was found on one smaller dtype."""
    return next(each for each in fits(array).tried if each.dtype == np.dtype(dtype))


# Nothing to advise


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5, bool), np.array([300, -1], np.int16), np.array([-129], np.int16), np.array([200, 3], np.uint8),
        np.zeros(0), np.zeros(5, "M8[s]"), np.array([2**64 - 1, 5], np.uint64), np.array([2**62, -5]),
        np.array([0.1, 65520.5], np.float32), np.array(["a"]), np.array([1j], np.complex64),
    ],
)  # fmt: skip
def test_nothing_smaller_holds_it(array: np.ndarray) -> None:
    found = fits(array)
    assert found.exact is None and not any(each.is_exact and each.saved for each in found.tried)


# Integers and bools


@pytest.mark.parametrize(
    ("values", "dtype", "best"),
    [
        ([0, 255], "i8", "u1"), ([0, 127], "i8", "i1"), ([-128, 127], "i8", "i1"), ([-129, 0], "i8", "i2"),
        ([0, 256], "i8", "i2"), ([0, 65535], "i8", "u2"), ([0, 2**31], "i8", "u4"), ([-1, 2**31 - 1], "i8", "i4"),
        ([0, 1], "i8", "?"), ([1, 1], "u2", "?"), ([0, 255], "u8", "u1"), ([5, 5], ">i4", "i1"), ([2, 3], "u4", "u1"),
    ],
)  # fmt: skip
def test_the_smallest_integer(values: list[int], dtype: str, best: str) -> None:
    array = np.array(values * 50, dtype)
    assert fits(array).exact == np.dtype(best)
    assert fit(array, best).saved == 100 * (array.itemsize - np.dtype(best).itemsize)


def test_the_extreme_may_stand_anywhere() -> None:
    array = np.zeros(10 * CHUNK + 17, np.int64)
    for place in (0, 5 * CHUNK, len(array) - 1):
        array[:] = 5
        array[place] = 40_000
        assert fits(array).exact == np.uint16, place


def test_smallest_integer_keeps_the_sign_where_both_would_do() -> None:
    assert smallest_integer(0, 100, np.dtype("i8")) == np.int8
    assert smallest_integer(0, 100, np.dtype("u8")) == np.uint8
    assert smallest_integer(0, 200, np.dtype("i8")) == np.uint8


# Floats


def test_whole_numbers_in_floats() -> None:
    assert fits(np.arange(100.0)).exact == np.int8
    assert fits(np.array([0.0, 1.0] * 10)).exact == np.bool_
    assert fits(np.array([0.0, 1.0, np.nan])).exact == np.float16


def test_the_largest_errors_of_float32() -> None:
    array = np.linspace(0, 1, 100_001)[1:]
    found = fit(array, np.float32)
    error = np.abs(array - array.astype(np.float32))
    assert found.absolute == error.max()
    assert found.relative == (error / array).max()
    assert not found.is_exact and found.saved == 400_000


def test_overflow() -> None:
    assert fit(np.array([1e39, 0.5]), np.float32).overflow
    assert not fit(np.array([3e38, 0.5]), np.float32).overflow
    assert fit(np.array([65_505.5, 0.5]), np.float16).overflow
    assert not fit(np.array([65_504.0, 0.5]), np.float16).overflow


def test_subnormals_are_counted() -> None:
    array = np.array([1e-40, -1e-41, 0.0, 0.0, 0.5])
    assert fit(array, np.float32).subnormal == 2
    assert fit(np.array([1e-7, 0.25, 0.0], np.float32), np.float16).subnormal == 1


def test_whole_numbers_that_stop_being_exact() -> None:
    assert fit(np.array([2.0**24 + 1, 3.0]), np.float32).integers_lost
    assert not fit(np.array([2.0**24, 3.0]), np.float32).integers_lost
    assert fit(np.array([2049.0, 3.0]), np.float16).integers_lost
    assert not fit(np.array([2.0**24 + 1, 3.5]), np.float32).integers_lost


def test_infinities_and_nan_change_nothing() -> None:
    array = np.array([np.nan, np.inf, -np.inf, 0.1])
    assert fit(array, np.float32).absolute == abs(0.1 - float(np.float32(0.1)))
    assert fits(np.full(10, np.nan)).exact == np.float16


@pytest.mark.parametrize("make", [
    lambda x: x, lambda x: x[::2], lambda x: x.reshape(100, 10).T, lambda x: x.reshape(10, 10, 10)[:, ::2, 1:],
    lambda x: x.reshape(20, 50)[:, ::-1], lambda x: x.astype(">f8"), lambda x: np.asfortranarray(x.reshape(50, 20)),
])  # fmt: skip
def test_layout_does_not_matter(make: Any) -> None:
    array = make(np.random.default_rng(0).random(1000) * 1000)
    error = np.abs(array - array.astype(np.float32))
    assert fit(array, np.float32).absolute == error.max()
    assert sum(piece.size for piece in chunks(array, array.nbytes, 7)) == array.size


def test_complex() -> None:
    array = np.array([0.1 + 1j, 3 + 2e40j])
    assert fit(array, np.complex64).overflow
    assert fits(np.array([1 + 2j, 3j])).exact == np.complex64


def test_longdouble_and_half() -> None:
    assert {each.dtype for each in fits(np.full(10, 0.1, np.longdouble)).tried} >= {np.dtype("f4"), np.dtype("f2")}
    assert fits(np.full(10, 0.5, np.float16)).tried == ()


# Bounds


def test_a_sample_says_so() -> None:
    array = np.arange(10_000_000, dtype=np.int64)
    found = fits(array, Budget(8_000_000))
    assert found.part == pytest.approx(0.1) and found.tried[0].part == found.part
    assert fits(array).part == 1.0


def test_what_a_stride_of_zero_repeats_is_looked_at_once() -> None:
    found = fits(np.broadcast_to(np.array([1, 300]), (10**9, 2)), Budget(100))
    assert found.exact == np.int16 and found.part == 1.0


def test_no_copy_is_made() -> None:
    array = np.random.default_rng(0).random(4_000_000)
    fits(array)
    tracemalloc.start()
    try:
        fits(array)
        fits(array.reshape(2000, 2000)[:, ::2])
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**20
    finally:
        tracemalloc.stop()


# Text, objects, structures


def test_fixed_width_waste() -> None:
    array = np.array(["ab"] * 999 + ["x" * 50])
    found = contents_of(array)
    assert found is not None and "of the fixed width of 50 characters is filling" in found.remark
    assert found.holds.startswith("categories (2 texts")
    assert found.saved == array.nbytes - 1000 - 4 * 52


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 1.26 has no StringDType")
def test_string_dtype_where_nothing_repeats() -> None:
    array = np.array([f"{number:03}" for number in range(999)] + ["x" * 50])
    found = contents_of(array)
    assert found is not None and found.holds == "StringDType"
    assert found.saved == array.nbytes - (16 * 1000 + 50)


@pytest.mark.parametrize(
    ("items", "holds"),
    [
        ([1, 2, 3], "int8"), ([1, 70_000], "int32"), ([1, 2.5], "float64"), ([1.5, None], "float64 with NaN for None"),
        ([True, False], "bool"), ([2**70, 1], ""), ([object(), 1], ""), ([2**60, 0.5], ""),
    ],
)  # fmt: skip
def test_objects_that_a_dtype_would_hold(items: list[object], holds: str) -> None:
    found = contents_of(np.array(items * 10, object))
    assert found is not None and found.holds == holds


def test_the_true_bytes_of_objects_count_each_once() -> None:
    import sys

    shared, array = "a" * 1000, np.empty(100, object)
    array[:] = shared
    found = contents_of(array)
    assert found is not None and found.true_bytes == 800 + sys.getsizeof(shared)
    array[:] = [f"{number:050}" for number in range(100)]
    found = contents_of(array)
    assert found is not None and found.true_bytes == 800 + 100 * sys.getsizeof("0" * 50)


def test_objects_are_not_asked() -> None:
    class Touchy:
        def __sizeof__(self) -> int:
            raise AssertionError

        __eq__ = __hash__ = __repr__ = __sizeof__  # type: ignore[assignment]

    found = contents_of(np.array([Touchy(), Touchy()], object))
    assert found is not None and found.holds == "" and found.true_bytes > 16


def test_a_structure_with_overlapping_fields() -> None:
    dtype = np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 0], "itemsize": 8})
    found = structure_of(dtype)
    assert found is not None and found.padding == 4
    assert structure_of(np.dtype("f8")) is None
