"""The lane of lines: which lines ran when, loops folded, and labels that never collide. Data only, no ink."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..trace import Curve, LineCost, Trace
from .curves import shown_peak

Measure = Callable[[str], float]  # the width of a text
MOST_ROUNDS_SHOWN = 60


@dataclass(frozen=True)
class Segment:
    """A stretch of time spent in one statement or one whole loop, from `start` to `end` in nanoseconds.

    `rounds` is how often a loop went round (``"6"``, ``"1000+"``, empty for anything else), `starts` when each round
    began (empty when there are many), `peak` whether the peak was reached in it.
    """

    start: int
    end: int
    first: int
    last: int
    rounds: str = ""
    starts: tuple[int, ...] = ()
    peak: bool = False

    @property
    def lines(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"

    @property
    def label(self) -> str:
        return f"{self.lines} ×{self.rounds}" if self.rounds else self.lines


@dataclass(frozen=True)
class Label:
    """A text in the lane, from `left` to `right`; a `leader` stands above it and points at `spot`."""

    text: str
    left: float
    right: float
    spot: float
    leader: bool
    peak: bool
    weight: float = 0.0


@dataclass(frozen=True)
class _Unit:
    first: int
    last: int
    body: int = 0  # the line whose hits count a loop's rounds; 0 for what is no loop


def fold(trace: Trace) -> tuple[Segment, ...]:
    """The trace's line events as segments in time order; each loop of the top level is one."""
    total = int(trace.seconds * 1e9)
    times, lines = np.clip(trace.lane[0], 0, total), trace.lane[1]
    if not len(times):
        return ()
    units = _units_by_line(trace.source, trace.first_line)
    number = {line: units.get(line, _Unit(line, line)) for line in np.unique(lines).tolist()}
    keys = {unit: key for key, unit in enumerate(dict.fromkeys(number.values()))}
    ids = np.array([keys[number[line]] for line in lines.tolist()])
    starts = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist()]
    ends = [*starts[1:], len(times)]
    found, moment = [], shown_peak(*trace.timeline, trace.peak_ns, trace.peak)
    for low, high in zip(starts, ends, strict=True):
        end = int(times[high]) if high < len(times) else total
        segment = _segment(number[int(lines[low])], times[low:high], lines[low:high], end, trace, moment)
        found.append(segment)
    return tuple(found)


def _segment(unit: _Unit, times: Curve, lines: Curve, end: int, trace: Trace, moment: int) -> Segment:
    start = int(times[0])
    holds_peak = trace.peak > 0 and start <= moment < max(end, start + 1)
    segment = Segment(start, end, unit.first, unit.last, peak=holds_peak)
    rounds = _rounds(unit.body, trace) if unit.body else ""
    if not rounds:
        return segment
    begun = times[lines == unit.body]
    return replace(segment, rounds=rounds, starts=tuple(begun.tolist()) if len(begun) <= MOST_ROUNDS_SHOWN else ())


def _rounds(line: int, trace: Trace) -> str:
    """How often `line` of the top level ran, ``1000+`` when its clock was switched off, empty for less than twice."""
    own = [cost for cost in trace.lines if cost.line == line and cost.function not in trace.functions]
    cost = max(own, key=lambda found: found.hits, default=None)
    return "" if cost is None or cost.hits < 2 else hits_text(cost)


def hits_text(cost: LineCost) -> str:
    """``6``, or ``1000+`` for a line whose clock was switched off."""
    return f"{cost.hits}{'+' if cost.hot else ''}"


def _units_by_line(source: str, first_line: int) -> dict[int, _Unit]:
    """For each line the outermost loop, else the statement, that it belongs to; empty for text that is not Python."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError):
        return {}
    shift = first_line - 1
    return {
        line + shift: _Unit(unit.first + shift, unit.last + shift, unit.body + shift if unit.body else 0)
        for unit in _units(tree.body)
        for line in range(unit.first, unit.last + 1)
    }


def _units(statements: Iterable[ast.stmt]) -> Iterator[_Unit]:
    for node in statements:
        last = node.end_lineno or node.lineno
        inner = list(_statements_under(node))
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            yield _Unit(node.lineno, last, node.body[0].lineno)
        elif inner:
            yield _Unit(node.lineno, max(node.lineno, inner[0].lineno - 1))
            yield from _units(inner)
        else:
            yield _Unit(node.lineno, last)


def _statements_under(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _statements_under(child)


def place(segments: tuple[Segment, ...], total: int, width: float, measure: Measure) -> tuple[Label, ...]:
    """Labels for a lane `width` wide (in `measure`'s unit) and `total` ns long; none overlaps another of its row.

    A label that fits its segment stands in it. Neighbours that are too narrow share one: inside when it fits the
    whole of them, else above, with a leader. Where even that is crowded the shortest are left out.
    """
    scale = width / max(total, 1)
    inside: list[Label] = []
    leaders: list[Label] = []
    for group in _groups(segments, scale, measure):
        text = _group_text(group)
        left, right = group[0].start * scale, group[-1].end * scale
        middle, size = (left + right) / 2, measure(text)
        peak = any(segment.peak for segment in group)
        fits = size <= right - left
        label = Label(text, middle - size / 2, middle + size / 2, middle, not fits, peak, right - left)
        (inside if fits else leaders).append(label)
    return (*inside, *_spread(leaders, width, measure(" ") * 1.6))


def _groups(segments: tuple[Segment, ...], scale: float, measure: Measure) -> list[list[Segment]]:
    groups: list[list[Segment]] = []
    narrow: list[Segment] = []
    for segment in segments:
        if measure(segment.label) <= (segment.end - segment.start) * scale:
            groups += [narrow, [segment]] if narrow else [[segment]]
            narrow = []
        else:
            narrow.append(segment)
    return [*groups, narrow] if narrow else groups


def _group_text(group: list[Segment]) -> str:
    if len(group) == 1:
        return group[0].label
    first, last = min(segment.first for segment in group), max(segment.last for segment in group)
    if first == last:
        return str(first)
    return f"{first},{last}" if len(group) == 2 and last - first == 1 else f"{first}–{last}"


def _spread(leaders: list[Label], width: float, gap: float) -> list[Label]:
    """The leaders moved apart; while one would stand too far from its spot, the least important is dropped."""
    while leaders:
        placed = _pack(leaders, width, gap)
        reach = max(abs((label.left + label.right) / 2 - label.spot) - (label.right - label.left) for label in placed)
        if placed[0].left >= 0 and reach <= 0:
            return placed
        leaders.remove(min(leaders, key=lambda label: (label.peak, label.weight)))
    return []


def _pack(leaders: list[Label], width: float, gap: float) -> list[Label]:
    placed: list[Label] = []
    edge = 0.0
    for label in leaders:
        size = label.right - label.left
        left = max(label.left, edge, 0.0)
        placed.append(replace(label, left=left, right=left + size))
        edge = left + size + gap
    edge = width
    for index in reversed(range(len(placed))):
        label = placed[index]
        over = max(0.0, label.right - edge)
        placed[index] = replace(label, left=label.left - over, right=label.right - over)
        edge = placed[index].left - gap
    return placed
