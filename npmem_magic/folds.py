"""From what was counted to what is told: pure folds that turn an `Account` into a `Trace`.

An account is the plain record that any ledger makes: totals, sites, lines, the buffers alive at the peak, the curve.
Nothing here measures or runs anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .account import Account, Resident
from .cell import Outcome, Work
from .holdings import Moment, holdings
from .syntax import CELL, Text
from .trace import Curve, ExpressionCost, LineCost, Trace

UNPLACED = "no followed line: a background thread, or work between lines"


@dataclass(frozen=True)
class Run:
    """What ran: the work, its end, the text of any file, and which names hold which buffers afterwards."""

    work: Work
    label: str | None
    outcome: Outcome
    text: Callable[[str], Text]
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    """Where a line stands: in which file, and in which function as the report names it."""

    filename: str
    function: str


class _Places:
    """Gives every line its function; functions of the same name in other files are told apart by a number."""

    def __init__(self, run: Run) -> None:
        self._run, self._taken = run, {CELL: run.work.filename}

    def of(self, filename: str, line: int) -> _Place:
        is_own = filename == self._run.work.filename
        # Elsewhere only functions run, so a line outside of every `def` is a lambda's.
        span = self._run.text(filename).span_of(line, with_head=not is_own)
        name = span.name if span else CELL if is_own else "<lambda>"
        label, number = name, 1
        while self._taken.setdefault(label, filename) != filename:
            number += 1
            label = f"{name} ({number})"
        return _Place(filename, label)


def assemble(account: Account, resident: Resident, run: Run) -> Trace:
    """The Trace of a run."""
    places = _Places(run)
    expressions, by_site = _expressions(account, run, places)
    where = by_site.get(account.peak_site) if account.peak else None
    samples, resident_peak = _samples(account, resident)
    error = run.outcome.error
    error_line, error_function = _error_place(account, run, places)
    moment = Moment(max(0, account.peak_time - account.started), account.peak_site)
    return Trace(
        source=run.work.source,
        label=run.label,
        error=None if error is None else repr(error),
        seconds=(account.stopped - account.started) / 1e9,
        peak=account.peak,
        net=account.net,
        gross=account.gross,
        peak_ns=moment.time,
        peak_line=where.line if where else 0,
        peak_function=where.function if where else "",
        peak_source=where.source if where else "",
        resident_peak=resident_peak,
        lines=_lines(account, run, places),
        expressions=expressions,
        at_peak=holdings(account, moment, by_site, run.text, run.names),
        timeline=_with_peak(account, moment),
        samples=samples,
        lane=_lane(account),
        notes=(*resident.notes, *account.notes),
        engine=account.engine,
        first_line=run.work.first_line,
        functions=_functions(account, run, places),
        error_line=error_line,
        error_function=error_function,
        **_python(account),
    )


def _python(account: Account) -> dict[str, Any]:
    """The fields of a Trace that tell of Python's own bytes; none when nobody asked."""
    python = account.python
    if python is None:
        return {}
    found: dict[str, Any] = {"python_peak": python.peak, "python_net": python.net}
    if python.timeline is not None:
        found["python_timeline"] = python.timeline
    return found


def as_written(work: Work) -> dict[int, str]:
    """The lines that stand otherwise in the text that runs: magics and ``!`` lines, as the user wrote them.

    None where the two texts do not go line by line (a continued magic line becomes one).
    """
    ran, typed = work.source.splitlines(), work.raw.splitlines()
    if len(ran) != len(typed):
        return {}
    pairs = enumerate(zip(ran, typed, strict=True), work.first_line)
    return {number: line for number, (python, line) in pairs if python != line and line.strip()}


def _expressions(
    account: Account, run: Run, places: _Places
) -> tuple[tuple[ExpressionCost, ...], dict[int, ExpressionCost]]:
    """One cost for each piece of source that asked for bytes, largest peak first; and the cost of each site."""
    merged: dict[tuple[str, int, int, int, int], list[int]] = defaultdict(list)
    for number, site in enumerate(account.sites):
        if not site.hits:
            continue
        key = (site.code.co_filename if site.code else "", *site.place)
        merged[key].append(number)
    by_site: dict[int, ExpressionCost] = {}
    written = as_written(run.work)
    for (filename, line, col, end_line, end_col), numbers in merged.items():
        source = run.text(filename).expression(line, col, end_line, end_col) if line else UNPLACED
        if filename == run.work.filename and line in written:  # a magic: its Python text is IPython's, not the user's
            source = written[line].strip()
            col, end_line, end_col = written[line].index(source[:1]), line, len(written[line].rstrip().encode())
        sites = [account.sites[number] for number in numbers]
        cost = ExpressionCost(
            function=places.of(filename, line).function if line else "",
            line=line,
            col=col,
            end_line=end_line,
            end_col=end_col,
            source=source,
            hits=sum(site.hits for site in sites),
            # The same text compiled twice (a `finally` block): the larger, as the two seldom live at one time.
            peak=max(site.peak for site in sites),
            net=sum(site.live for site in sites),
            gross=sum(site.gross for site in sites),
        )
        by_site.update(dict.fromkeys(numbers, cost))
    found = sorted(
        set(by_site.values()), key=lambda cost: (-cost.peak, -cost.gross, cost.function, cost.line, cost.col)
    )
    return tuple(found), by_site


