# ruff: noqa: E501  a cell a line reads best
"""A cell under ``%%dtypeinfo`` behaves as it does without it, in every way that one under ``%%memtrace`` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from guest_cells import CELLS, FIRST_LINE
from IPython.core.interactiveshell import InteractiveShell
from test_guest import observe, same

MAGIC = "%%dtypeinfo -q"

# What notes dtypes and numeric accidents must not show either.
CAREFUL: dict[str, tuple[list[str], str]] = {
    "warning of NumPy": ([], "import numpy as np\nx = np.ones(3) / np.zeros(3)\nx"),
    "warning of NumPy in a function": ([], "import numpy as np\ndef f(x):\n    return np.log(x)\n\nf(-np.ones(2))"),
    "scalar warning": ([], "import numpy as np\nnp.float32(3e38) * np.float32(10)"),
    "warning twice on a line": ([], "import numpy as np\nfor i in range(3):\n    np.ones(2) / 0"),
    "warning as error": ([], "import warnings, numpy as np\nwarnings.simplefilter('always')\nnp.ones(2) / 0"),
    "warning turned into an error": (
        ["import warnings, numpy as np"],
        "with warnings.catch_warnings():\n    warnings.simplefilter('error')\n    np.ones(2) / 0",
    ),
    "errstate": ([], "import numpy as np\nwith np.errstate(all='ignore'):\n    y = np.ones(2) / 0\ny"),
    "errstate raise": ([], "import numpy as np\nwith np.errstate(all='raise'):\n    y = np.ones(2) / 0\ny"),
    "geterr": ([], "import numpy as np\nnp.geterr()"),
    "seterr stays": ([], "import numpy as np\nold = np.seterr(all='ignore')\nold"),
    "seterr before": (["import numpy as np\nold = np.seterr(over='raise')"], "np.float32(3e38) * np.float32(10)"),
    "seterr put back": (["import numpy as np\nold = np.seterr(all='ignore')"], "z = np.seterr(**old)\nnp.ones(2) / 0"),
    "locals in a function": ([], "def f(a):\n    b = 1\n    d = locals()\n    c = 2\n    return sorted(d)\n\nf(0)"),
    "locals twice": ([], "def f(a):\n    d = locals()\n    e = locals()\n    return d == e, len(d)\n\nf(0)"),
    "reference count": (
        [],
        "import sys, numpy as np\ndef f():\n    x = np.ones(9)\n    y = 1\n    z = x\n    return sys.getrefcount(x)\n\nf()",
    ),
    "freed inside a function": (
        [],
        "import weakref, numpy as np\ndef f():\n    x = np.ones(9)\n    r = weakref.ref(x)\n    y = x[0]\n"
        "    del x\n    return r() is None\n\nf()",
    ),
    "resize in place": ([], "import numpy as np\nx = np.ones(4)\nx.resize(8)\nx"),
    "property is not called": (
        [],
        "class P:\n    n = 0\n    @property\n    def w(self):\n        P.n += 1\n        return 1\n\np = P()\nq = p.w + p.w\nP.n",
    ),
    "getattr is not called": (
        [],
        "class P:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\n\np = P()\nr = [p, {'k': p}]\nlen(r)",
    ),
    "equality is not called": (
        [],
        "class P:\n    def __eq__(self, other):\n        raise RuntimeError\n    __hash__ = None\n\np = P()\nd = {1: p}\nd[1] is p",
    ),
}


def usual_state(shell: InteractiveShell | None = None) -> None:
    """NumPy's error state as it is at the start: it belongs to the process, not to the shell."""
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    np.seterrcall(None)


@pytest.fixture(autouse=True)
def error_state_as_it_was() -> Iterator[None]:
    yield
    usual_state()


@pytest.mark.parametrize("name", CELLS)
def test_same_as_plain(name: str) -> None:
    same(*CELLS[name], magic=MAGIC)


@pytest.mark.parametrize("name", FIRST_LINE)
def test_cell_magics_inside(name: str) -> None:
    plain, looked = observe([], "%%memtrace -q\n" + FIRST_LINE[name]), observe([], f"{MAGIC}\n{FIRST_LINE[name]}")
    assert looked == plain


@pytest.mark.parametrize("name", CAREFUL)
def test_nothing_is_noticed(name: str) -> None:
    if name == "resize in place" and sys.version_info < (3, 12):
        pytest.skip("under any trace function an array has one reference more, under %%memtrace as well")
    same(*CAREFUL[name], magic=MAGIC, prepare=usual_state)
