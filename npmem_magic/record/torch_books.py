"""torch's device memory, line by line: its allocator's own statistics, read where a line begins or a function ends.

The statistics know the bytes now, all that were ever allocated and freed, and the highest since somebody reset that.
Ours is not to reset it, unless asked to, because the user reads it too. So a line's peak is exact where it made the
highest of all, or did not both allocate and free; else it is an upper bound, and says so.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

from .steps import Steps

Where = tuple[str, int]  # file and line


@dataclass(slots=True, eq=False)
class LineBytes:
    """What a line took on one device, what it calls included; `is_bound`: `peak` is an upper bound."""

    hits: int = 0
    peak: int = 0
    net: int = 0
    gross: int = 0
    is_bound: bool = False


@dataclass(slots=True, eq=False)
class _Seen:
    """One reading of one device."""

    now: int = 0
    peak: int = 0
    allocated: int = 0
    freed: int = 0


@dataclass(slots=True, eq=False)
class _Open:
    """A line that runs, in the frame of that identity: bytes at its start and at most, by device."""

    frame: int
    where: Where
    start: dict[int, int]
    top: dict[int, tuple[int, bool]]


class TorchBooks:
    """What torch took and gave back between `start` and `stop`."""

    def __init__(self, is_exact: bool) -> None:
        self.lines: dict[tuple[str, int, int], LineBytes] = {}
        self.steps = Steps()
        self.trouble = ""
        self._is_exact = is_exact
        self._cuda: Any = None
        self._seen: dict[int, _Seen] = {}
        self._stack: list[_Open] = []

    @property
    def is_running(self) -> bool:
        """Whether `start` was called and `stop` was not."""
        return self._cuda is not None

    def start(self, torch: Any) -> None:
        """Begin. Before torch uses a device everything is zero, and nothing is initialized by looking."""
        self._cuda = torch.cuda
        if self._cuda.is_initialized():
            for device in range(self._cuda.device_count()):
                self._seen[device] = self._look(device)

    def stop(self) -> None:
        """Close all lines."""
        if self._cuda is None:
            return
        self.read()
        while self._stack:
            self._close()
        self._cuda = None

    def begin(self, frame: int, where: Where) -> None:
        """A line begins in a frame: the one of that frame that ran ends, and those of frames within it."""
        self.read()
        inner = next((at for at, each in enumerate(self._stack) if each.frame == frame), None)
        while inner is not None and len(self._stack) > inner:
            self._close()
        levels = {device: seen.now for device, seen in self._seen.items()}
        self._stack.append(_Open(frame, where, levels, {device: (now, False) for device, now in levels.items()}))
        for device in self._seen or (0,):
            self._of(where, device).hits += 1

    def end(self, frame: int) -> None:
        """A frame ends."""
        self.read()
        while any(each.frame == frame for each in self._stack):
            self._close()

    def read(self) -> None:
        """Charge what happened since the last reading to the lines that run."""
        if self._cuda is None or self.trouble or not self._cuda.is_initialized():
            return
        try:
            for device in range(self._cuda.device_count()):
                self._charge(device, self._look(device))
        except RuntimeError as error:  # a CUDA error: the context is lost, and the user will hear of it
            self.trouble = str(error).partition("\n")[0]

    def _look(self, device: int) -> _Seen:
        told = self._cuda.memory_stats_as_nested_dict(device).get("allocated_bytes", {}).get("all")
        if told is None:
            return _Seen()
        if self._is_exact:
            self._cuda.reset_peak_memory_stats(device)
        return _Seen(told["current"], told["peak"], told["allocated"], told["freed"])

    def _charge(self, device: int, new: _Seen) -> None:
        old = self._seen.get(device, _Seen())
        self._seen[device] = new
        taken, net = new.allocated - old.allocated, new.now - old.now
        if not taken and not net:
            return
        top = self._top(old, new)
        for where in {each.where for each in self._stack}:
            line = self._of(where, device)
            line.net += net
            line.gross += taken
        for each in self._stack:
            each.top[device] = max(each.top.get(device, (0, False)), top, key=lambda pair: (pair[0], not pair[1]))
        if net:
            self.steps.change(monotonic_ns(), net)

    def _top(self, old: _Seen, new: _Seen) -> tuple[int, bool]:
        """The highest level between two readings, and whether that is an upper bound only."""
        taken, given = new.allocated - old.allocated, new.freed - old.freed
        if self._is_exact or new.peak > old.peak:
            return new.peak, False
        if not given or not taken:
            return max(old.now, new.now), False
        return min(new.peak, old.now + taken), True

    def _close(self) -> None:
        ended = self._stack.pop()
        for device, (top, is_bound) in ended.top.items():
            line, peak = self._of(ended.where, device), top - ended.start.get(device, 0)
            if peak > line.peak or (peak == line.peak and line.is_bound):
                line.peak, line.is_bound = peak, is_bound and peak > 0

    def _of(self, where: Where, device: int) -> LineBytes:
        return self.lines.setdefault((*where, device), LineBytes())


def usable(torch: Any) -> bool:
    """Whether this torch can use a device of NVIDIA's at all."""
    return getattr(getattr(torch, "version", None), "cuda", None) is not None and hasattr(torch, "cuda")


def loaded(name: str) -> Any:
    """A library that the user has imported, whole; None before, and while it is being imported."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return None if module is None or getattr(spec, "_initializing", False) else module
