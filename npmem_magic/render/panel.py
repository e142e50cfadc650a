"""The second panel: GPU memory under the same lane of lines and the same time axis. Data, and how a pen draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..sizes import human, unit_for
from ..trace import Curve, Trace
from .curves import Axis, axis, closed, thin
from .sheet import Column, Entry, Table
from .widths import expression, one_line

VIOLETS = ("#8f62c9", "#c74b9b", "#4d7f9e", "#8a7a1f")  # for the first, second ... device
HEIGHT, TOP, BASE = 138, 34, 134  # pixels of the whole, and where the curves' room begins and ends in it
HEADROOM = 6
NOTABLE = 1 << 20  # bytes that some device must have changed by for a panel
ROWS = 12


class Pen(Protocol):
    """What a panel is drawn with: pixels from the top left."""

    def line(self, xs: Any, ys: Any, color: str, width: float, alpha: float = 1.0, **how: Any) -> None: ...
    def area(self, xs: Any, ys: Any, color: str, alpha: float) -> None: ...
    def text(self, x: float, y: float, words: str, align: Any, color: str = ..., font: str = "") -> float: ...


@dataclass(frozen=True)
class Panel:
    """Curves of GPU memory as ``(time_ns, bytes)``: one sampled for each device (`names`), and the libraries' `books`.

    `together` is the books, or without them the sum of the samples, and `peak` its highest; `libraries` says whose
    books they are.
    """

    names: tuple[str, ...]
    sampled: tuple[tuple[Curve, Curve], ...]
    books: tuple[Curve, Curve]
    libraries: str
    together: tuple[Curve, Curve]
    peak: int
    bytes_: Axis

    @property
    def words(self) -> str:
        """What is said above it."""
        is_sum = len(self.sampled) > 1 and not len(self.books[0])
        return f"GPU peak {human(self.peak)}{' together' if is_sum else ''}"


def panel(trace: Trace, total: int) -> Panel | None:
    """The panel of a trace that lasted `total` ns; None where no device's memory changed."""
    names, sampled = _sampled(trace, total)
    books = trace.device_timeline
    changed = [int(np.abs(value).max()) for _, value in sampled if len(value)]
    if len(books[0]):
        books = thin(*closed(*books, total), total)
        changed.append(NOTABLE)
    if max(changed, default=0) < NOTABLE:
        return None
    highs = [int(value.max()) for _, value in (books, *sampled) if len(value)]
    lows = [int(value.min()) for _, value in (books, *sampled) if len(value)]
    high, low = max(1, *highs), min(0, *lows)
    unit, size = unit_for(max(high, -low))
    together = books if len(books[0]) else thin(trace.samples[0], trace.samples[2], total)
    return Panel(
        names=names,
        sampled=sampled,
        books=books,
        libraries=" and ".join(sorted({cost.library for cost in trace.device_costs})),
        together=together,
        peak=max(0, int(together[1].max())),
        bytes_=axis(low, high, unit, size, 3, whole=unit == "bytes"),
    )


def _sampled(trace: Trace, total: int) -> tuple[tuple[str, ...], tuple[tuple[Curve, Curve], ...]]:
    """Name and curve of each device; of an older trace the one curve that it has."""
    if trace.devices:
        times, *values = trace.gpu
        whose = ["this process" if device.is_own else "all processes" for device in trace.devices]
        numbers = [f" {device.index}" if len(values) > 1 else "" for device in trace.devices]
        names = tuple(f"GPU{number}, {who}" for number, who in zip(numbers, whose, strict=True))
    elif len(trace.samples) > 2:
        times, values, names = trace.samples[0], [trace.samples[2]], ("GPU",)
    else:
        return (), ()
    inside = (times >= 0) & (times <= total)
    return names, tuple(thin(times[inside], value[inside], total) for value in values)


