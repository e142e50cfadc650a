"""Working through an array in pieces: how many rows at a time, and a program that does it."""

from __future__ import annotations

from dataclasses import dataclass

from ..sizes import human
from ..standins import Array


@dataclass(frozen=True)
class Chunks:
    """How to work through an array within `budget` bytes: `count` chunks of at most `rows` rows (`nbytes` bytes).

    `whole_rows` is False where one row alone is above the budget; then `rows` counts elements of the flat array.
    """

    budget: int
    rows: int
    count: int
    nbytes: int
    whole_rows: bool


def plan(array: Array, budget: int) -> Chunks:
    rows = array.shape[0] if array.shape else 1
    row = array.nbytes // rows if rows else 0
    whole_rows = row <= budget
    if not whole_rows:
        rows, row = array.size, array.dtype.itemsize
    each = max(1, min(rows, budget // row if row else rows))
    return Chunks(budget, each, -(-rows // each) if rows else 0, each * row, whole_rows)


def snippet(array: Array, chunks: Chunks) -> str:
    flat = "" if chunks.whole_rows else ".reshape(-1)  # one row is above the budget: element by element"
    count = "shape[0]" if chunks.whole_rows else "x.size"
    shape = f"({array.shape[0]:_},)" if len(array.shape) == 1 else "(" + ", ".join(f"{n:_}" for n in array.shape) + ")"
    step = "rows" if chunks.whole_rows else "elements"
    return (
        "import numpy as np\n"
        "\n"
        f"shape, dtype = {shape}, np.dtype({array.dtype.str!r})\n"
        f"# {human(array.nbytes, 2)} on disk\n"
        'x = np.lib.format.open_memmap("x.npy", mode="w+", dtype=dtype, shape=shape)\n'
        '# or raw: x = np.memmap("x.bin", mode="w+", dtype=dtype, shape=shape)\n'
        f"pieces = x{flat}\n"
        f"{step} = {chunks.rows:_}  # {human(chunks.nbytes)} at a time\n"
        f"for start in range(0, {count}, {step}):\n"
        f"    chunk = pieces[start : start + {step}]  # a view into the file\n"
        "    chunk[...] = 0  # your work goes here\n"
        "x.flush()\n"
    )
