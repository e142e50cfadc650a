"""Random cells with aliases, mixed dtypes, broadcasting, read-only and strided arrays: no advice on them is wrong.

Each piece of advice is taken over and run from the same start: equal by its own promise, other names as they were, the
peak lower by what was said.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from advice_judge import broken
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import npmem_magic
from npmem_magic.cell import Cell, PlainPython
from npmem_magic.record import Options, record

ROWS, COLUMNS = 400, 500  # 1.5 MiB of float64

STARTS = [
    "{a} = rng.random((R, C))",
    "{a} = rng.random((R, C)).astype(np.float32)",
    "{a} = rng.integers(-50, 50, (R, C))",
    "{a} = rng.integers(0, 100, (R, C)).astype(np.int16)",
    "{a} = rng.random((R, C)) > 0.5",
    "{a} = rng.random((R, C)) + 1j",
    "{a} = np.asfortranarray(rng.random((R, C)))",
    "{a} = rng.random((R, 2 * C))[:, ::2]",
    "{a} = rng.random((C, R)).T",
    "{a} = rng.random((R, C)); {a}.flags.writeable = False",
    "{a} = rng.random(C)",
    "{a} = rng.random((R, 1))",
    "{a} = np.float64(1.5)",
    "{a} = 3",
]
ALIASES = ["{a} = {b}", "{a} = {b}[:]", "{a} = [{b}]", "{a} = {b}.T", "{a} = lambda v={b}: v", "{a} = None"]
EXPRESSIONS = [
    "{b} * 2", "{b} + {c}", "{b} - {c} * 2", "1 - {b} * 2", "np.sqrt(abs({b}) + 1)", "np.abs({b} - {c})", "{b} ** 2",
    "({b} - {b}.mean()) / 3", "{b} / 2", "-{b} + 1", "np.where({b} > 0, {b}, {c})", "{b}.astype(float)",
    "np.exp(-({b} ** 2))", "{b}.sum() * {c}", "({b} * {c}).sum()", "({b} ** 2).sum(axis=0)",
    "np.float64(2) * ({b} + 1)",
    "{b}.astype(np.float32) * 3 + 1", "np.maximum({b}, {c}) * 2", "{b} * {c} + {b} * 3", "{b}.copy() + 1",
    "np.mean({b} ** 2)", "{b}.var()", "np.sort({b}, axis=None)[0]", "({b} > 0).any()", "np.cumsum({b} * 2)",
    "np.clip({b} * 2, 0, 1)", "np.round({b} * 2, 1)", "{b}.ravel() * 2", "{b}.T * 2", "{b}[:, None] * 1",
]  # fmt: skip
STATEMENTS = [
    *["{a} = E"] * 3, "{a} = E; {d} = 1", "for k in range(3):\n    {a} = E", "print", "{a} += 1",
    "if True:\n    {a} = E",
    "def f(v):\n    return v * 2 + 1\n{a} = f({b})", "{a}[0] = 5", "del {a}",
]  # fmt: skip
names = st.sampled_from("xyzw")


@st.composite
def cells(draw: st.DrawFn) -> tuple[str, str]:
    """(set-up, cell)."""
    bound = "xyzw"[: draw(st.integers(2, 4))]
    setup = ["rng = np.random.default_rng(0)"]
    setup += [draw(st.sampled_from(STARTS)).format(a=name) for name in bound]
    for name in draw(st.lists(st.sampled_from("uv"), max_size=2, unique=True)):
        setup.append(draw(st.sampled_from(ALIASES)).format(a=name, b=draw(st.sampled_from(bound))))
    cell = []
    for _ in range(draw(st.integers(1, 3))):
        a, b, c = draw(st.sampled_from(bound)), draw(st.sampled_from(bound)), draw(st.sampled_from(bound))
        form = draw(st.sampled_from(STATEMENTS)).replace("E", draw(st.sampled_from(EXPRESSIONS)))
        cell.append("print(1)" if form == "print" else form.format(a=a, b=b, c=c, d="extra"))
    return "\n".join(setup), "\n".join(cell)


def start(setup: str) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": "__main__", "np": np, "R": ROWS, "C": COLUMNS}
    exec(setup, found)
    return found


def run(setup: str, source: str) -> tuple[dict[str, Any], int, BaseException | None]:
    found = start(setup)
    recording = record(Cell.from_source(source, PlainPython(), found), found, Options(sampler="off"))
    return found, recording.trace.peak, recording.outcome.error


@given(cells())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_advice_is_wrong(program: tuple[str, str]) -> None:
    setup, cell = program
    note(f"{setup}\n# ----\n{cell}")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            before, peak, error = run(setup, cell)
        except (TypeError, IndexError, ValueError, AttributeError):
            return  # the set-up does not go with what it was drawn for
        if error is not None:
            return
        trace = npmem_magic.trace(cell, namespace=start(setup), sampler="off")
        assert not [each for each in trace.notes if "failed on this cell" in each]
        for piece in trace.advice:
            note(f"{piece.rule} ({piece.keeps}, {piece.verdict}):\n{trace.apply(piece)}")
            after, lower, error = run(setup, trace.apply(piece))
            assert error is None
            assert peak - lower >= 0.99 * piece.saving - 65536 and peak - lower > 0
            assert broken(before, after, piece.keeps) == ""
