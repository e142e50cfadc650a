"""Who stops a run that takes too much: NumPy's allocator, the system's limit for data, or a watching thread."""

from __future__ import annotations

import mmap
import signal
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..sizes import human
from . import gauges

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]  # mypy takes a module's name for bound

BALLAST = 8 << 20  # bytes given back first when all are used up: without any, not even the limit could be lifted
RESERVE = 128 << 20  # bytes between the guard's limit and the system's: what BLAS and the kernel itself need
# The same beside tracemalloc, which must never be refused: CPython then turns round for ever in the handling of it.
TRACED_RESERVE = RESERVE + (256 << 20)
_LOOK = 0.02  # seconds between two looks at the resident set


@dataclass(frozen=True)
class Refusal:
    """Who acted, the bytes asked for and those that were left; None where that is not known."""

    who: str
    asked: int | None
    left: int | None


class Stopper(Protocol):
    """One of the three; `stop` says what it refused, and then `taken` the bytes by which the run has grown."""

    taken: int

    def start(self, nbytes: int) -> None: ...
    def stop(self, error: BaseException | None) -> Refusal | None: ...


class Allocator:
    """Refuses in NumPy's allocator: exact, and nothing but the one request fails."""

    def __init__(self, hooks: Any) -> None:
        self._hooks = hooks

    def start(self, nbytes: int) -> None:
        self._hooks.guard_start(nbytes, 0)

    def stop(self, error: BaseException | None) -> Refusal | None:
        _, self.taken, refusals, asked, left = self._hooks.guard_stop()
        return Refusal("the guard in NumPy's allocator", asked, max(0, left)) if refusals else None


class DataLimit:
    """The soft RLIMIT_DATA of this process. A limit that is tighter already stays; one the cell sets itself, too."""

    def __init__(self, ballast: list[mmap.mmap], reserve: int = RESERVE) -> None:
        self._ballast, self._reserve = ballast, reserve

    def start(self, nbytes: int) -> None:
        self._ballast.append(mmap.mmap(-1, BALLAST, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        self._found = resource.getrlimit(resource.RLIMIT_DATA)
        self.taken, self._base = 0, gauges.data_size() or 0
        wanted = self._base + nbytes + self._reserve
        ceilings = [limit for limit in self._found if limit != resource.RLIM_INFINITY]
        self._set = (min([wanted, *ceilings]), self._found[1])
        resource.setrlimit(resource.RLIMIT_DATA, self._set)

    def stop(self, error: BaseException | None) -> Refusal | None:
        self._ballast.clear()
        try:
            is_ours = resource.getrlimit(resource.RLIMIT_DATA) == self._set
        except MemoryError:
            is_ours = True
        base = _data_size_now() if is_ours else None
        if is_ours:
            resource.setrlimit(resource.RLIMIT_DATA, self._found)
        self.taken = 0 if base is None else base + BALLAST - self._base
        if not isinstance(error, MemoryError):
            return None
        left = None if base is None else max(0, self._set[0] - base - BALLAST)
        who = f"the system's limit for the data of a process (RLIMIT_DATA, {human(self._reserve)} beyond)"
        return Refusal(who, _asked(error), left)


def _data_size_now() -> int | None:
    try:
        return gauges.data_size()
    except MemoryError:
        return None


class ResidentWatch:
    """A thread that looks at the resident set and interrupts the main thread, once."""

    def __init__(self) -> None:
        self._lock, self._ended = threading.Lock(), threading.Event()
        self.seen = 0
        self._is_deaf = False

    def start(self, nbytes: int) -> None:
        # A program in the background of a shell script ignores SIGINT; Python then leaves it at that.
        self._is_deaf = _is_main() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if self._is_deaf:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.taken, self._base = 0, gauges.resident()
        self._limit = self._base + nbytes
        self._thread = threading.Thread(target=self._watch, name="npmem_magic guard", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK):
            seen = gauges.resident()
            with self._lock:
                if seen <= self._limit or self._ended.is_set():
                    continue
                self.seen = seen
                _interrupt_main()
                return

    def stop(self, error: BaseException | None) -> Refusal | None:
        try:
            with self._lock:  # once we hold it, no interrupt is on its way that has not been sent
                self._ended.set()
            if self.seen and not isinstance(error, KeyboardInterrupt):
                time.sleep(0.001)  # the cell ended by itself in that very moment: take the interrupt here
        except KeyboardInterrupt:
            self._ended.set()
        self._thread.join(1.0)
        if self._is_deaf and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.taken = gauges.resident() - self._base
        if not self.seen:
            return None
        return Refusal("a thread that watches the resident set and interrupted the cell", None, None)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _interrupt_main() -> None:
    """As the stop button does it: also out of a sleep where the system can signal a thread."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def _asked(error: MemoryError) -> int | None:
    """The bytes that NumPy's own MemoryError names."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    if not isinstance(shape, tuple) or not isinstance(dtype, np.dtype):
        return None
    count = 1
    for size in shape:
        count *= int(size)
    return count * dtype.itemsize
