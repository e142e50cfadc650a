"""Random straight-line NumPy programs: every part of a Trace agrees with an independent count and with the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from oracle import agree, near, run_lines

import npmem_magic
from npmem_magic.trace import Trace

NAMES = "abcde"
BIGGEST = 1_000_000  # elements
SIZES = st.one_of(st.integers(1, 600), st.integers(1, 40_000), st.integers(1, BIGGEST))


@dataclass
class Program:
    """A program being written: its lines, and for each name bound so far the most elements it can have."""

    lines: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def bind(self, name: str, expression: str, size: int) -> None:
        self.lines.append(f"{name} = {expression}")
        self.sizes[name] = size


# Each writes one line; `a` is any name, `b` and `c` are bound. Values stay finite floats, results are never empty.
UNARY = [
    "{b} + 1",
    "{b} * 2 - 1",
    "1 - {b} * 0.5",
    "({b} + 1) / ({b} * {b} + 2)",
    "-{b}",
    "abs({b} - 3)",
    "np.sqrt(abs({b}))",
    "{b}.copy()",
    "{b}.astype(np.float32)",
    "{b}.astype(np.float64)",
    "{b}[{b} == {b}]",
    "np.where({b} > 0, {b}, 1.0)",
    "np.sort({b})",
    "np.cumsum({b} * 0)",
    "{b}.repeat(1)",
    "np.zeros_like({b})",
    "np.median({b}) + {b}",
    "{b}",
    "{b}[::2]",
    "{b}[{b}.size // 2:]",
    "{b}[::-1]",
    "{b}.reshape(1, -1).ravel()",
    "{b}.reshape(-1, 1).T.reshape(-1)",
]
STATEMENTS = [
    "{b} += 1",
    "{b}[:] = 0",
    "{b}[::2] *= 0.5",
    "{b}[:] = {b} * 2 + 1",
    "np.add({b}, 1, out={b})",
    "{b} += {b}[::-1]",
    "{b}.sort()",
    "parts.append({b})",
    "parts = [{b}, {b}[1:], {b} + 1]",
    "parts = [part * 2 for part in parts[:3]]",
    "parts = []",
    "total = float({b}.sum())",
    "pass",
]
CREATION = ["np.empty({n})", "np.zeros({n})", "np.ones({n})", "np.arange({n}) / 1", "np.full({n}, 0.5, np.float32)"]


def create(draw: Callable[[Any], Any], program: Program) -> None:
    size = draw(SIZES)
    expression = draw(st.sampled_from(CREATION)).format(n=size)
    program.bind(draw(st.sampled_from(NAMES)), expression.replace("np.empty", "np.zeros"), size)


def compute(draw: Callable[[Any], Any], program: Program) -> None:
    b = draw(st.sampled_from(sorted(program.sizes)))
    program.bind(draw(st.sampled_from(NAMES)), draw(st.sampled_from(UNARY)).format(b=b), program.sizes[b])


def join(draw: Callable[[Any], Any], program: Program) -> None:
    b, c = (draw(st.sampled_from(sorted(program.sizes))) for _ in range(2))
    size = program.sizes[b] + program.sizes[c]
    if size <= BIGGEST:
        program.bind(draw(st.sampled_from(NAMES)), f"np.concatenate([{b}, {c}])", size)


def act(draw: Callable[[Any], Any], program: Program) -> None:
    b = draw(st.sampled_from(sorted(program.sizes)))
    program.lines.append(draw(st.sampled_from(STATEMENTS)).format(b=b))


def forget(draw: Callable[[Any], Any], program: Program) -> None:
    b = draw(st.sampled_from(sorted(program.sizes)))
    del program.sizes[b]
    program.lines.append(f"del {b}")


@st.composite
def programs(draw: Callable[[Any], Any]) -> list[str]:
    """Lines of a program that runs without error in a namespace of ``np`` and an empty list ``parts``."""
    program = Program()
    for _ in range(draw(st.integers(1, 14))):
        steps = [create, compute, compute, compute, join, act, act, forget] if program.sizes else [create]
        draw(st.sampled_from(steps))(draw, program)
    return program.lines


def start() -> dict[str, Any]:
    return {"np": np, "parts": []}


def owner(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array whose buffer `array` looks into."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def living_bytes(values: Iterable[Any]) -> int:
    """Bytes of the distinct buffers behind the arrays of a namespace and of its lists; one for an empty array."""
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    arrays += [part for value in values if isinstance(value, list) for part in value]
    return sum({id(owner(array)): max(1, owner(array).nbytes) for array in arrays}.values())


# The ledger is chosen once for all programs of a test.
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
quiet = settings(max_examples=60, deadline=None, suppress_health_check=SLOW)


def same(trace: Trace, counted: int, true: int) -> bool:
    """To the byte, or within the pure ledger's tolerance."""
    return counted == true if trace.engine == "native" else near(counted, true)


