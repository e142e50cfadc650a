"""describe(comparison) -> Sides: everything a comparing report says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..compare.comparison import FIGURES, Comparison, Spread
from ..compare.equality import DIFFERS, UNKNOWN, Equality
from ..sizes import human, human_seconds, unit_for
from ..trace import Trace
from .curves import axis, time_unit
from .page import Curves, Scale, curves_of, describe, scale_for
from .rows import Section, sections
from .widths import one_line

HEADS = ("peak", "net", "gross", "resident peak", "time")


@dataclass(frozen=True)
class Figure:
    """One number of the table: as shown, as a ratio to the first variant's, and its spread over the repeats."""

    words: str
    ratio: str
    spread: str


@dataclass(frozen=True)
class Side:
    """One variant. `verdict` is how its results compare with the first one's, `details` by how much and where."""

    label: str
    figures: tuple[Figure, ...]
    verdict: str
    details: str
    remarks: tuple[str, ...]
    error: str
    curves: Curves | None
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Sides:
    """A comparing report, ready to be drawn. All curves are on the same axes, all tables in the same unit."""

    lead: str
    rest: tuple[str, ...]
    sides: tuple[Side, ...]
    compared: str
    warnings: tuple[str, ...]
    alt: str
    scale: Scale
    top: int
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return "; ".join((self.lead, *self.rest))


def describe_sides(comparison: Comparison) -> Sides:
    """The report of `comparison` as data."""
    traces = comparison.traces
    pages = {label: describe(trace) for label, trace in traces.items()}
    listed = {label: sections(trace) for label, trace in traces.items()}
    rows = [row for parts in listed.values() for section in parts for row in section.rows]
    is_drawn = any(page.curves for page in pages.values())
    drawn = {label: page.curves or curves_of(traces[label]) for label, page in pages.items()}
    curves = _on_same_axes(drawn) if is_drawn else {}
    lead, rest = _headline(traces, comparison.equal)
    return Sides(
        lead=lead,
        rest=rest,
        sides=tuple(
            _side(comparison, label, page.error, curves.get(label), listed[label] if is_drawn else (), bool(rest))
            for label, page in pages.items()
        ),
        compared=_compared(comparison),
        warnings=comparison.warnings,
        alt=_alt(lead, rest, traces),
        scale=scale_for(rows, max(trace.peak for trace in traces.values())),
        top=max((int(each.allocated[1].max()) for each in curves.values()), default=0),
        notes=(*comparison.notes, *dict.fromkeys(note for trace in traces.values() for note in trace.notes)),
    )


def _side(
    comparison: Comparison, label: str, error: str, curves: Curves | None, parts: tuple[Section, ...], is_compared: bool
) -> Side:
    is_judged = is_compared and label != comparison.labels[0]
    equality = comparison.equal[label]
    return Side(
        label=one_line(label),
        figures=_figures(comparison, label),
        verdict=equality.verdict if is_judged else "",
        details=equality.details if is_judged else "",
        remarks=equality.remarks,
        error=error,
        curves=curves,
        sections=parts,
    )


def _headline(traces: Mapping[str, Trace], equal: Mapping[str, Equality]) -> tuple[str, tuple[str, ...]]:
    labels = list(traces)
    ended = [label for label, trace in traces.items() if trace.error is None] or labels
    peaks = {label: trace.peak for label, trace in traces.items()}
    low = min(ended, key=peaks.__getitem__)
    if len(ended) == 1:
        lead = f"{one_line(low)} peaks at {human(peaks[low])}"
    elif len({human(peaks[label]) for label in ended}) == 1:  # bytes that nobody would read make no difference
        lead = f"The same peak, {human(peaks[low])}"
    else:
        rest = [label for label in ended if label != low]
        other = labels[0] if labels[0] in rest else min(rest, key=peaks.__getitem__)
        lead = f"{one_line(low)} peaks lowest, at {human(peaks[low])}; {one_line(other)} at {human(peaks[other])}"
    raised = tuple(f"{one_line(label)} raised" for label, trace in traces.items() if trace.error is not None)
    others = {label: each for label, each in equal.items() if label != labels[0] and traces[label].error is None}
    verdicts = {each.verdict for each in others.values()}
    if verdicts <= {UNKNOWN} and len({each.why for each in others.values()}) < 2:
        return lead, raised
    if len(verdicts) == 1:
        verdict, which = verdicts.pop(), "results" if len(others) == 1 else "all results"
        return lead, (f"{which} differ" if verdict == DIFFERS else f"{which}: {verdict}", *raised)
    words = ", ".join(f"{one_line(label)} {each.verdict}" for label, each in others.items())
    return lead, (f"results: {words}", *raised)


