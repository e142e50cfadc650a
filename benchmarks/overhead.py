"""What tracing costs: plain and traced runs of the same cell taking turns, and how long loading and reporting take.

    python -m benchmarks [--cells whole,loop] [--pairs 11] [--engine native] [--sampler auto] [--skip-shell]

`cell` is the median over the pairs of the traced cell's own time (`Trace.seconds`) / plain time, `call` that of the
whole `npmem_magic.trace` call / plain time, `noise` that of a second plain run / the first.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import npmem_magic

CELLS = {
    "whole": (
        "whole-array work",
        "for k in range(12):\n    w = (x + 1) / (x - 1 + 2)\n    t = np.sqrt(w).sum() + w[w > 0.5].size",
    ),
    "small": (
        "100,000 operations on 100 elements",
        "v = np.ones(100)\nfor k in range(50_000):\n    u = v + v\n    v = u * 0.5",
    ),
    "loop": ("Python loop of 1,000,000", "t = 0\nfor k in range(1_000_000):\n    t += k"),
    "objects": (
        "strings and dicts",
        "d = {}\nfor k in range(150_000):\n    key = str(k % 5000)\n    d[key] = d.get(key, '') [:20] + key\n"
        "s = ','.join(sorted(d.values()))",
    ),
    "fib": ("recursion, fib(20)", "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nt = fib(20)"),
    "fib-long": ("recursion, fib(26)", "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nt = fib(26)"),
    "calls": (
        "20,000 calls of a small NumPy function",
        "def norm(v):\n    d = v - v.mean()\n    return np.sqrt((d * d).sum())\n"
        "v = np.arange(50.0)\nfor k in range(20_000):\n    t = norm(v)",
    ),
}

# Run in a fresh interpreter with what a kernel has loaded; prints seconds as JSON.
LOADING = """
import json, time
import numpy
from ipykernel.zmqshell import ZMQInteractiveShell
shell = ZMQInteractiveShell.instance()
began = time.perf_counter()
shell.extension_manager.load_extension("npmem_magic")
print(json.dumps([time.perf_counter() - began]))
"""
REPORTING = """
import json, sys, time
import numpy
from ipykernel.zmqshell import ZMQInteractiveShell
shell = ZMQInteractiveShell.instance()
shell.extension_manager.load_extension("npmem_magic")
shell.run_cell("import numpy as np, time")
lines = [f"a{k} = np.ones({1000 * k + 1000}) * {k}" for k in range(28)]
cell = chr(10).join([*lines, "del a5, a6", "ended = time.perf_counter()"]) + chr(10)
shown = []
shell.display_pub.publish = lambda *args, **kwargs: shown.append(time.perf_counter())
spent = []
for _ in range(6):
    shell.run_cell_magic("memtrace", "--sampler " + sys.argv[1], cell)
    spent.append(shown[-1] - shell.user_ns["ended"])
print(json.dumps(spent))
"""


@dataclass(frozen=True)
class Cost:
    """Median ratios of one cell, and the median seconds of its plain run."""

    plain: float
    cell: float
    call: float
    noise: float
    engine: str


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def fresh() -> dict[str, Any]:
    """The namespace that a cell starts from."""
    return {"__name__": "__main__", "np": np, "x": np.linspace(0.0, 1.0, 1_000_000)}


def plain_run(text: str) -> float:
    """Seconds of the cell by itself, compiled anew (the interpreter adapts code as it runs), in a fresh namespace."""
    code, names = compile(text, "<plain>", "exec"), fresh()
    return seconds(lambda: exec(code, names))


def traced_run(text: str, sampler: str) -> tuple[float, npmem_magic.Trace]:
    """Seconds of the whole call, and the trace."""
    names, began = fresh(), time.perf_counter()
    trace = npmem_magic.trace(text, namespace=names, sampler=sampler)
    return time.perf_counter() - began, trace


def measure(text: str, pairs: int, sampler: str) -> Cost:
    """Run `text` plain, traced and plain again in turning order, `pairs` times, after one round to warm up."""
    rounds: list[tuple[float, float, float, float]] = []
    engine = ""
    for turn in range(pairs + 1):
        gc.collect()
        first = plain_run(text)
        again = plain_run(text) if turn % 2 else 0.0
        call, trace = traced_run(text, sampler)
        again = again or plain_run(text)
        engine = trace.engine
        mean = (first + again) / 2
        rounds.append((mean, trace.seconds / mean, call / mean, again / first))
    plain, cell, whole, noise = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
    return Cost(plain, cell, whole, noise, engine)


def in_fresh_shell(script: str, *arguments: str) -> list[float]:
    """The seconds that `script` prints, run in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def print_shell_times(rounds: int, sampler: str) -> None:
    """Loading the extension where NumPy is loaded, and the time from a cell's end to its report."""
    in_fresh_shell(LOADING)
    loading = [in_fresh_shell(LOADING)[0] for _ in range(rounds)]
    reporting = [in_fresh_shell(REPORTING, sampler) for _ in range(max(1, rounds // 3))]
    later = [spent for run in reporting for spent in run[1:]]
    print("\n| in a kernel with NumPy loaded | milliseconds |\n|---|---|")
    print(f"| `%load_ext npmem_magic` | {1e3 * statistics.median(loading):.0f} |")
    print(f"| cell's end to report, 30 lines, the first | {1e3 * statistics.median(r[0] for r in reporting):.0f} |")
    print(f"| cell's end to report, 30 lines, later | {1e3 * statistics.median(later):.0f} |")


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default=",".join(CELLS), help="which, with commas between: %(default)s")
    parser.add_argument("--pairs", type=int, default=11, help="pairs of runs a cell, %(default)s if not given")
    parser.add_argument("--engine", default="any", choices=("any", "native", "pure"), help="stop if another measures")
    parser.add_argument("--sampler", default="off", choices=("auto", "memory_profiler", "off"))
    parser.add_argument("--skip-shell", action="store_true", help="leave out loading and reporting")
    asked = parser.parse_args()
    unknown = set(asked.cells.split(",")) - set(CELLS)
    if unknown:
        parser.error(f"no such cell: {', '.join(sorted(unknown))}; there are {', '.join(CELLS)}")
    return asked


def main() -> None:
    """Measure and print Markdown tables."""
    asked = options()
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores, sampler {asked.sampler}\n"
    )
    print("| cell | plain, ms | cell | call | noise | engine |\n|---|---|---|---|---|---|")
    for name in asked.cells.split(","):
        title, text = CELLS[name]
        cost = measure(text, asked.pairs, asked.sampler)
        if asked.engine not in ("any", cost.engine):
            sys.exit(f"The {cost.engine} engine measured, not the {asked.engine} one that --engine asked for.")
        ratios = f"x{cost.cell:.3f} | x{cost.call:.3f} | x{cost.noise:.3f}"
        print(f"| {title} | {1e3 * cost.plain:.1f} | {ratios} | {cost.engine} |", flush=True)
    if not asked.skip_shell:
        print_shell_times(9, asked.sampler)


if __name__ == "__main__":
    main()
