"""The exact ledger: who counts the buffers, and why that one.

The native one (`_ledger.c`) where it was compiled and passes its self-test, else the pure one, which needs nothing
that Python does not bring. Both hand over the same `Account`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import CodeType
from typing import Any, Protocol

import numpy as np

from .. import cell
from ..account import Account, Buffer, Curve, LineTotal, Many, PythonBytes, SiteTotal
from ..buffers import named_buffers
from ..host import NpmemError, Unavailable
from . import lines, objects, pure

try:
    from . import _ledger
except ImportError as error:  # not built here, or this interpreter is declined
    _ledger = None  # type: ignore[assignment]  # mypy takes a module's name for bound
    _why_not = str(error) or type(error).__name__
else:
    _why_not = ""

_EVENT = np.dtype([("time", "i8"), ("line", "i4"), ("thread", "i2"), ("depth", "i2")])
_HELD = np.dtype([("address", "i8"), ("size", "i8"), ("born", "i8"), ("site", "i4"), ("is_alive", "i4")])
_tested: list[str] = []  # the outcome of the self-test, once it has run: "" when it passed


VARIABLE = "NPMEM_LEDGER"  # in the environment: which ledger to use
_forks: list[bool] = []  # whether a child that is forked knows what to do


class Ledger(Protocol):
    """Who counts."""

    name: str

    def count_objects(self) -> None: ...
    def clock(self) -> lines.Clock: ...
    def notice(self) -> Callable[[object], None] | None: ...
    def start(
        self,
        files: tuple[str, ...],
        partial: tuple[str, ...],
        codes: tuple[CodeType, ...],
        namespace: Mapping[str, object],
        describe: Callable[[str], bytes],
        clock: lines.Clock,
    ) -> None: ...
    def totals(self) -> tuple[int, int]: ...
    def stop(self) -> Account: ...


class NativeLedger:
    """Counts NumPy's own requests for data buffers: sizes to the byte, all threads, at the speed of the plain cell."""

    name = "native"

    def __init__(self) -> None:
        self._objects: objects.Objects | None = None

    def count_objects(self) -> None:
        """Count Python's own bytes, too; to be called before `start`."""
        self._objects = objects.Objects()

    def clock(self) -> lines.Clock:
        """The line clock that writes into this ledger."""
        self._clock = lines.make(_ledger)
        return self._clock

    def notice(self) -> Callable[[object], None] | None:
        """On CPython 3.11: sets whom to call with the frame at each line's first run. None where nobody needs it."""
        found: Callable[[object], None] | None = getattr(_ledger, "tell_lines", None)
        return found

    def start(
        self,
        files: tuple[str, ...],
        partial: tuple[str, ...],
        codes: tuple[CodeType, ...],
        namespace: Mapping[str, object],
        describe: Callable[[str], bytes],
        clock: lines.Clock,
    ) -> None:
        """Begin counting; see `_ledger.start`."""
        readers = None
        if self._objects is not None:
            self._objects.start()
            readers = self._objects.readers(namespace)
        known = {address: nbytes for address, (_, nbytes) in named_buffers(namespace).items()}
        self._started = _ledger.start(
            files, partial, codes, known, cell.__file__, describe, clock.follow, clock.quiet, clock.disable, readers
        )

    def totals(self) -> tuple[int, int]:
        """Bytes allocated now, and at the highest so far."""
        return _ledger.totals()[:2]

    def stop(self) -> Account:
        """End counting, put NumPy's allocator back as it was, and tell."""
        raw = _ledger.stop()
        account = _account(raw, self._started)
        return account if self._objects is None else self._with_objects(account, raw, self._objects)

    def _with_objects(self, account: Account, raw: dict[str, Any], watch: objects.Objects) -> Account:
        """The account with Python's own bytes in it, as far as they could be counted."""
        net, peak, _, readings, nanoseconds, is_lost, missed, points = raw["objects"]
        tables = watch.stop()
        if not self._clock.is_listening:
            return replace(account, notes=(*account.notes, objects.NO_LINES))
        notes = [*account.notes, *watch.notes(readings, nanoseconds, account.stopped - account.started, tables)]
        if is_lost:
            notes.append(objects.STOPPED)
        if missed:
            notes.append(f"{missed} readings of Python objects failed: peaks between them may be missing.")
        curve = _curve(points, account.started)
        return replace(account, notes=tuple(notes), python=PythonBytes(net, peak, curve))


def _curve(points: bytes, started: int) -> tuple[Curve, Curve]:
    pairs = np.frombuffer(points, np.int64).reshape(-1, 2)
    return np.maximum(pairs[:, 0] - started, 0), pairs[:, 1].copy()


