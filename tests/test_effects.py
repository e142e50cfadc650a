"""Which texts are known to have no effect outside of the values they are given. Nothing of them runs."""

from __future__ import annotations

import ast
import functools
import gc
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from npmem_magic.compare.effects import find_effects


def helper(a: Any) -> Any:
    return np.sqrt(a) + FACTOR


def loud(a: Any) -> Any:
    print(a)
    return a


FACTOR = 3


class Custom:
    def __init__(self) -> None:
        self.w = np.ones(3)

    @property
    def p(self) -> int:
        return 1

    def __mul__(self, other: Any) -> int:
        return 1


def effects_home() -> dict[str, Any]:
    return {
        "np": np, "pd": pd, "sys": sys, "functools": functools, "x": np.ones(5), "y": np.ones(5), "c": Custom(),
        "Custom": Custom, "l": [1, 2], "customs": [Custom()], "o": np.array([Custom()], object), "helper": helper,
        "loud": loud, "ufunc": np.frompyfunc(loud, 1, 1), "rng": np.random.default_rng(0), "opener": open,
        "part": functools.partial(loud, 1), "quiet": functools.partial(helper, 1), "d": {"k": np.ones(3)},
        "vec": np.vectorize(loud), "sq": np.sqrt, "rand": np.random.rand, "df": pd.DataFrame({"a": [1.0, 2.0]}),
        "m": np.ma.array([1, 2]), "text": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "x = x * 2",
        "x *= 2",
        "c.w = c.w * 2",
        "c.w *= 2",
        "d['k'] *= 2",
        "y = helper(x)",
        "y = quiet()",
        "rng.random(5)",
        "rand(4)",
        "df['b'] = df['a'] * 2",
        "df.loc[0, 'a'] = 3",
        "df.index = [1, 2]",
        "x.shape = (5, 1)",
        "y = sq(x)",
        "import numpy.linalg as la; la.norm(x)",
        "from math import sin; sin(1)",
        "def f(a): return a + 1\nf(x)",
        "del x",
        "y = (lambda v: v + 1)(x)",
        "y = np.r_[x, y]",
        "l.append(3)",
        "with np.errstate(all='ignore'):\n    y = x / 0",
        "y = [v * 2 for v in x]",
        "y = sum(v for v in l)",
        "import gc; gc.collect()",
        "y = df.groupby('a').sum()",
        "try:\n    y = x.reshape(7)\nexcept ValueError:\n    y = 1",
        "y = np.vectorize(lambda v: v + 1)(x)",
        "m.mask = True",
        "np.random.seed(1)",
        "y = np.array([1, 2], dtype=np.float32)",
        "f'{x}'",
        "y = df.query('a > 1')",
        "x.sort()",
        "for i in range(3):\n    x[i] = i",
        "while len(l) < 5:\n    l.append(1)",
        "y = pd.Series([1])",
        "np.add.at(x, 0, 1)",
    ],
)
def test_known_to_have_no_effects(text: str) -> None:
    assert find_effects(ast.parse(text), effects_home()) == ""


@pytest.mark.parametrize(
    "text",
    [
        "print(x)",
        "open('f')",
        "opener('f')",
        "c.m()",
        "c * 2",
        "c.p",
        "Custom()",
        "customs[0] * 2",
        "o.sum()",
        "loud(x)",
        "part()",
        "ufunc(x)",
        "vec(x)",
        "np.save('f', x)",
        "x.tofile('f')",
        "df.to_csv('f')",
        "getattr(np, 'save')",
        "x.__class__",
        "sys.exit()",
        "import os",
        "import os as np",
        "from os import system",
        "np.foo = 1",
        "df.plot()",
        "np.ndarray.foo = 1",
        "pd.options.display.max_rows = 5",
        "o2 = pd.options",
        "np.set_printoptions(3)",
        "eval('1')",
        "np.seterr(all='ignore')",
        "exec('1')",
        "input()",
        "globals()",
        "df.apply('to_csv')",
        "df.query('a.to_csv()')",
        "df.query('@loud(a)')",
        "df.eval(text)",
        "import gc; gc.callbacks.append(loud)",
        "map(print, x)",
        "class A: pass",
        "sorted(l, key=loud)",
        "async def f(): pass",
        "with open('f') as g: pass",
        "__import__('os')",
        "c.new = c",
        "from numpy import save",
        "from numpy import *",
        "np.memmap('f')",
        "np.load('f')",
        "np.testing.assert_equal(1, 2)",
        "Custom.w = 1",
        "x.ctypes.data",
        "breakpoint()",
        "type('A', (), {})",
        "c.__dict__['w'] = 1",
        "df.info()",
        "np.typecodes['x'] = 1",
        "[].__class__",
        "y = np.DataSource()",
        "functools.reduce(loud, [1, 2])",
        "lambda: open('f')",
        "import warnings; warnings.warn('x')",
        "def f():\n    import os",
        "f = [open]",
        "import operator.attrgetter as g",
    ],
)
def test_not_known_to_have_no_effects(text: str) -> None:
    reason = find_effects(ast.parse(text), effects_home())
    assert reason and not reason.endswith(".")


def test_plain_files_may_be_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones(3))
    home = effects_home() | {"p": tmp_path / "x.npy", "q": str(tmp_path / "x.npy"), "gone": "nowhere.npy", "k": 1}
    for text in ("y = np.load(p)", "s = np.load(q, mmap_mode='r')[:k].sum()", "y = np.fromfile(q, count=k)"):
        assert find_effects(ast.parse(text), home) == "", text
    for text in (
        "y = np.load(gone)",
        "y = np.load(p, mmap_mode='r+')",
        "y = np.load(p, 'r+')",
        "y = np.load(p, allow_pickle=True)",
        "y = np.load(p, **d)",
        "y = np.load(opener(q, 'rb'))",
        "q = 'other'\ny = np.load(q)",
        "np.save(p, x)",
        "y = np.genfromtxt(p, converters={0: loud})",
    ):
        assert find_effects(ast.parse(text), home) != "", text


def test_the_names_are_let_go_of() -> None:
    class Names(dict[str, Any]):
        pass

    names = Names(effects_home())
    alive = weakref.ref(names)
    gc.disable()
    try:
        find_effects(ast.parse("y = helper(x)\nopen('f')"), names)
        del names
        assert alive() is None
    finally:
        gc.enable()
