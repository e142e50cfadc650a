# ruff: noqa: E501  tables of arrays
"""Every array of a namespace: bytes, owners, views, order and flags of arrays whose layout is known."""

from __future__ import annotations

import array as stdlib_array
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import npmem_magic
from npmem_magic.arrays import ArrayInfo, distinct_bytes, find_arrays


def one(name: str = "x", **names: Any) -> ArrayInfo:
    """What is found under one name."""
    found = {info.name: info for info in find_arrays(names)}
    return found[name]


# Nothing to find, and nothing that may be touched


def test_no_arrays() -> None:
    assert find_arrays({"a": 1, "b": "text", "np": np, "f": len, "_": 3, "In": [""], "Out": {}}) == []


def test_no_code_of_the_users_runs() -> None:
    class Touchy:
        def __init__(self) -> None:
            self.x = np.zeros(3)

        def refuse(self, *args: object) -> Any:
            raise AssertionError("touched")

        __getattr__ = __repr__ = __eq__ = __len__ = __iter__ = __bool__ = __hash__ = __dir__ = refuse  # type: ignore[assignment]
        shape = dtype = nbytes = __array__ = property(refuse)

    class Sub(np.ndarray):
        shape = nbytes = dtype = flags = base = property(Touchy.refuse)  # type: ignore[assignment]

    sub = np.zeros(5).view(Sub)
    found = {info.name: info for info in find_arrays({"t": Touchy(), "l": [Touchy()], "s": sub, "d": {1: Touchy()}})}
    assert found["t.x"].nbytes == 24 and found["s"].nbytes == 40


def test_nothing_is_kept_alive() -> None:
    import weakref

    namespace = {"x": np.zeros(1000)}
    find_arrays(namespace)
    watch = weakref.ref(namespace["x"])
    del namespace["x"]
    assert watch() is None


# Owners and views


def test_an_owner() -> None:
    info = one(x=np.zeros((100, 50)))
    assert (info.shape, info.dtype, info.nbytes, info.owned_nbytes) == ((100, 50), np.dtype("f8"), 40_000, 40_000)
    assert (info.order, info.owner, info.holders, info.flags) == ("C", "", (), ())


def test_a_view_of_a_view_has_one_owner() -> None:
    x = np.zeros(1000)
    found = {info.name: info for info in find_arrays({"x": x, "y": x[::2], "z": x[::2][::2][1:]})}
    assert found["y"].owner == found["z"].owner == "x"
    assert found["z"].owned_nbytes == 0 and found["z"].order == "strides 32"
    assert set(found["x"].holders) == {"y", "z"} and set(found["z"].holders) == {"x", "y"}
    assert distinct_bytes(found.values()) == 8000


def test_a_small_view_pins_what_no_name_reaches() -> None:
    info = one(x=np.zeros(100_000_000)[:128])
    assert (info.nbytes, info.pinned_nbytes, info.owner) == (1024, 800_000_000, "an array without a name")


def test_the_same_array_twice_counts_once() -> None:
    x = np.zeros(1000)
    found = find_arrays({"x": x, "y": x, "rows": [x, x[1:]]})
    assert distinct_bytes(found) == 8000
    assert {info.name for info in found} == {"x", "y", "rows[0]", "rows[1]"}


@pytest.mark.parametrize(
    ("make", "seen", "pinned"),
    [
        (lambda x: np.broadcast_to(x, (10**6, 1000)), 8 * 10**9, 8000),
        (lambda x: np.lib.stride_tricks.as_strided(x, (5, 5), (8, 8)), 200, 8000),
        (lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), 998 * 24, 8000),
        (lambda x: x.reshape(10, 100).T, 8000, 8000),
        (lambda x: np.frombuffer(x), 8000, 8000),
        (lambda x: np.asarray(memoryview(x)), 8000, 8000),
        (lambda x: x.view("i4"), 8000, 8000),
        (lambda x: x.view(complex).real, 4000, 8000),
        (lambda x: x.view(np.matrix), 8000, 8000),
    ],
)
def test_views_of_every_kind_lead_to_their_owner(make: Any, seen: int, pinned: int) -> None:
    x = np.zeros(1000)
    found = {info.name: info for info in find_arrays({"x": x, "v": make(x)}, check=False)}
    assert (found["v"].nbytes, found["v"].pinned_nbytes, found["v"].owner) == (seen, pinned, "x")
    assert "v" in found["x"].holders
    assert distinct_bytes(found.values()) == 8000


