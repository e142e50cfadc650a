"""What the pure ledger knows of each followed code object and line, and of what is open in each thread."""

from __future__ import annotations

import dis
from array import array
from collections.abc import Callable
from types import CodeType

import numpy as np
import numpy.typing as npt

from ..account import Curve, LineTotal, SiteTotal
from .lumps import Hands, Lumps, Name

BATCH = 250  # times that a location is looked at are counted in a byte, and from time to time in an int
HOT = 4 * BATCH  # times a quiet location is looked at before it is switched off, as in the native ledger
QUIET = 800 * BATCH  # times a location that takes much memory is looked at
CALLS = 2000  # calls after which a function that takes little memory is left alone
POINTS = 1 << 16  # steps of the curve before neighbours are merged
EVENTS = 1 << 18  # line events kept

# Instructions that neither take nor give back memory: there is no need to look before they run.
_SILENT = {
    "CACHE", "COPY", "KW_NAMES", "LOAD_CLOSURE", "LOAD_CONST", "LOAD_DEREF", "LOAD_FAST", "LOAD_FAST_AND_CLEAR",
    "LOAD_FAST_BORROW", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "LOAD_FAST_LOAD_FAST", "LOAD_GLOBAL",
    "LOAD_NAME", "LOAD_SMALL_INT", "NOP", "PUSH_NULL", "SWAP",
}  # fmt: skip
Place = tuple[int, int, int, int]


class LineRecord:
    """One line: what it cost, what it called included."""

    __slots__ = ("code", "execution", "filename", "first", "gross", "hits", "is_loud", "is_off", "line", "net",
                 "number", "open", "opened", "peak", "seconds")  # fmt: skip

    def __init__(self, number: int, filename: str | None, line: int, code: CodeType | None) -> None:
        self.number, self.filename, self.line, self.code = number, filename, line, code
        self.hits = self.net = self.gross = self.peak = self.open = 0
        self.execution = self.seconds = self.opened = 0.0
        self.first = -1
        self.is_loud = self.is_off = False

    def total(self) -> LineTotal:
        """The line as the account has it."""
        return LineTotal(
            self.filename, self.line, self.code, self.hits, self.is_off, round(self.seconds * 1e9), 0,
            self.gross, self.net, self.peak,
        )  # fmt: skip


