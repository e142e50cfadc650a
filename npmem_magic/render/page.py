"""describe(trace) -> Page: everything a report says, as plain data. text, html and chart only draw it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..sizes import human, human_seconds, unit_for
from ..trace import CELL, Advice, Curve, Holding, Tempting, Trace
from . import panel
from .curves import Axis, axis, closed, shown_peak, thin, time_unit
from .headline import Headline, counted, headline_of, place
from .lane import Segment, fold
from .panel import Panel
from .rows import Row, Section, sections
from .sheet import Table
from .widths import clip, expression, one_line

ALIVE_ROWS = 10
TINY = 0.0001  # share of the peak below which buffers without a name are told as one
NEGLIGIBLE = 0.01  # share of a curve's height below which it need not go under zero
NOTABLE = 1 << 20  # resident growth that is worth a picture when NumPy took nothing


@dataclass(frozen=True)
class Scale:
    """The one unit of all bytes in the tables (`size` bytes each), and what a full bar stands for."""

    unit: str
    size: int
    digits: int
    full_bytes: int
    full_seconds: float

    def number(self, nbytes: int, signed: bool = False) -> str:
        """`nbytes` in the unit, without it; ``~0`` for what would round to zero and is none; empty for 0."""
        if not nbytes:
            return ""
        if self.size > 1 and abs(nbytes) < self.size * 0.5 * 10**-self.digits:
            return "~0"
        sign = "−" if nbytes < 0 else "+" if signed else ""
        return f"{sign}{abs(nbytes) / self.size:,.{self.digits}f}"


@dataclass(frozen=True)
class Curves:
    """What the picture shows: curves as ``(time_ns, bytes)``, the peak as ``(time_ns, bytes)``, both axes, the lane.

    The curve of `python` objects is empty where they were not counted; `family` is the resident curve with what child
    processes hold on top of it, empty where nobody asked.
    """

    allocated: tuple[Curve, Curve]
    resident: tuple[Curve, Curve]
    panel: Panel | None
    peak: tuple[int, int] | None
    peak_words: str
    peak_code: str
    time: Axis
    bytes_: Axis
    segments: tuple[Segment, ...]
    counted: str
    python: tuple[Curve, Curve]
    family: tuple[Curve, Curve]


@dataclass(frozen=True)
class AliveRow:
    """One row of what was alive: `name` as shown, its site, its bytes (negative where older buffers were freed).

    `function` is empty where `line` is one of the cell's own.
    """

    name: str
    nbytes: int
    function: str
    line: int
    source: str
    note: str
    temporary: bool


@dataclass(frozen=True)
class Page:
    """A report, ready to be drawn. `alive` sums to `peak`."""

    headline: Headline
    facts: tuple[str, ...]
    error: str
    curves: Curves | None
    alt: str
    scale: Scale
    sections: tuple[Section, ...]
    alive: tuple[AliveRow, ...]
    peak: int
    advice: tuple[Advice, ...]
    notes: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    tempting: tuple[Tempting, ...] = ()


def describe(trace: Trace) -> Page:
    """The report of `trace` as data."""
    parts = sections(trace)
    headline = headline_of(trace)
    drawn = trace.gross > 0 or trace.net != 0 or _resident_high(trace) >= NOTABLE or bool(trace.python_peak)
    second = panel.panel(trace, max(1, int(trace.seconds * 1e9)))
    curves = curves_of(trace, second) if (drawn or second) and trace.seconds > 0 else None
    listed = parts if drawn or second else ()
    return Page(
        headline=headline,
        facts=_facts(trace),
        error=_error(trace),
        curves=curves,
        alt=_alt(trace, headline),
        scale=scale_for((row for section in parts for row in section.rows), trace.peak),
        sections=listed,
        alive=_alive(trace),
        peak=trace.peak,
        advice=trace.advice,
        notes=trace.notes,
        tables=tuple(filter(None, (panel.table(trace),))),
        tempting=trace.tempting,
    )


def _facts(trace: Trace) -> tuple[str, ...]:
    facts = [f"label {one_line(trace.label)}"] if trace.label else []
    if trace.gross:
        facts.append(f"gross {human(trace.gross)}")
    elif not trace.net:
        facts.append(human_seconds(trace.seconds))
    older = sum(site.net for site in trace.expressions) - trace.net
    if trace.gross and older > max(NOTABLE, trace.peak // 100):
        facts.append(f"{human(older)} from before the start freed")
    if trace.resident_peak is not None:
        beyond = trace.resident_peak - trace.peak
        more = f", {human(beyond)} more than allocated" if beyond > max(NOTABLE, trace.peak // 10) else ""
        facts.append(f"resident peak {human(trace.resident_peak)}{more}")
    if children := max(trace.children[1].tolist(), default=0):
        facts.append(f"child processes up to {human(children)}")
    if device := max(_third(trace).tolist(), default=0):
        facts.append(f"GPU peak {human(device)}")
    if len(trace.device_timeline[1]) and (books := int(trace.device_timeline[1].max())) > 0:
        facts.append(f"{human(books)} of arrays on the GPU")
    facts += [f"limit {human(trace.limit)}"] if trace.limit is not None else []
    if trace.budget is not None:
        facts.append(f"{'over' if trace.peak > trace.budget else 'within'} the budget of {human(trace.budget)}")
    facts.append("exact, native ledger" if trace.engine == "native" else f"{counted(trace)}, {trace.engine} ledger")
    return tuple(facts)


def _error(trace: Trace) -> str:
    if not trace.error:
        return ""
    words = _asked_in_vain(trace.error) or one_line(trace.error.removesuffix("()"))
    where = f" on line {trace.error_line}" if trace.error_line else ""
    if trace.error_function not in ("", CELL):
        where = f" in {trace.error_function}," + where.removeprefix(" on")
    return f"Stopped{where} by {clip(words, 200)}; the numbers cover the run up to there."


def _asked_in_vain(error: str) -> str:
    """What NumPy's MemoryError, whose repr has no sentence, asked for; empty for any other error."""
    found = re.fullmatch(r"_?\w*MemoryError\(\(([\d, ]+)\), dtype\('(\w+)'\)\)", error)
    if not found:
        return ""
    shape = tuple(int(size) for size in re.findall(r"\d+", found[1]))
    nbytes = math.prod(shape) * np.dtype(found[2]).itemsize
    return f"MemoryError: {human(nbytes)} more were asked for, an array of shape {shape} and dtype {found[2]}"


