"""The pure ledger: counts NumPy and Python through tracemalloc, for installations without a compiler.

At each instruction of the followed code it reads how many bytes there are and how many there were at most, and charges
the difference to the instruction that ran. So peak and net are right to within what Python's own objects take, and a
rise is charged to its expression; `gross` is a lower bound, as one instruction that takes and gives back several times
shows its highest moment only. Of arrays made before tracemalloc began it knows nothing, so those that names reach are
made known to it, as NumPy does for new ones: they count when they are freed or resized.
"""

from __future__ import annotations

import ctypes
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from types import CodeType

import numpy as np

from ..account import Account, Buffer
from ..buffers import named_buffers, named_owners
from ..host import Unavailable
from . import lines
from .instructions import CALIBRATION, Clock, Followed, make
from .tally import Tally

TOLERANCE = (
    "The pure ledger counts what Python's own objects take, too. On work with whole arrays it agrees with the native "
    "one within 256 KiB or 1 %. 'Gross' is a lower bound: an instruction that takes and gives back several times shows "
    "its highest moment only."
)

# Part of Python's C interface since 3.12, and there under the same name before.
_track = ctypes.pythonapi.PyTraceMalloc_Track
_track.argtypes = [ctypes.c_uint, ctypes.c_size_t, ctypes.c_size_t]

_running: list[PureLedger] = []


class PureLedger:
    """Reads tracemalloc at every instruction: all threads, NumPy and Python together."""

    name = "pure"

    def __init__(self) -> None:
        self._clock = make()
        self._notes: list[str] = [TOLERANCE]
        self._is_abandoned = False
        self._is_ours = False

    def clock(self) -> lines.Clock:
        """The clock that tells this ledger of each instruction; it starts after the ledger and stops after it."""
        return _Started(self._clock, self)

    def start(
        self,
        files: tuple[str, ...],
        partial: tuple[str, ...],
        codes: tuple[CodeType, ...],
        namespace: Mapping[str, object],
        describe: Callable[[str], bytes],
        clock: lines.Clock,
    ) -> None:
        """Begin counting: code of `files` is followed whole, of `partial` only `codes`."""
        self._described, self._codes = describe, (files, partial, codes)
        self._is_ours = not tracemalloc.is_tracing()
        self._known = dict(named_buffers(namespace).values())
        if self._is_ours:
            tracemalloc.start()
        else:
            self._notes.append("tracemalloc was running already: it runs on, and its peak was reset.")
        _running.append(self)
        self._make_known(namespace)
        self._prepare(lambda filename: b"")

    def _prepare(self, describe: Callable[[str], bytes]) -> None:
        self.tally = Tally(describe)
        self._followed = Followed(*self._codes, self.tally)
        self._clock.attach(self._followed, self.tally)

    def calibrate(self) -> None:
        """Learn what two readings with nothing in between see of themselves, then count in earnest."""
        self.tally.begin()
        self._followed.calibrate()
        self.tally.end()
        idle = [line for line in self.tally.lines.records if line.filename == CALIBRATION]
        nets, peaks = Counter(line.net for line in idle), Counter(line.peak for line in idle)
        self._prepare(self._described)
        if idle:
            self.tally.bias, self.tally.peak_bias = nets.most_common(1)[0][0], peaks.most_common(1)[0][0]
        for name, nbytes in self._known.items():
            self.tally.lumps.add_before(nbytes, name)

    def _make_known(self, namespace: Mapping[str, object]) -> None:
        """Tell tracemalloc of the arrays that were there before it."""
        for address, owner in named_owners(namespace).items():
            if owner.nbytes and tracemalloc.get_object_traceback(owner) is None:
                _track(np.lib.tracemalloc_domain, address, owner.nbytes)

    def totals(self) -> tuple[int, int]:
        """Bytes above the start at the last instruction that was seen, and at the highest so far."""
        return self.tally.level, self.tally.peak

    def stop(self) -> Account:
        """End counting, leave tracemalloc as it was, and tell."""
        stopped = self.tally.end()
        self.close()
        return self._account(stopped)

    def close(self) -> None:
        """Count no further."""
        if hasattr(self, "tally"):  # there may have been no memory for it
            self.tally.is_on = False
        if self in _running:
            _running.remove(self)
        if self._is_ours:
            self._is_ours = False
            tracemalloc.stop()

    def abandon(self) -> None:
        """Stop counting at once."""
        self._is_abandoned = True
        self.close()

    def _account(self, stopped: int) -> Account:
        tally = self.tally
        times, numbers, threads, depths = tally.events.columns()
        started = tally.started
        return Account(
            started=started,
            stopped=stopped,
            net=tally.level,
            peak=tally.peak,
            gross=tally.gross,
            births=tally.lumps.count,
            peak_time=tally.peak_time or started,
            peak_site=tally.peak_site,
            small_at_peak=tally.small_at_peak,
            sites=tally.sites.totals(),
            lines=tuple(line.total() for line in tally.lines.records),
            at_peak=tuple(
                Buffer(0, lump.nbytes, lump.born, lump.site, lump.is_alive) for lump in tally.lumps.at_peak()
            ),
            timeline=tally.steps.curve(started),
            event_time=times - started,
            event_line=numbers,
            event_thread=threads,
            event_depth=depths,
            notes=tuple(self._all_notes()),
            engine="pure",
        )

    def _all_notes(self) -> list[str]:
        notes = list(self._notes)
        if self.tally.switched_off:
            notes.append(
                "Instructions that had run often and taken little were left alone from then on: what they took later "
                "is counted with the instruction before them."
            )
        if self._is_abandoned:
            notes.append("The cell forked, and this is the child: what it did after the fork was not counted.")
        return notes


class _Started:
    """The clock, with the calibration right after its start."""

    def __init__(self, clock: Clock, ledger: PureLedger) -> None:
        self._clock, self._ledger = clock, ledger
        self.disable = clock.disable
        self.follow, self.quiet, self.resume, self.stop = clock.follow, clock.quiet, clock.resume, clock.stop

    def start(self) -> tuple[str, ...]:
        """Listen, learn what listening costs, and begin."""
        notes = self._clock.start()
        self._ledger.calibrate()
        self._ledger.tally.is_between = self._clock.is_listening
        self._ledger.tally.begin()
        return notes


def check() -> None:
    """Raise `Unavailable` where this ledger cannot count."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise Unavailable(
            "The pure ledger cannot count here",
            "it charges memory to the one instruction that runs, and this CPython runs without the GIL",
            "Start Python with PYTHON_GIL=1",
        )


def running() -> bool:
    """Whether this ledger counts in this process."""
    return bool(_running)


def abandon() -> None:
    """Stop counting; nothing to do when nothing counts."""
    for ledger in list(_running):
        ledger.abandon()
