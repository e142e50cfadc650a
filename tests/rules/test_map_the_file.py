"""Files of which a part is looked at."""

import pytest

from .helper import advice

RULE = "map-the-file"
SETUP = """
import io, os, tempfile
from pathlib import Path
p = os.path.join(tempfile.mkdtemp(), "b.npy"); q = Path(p)
np.save(p, np.arange(float(N)))
o = io.BytesIO(); np.save(o, np.arange(float(N))); o.seek(0)
"""


@pytest.mark.parametrize(
    "cell",
    [
        "x = np.load(p)",
        "x = np.load(p)\ny = x * 2",
        "x = np.load(p)\nx[:10] = 0\ns = x[:10].sum()",
        "x = np.load(o)\ns = x[:10].sum()",
        "x = np.load(p)\ny = x[:10]",
        "x = np.load(p, mmap_mode='r')\ns = x[:10].sum()",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


def test_a_name_that_only_figures_are_taken_of() -> None:
    for path in ("p", "q"):
        (piece,) = advice(RULE, SETUP, f"x = np.load({path})\ns = x[:1000].sum()\nm = np.max(x[::7])")
        assert piece.after == f"x = np.load({path}, mmap_mode='r')"
        assert piece.keeps == "ask: `x` can only be read then, and changes when the file does"


def test_a_figure_at_once() -> None:
    (piece,) = advice(RULE, SETUP, "s = np.load(p).sum()")
    assert (piece.after, piece.keeps) == ("s = np.load(p, mmap_mode='r').sum()", "same bits")
    (piece,) = advice(RULE, SETUP, "s = np.load(p)[::100].mean()")
    assert piece.after == "s = np.load(p, mmap_mode='r')[::100].mean()"
