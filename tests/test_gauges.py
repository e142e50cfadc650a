"""Gauges against memory of known size."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import pytest

from npmem_magic.record import gauges

MIB = 2**20
CORES = os.cpu_count() or 1
# The kernel's page counters are per core and for two kinds of page; what it has not added up yet, the mark misses.
LAG = 2 * CORES * max(32, 2 * CORES) * mmap.PAGESIZE + 64 * 1024
RESIDENT = sorted(set(gauges.OPENERS) - set(gauges.CHILDREN))
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux only")
needs_reset = pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the mark cannot be reset")


def touched(nbytes: int) -> mmap.mmap:
    """Anonymous memory of exactly this size, every page of it in RAM."""
    block = mmap.mmap(-1, nbytes)
    for page in range(0, nbytes, mmap.PAGESIZE):
        block[page] = 1
    return block


def test_nothing_allocated_leaves_the_mark_where_it_was() -> None:
    if not gauges.reset_high_water():
        pytest.skip("the mark cannot be reset")
    before = gauges.resident()
    mark = gauges.high_water()
    assert mark is not None and abs(mark - before) <= LAG


def test_untouched_memory_is_not_resident() -> None:
    before = gauges.resident()
    block = mmap.mmap(-1, 64 * MIB)
    assert abs(gauges.resident() - before) <= LAG
    block.close()


def test_resident_counts_touched_memory() -> None:
    before = gauges.resident()
    block = touched(64 * MIB)
    assert abs(gauges.resident() - before - 64 * MIB) <= LAG
    block.close()
    assert abs(gauges.resident() - before) <= LAG


@needs_reset
def test_high_water_remembers_what_has_gone() -> None:
    start = gauges.resident()
    assert gauges.reset_high_water()
    touched(64 * MIB).close()
    mark = gauges.high_water()
    assert mark is not None and abs(mark - start - 64 * MIB) <= LAG
    assert abs(gauges.resident() - start) <= LAG


@needs_reset
def test_reset_forgets_an_earlier_peak() -> None:
    touched(64 * MIB).close()
    assert gauges.reset_high_water()
    mark = gauges.high_water()
    assert mark is not None and mark - gauges.resident() < 8 * MIB


def test_where_the_kernel_keeps_no_mark_the_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(path)

    monkeypatch.setattr(os, "open", refuse)
    assert gauges.reset_high_water() is False
    assert gauges.high_water() is None


@needs_proc
@pytest.mark.parametrize("name", RESIDENT)
def test_every_gauge_gives_the_same_bytes(name: str) -> None:
    read = gauges.OPENERS[name](os.getpid())
    read()  # the first call imports and fills caches
    assert abs(read() - gauges.resident()) <= LAG


@needs_proc
@pytest.mark.parametrize("name", RESIDENT)
def test_a_gauge_says_when_its_process_is_gone(name: str) -> None:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    read = gauges.OPENERS[name](child.pid)
    assert read() > 0
    child.communicate(b"\n")
    with pytest.raises(ProcessLookupError):
        read()


@needs_proc
@pytest.mark.parametrize("name", RESIDENT)
def test_a_dead_process_that_nobody_waited_for_is_gone_too(name: str) -> None:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    read = gauges.OPENERS[name](child.pid)
    assert read() > 0
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still there
    with pytest.raises(ProcessLookupError):
        read()
    child.communicate()


@needs_proc
def test_after_a_fork_the_child_reads_itself() -> None:
    before = gauges.resident()
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        start = gauges.resident()  # less than the parent's: pages of files are mapped anew
        block = touched(32 * MIB)
        os.write(writer, str(gauges.resident() - start).encode())
        block.close()
        os._exit(0)
    os.waitpid(pid, 0)
    grown = int(os.read(reader, 64))
    os.close(reader)
    os.close(writer)
    assert abs(grown - 32 * MIB) < MIB
    assert abs(gauges.resident() - before) < MIB


def test_gauges_load_without_the_package_and_without_site() -> None:
    code = f"import sys; sys.path.append({os.path.dirname(gauges.__file__)!r}); import gauges; print(gauges.resident())"
    said = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True, text=True)
    assert int(said.stdout) > MIB
