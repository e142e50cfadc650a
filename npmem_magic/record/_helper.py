"""The sampler's helper process: reads gauges of the kernel process and writes them into shared memory.

Run as ``python -I -S _helper.py``: standard library only, nothing of the user's environment. It never touches the
kernel's memory. Points are rows of int64 (time, one column a gauge) in two buffers: one is written, and when it is
full its extremes move into the other. One header word names buffer and count and is written last, so the kernel may
copy at any moment, also when this process has been killed half-way.
"""

from __future__ import annotations

import importlib
import mmap
import os
import select
import sys
import time
from array import array
from collections.abc import Callable, Sequence

# Header words. The kernel writes the first two, the helper the others.
COMMAND, WAIT, RUN, STATE, READS, PID, GPU_TROUBLE = range(7)
HEADER = 8
QUIT = -1

QUICK = 200_000  # ns between reads: about 3,000 a second
CALM = 1_000_000  # ns while no core is idle: each read then takes a core from the watched work
WIDEST = 20_000_000  # ns: the automatic interval doubles at every halving up to here
LOOK = 3_000_000  # ns between two looks at how many tasks want a core
WATCH = 2.0  # seconds between two looks at whether the kernel lives, while nothing is sampled

_HAS_PIPE_SELECT = sys.platform != "win32"


def words_needed(points: int, gauges: int) -> int:
    """How many int64 words the shared memory takes: the header and two buffers."""
    return HEADER + 2 * points * (1 + gauges)


def keep(columns: Sequence[Sequence[int]]) -> list[int]:
    """Indices, ascending and at most half (plus two), of the rows that hold the first, the last and all extremes.

    Of each group of rows the smallest and the largest of every column stay; a group is four rows for one column.
    """
    count, group = len(columns[0]), 4 * len(columns)
    kept = [0]
    for start in range(1, count - 1, group):
        chosen: set[int] = set()
        for column in columns:
            part = column[start : min(start + group, count - 1)]
            chosen.add(start + part.index(min(part)))
            chosen.add(start + part.index(max(part)))
        kept.extend(sorted(chosen))
    return [*kept, count - 1]


class Store:
    """Rows in shared memory that never grow beyond `points`: equal values fold into a run's two ends."""

    def __init__(self, words: memoryview[int], points: int, gauges: int) -> None:
        self.words, self.points, self.width = words, points, 1 + gauges
        self.clear()

    def clear(self) -> None:
        self.buffer = self.count = self.halvings = 0
        self.last: list[int] = []
        self.repeated = False
        self.words[STATE] = self.words[READS] = 0

    def add(self, now: int, values: list[int]) -> None:
        """Write one row; the third and later of equal rows only move the time of the second."""
        self.words[READS] += 1
        if values == self.last and self.repeated:
            self.words[self._at(self.count - 1)] = now
            return
        self.repeated = values == self.last
        self.last = values
        if self.count == self.points:
            self._halve()
        place = self._at(self.count)
        for offset, number in enumerate((now, *values)):
            self.words[place + offset] = number
        self._publish(self.buffer, self.count + 1)

    def _at(self, row: int) -> int:
        return HEADER + (self.buffer * self.points + row) * self.width

    def _publish(self, buffer: int, count: int) -> None:
        self.buffer, self.count = buffer, count
        self.words[STATE] = buffer << 32 | count

    def _halve(self) -> None:
        flat = self.words[self._at(0) : self._at(self.count)].tolist()
        width = self.width
        kept = keep([flat[column::width] for column in range(1, width)])
        rows = array("q")
        for row in kept:
            rows.extend(flat[row * width : (row + 1) * width])
        start = HEADER + (1 - self.buffer) * self.points * width
        self.words[start : start + len(rows)] = rows
        self._publish(1 - self.buffer, len(kept))
        self.halvings += 1