def test_bytes_that_are_no_arrays() -> None:
    held = stdlib_array.array("d", [1.0] * 100)
    found = {info.name: info for info in find_arrays({"a": np.frombuffer(b"12345678" * 4), "b": np.frombuffer(held)})}
    assert found["a"].owner == "a bytes" and found["a"].pinned_nbytes == 32 and "read-only" in found["a"].flags
    assert found["b"].owned_nbytes == 0


def test_outputs_are_found_where_no_name_leads() -> None:
    x, y = np.zeros(10), np.ones(20)
    found = {info.name: info for info in find_arrays({"x": x, "Out": {1: x, 2: y}, "_2": y, "_": y})}
    assert set(found) == {"x", "Out[2]"}
    assert found["x"].holders == ("Out[1]",) and set(found["Out[2]"].holders) == {"_", "_2"}


@dataclass
class Model:
    weights: np.ndarray


class Slotted:
    __slots__ = ("w",)

    def __init__(self, w: np.ndarray) -> None:
        self.w = w


def test_one_level_inside() -> None:
    a, b, c, d, e = (np.zeros(n) for n in (10, 20, 30, 40, 50))
    namespace = {"l": [1, a], "t": (b,), "m": Model(c), "k": {"w": d}, "s": Slotted(e), "n": SimpleNamespace(z=a)}
    names = {info.name for info in find_arrays(namespace)}
    assert names == {"l[1]", "t[0]", "m.weights", "k['w']", "s.w", "n.z"}


# Layout and flags


def test_order() -> None:
    x = np.zeros((10, 20))
    assert [one(x=each).order for each in (x, x.T, np.asfortranarray(x), x[:, ::2], np.zeros((1, 5)))] == [
        "C", "F", "F", "strides 160, 16", "C and F",
    ]  # fmt: skip


def test_flags() -> None:
    x = np.zeros(10)
    x.flags.writeable = False
    unaligned = np.zeros(81, np.uint8)[1:].view(np.float64)
    assert one(x=x).flags == ("read-only",)
    assert one(x=unaligned).flags == ("unaligned",)
    assert any("byte-swapped" in flag for flag in one(x=np.zeros(10, ">f8")).flags)
    assert any("stride of 0" in flag for flag in one(x=np.broadcast_to(1.0, (5,))).flags)


def test_a_memory_map_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    x = np.memmap(path, np.float64, "w+", shape=(1000,))
    found = {info.name: info for info in find_arrays({"x": x, "y": x[10:20], "z": np.asarray(x)})}
    for name in "xyz":
        assert f"memory-mapped: {path}" in found[name].flags, name
    assert distinct_bytes(found.values()) == 8000


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(()), np.zeros((0, 5)), np.zeros(5, "M8[s]"), np.zeros(5, "m8[D]"), np.zeros(5, complex),
        np.zeros(5, np.longdouble), np.zeros(5, np.clongdouble), np.zeros(5, "V7"), np.zeros(5, object),
        np.zeros(5, "S3"), np.zeros(5, "U3"), np.zeros(0, "U3"), np.full(5, np.nan), np.full(5, np.inf, "f4"), np.zeros(5, np.float16),
        np.zeros(5, bool), np.zeros(5, ">i2"), np.zeros(5, [("a", "i4"), ("b", "f8", (2, 2))]),
        np.zeros((2, 0, 3), object),
        np.array([None, 1.5, "a"], object), np.zeros((2, 2)).view(np.matrix), np.zeros(5, [("a", "i4")]).view(np.recarray),
        np.ma.masked_array(np.zeros(5), [True] * 5),
    ],
    ids=lambda array: f"{type(array).__name__}-{array.dtype}-{array.shape}",
)  # fmt: skip
def test_every_kind_of_array_is_described(array: np.ndarray) -> None:
    info = one(x=array)
    assert (info.nbytes, info.shape, info.dtype) == (array.nbytes, array.shape, array.dtype)


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 1.26 has no StringDType")
def test_string_dtype() -> None:
    x = np.array(["a", "bb" * 20], np.dtypes.StringDType())
    assert one(x=x).nbytes == 32 and "arena" in one(x=x).contents.remark  # type: ignore[union-attr]