def _alt(trace: Trace, headline: Headline) -> str:
    text = f"Memory over {human_seconds(trace.seconds)}. {headline.sentence.rstrip('.')}"
    if trace.peak:
        text += f". The peak was reached after {human_seconds(trace.peak_ns / 1e9)}"
    if trace.resident_peak is not None:
        text += f". Resident peak {human(trace.resident_peak)}"
    return text + "."


def scale_for(rows: Iterable[Row], peak: int) -> Scale:
    """One unit for all tables; MiB up to 10,000 of them, for a GiB with one decimal hides what MiB would show."""
    listed = list(rows)
    most = max((max(row.peak, abs(row.net), *map(abs, row.python or ())) for row in listed), default=0)
    unit, size = unit_for(max(most, peak))
    if size >= 1024**3 and max(most, peak) < 10_000 * 1024**2:
        unit, size = "MiB", 1024**2
    digits = 0 if size == 1 else 2 if size >= 1024**3 else 1
    return Scale(unit, size, digits, most, max((row.seconds for row in listed), default=0.0))


def _third(trace: Trace) -> Curve:
    return trace.samples[2] if len(trace.samples) > 2 else trace.samples[0][:0]


def _resident_high(trace: Trace) -> int:
    return max([*trace.samples[1].tolist(), *trace.children[1].tolist()], default=0) if len(trace.samples) > 1 else 0