def _account(raw: dict[str, Any], started: int) -> Account:
    events = np.frombuffer(raw["events"], _EVENT)
    if len(events):
        started = int(events["time"][0])  # what lies before is ours: nothing of the cell's has run yet
    return Account(
        started=started,
        stopped=raw["stopped"],
        net=raw["current"],
        peak=raw["peak"],
        gross=raw["gross"],
        births=raw["births"],
        peak_time=raw["peak_time"] or started,
        peak_site=raw["peak_site"],
        small_at_peak=raw["loose_at_peak"],
        sites=tuple(SiteTotal(*each) for each in raw["sites"]),
        lines=tuple(LineTotal(*each) for each in raw["lines"]),
        at_peak=tuple(
            Buffer(address, size, born, site, bool(alive))
            for address, size, born, site, alive in np.frombuffer(raw["held"], _HELD).tolist()
        ),
        many_at_peak=tuple(Many(*each) for each in raw["packed"]),
        timeline=_curve(raw["points"], started),
        event_time=events["time"] - started,
        event_line=events["line"].astype(np.int64),
        event_thread=events["thread"].astype(np.int64),
        event_depth=events["depth"].astype(np.int64),
        notes=_trouble(raw),
    )


def _trouble(raw: dict[str, Any]) -> tuple[str, ...]:
    notes = []
    if raw["lost"]:
        notes.append("There was no memory left for the ledger's own tables: totals are exact, some sites are missing.")
    if raw["crowded"]:
        notes.append(
            "The cell has more lines or expressions than the ledger has room for: totals are exact, and what the last "
            "of them took is told without a line."
        )
    if raw["overrun"]:
        notes.append(
            "Threads that do not hold the GIL took and freed more buffers at a time than the ledger has room for: "
            "totals are estimates."
        )
    if raw["abandoned"]:
        notes.append("The cell forked, and this is the child: what it did after the fork was not counted.")
    if raw["resized_unknown"]:
        notes.append(
            f"{raw['resized_unknown']} buffers from before the run, reached by no name, were resized: their old size "
            "is not known, so net and later totals are too high by it."
        )
    return tuple(notes)


def _self_test() -> str:
    """Why the native ledger cannot be trusted here, or nothing."""
    learn_frames()
    # More than one try, since another thread may allocate in between.
    answers = [_count_one(65_536) for _ in range(3)]
    return "" if "" in answers else answers[0]


def learn_frames(deeper: int = 4) -> bool:
    """Let the native ledger learn, from functions that call each other, how a frame tells its caller.

    False where it cannot be learnt: every buffer then costs a frame object for each function that runs.
    """
    _ledger.frames_probe()
    return learn_frames(deeper - 1) if deeper else _ledger.frames_learn()


def _count_one(size: int) -> str:
    """Allocate, free, and look at the counters: nothing when they are right, else what they said."""
    _ledger.start((), (), (), {}, "", None, None, None, None)
    try:
        made = np.empty(size, np.uint8)
        while_alive = _ledger.totals()[:3]
        del made
    finally:
        raw = _ledger.stop()
    if while_alive != (size, size, size) or raw["current"] != 0:
        return f"its self-test asked NumPy for {size} bytes and counted {while_alive}"
    return ""


def choose() -> tuple[Ledger, str]:
    """The ledger to use and a sentence that says why.

    Raises
    ------
    NpmemError
        When the environment asks for a ledger that there is not.
    Unavailable
        When nothing can count here; says what is missing and how to get it.
    """
    asked = os.environ.get(VARIABLE, "").strip().lower()
    if asked not in ("", "native", "pure"):
        raise NpmemError(f"{VARIABLE} is {asked!r}. There are two ledgers: 'native' and 'pure'.")
    _watch_forks()
    why_not = f"{VARIABLE}=pure asks for it" if asked == "pure" else _native_obstacle()
    if not why_not:
        return (
            NativeLedger(),
            "Counted by the native ledger: every buffer that NumPy asked for, in all threads, to the byte.",
        )
    if asked == "native":
        raise Unavailable(
            f"The native ledger, which {VARIABLE} asks for, cannot count here",
            why_not,
            f"Install a C compiler and the Python headers, then reinstall npmem_magic; or leave {VARIABLE} unset",
        )
    pure.check()
    return pure.PureLedger(), f"Counted by the pure ledger, NumPy and Python together: {why_not}."


def _native_obstacle() -> str:
    """Why the native ledger cannot count here, or nothing."""
    if _why_not:
        return f"the native one is not there ({_why_not})"
    if not _tested:
        _tested.append(_self_test())
    return _tested[0]


def native_hooks() -> Any:
    """The native ledger's module where it counts rightly, whichever ledger is used; None elsewhere."""
    return None if _ledger is None or _native_obstacle() else _ledger


def _watch_forks() -> None:
    if not _forks and hasattr(os, "register_at_fork"):
        _forks.append(True)
        os.register_at_fork(after_in_child=abandon)


def running() -> bool:
    """Whether a trace is running in this process."""
    return pure.running() or (_ledger is not None and bool(_ledger.counting()))


def abandon() -> None:
    """Stop counting at once, as in a forked child; nothing to do when nothing counts."""
    pure.abandon()
    if _ledger is not None:
        _ledger.abandon()
    objects.abandon()


def drop() -> None:
    """Stop counting, and keep nothing of a run that was cut off."""
    pure.abandon()
    if _ledger is not None:
        _ledger.drop()
    objects.abandon()