def _seconds(account: Account, places: _Places) -> dict[int, float]:
    """Seconds of each line. Time that passed while hot lines had no clock is shared out among the hot lines of
    the function, in proportion to what their first runs took."""
    groups: dict[_Place, list[int]] = defaultdict(list)
    for number, line in enumerate(account.lines[1:], 1):
        groups[places.of(line.filename or "", line.line)].append(number)
    seconds = {}
    for numbers in groups.values():
        lines = [account.lines[number] for number in numbers]
        gap = sum(line.gap for line in lines)
        known = sum(line.nanoseconds for line in lines if line.hot) or 1
        for number, line in zip(numbers, lines, strict=True):
            extra = gap * line.nanoseconds / known if line.hot else 0
            seconds[number] = (line.nanoseconds + extra) / 1e9
    return seconds


def _lines(account: Account, run: Run, places: _Places) -> tuple[LineCost, ...]:
    """Every line of the cell, then every line of each followed function outside of it that ran."""
    seconds = _seconds(account, places)
    counted = {(line.filename, line.line): number for number, line in enumerate(account.lines) if number}
    shown = [(run.work.filename, number) for number in _numbers(run.text(run.work.filename))]
    for span_file, first, last in _spans_outside(account, run):
        shown += [(span_file, number) for number in range(first, last + 1)]
    costs = []
    has_python = account.python is not None and account.python.peak is not None
    nothing = (0, 0) if has_python else (None, None)
    written = as_written(run.work)
    for filename, number in shown:
        at, place = counted.get((filename, number)), places.of(filename, number)
        source = run.text(filename).line(number)
        if filename == run.work.filename:
            source = written.get(number, source)
        if at is None:
            costs.append(LineCost(place.function, number, source, 0, 0.0, 0, 0, 0, False, *nothing))
            continue
        total = account.lines[at]
        costs.append(
            LineCost(
                place.function, number, source, total.hits, seconds[at], total.peak, total.net, total.gross,
                bool(total.hot), *((total.python_peak, total.python_net) if has_python else nothing),
            )
        )  # fmt: skip
    return tuple(costs)


def _numbers(text: Text) -> Iterable[int]:
    return range(text.first_line, text.first_line + len(text.lines))


def _spans_outside(account: Account, run: Run) -> list[tuple[str, int, int]]:
    """(file, first line, last line) of each stretch outside of the work's own text that ran or took bytes."""
    own = _numbers(run.text(run.work.filename))
    found: dict[tuple[str, int, int], None] = {}
    for line in account.lines[1:]:
        filename = line.filename or ""
        if (filename == run.work.filename and line.line in own) or not (line.hits or line.gross or line.net):
            continue
        span = run.text(filename).span_of(line.line, with_head=filename != run.work.filename)
        found[(filename, span.first, span.last) if span else (filename, line.line, line.line)] = None
    # A function that is written inside of another one is shown with that one.
    outer = [key for key in found if not any(_inside(key, other) for other in found)]
    return sorted(outer)


def _inside(key: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return key != other and key[0] == other[0] and other[1] <= key[1] and key[2] <= other[2]


def _functions(account: Account, run: Run, places: _Places) -> dict[str, tuple[int, str]]:
    found = {}
    for filename, first, last in _spans_outside(account, run):
        text = run.text(filename)
        name = places.of(filename, last).function
        found[name] = (first, "\n".join(text.line(number) for number in range(first, last + 1)))
    return found


def _error_place(account: Account, run: Run, places: _Places) -> tuple[int, str]:
    """(line, function) of the innermost line that the error passed and that the report shows."""
    files = {line.filename for line in account.lines}
    found = (0, "")
    link = run.outcome.error.__traceback__ if run.outcome.error else None
    while link is not None:
        filename = link.tb_frame.f_code.co_filename
        if filename in files:
            found = link.tb_lineno, places.of(filename, link.tb_lineno).function
        link = link.tb_next
    return found


def _with_peak(account: Account, moment: Moment) -> tuple[Curve, Curve]:
    """The curve with the peak in it: buffers below 4 KiB make no step of their own."""
    time, value = account.timeline
    if account.peak in value[time == moment.time] or not account.peak:
        return time, value
    at = int(np.searchsorted(time[:-1], moment.time, side="right"))
    when = max(moment.time, int(time[at - 1]) if at else 0)
    return np.insert(time, at, when), np.insert(value, at, account.peak)


def _samples(account: Account, resident: Resident) -> tuple[tuple[Curve, ...], int | None]:
    """The sampled curves from the start of the run, above their start; and the resident peak above the start."""
    values = tuple(value - value[0] if len(value) else value for value in resident.values)
    samples = (np.maximum(resident.time_ns - account.started, 0), *values) if len(resident.time_ns) else tuple(
        np.zeros(0, np.int64) for _ in range(2)
    )  # fmt: skip
    # The kernel's mark misses no moment, but may lag by its per-core counters; a sample above it is as true.
    seen = [int(values[0].max())] if values and len(values[0]) else []
    if resident.high_water is not None and resident.started_at is not None:
        seen.append(max(0, resident.high_water - resident.started_at))
    return samples, max(seen, default=None)


def _lane(account: Account) -> tuple[Curve, Curve]:
    number = np.array([line.line for line in account.lines], np.int64)
    is_top = (account.event_thread == 0) & (account.event_depth == 0)
    return account.event_time[is_top], number[account.event_line[is_top]]