def curves_of(trace: Trace, second: Panel | None = None) -> Curves:
    """The picture of `trace`, on axes of its own; `second` is its panel of the GPU."""
    total = max(1, int(trace.seconds * 1e9))
    steps = thin(*closed(*trace.timeline, total), total)
    inside = (trace.samples[0] >= 0) & (trace.samples[0] <= total)
    resident = thin(trace.samples[0][inside], trace.samples[1][inside], total)
    python = thin(*trace.python_timeline, total)
    together = trace.samples[1] + trace.children[1] if len(trace.children[1]) else trace.samples[1][:0]
    family = thin(trace.samples[0][inside], together[inside], total) if len(together) else (together, together)
    drawn = np.concatenate((steps[1], resident[1], python[1], family[1]))
    low, high = min(0, int(drawn.min())), max(1, trace.peak, int(drawn.max()))
    low = 0 if -low < NEGLIGIBLE * high else low
    unit, size = unit_for(max(high, -low))
    clock, nanoseconds = time_unit(total)
    return Curves(
        allocated=steps,
        resident=resident,
        panel=second,
        peak=(min(shown_peak(*trace.timeline, trace.peak_ns, trace.peak), total), trace.peak) if trace.peak else None,
        peak_words=f"peak {human(trace.peak)}{place(trace, ', ')}",
        peak_code=expression(trace.peak_source),
        time=axis(0, total, clock, nanoseconds, 8, whole=clock == "ns"),
        bytes_=axis(low, high, unit, size, 5, whole=unit == "bytes"),
        segments=fold(trace),
        counted=counted(trace),
        python=python,
        family=family,
    )


def _alive(trace: Trace) -> tuple[AliveRow, ...]:
    """What the peak was made of, largest first, many small ones in one row; the rows sum to the peak."""
    if not trace.peak:
        return ()
    held = sorted(trace.at_peak, key=lambda holding: -holding.nbytes)
    tiny = [holding for holding in held if not holding.name and holding.nbytes < trace.peak * TINY]
    shown = [holding for holding in held if len(tiny) < 2 or holding not in tiny]
    cut = ALIVE_ROWS if len(shown) > ALIVE_ROWS + 1 else len(shown)
    elsewhere = _elsewhere(trace)
    rows = [_alive_row(holding, elsewhere) for holding in shown[:cut]]
    if count := len(held) - cut:
        rows.append(_extra_row(f"{count} more", sum(h.nbytes for h in held) - sum(h.nbytes for h in shown[:cut]), ""))
    missing = trace.peak - sum(holding.nbytes for holding in held)
    if missing < 0:
        rows.append(_extra_row("freed by then", missing, "buffers that were there before the start"))
    elif missing:
        rows.append(_extra_row("other", missing, "held by no array that was found"))
    return tuple(rows)


def _elsewhere(trace: Trace) -> dict[tuple[int, str], str]:
    """The function of each ``(line, source)`` whose line is not one of the cell's."""
    own = {(site.line, site.source) for site in trace.expressions if site.function not in trace.functions}
    known = {(site.line, site.source): one_line(site.function) for site in trace.expressions}
    return {where: function for where, function in known.items() if where not in own}


def _extra_row(words: str, nbytes: int, note: str) -> AliveRow:
    return AliveRow(words, nbytes, "", 0, "", note, True)


def _alive_row(holding: Holding, elsewhere: Mapping[tuple[int, str], str]) -> AliveRow:
    function = elsewhere.get((holding.line, holding.source), "")
    name, note = one_line(holding.name) if holding.name else "temporary", holding.note
    if not holding.name and note == "being made":  # it may get a name later, so it is no temporary yet
        name, note = note, ""
    return AliveRow(name, holding.nbytes, function, holding.line, expression(holding.source), note, not holding.name)
