"""The third table: how long loading takes, and how long after a cell's end its report is there."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from pathlib import Path

# Run in a fresh interpreter with what a kernel has loaded; each prints seconds as JSON.
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
    shell.run_cell_magic("memtrace", "", cell)
    spent.append(shown[-1] - shell.user_ns["ended"])
print(json.dumps(spent))
"""


def in_fresh_shell(python: Path, script: str) -> list[float]:
    """The seconds that `script` prints, run in an interpreter of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "NPMEM_LEDGER"}
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True, env=kept)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows(python: Path, rounds: int) -> list[list[str]]:
    """The table, in milliseconds: loading where NumPy is loaded, and from a cell's end to its report."""
    in_fresh_shell(python, LOADING)
    loading = [in_fresh_shell(python, LOADING)[0] for _ in range(rounds)]
    reporting = [in_fresh_shell(python, REPORTING) for _ in range(max(1, rounds // 3))]
    medians = {
        "`%load_ext npmem_magic`": statistics.median(loading),
        "cell's end to report, 30 lines, the first": statistics.median(run[0] for run in reporting),
        "cell's end to report, 30 lines, later": statistics.median(spent for run in reporting for spent in run[1:]),
    }
    return [["in a kernel with NumPy loaded", "ms"], *([what, f"{1e3 * each:.0f}"] for what, each in medians.items())]