class Plan:
    """A followed code object: the line of each instruction, the name it stores, and how often it was looked at."""

    __slots__ = ("bytecode", "calls", "code", "counts", "few", "is_inner", "is_loud", "is_off", "is_root", "line_of",
                 "loud", "names", "number", "numbers", "places", "records", "silent", "sites", "starts",
                 "statements")  # fmt: skip

    def __init__(self, code: CodeType, number: int, is_whole: bool) -> None:
        self.code, self.number = code, number
        self.is_inner = code.co_name.startswith("<")  # a comprehension's own frame is a part of its line
        self.is_root = is_whole and code.co_name == "<module>"
        self.calls = 0
        self.is_off = self.is_loud = False
        self.bytecode = code.co_code
        size = len(self.bytecode) // 2
        self.counts = array("i", bytes(4 * size))  # batches
        self.few = bytearray(size)  # and what is not yet a batch
        self.silent = bytearray(size)
        self.numbers = list(range(size))
        self.loud = bytearray(size)
        self.starts = bytearray(size)
        self.line_of = [0] * size
        self.statements: list[int] = []
        self.records: dict[int, LineRecord] = {}
        self.sites: dict[int, int] = {}
        self.places: list[Place] = []
        self.names: dict[int, tuple[Name, bool]] = {}
        for offset, first in dis.findlinestarts(code):
            if first is not None:
                self.starts[offset // 2] = 1
        for start, end, line in code.co_lines():
            self.line_of[start // 2 : end // 2] = [line or 0] * (end // 2 - start // 2)
        for step in dis.get_instructions(code):
            if step.opname.startswith(("STORE_", "DELETE_")) and isinstance(step.argval, str):
                scope = number if step.opname.endswith("_FAST") else 0
                self.names[step.offset // 2] = (scope, step.argval), step.opname.startswith("STORE_")
            # Where code jumps to, a line may go on.
            self.silent[step.offset // 2] = step.opname in _SILENT and not (step.starts_line or step.is_jump_target)

    def place(self, index: int) -> Place:
        """Where the expression of an instruction stands."""
        if not self.places:
            self.places = [
                (line or 0, left or 0, last or 0, right or 0)
                for line, last, left, right in self.code.co_positions()
            ]  # fmt: skip
        return self.places[index]


class Entry:
    """A followed frame that is open: its line, its instruction, and its thread's totals when the line began."""

    __slots__ = ("entry", "execution", "gross", "hands", "index", "is_resumed", "line", "line_number", "net", "plan",
                 "statement", "top")  # fmt: skip

    def __init__(self, plan: Plan, net: int, is_resumed: bool = False) -> None:
        self.plan, self.is_resumed = plan, is_resumed
        self.index = 0
        self.line: LineRecord | None = None
        self.line_number = self.gross = 0
        self.execution = 0.0
        self.statement = self.entry = -1
        self.net = self.top = net
        self.hands = Hands()

    def grow_loud(self) -> None:
        """Its instruction took or gave back much: it is looked at for longer."""
        self.plan.is_loud = True
        self.plan.loud[self.index] = 1
        if self.line is not None:
            self.line.is_loud = True


class Thread:
    """A thread: its open frames, and the bytes charged to it so far."""

    __slots__ = ("gross", "hands", "net", "number", "open", "stack")

    def __init__(self, number: int) -> None:
        self.number = number
        self.net = self.gross = 0
        self.stack: list[Entry] = []
        self.open: dict[int, int] = {}
        self.hands = Hands()  # of the code that is not followed

    def take(self, delta: int, rise: int) -> None:
        """Bytes rose by `rise`, and are `delta` more now; the open frames see it when they close."""
        if self.stack:
            innermost = self.stack[-1]
            innermost.top = max(innermost.top, self.net + rise)
        self.gross += rise
        self.net += delta

    def place_of(self, plan: Plan) -> int:
        """Where in the stack the innermost frame of a code object is; -1 when it is not there."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at].plan is plan:
                return at
        return -1


class Lines:
    """All lines that took bytes or ran, number 0 for none; and which lines make up a statement."""

    def __init__(self, describe: Callable[[str], bytes]) -> None:
        self.records = [LineRecord(0, None, 0, None)]
        self._describe = describe
        self._statements: dict[str, array[int]] = {}
        self._known: dict[tuple[str, int], LineRecord] = {}

    def read(self, filename: str) -> None:
        """Have the statements of a file described, once."""
        if filename not in self._statements:
            self._statements[filename] = array("i", self._describe(filename))

    def statement(self, filename: str, line: int) -> int:
        """Twice the first line of the statement that a line belongs to, plus 1 for the head of a `with`."""
        table = self._statements[filename]
        return table[line] if line < len(table) else line * 2

    def of(self, plan: Plan, line: int) -> LineRecord:
        """The record of a line of a code object's file."""
        key = plan.code.co_filename, line
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = LineRecord(len(self.records), plan.code.co_filename, line, plan.code)
            self.records.append(found)
        return found


def nanoseconds(times: npt.NDArray[np.float64], started: float) -> Curve:
    """Seconds on the monotonic clock as nanoseconds since the start."""
    return np.rint((times - started) * 1e9).astype(np.int64)


class Steps:
    """The curve: times in seconds and values, merged to the extremes of neighbours when there are too many."""

    def __init__(self) -> None:
        self._time, self._value = np.empty(2 * POINTS), np.empty(2 * POINTS, np.int64)
        self._times, self._values = self._time.data, self._value.data
        self._count = self.last = 0

    def add(self, time: float, value: int) -> None:
        """From `time` on it is `value`."""
        if self._count == 2 * POINTS:
            self._merge()
        self._times[self._count] = time  # type: ignore[call-overload]  # its items are floats
        self._values[self._count] = value
        self._count += 1
        self.last = value

    def _merge(self) -> None:
        """Keep the lowest and the highest of every four, in their order: no peak is lost."""
        values = self._value.reshape(-1, 4)
        pair = np.sort(np.stack([values.argmin(axis=1), values.argmax(axis=1)], axis=1), axis=1)
        pair[:, 1] = np.where(pair[:, 0] == pair[:, 1], 3, pair[:, 1])
        kept = (pair + np.arange(len(values))[:, None] * 4).ravel()
        self._count = len(kept)
        self._time[: self._count], self._value[: self._count] = self._time[kept], self._value[kept]

    def curve(self, started: float) -> tuple[Curve, Curve]:
        """Nanoseconds since the start, and the values."""
        return nanoseconds(self._time[: self._count], started), self._value[: self._count].copy()


class LineEvents:
    """When which line began, in which thread and how deep."""

    def __init__(self) -> None:
        self._time = np.empty(EVENTS)
        self._columns = [np.empty(EVENTS, np.int64) for _ in range(3)]
        self._times, self._views = self._time.data, [column.data for column in self._columns]
        self._count = 0

    def add(self, time: float, line: int, thread: int, depth: int) -> None:
        """A line begins; events beyond the room for them are left out."""
        at = self._count
        if at < EVENTS:
            lines, threads, depths = self._views
            self._times[at] = time  # type: ignore[call-overload]  # its items are floats, which its type does not say
            lines[at], threads[at], depths[at] = line, thread, depth
            self._count = at + 1

    def columns(self, started: float) -> list[Curve]:
        """Nanoseconds since the start, line, thread, depth."""
        rest = [column[: self._count].copy() for column in self._columns]
        return [nanoseconds(self._time[: self._count], started), *rest]


class Sites:
    """Bytes by expression: what rose there, and what of it is still there."""

    def __init__(self, lumps: Lumps) -> None:
        self._lumps = lumps
        self._known: dict[tuple[str, Place], int] = {}
        self._codes: list[CodeType | None] = [None]
        self._places: list[Place] = [(0, 0, 0, 0)]
        self._lines = [0]
        self.hits, self.gross, self.small = [0], [0], [0]

    def of(self, plan: Plan, index: int, line: int) -> int:
        """The number of the site of an instruction, which stands on line record `line`."""
        place = plan.place(index)
        key = plan.code.co_filename, place  # a `finally` is compiled twice, and a generator's head stands in two codes
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self._codes)
            self._codes.append(plan.code)
            self._places.append(place)
            self._lines.append(line)
            for column in (self.hits, self.gross, self.small):
                column.append(0)
        plan.sites[index] = found
        return found

    def totals(self) -> tuple[SiteTotal, ...]:
        """All sites as the account has them."""
        return tuple(map(self._total, range(len(self._codes))))

    def _total(self, site: int) -> SiteTotal:
        lumps, gross = self._lumps, self.gross[site]
        live = min(gross, max(0, lumps.of_site.get(site, 0) + max(0, self.small[site])))
        hits = lumps.hits_of_site.get(site, 0) or min(1, self.hits[site])
        peak = max(live, lumps.peak_of_site.get(site, 0))
        return SiteTotal(
            self._codes[site], self._places[site], self._lines[site], hits, gross, live, min(peak, gross)
        )  # fmt: skip
