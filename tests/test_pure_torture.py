"""The pure ledger under random NumPy programs in several threads: within its tolerance, and no crash.

``NPMEM_TORTURE_SECONDS`` makes it longer. The native ledger is held to more in test_torture.py.
"""

from __future__ import annotations

import gc
import os
import time
from typing import Any

import numpy as np
import pytest
from oracle import consistent, near

import npmem_magic
from npmem_magic.trace import Trace

SECONDS = float(os.environ.get("NPMEM_TORTURE_SECONDS", "25")) / 4

PROGRAM = """
import gc, random, threading

def step(rng, pool):
    choice = rng.randrange(9)
    if choice == 0:
        pool.append(np.ones(rng.randrange(1, 20_000)))
    elif choice == 1 and pool:
        pool.pop(rng.randrange(len(pool)))
    elif choice == 2 and pool:
        pool.append(pool[-1] * 2 + 1)
    elif choice == 3 and pool:
        pool.append(pool[-1][::2].copy())
    elif choice == 4 and pool:
        try:
            pool[-1].reshape(-1, 7) + np.ones(3)
        except ValueError:
            pass
    elif choice == 5 and pool:
        pool.append(np.sort(pool[-1]))
    elif choice == 6 and rng.random() < 0.02:
        gc.collect()
    elif choice == 7 and pool:
        pool[-1] = np.concatenate([pool[-1][:5000], np.zeros(100)])
    else:
        np.random.default_rng(1).normal(size=1 + rng.randrange(2000)).cumsum().astype("f4").mean()
    if len(pool) > 40:
        del pool[:20]

def work(seed, pool):
    rng = random.Random(seed)
    for _ in range(800):
        step(rng, pool)

pools = [[] for _ in range(5)]
threads = [threading.Thread(target=work, args=(seed + number, pools[number])) for number in range(4)]
for thread in threads:
    thread.start()
work(seed + 99, pools[4])
for thread in threads:
    thread.join()
"""


def check(trace: Trace, names: dict[str, Any]) -> None:
    """Live bytes equal the sum of the live arrays, and the parts agree with the totals."""
    owners = {id(array): array.nbytes for pool in names["pools"] for array in pool}
    assert trace.engine == "pure" and near(trace.net, sum(owners.values()))
    consistent(trace)


def test_random_programs_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPMEM_LEDGER", "pure")
    end, seed = time.monotonic() + SECONDS, 0
    exec(PROGRAM, {"np": np, "seed": 0})  # what is imported on first use is Python's memory, which the pure one counts
    while time.monotonic() < end:
        names: dict[str, Any] = {"np": np, "seed": seed}
        check(npmem_magic.trace(PROGRAM, namespace=names, sampler="off"), names)
        names.clear()
        gc.collect()
        seed += 1
    assert seed > 0
