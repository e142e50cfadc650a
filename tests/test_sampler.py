"""The sampler against memory of known size, and against everything that can go wrong around a helper process."""

from __future__ import annotations

import importlib.util
import mmap
import os
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from npmem_magic import host
from npmem_magic.record import _helper, _launch, gauges, sampler

MIB = 2**20
ROOT = Path(__file__).parents[1]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    sampler.close()
    yield
    pid = sampler.helper_pid()
    sampler.close()
    assert pid is None or gone(pid)


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process ends within `seconds`; a dead one that nobody has waited for counts as ended."""
    return soon(lambda: not lives(pid), seconds)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def soon(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def touched(nbytes: int) -> mmap.mmap:
    block = mmap.mmap(-1, nbytes)
    for page in range(0, nbytes, mmap.PAGESIZE):
        block[page] = 1
    return block


def pid_of_helper() -> int:
    pid = sampler.helper_pid()
    assert pid is not None
    return pid


def kernel(code: str, **options: object) -> subprocess.Popen[str]:
    """Another Python that loads the sampler and runs `code`."""
    text = f"import os, sys, time, signal\nfrom npmem_magic.record import sampler\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, env=environment, **options)  # type: ignore[call-overload,no-any-return]


# Leave alone: what must not happen.


def test_off_samples_nothing_and_starts_nothing() -> None:
    watch, notes = sampler.make("off", 0)
    watch.start()
    samples = watch.stop()
    assert len(samples.time_ns) == len(samples.resident) == 0
    assert sampler.helper_pid() is None
    assert any("off" in note for note in notes)


@linux
def test_the_helper_is_not_a_child_of_ours() -> None:
    sampler.make("auto", 0)
    with pytest.raises(ChildProcessError):  # a cell that waits for all its children must not wait for ever
        os.waitpid(-1, os.WNOHANG)


@linux
def test_the_helper_imports_nothing_of_the_users() -> None:
    sampler.make("auto", 0)
    maps = Path(f"/proc/{pid_of_helper()}/maps").read_text()
    assert "site-packages" not in maps and "numpy" not in maps


@linux
def test_start_and_stop_leave_no_thread_and_no_descriptor() -> None:
    watch, _ = sampler.make("auto", 0)
    before = set(os.listdir("/proc/self/fd")), os.listdir("/proc/self/task")
    for _ in range(3):
        watch.start()
        watch.stop()
    assert (set(os.listdir("/proc/self/fd")), os.listdir("/proc/self/task")) == before
    sampler.close()
    assert len(os.listdir("/proc/self/fd")) == len(before[0]) - 3  # two pipes, one mapping


@pytest.mark.parametrize("interval", [-1.0, float("nan"), float("inf")])
def test_a_senseless_interval_is_refused(interval: float) -> None:
    with pytest.raises(host.NpmemError, match="positive number of seconds"):
        sampler.make("auto", interval)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(host.NpmemError, match="memory_profiler"):
        sampler.make("fast", 0)


# What is measured.


@pytest.mark.parametrize("kind", ["auto", "memory_profiler"])
def test_a_block_that_lives_50_ms_is_seen_whole(kind: str) -> None:
    watch, notes = sampler.make(kind, 0)
    watch.start()
    block = touched(64 * MIB)
    time.sleep(0.05)
    block.close()
    time.sleep(0.02)
    samples = watch.stop()
    assert abs(int(samples.resident.max()) - int(samples.resident[0]) - 64 * MIB) <= MIB
    assert abs(int(samples.resident[-1]) - int(samples.resident[0])) <= MIB
    assert samples.reads > 20
    assert samples.notes == ()
    assert len(notes) == 1


def test_both_processes_share_one_clock() -> None:
    watch, _ = sampler.make("auto", 0.0002)
    before = time.monotonic_ns()
    watch.start()
    time.sleep(0.03)
    born = time.monotonic_ns()
    block = touched(64 * MIB)
    ready = time.monotonic_ns()
    time.sleep(0.03)
    dies = time.monotonic_ns()
    block.close()
    time.sleep(0.03)
    samples = watch.stop()
    after = time.monotonic_ns()
    rise = samples.resident - samples.resident[0]
    assert samples.time_ns.dtype == samples.resident.dtype == np.int64
    assert before <= samples.time_ns[0] and samples.time_ns[-1] <= after
    assert np.all(np.diff(samples.time_ns) > 0)
    slack = 5_000  # a reading is stamped just after it was taken
    assert rise[samples.time_ns < born].max() < MIB
    inside = (samples.time_ns > ready + slack) & (samples.time_ns < dies)
    assert inside.any() and abs(int(rise[inside].min()) - 64 * MIB) < MIB


def test_own_readings_are_the_first_and_the_last() -> None:
    watch, _ = sampler.make("auto", 0)
    watch.start()
    block = touched(16 * MIB)
    samples = watch.stop()
    assert abs(int(samples.resident[-1] - samples.resident[0]) - 16 * MIB) < MIB
    block.close()


def test_one_helper_serves_many_runs_and_forgets_the_last() -> None:
    watch, _ = sampler.make("auto", 0)
    pid = pid_of_helper()
    watch.start()
    block = touched(64 * MIB)
    time.sleep(0.02)
    watch.stop()
    block.close()
    again, _ = sampler.make("auto", 0)
    again.start()
    time.sleep(0.02)
    samples = again.stop()
    assert pid_of_helper() == pid
    assert int(np.ptp(samples.resident)) < MIB


def test_the_interval_asked_sets_the_wait() -> None:
    watch, notes = sampler.make("auto", 0.02)
    watch.start()
    time.sleep(0.3)
    assert 2 <= watch.stop().reads <= 16
    assert any("0.02 s" in note for note in notes)


def test_a_long_wait_delays_neither_stop_nor_the_next_start() -> None:
    watch, _ = sampler.make("auto", 60.0)
    began = time.monotonic()
    for _ in range(3):
        watch.start()
        assert watch.stop().notes == ()
    assert time.monotonic() - began < 0.5


def test_a_run_longer_than_the_buffer_keeps_its_extremes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "POINTS", 64)
    watch, _ = sampler.make("auto", 0.0001)
    watch.start()
    block = touched(64 * MIB)
    time.sleep(0.02)
    block.close()
    for _ in range(300):
        block = touched(MIB)
        time.sleep(0.001)
        block.close()
    samples = watch.stop()
    assert samples.reads > 128
    assert len(samples.time_ns) <= 66
    assert abs(int(np.ptp(samples.resident)) - 64 * MIB) <= 2 * MIB


def test_memory_profiler_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    _, notes = sampler.make("memory_profiler", 0)
    assert "memory_profiler" in notes[0] and "not installed" in notes[0]
    assert "helper process" in notes[1]


# The buffers.


def new_store(points: int, columns: int = 1) -> _helper.Store:
    words = array("q", bytes(8 * _helper.words_needed(points, columns)))
    return _helper.Store(memoryview(words), points, columns)


def rows_of(store: _helper.Store) -> list[list[int]]:
    state, width = store.words[_helper.STATE], store.width
    start = _helper.HEADER + (state >> 32) * store.points * width
    flat = store.words[start : start + (state & 0xFFFFFFFF) * width].tolist()
    return [flat[place : place + width] for place in range(0, len(flat), width)]


def test_a_run_of_equal_values_is_kept_as_its_two_ends() -> None:
    store = new_store(16)
    for now, value in enumerate([5, 5, 5, 5, 7, 5, 5, 5]):
        store.add(now, [value])
    assert rows_of(store) == [[0, 5], [3, 5], [4, 7], [5, 5], [7, 5]]
    assert store.words[_helper.READS] == 8


@pytest.mark.parametrize("columns", [1, 2])
def test_halving_keeps_first_last_and_every_extreme(columns: int) -> None:
    store = new_store(64, columns)
    numbers = np.random.default_rng(1).integers(1000, 2000, (20_000, columns))
    numbers[777], numbers[15_001] = 3000, 1
    for now, row in enumerate(numbers.tolist()):
        store.add(now, row)
        assert rows_of(store)[-1] == [now, *row]
    rows = np.array(rows_of(store))
    assert len(rows) <= 64 and store.halvings > 5
    assert rows[0].tolist() == [0, *numbers[0].tolist()]
    assert np.all(np.diff(rows[:, 0]) > 0)
    assert {777, 15_001} <= set(rows[:, 0].tolist())
    assert np.array_equal(numbers[rows[:, 0]], rows[:, 1:])  # rows are readings, not averages


def test_keep_takes_the_extremes_of_each_group() -> None:
    assert _helper.keep([[9, 3, 4, 8, 1, 5, 5, 5, 5, 0]]) == [0, 3, 4, 5, 9]


def test_the_wait_widens_as_the_run_grows_and_calms_when_cores_are_short() -> None:
    pace = _helper.Pace()
    pace.begin(0)
    pace._all_cores_wanted = lambda: True  # type: ignore[method-assign]
    assert pace.next(10**9, 0) == _helper.CALM
    pace._all_cores_wanted = lambda: False  # type: ignore[method-assign]
    assert pace.next(2 * 10**9, 0) == (_helper.QUICK if pace.load >= 0 else _helper.CALM)
    assert pace.next(2 * 10**9, 1) > pace.next(2 * 10**9, 0)
    assert pace.next(2 * 10**9, 40) == _helper.WIDEST
    pace.begin(123)
    assert pace.next(3 * 10**9, 0) == 123


# What can go wrong.


@linux
def test_a_helper_killed_in_mid_run_is_survived_and_replaced() -> None:
    watch, _ = sampler.make("auto", 0)
    pid = pid_of_helper()
    watch.start()
    block = touched(16 * MIB)
    time.sleep(0.03)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    block.close()
    samples = watch.stop()
    assert samples.reads > 5 and len(samples.time_ns) >= 3
    assert int(np.ptp(samples.resident)) > 15 * MIB
    assert len(samples.notes) == 1 and "ended before the cell did" in samples.notes[0]
    watch.start()
    assert len(watch.stop().time_ns) == 2
    again, _ = sampler.make("auto", 0)
    assert pid_of_helper() != pid
    again.start()
    time.sleep(0.02)
    assert again.stop().notes == ()


def test_closing_in_mid_run_is_survived() -> None:
    watch, _ = sampler.make("auto", 0)
    watch.start()
    sampler.close()
    samples = watch.stop()
    assert len(samples.time_ns) == 2 and len(samples.notes) == 1


@linux
def test_a_frozen_helper_is_told_not_waited_for() -> None:
    watch, _ = sampler.make("auto", 0)
    pid = pid_of_helper()
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    watch.start()
    samples = watch.stop()
    assert time.monotonic() - began < 2.0
    assert len(samples.time_ns) == 2 and "did not answer" in samples.notes[0]
    sampler.close()  # has to kill
    assert gone(pid)


def test_a_helper_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "resident_gauge", lambda: "sundial")
    watch, notes = sampler.make("auto", 0)
    monkeypatch.undo()
    watch.start()
    assert len(watch.stop().time_ns) == 2
    assert "sundial" in notes[0] and "did not start" in notes[0]


def test_no_executable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    _, notes = sampler.make("auto", 0)
    assert "sys.executable" in notes[0]


@linux
def test_a_fork_in_the_cell_harms_neither_side() -> None:
    watch, _ = sampler.make("auto", 0)
    pid = pid_of_helper()
    watch.start()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        samples = watch.stop()  # as at the cell's end, in the child too
        sampler.close()
        own, _ = sampler.make("auto", 0)
        own.start()
        time.sleep(0.01)
        told = f"{len(samples.time_ns)} {sampler.helper_pid()} {own.stop().reads > 0} {samples.notes[0]}"
        sampler.close()
        os.write(writer, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    count, other, worked, note = os.read(reader, 4096).decode().split(" ", 3)
    os.close(reader)
    os.close(writer)
    time.sleep(0.01)
    samples = watch.stop()
    assert (count, worked) == ("0", "True") and "forked" in note
    assert int(other) != pid and gone(int(other))
    assert pid_of_helper() == pid and samples.notes == () and samples.reads > 10


@linux
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("orphan", [False, True])
def test_the_helper_dies_with_a_killed_kernel(running: bool, orphan: bool) -> None:
    code = (
        "watch, _ = sampler.make('auto', 0)\n"
        f"if {running}: watch.start()\n"
        f"child = os.fork() if {orphan} else -1\n"
        "if child == 0: time.sleep(60)\n"  # holds every pipe of the kernel open
        "print(sampler.helper_pid(), child, flush=True)\n"
        "time.sleep(60)"
    )
    process = kernel(code)
    assert process.stdout is not None
    pid, child = map(int, process.stdout.readline().split())
    assert lives(pid)
    process.kill()
    process.wait()
    process.stdout.close()
    try:
        assert gone(pid, 10.0)
    finally:
        if orphan:
            os.kill(child, signal.SIGKILL)


@linux
def test_an_interrupt_of_the_kernels_group_leaves_the_helper_at_work() -> None:
    code = (
        "watch, _ = sampler.make('auto', 0)\n"
        "watch.start()\n"
        "print(sampler.helper_pid(), flush=True)\n"
        "try: time.sleep(60)\n"
        "except KeyboardInterrupt: pass\n"
        "time.sleep(0.05)\n"
        "samples = watch.stop()\n"
        "print(sampler.helper_pid(), len(samples.notes), samples.reads > 20, flush=True)"
    )
    process = kernel(code, start_new_session=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline().split() == [str(pid), "0", "True"]
    assert process.wait() == 0
    process.stdout.close()
    assert gone(pid)  # by atexit


@linux
def test_close_leaves_no_process_and_may_be_called_twice() -> None:
    sampler.make("auto", 0)
    pid = pid_of_helper()
    sampler.close()
    assert not lives(pid)
    sampler.close()
    assert sampler.helper_pid() is None


@linux
def test_changing_the_kind_replaces_the_helper() -> None:
    sampler.make("auto", 0)
    pid = pid_of_helper()
    sampler.make("memory_profiler", 0)
    assert gone(pid) and pid_of_helper() != pid


@linux
def test_no_descriptor_left_for_our_own_reading_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _ = sampler.make("auto", 0)
    watch.start()

    def refuse() -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(gauges, "resident", refuse)
    samples = watch.stop()
    assert "Too many open files" in samples.notes[0]
    assert samples.resident[-1] == samples.resident[0]


def test_rows_are_whole_while_the_helper_writes_on() -> None:
    helper = _launch.Helper((gauges.resident_gauge(),), 64)
    try:
        assert helper.settle()
        helper.words[_helper.WAIT] = 1
        helper.run = 1
        helper.send(1)
        assert helper.wait_until(lambda: helper.words[_helper.RUN] == 1, 1.0, 0.001)
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            rows = helper.rows()
            assert np.all(np.diff(rows[:, 0]) > 0) and np.all(rows[:, 1] > 0)
    finally:
        helper.end()
