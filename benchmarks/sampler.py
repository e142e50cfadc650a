"""What the resident sampler costs: reads a second and slow-down, plain and sampled runs taking turns.

    python benchmarks/sampler.py [--rounds 20] [--interval SECONDS] [--kind auto|memory_profiler|off]

The slow-down is the ratio of the fastest quarters of the sampled and of the plain rounds; "noise" is the same ratio
between two plain series of the same rounds, so a slow-down below it cannot be told from none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from npmem_magic.record import sampler

Work = Callable[[], object]


def works() -> dict[str, Work]:
    """Name -> about 0.1 s of work of one kind."""
    square, long_ = np.random.default_rng(0).random((900, 900)), np.ones(2_000_000)
    many = np.ones(16 * 2**20)

    def in_place() -> None:
        for _ in range(6):
            np.add(many, 1, out=many)

    return {
        "BLAS on every core": lambda: [square @ square for _ in range(6)],
        "whole arrays": lambda: [long_ * 2 + 1 for _ in range(12)],
        "in place, 128 MiB": in_place,
        "Python loop": lambda: [number * 2 for number in range(1_500_000)],
        "sleep": lambda: time.sleep(0.1),
    }


def seconds(work: Work) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def fastest(times: list[float]) -> float:
    """Mean of the fastest quarter: what the work takes when nobody else is in the way."""
    return statistics.fmean(sorted(times)[: max(1, len(times) // 4)])


def compare(work: Work, watch: sampler.Sampler, rounds: int) -> tuple[float, float, float]:
    """Sampled / plain, plain / plain, and the median of reads a second."""
    plain: list[float] = []
    control: list[float] = []
    sampled, rates = [], []
    for turn in range(rounds):
        for kind in (turn % 3, (turn + 1) % 3, (turn + 2) % 3):
            if kind == 0:
                watch.start()
                sampled.append(seconds(work))
                rates.append(watch.stop().reads / sampled[-1])
            else:
                (plain if kind == 1 else control).append(seconds(work))
    return fastest(sampled) / fastest(plain), fastest(control) / fastest(plain), statistics.median(rates)


def start_and_stop(watch: sampler.Sampler, rounds: int = 200) -> tuple[float, float]:
    """Median seconds of `start` and of `stop`, with a pause so that the helper sleeps in between."""
    starts, stops = [], []
    for _ in range(rounds):
        time.sleep(0.002)
        starts.append(seconds(watch.start))
        stops.append(seconds(watch.stop))
    return statistics.median(starts), statistics.median(stops)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--interval", type=float, default=0.0)
    parser.add_argument("--kind", default="auto", choices=sampler.KINDS)
    asked = parser.parse_args()
    began = time.perf_counter()
    watch, notes = sampler.make(asked.kind, asked.interval)
    print(*notes, f"Helper ready after {1e3 * (time.perf_counter() - began):.1f} ms; {os.cpu_count()} cores.", sep="\n")
    start, stop = start_and_stop(watch)
    print(f"start {1e3 * start:.2f} ms, stop {1e3 * stop:.2f} ms (medians)\n")
    print(f"{'work':<22}{'slow-down':>10}{'noise':>8}{'reads/s':>10}")
    for name, work in works().items():
        work()
        slow, noise, rate = compare(work, watch, asked.rounds)
        print(f"{name:<22}{slow:>10.3f}{noise:>8.3f}{rate:>10,.0f}")
    sampler.close()


if __name__ == "__main__":
    main()
