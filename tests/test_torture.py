"""Torture, a short form: what `torture` runs, and what it demands, is told there.

``NPMEM_TORTURE_SECONDS`` makes it longer, ``NPMEM_TORTURE_SEED`` begins elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pytest
from tape import COMPILER, recording
from torture import torture

import npmem_magic

SECONDS = float(os.environ.get("NPMEM_TORTURE_SECONDS", "25"))
SEED = int(os.environ.get("NPMEM_TORTURE_SEED", "0"))
TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent / "npmem_magic" / "record" / "_ledger.c"
SMALL_LIMITS = 20  # the build for tests: every table fills up at once but the packed one, whose overflow resizing shows


def test_random_programs_with_everything_at_random(capsys: pytest.CaptureFixture[str]) -> None:
    tally = torture(SECONDS, SEED)
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally.traces > 0 and tally.drift == 0


STORM = """
import threading
def work(number):
    for k in range(10):
        left.append((storm(200, 3000 + number), 3000 + number)); np.ones(500)
        while len(left) > 3: calm(*left.pop())
threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
for thread in threads: thread.start()
work(9)
for thread in threads: thread.join()
"""


@pytest.mark.skipif(npmem_magic.ledger()[0] != "native", reason="the hooks are the native ledger's")
@pytest.mark.parametrize("workers", [0, 5])
def test_threads_that_do_not_hold_the_gil(workers: int) -> None:
    """Buffers taken and freed from C code that has released it: their bytes are counted, on no line."""
    with recording() as tape:
        if tape is None:
            pytest.skip("no C compiler")
        left: list[tuple[int, int]] = []
        names = {"np": np, "storm": tape.storm, "calm": tape.calm, "left": left, "workers": workers}
        tape.read()
        trace = npmem_magic.trace(STORM, namespace=names, sampler="off")
        count = tape.read()
        for each in left:
            tape.calm(*each)
    assert (trace.net, trace.gross) == (count.net, count.gross)
    assert sum(site.net for site in trace.expressions) == count.net
    assert sum(site.gross for site in trace.expressions if site.line == 0) > 2000 * 3000
    if not workers:  # with others, which of two events came first is seen from two places
        assert (trace.peak, sum(held.nbytes for held in trace.at_peak)) == (count.peak, count.alive_at_peak)


@pytest.fixture(scope="module")
def small_limits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, its ledger compiled with small limits."""
    folder = tmp_path_factory.mktemp("small")
    package = Path(npmem_magic.__file__).parent
    copytree(package, folder / "npmem_magic", ignore=ignore_patterns("_ledger.*.so", "*.pyd", "__pycache__"))
    target = folder / "npmem_magic" / "record" / f"_ledger{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [f"-I{sysconfig.get_paths()['include']}", f"-I{np.get_include()}"]
    options = ["-std=c11", "-O2", "-shared", "-fPIC", f"-DNPMEM_SMALL_LIMITS={SMALL_LIMITS}", *includes]
    if COMPILER is None:
        pytest.skip("no C compiler")
    if subprocess.run([COMPILER, *options, str(SOURCE), "-o", str(target)], check=False).returncode:
        pytest.skip("the C compiler cannot build an extension here")
    return folder


@pytest.mark.skipif(npmem_magic.ledger()[0] != "native", reason="the tables are the native ledger's")
def test_random_programs_that_fill_every_table(small_limits: Path) -> None:
    """Peak, and what was alive at it, stay exact when nothing has room any more."""
    paths = os.pathsep.join([str(small_limits), str(TESTS)])
    command = [sys.executable, str(TESTS / "torture.py"), str(SECONDS / 3), str(SEED)]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "largest drift 0 bytes" in done.stdout