class Pace:
    """How long to wait before the next read, in nanoseconds."""

    def __init__(self, quick: int = QUICK) -> None:
        self.quick = quick
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        try:
            self.load = os.open("/proc/loadavg", os.O_RDONLY)
        except OSError:  # not Linux: nothing tells cheaply whether a core is idle
            self.load = -1
        self.looked = self.wait = 0

    def begin(self, asked: int) -> None:
        self.asked = asked
        self.looked, self.wait = 0, self.quick if self.load >= 0 else CALM

    def next(self, now: int, halvings: int) -> int:
        if self.asked:
            return self.asked << halvings
        if self.load >= 0 and now - self.looked > LOOK:
            self.looked = now
            self.wait = CALM if self._all_cores_wanted() else self.quick
        return min(self.wait << halvings, WIDEST)

    def _all_cores_wanted(self) -> bool:
        """Whether others want every core: the fourth field counts the tasks running now, this one among them."""
        running = int(os.pread(self.load, 96, 0).split()[3].split(b"/")[0])
        return running > self.cores


class Helper:
    """Waits for the kernel's word, samples until the next one, ends with the kernel."""

    def __init__(
        self,
        words: memoryview[int],
        readers: list[Callable[[], int]],
        points: int,
        trouble: Callable[[], int] = lambda: 0,
    ) -> None:
        self.words, self.readers, self.trouble = words, readers, trouble
        self.store, self.pace = Store(words, points, len(readers)), Pace()

    def serve(self) -> None:
        """Return when told to quit or when the kernel's pipe closes; ProcessLookupError when the kernel is gone."""
        self.words[PID] = os.getpid()
        done, open_ = 0, True
        while open_ and self.words[COMMAND] != QUIT:
            run = self.words[COMMAND]
            if run and run != done:
                open_, done = self._sample(run), run
            else:
                open_ = self._idle()

    def _sample(self, run: int) -> bool:
        words, store, pace, clock = self.words, self.store, self.pace, time.monotonic_ns
        store.clear()
        pace.begin(words[WAIT])
        while words[COMMAND] == run:
            values = [read() for read in self.readers]
            now = clock()
            store.add(now, values)
            words[GPU_TROUBLE] = self.trouble()
            words[RUN] = run
            if not self._wait(pace.next(now, store.halvings) / 1e9):
                return False
        return True

    def _wait(self, seconds: float) -> bool:
        """Wait, or less when the kernel has something to say; False when its pipe is closed."""
        if not _HAS_PIPE_SELECT:
            return self._nap(seconds)
        return not select.select([0], [], [], seconds)[0] or os.read(0, 512) != b""

    def _nap(self, seconds: float) -> bool:
        """Sleep in short pieces, because nothing wakes it where pipes cannot be waited for."""
        command, until = self.words[COMMAND], time.monotonic() + seconds
        while self.words[COMMAND] == command and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
        return True

    def _idle(self) -> bool:
        if not _HAS_PIPE_SELECT:
            return os.read(0, 1) != b""
        self.readers[0]()  # a child forked by the kernel may hold the pipe open; the gauge knows that the kernel died
        return self._wait(WATCH)


def wake_in_time() -> None:
    """Let this process's waits end when they are due: Linux adds 50 us to each by default."""
    try:
        with open("/proc/self/timerslack_ns", "w") as slack:
            slack.write("1000")
    except OSError:  # not Linux, or not allowed: some fewer readings a second
        return


def attach(name: str, size: int) -> mmap.mmap:
    """The kernel's shared memory: a descriptor's number, on Windows a name."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=name)
    return mmap.mmap(int(name), size)


def main(name: str, pid: int, points: int, gauge_names: str, *site: str) -> None:
    """Open what `sampler` asked for, leave the kernel's family, and serve."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path += [here, *site]
    gauges, nvml = importlib.import_module("gauges"), importlib.import_module("nvml")
    sys.path.remove(here)
    devices = nvml.Readers()
    readers = [
        devices.open(gauge, pid) if gauge.startswith(nvml.GAUGE) else gauges.OPENERS[gauge](pid)
        for gauge in gauge_names.split(",")
    ]
    memory = attach(name, 8 * words_needed(points, len(readers)))
    # Not the kernel's child any more: os.wait() and "list my children" in a cell must see what they see without us.
    if hasattr(os, "fork") and os.fork():
        os._exit(0)
    wake_in_time()
    devices.begin()  # not before the fork: the driver's library does not promise to survive one
    try:
        Helper(memoryview(memory).cast("q"), readers, points, lambda: devices.trouble).serve()
    except ProcessLookupError:  # the kernel is gone: so are we
        os._exit(0)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], *sys.argv[5:])
