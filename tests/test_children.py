"""Child processes in the resident curve: what only they hold, above the start, stacked."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

import npmem_magic
from npmem_magic.record import gauges, sampler

MIB = 1 << 20
CHILD = "import time; block = b'x' * {nbytes}; print('up', flush=True); time.sleep({seconds})"
linux = pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="looks into /proc")


@pytest.fixture(autouse=True)
def fresh_helper() -> Iterator[None]:
    sampler.close()
    yield
    sampler.close()


def start(nbytes: int, seconds: float) -> subprocess.Popen[bytes]:
    """A child that holds `nbytes`; it holds them when this returns."""
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(nbytes=nbytes, seconds=seconds)], stdout=-1)
    assert child.stdout is not None and child.stdout.readline() == b"up\n"
    return child


def work(nbytes: int, seconds: float = 0.4) -> int:
    child = start(nbytes, seconds)
    child.wait()
    return int(child.stdout.close() is None) if child.stdout else 0


def highest(trace: npmem_magic.Trace) -> int:
    return int(trace.children[1].max())


# Leave alone


def test_nobody_asked() -> None:
    assert [len(part) for part in npmem_magic.trace(work, 30 * MIB).children] == [0, 0]


def test_no_child_is_no_memory() -> None:
    trace = npmem_magic.trace(lambda: time.sleep(0.1), children=True)
    assert len(trace.children[0]) == len(trace.samples[0]) and highest(trace) == 0


def test_our_own_helper_is_no_child() -> None:
    trace = npmem_magic.trace("import time\ntime.sleep(0.1)", namespace={}, children=True)
    assert highest(trace) == 0


@linux
def test_a_child_before_exec_is_not_counted_as_a_second_parent() -> None:
    held = np.ones(8 * MIB)  # 64 MiB, which a child shares between vfork and exec
    source = "import subprocess\nfor _ in range(15):\n    subprocess.run(['sleep', '0.01'])"
    trace = npmem_magic.trace(source, namespace={}, children=True)
    assert highest(trace) < 16 * MIB and len(held)


@linux
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pages_shared_with_the_parent_count_once() -> None:
    held = np.ones(8 * MIB)
    context = multiprocessing.get_context("fork")

    def fork() -> None:
        child = context.Process(target=time.sleep, args=(0.4,))
        child.start()
        child.join()

    assert highest(npmem_magic.trace(fork, children=True)) < 24 * MIB and len(held)


def test_without_a_sampler_it_is_said() -> None:
    trace = npmem_magic.trace("x = 1", namespace={}, children=True, sampler="off")
    assert len(trace.children[1]) == 0 and any("child processes was not read" in note for note in trace.notes)


# Count


def test_what_a_child_holds() -> None:
    trace = npmem_magic.trace(work, 60 * MIB, children=True)
    assert 60 * MIB <= highest(trace) < 100 * MIB
    assert trace.children[1][0] == 0, "above the start"
    assert "child processes up to" in trace._repr_mimebundle_()[0]["text/plain"]


def test_a_child_from_before_is_part_of_the_start() -> None:
    old = start(60 * MIB, 30)
    try:
        trace = npmem_magic.trace(work, 20 * MIB, children=True)
        assert 20 * MIB <= highest(trace) < 55 * MIB
    finally:
        old.kill()
        old.communicate()


@linux
def test_grandchildren() -> None:
    inner = CHILD.format(nbytes=40 * MIB, seconds=0.5)
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    trace = npmem_magic.trace(lambda: subprocess.run([sys.executable, "-c", outer], capture_output=True), children=True)
    assert 40 * MIB <= highest(trace) < 90 * MIB


def test_psutil_sees_them_too() -> None:
    child = start(30 * MIB, 30)
    try:
        assert 30 * MIB <= gauges.open_children_psutil(os.getpid())() < 90 * MIB
    finally:
        child.kill()
        child.communicate()


def test_readers_look_now_and_then() -> None:
    looks: list[int] = []
    read = gauges._now_and_then(lambda: looks.append(1) or len(looks))
    assert [read() for _ in range(50)] == [1] * 50
    time.sleep(2 * gauges.CHILDREN_EVERY)
    assert read() == 2


def test_it_is_saved(tmp_path: object) -> None:
    trace = npmem_magic.trace(work, 10 * MIB, children=True)
    again = npmem_magic.load(trace.save(f"{tmp_path}/t.json"))
    assert np.array_equal(again.children[1], trace.children[1]) and again.limit is None
    assert trace.plot() is not None
