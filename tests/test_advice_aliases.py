"""Nothing is overwritten that somebody else looks at: every way to hold an array refuses the in-place rewrite."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import npmem_magic
from npmem_magic.trace import Trace

N = 400_000
IN_PLACE = {"add-in-place", "reuse-the-result", "evaluate-in-one-pass"}

# What stands before ``x = x * 2``, and words that name the holder ("" where only the count of references knows).
SEEN = {
    "second name": ("y = x", "y"),
    "two names": ("y = z = x", "y"),
    "slice": ("y = x[1:]", "y"),
    "strided view": ("y = x[::2]", "y"),
    "reversed": ("y = x[::-1]", "y"),
    "reshape": ("y = x.reshape(2, -1)", "y"),
    "transpose": ("y = x.reshape(2, -1).T", "y"),
    "ravel": ("y = x.ravel()", "y"),
    "view of another dtype": ("y = x.view(np.int64)", "y"),
    "view of a view": ("y = x[10:][10:]", "y"),
    "newaxis": ("y = x[:, None]", "y"),
    "one element": ("y = x[3:4]", "y"),
    "swapaxes": ("y = x.reshape(2, -1).swapaxes(0, 1)", "y"),
    "diagonal": ("y = x[:160_000].reshape(400, 400).diagonal()", "y"),
    "real part": ("y = x.real", "y"),
    "asarray": ("y = np.asarray(x)", "y"),
    "astype without copy": ("y = x.astype(float, copy=False)", "y"),
    "list": ("L = [x]", "L[0]"),
    "list of lists": ("L = [[x]]", ""),
    "tuple": ("t = (1, x)", "t[1]"),
    "dict": ("d = {'k': x}", "d['k']"),
    "dict of dicts": ("d = {'a': {'k': x}}", ""),
    "set of ids is no holder, its list is": ("ids = {id(x)}; L = [x]", "L[0]"),
    "view in a list": ("L = [x[1:]]", "L[0]"),
    "object array": ("o = np.empty(1, object); o[0] = x", ""),
    "attribute": ("class A: pass\na = A(); a.w = x", "a.w"),
    "class attribute": ("class A: pass\nA.w = x", ""),
    "slots": ("class A:\n    __slots__ = ('w',)\na = A(); a.w = x", ""),
    "dataclass": ("import dataclasses\n@dataclasses.dataclass\nclass A:\n    w: object\na = A(x)", "a.w"),
    "namedtuple": ("import collections\nt = collections.namedtuple('T', 'a b')(x, 1)", ""),
    "deque": ("import collections\nq = collections.deque([x])", ""),
    "closure": ("def make(v):\n    return lambda: v\nf = make(x)", "closure of f"),
    "closure of a view": ("def make(v):\n    return lambda: v\nf = make(x[1:])", "closure of f"),
    "default argument": ("def f(v=x): return v", "default"),
    "keyword default": ("def f(*, v=x): return v", "default"),
    "function attribute": ("def f(): pass\nf.w = x", ""),
    "partial": ("import functools\nf = functools.partial(np.sum, x)", ""),
    "bound method": ("m = x.sum", "m"),
    "generator": ("def g(v):\n    yield v\nit = g(x); next(it)", ""),
    "generator expression": ("it = (v for v in [x])", ""),
    "iterator": ("it = iter(x)", ""),
    "flat iterator": ("it = x.flat", ""),
    "nditer": ("it = np.nditer(x)", ""),
    "memoryview": ("m = memoryview(x)", "m"),
    "frombuffer": ("y = np.frombuffer(x)", "y"),
    "as_strided": ("y = np.lib.stride_tricks.as_strided(x, (10,), (8,))", "y"),
    "sliding window": ("y = np.lib.stride_tricks.sliding_window_view(x, 3)", "y"),
    "broadcast": ("y = np.broadcast_to(x, (3, N))", "y"),
    "dlpack": ("y = np.from_dlpack(x)", ""),
    "masked array": ("y = np.ma.masked_array(x, copy=False)", "y"),
    "recarray of it": ("y = x.view(np.recarray)", "y"),
    "Out": ("Out = {3: x}; _3 = x", "Out[3]"),
    "underscore": ("_ = x", "_"),
    "traceback": ("try:\n    raise ValueError(x)\nexcept ValueError as error:\n    kept = error", ""),
    "frame of an exception": (
        "def bad(v):\n    1 / 0\ntry:\n    bad(x)\nexcept ZeroDivisionError as error:\n    kept = error",
        "",
    ),
    "context": ("import contextvars\nc = contextvars.ContextVar('c'); c.set(x)", ""),
    "pandas series": ("import pandas as pd\ns = pd.Series(x, copy=False)", ""),
}
# Nobody else looks: these must not be refused.
ALONE = {
    "one name": "",
    "copy": "y = x.copy()",
    "a view that is gone": "y = x[1:]; del y",
    "a reshaped view alone": "x = np.linspace(0, 1, N).reshape(2, -1)",
    "a weak reference": "import weakref\nw = weakref.ref(x)",
    "garbage": "L = [x]; L.append(L); del L",
    "its sum": "s = x.sum(); h = x > 0.5",
    "a list that is gone": "L = [x]; L.clear()",
}


def traced(setup: str, cell: str = "x = x * 2") -> Trace:
    names: dict[str, Any] = {"__name__": "__main__", "np": np, "N": N}
    exec("x = np.linspace(0, 1, N)\n" + setup, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return npmem_magic.trace(cell, namespace=names, sampler="off")


@pytest.mark.parametrize("name", SEEN)
def test_what_others_see_is_left_alone(name: str) -> None:
    setup, holder = SEEN[name]
    trace = traced(setup)
    assert [each.after for each in trace.advice if each.rule in IN_PLACE] == []
    (why,) = {each.why for each in trace.tempting}
    assert holder in why and "would change with it" in why


@pytest.mark.parametrize("name", ALONE)
def test_what_nobody_sees_is_overwritten(name: str) -> None:
    trace = traced(ALONE[name])
    assert [each.after for each in trace.advice] == ["x *= 2"]
    assert trace.tempting == ()


@pytest.mark.parametrize("cell", ["x = np.sqrt(x)", "x = x * 2 + 1", "x = (x - x.mean()) / x.std()", "x = -x"])
def test_other_spellings_are_left_alone_too(cell: str) -> None:
    assert [each for each in traced("y = x[::2]", cell).advice if "out=x" in each.after or "x *=" in each.after] == []


def test_an_item_of_a_dict() -> None:
    cell = "d['x'] = d['x'] * 2"
    assert [each.after for each in traced("d = {'x': x}; del x", cell).advice] == ["d['x'] *= 2"]
    assert traced("d = {'x': x}", cell).advice == ()
    assert traced("d = {'x': x}; y = x[1:]; del x", cell).advice == ()


def test_read_only_and_foreign_memory() -> None:
    for setup in (
        "x.flags.writeable = False",
        "x = np.frombuffer(bytes(8 * N))",
        "x = np.broadcast_to(np.float64(3), (N,))",
        "x = x.astype(object)",
        "x = np.matrix(x)",
    ):
        assert [each for each in traced(setup).advice if each.rule in IN_PLACE] == [], setup
