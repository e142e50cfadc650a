"""What was alive at the peak, and under which name: a pure fold over the buffers that a ledger noted.

A buffer's name is the one that reaches it after the run. One that has died since gets its name from the statement
that made it, if that statement had ended by the moment of the peak; if it had not, the buffer was a temporary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .account import Account, Buffer, LineTotal
from .syntax import Text
from .trace import Curve, ExpressionCost, Holding

SMALL = "buffers under 4 KiB, too many to tell apart"
SMALL_OBJECTS = "Python's objects and buffers under 4 KiB"  # where the ledger counts NumPy and Python
_LIBRARY = 4096  # bytes below which a living buffer that no name reaches is taken for a library's
_Row = tuple[str | None, str, int, str]  # name, source, line, note
_MANY = 3  # buffers of one container and site from which on they are told as one


@dataclass(frozen=True)
class Moment:
    """The peak: its time in ns since the start, and the site whose buffer made it."""

    time: int
    site: int


def holdings(
    account: Account,
    peak: Moment,
    by_site: Mapping[int, ExpressionCost],
    text: Callable[[str], Text],
    names: Mapping[int, str],
) -> tuple[Holding, ...]:
    """The buffers alive at the peak, largest first; the bytes add up to all that the run allocated and held then."""
    statements = _Statements(account, text)
    newest = max((buffer.born for buffer in account.at_peak if buffer.site == peak.site), default=0)
    rows: dict[_Row, list[int]] = defaultdict(list)
    for buffer in account.at_peak:
        cost = by_site[buffer.site]
        name, note = _name(buffer, peak, statements, names, buffer.born == newest)
        rows[name, cost.source, cost.line, note].append(buffer.nbytes)
    totals = {key: (sum(sizes), len(sizes)) for key, sizes in _gather(rows).items()}
    same: dict[tuple[str, int], list[_Row]] = defaultdict(list)
    for row in totals:
        same[row[1:3]].append(row)
    for many in account.many_at_peak:
        cost = by_site[many.site]
        key = _row_of_many(same[cost.source, cost.line], cost, statements.bound_by(many.site))
        nbytes, buffers = totals.get(key, (0, 0))
        totals[key] = nbytes + many.nbytes, buffers + many.buffers
    found = [
        Holding(name, source, line, nbytes, _with_count(note, buffers))
        for (name, source, line, note), (nbytes, buffers) in totals.items()
    ]
    if account.small_at_peak:
        small = SMALL if account.engine == "native" else SMALL_OBJECTS
        found.append(Holding(None, small, 0, account.small_at_peak))
    return tuple(sorted(found, key=lambda holding: -holding.nbytes))


def _row_of_many(same: list[_Row], cost: ExpressionCost, bound: str | None) -> _Row:
    """The row for the buffers of a site that are too many to be told one by one: that of the first ones if they have
    one holder, else one of the name that the statement binds."""
    ended = [row for row in same if not row[3]]
    return ended[0] if len(ended) == 1 else (bound, cost.source, cost.line, "")


def _with_count(note: str, buffers: int) -> str:
    return ", ".join(part for part in (note, f"{buffers} buffers" if buffers > 1 else "") if part)


def _gather(rows: Mapping[_Row, list[int]]) -> dict[_Row, list[int]]:
    """The same rows, with the many items of one container at one site under the container's name."""
    groups: dict[tuple[str, str, int, str], list[_Row]] = defaultdict(list)
    for key in rows:
        if key[0]:
            groups[key[0].split("[")[0], *key[1:]].append(key)
    single = {key: group for group, keys in groups.items() if len(keys) > _MANY for key in keys}
    gathered: dict[_Row, list[int]] = defaultdict(list)
    for key, sizes in rows.items():
        gathered[single.get(key, key)] += sizes
    return gathered


def _name(
    buffer: Buffer, peak: Moment, statements: _Statements, names: Mapping[int, str], is_newest: bool
) -> tuple[str | None, str]:
    """(name or None, note) of a buffer at the peak."""
    is_made_now = is_newest and buffer.site == peak.site
    if not statements.ended(buffer, peak.time, is_made_now):
        return None, "being made" if is_made_now else ""
    note = "the previous round" if buffer.site == peak.site and not is_newest else ""
    if buffer.alive and buffer.address in names:
        return names[buffer.address], note
    if buffer.alive and buffer.nbytes < _LIBRARY:
        return None, "kept by a library"
    return statements.bound_by(buffer.site), note


class _Statements:
    """Which statements had ended when, read off the line events."""

    def __init__(self, account: Account, text: Callable[[str], Text]) -> None:
        self._account, self._text = account, text
        self._scopes = [self._scope(line) for line in account.lines]
        begins = np.array([self._begins(line) for line in account.lines], bool)
        kept = begins[account.event_line]
        self._time, self._line = account.event_time[kept], account.event_line[kept]
        self._thread, self._depth = account.event_thread[kept], account.event_depth[kept]
        self._of_scope: dict[tuple[str, str], npt.NDArray[np.intp]] = {}
        self._enders: dict[tuple[int, int], Curve] = {}

    def ended(self, buffer: Buffer, peak_time: int, is_newest_of_peak: bool) -> bool:
        """Whether the statement that made `buffer` had ended at the peak.

        It had when, in the same thread, another statement began later in the same frame or further out.
        """
        line = self._account.sites[buffer.site].line
        born = buffer.born - self._account.started
        events = self._events_of(self._scopes[line])
        at = int(np.searchsorted(self._time[events], born, side="right")) - 1
        if at >= 0:
            times = self._ender_times(int(self._thread[events[at]]), int(self._depth[events[at]]))
            if np.searchsorted(times, peak_time, side="right") > np.searchsorted(times, born, side="right"):
                return True
        # A hot line tells no more when it begins; the newest buffer of the peak's own site is the one being made.
        return not is_newest_of_peak and self._went_hot_before(line, born)

    def _went_hot_before(self, line: int, time: int) -> bool:
        if not self._account.lines[line].hot:
            return False
        last = self._time[self._line == line]
        return not len(last) or int(last[-1]) <= time

    def bound_by(self, site: int) -> str | None:
        """What the statement of a site binds its value to."""
        place = self._account.sites[site].place
        line = self._account.lines[self._account.sites[site].line]
        return self._text(line.filename).bound_by(place[0], place[1]) if line.filename else None

    def _events_of(self, scope: tuple[str, str]) -> npt.NDArray[np.intp]:
        if scope not in self._of_scope:
            inside = np.array([each == scope for each in self._scopes], bool)
            self._of_scope[scope] = np.flatnonzero(inside[self._line])
        return self._of_scope[scope]

    def _ender_times(self, thread: int, depth: int) -> Curve:
        if (thread, depth) not in self._enders:
            self._enders[thread, depth] = self._time[(self._thread == thread) & (self._depth <= depth)]
        return self._enders[thread, depth]

    def _scope(self, line: LineTotal) -> tuple[str, str]:
        if not line.filename:
            return "", ""
        span = self._text(line.filename).span_of(line.line)
        return line.filename, span.name if span else ""

    def _begins(self, line: LineTotal) -> bool:
        """Whether an event of this line begins a statement (the further lines of a long one do not)."""
        statement = self._text(line.filename).statements.get(line.line) if line.filename else None
        return statement is None or statement.lineno == line.line
