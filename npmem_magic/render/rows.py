"""The annotated source as data: one row a line, what to underline in it, long stretches without cost folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from ..trace import ExpressionCost, LineCost, Trace

WHOLE = 40  # a text of so many lines is shown whole
COSTLY = 20  # of a longer one, at most so many rows of cost are shown at once


@dataclass(frozen=True)
class Span:
    """Characters ``start:end`` of a row's source; `peak` for the expression that made the overall peak."""

    start: int
    end: int
    peak: bool


@dataclass(frozen=True)
class Row:
    """One row: bytes, seconds and `hits` (text, empty for one run) of `line`, or of `line` to `last` folded.

    `kind` is ``line``, ``idle`` (blank, comment or never run), ``fold``, or ``other`` (no line asked for the bytes).
    `python` is the peak and the net of Python objects, None where they were not counted.
    """

    line: int
    last: int
    source: str
    spans: tuple[Span, ...]
    hits: str
    seconds: float
    peak: int
    net: int
    kind: str
    python: tuple[int, int] | None = None


@dataclass(frozen=True)
class Section:
    """The rows of one text: of the cell (`title` empty) or of a followed function; `whole` when `rows` are folded."""

    title: str
    rows: tuple[Row, ...]
    whole: tuple[Row, ...] = ()


def sections(trace: Trace) -> tuple[Section, ...]:
    """The cell first, then each followed function that is not part of it."""
    own = [cost for cost in trace.lines if cost.function not in trace.functions]
    sites = [site for site in trace.expressions if site.line > 0]
    mine = [site for site in sites if site.function not in trace.functions]
    found = [_section(trace, "", trace.first_line, trace.source, own, mine, _others(trace))]
    for name, (first, source) in trace.functions.items():
        costs = [cost for cost in trace.lines if cost.function == name]
        found.append(_section(trace, name, first, source, costs, [s for s in sites if s.function == name], ()))
    return tuple(found)


def _section(
    trace: Trace,
    title: str,
    first: int,
    source: str,
    costs: list[LineCost],
    sites: list[ExpressionCost],
    others: tuple[Row, ...],
) -> Section:
    by_line: dict[int, LineCost] = {}
    for cost in costs:
        known = by_line.get(cost.line)
        if known is None or _rank(cost) > _rank(known):
            by_line[cost.line] = cost
    touching = _sites_by_line(sites)
    texts = source.rstrip().split("\n")
    rows = tuple(
        _row(trace, number, text.rstrip("\r"), by_line.get(number), touching.get(number, []))
        for number, text in enumerate(texts, first)
    )
    folded = _folded(rows) if len(rows) > WHOLE else rows
    return Section(title, folded + others, rows + others if folded != rows else ())


def _rank(cost: LineCost) -> tuple[int, ...]:
    return cost.peak, cost.gross, cost.python_peak or 0, cost.hits


def _sites_by_line(sites: Iterable[ExpressionCost]) -> dict[int, list[ExpressionCost]]:
    touching: dict[int, list[ExpressionCost]] = {}
    for site in sites:
        for line in range(site.line, max(site.line, site.end_line) + 1):
            touching.setdefault(line, []).append(site)
    return touching


def _row(trace: Trace, number: int, text: str, cost: LineCost | None, sites: list[ExpressionCost]) -> Row:
    spans = _spans(trace, number, text, sites)
    python = None if trace.python_peak is None else _python(cost)
    if cost is None or not cost.hits:
        bytes_ = (cost.peak, cost.net) if cost else (0, 0)
        kind = "line" if any(bytes_ + (python or ())) else "idle"
        return Row(number, number, text, spans, "", 0.0, *bytes_, kind, python)
    hits = f"{cost.hits}{'+' if cost.hot else ''}" if cost.hits > 1 else ""
    return Row(number, number, text, spans, hits, cost.seconds, cost.peak, cost.net, "line", python)


def _python(cost: LineCost | None) -> tuple[int, int]:
    return (cost.python_peak or 0, cost.python_net or 0) if cost else (0, 0)


def _spans(trace: Trace, number: int, text: str, sites: list[ExpressionCost]) -> tuple[Span, ...]:
    """The overall peak's expression, else the costliest one that begins on this line, else one that reaches it."""
    red = [site for site in sites if is_peak(trace, site)]
    begun = [site for site in sites if site.line == number]
    candidates = red or begun or sites
    best = max(candidates, key=lambda site: (site.peak, site.gross), default=None)
    if best is None or not best.gross:
        return ()
    start = _char(text, best.col) if best.line == number else len(text) - len(text.lstrip())
    end = _char(text, best.end_col) if best.end_line == number else len(_code(text))
    return (Span(start, end, bool(red)),) if end > start else ()


def is_peak(trace: Trace, site: ExpressionCost) -> bool:
    """Whether `site` is the one that made the overall peak."""
    where = (trace.peak_function, trace.peak_line, trace.peak_source)
    return trace.peak > 0 and (site.function, site.line, site.source) == where


def _char(text: str, column: int) -> int:
    """A column in UTF-8 bytes, as `ast` counts, as an index into `text`."""
    return len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))


def _code(text: str) -> str:
    """`text` without a trailing comment (a ``#`` after a quote is left alone: it may be inside a string)."""
    head, mark, _ = text.partition("#")
    return (head if mark and not any(quote in text for quote in "'\"") else text).rstrip()


def _others(trace: Trace) -> tuple[Row, ...]:
    """Bytes that no followed line asked for, such as another thread's."""
    return tuple(
        Row(0, 0, site.source, (), "", 0.0, site.peak, site.net, "other")
        for site in trace.expressions
        if site.line <= 0 and site.gross
    )


def _folded(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The costliest and slowest rows and the one of the peak as they are, what lies between them folded."""
    order = sorted(rows, key=_weight, reverse=True)
    kept = {row.line for row in order[:COSTLY] if _weight(row) > 0}
    slow = sorted(rows, key=lambda row: row.seconds, reverse=True)[:5]
    total = fsum(row.seconds for row in rows)
    kept |= {row.line for row in slow if row.seconds > 0.02 * total}
    kept |= {row.line for row in rows if any(span.peak for span in row.spans)}
    result: list[Row] = []
    pending: list[Row] = []
    for row in rows:
        if row.line in kept:
            result += [*_fold(pending), row]
            pending = []
        else:
            pending.append(row)
    return tuple(result + _fold(pending))


def _weight(row: Row) -> int:
    return max(row.peak, abs(row.net), *map(abs, row.python or ()))


def _fold(rows: list[Row]) -> list[Row]:
    if len(rows) < 3:
        return rows
    seconds = fsum(row.seconds for row in rows)
    peak, net = max(row.peak for row in rows), sum(row.net for row in rows)
    found = [row.python for row in rows if row.python is not None]
    python = (max(each[0] for each in found), sum(each[1] for each in found)) if found else None
    words = f"{len(rows)} lines" + (" of little cost" if any((peak, net, *(python or ()))) else " without cost")
    return [Row(rows[0].line, rows[-1].line, words, (), "", seconds, peak, net, "fold", python)]
