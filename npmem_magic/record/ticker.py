"""The ticker: says, some times a second, how far a run is; a thread, for only the kernel can speak to a notebook.

It sleeps nearly all the time, takes the GIL for a moment, reads totals that are there anyway, and makes no NumPy
array: the run would be charged with it. While one call computes without letting go of the GIL it is silent; the
resident curve has no gap then, because another process reads it. It keeps no reference to anything of the user's.
"""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType

from ..cell import Cell, Work
from ..limits import memory
from ..rounds import Round, rounds_of
from . import gauges
from .sampler import Sampler

FIRST = 0.2  # seconds until the first word after the start, so that short runs need no second one
EVERY = 0.35  # seconds between two words
LOOK = 0.05  # seconds between two looks at the totals
POINTS = 160  # of each curve: enough for its shape

Points = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Now:
    """What is known of a run while it runs.

    Attributes
    ----------
    seconds : float
        Since the start.
    allocated, peak : int
        NumPy's bytes above the start, now and at the highest.
    resident, free : int
        Bytes above the start in RAM; bytes that the machine or its container still has.
    line, function, source : int, str, str
        The innermost followed line that runs, 0 when none does; its function, empty in the cell itself; its text.
    rounds : tuple of Round
        How far the loops are whose length is known, the outermost first.
    curve, resident_curve : (list of int, list of int)
        Nanoseconds since the start and bytes above it, at most `POINTS` of each.
    """

    seconds: float = 0.0
    allocated: int = 0
    peak: int = 0
    resident: int = 0
    free: int = 0
    line: int = 0
    function: str = ""
    source: str = ""
    rounds: tuple[Round, ...] = ()
    curve: Points = ((), ())  # type: ignore[assignment]  # shared by all, so not to be changed
    resident_curve: Points = ((), ())  # type: ignore[assignment]


Tell = Callable[[Now], None]


class _History:
    """At most `POINTS` points; every second one goes when it is full, and later ones come half as often."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.values: list[int] = []
        self._step = self._skipped = 1

    def add(self, when: int, value: int) -> None:
        self._skipped += 1
        if self._skipped < self._step:
            return
        self._skipped = 0
        if len(self.times) >= POINTS:
            del self.times[1::2], self.values[1::2]
            self._step *= 2
        self.times.append(when)
        self.values.append(value)


class Ticker:
    """Calls `tell` from its own thread between `start` and `stop`, and once before the run.

    `trouble` is a sentence when that came to an early end, else empty.
    """

    def __init__(self, work: Work, sampler: Sampler, totals: Callable[[], tuple[int, int]], tell: Tell) -> None:
        self._work, self._sampler, self._totals, self._tell = work, sampler, totals, tell
        self._files = work.followed_files | ({work.filename} if isinstance(work, Cell) else frozenset())
        self._codes = frozenset(map(id, work.followed_codes))
        self._lines = work.source.splitlines()
        self._loops = rounds_of(work.source, work.first_line)
        self.trouble = ""
        self._ended = threading.Event()
        self._history = _History()
        self._runner = threading.get_ident()
        context = contextvars.copy_context()  # the notebook's cell that the words belong to
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="npmem_magic live", daemon=True)
        self._began = threading.Event()
        tell(Now(free=memory().free))  # so that the display is there at once, and its code has run before we measure
        self._thread.start()

    def start(self) -> None:
        """The run begins."""
        self._start, self._base = time.monotonic_ns(), gauges.resident()
        self._began.set()

    def stop(self) -> None:
        """The run has ended: no word comes after this."""
        self._ended.set()
        self._began.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        self._began.wait()
        try:
            self._tick()
        except Exception as error:  # whatever a display dies of, the cell goes on
            self.trouble = f"The live display stopped: {type(error).__name__}: {error}."

    def _tick(self) -> None:
        due = time.monotonic() + FIRST
        while not self._ended.wait(LOOK):
            allocated, peak = self._totals()
            now = time.monotonic_ns()
            self._history.add(now - self._start, allocated)
            if time.monotonic() >= due:
                due = time.monotonic() + EVERY
                self._tell(self._now(now, allocated, peak))

    def _now(self, now: int, allocated: int, peak: int) -> Now:
        line, function, rounds = self._where()
        at = line - self._work.first_line
        source = self._lines[at].strip() if 0 <= at < len(self._lines) and not function else ""
        times, values = self._sampler.recent(POINTS)
        return Now(
            seconds=(now - self._start) / 1e9,
            allocated=allocated,
            peak=max(peak, allocated),
            resident=gauges.resident() - self._base,
            free=memory().free,
            line=line,
            function=function,
            source=source,
            rounds=rounds,
            curve=(list(self._history.times), list(self._history.values)),
            resident_curve=([each - self._start for each in times], [each - self._base for each in values]),
        )

    def _where(self) -> tuple[int, str, tuple[Round, ...]]:
        """The innermost followed line, its function, and how far the loops around it are."""
        frame = sys._current_frames().get(self._runner)
        line, function = 0, ""
        rounds: list[Round] = []
        while frame is not None:
            code = frame.f_code
            if self._follows(code):
                is_cell = code.co_filename == self._work.filename
                if not line:
                    line, function = frame.f_lineno or 0, "" if is_cell and code.co_name == "<module>" else code.co_name
                if is_cell and (names := _names(frame)) is not None:
                    rounds = [*self._loops.at(frame.f_lineno or 0, names), *rounds]
            frame = frame.f_back
        return line, function if line else "", tuple(rounds)

    def _follows(self, code: CodeType) -> bool:
        return code.co_filename in self._files or id(code) in self._codes


def _names(frame: FrameType) -> Mapping[str, object] | None:
    """The names of a frame, where looking at them leaves nothing behind.

    Before 3.13 the dictionary made for a function's frame stays with it and keeps every array alive that it has seen.
    """
    if frame.f_code.co_name == "<module>" or sys.version_info >= (3, 13):
        return frame.f_locals
    return None