def run(lines: list[str]) -> tuple[Trace, dict[str, Any]]:
    note("\n".join(lines))
    exec("\n".join(lines), start())  # fills NumPy's own caches
    names = start()
    return npmem_magic.trace("\n".join(lines), namespace=names, sampler="off"), names


@pytest.mark.usefixtures("ledger")
@quiet
@given(programs())
def test_totals_lines_sites_and_timeline_agree(lines: list[str]) -> None:
    trace, names = run(lines)
    log, costs = run_lines(lines, start())
    agree(trace, log)
    by_line = {line.line: line for line in trace.lines if line.function == "<cell>"}
    for number, cost in enumerate(costs, 1):
        line = by_line[number]
        assert line.source == lines[number - 1]
        if trace.engine == "native":
            assert (line.peak, line.net, line.gross) == (cost.peak, cost.net, cost.gross)
        else:
            assert near(line.peak, cost.peak) and near(line.net, cost.net), (line, cost)
            assert line.gross < cost.gross or near(line.gross, cost.gross), (line, cost)
        # Before 3.12 a comprehension is a frame of its own, whose line begins once more.
        assert line.hits == 1 or (sys.version_info < (3, 12) and " for " in line.source)
    assert same(trace, trace.net, living_bytes(list(names.values())))


@pytest.mark.usefixtures("ledger")
@quiet
@given(programs())
def test_what_was_alive_at_the_peak_adds_up(lines: list[str]) -> None:
    trace, _ = run(lines)
    bound = {line.split(" = ")[0] for line in lines if " = " in line}
    assert sum(holding.nbytes for holding in trace.at_peak) == trace.peak  # nothing older could be freed
    assert all(holding.nbytes > 0 for holding in trace.at_peak)
    elements = {f"parts[{k}]" for k in range(99)}
    assert {holding.name for holding in trace.at_peak} - {None} <= bound | {"parts"} | elements
    assert trace.peak == 0 or 1 <= trace.peak_line <= len(lines)
    when, allocated = trace.timeline
    assert trace.peak == 0 or trace.peak_ns in when[allocated == trace.peak]


@pytest.mark.usefixtures("ledger")
@quiet
@given(programs())
def test_a_program_undone_costs_nothing(lines: list[str]) -> None:
    """Whatever was made, a cell that frees it all has net 0, and the next one starts from nothing."""
    undo = ["a = b = c = d = e = 0", "parts = []"]
    trace, _ = run(lines + undo)
    assert same(trace, trace.net, 0)
    assert same(trace, sum(site.net for site in trace.expressions), 0)


@pytest.mark.usefixtures("ledger")
@quiet
@given(programs(), st.integers(0, 14))
def test_two_cells_cost_what_one_does(lines: list[str], cut: int) -> None:
    """Split anywhere, the nets and grosses of the halves add up: buffers born in one may die in the other."""
    whole, _ = run(lines)
    names = start()
    halves = ["\n".join(lines[:cut]), "\n".join(lines[cut:])]
    first, second = (npmem_magic.trace(half, namespace=names, sampler="off") for half in halves)
    assert same(whole, first.net + second.net, whole.net)
    assert same(whole, first.gross + second.gross, whole.gross)
    assert same(whole, max(first.peak, first.net + second.peak), whole.peak)
