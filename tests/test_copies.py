"""Copies of a namespace: nothing of the original is touched, and what shared memory shares it in the same way."""

from __future__ import annotations

import collections
import functools
import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from npmem_magic.compare import layouts
from npmem_magic.compare.copies import Plan
from npmem_magic.compare.layouts import CannotCopy
from npmem_magic.compare.sameness import compare_values

HOME = """
base = np.arange(24.0).reshape(4, 6)
same = base
view = base[1:3, ::-2]
turned = base.T
fortran = np.asfortranarray(base)
locked = base[:2]
locked.flags.writeable = False
permuted = np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2).copy("K")
masked = np.ma.masked_array(base, mask=base > 5)
matrix = np.asmatrix(base)
records = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
field = records["b"]
table = np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
windows = np.lib.stride_tricks.sliding_window_view(base[0], 3)
broadcast = np.broadcast_to(base[0], (4, 6))
scalar = np.array(5.0)
empty = np.empty((0, 3))
frozen = np.frombuffer(b"abcdefgh", np.uint8)
raw = bytearray(b"12345678")
on_raw = np.frombuffer(raw, np.uint8)[2:]
objects = np.array([1, [base], None, {"a": view}], dtype=object).reshape(2, 2).T
some_objects = objects[0]
holder = [base, view, {"k": turned}]
queue = collections.deque([base])
"""
NAMES = [line.split(" = ")[0] for line in HOME.split("\n") if " = " in line and "." not in line.split(" = ")[0]]


@pytest.fixture
def home() -> dict[str, Any]:
    names = {"__name__": "__main__", "np": np, "collections": collections}
    exec(HOME, names)
    return names


def copied(names: dict[str, Any], *some: str) -> dict[str, Any]:
    return Plan(names, some or [name for name in names if not name.startswith("__")]).make()


