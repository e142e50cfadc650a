"""The guard: a cell that would take too much memory gets a MemoryError, and the kernel lives on.

Three who may act, the first that can: NumPy's allocator, through the native ledger's hooks, refuses the one request
that goes too far, to the byte; the system's limit for a process's data (RLIMIT_DATA) stops everything else; where
there is no such limit, a thread watches the resident set and interrupts the cell. What was set is put back, always.
Beside tracemalloc the thread comes first and the system's limit stands farther off, as the last resort: a refusal of
tracemalloc's own requests can leave CPython in an endless unwinding.

The system's limit stands `RESERVE` above the other: a BLAS that gets no memory for its work ends the process
(OpenBLAS: "giving up", exit status 1), which is the end that the guard is there to prevent.
"""

from __future__ import annotations

import mmap
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..host import NpmemError, Unavailable
from ..limits import memory
from ..sizes import human
from . import gauges
from .ledger import native_hooks
from .stoppers import RESERVE, TRACED_RESERVE, Allocator, DataLimit, Refusal, ResidentWatch, Stopper

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]  # mypy takes a module's name for bound

SPARED = 10  # percent of the machine's memory that `auto` leaves alone
_ALLOWS = "that the guard allows"
_TEST = 256 << 20  # bytes that must be refused in the self-test of the system's limit

_tested: list[bool] = []  # whether the system's limit acts, once that is known


class Guard:
    """Keeps a run within `nbytes` above its start, from `start` to `stop`.

    `ballast` is memory to let go of, by ``clear()``, before anything else is done about an error.
    """

    def __init__(self, nbytes: int) -> None:
        self.nbytes = self.room = nbytes
        self.ballast: list[mmap.mmap] = []
        self.refusal: Refusal | None = None
        self.is_traced = False
        self._stoppers: list[Stopper] = []
        self._hooks, self._can_limit = native_hooks(), can_limit_data()
        if self._can_limit:
            _wake_blas()

    def start(self) -> None:
        """From here on nothing goes beyond."""
        _standing.append(self)
        if self._hooks is not None:
            self._add(Allocator(self._hooks))
        self.is_traced = tracemalloc.is_tracing()
        if self._can_limit:
            self._add(DataLimit(self.ballast, TRACED_RESERVE if self.is_traced else RESERVE))
        if self.is_traced or not self._can_limit:
            self._add(ResidentWatch())

    def _add(self, stopper: Stopper) -> None:
        stopper.start(self.room)
        self._stoppers.append(stopper)

    def stop(self, error: BaseException | None = None) -> BaseException | None:
        """Put everything back; the error of the run, an interrupt of ours turned into the MemoryError it stands for."""
        refusals = [stopper.stop(error) for stopper in reversed(self._stoppers)]
        if self in _standing:
            grown = self._stoppers[0].taken if self._stoppers else 0
            self.room -= grown
            _taken[:] = [taken + grown for taken in _taken]
            _standing.remove(self)
        self._stoppers.clear()
        self.refusal = next((each for each in reversed(refusals) if each is not None), self.refusal)
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
            f"{where or 'The cell'} {wanted}{free} of the {human(self.nbytes)} {_ALLOWS} above the start. "
            f"Stopped by {self.refusal.who}; the kernel and all variables live on."
        )


_standing: list[Guard] = []  # the guard that is up
_taken: list[int] = []  # bytes taken under the guards that stand in for one set aside


@contextmanager
def set_aside() -> Iterator[int | None]:
    """Take the guard that is up away, if there is one, and put it up again behind; gives the bytes that it allows.

    What watches a run needs memory of its own, and puts up its own guard when it begins.
    """
    if not _standing:
        yield None
        return
    outer = _standing[-1]
    outer.stop()
    _taken.append(0)
    try:
        yield max(0, outer.room)
    finally:
        outer.room = max(0, outer.room - _taken.pop())
        outer.start()


def explain(error: BaseException | None, sentence: str) -> None:
    """Make a MemoryError say `sentence`, unless an inner guard has spoken: as its message, or as a note below it."""
    if not sentence or not isinstance(error, MemoryError):
        return
    said = (*error.args, *getattr(error, "__notes__", ()))
    if any(_ALLOWS in str(each) for each in said):
        return
    if error.args:
        error.add_note(sentence)
    else:
        error.args = (sentence,)


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


def why(is_traced: bool = False) -> str:
    """Who guards here, as a sentence; `is_traced` says that tracemalloc is at work in what is guarded."""
    if native_hooks() is None and not can_limit_data():
        return str(
            Unavailable(
                "An exact limit",
                "the native ledger is not there and the system has none for data",
                "The resident set is watched, and the cell interrupted when it has grown too far",
            )
        )
    own = "NumPy's requests are refused in its allocator, to the byte"
    watched = "a thread watches the resident set for all others"
    reserve = TRACED_RESERVE if is_traced else RESERVE
    system = f"the system refuses {'what still gets by' if is_traced else 'all others'} {human(reserve)} beyond that"
    parts = [own] if native_hooks() is not None else []
    parts += [watched] if is_traced or not can_limit_data() else []
    parts += [system] if can_limit_data() else []
    return "Guarded: " + "; ".join(parts) + "."
