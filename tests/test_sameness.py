"""When two results are the same to the bit, when they are close, and when they are not."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from npmem_magic.compare.sameness import compare_values, is_same
from npmem_magic.compare.spans import blocks

A = np.arange(300_000.0)
OTHER_NAN = np.array([0x7FF8000000000001], np.uint64).view(float)
SAME: list[tuple[Any, Any]] = [
    (A, A.copy()),
    (A.reshape(500, 600), np.asfortranarray(A.reshape(500, 600))),
    (np.array([np.nan, np.inf, -0.0]), np.array([np.nan, np.inf, -0.0])),
    (np.empty((0, 3)), np.empty((0, 3))),
    (np.array(1.5), np.array(1.5)),
    (np.array([1 + 2j]), np.array([1 + 2j])),
    (np.array([1], np.longdouble), np.array([1], np.longdouble)),
    (np.array(["a", "b"]), np.array(["a", "b"])),
    (np.array([1, None, "a"], object), np.array([1, None, "a"], object)),
    (np.zeros(2, [("a", "i1"), ("b", "f8")]), np.zeros(2, [("a", "i1"), ("b", "f8")])),
    ([A, {"k": (1, 2.0)}], [A.copy(), {"k": (1, 2.0)}]),
    (float("nan"), float("nan")),
    (np.random.default_rng(1), np.random.default_rng(1)),
    (range(3), range(3)),
    (datetime.date(2020, 1, 1), datetime.date(2020, 1, 1)),
    (pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]}), pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})),
    (pd.Series(["a", "b"], dtype="category"), pd.Series(["a", "b"], dtype="category")),
    (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 1])),
]
OTHERS: list[tuple[Any, Any, str, str]] = [
    (A, A * (1 + 1e-12), "close", "relative 1e-12"),
    (np.float32([1, 2]), np.float32([1, 2.0000002]), "close", "relative 1.19e-07"),
    (np.array([0.0]), np.array([-0.0]), "close", "only signs of zero"),
    (np.array([np.nan]), OTHER_NAN, "close", "kinds of NaN"),
    (np.array([1 + 1j]), np.array([1 + (1 + 1e-15) * 1j]), "close", "largest difference"),
    (np.array(1.0), np.array(1.0 + 1e-15), "close", "largest difference 1.11e-15"),
    (np.array([1e6, 1e-12]), np.array([1e6, 0.0]), "close", "1e-12"),
    (A, A.astype(np.float32), "dtype differs", "float64 / float32"),
    (np.array([1, 2]), np.array([1.0, 2.0]), "dtype differs", "int64 / float64"),
    (1.0, np.float64(1.0), "dtype differs", "float / float64"),
    (np.array([1, 2], "<i4"), np.array([1, 2], ">i4"), "dtype differs", ""),
    (A, A + 1, "differs", "value[0]: 0.0 / 1.0"),
    (np.array([1e6, 1.0]), np.array([1e6, 2.0]), "differs", "value[1]: 1.0 / 2.0"),
    (np.array([np.nan, 1.0]), np.array([2.0, 1.0]), "differs", "value[0]: nan / 2.0"),
    (np.array([np.inf]), np.array([-np.inf]), "differs", "inf / -inf"),
    (np.array([1.0]), np.array([3.0], np.float32), "differs", "float64 / float32"),
    (np.array([1, 2, 3]), np.array([1, 2, 4]), "differs", "value[2]: 3 / 4"),
    (np.array([True, False]), np.array([True, True]), "differs", "value[1]: False / True"),
    (A, A[:-1], "differs", "shape (300000,) / (299999,)"),
    (A.reshape(2, -1), A.reshape(2, -1).T, "differs", "shape"),
    (np.array(["a"]), np.array(["b"]), "differs", "a / b"),
    (np.array([1], "M8[s]"), np.array([2], "M8[s]"), "differs", "value[0]"),
    (np.array([1, None], object), np.array([1, 2], object), "differs", "NoneType / int"),
    (np.zeros(1, [("a", "f8")]), np.ones(1, [("a", "f8")]), "differs", "value['a']"),
    ([1, 2], [1, 2, 3], "differs", "length 2 / 3"),
    ({"a": 1}, {"b": 1}, "differs", "keys"),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "differs", "the order of keys"),
    ((1, [2, {"k": "x"}]), (1, [2, {"k": "y"}]), "differs", "value[1][1]['k']: 'x' / 'y'"),
    ("a", "b", "differs", "'a' / 'b'"),
    (1, "1", "differs", "int / str"),
    (np.asmatrix([[1.0]]), np.array([[1.0]]), "differs", "matrix / ndarray"),
    (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 1]), "differs", "_mask"),
    (np.random.default_rng(1), np.random.default_rng(2), "differs", ""),
    (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [2.0]}), "differs", "value['a'][0]: 1.0 / 2.0"),
    (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]}), "differs", ""),
    (pd.Series([1, 2]), pd.Series([1, 2], dtype="i4"), "dtype differs", "int64 / int32"),
    (pd.Series(["a"], dtype="category"), pd.Series(["b"], dtype="category"), "d", ""),
    (len, abs, "not compared", "builtin"),
]


@pytest.mark.parametrize("at", range(len(SAME)))
def test_same_bits(at: int) -> None:
    found = compare_values(*SAME[at], "value")
    assert found.verdict == "same bits", found


@pytest.mark.parametrize("at", range(len(OTHERS)))
def test_not_the_same(at: int) -> None:
    one, other, verdict, words = OTHERS[at]
    found = compare_values(one, other, "value")
    assert found.verdict.startswith(verdict) and words in str(found), found
    assert not is_same(one, other)


def test_the_last_bit_of_the_last_item_counts() -> None:
    other = A.copy()
    other[-1] = np.nextafter(other[-1], np.inf)
    found = compare_values(A, other, "x")
    assert (found.verdict, found.largest_absolute) == ("close", other[-1] - A[-1])
    counts = np.arange(300_000)
    moved = counts.copy()
    moved[-1] += 1
    assert compare_values(counts, moved, "n").first == (("n[299999]", "299999", "300000"),)


def test_padding_between_fields_means_nothing() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    one, other = np.zeros(3, dtype), np.empty(3, dtype)
    other.view(np.uint8)[:] = 255
    other["a"], other["b"] = 0, 0
    assert compare_values(one, other, "r").verdict == "same bits"


def test_another_memory_order_is_told_and_no_difference() -> None:
    one = A.reshape(500, 600)
    found = compare_values(one, np.asfortranarray(one), "x")
    assert found.verdict == "same bits" and found.remarks == ("x: the same values in another memory order (C / F)",)


def test_values_that_hold_themselves() -> None:
    one: list[Any] = [1]
    other: list[Any] = [1]
    one.append(one)
    other.append(other)
    assert compare_values(one, other, "x").verdict == "same bits"


@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 0), (300_000,), (1000, 1000), (3, 200_000), (2, 3, 100_000)])
def test_blocks_cover_each_item_once(shape: tuple[int, ...]) -> None:
    seen = np.zeros(shape, np.int8)
    for block in blocks(shape):
        assert seen[block].size <= 1 << 17
        seen[block] += 1
    assert (seen == 1).all()


def test_comparing_takes_no_memory_worth_speaking_of() -> None:
    import tracemalloc

    one, other = np.ones(4_000_000), np.ones(4_000_000)
    other[5] += 1e-12
    tracemalloc.start()
    try:
        compare_values(one, other, "x")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