def arrays(names: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    return ((name, value) for name, value in names.items() if isinstance(value, np.ndarray))


# What must be left alone


def test_writing_into_a_copy_reaches_no_original(home: dict[str, Any]) -> None:
    before = {name: value.tobytes() for name, value in arrays(home) if value.dtype != object}
    copy = copied(home)
    for _, array in arrays(copy):
        if array.flags.writeable and array.dtype != object:
            array[...] = np.zeros((), array.dtype)
    assert {name: value.tobytes() for name, value in arrays(home) if value.dtype != object} == before


def test_planning_copies_nothing() -> None:
    x = np.zeros(10**9, np.uint8)  # untouched: a copy would take a gigabyte
    plan = Plan({"x": x}, ["x"])
    assert 10**9 <= plan.nbytes < 10**9 + 10_000


@pytest.mark.parametrize("bad", [(n for n in [1]), threading.Lock(), sys.stdout, sys._getframe()])
def test_what_cannot_be_copied_is_named(bad: Any) -> None:
    with pytest.raises(CannotCopy, match="No copy can be made of `inner`"):
        Plan({"fine": 1, "inner": [bad]}, ["fine", "inner"])


def test_a_class_that_reads_an_array_of_the_notebook_is_refused(home: dict[str, Any]) -> None:
    exec("class C:\n    def total(self):\n        return base.sum()\nc = C()", home)
    with pytest.raises(CannotCopy, match="read `base`"):
        copied(home, "c")
    exec("class D:\n    def total(self):\n        return np.sum(1)\nd = D()", home)
    assert type(copied(home, "d")["d"]) is home["D"]


# The same structure


@pytest.mark.parametrize("name", NAMES)
def test_each_array_is_made_as_it_was(home: dict[str, Any], name: str) -> None:
    value, copy = home[name], copied(home)[name]
    assert type(copy) is type(value) and copy is not value
    if not isinstance(value, np.ndarray):
        return
    assert (copy.dtype, copy.shape) == (value.dtype, value.shape)
    assert value.size < 2 or copy.strides == value.strides
    flags = ("C_CONTIGUOUS", "F_CONTIGUOUS", "OWNDATA", "WRITEABLE")
    assert [copy.flags[flag] for flag in flags] == [value.flags[flag] for flag in flags]
    found = compare_values(value, copy, name)
    assert (found.verdict, found.remarks) == ("same bits", ())


def test_the_same_pairs_share_memory(home: dict[str, Any]) -> None:
    copy = copied(home)
    for one, first in arrays(home):
        for other, second in arrays(home):
            shares = np.may_share_memory(first, second)
            assert np.may_share_memory(copy[one], copy[other]) == shares, (one, other)
            assert one == "frozen" or not np.may_share_memory(copy[one], second)


def test_a_write_is_seen_where_it_was_seen(home: dict[str, Any]) -> None:
    copy = copied(home)
    assert copy["same"] is copy["base"] is copy["holder"][0] is copy["queue"][0]
    assert copy["holder"][1] is copy["view"] and copy["objects"][1, 0][0] is copy["base"]
    copy["base"][1, 1] = 99.0
    assert copy["view"][0, 2] == copy["turned"][1, 1] == copy["fortran"][1, 1] + 92 == 99.0
    assert copy["masked"].data[1, 1] == copy["matrix"][1, 1] == 99.0
    copy["raw"][3] = 65
    assert copy["on_raw"][1] == 65 and home["raw"][3] == ord("4")
    copy["records"]["b"][0] = 3
    assert copy["field"][0] == 3


def test_an_owner_that_only_its_view_knows_is_known_to_nobody_else(home: dict[str, Any]) -> None:
    home["alone"] = np.arange(12.0).reshape(3, 4)
    copy = copied(home, "alone")
    counts = [(sys.getrefcount(each["alone"]), sys.getrefcount(each["alone"].base)) for each in (home, copy)]
    assert counts[0] == counts[1]


def test_a_mapped_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "data"
    np.arange(1000, dtype="i4").tofile(path)
    mapped = np.memmap(path, "i4", "r+", 0, (10, 100))
    plan = Plan({"m": mapped, "part": mapped[2:4]}, ["m", "part"])
    assert plan.nbytes < 10_000
    copy = plan.make()
    assert type(copy["m"]) is type(copy["part"]) is np.memmap
    copy["m"][2] = -1
    assert (copy["part"][0] == -1).all() and mapped[2, 5] == 205
    del copy
    assert np.fromfile(path, "i4")[205] == 205


def test_read_only_maps_stay_read_only(tmp_path: Path) -> None:
    np.arange(10.0).tofile(tmp_path / "data")
    copy = copied({"m": np.memmap(tmp_path / "data", "f8", "r")}, "m")
    with pytest.raises(ValueError, match="read-only"):
        copy["m"][0] = 1


# Functions, objects, generators


def test_functions_read_the_copies(home: dict[str, Any]) -> None:
    exec(
        "k = 3\n"
        "def helper(a): return a * k + base.sum()\n"
        "def work(a, more=[1]): more.append(2); base[0] = 5; return helper(a)\n"
        "def outer():\n    kept = np.zeros(3)\n    def inner(): kept[0] += 1; return kept[0]\n"
        "    def twice(n): return n and twice(n - 1)\n    return inner, twice\n"
        "inner, twice = outer()",
        home,
    )
    copy = copied(home, "work", "inner", "twice")
    assert copy["work"].__globals__ is copy and copy["k"] == 3 and copy["helper"] is not home["helper"]
    copy["work"](1)
    copy["inner"]()
    assert home["base"][0, 1] == 1 and copy["base"][0, 1] == 5
    assert home["work"].__defaults__ == ([1],) and home["inner"]() == 1 and copy["twice"](3) == 0


def test_bound_arguments_and_objects(home: dict[str, Any]) -> None:
    @dataclass
    class Model:
        weights: np.ndarray

        def total(self) -> float:
            return float(self.weights.sum())

    home |= {"model": Model(home["base"]), "part": functools.partial(np.sum, home["base"])}
    home["method"] = home["model"].total
    copy = copied(home, "base", "model", "part", "method")
    assert copy["model"].weights is copy["base"] is copy["part"].args[0]
    assert copy["method"].__self__ is copy["model"] and copy["part"].func is np.sum


def test_random_generators_go_on_alike() -> None:
    home = {"new": np.random.default_rng(1), "old": np.random.RandomState(2), "plain": random.Random(3)}
    copy = copied(home, *home)
    drawn = [(each["new"].random(), each["old"].rand(), each["plain"].random()) for each in (copy, home)]
    assert drawn[0] == drawn[1]
    assert copied({"rand": np.random.rand}, "rand")["rand"].__self__ is np.random.rand.__self__


def test_cached_functions_forget(home: dict[str, Any]) -> None:
    exec("import functools\n@functools.lru_cache(maxsize=5)\ndef f(n): return base.sum() + n\nf(1)", home)
    plan = Plan(home, ["f"])
    copy = plan.make()
    copy["f"](2)
    assert "empty cache" in plan.remarks[0]
    assert home["f"].cache_info().currsize == copy["f"].cache_info().currsize == 1


@pytest.mark.parametrize("kind", ["numbers", "mixed", "text"])
def test_pandas(kind: str) -> None:
    values = {"numbers": [1.0, 2.0], "mixed": [1, "a"], "text": ["a", None]}[kind]
    frame = pd.DataFrame({"a": values, "b": [1, 2]})
    home = {"frame": frame, "again": frame, "column": frame["a"]}
    copy = copied(home, *home)
    assert copy["again"] is copy["frame"] is not frame
    assert compare_values(frame, copy["frame"], "frame").verdict == "same bits"
    copy["frame"].loc[0, "b"] = 7
    assert frame.loc[0, "b"] == 1


def test_strings_name_what_they_speak_of() -> None:
    home = {"formula": "2 * a + b", "a": np.ones(3), "b": 1, "c": 2}
    assert sorted(Plan(home, ["formula"]).masters) == ["a", "b", "formula"]


def test_onlookers(home: dict[str, Any]) -> None:
    home |= {"elsewhere": np.zeros(3), "pair": (1, home["base"][0]), "number": 3}
    plan = Plan(home, ["base"])
    plan.add_onlookers()
    assert {"view", "turned", "same", "locked", "pair", "holder", "windows", "matrix"} <= plan.masters.keys()
    assert not {"elsewhere", "number", "fortran", "records"} & plan.masters.keys()


def test_a_plan_makes_any_number_of_copies(home: dict[str, Any]) -> None:
    plan = Plan(home, ["base", "view"])
    first = plan.make()
    first["base"][:] = 0
    assert plan.make()["view"][0, 0] == home["view"][0, 0] == 11


def test_offsets_of_views() -> None:
    x = np.arange(10.0)
    assert layouts.offset_of(x[::-1], x) == 72
    assert layouts.root_of(memoryview(x) and np.asarray(memoryview(x))) is x
