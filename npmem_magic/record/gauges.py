"""Gauges: numbers the machine keeps, read and never set. The one thing written is the reset of this process's own mark.

`OPENERS` is the place to add a gauge: a name, and a function that opens it for a process id and returns a reader.
The sampler's helper process loads this file by itself, without the package and without site-packages, so it imports
the standard library only; what needs more imports it inside its opener and is named in `NEEDS_SITE`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

Reader = Callable[[], int]
Opener = Callable[[int], Reader]

_STATM = "/proc/self/statm"
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _resident_pages(fields: bytes) -> int:
    return int(fields.split(None, 2)[1])


def open_statm(pid: int) -> Reader:
    """Resident bytes from ``/proc/PID/statm``, kept open: about 3 us a read, and bound to the process, not its number.

    The reader raises ProcessLookupError once the process is gone. On Linux 6.2 to 6.16 the figure lags as `high_water`
    says; before and after, it is exact or nearly so.
    """
    descriptor = os.open(f"/proc/{pid}/statm", os.O_RDONLY)

    def read() -> int:
        return _living(pid, _resident_pages(os.pread(descriptor, 96, 0)) * _PAGE)

    return read


def open_psutil(pid: int) -> Reader:
    """Resident bytes by psutil, for systems without ``/proc``; the reader raises ProcessLookupError at the end."""
    import psutil

    process = psutil.Process(pid)

    def read() -> int:
        try:
            return _living(pid, int(process.memory_info().rss))
        except psutil.NoSuchProcess as gone:
            raise ProcessLookupError(pid) from gone

    return read


def open_memory_profiler(pid: int) -> Reader:
    """Resident bytes as ``memory_profiler.memory_usage`` gives them: the reference, about 200 us a read.

    One call a read, from our helper process, so that its way of watching a function is not used: that forks the
    process it watches, and every page written meanwhile is then copied.
    """
    import psutil
    from memory_profiler import memory_usage

    def read() -> int:
        try:
            mebibytes: float = memory_usage(pid, interval=0)[0]
        except psutil.NoSuchProcess as gone:
            raise ProcessLookupError(pid) from gone
        return _living(pid, round(mebibytes * 2**20))  # exact: it divided an integer by a power of two

    return read


CHILDREN_EVERY = 0.01  # seconds between two looks at the children, or ten times what a look takes


def _now_and_then(look: Callable[[], int]) -> Reader:
    """`look`, called so seldom that it takes a tenth of the time; what it said last in between."""
    last, due = 0, 0.0

    def read() -> int:
        nonlocal last, due
        now = time.monotonic()
        if now >= due:
            last = look()
            due = now + max(CHILDREN_EVERY, 10 * (time.monotonic() - now))
        return last

    return read


def open_children(pid: int) -> Reader:
    """Bytes that only the descendants of a process hold, from ``/proc``: each one's private pages.

    Pages that a forked child shares with its parent are the parent's, until one of them writes.
    """
    return _now_and_then(lambda: sum(_private(child) for child, parent in _descendants(pid) if _own(child, parent)))


def _descendants(pid: int) -> list[tuple[int, int]]:
    """(child, parent) of all that come from any thread of a process, in all generations; the dead have none."""
    found: list[tuple[int, int]] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
            listed = [_slurp(f"/proc/{parent}/task/{thread}/children") for thread in threads]
        except OSError:
            continue
        children = [int(number) for numbers in listed for number in numbers.split()]
        found += [(child, parent) for child in children]
        todo += children
    return found


def _own(child: int, parent: int) -> bool:
    """False for a child between ``vfork`` and ``exec``: for that moment it lives in its parent's memory."""
    try:
        size, resident = _slurp(f"/proc/{child}/statm").split()[:2]
        parents_size, parents_resident = _slurp(f"/proc/{parent}/statm").split()[:2]
    except (OSError, ValueError):  # one of the two has ended
        return False
    return size != parents_size or abs(int(resident) - int(parents_resident)) * _PAGE > 1 << 20


def _private(pid: int) -> int:
    """Bytes that no other process maps; 0 for one that has ended or may not be looked at."""
    try:
        lines = _slurp(f"/proc/{pid}/smaps_rollup").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Private_"))


def open_children_psutil(pid: int) -> Reader:
    """Resident bytes of the descendants of a process, for systems without ``/proc``; shared pages count for each."""
    import psutil

    def look() -> int:
        total = 0
        try:
            for child in psutil.Process(pid).children(recursive=True):
                total += int(child.memory_info().rss)
        except psutil.Error:  # one ended while we looked: what was seen so far
            return total
        return total

    return _now_and_then(look)


def _living(pid: int, nbytes: int) -> int:
    """`nbytes`, unless they are 0: so a dead process shows that nobody has waited for."""
    if not nbytes:
        raise ProcessLookupError(pid)
    return nbytes


OPENERS: dict[str, Opener] = {
    "statm": open_statm,
    "psutil": open_psutil,
    "memory_profiler": open_memory_profiler,
    "children": open_children,
    "children_psutil": open_children_psutil,
}
NEEDS_SITE = frozenset({"psutil", "memory_profiler", "children_psutil"})
CHILDREN = ("children", "children_psutil")


def resident_gauge() -> str:
    """The name of the gauge that reads resident bytes best here: ``statm`` on Linux, ``psutil`` elsewhere."""
    return "statm" if os.path.exists(_STATM) else "psutil"


def children_gauge() -> str:
    """The name of the gauge that reads what child processes hold."""
    return CHILDREN[0] if os.path.exists(f"/proc/self/task/{os.getpid()}/children") else CHILDREN[1]


def resident() -> int:
    """Bytes of this process in RAM now."""
    if resident_gauge() == "psutil":
        return open_psutil(os.getpid())()
    return _resident_pages(_slurp(_STATM)) * _PAGE


def reset_high_water() -> bool:
    """Let `high_water` start anew from the resident set of this moment; False where the system cannot."""
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
    except OSError:  # not Linux, or a container that hides it
        return False
    try:
        return os.write(descriptor, b"5") == 1
    except OSError:
        return False
    finally:
        os.close(descriptor)


def high_water() -> int | None:
    """Bytes: the most this process had in RAM since `reset_high_water`; None where the kernel keeps no such mark.

    No sampling can miss what it holds, but since Linux 6.2 the kernel counts pages per core and adds up now and then:
    the mark may lag by up to max(32, 2 x cores) pages for each core the process ran on and each kind of page (observed:
    380 KiB with 2 cores). Where a sample is higher, the sample is right.
    """
    try:
        status = _slurp("/proc/self/status")
    except OSError:
        return None
    _, found, rest = status.partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) * 1024 if found else None


def data_size() -> int | None:
    """Bytes of private memory asked for so far, touched or not, as RLIMIT_DATA counts them; None elsewhere."""
    try:
        status = _slurp("/proc/self/status")
    except OSError:
        return None
    _, found, rest = status.partition(b"VmData:")
    return int(rest.split(None, 1)[0]) * 1024 if found else None


def _slurp(path: str) -> bytes:
    """The file's first 8 KiB; opened anew each time, because after a fork an old descriptor reads the parent."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 8192)
    finally:
        os.close(descriptor)
