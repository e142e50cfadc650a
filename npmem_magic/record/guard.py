"""The guard: a cell that would take too much memory gets a MemoryError, and the kernel lives on.

Three who may act, the first that can: NumPy's allocator, through the native ledger's hooks, refuses the one request
that goes too far, to the byte; the system's limit for a process's data (RLIMIT_DATA) stops everything else; where
there is no such limit, a thread watches the resident set and interrupts the cell. What was set is put back, always.

The system's limit stands `RESERVE` above the other: a BLAS that gets no memory for its work ends the process
(OpenBLAS: "giving up", exit status 1), which is the end that the guard is there to prevent.
"""

from __future__ import annotations

import mmap
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..host import NpmemError, Unavailable
from ..limits import memory
from ..sizes import human
from . import gauges
from .ledger import native_hooks

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]  # mypy takes a module's name for bound

BALLAST = 8 << 20  # bytes given back first when all are used up: without any, not even the limit could be lifted
RESERVE = 128 << 20  # bytes between the guard's limit and the system's: what BLAS and the kernel itself need
SPARED = 10  # percent of the machine's memory that `auto` leaves alone
_LOOK = 0.02  # seconds between two looks at the resident set
_TEST = 256 << 20  # bytes that must be refused in the self-test of the system's limit

_tested: list[bool] = []  # whether the system's limit acts, once that is known


@dataclass(frozen=True)
class Refusal:
    """Who acted, the bytes asked for and those that were left; None where that is not known."""

    who: str
    asked: int | None
    left: int | None


class _Watcher(Protocol):
    """One of the three; `stop` says what it refused."""

    def start(self, nbytes: int) -> None: ...
    def stop(self, error: BaseException | None) -> Refusal | None: ...


class _Allocator:
    """Refuses in NumPy's allocator: exact, and nothing but the one request fails. An inner one sets an outer aside."""

    def __init__(self, hooks: Any) -> None:
        self._hooks = hooks
        self._refusal: Refusal | None = None

    def start(self, nbytes: int) -> None:
        self._room = nbytes
        if _allocators:
            room, level = _allocators[-1].pause()
            self._room = min(nbytes, max(0, room - level))
        _allocators.append(self)
        self._hooks.guard_start(self._room, 0)

    def pause(self) -> tuple[int, int]:
        """Refuse nothing; the room, and the bytes taken of it."""
        room, level, refusals, asked, left = self._hooks.guard_stop()
        if refusals:
            self._refusal = Refusal("the guard in NumPy's allocator", asked, max(0, left))
        self._level = level
        return room, level

    def stop(self, error: BaseException | None) -> Refusal | None:
        _, level = self.pause()
        _allocators.remove(self)
        if _allocators:
            _allocators[-1].resume(level)
        return self._refusal

    def resume(self, taken: int) -> None:
        """Go on, `taken` bytes later."""
        self._hooks.guard_start(self._room, self._level + taken)


_allocators: list[_Allocator] = []  # that guard now, the innermost last