def _figures(comparison: Comparison, label: str) -> tuple[Figure, ...]:
    trace, first = comparison.traces[label], comparison.traces[comparison.labels[0]]
    spreads = comparison.spreads.get(label, {}) if comparison.repeat > 1 else {}
    found = []
    for name in FIGURES:
        value, base = getattr(trace, name), getattr(first, name)
        words = "–" if value is None else _words(name, value)
        ratio = "" if trace is first or value is None or base is None else _ratio(value, base)
        found.append(Figure(words, ratio, _spread(spreads.get(name)) if name == "seconds" else ""))
    return tuple(found)


def _words(name: str, value: float) -> str:
    if name == "seconds":
        return human_seconds(value)
    return human(int(value)).replace("-", "−")


def _ratio(value: float, base: float) -> str:
    """``×0.50``; nothing where the first is 0."""
    if not base or not value:
        return "×1" if not base and not value else "×0" if base else ""
    ratio = value / base
    if 0 < abs(ratio) < 0.005:
        return "×<0.01"
    return f"×{ratio:.2f}" if abs(ratio) < 100 else f"×{ratio:,.0f}"


def _spread(spread: Spread | None) -> str:
    """From the shortest to the longest of several runs: ``18.6–174 ms``."""
    if spread is None or spread.low is None or spread.high is None or spread.low == spread.high:
        return ""
    low, high = human_seconds(spread.low).split(), human_seconds(spread.high).split()
    return f"{low[0]}–{' '.join(high)}" if low[1] == high[1] else f"{' '.join(low)} – {' '.join(high)}"


def _compared(comparison: Comparison) -> str:
    """What the verdicts are about."""
    names = list(dict.fromkeys(name for each in comparison.equal.values() for name in each.compared))
    first, *others = comparison.equal.items()
    if names:
        return f"Compared with {one_line(first[0])}: {', '.join(names)}"
    reasons = {each.why for _, each in others}
    return f"Results were not compared: {reasons.pop()}" if len(reasons) == 1 else ""


def _alt(lead: str, rest: tuple[str, ...], traces: Mapping[str, Trace]) -> str:
    each = ", ".join(f"{one_line(label)} {human(trace.peak)}" for label, trace in traces.items())
    return f"Memory over time of {len(traces)} variants on the same axes. {'; '.join((lead, *rest))}. Peaks: {each}."


def _on_same_axes(curves: Mapping[str, Curves]) -> dict[str, Curves]:
    total = max(each.time.high for each in curves.values())
    low = min(each.bytes_.low for each in curves.values())
    high = max(each.bytes_.high for each in curves.values())
    unit, size = unit_for(max(high, -low))
    clock, nanoseconds = time_unit(total)
    time = axis(0, total, clock, nanoseconds, 8, whole=clock == "ns")
    bytes_ = axis(low, high, unit, size, 5, whole=unit == "bytes")
    return {label: replace(each, time=time, bytes_=bytes_, panel=None) for label, each in curves.items()}


def ended(curves: Curves) -> Curves:
    """`curves` with an allocated curve that goes back to nothing where the run ends, for axes that go on."""
    time, value = curves.allocated
    if not len(time) or time[-1] >= curves.time.high:
        return curves
    return replace(curves, allocated=(np.append(time, time[-1] + 1), np.append(value, 0)))
