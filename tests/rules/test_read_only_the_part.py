"""Parts of files."""

import pytest

from .helper import advice, texts

RULE = "read-only-the-part"
SETUP = """
import os, tempfile
there = tempfile.mkdtemp(); a, b = os.path.join(there, "a.bin"), os.path.join(there, "b.npy")
np.arange(float(N)).tofile(a); np.save(b, np.arange(float(N)))
"""


@pytest.mark.parametrize(
    "cell",
    [
        "x = np.fromfile(a)",
        "x = np.fromfile(a)[1000:]",
        "x = np.load(b)",
        "x = np.load(b)\nx *= 2",
        "x = np.fromfile(a, count=2000)[:1000]",
        "r = np.load(b, mmap_mode='r')[:10].sum()",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("r = np.fromfile(a)[:1000].sum()", "r = np.fromfile(a, count=1000).sum()"),
        ("x = np.fromfile(a, dtype=np.float64)[:50]", "x = np.fromfile(a, dtype=np.float64, count=50)"),
        ("x = np.load(b)[:1000]", "x = np.array(np.load(b, mmap_mode='r')[:1000])"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
