"""describe(trace) -> Page: everything a report says, as plain data. text, html and chart only draw it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..sizes import human, human_seconds, unit_for
from ..trace import CELL, Advice, Curve, Holding, Trace
from .curves import Axis, axis, closed, thin, time_unit
from .lane import Segment, fold
from .rows import Row, Section, sections
from .widths import clip, expression, one_line

ALIVE_ROWS = 10
NOTABLE = 1 << 20  # resident growth that is worth a picture when NumPy took nothing


@dataclass(frozen=True)
class Headline:
    """The answer in one sentence: `amount` and `where` in words, `code` the expression, `rest` what follows."""

    amount: str
    where: str
    code: str
    rest: tuple[str, ...]

    @property
    def sentence(self) -> str:
        lead = " ".join(filter(None, (self.amount, self.where)))
        code = f": `{self.code}`" if self.code else ""
        return "; ".join((lead + code, *self.rest))


@dataclass(frozen=True)
class Scale:
    """The one unit of all bytes in the tables (`size` bytes each), and what a full bar stands for."""

    unit: str
    size: int
    digits: int
    full_bytes: int
    full_seconds: float

    def number(self, nbytes: int, signed: bool = False) -> str:
        """`nbytes` in the unit, without it; ``<0.1`` rather than a zero that is none; empty for 0."""
        if not nbytes:
            return ""
        sign = "−" if nbytes < 0 else "+" if signed else ""
        if self.size > 1 and abs(nbytes) < self.size * 0.5 * 10**-self.digits:
            return f"{sign}<{10**-self.digits:.{self.digits}f}"
        return f"{sign}{abs(nbytes) / self.size:,.{self.digits}f}"


@dataclass(frozen=True)
class Curves:
    """What the picture shows: curves as ``(time_ns, bytes)``, the peak as ``(time_ns, bytes)``, both axes, the lane."""

    allocated: tuple[Curve, Curve]
    resident: tuple[Curve, Curve]
    device: tuple[Curve, Curve]
    peak: tuple[int, int] | None
    peak_words: str
    peak_code: str
    time: Axis
    bytes_: Axis
    segments: tuple[Segment, ...]
    counted: str


@dataclass(frozen=True)
class AliveRow:
    """One row of what was alive: `name` as shown, its site, its bytes (negative where older buffers were freed)."""

    name: str
    nbytes: int
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


def describe(trace: Trace) -> Page:
    """The report of `trace` as data."""
    parts = sections(trace)
    headline = _headline(trace)
    drawn = trace.gross > 0 or trace.net != 0 or _resident_high(trace) >= NOTABLE
    curves = _curves(trace) if drawn and trace.seconds > 0 else None
    listed = parts if drawn else ()
    return Page(
        headline=headline,
        facts=_facts(trace),
        error=_error(trace),
        curves=curves,
        alt=_alt(trace, headline),
        scale=_scale((row for section in parts for row in section.rows), trace.peak),
        sections=listed,
        alive=_alive(trace),
        peak=trace.peak,
        advice=trace.advice,
        notes=trace.notes,
    )


def _headline(trace: Trace) -> Headline:
    seconds = human_seconds(trace.seconds)
    if not trace.gross and not trace.net and not trace.peak:
        return Headline("Nothing was allocated.", "", "", ())
    kept = f"{'kept' if trace.net > 0 else 'freed'} {human(abs(trace.net))}" if trace.net else "kept nothing"
    if not trace.peak:
        return Headline("Never above the start", "", "", (kept, seconds))
    code = clip(expression(trace.peak_source), 72)
    return Headline(f"Peak {human(trace.peak)}", f"above the start{_place(trace, ', on ')}", code, (kept, seconds))


def _place(trace: Trace, lead: str) -> str:
    """``, on line 5`` or, in a function, ``, in smooth, line 5``; empty when no line is known."""
    if trace.peak_line <= 0:
        return ""
    if trace.peak_function in (CELL, ""):
        return f"{lead}line {trace.peak_line}"
    return f", in {one_line(trace.peak_function)}, line {trace.peak_line}"


def _facts(trace: Trace) -> tuple[str, ...]:
    facts = [f"label {one_line(trace.label)}"] if trace.label else []
    facts.append(f"gross {human(trace.gross)}" if trace.gross else human_seconds(trace.seconds))
    if trace.resident_peak is not None:
        beyond = trace.resident_peak - trace.peak
        more = f", {human(beyond)} more than allocated" if beyond > max(NOTABLE, trace.peak // 10) else ""
        facts.append(f"resident peak {human(trace.resident_peak)}{more}")
    if device := max(_third(trace).tolist(), default=0):
        facts.append(f"GPU peak {human(device)}")
    facts.append("exact, native ledger" if trace.engine == "native" else f"NumPy and Python, {trace.engine} ledger")
    return tuple(facts)


def _error(trace: Trace) -> str:
    if not trace.error:
        return ""
    return f"Stopped by {clip(one_line(trace.error), 200)}; the numbers cover the run up to there."


def _alt(trace: Trace, headline: Headline) -> str:
    text = f"Memory over {human_seconds(trace.seconds)}. {headline.sentence.rstrip('.')}"
    if trace.peak:
        text += f". The peak was reached after {human_seconds(trace.peak_ns / 1e9)}"
    if trace.resident_peak is not None:
        text += f". Resident peak {human(trace.resident_peak)}"
    return text + "."


def _scale(rows: Iterable[Row], peak: int) -> Scale:
    """One unit for all tables; MiB up to 10,000 of them, for a GiB with one decimal hides what MiB would show."""
    listed = list(rows)
    most = max((max(row.peak, abs(row.net)) for row in listed), default=0)
    unit, size = unit_for(max(most, peak))
    if size >= 1024**3 and max(most, peak) < 10_000 * 1024**2:
        unit, size = "MiB", 1024**2
    digits = 0 if size == 1 else 2 if size >= 1024**3 else 1
    return Scale(unit, size, digits, most, max((row.seconds for row in listed), default=0.0))


def _third(trace: Trace) -> Curve:
    return trace.samples[2] if len(trace.samples) > 2 else trace.samples[0][:0]


def _resident_high(trace: Trace) -> int:
    return max(trace.samples[1].tolist(), default=0) if len(trace.samples) > 1 else 0


def _curves(trace: Trace) -> Curves:
    total = max(1, int(trace.seconds * 1e9))
    steps = thin(*closed(*trace.timeline, total), total)
    inside = (trace.samples[0] >= 0) & (trace.samples[0] <= total)
    resident = thin(trace.samples[0][inside], trace.samples[1][inside], total)
    third = _third(trace)
    device = thin(trace.samples[0][inside], third[inside], total) if third.any() else (third[:0], third[:0])
    drawn = np.concatenate((steps[1], resident[1], device[1]))
    low, high = min(0, int(drawn.min())), max(1, trace.peak, int(drawn.max()))
    unit, size = unit_for(max(high, -low))
    clock, nanoseconds = time_unit(total)
    return Curves(
        allocated=steps,
        resident=resident,
        device=device,
        peak=(min(trace.peak_ns, total), trace.peak) if trace.peak else None,
        peak_words=f"peak {human(trace.peak)}{_place(trace, ', ')}",
        peak_code=expression(trace.peak_source),
        time=axis(0, total, clock, nanoseconds, 8, whole=clock == "ns"),
        bytes_=axis(low, high, unit, size, 5, whole=unit == "bytes"),
        segments=fold(trace),
        counted="NumPy" if trace.engine == "native" else "NumPy and Python",
    )


def _alive(trace: Trace) -> tuple[AliveRow, ...]:
    """What the peak was made of, largest first, many small ones in one row; the rows sum to the peak."""
    if not trace.peak:
        return ()
    held = sorted(trace.at_peak, key=lambda holding: -holding.nbytes)
    cut = ALIVE_ROWS if len(held) > ALIVE_ROWS + 1 else len(held)
    rows = [_alive_row(holding) for holding in held[:cut]]
    if rest := held[cut:]:
        rows.append(AliveRow(f"{len(rest)} more", sum(h.nbytes for h in rest), 0, "", "", True))
    missing = trace.peak - sum(holding.nbytes for holding in held)
    if missing < 0:
        rows.append(AliveRow("freed by then", missing, 0, "", "buffers that were there before the start", True))
    elif missing:
        rows.append(AliveRow("other", missing, 0, "", "held by no array that was found", True))
    return tuple(rows)


def _alive_row(holding: Holding) -> AliveRow:
    name = one_line(holding.name) if holding.name else "temporary"
    return AliveRow(name, holding.nbytes, holding.line, expression(holding.source), holding.note, not holding.name)
