# ruff: noqa: E501  tables of arrays
"""Who else looks at a buffer: every holder is named, and a name is called alone only when it is."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from npmem_magic.arrays import find_arrays, holders_of, in_place

Setup = Callable[[dict[str, Any]], object]


def fresh() -> dict[str, Any]:
    return {"x": np.arange(1000.0)}


# Alone: writing in place is unseen


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(10.0), lambda: np.arange(12.0).reshape(3, 4), lambda: np.zeros((3, 4)).T,
        lambda: np.ones(5) + 1, lambda: np.zeros(5, bool), lambda: np.zeros(5, complex), lambda: np.arange(20)[5:], lambda: np.zeros(4, ">f8"),
    ],
)  # fmt: skip
def test_alone(make: Callable[[], np.ndarray]) -> None:
    namespace = {"x": make(), "y": np.zeros(3)}
    assert in_place(namespace, "x") == in_place(namespace, "y")
    assert in_place(namespace, "x").is_safe


def test_alone_again_once_the_alias_is_gone() -> None:
    namespace = fresh()
    namespace["y"] = namespace["x"][::2]
    assert not in_place(namespace, "x").is_safe
    del namespace["y"]
    assert in_place(namespace, "x").is_safe


# Not alone: the holder is named


def closure_over(array: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: array


def generator_over(array: np.ndarray) -> Any:
    yield 1
    yield array


def started(generator: Any) -> Any:
    next(generator)
    return generator


class Holds:
    def __init__(self, array: np.ndarray) -> None:
        self.kept = array

    def method(self) -> None: ...


def failing(array: np.ndarray) -> None:
    inner = array  # noqa: F841
    raise ValueError("kept")


def caught(array: np.ndarray) -> BaseException:
    try:
        failing(array)
    except ValueError as error:
        return error
    raise AssertionError


HELD: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "name": (lambda x: x, "h"),
    "view": (lambda x: x[::2], "h"),
    "view of a view": (lambda x: x[::2][::2], "h"),
    "reshaped": (lambda x: x.reshape(10, 100), "h"),
    "transposed": (lambda x: x.T, "h"),
    "other dtype": (lambda x: x.view("i8"), "h"),
    "real part": (lambda x: x.real, "h"),
    "broadcast": (lambda x: np.broadcast_to(x, (3, 1000)), "h"),
    "as_strided": (lambda x: np.lib.stride_tricks.as_strided(x, (3, 3), (8, 8)), "h"),
    "windows": (lambda x: np.lib.stride_tricks.sliding_window_view(x, 5), "h"),
    "frombuffer": (lambda x: np.frombuffer(x), "h"),
    "from dlpack": (lambda x: np.from_dlpack(x), "h"),
    "asarray of memoryview": (lambda x: np.asarray(memoryview(x)), "h"),
    "masked": (lambda x: np.ma.masked_array(x, x > 3), "h"),
    "matrix": (lambda x: x.view(np.matrix), "h"),
    "list": (lambda x: [0, x], "h[1]"),
    "tuple": (lambda x: (x,), "h[0]"),
    "dict": (lambda x: {"k": x}, "h['k']"),
    "view in a list": (lambda x: [x[1:]], "h[0]"),
    "attribute": (lambda x: Holds(x), "h.kept"),
    "bound method of an object": (lambda x: Holds(x).method, "h.__self__.kept"),
    "bound method of the array": (lambda x: x.sum, "the method h"),
    "closure": (closure_over, "array in the closure of h"),
    "default": (lambda x: lambda a=x: a, "a, a default of h"),
    "keyword default": (lambda x: lambda *, a=x: a, "a, a default of h"),
    "partial": (lambda x: functools.partial(len, x), "an argument of h"),
    "memoryview": (lambda x: memoryview(x), "the memoryview h"),
    "flat iterator": (lambda x: x.flat, "the iterator h"),
    "iterator": (lambda x: iter(x), "something in h"),
    "generator": (lambda x: started(generator_over(x)), "something in h"),
    "caught error": (caught, "inner in failing, kept by the traceback of h"),
}


@pytest.mark.parametrize("case", HELD)
def test_the_holder_is_named_and_writing_refused(case: str) -> None:
    make, path = HELD[case]
    namespace = fresh()
    namespace["h"] = make(namespace["x"])
    verdict = in_place(namespace, "x")
    assert not verdict.is_safe
    assert path in [holder.path for holder in holders_of(namespace, "x")], verdict
    assert path in [holder.path for holder in verdict.holders]
    assert path.split(",")[0] in verdict.why or len(verdict.holders) > 3


@pytest.mark.parametrize(("name", "path"), [("_", "_"), ("__", "__"), ("_12", "_12")])
def test_outputs_hold(name: str, path: str) -> None:
    namespace = fresh()
    namespace[name] = namespace["x"]
    assert not in_place(namespace, "x").is_safe
    assert [holder.path for holder in holders_of(namespace, "x")] == [path]


def test_the_output_list_holds() -> None:
    namespace = fresh()
    namespace["Out"] = {3: namespace["x"][5:]}
    assert [holder.path for holder in holders_of(namespace, "x")] == ["Out[3]"]
    assert [holder.is_same for holder in holders_of(namespace, "x")] == [False]


def test_a_stored_traceback_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = fresh()
    monkeypatch.setattr(sys, "last_value", caught(namespace["x"]), raising=False)
    monkeypatch.delattr(sys, "last_exc", raising=False)
    assert not in_place(namespace, "x").is_safe
    paths = [holder.path for holder in holders_of(namespace, "x")]
    assert "inner in failing, kept by the stored traceback of ValueError" in paths


HIDDEN: dict[str, Callable[[np.ndarray], Any]] = {
    "two levels down": lambda x: [[x]],
    "a set of objects": lambda x: {Holds(x)},
    "a series that shares": lambda x: pd.Series(x, copy=False),
    "pickle buffer": lambda x: __import__("pickle").PickleBuffer(x),
    "ctypes": lambda x: np.ctypeslib.as_ctypes(x),
    "map": lambda x: map(len, [x]),
    "nditer": lambda x: np.nditer(x),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_a_holder_that_cannot_be_named_still_refuses(case: str) -> None:
    namespace = fresh()
    namespace["h"] = HIDDEN[case](namespace["x"])
    assert not in_place(namespace, "x").is_safe


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: np.float64(3), "no plain array"),
        (lambda: [1, 2], "no plain array"),
        (lambda: np.ma.masked_array(np.zeros(3)), "no plain array"),
        (lambda: np.array(3.0), "no dimension"),
        (lambda: np.array(["a"]), "no numbers"),
        (lambda: np.array([None]), "no numbers"),
        (lambda: np.zeros(3, "M8[s]"), "no numbers"),
        (lambda: np.broadcast_to(np.zeros(3), (2, 3)), "read-only"),
        (lambda: np.lib.stride_tricks.as_strided(np.zeros(3), (2, 3), (0, 8)), "share their bytes"),
        (lambda: np.frombuffer(bytearray(80)), "belong to a bytearray"),
    ],
)
def test_unfit_for_writing(make: Callable[[], Any], words: str) -> None:
    verdict = in_place({"x": make()}, "x")
    assert not verdict.is_safe and words in verdict.why


def test_del_that_frees_and_del_that_does_not() -> None:
    import weakref

    namespace = fresh()
    watch = weakref.ref(namespace["x"])
    namespace["y"] = namespace["x"][::2]
    assert [holder.path for holder in holders_of(namespace, "x")] == ["y"]
    del namespace["x"]
    assert watch() is not None
    (info,) = find_arrays(namespace)
    assert (info.name, info.owner, info.pinned_nbytes) == ("y", "an array without a name", 8000)
    del namespace["y"]
    gc.collect()
    assert watch() is None


def test_all_at_once() -> None:
    """`x`, a view, an output and a closure on the same buffer."""
    x = np.arange(1000.0)
    namespace = {"x": x, "y": x[::2], "Out": {3: x}, "f": closure_over(x)}
    del x
    assert [holder.path for holder in holders_of(namespace, "x")] == ["y", "Out[3]", "array in the closure of f"]
    assert [holder.path for holder in holders_of(namespace, "y")] == ["x", "Out[3]", "array in the closure of f"]