def draw(pen: Pen, what: Panel, x: Callable[[Any], Any], top: float, left: float, right: float, ink: str) -> None:
    """Draw the panel with its upper edge at height `top`, between `left` and `right`."""
    span = max(1, what.bytes_.high - what.bytes_.low)
    scale = (BASE - TOP - HEADROOM) / span

    def y(nbytes: Any) -> Any:
        return top + BASE - (np.asarray(nbytes, float) - what.bytes_.low) * scale

    for position, words in what.bytes_.ticks:
        is_last = position == what.bytes_.ticks[-1][0]
        pen.line([left, right], [y(position)] * 2, ink, 1, 0.9 if position == 0 else 0.28)
        pen.text(left - 8, float(y(position)), f"{words} {what.bytes_.unit}" if is_last else words, "right", ink)
    _books(pen, what, x, y)
    for at, (times, values) in enumerate(what.sampled):
        if len(times):
            pen.line(x(times), y(values), VIOLETS[at % len(VIOLETS)], 1.7, solid_joinstyle="round")
    _legend(pen, what, left, top + TOP - 18, ink)


def _books(pen: Pen, what: Panel, x: Callable[[Any], Any], y: Callable[[Any], Any]) -> None:
    times, values = what.books
    if not len(times):
        return
    xs, ys = x(np.repeat(times, 2)[1:]), y(np.repeat(values, 2)[:-1])
    base = float(y(0))
    pen.area([xs[0], *xs, xs[-1]], [base, *ys, base], VIOLETS[0], 0.24)
    pen.line(xs, ys, VIOLETS[0], 2.2 if len(times) <= 800 else 1.0)


def _legend(pen: Pen, what: Panel, left: float, y: float, ink: str) -> None:
    """Above the curves: the peak, then what each line is."""
    place = left + pen.text(left, y, what.words, "left", VIOLETS[0], "-Bold") + 24
    entries = [(f"{what.libraries}, allocated", VIOLETS[0], True)] if len(what.books[0]) else []
    names = what.names if len(what.names) == 1 else [name.partition(",")[0] for name in what.names[:4]]
    sampled = " (sampled)" if len(names) == 1 else ""
    entries += [(name + sampled, VIOLETS[at % len(VIOLETS)], False) for at, name in enumerate(names)]
    for words, color, is_area in entries:
        if is_area:
            pen.area([place, place + 26, place + 26, place], [y - 6, y - 6, y + 6, y + 6], color, 0.24)
        level = y - 6 if is_area else y
        pen.line([place, place + 26], [level, level], color, 1.7)
        place += 34 + pen.text(place + 34, y, words, "left", ink) + 20


def table(trace: Trace) -> Table | None:
    """What CuPy and torch took by place, largest peak first; None where they kept no books."""
    costs = [cost for cost in trace.device_costs if cost.gross or cost.net]
    if not costs:
        return None
    several = len({cost.device for cost in costs}) > 1
    unit, size = unit_for(max(max(cost.peak, abs(cost.net)) for cost in costs))
    shown, most = costs[:ROWS], max(cost.peak for cost in costs) or 1
    columns = [Column("line", ">"), Column("source", is_code=True, gives=True), Column("by")]
    columns += [Column("GPU", ">")] if several else []
    columns += [Column("hits", ">"), Column(f"peak {unit}", ">"), Column(f"net {unit}", ">")]
    entries = []
    for cost in shown:
        name = one_line(cost.function)
        place = f"in {name}: " if name not in ("", "<cell>") else ""
        cells = [str(cost.line or ""), place + expression(cost.source), cost.library]
        cells += [str(cost.device)] if several else []
        cells += [f"×{cost.hits}" if cost.hits > 1 else "", _number(cost.peak, size, cost.is_bound)]
        entries.append(Entry((*cells, _signed(cost.net, size)), share=cost.peak / most))
    remark = f"and {len(costs) - ROWS} more of smaller peaks" if len(costs) > ROWS else ""
    return Table("On the GPU", tuple(columns), tuple(entries), bar_at=len(columns) - 2, remark=remark)


def _number(nbytes: int, size: int, is_bound: bool = False) -> str:
    if not nbytes:
        return ""
    words = f"{nbytes / size:,.1f}" if size > 1 else f"{nbytes:,}"
    return ("≤ " if is_bound else "") + ("~0" if words == "0.0" else words)


def _signed(nbytes: int, size: int) -> str:
    words = _number(abs(nbytes), size)
    return words if words in ("", "~0") else ("−" if nbytes < 0 else "+") + words
