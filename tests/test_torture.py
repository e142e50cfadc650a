"""Random NumPy programs in several threads, with exceptions and collections at random: no drift, no crash.

``NPMEM_TORTURE_SECONDS`` makes it longer.
"""

from __future__ import annotations

import gc
import os
import time
from typing import Any

import numpy as np
from oracle import consistent, near

import npmem_magic
from npmem_magic.trace import Trace

SECONDS = float(os.environ.get("NPMEM_TORTURE_SECONDS", "20"))
PURE_SECONDS = SECONDS / 3  # a program takes the pure ledger longer
HOUSEKEEPING = 4000  # bytes of small buffers that NumPy's own caches keep after a first use

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
    if trace.engine == "pure":
        assert near(trace.net, sum(owners.values()))
        return consistent(trace)
    kept = sum(site.net for site in trace.expressions)
    assert 0 <= kept - sum(owners.values()) <= HOUSEKEEPING
    assert sum(site.gross for site in trace.expressions) == trace.gross
    assert sum(line.net for line in trace.lines if line.function == "<cell>") == trace.net
    _, allocated = trace.timeline
    assert (allocated[-1], allocated.max()) == (trace.net, trace.peak)


def test_random_programs_in_threads(ledger: str) -> None:
    end, seed = time.monotonic() + (SECONDS if ledger == "native" else PURE_SECONDS), 0
    exec(PROGRAM, {"np": np, "seed": 0})  # what is imported on first use is Python's memory, which the pure one counts
    while time.monotonic() < end:
        names: dict[str, Any] = {"np": np, "seed": seed}
        check(npmem_magic.trace(PROGRAM, namespace=names, sampler="off"), names)
        names.clear()
        gc.collect()
        seed += 1
    assert seed > 0
