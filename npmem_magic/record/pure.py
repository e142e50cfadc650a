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
from time import perf_counter_ns
from types import CodeType

import numpy as np

from ..account import Account, Buffer, PythonBytes
from ..buffers import named_buffers, named_owners
from ..host import Unavailable
from ..sizes import human_seconds
from . import lines, objects
from .followed import CALIBRATION, Followed
from .instructions import Clock, make
from .switch import Switch
from .tally import Tally

# How far the two ledgers may lie apart on work with whole arrays: the larger of the two.
WITHIN_BYTES, WITHIN_SHARE = 256 * 1024, 0.01
TOLERANCE = (
    "The pure ledger counts what Python's own objects take, too. On work with whole arrays it agrees with the native "
    f"one within {WITHIN_BYTES >> 10} KiB or {WITHIN_SHARE * 100:.0f} %. 'Gross' is a lower bound: an instruction that "
    "takes and gives back several times shows its highest moment only."
)

# Part of Python's C interface since 3.12, and there under the same name before.
_track = ctypes.pythonapi.PyTraceMalloc_Track
_track.argtypes = [ctypes.c_uint, ctypes.c_size_t, ctypes.c_size_t]

_current_interpreter, _main_interpreter = (
    ctypes.pythonapi.PyInterpreterState_Get,
    ctypes.pythonapi.PyInterpreterState_Main,
)
_current_interpreter.restype = _main_interpreter.restype = ctypes.c_void_p

_running: list[PureLedger] = []


class PureLedger:
    """Reads tracemalloc at every instruction: all threads, NumPy and Python together."""

    name = "pure"

    def __init__(self) -> None:
        self._clock = make()
        self._notes: list[str] = [TOLERANCE]
        self._is_abandoned = False
        self._switch = Switch()
        self._namespace: Mapping[str, object] = {}
        self._is_divided = False
        self._numpy = self._dividing = 0

    def count_objects(self) -> None:
        """Divide what was kept into NumPy's and Python's own; to be called before `start`."""
        self._is_divided = True

    def clock(self) -> lines.Clock:
        """The clock that tells this ledger of each instruction; it starts after the ledger and stops after it."""
        return _Started(self._clock, self)

    def notice(self) -> Callable[[object], None] | None:
        """None: this ledger's clock tells of no line."""
        return None

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
        self._known = dict(named_buffers(namespace).values())
        self._namespace = namespace
        self._switch.on()
        if not self._switch.is_ours:
            self._notes.append(objects.RUNNING)
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

    def begin(self) -> None:
        """Count in earnest from here on."""
        if self._is_divided:
            self._numpy = objects.numpy_traced()
        self.tally.begin()

    def _divide(self) -> PythonBytes:
        """Python's part of what was kept: all but what NumPy holds more than at the start."""
        begun = perf_counter_ns()
        python = PythonBytes(self.tally.level - (objects.numpy_traced() - self._numpy))
        self._notes += [objects.TOGETHER, objects.OLDER]
        self._notes.append(
            f"--python took {human_seconds((perf_counter_ns() - begun) / 1e9)} after the run, for a snapshot."
        )
        return python

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
        python = self._divide() if self._is_divided and tracemalloc.is_tracing() else None
        self.close()
        addresses = self.tally.lumps.addresses(named_buffers(self._namespace))
        self._namespace = {}
        return self._account(stopped, addresses, python)

    def close(self) -> None:
        """Count no further."""
        if hasattr(self, "tally"):  # there may have been no memory for it
            self.tally.is_on = False
        if self in _running:
            _running.remove(self)
        self._notes += self._switch.off()

    def abandon(self) -> None:
        """Stop counting at once."""
        self._is_abandoned = True
        self.close()

    def _account(self, stopped: float, addresses: Mapping[int, int], python: PythonBytes | None) -> Account:
        tally = self.tally
        started = tally.started
        times, numbers, threads, depths = tally.events.columns(started)
        start = round(started * 1e9)

        def clock(time: float) -> int:
            return start + round((time - started) * 1e9)  # to the nanosecond as in the columns

        return Account(
            started=clock(started),
            stopped=clock(stopped),
            net=tally.level,
            peak=tally.peak,
            gross=tally.gross,
            births=tally.lumps.count,
            peak_time=clock(tally.peak_time or started),
            peak_site=tally.peak_site,
            small_at_peak=tally.small_at_peak,
            sites=tally.sites.totals(),
            lines=tuple(line.total() for line in tally.lines.records),
            at_peak=tuple(
                Buffer(addresses.get(lump.serial, 0), lump.nbytes, clock(lump.born), lump.site, lump.is_alive)
                for lump in tally.lumps.at_peak()
            ),
            timeline=tally.steps.curve(started),
            event_time=times,
            event_line=numbers,
            event_thread=threads,
            event_depth=depths,
            notes=tuple(self._all_notes()),
            engine="pure",
            python=python,
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

    @property
    def is_listening(self) -> bool:
        """Whether events come."""
        return self._clock.is_listening

    def start(self) -> tuple[str, ...]:
        """Listen, learn what listening costs, and begin."""
        notes = self._clock.start()
        self._ledger.calibrate()
        self._ledger.tally.is_between = self._clock.is_listening
        self._ledger.begin()
        return notes


def check() -> None:
    """Raise `Unavailable` where this ledger cannot count."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise Unavailable(
            "The pure ledger cannot count here",
            "it charges memory to the one instruction that runs, and this CPython runs without the GIL",
            "Start Python with PYTHON_GIL=1",
        )
    if _current_interpreter() != _main_interpreter():
        raise Unavailable(
            "The pure ledger cannot count here",
            "this is an interpreter within another one's process, where NumPy and tracemalloc lock each other up",
            "Run the cell in the process's first interpreter",
        )


def running() -> bool:
    """Whether this ledger counts in this process."""
    return bool(_running)


def abandon() -> None:
    """Stop counting; nothing to do when nothing counts."""
    for ledger in list(_running):
        ledger.abandon()
