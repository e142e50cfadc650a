"""The eight cells whose cost is measured, and the names that they find."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

ELEMENTS = 8_000_000


@dataclass(frozen=True)
class Cell:
    """What a user would type, and what the tables call it."""

    key: str
    title: str
    text: str


NORM = "def norm(v):\n    d = v - v.mean()\n    return np.sqrt((d * d).sum())\n"

CELLS = (
    Cell(
        "whole",
        "30 whole-array operations on 8 million float64",
        "for k in range(6):\n    w = (x + y) / (x * y)\n    w = np.sqrt(w) - x",
    ),
    Cell(
        "small",
        "200,000 operations on 100-element arrays",
        "v = np.ones(100)\nfor k in range(100_000):\n    u = v + v\n    v = u * 0.5",
    ),
    Cell("loop", "a Python loop of 1,000,000", "t = 0\nfor k in range(1_000_000):\n    t += k"),
    Cell("strings", "a million strings", "words = [str(k) for k in range(1_000_000)]"),
    Cell("dict", "a dict of 300,000", "d = {}\nfor k in range(300_000):\n    d[k] = k * 2"),
    Cell("fib", "recursive fib(24)", "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\nt = fib(24)"),
    Cell(
        "calls",
        "20,000 calls of a small NumPy function",
        f"{NORM}\nv = np.arange(50.0)\nfor k in range(20_000):\n    t = norm(v)",
    ),
    Cell(
        "threads",
        "20,000 such calls in four threads",
        f"{NORM}\ndef work():\n    v = np.arange(50.0)\n    for k in range(5_000):\n        norm(v)\n\n"
        "workers = [threading.Thread(target=work) for k in range(4)]\n"
        "for worker in workers:\n    worker.start()\nfor worker in workers:\n    worker.join()",
    ),
)


def prepare() -> dict[str, Any]:
    """The names that the cells find: two arrays of `ELEMENTS` float64 and two modules."""
    return {"np": np, "threading": threading, "x": np.linspace(1.0, 2.0, ELEMENTS), "y": np.full(ELEMENTS, 3.0)}