class _DataLimit:
    """The soft RLIMIT_DATA of this process. A limit that is tighter already stays; one the cell sets itself, too."""

    def __init__(self, ballast: list[mmap.mmap]) -> None:
        self._ballast = ballast

    def start(self, nbytes: int) -> None:
        self._ballast.append(mmap.mmap(-1, BALLAST, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        self._found = resource.getrlimit(resource.RLIMIT_DATA)
        base = gauges.data_size()
        wanted = (base if base is not None else 0) + nbytes + RESERVE
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
        if not isinstance(error, MemoryError):
            return None
        left = None if base is None else max(0, self._set[0] - base - BALLAST)
        who = f"the system's limit for the data of a process (RLIMIT_DATA, {human(RESERVE)} beyond)"
        return Refusal(who, _asked(error), left)


def _data_size_now() -> int | None:
    try:
        return gauges.data_size()
    except MemoryError:
        return None


class _ResidentWatch:
    """A thread that looks at the resident set and interrupts the main thread, once."""

    def __init__(self) -> None:
        self._lock, self._ended = threading.Lock(), threading.Event()
        self.seen = 0

    def start(self, nbytes: int) -> None:
        self._limit = gauges.resident() + nbytes
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
        if not self.seen:
            return None
        return Refusal("a thread that watches the resident set and interrupted the cell", None, None)


def _interrupt_main() -> None:
    """As the stop button does it: also out of a sleep where the system can signal a thread."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


class Guard:
    """Keeps a run within `nbytes` above its start, from `start` to `stop`.

    `ballast` is memory to let go of, by ``clear()``, before anything else is done about an error.
    """

    def __init__(self, nbytes: int) -> None:
        self.ballast: list[mmap.mmap] = []
        self.nbytes = nbytes
        self.refusal: Refusal | None = None
        hooks, can_limit = native_hooks(), can_limit_data()
        self._watchers: list[_Watcher] = [_Allocator(hooks)] if hooks is not None else []
        self._watchers.append(_DataLimit(self.ballast) if can_limit else _ResidentWatch())
        self._started: list[_Watcher] = []
        if can_limit:
            _wake_blas()

    def start(self) -> None:
        """From here on nothing goes beyond."""
        for watcher in self._watchers:
            watcher.start(self.nbytes)
            self._started.append(watcher)

    def stop(self, error: BaseException | None = None) -> BaseException | None:
        """Put everything back; the error of the run, an interrupt of ours turned into the MemoryError it stands for."""
        refusals = [watcher.stop(error) for watcher in reversed(self._started)]
        self._started.clear()
        found = [refusal for refusal in refusals if refusal is not None]
        self.refusal = found[-1] if found else None
        if self.refusal is not None and isinstance(error, KeyboardInterrupt) and self.refusal.asked is None:
            return MemoryError().with_traceback(error.__traceback__)
        return error

    def sentence(self, where: str = "") -> str:
        """What was refused, by whom, and what was free; empty when nothing was. `where` is the place in the cell."""
        if self.refusal is None:
            return ""
        asked, left = self.refusal.asked, self.refusal.left
        wanted = f"asked for {human(asked)}" if asked is not None else "wanted more memory"
        free = f"; {human(left)} were left" if left is not None else ""
        return (
            f"{where or 'The cell'} {wanted}{free} of the {human(self.nbytes)} that the guard allows above the start. "
            f"Stopped by {self.refusal.who}; the kernel and all variables live on."
        )


def explain(error: BaseException | None, sentence: str) -> None:
    """Make a MemoryError say `sentence`: as its message where it has none, else as a note below it."""
    if not sentence or not isinstance(error, MemoryError):
        return
    if not error.args:
        error.args = (sentence,)
    elif sentence not in getattr(error, "__notes__", ()):
        error.add_note(sentence)


def auto_limit() -> int:
    """The bytes that may still be taken when a tenth of the machine's (or its container's) memory is to stay free.

    Raises
    ------
    NpmemError
        When less than that is free already.
    """
    now = memory()
    room = now.free - now.total * SPARED // 100
    if room <= 0:
        raise NpmemError(
            f"Only {human(now.free)} of the {now.limited_by}'s {human(now.total)} are free, and 'auto' leaves "
            f"{SPARED} % alone. Free some memory first, or give a size."
        )
    return room


def can_limit_data() -> bool:
    """Whether this system has a limit for a process's data that acts: tried once, by a request that must fail."""
    if not _tested:
        _tested.append(resource is not None and sys.platform == "linux" and _limit_acts())
    return _tested[0]


def _limit_acts() -> bool:
    base = gauges.data_size()
    found = resource.getrlimit(resource.RLIMIT_DATA)
    if base is None or found[0] != resource.RLIM_INFINITY:
        return base is not None
    # Other threads have half of it to go on with meanwhile.
    resource.setrlimit(resource.RLIMIT_DATA, (base + _TEST // 2, found[1]))
    try:
        mmap.mmap(-1, _TEST, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return True
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, found)
    return False


def _wake_blas() -> None:
    """Let BLAS take the memory that it keeps, before there is a limit: it does not survive a refusal."""
    square = np.ones((32, 32))
    np.dot(square, square)


def _asked(error: MemoryError) -> int | None:
    """The bytes that NumPy's own MemoryError names."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    if not isinstance(shape, tuple) or not isinstance(dtype, np.dtype):
        return None
    count = 1
    for size in shape:
        count *= int(size)
    return count * dtype.itemsize


def why() -> str:
    """Who guards here, as a sentence."""
    if native_hooks() is None and not can_limit_data():
        return str(
            Unavailable(
                "An exact limit",
                "the native ledger is not there and the system has none for data",
                "The resident set is watched, and the cell interrupted when it has grown too far",
            )
        )
    own = "NumPy's requests are refused in its allocator, to the byte"
    system = f"the system refuses all others {human(RESERVE)} beyond that"
    watched = "a thread watches the resident set for all others"
    parts = [own] if native_hooks() is not None else []
    parts.append(system if can_limit_data() else watched)
    return "Guarded: " + "; ".join(parts) + "."