def test_a_mask_is_a_buffer_of_its_own() -> None:
    x = np.ma.masked_array(np.zeros(1000), np.zeros(1000, bool))
    found = find_arrays({"x": x})
    assert {info.name for info in found} == {"x", "x.mask"}
    assert distinct_bytes(found) == 9000


# Structures


def test_padding_of_structures() -> None:
    padded = np.dtype([("a", "i1"), ("b", "f8"), ("c", "i1")], align=True)
    assert "14 of 24 bytes a record are padding" in one(x=np.zeros(10, padded)).note
    assert "widest fields first needs 16" in one(x=np.zeros(10, padded)).note
    assert one(x=np.zeros(10, [("a", "i1"), ("b", "f8")])).note == ""


# Other libraries


def test_pandas_columns_by_name() -> None:
    frame = pd.DataFrame({"i": np.arange(1000), "f": np.arange(1000.0), "c": pd.Categorical(["u", "v"] * 500)})
    frame["n"] = pd.array([1, None] * 500, dtype="Int64")
    found = {info.name: info for info in find_arrays({"df": frame, "s": pd.Series(np.zeros(50))})}
    assert found["df['i']"].nbytes == found["df['f']"].nbytes == found["df['n']"].nbytes == 8000
    assert found["df['c']"].dtype == np.int8 and found["df['n'] (mask)"].nbytes == 1000
    assert found["s"].nbytes == 400 and found["df['i']"].kind == "pandas"


def test_arrow_columns_are_named_as_such() -> None:
    pytest.importorskip("pyarrow")
    series = pd.Series(["a", "b"] * 100, dtype="string[pyarrow]")
    info = one(x=series)
    assert info.kind == "pandas, pyarrow" and info.nbytes > 0


def test_looking_leaves_a_frame_as_it_was() -> None:
    frame = pd.DataFrame({"a": np.arange(10), "b": np.arange(10.0)})
    before = vars(frame).copy()
    find_arrays({"df": frame})
    assert vars(frame) == before


class Tensor:
    """What a tensor of torch shows of itself."""

    def __init__(self, shape: tuple[int, ...], device: str, address: int) -> None:
        self.shape, self.device, self.dtype, self._address = shape, device, "torch.float32", address

    def untyped_storage(self) -> SimpleNamespace:
        nbytes = 4 * int(np.prod(self.shape))
        return SimpleNamespace(nbytes=lambda: nbytes, data_ptr=lambda: self._address)


def test_tensors_count_on_their_device(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(Tensor, "__module__", "torch")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(Tensor=Tensor))
    names = {"a": Tensor((1000,), "cuda:0", 1), "b": Tensor((1000,), "cuda:0", 1), "c": Tensor((10,), "cpu", 2)}
    found = find_arrays({**names, "x": np.zeros(10)})
    assert distinct_bytes(found, on_device=True) == 4000
    assert distinct_bytes(found) == 40 + 80
    assert {info.kind for info in found} == {"torch on cuda:0", "torch on cpu", "numpy"}


# In Python, and how much it costs


def test_the_public_name() -> None:
    (info,) = npmem_magic.find_arrays({"x": np.zeros(3)})
    assert (info.name, info.nbytes) == ("x", 24)


def test_a_thousand_arrays_add_little() -> None:
    namespace = {f"a{number}": np.random.default_rng(number).random(1000) for number in range(1000)}
    find_arrays(namespace)
    tracemalloc.start()
    try:
        begun = time.perf_counter()
        found = find_arrays(namespace)
        seconds = time.perf_counter() - begun
        added = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == 1000 and added <= 16 * 2**20
    assert seconds < 10  # 0.3 s on a quiet machine; only a different order of growth is to be caught here
